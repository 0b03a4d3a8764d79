use difrules_core::__private::Number;
use difrules_core::kernel::vectorised;
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrix, DefaultAllocator, Dim, OMatrix};
use num_traits::One;

use crate::algebra::householder::is_moderate;
use crate::algebra::modulus::{largest, phase};
use crate::algebra::scaling::{exponent, times_power};
use crate::block::{along_slopes, along_some, numbers_mut, sum_of};
use crate::error::{Error, finite};

/// The p-norm of all entries, (sum_i |a_i|^p)^(1/p), for a p > 0, without overflow or underflow. For an
/// infinite p it is the largest modulus. That of no entries is 0.
///
/// For p < 1 it is no norm, since the triangle inequality fails.
///
/// # Errors
/// [`Error::NotPositive`] if p is not; [`Error::NotFinite`].
///
/// # Derivation
/// With r_i = |a_i| / y, of which the powers r_i^p have the sum 1, y^p = sum_i |a_i|^p gives
/// dy = Re sum_i r_i^(p-1) conj(s_i) da_i with the phases s_i = a_i / |a_i|; and differentiating
/// ln y = ln(sum_i |a_i|^p) / p by p,
/// dy/dp = (y / p) sum_i r_i^p ln r_i, where 0^p ln 0 is 0.
///
/// Where a = 0 the rules take 0, which is a subgradient; so they do for an entry that is zero, also
/// where p <= 1 and there is a kink or a cusp. For an infinite p the first of the largest entries
/// counts.
///
/// ```
/// use difrules_linalg::lp_norm;
/// use nalgebra::dvector;
///
/// assert!((lp_norm(&dvector![3.0_f64, 4.0, 5.0], 3.0)? - 6.0).abs() < 1e-15);
/// assert!((lp_norm(&dvector![3e200_f64, -4e200], 2.0)? / 5e200 - 1.0).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lp_norm_forward,
    reverse = lp_norm_reverse,
    reads(a, p, return),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn lp_norm<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    p: T::Real,
) -> Result<T::Real, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    let value = p.to_f64();
    if value.is_nan() || value <= 0.0 {
        return Err(Error::NotPositive { argument: "p", value });
    }
    if let Some(count) = whole(p) {
        let sum = sum_of(a.as_slice(), a.as_slice(), |x, _| whole_power(x.modulus(), count));
        if is_moderate(sum) {
            // The root of a number next to one, as 1 / p is rounded.
            let power = (exponent([&sum]) / value).floor();
            let root = ComplexField::powf(times_power(sum, -power * value), <T::Real>::one() / p);
            return Ok(times_power(root, power));
        }
    }
    finite("a", a)?;
    let most = largest(a.iter().map(|x| x.modulus())).1;
    if most == nalgebra::zero() || value.is_infinite() {
        return Ok(most);
    }
    let sum = a.iter().fold(nalgebra::zero(), |sum: T::Real, x| {
        let ratio = x.modulus() / most;
        if ratio == nalgebra::zero() { sum } else { sum + ComplexField::powf(ratio, p) }
    });
    Ok(most * ComplexField::powf(sum, <T::Real>::one() / p))
}

/// An exponent with which a power is a product of few numbers, at plain numbers.
fn whole<S: Real>(p: S) -> Option<u32> {
    let value = p.to_f64();
    (S::BASE && value.fract() == 0.0 && (1.0..=8.0).contains(&value)).then_some(value as u32)
}

/// The power with an exponent up to 8, without a branch, so that loops have vector instructions.
#[inline(always)]
fn whole_power<S: Real>(x: S, exponent: u32) -> S {
    let (square, fourth) = (x * x, (x * x) * (x * x));
    let factor = |bit: u32, power: S| if exponent & bit == 0 { S::one() } else { power };
    (factor(1, x) * factor(2, square)) * (factor(4, fourth) * factor(8, fourth * fourth))
}

