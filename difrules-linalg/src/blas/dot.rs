use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::chain;
use crate::error::{Error, shape};
use crate::sample;

/// The sum of a_i b_i over all entries, without conjugation, as nalgebra's `dot`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not have the shape of `a`.
///
/// # Derivation
/// dy = sum_i da_i b_i + a_i db_i, so a_bar = y_bar conj(b) and b_bar = y_bar conj(a).
///
/// ```
/// use difrules_linalg::dot;
/// use nalgebra::dvector;
///
/// assert_eq!(dot(&dvector![1.0, 2.0], &dvector![3.0, 4.0])?, 11.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = dot_forward,
    reverse = dot_reverse,
    reads(a, b),
    optional(a, b),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::two
)]
pub fn dot<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> Result<T, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    Ok(a.dot(b))
}

fn dot_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    let products = |tangent: Option<&OMatrix<T, R, C>>, factor: &OMatrix<T, R, C>| {
        let terms = tangent.into_iter().flat_map(|tangent| tangent.iter().zip(factor.iter()));
        terms.fold(T::zero(), |sum, (&tangent, &factor)| sum + chain(tangent, factor))
    };
    products(a_dot, b) + products(b_dot, a)
}

fn dot_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    y_bar: T,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        a_bar.zip_apply(b, |a_bar, b| *a_bar += chain(y_bar, b.conjugate()));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar.zip_apply(a, |b_bar, a| *b_bar += chain(y_bar, a.conjugate()));
    }
}
