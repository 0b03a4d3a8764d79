use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{add_term, add_to_both, is_still, kept, moved, numbers_mut, zip_map};
use crate::error::{Error, shape};
use crate::sample;

/// A - B.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not have the shape of `a`.
///
/// # Derivation
/// dY = dA - dB, so A_bar = Y_bar and B_bar = -Y_bar.
///
/// ```
/// use difrules_linalg::sub;
/// use nalgebra::dvector;
///
/// assert_eq!(sub(&dvector![1.0, 2.0], &dvector![3.0, 5.0])?, dvector![-2.0, -3.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = sub_forward,
    reverse = sub_reverse,
    reads(),
    optional(a, b),
    direct,
    resting,
    pattern(places, linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::two
)]
pub fn sub<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    Ok(a - b)
}

fn sub_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    match (a_dot, b_dot) {
        (Some(a_dot), Some(b_dot)) => {
            zip_map(a_dot, b_dot, |x, y| if is_still(&y) { x } else { moved(x - y) })
        }
        (Some(a_dot), None) => a_dot.copied(),
        (None, Some(b_dot)) => b_dot.map(|x| kept(x, |x| -x)),
        (None, None) => unreachable!("some argument varies"),
    }
}

fn sub_reverse<T: Scalar, R: Dim, C: Dim>(
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if a_bar.is_exchangeable() {
        add_term(&y_bar, b_bar, |_, y_bar: T| -y_bar);
        a_bar.exchange();
    } else {
        add_to_both(
            numbers_mut(&mut y_bar),
            (a_bar, |_, y_bar| y_bar),
            (b_bar, |_, y_bar: T| -y_bar),
        );
    }
}
