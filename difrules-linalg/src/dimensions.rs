//! Bounds on dimensions that many functions share.

use nalgebra::allocator::Allocator;
use nalgebra::{Dim, DimDiff, DimMin, DimMinimum, DimSub, U1};

/// What has room for a singular value decomposition of an R x C matrix, and for the bidiagonal form on the way there.
///
/// nalgebra's `DefaultAllocator` has it for all dimensions. In code that is generic over them it is the bound of
/// [`svd`](fn@crate::svd) and of whatever goes through it.
///
/// ```
/// use difrules_core::Scalar;
/// use difrules_linalg::{Error, SvdAllocator, nuclear_norm};
/// use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, U1, matrix};
///
/// fn twice<T: Scalar, R: DimMin<C>, C: Dim>(a: &OMatrix<T, R, C>) -> Result<T::Real, Error>
/// where
///     DimMinimum<R, C>: DimSub<U1>,
///     DefaultAllocator: SvdAllocator<R, C>,
/// {
///     Ok(nuclear_norm(a)? + nuclear_norm(a)?)
/// }
///
/// assert_eq!(twice(&matrix![3.0, 0.0; 0.0, 4.0])?, 14.0);
/// # Ok::<(), Error>(())
/// ```
pub trait SvdAllocator<R: DimMin<C>, C: Dim>:
    Allocator<R, C>
    + Allocator<R>
    + Allocator<C>
    + Allocator<R, DimMinimum<R, C>>
    + Allocator<DimMinimum<R, C>, C>
    + Allocator<DimMinimum<R, C>>
    + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
    + Allocator<DimDiff<DimMinimum<R, C>, U1>>
where
    DimMinimum<R, C>: DimSub<U1>,
{
}

impl<R: DimMin<C>, C: Dim, A> SvdAllocator<R, C> for A
where
    DimMinimum<R, C>: DimSub<U1>,
    A: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
}
