use difrules_core::Scalar;
use difrules_core::contract::AsWhole;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, U1};

use crate::dimensions::SvdAllocator;
use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::{Diagonal, Lblt, Lu, Operation, Triangle, Udu};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The pseudo-inverse; see [`pseudo_inverse`](fn@crate::pseudo_inverse).
    ///
    /// # Errors
    /// Those of [`pseudo_inverse`](fn@crate::pseudo_inverse).
    pub fn pseudo_inverse(&self) -> Result<Matrix<T, C, R>, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
    {
        named("pseudo_inverse", crate::pseudo_inverse::whole(&self.0).map(Matrix))
    }

    /// The smallest X with the smallest A X - B; see [`lstsq`](fn@crate::lstsq).
    ///
    /// # Errors
    /// Those of [`lstsq`](fn@crate::lstsq).
    pub fn lstsq<N: Dim>(&self, b: impl Beside<T, R, N>) -> Result<Matrix<T, C, N>, MatrixError>
    where
        R: DimMin<C>,
        C: DimMin<DimMinimum<R, C>, Output = DimMinimum<R, C>>,
        DefaultAllocator: Allocator<R>
            + Allocator<C>
            + Allocator<U1, C>
            + Allocator<DimMinimum<R, C>>
            + Allocator<R, DimMinimum<R, C>>
            + Allocator<DimMinimum<R, C>, C>
            + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
            + Allocator<C, DimMinimum<R, C>>
            + Allocator<R, N>
            + Allocator<C, N>
            + Allocator<DimMinimum<R, C>, N>,
    {
        named("lstsq", crate::lstsq::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// Solves a system by the factors of [`lu`](Matrix::lu), whose right side this is; see [`lu_solve`](fn@crate::lu_solve).
    ///
    /// # Errors
    /// Those of [`lu_solve`](fn@crate::lu_solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use difrules_linalg::{Operation, Vector};
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let factors = a.lu()?;
    /// let x = Vector::from(dvector![3.0, 4.0]).lu_solve(Operation::None, &factors)?;
    /// assert!((&*a * &*x - dvector![3.0, 4.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn lu_solve(
        &self,
        operation: Operation,
        factors: &impl AsWhole<Lu<T, R, R>>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, R> + Allocator<R>,
    {
        named("lu_solve", crate::lu_solve::whole(operation, factors, &self.0).map(Self))
    }

    /// Solves a system by the factors of [`lblt`](Matrix::lblt), whose right side this is; see [`lblt_solve`](fn@crate::lblt_solve).
    ///
    /// # Errors
    /// Those of [`lblt_solve`](fn@crate::lblt_solve).
    pub fn lblt_solve(&self, factors: &impl AsWhole<Lblt<T, R>>) -> Result<Self, MatrixError>
    where
        R: DimSub<U1>,
        DefaultAllocator: Allocator<R, R> + Allocator<R> + Allocator<DimDiff<R, U1>>,
    {
        named("lblt_solve", crate::lblt_solve::whole(factors, &self.0).map(Self))
    }

    /// Solves a system by the factors of [`udu`](Matrix::udu), whose right side this is; see [`udu_solve`](fn@crate::udu_solve).
    ///
    /// # Errors
    /// Those of [`udu_solve`](fn@crate::udu_solve).
    pub fn udu_solve(&self, factors: &impl AsWhole<Udu<T, R>>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, R> + Allocator<R>,
    {
        named("udu_solve", crate::udu_solve::whole(factors, &self.0).map(Self))
    }

    /// Solves a system with these three diagonals, whose right side this is; see [`tridiagonal_solve`](fn@crate::tridiagonal_solve).
    ///
    /// # Errors
    /// Those of [`tridiagonal_solve`](fn@crate::tridiagonal_solve).
    pub fn tridiagonal_solve(
        &self,
        lower: impl Beside<T, R, U1>,
        diagonal: impl Beside<T, R, U1>,
        upper: impl Beside<T, R, U1>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        let solved = crate::tridiagonal_solve::whole(
            &lower.beside(),
            &diagonal.beside(),
            &upper.beside(),
            &self.0,
        );
        named("tridiagonal_solve", solved.map(Self))
    }

    /// Solves a system with this first column and row, whose right side this is; see [`toeplitz_solve`](fn@crate::toeplitz_solve).
    ///
    /// # Errors
    /// Those of [`toeplitz_solve`](fn@crate::toeplitz_solve).
    pub fn toeplitz_solve(
        &self,
        column: impl Beside<T, R, U1>,
        row: impl Beside<T, R, U1>,
    ) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        named(
            "toeplitz_solve",
            crate::toeplitz_solve::whole(&column.beside(), &row.beside(), &self.0).map(Self),
        )
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// The X with A X = B; see [`solve`](fn@crate::solve).
    ///
    /// # Errors
    /// Those of [`solve`](fn@crate::solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let x = a.solve(&dvector![3.0, 4.0])?;
    /// assert!((&*x - dvector![1.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn solve<C: Dim>(&self, b: impl Beside<T, D, C>) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C> + Allocator<D>,
    {
        named("solve", crate::solve::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The inverse; see [`inverse`](fn@crate::inverse).
    ///
    /// # Errors
    /// Those of [`inverse`](fn@crate::inverse).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert!((&*(a.inverse()? * &a) - dmatrix![1.0, 0.0; 0.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn inverse(&self) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<D>,
    {
        named("inverse", crate::inverse::whole(&self.0).map(Self))
    }

    /// The X with L L^H X = B, where this is L; see [`cholesky_solve`](fn@crate::cholesky_solve).
    ///
    /// # Errors
    /// Those of [`cholesky_solve`](fn@crate::cholesky_solve).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// let x = a.cholesky()?.cholesky_solve(&dvector![3.0, 4.0])?;
    /// assert!((&*x - dvector![1.0, 1.0]).norm() < 1e-15);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn cholesky_solve<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named("cholesky_solve", crate::cholesky_solve::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The X with L X = B, where L is the lower triangle; see [`solve_lower_triangular`](fn@crate::solve_lower_triangular).
    ///
    /// # Errors
    /// Those of [`solve_lower_triangular`](fn@crate::solve_lower_triangular).
    pub fn solve_lower_triangular<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named(
            "solve_lower_triangular",
            crate::solve_lower_triangular::whole(&self.0, &b.beside()).map(Matrix),
        )
    }

    /// The X with U X = B, where U is the upper triangle; see [`solve_upper_triangular`](fn@crate::solve_upper_triangular).
    ///
    /// # Errors
    /// Those of [`solve_upper_triangular`](fn@crate::solve_upper_triangular).
    pub fn solve_upper_triangular<C: Dim>(
        &self,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        named(
            "solve_upper_triangular",
            crate::solve_upper_triangular::whole(&self.0, &b.beside()).map(Matrix),
        )
    }

    /// Solves a triangular system of any of the forms; see [`solve_triangular`](fn@crate::solve_triangular).
    ///
    /// # Errors
    /// Those of [`solve_triangular`](fn@crate::solve_triangular).
    pub fn solve_triangular<C: Dim>(
        &self,
        triangle: Triangle,
        operation: Operation,
        diagonal: Diagonal,
        b: impl Beside<T, D, C>,
    ) -> Result<Matrix<T, D, C>, MatrixError>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        let x = crate::solve_triangular::whole(triangle, operation, diagonal, &self.0, &b.beside());
        named("solve_triangular", x.map(Matrix))
    }
}
