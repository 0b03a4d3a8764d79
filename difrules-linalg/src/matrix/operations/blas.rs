use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::{Diagonal, Operation, Side, Triangle};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
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

    /// The [`norm`](Matrix::norm) by its name in BLAS; see [`nrm2`](fn@crate::nrm2).
    pub fn nrm2(&self) -> T::Real {
        crate::nrm2::whole(&self.0)
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
}
