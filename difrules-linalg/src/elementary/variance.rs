use difrules_core::__private::Number;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use super::mean::{mean_of, mean_of_sum};
use crate::block::{along_slopes, moved, numbers_mut};
use crate::sample;

/// The variance of all entries, the mean of |a - mean|^2: of the population, as nalgebra's. Of no entries it is NaN,
/// where nalgebra's is 0.
///
/// The entries' mean is subtracted first, so nothing cancels; and once more what the rounding of the mean has left of
/// it, where that counts: of entries that differ in their last digits.
///
/// # Derivation
/// With d = a - mean(a), whose sum is zero: dv = 2/n sum_ij Re(conj(d_ij) (dA_ij - mean(dA))) = 2/n sum_ij
/// Re(conj(d_ij) dA_ij), so A_bar = v_bar 2/n d (Chan, Golub, LeVeque 1983, "Algorithms for computing the sample
/// variance", for d).
///
/// ```
/// use difrules_linalg::variance;
/// use nalgebra::dvector;
///
/// assert_eq!(variance(&dvector![1.0, 2.0, 3.0, 4.0]), 1.25);
/// assert_eq!(variance(&dvector![1e9, 1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]), 1.25);
/// ```
#[primitive(
    forward = variance_forward,
    reverse = variance_reverse,
    saves = variance_and_deviations -> OMatrix<T, R, C>,
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
pub fn variance<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    variance_and_deviations(a).0
}

fn variance_and_deviations<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (T::Real, OMatrix<T, R, C>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let mean = mean_of(a.as_slice().iter().copied());
    let first = a.map(|a| a - mean);
    // Two sums at once, as an addition has to wait for the one before.
    let sums = first
        .as_slice()
        .iter()
        .fold((T::zero(), nalgebra::zero()), |sums, &d| (sums.0 + d, sums.1 + d.modulus_squared()));
    let left = mean_of_sum(sums.0, first.as_slice().iter().copied());
    let variance = mean_of_sum(sums.1, squares(first.as_slice()));
    let deviations = first.map(|d| d - left);
    // Where what is left is nothing beside it, this is as good, and nalgebra's number.
    let counts = variance - left.modulus_squared() != variance;
    (if counts { mean_of(squares(deviations.as_slice())) } else { variance }, deviations)
}

/// The squared moduli.
fn squares<T: Scalar>(x: &[T]) -> impl ExactSizeIterator<Item = T::Real> + Clone {
    x.iter().map(|x| x.modulus_squared())
}

fn variance_forward<T: Scalar, R: Dim, C: Dim>(
    deviations: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let sum = along_slopes(deviations.as_slice(), a_dot.as_slice(), |slope| slope);
    if sum.is_still() { sum } else { moved(sum * twice_over::<T::Real>(deviations.len())) }
}

fn variance_reverse<T: Scalar, R: Dim, C: Dim>(
    deviations: &OMatrix<T, R, C>,
    v_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if v_bar.is_constant_zero() {
        return;
    }
    if let Some(mut a_bar) = a_bar.buffer() {
        let factor = v_bar * twice_over(deviations.len());
        let sums = numbers_mut(&mut a_bar).iter_mut().zip(deviations.as_slice());
        sums.for_each(|(a_bar, d)| *a_bar += d.scale(factor));
    }
}

/// 2 / n.
fn twice_over<S: Real>(count: usize) -> S {
    nalgebra::convert::<f64, S>(2.0) / nalgebra::convert::<f64, S>(count as f64)
}
