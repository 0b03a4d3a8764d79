use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DefaultAllocator, Dim, OMatrix};

use crate::blas::strong::{is_bounded, rests_somewhere};
use crate::block::{add_to_both, along_factor, is_plain, numbers_mut};
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
    let Some(a_dot) = a_dot else {
        return b_dot.map_or_else(|| a.map(|_| T::zero()), |b_dot| b_dot.zip_map(a, along_factor));
    };
    let mut y_dot = a_dot.zip_map(b, along_factor);
    if let Some(b_dot) = b_dot {
        y_dot.zip_zip_apply(b_dot, a, |y_dot, b_dot, a| *y_dot += along_factor(b_dot, a));
    }
    y_dot
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
