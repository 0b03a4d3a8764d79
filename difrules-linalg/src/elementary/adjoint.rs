use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{kept, transposed};
use crate::sample;

use super::transpose::add_transposed;

/// A^H, the conjugate transpose.
///
/// # Derivation
/// dY = dA^H. From Re tr(Y_bar^H dA^H) = Re tr(Y_bar dA)^* = Re tr((Y_bar^H)^H dA) follows A_bar = Y_bar^H.
///
/// ```
/// use difrules_linalg::adjoint;
/// use nalgebra::dmatrix;
///
/// assert_eq!(adjoint(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 3.0; 2.0, 4.0]);
/// ```
#[primitive(
    forward = adjoint_forward,
    reverse = adjoint_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn adjoint<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    transposed(a.as_slice(), a.shape_generic(), T::conjugate)
}

fn adjoint_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    transposed(a_dot.as_slice(), a_dot.shape_generic(), |x| kept(x, T::conjugate))
}

fn adjoint_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    add_transposed(&y_bar, a_bar, T::conjugate);
}
