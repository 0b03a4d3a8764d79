use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, U1};

use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The product of reflections, whose vectors are below the diagonal; see
    /// [`householder_product`](fn@crate::householder_product).
    ///
    /// # Errors
    /// Those of [`householder_product`](fn@crate::householder_product).
    pub fn householder_product<K: Dim>(
        &self,
        tau: impl Beside<T, K, U1>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<K>,
    {
        let q = crate::householder_product::whole(&self.0, &tau.beside());
        named("householder_product", q.map(Self))
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// The Cholesky factor of A + s x x^H, where this is that of A; see
    /// [`cholesky_rank_one_update`](fn@crate::cholesky_rank_one_update).
    ///
    /// # Errors
    /// Those of [`cholesky_rank_one_update`](fn@crate::cholesky_rank_one_update).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![4.0, 2.0; 2.0, 5.0]);
    /// let updated = a.cholesky()?.cholesky_rank_one_update(&dvector![2.0, 1.0], 3.0)?;
    /// assert!((&*updated - dmatrix![4.0, 0.0; 2.0, 2.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn cholesky_rank_one_update(
        &self,
        x: impl Beside<T, D, U1>,
        s: T::Real,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        let l = crate::cholesky_rank_one_update::whole(&self.0, &x.beside(), s);
        named("cholesky_rank_one_update", l.map(Self))
    }
}
