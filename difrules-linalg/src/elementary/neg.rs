use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{add_last, kept, numbers_mut};
use crate::sample;

/// -A.
///
/// # Derivation
/// dY = -dA, so A_bar = -Y_bar.
///
/// ```
/// use difrules_linalg::neg;
/// use nalgebra::dvector;
///
/// assert_eq!(neg(&dvector![1.0, -2.0]), dvector![-1.0, 2.0]);
/// ```
#[primitive(
    forward = neg_forward,
    reverse = neg_reverse,
    reads(),
    direct,
    resting,
    pattern(places, linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn neg<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    // nalgebra's operator goes through a copy number by number.
    a.map(|x| -x)
}

fn neg_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    a_dot.map(|x| kept(x, |x| -x))
}

fn neg_reverse<T: Scalar, R: Dim, C: Dim>(
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    add_last(numbers_mut(&mut y_bar), a_bar, |_, y_bar: T| -y_bar);
}
