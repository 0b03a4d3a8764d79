use difrules_core::contract::Kind;
use difrules_core::kernel::vectorised;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, RealField};

use super::logsumexp::weighted_sum;
use crate::block::{along_factor, chain, difference, kept, numbers, numbers_mut, rests};
use crate::sample;

/// exp(a) over the sum of these in each column, without overflow: the derivatives of
/// [`row_logsumexp`](fn@crate::row_logsumexp).
///
/// Of -infinity it is zero, of one +infinity one, and of one of several equal infinities, among which nothing decides,
/// NaN: so of a column of nothing but -infinity. One entry alone has all.
///
/// # Derivation
/// In each column dy_i = y_i (da_i - sum_k y_k da_k), also of complex numbers, of which it is holomorphic. In the pairing
/// Re sum_i conj(y_bar_i) dy_i: a_bar_i = conj(y_i) (y_bar_i - sum_k conj(y_k) y_bar_k). The shares sum to one, so
/// neither changes where the same is subtracted from each da_i, or y_bar_i: what the largest share has, so that the
/// difference from the mean keeps its digits where that share is all but one.
///
/// ```
/// use difrules_linalg::softmax;
/// use nalgebra::dmatrix;
///
/// let y = softmax(&dmatrix![1000.0, 0.0; 1000.0, f64::NEG_INFINITY]);
/// assert_eq!(y, dmatrix![0.5, 1.0; 0.5, 0.0]);
/// ```
#[primitive(
    forward = softmax_forward,
    reverse = softmax_reverse,
    reads(return),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn softmax<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = a.copied();
    let rows = y.nrows().max(1);
    let all: &mut [T] = y.as_mut_slice();
    for column in all.chunks_exact_mut(rows) {
        shares(column);
    }
    y
}

fn softmax_forward<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y_dot = a_dot.copied();
    let rows = y.nrows().max(1);
    let all: &mut [T] = y_dot.as_mut_slice();
    for (y_dot, y) in all.chunks_exact_mut(rows).zip(y.as_slice().chunks_exact(rows)) {
        if rests(&*y_dot) {
            continue;
        }
        let unit = unit(y_dot);
        let of_largest = y_dot[largest(y)].scale(unit);
        vectorised(|| {
            for y_dot in &mut *y_dot {
                *y_dot = difference(kept(*y_dot, |y_dot| y_dot.scale(unit)), of_largest);
            }
        });
        let (mean, back) = (weighted_sum(y, y_dot), nalgebra::one::<T::Real>() / unit);
        vectorised(|| {
            for (y_dot, &y) in y_dot.iter_mut().zip(y) {
                *y_dot = kept(along_factor(difference(*y_dot, mean), y), |y_dot| y_dot.scale(back));
            }
        });
    }
    y_dot
}

fn softmax_reverse<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let rows = y.nrows().max(1);
    let columns = y.as_slice().chunks_exact(rows).zip(numbers(&y_bar).chunks_exact(rows));
    for (a_bar, (y, y_bar)) in numbers_mut(&mut a_bar).chunks_exact_mut(rows).zip(columns) {
        let unit = unit(y_bar);
        let of_largest = y_bar[largest(y)].scale(unit);
        let terms = y_bar.iter().map(|y_bar| y_bar.scale(unit) - of_largest).zip(y);
        let mean =
            terms.clone().fold(T::zero(), |sum, (y_bar, y)| sum + chain(y_bar, y.conjugate()));
        for (a_bar, (y_bar, y)) in a_bar.iter_mut().zip(terms) {
            *a_bar += chain(y_bar - mean, y.conjugate()).unscale(unit);
        }
    }
}

/// What tangents or cotangents are multiplied with so that no sum of their differences overflows: one, but for the largest
/// numbers.
fn unit<T: Scalar>(moving: &[T]) -> T::Real {
    let bound = <T::Real as RealField>::max_value().map_or(f64::MAX, |most| most.to_f64()) / 8.0;
    let sizes = T::parts_of(moving).iter().map(|part| part.to_f64().abs());
    let large = sizes.fold(false, |large, size| large | (size > bound && size.is_finite()));
    nalgebra::convert(if large { 0.125 } else { 1.0 })
}

/// Where the largest share is.
fn largest<T: Scalar>(shares: &[T]) -> usize {
    let sizes = shares.iter().map(|share| share.norm1().to_f64()).enumerate();
    sizes.fold((0, 0.0), |most, (k, size)| if size > most.1 { (k, size) } else { most }).0
}

/// Makes each number its share, exp(x) over the sum of these, and returns the logarithm of the sum.
///
/// They are taken relative to the largest, a constant: of real numbers the sum is one and what is added to it, so that
/// its logarithm has its digits where that is little.
pub(super) fn shares<T: Scalar>(x: &mut [T]) -> T {
    if x.is_empty() {
        return T::zero().ln();
    }
    let size = |x: &T| x.real().to_f64();
    if x.iter().any(|x| size(x).is_nan() || x.imaginary().to_f64().is_nan()) {
        let y = undefined(x);
        x.fill(y);
        return y;
    }
    if let [one] = x {
        // Its own logarithm, also where it is infinite; of a complex number that is the principal one.
        let one = std::mem::replace(one, T::one());
        if <T::Kind as Kind>::REAL || !one.is_finite() {
            return one;
        }
        let size = T::from_real(nalgebra::convert(one.real().to_f64()));
        return size + (one - size).exp().ln();
    }
    let least = (0, f64::NEG_INFINITY);
    let (largest, most) = x
        .iter()
        .map(size)
        .enumerate()
        .fold(least, |largest, (k, size)| if size > largest.1 { (k, size) } else { largest });
    if most.is_infinite() {
        let y = x[largest];
        if most > 0.0 && x.iter().filter(|x| size(x) == most).count() == 1 {
            x.fill(T::zero());
            x[largest] = T::one();
            return y;
        }
        let y = x.iter().fold(T::zero(), |sum, x| sum + x.exp()).ln();
        let undefined = undefined(x);
        x.iter_mut().for_each(|x| *x = if size(x) == most { undefined } else { T::zero() });
        return y;
    }
    let most = T::from_real(nalgebra::convert(most));
    x.iter_mut().for_each(|x| *x = (*x - most).exp());
    let others = x[..largest].iter().chain(&x[largest + 1..]).sum::<T>();
    // What is left of the largest is nothing, but it may move.
    let beside_one = others + (x[largest] - T::one());
    let sum = beside_one + T::one();
    x.iter_mut().for_each(|x| *x /= sum);
    most + if <T::Kind as Kind>::REAL { beside_one.ln_1p() } else { sum.ln() }
}

/// NaN in every part, and so are all derivatives by these.
fn undefined<T: Scalar>(x: &[T]) -> T {
    let mut nan = T::zero();
    nan.parts_mut().fill(nalgebra::convert(f64::NAN));
    x.iter().sum::<T>() * nan
}
