use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, U1};

use crate::dimensions::SvdAllocator;
use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The root of the sum of the squared moduli; see [`norm`](fn@crate::norm).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![3.0, 4.0]).norm(), 5.0);
    /// ```
    pub fn norm(&self) -> T::Real {
        crate::norm::whole(&self.0)
    }

    /// The norm of the entries of the exponent `p`; see [`lp_norm`](fn@crate::lp_norm).
    ///
    /// # Errors
    /// Those of [`lp_norm`](fn@crate::lp_norm).
    pub fn lp_norm(&self, p: T::Real) -> Result<T::Real, MatrixError> {
        named("lp_norm", crate::lp_norm::whole(&self.0, p))
    }

    /// The largest sum of the moduli of a row; see [`norm_inf`](fn@crate::norm_inf).
    ///
    /// # Errors
    /// Those of [`norm_inf`](fn@crate::norm_inf).
    pub fn norm_inf(&self) -> Result<T::Real, MatrixError> {
        named("norm_inf", crate::norm_inf::whole(&self.0))
    }

    /// The largest sum of the moduli of a column; see [`one_norm`](fn@crate::one_norm).
    ///
    /// # Errors
    /// Those of [`one_norm`](fn@crate::one_norm).
    pub fn one_norm(&self) -> Result<T::Real, MatrixError> {
        named("one_norm", crate::one_norm::whole(&self.0))
    }

    /// The matrix over its norm; see [`normalize`](fn@crate::normalize).
    ///
    /// # Errors
    /// Those of [`normalize`](fn@crate::normalize).
    pub fn normalize(&self) -> Result<Self, MatrixError> {
        named("normalize", crate::normalize::whole(&self.0).map(Self))
    }

    /// The sum of the squared moduli of all entries; see [`norm_squared`](fn@crate::norm_squared).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![3.0, 4.0]).norm_squared(), 25.0);
    /// ```
    pub fn norm_squared(&self) -> T::Real {
        crate::norm_squared::whole(&self.0)
    }

    /// The largest singular value; see [`spectral_norm`](fn@crate::spectral_norm).
    ///
    /// # Errors
    /// Those of [`spectral_norm`](fn@crate::spectral_norm).
    pub fn spectral_norm(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("spectral_norm", crate::spectral_norm::whole(&self.0))
    }

    /// The sum of the singular values; see [`nuclear_norm`](fn@crate::nuclear_norm).
    ///
    /// # Errors
    /// Those of [`nuclear_norm`](fn@crate::nuclear_norm).
    pub fn nuclear_norm(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("nuclear_norm", crate::nuclear_norm::whole(&self.0))
    }

    /// The largest over the smallest singular value; see [`condition_number`](fn@crate::condition_number).
    ///
    /// # Errors
    /// Those of [`condition_number`](fn@crate::condition_number).
    pub fn condition_number(&self) -> Result<T::Real, MatrixError>
    where
        R: DimMin<C>,
        DimMinimum<R, C>: DimSub<U1>,
        DefaultAllocator: SvdAllocator<R, C>,
    {
        named("condition_number", crate::condition_number::whole(&self.0))
    }
}
