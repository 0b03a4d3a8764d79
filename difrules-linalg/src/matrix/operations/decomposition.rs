use difrules_core::{Real, Scalar, Whole};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, U1};

use crate::dimensions::SvdAllocator;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::matrix::{Matrix, Vector};
use crate::{ColPivQr, FullPivLu, Lblt, Lu, Udu};

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
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
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
