use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{numbers, numbers_mut, put_transposed, transposed};
use crate::sample;

/// A^T.
///
/// # Derivation
/// dY = dA^T, so A_bar = Y_bar^T.
///
/// ```
/// use difrules_linalg::transpose;
/// use nalgebra::dmatrix;
///
/// assert_eq!(transpose(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 3.0; 2.0, 4.0]);
/// ```
#[primitive(
    forward = transpose_forward,
    reverse = transpose_reverse,
    reads(),
    direct,
    resting,
    pattern(linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn transpose<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    transposed(a.as_slice(), a.shape_generic(), |x| x)
}

fn transpose_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    transposed(a_dot.as_slice(), a_dot.shape_generic(), |x| x)
}

fn transpose_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    add_transposed(&y_bar, a_bar, |x| x);
}

/// Adds a function of each entry of a cotangent to the adjoint of what was transposed.
pub(super) fn add_transposed<T: Scalar, R: Dim, C: Dim>(
    y_bar: &Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    f: impl Fn(T) -> T,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    let Some((mut a_bar, untouched)) = a_bar.uncleared() else { return };
    let (y_bar, shape, a_bar) = (numbers(y_bar), y_bar.shape(), numbers_mut(&mut a_bar));
    if untouched {
        put_transposed(y_bar, shape, a_bar, |a_bar, x| *a_bar = T::zero() + f(x));
    } else {
        put_transposed(y_bar, shape, a_bar, |a_bar, x| *a_bar += f(x));
    }
}
