//! The primitives of this crate as methods.

use difrules_core::contract::AsWhole;
use difrules_core::{Real, Scalar, Whole};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, U1};

use super::failure::{MatrixError, named};
use super::operators::Beside;
use super::{Matrix, Vector};
use crate::dimensions::SvdAllocator;
use crate::{ColPivQr, Diagonal, FullPivLu, Lblt, Lu, Operation, Side, Triangle, Udu};

/// A primitive whose result is a structure with more than matrices in it, which stays whole.
macro_rules! structure {
    ($name:ident [$($parameter:ty),*] $argument:expr) => {
        named(
            stringify!($name),
            T::Real::apply_whole::<crate::$name<T::Kind $(, $parameter)*>>(($argument.lend(),))
                .map(Whole::new),
        )
    };
}

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The transpose; see [`transpose`](fn@crate::transpose).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from(dmatrix![1.0, 2.0]).transpose(), dmatrix![1.0; 2.0]);
    /// ```
    pub fn transpose(&self) -> Matrix<T, C, R>
    where
        DefaultAllocator: Allocator<C, R>,
    {
        Matrix(crate::transpose::whole(&self.0))
    }

    /// The conjugate transpose; see [`adjoint`](fn@crate::adjoint).
    pub fn adjoint(&self) -> Matrix<T, C, R>
    where
        DefaultAllocator: Allocator<C, R>,
    {
        Matrix(crate::adjoint::whole(&self.0))
    }

    /// The diagonal; see [`diagonal`](fn@crate::diagonal).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(*a.diagonal(), dvector![2.0, 3.0]);
    /// ```
    pub fn diagonal(&self) -> Vector<T, DimMinimum<R, C>>
    where
        R: DimMin<C>,
        DefaultAllocator: Allocator<DimMinimum<R, C>>,
    {
        Matrix(crate::diagonal::whole(&self.0))
    }

    /// The matrix times a number, as `*`; see [`scale`](fn@crate::scale).
    pub fn scale(&self, a: T) -> Self {
        Self(crate::scale::whole(a, &self.0))
    }

    /// The matrix over a number, as `/`; see [`unscale`](fn@crate::unscale).
    pub fn unscale(&self, a: T) -> Self {
        Self(crate::unscale::whole(a, &self.0))
    }

    /// The products of the entries in the same places; see [`component_mul`](fn@crate::component_mul).
    ///
    /// # Errors
    /// Those of [`component_mul`](fn@crate::component_mul).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// assert_eq!(*a.component_mul(&dmatrix![3.0, 4.0])?, dmatrix![3.0, 8.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn component_mul(&self, b: impl Beside<T, R, C>) -> Result<Self, MatrixError> {
        named("component_mul", crate::component_mul::whole(&self.0, &b.beside()).map(Self))
    }

    /// The transpose times `b`; see [`tr_mul`](fn@crate::tr_mul).
    ///
    /// # Errors
    /// Those of [`tr_mul`](fn@crate::tr_mul).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(a.tr_mul(&a)?, a.transpose() * &a);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn tr_mul<C2: Dim>(&self, b: impl Beside<T, R, C2>) -> Result<Matrix<T, C, C2>, MatrixError>
    where
        DefaultAllocator: Allocator<R, C2> + Allocator<C, C2>,
    {
        named("tr_mul", crate::tr_mul::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The sum of all entries; see [`sum`](fn@crate::sum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![1.0, 2.0]).sum(), 3.0);
    /// ```
    pub fn sum(&self) -> T {
        crate::sum::whole(&self.0)
    }

    /// The sum of the products of the entries in the same places, without conjugation; see [`dot`](fn@crate::dot).
    ///
    /// # Errors
    /// Those of [`dot`](fn@crate::dot).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let a = Vector::from(dvector![1.0, 2.0]);
    /// assert_eq!(a.dot(&dvector![3.0, 4.0])?, 11.0);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn dot(&self, b: impl Beside<T, R, C>) -> Result<T, MatrixError> {
        named("dot", crate::dot::whole(&self.0, &b.beside()))
    }

    /// The root of the sum of the squared moduli; see [`norm`](fn@crate::norm).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![3.0, 4.0]).norm(), 5.0);
    /// ```
    pub fn norm(&self) -> T::Real {
        crate::norm::whole(&self.0)
    }

    /// The [`norm`](Matrix::norm) by its name in BLAS; see [`nrm2`](fn@crate::nrm2).
    pub fn nrm2(&self) -> T::Real {
        crate::nrm2::whole(&self.0)
    }

    /// The norm of the entries of the exponent `p`; see [`lp_norm`](fn@crate::lp_norm).
    ///
    /// # Errors
    /// Those of [`lp_norm`](fn@crate::lp_norm).
    pub fn lp_norm(&self, p: T::Real) -> Result<T::Real, MatrixError> {
        named("lp_norm", crate::lp_norm::whole(&self.0, p))
    }

    /// The largest sum of the moduli of a row; see [`norm_inf`](fn@crate::norm_inf).
    ///
    /// # Errors
    /// Those of [`norm_inf`](fn@crate::norm_inf).
    pub fn norm_inf(&self) -> Result<T::Real, MatrixError> {
        named("norm_inf", crate::norm_inf::whole(&self.0))
    }

    /// The largest sum of the moduli of a column; see [`one_norm`](fn@crate::one_norm).
    ///
    /// # Errors
    /// Those of [`one_norm`](fn@crate::one_norm).
    pub fn one_norm(&self) -> Result<T::Real, MatrixError> {
        named("one_norm", crate::one_norm::whole(&self.0))
    }

    /// The matrix over its norm; see [`normalize`](fn@crate::normalize).
    ///
    /// # Errors
    /// Those of [`normalize`](fn@crate::normalize).
    pub fn normalize(&self) -> Result<Self, MatrixError> {
        named("normalize", crate::normalize::whole(&self.0).map(Self))
    }

    /// The sum of the squared moduli of all entries; see [`norm_squared`](fn@crate::norm_squared).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![3.0, 4.0]).norm_squared(), 25.0);
    /// ```
    pub fn norm_squared(&self) -> T::Real {
        crate::norm_squared::whole(&self.0)
    }

    /// Adds `a` times `x` in place; see [`axpy`](fn@crate::axpy).
    ///
    /// # Errors
    /// Those of [`axpy`](fn@crate::axpy).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let mut y = Vector::from(dvector![1.0, 2.0]);
    /// y.axpy(2.0, &dvector![10.0, 20.0])?;
    /// assert_eq!(*y, dvector![21.0, 42.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn axpy(&mut self, a: T, x: impl Beside<T, R, C>) -> Result<(), MatrixError> {
        named("axpy", crate::axpy::whole(a, &x.beside(), &mut self.0).map(|_| ()))
    }

    /// `alpha` op(A) op(B) + `beta` times the matrix, in place; see [`gemm`](fn@crate::gemm).
    ///
    /// # Errors
    /// Those of [`gemm`](fn@crate::gemm).
    pub fn gemm<RA: Dim, CA: Dim, RB: Dim, CB: Dim>(
        &mut self,
        operation_a: Operation,
        operation_b: Operation,
        alpha: T,
        a: impl Beside<T, RA, CA>,
        b: impl Beside<T, RB, CB>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<RA, CA> + Allocator<RB, CB>,
    {
        let (a, b, c) = (a.beside(), b.beside(), &mut self.0);
        let product = crate::gemm::whole(operation_a, operation_b, alpha, &a, &b, beta, c);
        named("gemm", product.map(|_| ()))
    }

    /// Solves a triangular system in place; see [`trsm`](fn@crate::trsm).
    ///
    /// # Errors
    /// Those of [`trsm`](fn@crate::trsm).
    pub fn trsm<D: Dim>(
        &mut self,
        side: Side,
        triangle: Triangle,
        operation: Operation,
        diagonal: Diagonal,
        alpha: T,
        a: impl Beside<T, D, D>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        let b = &mut self.0;
        named(
            "trsm",
            crate::trsm::whole(side, triangle, operation, diagonal, alpha, &a.beside(), b)
                .map(|_| ()),
        )
    }

    /// Q and R with A = Q R; see [`qr`](fn@crate::qr).
    ///
    /// # Errors
    /// Those of [`qr`](fn@crate::qr).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let (q, r) = a.qr()?;
    /// assert!((&*(q * r) - &*a).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn qr(
        &self,
    ) -> Result<(Matrix<T, R, DimMinimum<R, C>>, Matrix<T, DimMinimum<R, C>, C>), MatrixError>
    where
        R: DimMin<C>,
        DefaultAllocator: Allocator<R>
            + Allocator<DimMinimum<R, C>>
            + Allocator<R, DimMinimum<R, C>>
            + Allocator<DimMinimum<R, C>, C>
            + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
    {
        named(
            "qr",
            crate::qr::whole(&self.0).map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// L and Q with A = L Q; see [`lq`](fn@crate::lq).
    ///
    /// # Errors
    /// Those of [`lq`](fn@crate::lq).
    pub fn lq(
        &self,
    ) -> Result<(Matrix<T, R, DimMinimum<C, R>>, Matrix<T, DimMinimum<C, R>, C>), MatrixError>
    where
        C: DimMin<R>,
        DefaultAllocator: Allocator<C, R>
            + Allocator<C>
            + Allocator<DimMinimum<C, R>>
            + Allocator<R, DimMinimum<C, R>>
            + Allocator<DimMinimum<C, R>, C>
            + Allocator<C, DimMinimum<C, R>>
            + Allocator<DimMinimum<C, R>, R>
            + Allocator<DimMinimum<C, R>, DimMinimum<C, R>>,
    {
        named(
            "lq",
            crate::lq::whole(&self.0).map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// Q, R and the order of the columns; see [`col_piv_qr`](fn@crate::col_piv_qr).
    ///
    /// # Errors
    /// Those of [`col_piv_qr`](fn@crate::col_piv_qr).
    pub fn col_piv_qr(&self) -> Result<Whole<ColPivQr<T, R, C>>, MatrixError>
    where
        R: DimMin<C>,
        DefaultAllocator: Allocator<R>
            + Allocator<C>
            + Allocator<U1, C>
            + Allocator<DimMinimum<R, C>>
            + Allocator<R, DimMinimum<R, C>>
            + Allocator<DimMinimum<R, C>, C>
            + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
    {
        structure!(col_piv_qr [R, C] self.0)
    }

    /// The LU factors in one, for [`lu_solve`](Matrix::lu_solve); see [`lu`](fn@crate::lu).
    ///
    /// # Errors
    /// Those of [`lu`](fn@crate::lu).
    pub fn lu(&self) -> Result<Whole<Lu<T, R, C>>, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        structure!(lu [R, C] self.0)
    }

    /// The LU factors with both orders; see [`full_piv_lu`](fn@crate::full_piv_lu).
    ///
    /// # Errors
    /// Those of [`full_piv_lu`](fn@crate::full_piv_lu).
    pub fn full_piv_lu(&self) -> Result<Whole<FullPivLu<T, R, C>>, MatrixError>
    where
        DefaultAllocator: Allocator<R> + Allocator<C>,
    {
        structure!(full_piv_lu [R, C] self.0)
    }

    /// U, the singular values and V^H; see [`svd`](fn@crate::svd).
    ///
    /// # Errors
    /// Those of [`svd`](fn@crate::svd).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let (u, s, v_t) = a.svd()?;
    /// assert!((&*(u * Matrix::from_diagonal(&s) * v_t) - &*a).norm() < 1e-14);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn svd(
        &self,
    ) -> Result<
        (
            Matrix<T, R, DimMinimum<R, C>>,
            Vector<T::Real, DimMinimum<R, C>>,
            Matrix<T, DimMinimum<R, C>, C>,
        ),
        MatrixError,
    >
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named(
            "svd",
            crate::svd::whole(&self.0)
                .map(|(first, second, third)| (Matrix(first), Matrix(second), Matrix(third))),
        )
    }

    /// The singular values, the largest first; see [`singular_values`](fn@crate::singular_values).
    ///
    /// # Errors
    /// Those of [`singular_values`](fn@crate::singular_values).
    pub fn singular_values(&self) -> Result<Vector<T::Real, DimMinimum<R, C>>, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("singular_values", crate::singular_values::whole(&self.0).map(Matrix))
    }

    /// The unitary and the positive semidefinite factor; see [`polar`](fn@crate::polar).
    ///
    /// # Errors
    /// Those of [`polar`](fn@crate::polar).
    pub fn polar(&self) -> Result<(Matrix<T, R, C>, Matrix<T, C, C>), MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C> + Allocator<C, C>,
    {
        named(
            "polar",
            crate::polar::whole(&self.0).map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// U, the diagonal, the one beside it, and V^H; see [`bidiagonal`](fn@crate::bidiagonal).
    ///
    /// # Errors
    /// Those of [`bidiagonal`](fn@crate::bidiagonal).
    pub fn bidiagonal(
        &self,
    ) -> Result<
        (
            Matrix<T, R, DimMinimum<R, C>>,
            Vector<T::Real, DimMinimum<R, C>>,
            Vector<T::Real, DimDiff<DimMinimum<R, C>, U1>>,
            Matrix<T, DimMinimum<R, C>, C>,
        ),
        MatrixError,
    >
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named(
            "bidiagonal",
            crate::bidiagonal::whole(&self.0)
                .map(|(a, b, c, d)| (Matrix(a), Matrix(b), Matrix(c), Matrix(d))),
        )
    }

    /// The pseudo-inverse; see [`pseudo_inverse`](fn@crate::pseudo_inverse).
    ///
    /// # Errors
    /// Those of [`pseudo_inverse`](fn@crate::pseudo_inverse).
    pub fn pseudo_inverse(&self) -> Result<Matrix<T, C, R>, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
    {
        named("pseudo_inverse", crate::pseudo_inverse::whole(&self.0).map(Matrix))
    }

    /// The largest singular value; see [`spectral_norm`](fn@crate::spectral_norm).
    ///
    /// # Errors
    /// Those of [`spectral_norm`](fn@crate::spectral_norm).
    pub fn spectral_norm(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("spectral_norm", crate::spectral_norm::whole(&self.0))
    }

    /// The sum of the singular values; see [`nuclear_norm`](fn@crate::nuclear_norm).
    ///
    /// # Errors
    /// Those of [`nuclear_norm`](fn@crate::nuclear_norm).
    pub fn nuclear_norm(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("nuclear_norm", crate::nuclear_norm::whole(&self.0))
    }

    /// The largest over the smallest singular value; see [`condition_number`](fn@crate::condition_number).
    ///
    /// # Errors
    /// Those of [`condition_number`](fn@crate::condition_number).
    pub fn condition_number(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("condition_number", crate::condition_number::whole(&self.0))
    }

    /// The smallest X with the smallest A X - B; see [`lstsq`](fn@crate::lstsq).
    ///
    /// # Errors
    /// Those of [`lstsq`](fn@crate::lstsq).
    pub fn lstsq<N: Dim>(&self, b: impl Beside<T, R, N>) -> Result<Matrix<T, C, N>, MatrixError>
    where
        R: DimMin<C>,
        C: DimMin<DimMinimum<R, C>, Output = DimMinimum<R, C>>,
        DefaultAllocator: Allocator<R>
            + Allocator<C>
            + Allocator<U1, C>
            + Allocator<DimMinimum<R, C>>
            + Allocator<R, DimMinimum<R, C>>
            + Allocator<DimMinimum<R, C>, C>
            + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
            + Allocator<C, DimMinimum<R, C>>
            + Allocator<R, N>
            + Allocator<C, N>
            + Allocator<DimMinimum<R, C>, N>,
    {
        named("lstsq", crate::lstsq::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// Solves a system by the factors of [`lu`](Matrix::lu), whose right side this is; see [`lu_solve`](fn@crate::lu_solve).
    ///
    /// # Errors
    /// Those of [`lu_solve`](fn@crate::lu_solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use difrules_linalg::{Operation, Vector};
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let factors = a.lu()?;
    /// let x = Vector::from(dvector![3.0, 4.0]).lu_solve(Operation::None, &factors)?;
    /// assert!((&*a * &*x - dvector![3.0, 4.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn lu_solve(
        &self,
        operation: Operation,
        factors: &impl AsWhole<Lu<T, R, R>>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, R> + Allocator<R>,
    {
        named("lu_solve", crate::lu_solve::whole(operation, factors, &self.0).map(Self))
    }

    /// Solves a system by the factors of [`lblt`](Matrix::lblt), whose right side this is; see [`lblt_solve`](fn@crate::lblt_solve).
    ///
    /// # Errors
    /// Those of [`lblt_solve`](fn@crate::lblt_solve).
    pub fn lblt_solve(&self, factors: &impl AsWhole<Lblt<T, R>>) -> Result<Self, MatrixError>
    where
        R: DimSub<U1>,
        DefaultAllocator: Allocator<R, R> + Allocator<R> + Allocator<DimDiff<R, U1>>,
    {
        named("lblt_solve", crate::lblt_solve::whole(factors, &self.0).map(Self))
    }

    /// Solves a system by the factors of [`udu`](Matrix::udu), whose right side this is; see [`udu_solve`](fn@crate::udu_solve).
    ///
    /// # Errors
    /// Those of [`udu_solve`](fn@crate::udu_solve).
    pub fn udu_solve(&self, factors: &impl AsWhole<Udu<T, R>>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, R> + Allocator<R>,
    {
        named("udu_solve", crate::udu_solve::whole(factors, &self.0).map(Self))
    }

    /// Solves a system with these three diagonals, whose right side this is; see [`tridiagonal_solve`](fn@crate::tridiagonal_solve).
    ///
    /// # Errors
    /// Those of [`tridiagonal_solve`](fn@crate::tridiagonal_solve).
    pub fn tridiagonal_solve(
        &self,
        lower: impl Beside<T, R, U1>,
        diagonal: impl Beside<T, R, U1>,
        upper: impl Beside<T, R, U1>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        let solved = crate::tridiagonal_solve::whole(
            &lower.beside(),
            &diagonal.beside(),
            &upper.beside(),
            &self.0,
        );
        named("tridiagonal_solve", solved.map(Self))
    }

    /// Solves a system with this first column and row, whose right side this is; see [`toeplitz_solve`](fn@crate::toeplitz_solve).
    ///
    /// # Errors
    /// Those of [`toeplitz_solve`](fn@crate::toeplitz_solve).
    pub fn toeplitz_solve(
        &self,
        column: impl Beside<T, R, U1>,
        row: impl Beside<T, R, U1>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        named(
            "toeplitz_solve",
            crate::toeplitz_solve::whole(&column.beside(), &row.beside(), &self.0).map(Self),
        )
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// The sum of the diagonal; see [`trace`](fn@crate::trace).
    ///
    /// # Errors
    /// Those of [`trace`](fn@crate::trace).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(a.trace()?, 5.0);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn trace(&self) -> Result<T, MatrixError> {
        named("trace", crate::trace::whole(&self.0))
    }

    /// Half the sum of the matrix and its adjoint; see [`symmetric_part`](fn@crate::symmetric_part).
    ///
    /// # Errors
    /// Those of [`symmetric_part`](fn@crate::symmetric_part).
    pub fn symmetric_part(&self) -> Result<Self, MatrixError> {
        named("symmetric_part", crate::symmetric_part::whole(&self.0).map(Self))
    }

    /// The lower triangular L with A = L L^H; see [`cholesky`](fn@crate::cholesky).
    ///
    /// # Errors
    /// Those of [`cholesky`](fn@crate::cholesky).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let l = a.cholesky()?;
    /// assert!((&*(&l * l.adjoint()) - &*a).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn cholesky(&self) -> Result<Self, MatrixError> {
        named("cholesky", crate::cholesky::whole(&self.0).map(Self))
    }

    /// The factors of A = U D U^H, for [`udu_solve`](Matrix::udu_solve); see [`udu`](fn@crate::udu).
    ///
    /// # Errors
    /// Those of [`udu`](fn@crate::udu).
    pub fn udu(&self) -> Result<Whole<Udu<T, D>>, MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        structure!(udu [D] self.0)
    }

    /// The factors of A = L B L^H, for [`lblt_solve`](Matrix::lblt_solve); see [`lblt`](fn@crate::lblt).
    ///
    /// # Errors
    /// Those of [`lblt`](fn@crate::lblt).
    pub fn lblt(&self) -> Result<Whole<Lblt<T, D>>, MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        structure!(lblt [D] self.0)
    }

    /// The X with A X = B; see [`solve`](fn@crate::solve).
    ///
    /// # Errors
    /// Those of [`solve`](fn@crate::solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let x = a.solve(&dvector![3.0, 4.0])?;
    /// assert!((&*x - dvector![1.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn solve<C: Dim>(&self, b: impl Beside<T, D, C>) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C> + Allocator<D>,
    {
        named("solve", crate::solve::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The inverse; see [`inverse`](fn@crate::inverse).
    ///
    /// # Errors
    /// Those of [`inverse`](fn@crate::inverse).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert!((&*(a.inverse()? * &a) - dmatrix![1.0, 0.0; 0.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn inverse(&self) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("inverse", crate::inverse::whole(&self.0).map(Self))
    }

    /// The X with L L^H X = B, where this is L; see [`cholesky_solve`](fn@crate::cholesky_solve).
    ///
    /// # Errors
    /// Those of [`cholesky_solve`](fn@crate::cholesky_solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let x = a.cholesky()?.cholesky_solve(&dvector![3.0, 4.0])?;
    /// assert!((&*x - dvector![1.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn cholesky_solve<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named("cholesky_solve", crate::cholesky_solve::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The X with L X = B, where L is the lower triangle; see [`solve_lower_triangular`](fn@crate::solve_lower_triangular).
    ///
    /// # Errors
    /// Those of [`solve_lower_triangular`](fn@crate::solve_lower_triangular).
    pub fn solve_lower_triangular<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named(
            "solve_lower_triangular",
            crate::solve_lower_triangular::whole(&self.0, &b.beside()).map(Matrix),
        )
    }

    /// The X with U X = B, where U is the upper triangle; see [`solve_upper_triangular`](fn@crate::solve_upper_triangular).
    ///
    /// # Errors
    /// Those of [`solve_upper_triangular`](fn@crate::solve_upper_triangular).
    pub fn solve_upper_triangular<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named(
            "solve_upper_triangular",
            crate::solve_upper_triangular::whole(&self.0, &b.beside()).map(Matrix),
        )
    }

    /// Solves a triangular system of any of the forms; see [`solve_triangular`](fn@crate::solve_triangular).
    ///
    /// # Errors
    /// Those of [`solve_triangular`](fn@crate::solve_triangular).
    pub fn solve_triangular<C: Dim>(
        &self,
        triangle: Triangle,
        operation: Operation,
        diagonal: Diagonal,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        let x = crate::solve_triangular::whole(triangle, operation, diagonal, &self.0, &b.beside());
        named("solve_triangular", x.map(Matrix))
    }

    /// The determinant; see [`determinant`](fn@crate::determinant).
    ///
    /// # Errors
    /// Those of [`determinant`](fn@crate::determinant).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert!((a.determinant()? - 5.0_f64).abs() < 1e-14);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn determinant(&self) -> Result<T, MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("determinant", crate::determinant::whole(&self.0))
    }

    /// The logarithm of the determinant of a positive definite matrix; see [`ln_determinant`](fn@crate::ln_determinant).
    ///
    /// # Errors
    /// Those of [`ln_determinant`](fn@crate::ln_determinant).
    pub fn ln_determinant(&self) -> Result<T::Real, MatrixError> {
        named("ln_determinant", crate::ln_determinant::whole(&self.0))
    }

    /// The logarithm of the modulus of the determinant, and its sign; see [`ln_abs_determinant`](fn@crate::ln_abs_determinant).
    ///
    /// # Errors
    /// Those of [`ln_abs_determinant`](fn@crate::ln_abs_determinant).
    pub fn ln_abs_determinant(&self) -> Result<(T::Real, T), MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("ln_abs_determinant", crate::ln_abs_determinant::whole(&self.0))
    }

    /// The eigenvalues and eigenvectors of a Hermitian matrix; see [`symmetric_eigen`](fn@crate::symmetric_eigen).
    ///
    /// # Errors
    /// Those of [`symmetric_eigen`](fn@crate::symmetric_eigen).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let (values, vectors) = a.symmetric_eigen()?;
    /// assert!((&*(&a * &vectors) - &*(&vectors * Matrix::from_diagonal(&values))).norm() < 1e-14);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn symmetric_eigen(&self) -> Result<(Vector<T::Real, D>, Self), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        named(
            "symmetric_eigen",
            crate::symmetric_eigen::whole(&self.0)
                .map(|(values, vectors)| (Matrix(values), Self(vectors))),
        )
    }

    /// The eigenvalues of a Hermitian matrix; see [`symmetric_eigenvalues`](fn@crate::symmetric_eigenvalues).
    ///
    /// # Errors
    /// Those of [`symmetric_eigenvalues`](fn@crate::symmetric_eigenvalues).
    pub fn symmetric_eigenvalues(&self) -> Result<Vector<T::Real, D>, MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        named("symmetric_eigenvalues", crate::symmetric_eigenvalues::whole(&self.0).map(Matrix))
    }

    /// The eigenvalues and eigenvectors of A v = l B v; see [`generalized_symmetric_eigen`](fn@crate::generalized_symmetric_eigen).
    ///
    /// # Errors
    /// Those of [`generalized_symmetric_eigen`](fn@crate::generalized_symmetric_eigen).
    pub fn generalized_symmetric_eigen(
        &self,
        b: impl Beside<T, D, D>,
    ) -> Result<(Vector<T::Real, D>, Self), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        named(
            "generalized_symmetric_eigen",
            crate::generalized_symmetric_eigen::whole(&self.0, &b.beside())
                .map(|(values, vectors)| (Matrix(values), Self(vectors))),
        )
    }

    /// The eigenvalues and eigenvectors; see [`eigen`](fn@crate::eigen).
    ///
    /// # Errors
    /// Those of [`eigen`](fn@crate::eigen).
    pub fn eigen(
        &self,
    ) -> Result<(Vector<Complex<T::Real>, D>, Matrix<Complex<T::Real>, D, D>), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
    {
        named(
            "eigen",
            crate::eigen::whole(&self.0).map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// The eigenvalues; see [`complex_eigenvalues`](fn@crate::complex_eigenvalues).
    ///
    /// # Errors
    /// Those of [`complex_eigenvalues`](fn@crate::complex_eigenvalues).
    pub fn complex_eigenvalues(&self) -> Result<Vector<Complex<T::Real>, D>, MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
    {
        named("complex_eigenvalues", crate::complex_eigenvalues::whole(&self.0).map(Matrix))
    }

    /// Q and T with A = Q T Q^H; see [`schur`](fn@crate::schur).
    ///
    /// # Errors
    /// Those of [`schur`](fn@crate::schur).
    pub fn schur(&self) -> Result<(Self, Self), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
    {
        named(
            "schur",
            crate::schur::whole(&self.0).map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// Q and H with A = Q H Q^H; see [`hessenberg`](fn@crate::hessenberg).
    ///
    /// # Errors
    /// Those of [`hessenberg`](fn@crate::hessenberg).
    pub fn hessenberg(&self) -> Result<(Self, Self), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        named(
            "hessenberg",
            crate::hessenberg::whole(&self.0)
                .map(|(first, second)| (Matrix(first), Matrix(second))),
        )
    }

    /// Q, the diagonal, and the one beside it; see [`symmetric_tridiagonal`](fn@crate::symmetric_tridiagonal).
    ///
    /// # Errors
    /// Those of [`symmetric_tridiagonal`](fn@crate::symmetric_tridiagonal).
    pub fn symmetric_tridiagonal(
        &self,
    ) -> Result<(Self, Vector<T::Real, D>, Vector<T::Real, DimDiff<D, U1>>), MatrixError>
    where
        D: DimSub<U1>,
        DefaultAllocator: Allocator<D> + Allocator<DimDiff<D, U1>>,
    {
        named(
            "symmetric_tridiagonal",
            crate::symmetric_tridiagonal::whole(&self.0)
                .map(|(first, second, third)| (Matrix(first), Matrix(second), Matrix(third))),
        )
    }
}
