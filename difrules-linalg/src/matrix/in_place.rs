//! The primitives of BLAS that overwrite a matrix, as methods of that.
//!
//! Their arguments are matrices in one piece, or plain ones, which are constants. Parts of a matrix, such as
//! [`columns`](Matrix::columns), are arguments too: ranges of its range, of which nothing is recorded. What is
//! overwritten is a whole matrix, since its numbers are one range.

use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, U1};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::{Diagonal, Operation, Side, Triangle};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
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

    /// Multiplies by `a` in place; see [`scal`](fn@crate::scal).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let mut x = Vector::from(dvector![1.0, -2.0]);
    /// x.scal(3.0);
    /// assert_eq!(*x, dvector![3.0, -6.0]);
    /// ```
    pub fn scal(&mut self, a: T) {
        crate::scal::whole(a, &mut self.0);
    }

    /// Rotates this and `y` in place: c x + s y, and c y - conj(s) x; see [`rot`](fn@crate::rot).
    ///
    /// # Errors
    /// Those of [`rot`](fn@crate::rot).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let (mut x, mut y) = (Vector::from(dvector![1.0]), Vector::from(dvector![2.0]));
    /// x.rot(&mut y, 0.0, 1.0)?;
    /// assert_eq!((x.get(0), y.get(0)), (2.0, -1.0));
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn rot(&mut self, y: &mut Self, c: T::Real, s: T) -> Result<(), MatrixError> {
        named("rot", crate::rot::whole(&mut self.0, &mut y.0, c, s))
    }

    /// Adds `alpha` x y^T in place; see [`ger`](fn@crate::ger).
    ///
    /// # Errors
    /// Those of [`ger`](fn@crate::ger).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let mut a = Matrix::from(dmatrix![1.0, 0.0; 0.0, 1.0]);
    /// a.ger(2.0, &dvector![1.0, 2.0], &dvector![3.0, 4.0])?;
    /// assert_eq!(*a, dmatrix![7.0, 8.0; 12.0, 17.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn ger(
        &mut self,
        alpha: T,
        x: impl Beside<T, R, U1>,
        y: impl Beside<T, C, U1>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R> + Allocator<C>,
    {
        named("ger", crate::ger::whole(alpha, &x.beside(), &y.beside(), &mut self.0))
    }

    /// Adds `alpha` x y^H in place; see [`gerc`](fn@crate::gerc).
    ///
    /// # Errors
    /// Those of [`gerc`](fn@crate::gerc).
    pub fn gerc(
        &mut self,
        alpha: T,
        x: impl Beside<T, R, U1>,
        y: impl Beside<T, C, U1>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R> + Allocator<C>,
    {
        named("gerc", crate::gerc::whole(alpha, &x.beside(), &y.beside(), &mut self.0))
    }

    /// `alpha` A B or `alpha` B A, for a symmetric A of which one triangle is read, and `beta` times the matrix, in place; see [`symm`](fn@crate::symm).
    ///
    /// # Errors
    /// Those of [`symm`](fn@crate::symm).
    ///
    /// ```
    /// use difrules_linalg::{Matrix, Side, Triangle};
    /// use nalgebra::dmatrix;
    ///
    /// let mut c = Matrix::from(dmatrix![1.0; 1.0]);
    /// let a = dmatrix![1.0, f64::NAN; 2.0, 3.0];
    /// c.symm(Side::Left, Triangle::Lower, 1.0, &a, &dmatrix![1.0; 1.0], 2.0)?;
    /// assert_eq!(*c, dmatrix![5.0; 7.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn symm<D: Dim>(
        &mut self,
        side: Side,
        triangle: Triangle,
        alpha: T,
        a: impl Beside<T, D, D>,
        b: impl Beside<T, R, C>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named(
            "symm",
            crate::symm::whole(side, triangle, alpha, &a.beside(), &b.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` A B or `alpha` B A, for a Hermitian A of which one triangle is read, and `beta` times the matrix, in place; see [`hemm`](fn@crate::hemm).
    ///
    /// # Errors
    /// Those of [`hemm`](fn@crate::hemm).
    pub fn hemm<D: Dim>(
        &mut self,
        side: Side,
        triangle: Triangle,
        alpha: T,
        a: impl Beside<T, D, D>,
        b: impl Beside<T, R, C>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named(
            "hemm",
            crate::hemm::whole(side, triangle, alpha, &a.beside(), &b.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` times the product with a triangular matrix, in place; see [`trmm`](fn@crate::trmm).
    ///
    /// # Errors
    /// Those of [`trmm`](fn@crate::trmm).
    pub fn trmm<D: Dim>(
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
        named(
            "trmm",
            crate::trmm::whole(
                side,
                triangle,
                operation,
                diagonal,
                alpha,
                &a.beside(),
                &mut self.0,
            ),
        )
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, U1>
where
    DefaultAllocator: Allocator<D, U1>,
{
    /// `alpha` op(A) x + `beta` times the vector, in place; see [`gemv`](fn@crate::gemv).
    ///
    /// # Errors
    /// Those of [`gemv`](fn@crate::gemv).
    ///
    /// ```
    /// use difrules_linalg::{Operation, Vector};
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let mut y = Vector::from(dvector![1.0, 1.0]);
    /// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
    /// y.gemv(Operation::None, 1.0, &a, &dvector![1.0, 0.0], -1.0)?;
    /// assert_eq!(*y, dvector![0.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn gemv<RA: Dim, CA: Dim, DX: Dim>(
        &mut self,
        operation: Operation,
        alpha: T,
        a: impl Beside<T, RA, CA>,
        x: impl Beside<T, DX, U1>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<RA, CA> + Allocator<DX>,
    {
        named(
            "gemv",
            crate::gemv::whole(operation, alpha, &a.beside(), &x.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` A x, for a symmetric A of which one triangle is read, and `beta` times the vector, in place; see [`symv`](fn@crate::symv).
    ///
    /// # Errors
    /// Those of [`symv`](fn@crate::symv).
    pub fn symv(
        &mut self,
        triangle: Triangle,
        alpha: T,
        a: impl Beside<T, D, D>,
        x: impl Beside<T, D, U1>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named(
            "symv",
            crate::symv::whole(triangle, alpha, &a.beside(), &x.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` A x, for a Hermitian A of which one triangle is read, and `beta` times the vector, in place; see [`hemv`](fn@crate::hemv).
    ///
    /// # Errors
    /// Those of [`hemv`](fn@crate::hemv).
    pub fn hemv(
        &mut self,
        triangle: Triangle,
        alpha: T,
        a: impl Beside<T, D, D>,
        x: impl Beside<T, D, U1>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named(
            "hemv",
            crate::hemv::whole(triangle, alpha, &a.beside(), &x.beside(), beta, &mut self.0),
        )
    }

    /// The product with a triangular matrix, in place; see [`trmv`](fn@crate::trmv).
    ///
    /// # Errors
    /// Those of [`trmv`](fn@crate::trmv).
    pub fn trmv(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        diagonal: Diagonal,
        a: impl Beside<T, D, D>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named("trmv", crate::trmv::whole(triangle, operation, diagonal, &a.beside(), &mut self.0))
    }

    /// Solves a triangular system in place; see [`trsv`](fn@crate::trsv).
    ///
    /// # Errors
    /// Those of [`trsv`](fn@crate::trsv).
    pub fn trsv(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        diagonal: Diagonal,
        a: impl Beside<T, D, D>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named("trsv", crate::trsv::whole(triangle, operation, diagonal, &a.beside(), &mut self.0))
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// Adds `alpha` x x^T to one triangle in place; see [`syr`](fn@crate::syr).
    ///
    /// # Errors
    /// Those of [`syr`](fn@crate::syr).
    pub fn syr(
        &mut self,
        triangle: Triangle,
        alpha: T,
        x: impl Beside<T, D, U1>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("syr", crate::syr::whole(triangle, alpha, &x.beside(), &mut self.0))
    }

    /// Adds `alpha` x x^H to one triangle in place; see [`her`](fn@crate::her).
    ///
    /// # Errors
    /// Those of [`her`](fn@crate::her).
    pub fn her(
        &mut self,
        triangle: Triangle,
        alpha: T::Real,
        x: impl Beside<T, D, U1>,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("her", crate::her::whole(triangle, alpha, &x.beside(), &mut self.0))
    }

    /// `alpha` op(A) op(A)^T + `beta` times the matrix in one triangle, in place; see [`syrk`](fn@crate::syrk).
    ///
    /// # Errors
    /// Those of [`syrk`](fn@crate::syrk).
    ///
    /// ```
    /// use difrules_linalg::{Matrix, Operation, Triangle};
    /// use nalgebra::dmatrix;
    ///
    /// let mut c = Matrix::from(dmatrix![1.0, 7.0; 1.0, 1.0]);
    /// c.syrk(Triangle::Lower, Operation::None, 1.0, &dmatrix![1.0; 2.0], 2.0)?;
    /// assert_eq!(*c, dmatrix![3.0, 7.0; 4.0, 6.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn syrk<R: Dim, C: Dim>(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        alpha: T,
        a: impl Beside<T, R, C>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        named(
            "syrk",
            crate::syrk::whole(triangle, operation, alpha, &a.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` op(A) op(A)^H + `beta` times the matrix in one triangle, in place; see [`herk`](fn@crate::herk).
    ///
    /// # Errors
    /// Those of [`herk`](fn@crate::herk).
    pub fn herk<R: Dim, C: Dim>(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        alpha: T::Real,
        a: impl Beside<T, R, C>,
        beta: T::Real,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        named(
            "herk",
            crate::herk::whole(triangle, operation, alpha, &a.beside(), beta, &mut self.0),
        )
    }

    /// `alpha` (op(A) op(B)^T + op(B) op(A)^T) + `beta` times the matrix in one triangle, in place; see [`syr2k`](fn@crate::syr2k).
    ///
    /// # Errors
    /// Those of [`syr2k`](fn@crate::syr2k).
    pub fn syr2k<R: Dim, C: Dim>(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        alpha: T,
        a: impl Beside<T, R, C>,
        b: impl Beside<T, R, C>,
        beta: T,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        named(
            "syr2k",
            crate::syr2k::whole(
                triangle,
                operation,
                alpha,
                &a.beside(),
                &b.beside(),
                beta,
                &mut self.0,
            ),
        )
    }

    /// `alpha` op(A) op(B)^H and its adjoint + `beta` times the matrix in one triangle, in place; see [`her2k`](fn@crate::her2k).
    ///
    /// # Errors
    /// Those of [`her2k`](fn@crate::her2k).
    pub fn her2k<R: Dim, C: Dim>(
        &mut self,
        triangle: Triangle,
        operation: Operation,
        alpha: T,
        a: impl Beside<T, R, C>,
        b: impl Beside<T, R, C>,
        beta: T::Real,
    ) -> Result<(), MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        named(
            "her2k",
            crate::her2k::whole(
                triangle,
                operation,
                alpha,
                &a.beside(),
                &b.beside(),
                beta,
                &mut self.0,
            ),
        )
    }
}
