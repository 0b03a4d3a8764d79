use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, U1};

use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::matrix::{Matrix, Vector};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The sample covariance of the columns, each of which is an observation; see [`covariance`](fn@crate::covariance).
    ///
    /// # Errors
    /// Those of [`covariance`](fn@crate::covariance).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let observed = Matrix::from(dmatrix![1.0, 2.0, 3.0; 2.0, 0.0, -2.0]);
    /// assert_eq!(*observed.covariance()?, dmatrix![1.0, -2.0; -2.0, 4.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn covariance(&self) -> Result<Matrix<T, R, R>, MatrixError>
    where
        DefaultAllocator: Allocator<R, R>,
    {
        named("covariance", crate::covariance::whole(&self.0).map(Matrix))
    }
}

impl<T: Real, D: Dim> Vector<T, D>
where
    DefaultAllocator: Allocator<D>,
{
    /// The logarithm of the density here of the normal distribution of the mean `mu` and the covariance L L^T; see
    /// [`mvn_ln_pdf`](fn@crate::mvn_ln_pdf).
    ///
    /// # Errors
    /// Those of [`mvn_ln_pdf`](fn@crate::mvn_ln_pdf).
    pub fn mvn_ln_pdf(
        &self,
        mu: impl Beside<T, D, U1>,
        l: impl Beside<T, D, D>,
    ) -> Result<T, MatrixError>
    where
        DefaultAllocator: Allocator<D, D>,
    {
        named("mvn_ln_pdf", crate::mvn_ln_pdf::whole(&self.0, &mu.beside(), &l.beside()))
    }
}
