use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;

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

    /// The sum of the absolute values of all entries; see [`asum`](fn@crate::asum).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// assert_eq!(Vector::from(dvector![3.0, -4.0]).asum(), 7.0);
    /// ```
    pub fn asum(&self) -> T::Real {
        crate::asum::whole(&self.0)
    }
}
