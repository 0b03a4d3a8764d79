use difrules_core::kernel::vectorised;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DefaultAllocator, Dim, OMatrix};

use crate::blas::strong::{is_bounded, rests_somewhere};
use crate::block::{add_to_both, along_factor, is_plain, numbers_mut, zip_map};
use crate::error::{Error, shape};
use crate::sample;

/// A o B, the product entry by entry.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not have the shape of `a`.
///
/// # Derivation
/// dY = dA o B + A o dB, so A_bar = Y_bar o conj(B) and B_bar = Y_bar o conj(A).
///
/// ```
/// use difrules_linalg::component_mul;
/// use nalgebra::dvector;
///
/// assert_eq!(component_mul(&dvector![1.0, 2.0], &dvector![3.0, 5.0])?, dvector![3.0, 10.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = component_mul_forward,
    reverse = component_mul_reverse,
    reads(a, b),
    optional(a, b),
    direct,
    resting,
    pattern(places),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::two
)]
pub fn component_mul<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    Ok(a.component_mul(b))
}

fn component_mul_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    match (a_dot, b_dot) {
        (Some(a_dot), Some(b_dot)) => {
            let mut y_dot = zip_map(a_dot, b, along_factor);
            let factors = b_dot.as_slice().iter().zip(a.as_slice());
            let all = y_dot.as_mut_slice().iter_mut().zip(factors);
            vectorised(|| all.for_each(|(y, (&b_dot, &a))| *y += along_factor(b_dot, a)));
            y_dot
        }
        (Some(a_dot), None) => zip_map(a_dot, b, along_factor),
        (None, Some(b_dot)) => zip_map(b_dot, a, along_factor),
        (None, None) => unreachable!("some argument varies"),
    }
}

fn component_mul_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let y_bar = numbers_mut(&mut y_bar);
    let (a, b) = (&a.as_slice()[..y_bar.len()], &b.as_slice()[..y_bar.len()]);
    let column = |x| DMatrixView::from_slice(x, y_bar.len(), 1);
    let all_bounded = || is_bounded(&column(a)) && is_bounded(&column(b));
    if !is_plain::<T>() || rests_somewhere(&column(y_bar)) && !all_bounded() {
        add_to_both(
            y_bar,
            (a_bar, |k, y_bar| along_factor(y_bar, b[k].conjugate())),
            (b_bar, |k, y_bar| along_factor(y_bar, a[k].conjugate())),
        );
    } else {
        add_to_both(
            y_bar,
            (a_bar, |k, y_bar| y_bar * b[k].conjugate()),
            (b_bar, |k, y_bar| y_bar * a[k].conjugate()),
        );
    }
}
