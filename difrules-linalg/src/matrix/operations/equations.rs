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
    /// The X with A X + X B = C, where this is A; see [`sylvester`](fn@crate::sylvester).
    ///
    /// # Errors
    /// Those of [`sylvester`](fn@crate::sylvester).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 0.0; 0.0, 2.0]);
    /// assert_eq!(*a.sylvester(&dmatrix![3.0], &dmatrix![4.0; 10.0])?, dmatrix![1.0; 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn sylvester<C: Dim>(
        &self,
        b: impl Beside<T, C, C>,
        c: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<C, C> + Allocator<D, C>,
    {
        let x = crate::sylvester::whole(&self.0, &b.beside(), &c.beside());
        named("sylvester", x.map(Matrix))
    }

    /// The X with A X + X A^H = Q, where this is A; see [`continuous_lyapunov`](fn@crate::continuous_lyapunov).
    ///
    /// # Errors
    /// Those of [`continuous_lyapunov`](fn@crate::continuous_lyapunov).
    pub fn continuous_lyapunov(&self, q: impl Beside<T, D, D>) -> Result<Self, MatrixError> {
        let x = crate::continuous_lyapunov::whole(&self.0, &q.beside());
        named("continuous_lyapunov", x.map(Self))
    }

    /// The X with A X A^H - X = -Q, where this is A; see [`discrete_lyapunov`](fn@crate::discrete_lyapunov).
    ///
    /// # Errors
    /// Those of [`discrete_lyapunov`](fn@crate::discrete_lyapunov).
    pub fn discrete_lyapunov(&self, q: impl Beside<T, D, D>) -> Result<Self, MatrixError> {
        named("discrete_lyapunov", crate::discrete_lyapunov::whole(&self.0, &q.beside()).map(Self))
    }

    /// The stabilising X of A^H X + X A - X B R^-1 B^H X + Q = 0, where this is A; see
    /// [`continuous_riccati`](fn@crate::continuous_riccati).
    ///
    /// # Errors
    /// Those of [`continuous_riccati`](fn@crate::continuous_riccati).
    pub fn continuous_riccati<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
        q: impl Beside<T, D, D>,
        r: impl Beside<T, C, C>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<D, C> + Allocator<C, C>,
    {
        let x = crate::continuous_riccati::whole(&self.0, &b.beside(), &q.beside(), &r.beside());
        named("continuous_riccati", x.map(Self))
    }

    /// The stabilising X of A^H X A - X - A^H X B (R + B^H X B)^-1 B^H X A + Q = 0, where this is A; see
    /// [`discrete_riccati`](fn@crate::discrete_riccati).
    ///
    /// # Errors
    /// Those of [`discrete_riccati`](fn@crate::discrete_riccati).
    pub fn discrete_riccati<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
        q: impl Beside<T, D, D>,
        r: impl Beside<T, C, C>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<D, C> + Allocator<C, C>,
    {
        let x = crate::discrete_riccati::whole(&self.0, &b.beside(), &q.beside(), &r.beside());
        named("discrete_riccati", x.map(Self))
    }
}