/// An exponent with which [`whole_slope`] is the slope.
fn whole_of_slopes<S: Real>(p: S, y: S) -> Option<u32> {
    whole(p).filter(|&exponent| exponent > 1 && y != nalgebra::zero())
}

/// dy/da_i, conjugated, for a whole exponent above 1 where y is not zero.
#[inline(always)]
fn whole_slope<T: Scalar>(a: T, exponent: u32, y: T::Real) -> T {
    let ratio = a.unscale(y);
    ratio.scale(whole_power(ratio.modulus(), exponent - 2))
}

/// dy/da_i, conjugated.
fn slope<T: Scalar>(a: T, p: T::Real, y: T::Real) -> T {
    let size = a.modulus();
    if size == nalgebra::zero() {
        // Zero, but at p = 2 not so its own derivative.
        return if p.to_f64() == 2.0 { a.unscale(y) } else { T::zero() };
    }
    let (ratio, less) = (size / y, p - <T::Real>::one());
    if ratio == nalgebra::zero() {
        // The ratio underflows, but for p < 1 not its power.
        return phase(a)
            .scale(ComplexField::exp(less * (ComplexField::ln(size) - ComplexField::ln(y))));
    }
    phase(a).scale(ComplexField::powf(ratio, less))
}

/// Which entries count, and the weight of each.
fn slopes<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    p: T::Real,
    y: T::Real,
) -> impl Iterator<Item = (usize, T)> + Clone
where
    DefaultAllocator: Allocator<R, C>,
{
    let infinite = p.to_f64().is_infinite();
    let first = if infinite { largest(a.iter().map(|x| x.modulus())).0 } else { None };
    let counts = move |i: usize| !infinite || y == nalgebra::zero() || first == Some(i);
    a.iter().enumerate().filter(move |&(i, _)| counts(i)).map(move |(i, &x)| match infinite {
        true => (i, phase(x)),
        // All entries are zero then, and the subgradient is.
        false if y == nalgebra::zero() => (i, T::zero()),
        false => (i, slope(x, p, y)),
    })
}

/// dy/dp.
fn slope_of_exponent<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    p: T::Real,
    y: T::Real,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    if y == nalgebra::zero() || p.to_f64().is_infinite() {
        return nalgebra::zero();
    }
    let sum = a.iter().fold(nalgebra::zero(), |sum: T::Real, x| {
        let ratio = x.modulus() / y;
        if ratio == nalgebra::zero() {
            return sum;
        }
        sum + ComplexField::powf(ratio, p) * ComplexField::ln(ratio)
    });
    sum * y / p
}

fn lp_norm_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    p: T::Real,
    y: T::Real,
    a_dot: &OMatrix<T, R, C>,
    p_dot: T::Real,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let by_p = if p_dot.is_still() { p_dot } else { (slope_of_exponent(a, p, y) * p_dot).moved() };
    if let Some(exponent) = whole_of_slopes(p, y) {
        let slope = |a| whole_slope(a, exponent, y);
        return by_p + along_slopes(a.as_slice(), a_dot.as_slice(), slope);
    }
    by_p + along_some(slopes(a, p, y).map(|(i, slope)| (slope, &a_dot[i])))
}

fn lp_norm_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    p: T::Real,
    y: T::Real,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    p_bar: Slot<'_, T::Real>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    p_bar.add(|| slope_of_exponent(a, p, y) * y_bar);
    let Some(mut a_bar) = a_bar.buffer() else { return };
    if let Some(exponent) = whole_of_slopes(p, y) {
        let both = numbers_mut(&mut a_bar).iter_mut().zip(a.as_slice());
        let add = |(a_bar, &a): (&mut T, &T)| *a_bar += whole_slope(a, exponent, y).scale(y_bar);
        return vectorised(|| both.for_each(add));
    }
    slopes(a, p, y).for_each(|(i, slope)| a_bar[i] += slope.scale(y_bar));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, T::Real) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    (random.matrix(rows, columns), random.between(1.2, 4.0))
}
