use difrules_core::{Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use super::softmax::shares;
use crate::block::{along_factor, chain, moved, numbers_mut, rests, still, sum_of};
use crate::sample;

/// ln(sum exp(a)) of all entries, without overflow; by column it is [`row_logsumexp`](fn@crate::row_logsumexp). Of
/// complex entries the principal logarithm.
///
/// It is -infinity of no entries and of none but -infinity, and +infinity where one is. One real entry is
/// its own.
///
/// # Derivation
/// dy = sum_ij s_ij dA_ij with the shares s = exp(a - y) of [`softmax`](fn@crate::softmax), which are saved, so
/// A_bar = y_bar conj(s). The share of -infinity beside larger entries is zero, that of one +infinity is one, and that of
/// one of several equal infinities is NaN.
///
/// ```
/// use difrules_core::gradient;
/// use difrules_linalg::logsumexp;
/// use nalgebra::dvector;
///
/// let a = dvector![1000.0_f64, 1000.0, f64::NEG_INFINITY];
/// assert_eq!(logsumexp(&a), 1000.0 + 2.0_f64.ln());
/// assert_eq!(gradient(|a| logsumexp(a), &a), dvector![0.5, 0.5, 0.0]);
/// ```
#[primitive(
    forward = logsumexp_forward,
    reverse = logsumexp_reverse,
    saves = logsumexp_and_shares -> OMatrix<T, R, C>,
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
pub fn logsumexp<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    logsumexp_and_shares(a).0
}

fn logsumexp_and_shares<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> (T, OMatrix<T, R, C>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut shares_of_a = a.copied();
    let y = shares(shares_of_a.as_mut_slice());
    (y, shares_of_a)
}

fn logsumexp_forward<T: Scalar, R: Dim, C: Dim>(
    shares: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    weighted_sum(shares.as_slice(), a_dot.as_slice())
}

fn logsumexp_reverse<T: Scalar, R: Dim, C: Dim>(
    shares: &OMatrix<T, R, C>,
    y_bar: T,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        add_shares(y_bar, shares.as_slice(), numbers_mut(&mut a_bar));
    }
}

/// The sum of tangents times shares.
pub(super) fn weighted_sum<T: Scalar>(shares: &[T], a_dot: &[T]) -> T {
    if rests(a_dot) {
        return still();
    }
    moved(sum_of(a_dot, shares, along_factor))
}

/// Adds a cotangent times the conjugate shares to an adjoint.
pub(super) fn add_shares<T: Scalar>(y_bar: T, shares: &[T], a_bar: &mut [T]) {
    for (a_bar, share) in a_bar.iter_mut().zip(shares) {
        *a_bar += chain(y_bar, share.conjugate());
    }
}
