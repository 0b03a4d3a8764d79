use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
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
}
