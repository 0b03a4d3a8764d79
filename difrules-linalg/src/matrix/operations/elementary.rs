use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum};

use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::matrix::{Matrix, Vector};

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
}
