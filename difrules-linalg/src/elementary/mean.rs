use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{add_everywhere, kept, moved, numbers_mut, rests, still, sum_of};
use crate::sample;

/// The mean of all entries. It is finite where they are, whatever their sum; of no entries it is NaN, where nalgebra's is 0.
///
/// # Derivation
/// dy = sum_ij dA_ij / n of n entries, so every entry of A_bar is y_bar / n.
///
/// ```
/// use difrules_linalg::mean;
/// use nalgebra::dmatrix;
///
/// assert_eq!(mean(&dmatrix![1.0, 2.0; 3.0, 4.0]), 2.5);
/// ```
#[primitive(
    forward = mean_forward,
    reverse = mean_reverse,
    reads(),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::not_empty
)]
pub fn mean<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    mean_of(a.iter().copied())
}

fn mean_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    let a_dot = a_dot.as_slice();
    if rests(a_dot) {
        return still();
    }
    let sum = sum_of(a_dot, a_dot, |x, _| x);
    moved(match sum.is_finite() {
        true => sum.unscale(nalgebra::convert(a_dot.len() as f64)),
        false => mean_of(a_dot.iter().copied()),
    })
}

fn mean_reverse<T: Scalar, R: Dim, C: Dim>(y_bar: T, a_bar: Slot<'_, OMatrix<T, R, C>>)
where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some((mut a_bar, untouched)) = a_bar.uncleared() {
        let count = nalgebra::convert(a_bar.len() as f64);
        let term = kept(y_bar, |y_bar| y_bar.unscale(count));
        add_everywhere(term, numbers_mut(&mut a_bar), untouched);
    }
}

/// The mean of numbers.
pub(super) fn mean_of<T: Scalar>(x: impl ExactSizeIterator<Item = T> + Clone) -> T {
    let sum = x.clone().fold(T::zero(), |sum, x| sum + x);
    mean_of_sum(sum, x)
}

/// The mean of numbers with this sum.
pub(super) fn mean_of_sum<T: Scalar>(sum: T, x: impl ExactSizeIterator<Item = T> + Clone) -> T {
    let count: T::Real = nalgebra::convert(x.len() as f64);
    if sum.is_finite() || !x.clone().all(|x| x.is_finite()) {
        return sum.unscale(count);
    }
    // The sum alone overflows.
    x.fold(T::zero(), |sum, x| sum + x.unscale(count))
}
