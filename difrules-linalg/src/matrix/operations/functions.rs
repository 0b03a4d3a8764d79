use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// The exponential of the matrix, not of its entries; see [`exp`](fn@crate::exp).
    ///
    /// # Errors
    /// Those of [`exp`](fn@crate::exp).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![0.0, 1.0; 0.0, 0.0]);
    /// assert_eq!(*a.exp()?, dmatrix![1.0, 1.0; 0.0, 1.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn exp(&self) -> Result<Self, MatrixError> {
        named("exp", crate::exp::whole(&self.0).map(Self))
    }

    /// The principal logarithm of the matrix, not of its entries; see [`ln`](fn@crate::ln).
    ///
    /// # Errors
    /// Those of [`ln`](fn@crate::ln).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 5.0; 0.0, 1.0]);
    /// assert_eq!(*a.ln()?, dmatrix![0.0, 5.0; 0.0, 0.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn ln(&self) -> Result<Self, MatrixError> {
        named("ln", crate::ln::whole(&self.0).map(Self))
    }

    /// The principal square root of the matrix, not of its entries; see [`sqrt`](fn@crate::sqrt).
    ///
    /// # Errors
    /// Those of [`sqrt`](fn@crate::sqrt).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![4.0, 0.0; 0.0, 9.0]);
    /// assert_eq!(*a.sqrt()?, dmatrix![2.0, 0.0; 0.0, 3.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn sqrt(&self) -> Result<Self, MatrixError> {
        named("sqrt", crate::sqrt::whole(&self.0).map(Self))
    }

    /// The sine of the matrix, not of its entries; see [`sin`](fn@crate::sin).
    ///
    /// # Errors
    /// Those of [`sin`](fn@crate::sin).
    pub fn sin(&self) -> Result<Self, MatrixError> {
        named("sin", crate::sin::whole(&self.0).map(Self))
    }

    /// The cosine of the matrix, not of its entries; see [`cos`](fn@crate::cos).
    ///
    /// # Errors
    /// Those of [`cos`](fn@crate::cos).
    pub fn cos(&self) -> Result<Self, MatrixError> {
        named("cos", crate::cos::whole(&self.0).map(Self))
    }

    /// The hyperbolic sine of the matrix, not of its entries; see [`sinh`](fn@crate::sinh).
    ///
    /// # Errors
    /// Those of [`sinh`](fn@crate::sinh).
    pub fn sinh(&self) -> Result<Self, MatrixError> {
        named("sinh", crate::sinh::whole(&self.0).map(Self))
    }

    /// The hyperbolic cosine of the matrix, not of its entries; see [`cosh`](fn@crate::cosh).
    ///
    /// # Errors
    /// Those of [`cosh`](fn@crate::cosh).
    pub fn cosh(&self) -> Result<Self, MatrixError> {
        named("cosh", crate::cosh::whole(&self.0).map(Self))
    }

    /// The sign of the matrix, not of its entries; see [`sign`](fn@crate::sign).
    ///
    /// # Errors
    /// Those of [`sign`](fn@crate::sign).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 3.0; 0.0, -1.0]);
    /// assert_eq!(*a.sign()?, dmatrix![1.0, 2.0; 0.0, -1.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn sign(&self) -> Result<Self, MatrixError> {
        named("sign", crate::sign::whole(&self.0).map(Self))
    }

    /// The power to an integer; see [`pow`](fn@crate::pow).
    ///
    /// # Errors
    /// Those of [`pow`](fn@crate::pow).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 1.0; 0.0, 2.0]);
    /// assert_eq!(*a.pow(3)?, dmatrix![1.0, 7.0; 0.0, 8.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn pow(&self, p: i32) -> Result<Self, MatrixError> {
        named("pow", crate::pow::whole(&self.0, p).map(Self))
    }

    /// The principal power to a real number; see [`powf`](fn@crate::powf).
    ///
    /// # Errors
    /// Those of [`powf`](fn@crate::powf).
    pub fn powf(&self, p: T::Real) -> Result<Self, MatrixError> {
        named("powf", crate::powf::whole(&self.0, p).map(Self))
    }

    /// exp(t A) B, where this is A, without exp(t A); see [`exp_action`](fn@crate::exp_action).
    ///
    /// # Errors
    /// Those of [`exp_action`](fn@crate::exp_action).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![0.0, 1.0; 0.0, 0.0]);
    /// assert_eq!(*a.exp_action(3.0, &dvector![1.0, 2.0])?, dvector![7.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn exp_action<C: Dim>(
        &self,
        t: T,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named("exp_action", crate::exp_action::whole(t, &self.0, &b.beside()).map(Matrix))
    }
}
