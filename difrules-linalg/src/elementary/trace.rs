use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::kept_sum;
use crate::error::{Error, square};
use crate::sample;

/// The sum of the diagonal entries.
///
/// # Errors
/// [`Error::NotSquare`].
///
/// # Derivation
/// dy = tr(dA), so A_bar = y_bar I.
///
/// ```
/// use difrules_linalg::trace;
/// use nalgebra::dmatrix;
///
/// assert_eq!(trace(&dmatrix![1.0, 2.0; 3.0, 4.0])?, 5.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = trace_forward,
    reverse = trace_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn trace<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<T, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    Ok(diagonal_sum(a))
}

fn trace_forward<T: Scalar, D: Dim>(a_dot: &OMatrix<T, D, D>) -> T
where
    DefaultAllocator: Allocator<D, D>,
{
    let count = a_dot.nrows();
    kept_sum((0..count).map(|i| &a_dot[(i, i)]))
}

fn trace_reverse<T: Scalar, D: Dim>(y_bar: T, a_bar: Slot<'_, OMatrix<T, D, D>>)
where
    DefaultAllocator: Allocator<D, D>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for i in 0..a_bar.nrows() {
            a_bar[(i, i)] += y_bar;
        }
    }
}

fn diagonal_sum<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> T
where
    DefaultAllocator: Allocator<D, D>,
{
    (0..a.nrows()).fold(T::zero(), |sum, i| sum + a[(i, i)])
}
