//! The beta function and its logarithm.

use std::f64::consts::PI;

use nalgebra::convert;

use super::gamma_functions::{
    ZETA_LESS_ONE, beta_exponent, digamma_rise, digamma_rise_quotient, ln_gamma_rise,
    stirling_remainder,
};
use crate::math::{
    at_base_of_two, cospi, digamma, exprel, gamma, in_double, ln_gamma, polygamma, sinpi, trigamma,
    undefined,
};
use crate::{Dual, Real, primitive};

/// The beta function, gamma(a) gamma(b) / gamma(a + b).
///
/// The derivative by a is beta(a, b) (digamma(a) - digamma(a + b)) (DLMF 5.12.1 and 5.2.2).
///
/// Domain: all a and b that are not 0, -1, -2, ..
/// Edge: NaN where such an argument leaves a quotient of infinities, infinity for a = 0 or b = 0 and the other
/// positive, where the derivative by the other is its limit; 0 where a + b is one of these numbers and a and b are not.
///
/// ```
/// assert!((difrules_core::math::beta(2.0_f64, 3.0) - 1.0 / 12.0).abs() < 1e-16);
/// ```
#[primitive(
    partial = (|a, b, y| in_double!(slope(a, b; y = beta)), |a, b, y| in_double!(slope(b, a; y = beta))),
    symbolic = (
        |a, b, y| if a > -0.01 && b > -0.01 && (a != 0 || b != 0) || min(a, b) > -30 && min(a, b) <= -0.01 && floor(min(a, b)) != min(a, b) && max(a, b) > -0.01 && max(a, b) < 0.02 || a >= 0.02 && b > -30 && b < -0.5 && b != round(b) && abs(b - round(b)) < 0.01 {
            beta_slope(a, b)
        } else {
            if y == 0 && a + b <= 0 || (a <= 0 || b <= 0) && a + b < 0.25 && a + b > -100 && abs(a + b - round(a + b)) < 0.25 * (if a < 0.5 { abs(a - round(a)) } else { 1 }) {
                gamma(a) * gamma(1 - a - b) * gamma(b) * (digamma_difference(a, 1 - a - b - a) * sinpi(a + b) / T::pi() + cospi(a + b))
            } else {
                y * digamma_difference(a, b)
            }
        },
        |a, b, y| if a > -0.01 && b > -0.01 && (a != 0 || b != 0) || min(a, b) > -30 && min(a, b) <= -0.01 && floor(min(a, b)) != min(a, b) && max(a, b) > -0.01 && max(a, b) < 0.02 || b >= 0.02 && a > -30 && a < -0.5 && a != round(a) && abs(a - round(a)) < 0.01 {
            beta_slope(b, a)
        } else {
            if y == 0 && a + b <= 0 || (a <= 0 || b <= 0) && a + b < 0.25 && a + b > -100 && abs(a + b - round(a + b)) < 0.25 * (if b < 0.5 { abs(b - round(b)) } else { 1 }) {
                gamma(a) * gamma(1 - a - b) * gamma(b) * (digamma_difference(b, 1 - a - b - b) * sinpi(a + b) / T::pi() + cospi(a + b))
            } else {
                y * digamma_difference(b, a)
            }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0)),
    alias("SpecialFunctions.beta")
)]
pub fn beta<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, beta_of)
}

/// The derivative of [`beta`](fn@beta) by a, without the cancellation of its own derivatives at small arguments.
///
/// With b B(a, b) = (a + b) B(a, b + 1) (DLMF 5.12.1) it is -(a + b) B(a, b + 1) (digamma(a + b) - digamma(a)) / b, whose factors
/// are smooth at b = 0. Where both are small, B is 1 / a + 1 / b and a smooth rest.
///
/// Domain: a and b above -0.01 and not both 0, or one of them from -0.01 to 0.02 and the other down to -30 and not whole, or
/// one above 0.02 and the other down to -30 and beside a whole number; NaN elsewhere.
/// Edge: 0 where one is infinite; where one is 0, infinite as the derivatives of its pole are, and by the other the limit.
///
/// ```
/// use difrules_core::jvp;
/// use difrules_core::math::beta_slope;
///
/// let mixed = jvp(|b| beta_slope(nalgebra::convert(1e-11), *b), &0.5_f64, &1.0).1;
/// assert!((mixed / 1.5733098582 - 1.0).abs() < 1e-9);
/// ```
#[primitive(
    partial = (|a, b| beta_curvature(a, b), |a, b| beta_mixed_slope(a, b)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn beta_slope<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, slope_of_plain)
}

/// The second derivative of [`beta`](fn@beta) by a, whose own derivative by b is that of
/// [`beta_mixed_slope`](fn@beta_mixed_slope) by a, without the cancellation of 2 / a^3 with itself: see
/// [`beta_slope`](fn@beta_slope).
///
/// With s the slope by a, it is s (digamma(a) - digamma(a + b)) + B (trigamma(a) - trigamma(a + b)) (DLMF 5.12.1 and 5.15.1).
///
/// Domain: a and b above -0.01 and not both 0, or one of them from -0.01 to 0.02 and the other down to -30 and not whole, or
/// one above 0.02 and the other down to -30 and beside a whole number; NaN elsewhere.
/// Edge: 0 where one is infinite; where one is 0, infinite as the derivatives of its pole are, and by the other the limit.
///
/// ```
/// assert_eq!(difrules_core::math::beta_curvature(1e-20_f64, 1e-20) / 2e60, 1.0);
/// ```
#[primitive(
    partial = (|a, b| in_double!(slope_of_curvature(a, b)), |a, b| in_double!(slope_of_mixed(a, b))),
    symbolic = (unknown, unknown),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn beta_curvature<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, curvature)
}

/// The derivative of [`beta`](fn@beta) by a and by b, without cancellation at small arguments: see
/// [`beta_slope`](fn@beta_slope).
///
/// Domain: a and b above -0.01 and not both 0, or one of them from -0.01 to 0.02 and the other down to -30 and not whole, or
/// one above 0.02 and the other down to -30 and beside a whole number; NaN elsewhere.
/// Edge: 0 where one is infinite; where one is 0, infinite as the derivatives of its pole are, and by the other the limit.
///
/// ```
/// // The limit at 0.
/// let limit = 2.0 * 1.2020569031595942;
/// assert!((difrules_core::math::beta_mixed_slope(1e-300_f64, 1e-200) - limit).abs() < 1e-14);
/// ```
#[primitive(
    partial = (|a, b| in_double!(slope_of_mixed(a, b)), |a, b| in_double!(slope_of_mixed(b, a))),
    symbolic = (unknown, unknown),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn beta_mixed_slope<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, mixed_slope)
}

/// The logarithm of the absolute value of the beta function, without overflow and cancellation.
///
/// The derivative by a is digamma(a) - digamma(a + b) (DLMF 5.12.1 and 5.2.2).
///
/// Domain: all a and b that are not 0, -1, -2, ..
/// Edge: infinity for a = 0 or b = 0 and the other positive, -infinity where a + b is such a number and a and b are
/// not.
///
/// ```
/// assert!((difrules_core::math::ln_beta(2.0_f64, 3.0) + 12.0_f64.ln()).abs() < 1e-15);
/// ```
#[primitive(
    partial = (|a, b, _| digamma_difference(a, b), |a, b, _| digamma_difference(b, a)),
    symbolic = (
        |a, b, y| if y == y { digamma_difference(a, b) } else { f64::NAN },
        |a, b, y| if y == y { digamma_difference(b, a) } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0)),
    alias("SpecialFunctions.logbeta")
)]
pub fn ln_beta<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, ln_beta_of)
}

/// The difference digamma(a) - digamma(a + b), the derivative of [`ln_beta`](fn@ln_beta) by a, without cancellation for a
/// small b.
///
/// The derivatives are trigamma(a) - trigamma(a + b) and -trigamma(a + b) (DLMF 5.15.1).
///
/// Domain: all a and a + b but 0, -1, -2, ..
/// Edge: that of digamma at each of the two; 0 for an infinite a.
///
/// ```
/// let difference = difrules_core::math::digamma_difference(1e10_f64, 1e-3);
/// assert!((difference / -1.00000000004995e-13 - 1.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = (|a, b, _| trigamma_difference(a, b), |a, b, _| in_double!(polygamma_at_sum(a, b; 1))),
    symbolic = (
        |a, b, y| if y == y { trigamma_difference(a, b) } else { f64::NAN },
        |a, b, y| if y == y { -trigamma(a + b) } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn digamma_difference<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, |a, b| {
        // At the pole what is infinite next to it is nothing.
        if is_next_to_pole(a, b) { digamma(a) } else { logarithmic_slope(a, b) }
    })
}

/// Whether a is the pole at 0, and a + b so close to it above that polygamma functions are infinite there too.
fn is_next_to_pole(a: f64, b: f64) -> bool {
    a == 0.0 && b > 0.0 && trigamma(b) == f64::INFINITY
}

/// The difference trigamma(a) - trigamma(a + b), the derivative of [`digamma_difference`](fn@digamma_difference) by a, without
/// cancellation for a small b.
///
/// The derivatives are polygamma(2, a) - polygamma(2, a + b) and -polygamma(2, a + b) (DLMF 5.15.1).
///
/// Domain: all a and a + b but 0, -1, -2, ..
/// Edge: that of trigamma at each of the two; 0 for an infinite a.
///
/// ```
/// let difference = difrules_core::math::trigamma_difference(0.5_f64, 1e-11);
/// assert!((difference / 1.682879664e-10 - 1.0).abs() < 1e-8);
/// ```
#[primitive(
    partial = (|a, b, _| in_double!(fall_of_tetragamma(a, b)), |a, b, _| in_double!(polygamma_at_sum(a, b; 2))),
    symbolic = (
        |a, b, y| if y == y {
            if min(a, a + b) < 0 && max(a, a + b) < 0.5 && abs(sinpi(b)) < 0.25 * abs(sinpi(a)) {
                (if abs(b) < 0.0015 {
                    b * (5 * (polygamma(3, 1 - a - b * 0.1127016653792583) + polygamma(3, 1 - a - b * 0.8872983346207417)) + 8 * polygamma(3, 1 - a - b / 2)) / 18
                } else {
                    polygamma(2, 1 - a) - polygamma(2, 1 - a - b)
                }) - 2 * T::pi() * T::pi() * T::pi() * (sinpi(b) / sinpi(a) / sinpi(a + b)) / sinpi(a) / sinpi(a + b) * (sinpi(a) / sinpi(a + b) + sinpi(a + b) / sinpi(a) - sinpi(a) * sinpi(a + b) + cospi(a) * cospi(a + b))
            } else {
                if abs(b) < 0.003 * a {
                    if a < 2e-6 {
                        -polygamma(2, a) * exp_m1(-3 * ln_1p(b / a))
                    } else {
                        -b * (5 * (polygamma(3, a + b * 0.1127016653792583) + polygamma(3, a + b * 0.8872983346207417)) + 8 * polygamma(3, a + b / 2)) / 18
                    }
                } else {
                    if polygamma(2, a + b) == f64::NEG_INFINITY && b > 0 {
                        polygamma(2, a) * (b / (a + b))
                    } else {
                        polygamma(2, a) - polygamma(2, a + b)
                    }
                }
            }
        } else {
            f64::NAN
        },
        |a, b, y| if y == y { -polygamma(2, a + b) } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn trigamma_difference<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, fall_of_trigamma)
}

fn fall_of_trigamma(a: f64, b: f64) -> f64 {
    if is_next_to_pole(a, b) {
        return trigamma(a);
    }
    if is_positive(a, b) && a < 1e-100 {
        // The square of its inverse may be infinite: 1 / a^2 - 1 / (a + b)^2 is b (2 a + b) / (a (a + b))^2.
        let sum = a + b;
        let pole = b / sum * ((a + sum) / sum) / a / a;
        return pole + fall_of_trigamma(a + 1.0, b);
    }
    if is_positive(a, b) {
        // The derivative of the same difference of digamma.
        return if b < 0.0 {
            by_first(digamma_rise, a + b, -b)
        } else {
            -by_first(digamma_rise, a, b)
        };
    }
    if is_mirrored(a, b) {
        // trigamma(x) is pi^2 / sin(pi x)^2 - trigamma(1 - x); the difference of two squares of sines is a product of two.
        let [quotient, over_sines] = quotient_of_sines(a, b);
        let rest = PI * PI * quotient * (sinpi(a + a + b) * over_sines);
        return rest + fall_of_trigamma(1.0 - (a + b), b);
    }
    or_undefined(trigamma(a) - trigamma(a + b), a + b)
}

/// Whether a and a + b are positive, and neither is infinite.
fn is_positive<T: Real>(a: T, b: T) -> bool {
    a > T::zero() && a + b > T::zero() && a.is_finite() && b.is_finite()
}

/// Whether one of a and a + b is below 0, neither above 1/2, nor a pole, and both about as far from the nearest one. What these
/// poles add to a difference of polygamma functions is known then by sin(pi b), which does not cancel, and the rest is the
/// difference on the other side of 1/2 (DLMF 5.5.4 and 5.15.6).
fn is_mirrored<T: Real>(a: T, b: T) -> bool {
    let (a, sum) = (a.to_f64(), (a + b).to_f64());
    let is_whole = |x: f64| x == x.round();
    let below = a.min(sum) < 0.0 && a.max(sum) < 0.5 && !is_whole(a) && !is_whole(sum);
    below && sinpi(b.to_f64()).abs() < 0.25 * sinpi(a).abs()
}

/// sin(pi b) / (sin(pi a) sin(pi (a + b))), and the same without the numerator.
fn quotient_of_sines<T: Real>(a: T, b: T) -> [T; 2] {
    let (first, second) = (sinpi(a), sinpi(a + b));
    [sinpi(b) / first / second, first.recip() / second]
}

/// A difference, whose derivatives by what one term does not read are undefined as well where it is.
fn or_undefined<T: Real>(difference: T, x: T) -> T {
    if difference.to_f64().is_nan() { undefined(x) } else { difference }
}

/// -polygamma(n, a + b).
fn polygamma_at_sum<T: Real>(a: T, b: T, n: u32) -> T {
    -polygamma(n, a + b)
}

/// polygamma(2, a) - polygamma(2, a + b), where both may overflow; for a small b the second derivative of the same difference
/// of digamma.
fn fall_of_tetragamma<T: Real>(a: T, b: T) -> T {
    if b.to_f64().abs() < 1e-3 * a.to_f64() && a.is_finite() {
        let one = Dual::constant(T::one());
        let along: Dual<Dual<T>> = digamma_rise(
            Dual::new(Dual::new(a, [T::one()]), [one]),
            Dual::constant(Dual::constant(b)),
        );
        return -along.tangents[0].tangents[0];
    }
    if is_mirrored(a, b) {
        // polygamma(2, x) is polygamma(2, 1 - x) - 2 pi^3 cos(pi x) / sin(pi x)^3.
        let [quotient, over_sines] = quotient_of_sines(a, b);
        let (first, second) = (sinpi(a), sinpi(a + b));
        let sum = first / second + second / first - first * second + cospi(a) * cospi(a + b);
        let cube = T::pi() * T::pi() * T::pi();
        let rest = cube * quotient * over_sines * sum * convert(2.0);
        return -fall_of_tetragamma(T::one() - (a + b), b) - rest;
    }
    let (first, second) = (polygamma(2, a), polygamma(2, a + b));
    if second.to_f64() == f64::NEG_INFINITY && b > T::zero() {
        return first * (b / (a + b));
    }
    or_undefined(first - second, a + b)
}

/// The derivative of beta(a, b) = y by a.
fn slope<T: Real>(a: T, b: T, y: T) -> T {
    if y == T::zero() && !(a.is_finite() && b.is_finite()) {
        return T::zero();
    }
    if is_smooth(a, b) || is_shifted(a, b) || is_beside_pole(a, b) {
        return beta_slope(a, b);
    }
    let sum = a + b;
    let place = sum.to_f64();
    let negative = a <= T::zero() || b <= T::zero();
    // Where a is nearer to a pole than the sum, it is the derivative of that pole.
    let first = a.to_f64();
    let to_pole = if first < 0.5 { (first - first.round()).abs() } else { 1.0 };
    let to_zero = (place - place.round()).abs();
    if negative && place < 0.25 && to_zero < 0.25 * to_pole && place > -100.0 {
        // Near a zero of y with the poles of digamma taken out: by the reflection of gamma (DLMF 5.5.3), y is
        // gamma(a) gamma(b) gamma(1 - a - b) sin(pi (a + b)) / pi.
        let mirrored = T::one() - sum;
        let slopes = digamma_difference(a, mirrored - a);
        let rest = slopes * sinpi(sum) / T::pi() + cospi(sum);
        return gamma(a) * gamma(mirrored) * gamma(b) * rest;
    }
    y * logarithmic_slope(a, b)
}

/// Whether one argument is small and the other below -0.01, and not at a pole, nor too far below for [`shifted_slope`].
fn is_shifted<T: Real>(a: T, b: T) -> bool {
    let is_small = |x: f64| x > LEAST && x < SMALL;
    let is_between_poles = |x: f64| x > -LONGEST && x <= LEAST && x != x.round();
    let (a, b) = (a.to_f64(), b.to_f64());
    is_small(a) && is_between_poles(b) || is_small(b) && is_between_poles(a)
}

/// The derivative by a where [`is_shifted`], by those of an argument that is one more: the pole of the small one cancels in
/// derivatives by the other.
///
/// For the small x, B(x, y) = (x + y) B(x, y + 1) / y = B(x, y + 1) + C / y with C = x B(x, y + 1) = (x + y + 1) B(x + 1, y + 1)
/// (DLMF 5.12.1), which is smooth at x = 0.
fn shifted_slope<T: Real>(a: T, b: T) -> T {
    let (next_a, next_b) = (a + T::one(), b + T::one());
    let product = beta(next_a, next_b);
    let by_a = product + (a + next_b) * slope(next_a, next_b, product);
    if a.to_f64() > LEAST {
        return slope(a, next_b, beta(a, next_b)) + by_a / b;
    }
    slope(next_a, b, beta(next_a, b)) + (by_a - (a + next_b) * product / a) / a
}

/// Whether b is beside a pole below 0, of which nothing may be left in derivatives by a: the residue is a polynomial of a.
fn is_beside_pole<T: Real>(a: T, b: T) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    let away = (b - b.round()).abs();
    a >= SMALL && a.is_finite() && b > -LONGEST && b < -0.5 && away != 0.0 && away < -LEAST
}

/// The derivative by a where [`is_beside_pole`] holds: of B(a, b) = (a + b) B(a, b + 1) / b (DLMF 5.12.1), which has no pole but
/// that of the last of these B, at 0.
fn slope_beside_pole<T: Real>(a: T, b: T) -> T {
    let next = b + T::one();
    let product = beta(a, next);
    (product + (a + b) * slope(a, next, product)) / b
}

/// So far below 0 the steps of [`shifted_slope`] go.
const LONGEST: f64 = 30.0;

/// Whether both are above the poles at -1, -2, .., and not both at that at 0. What is next to 0 of B is 1 / a, and nearly
/// nothing of that is in the derivative by b: it is taken apart.
fn is_smooth<T: Real>(a: T, b: T) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    a > LEAST && b > LEAST && (a != 0.0 || b != 0.0)
}

/// The least argument of which this is so, and the series of a small one are.
const LEAST: f64 = -0.01;

fn curvature<T: Real>(a: T, b: T) -> T {
    if is_shifted(a, b) {
        return by_first(shifted_slope, a, b);
    }
    if is_beside_pole(a, b) {
        return by_first(slope_beside_pole, a, b);
    }
    if !is_smooth(a, b) {
        return undefined(a + b);
    }
    if !(a.is_finite() && b.is_finite()) {
        return of_infinite(a, b);
    }
    let (first, second) = (a.to_f64(), b.to_f64());
    let at_origin = first < SMALL && second < SMALL;
    if at_origin || first < SMALL && first.abs() < 0.25 * second {
        let one = Dual::constant(T::one());
        let moving = Dual::new(Dual::new(a, [T::one()]), [one]);
        let still = Dual::constant(Dual::constant(b));
        let rest: Dual<Dual<T>> =
            if at_origin { rest_at_origin(moving, still) } else { rest_of_small(moving, still) };
        let inverse = a.recip();
        return rest.tangents[0].tangents[0] + inverse * inverse * inverse * convert(2.0);
    }
    if second < 0.5 && first > 0.0 {
        return by_first(over_small, a, b);
    }
    beta_slope(a, b) * digamma_difference(a, b) + beta(a, b) * trigamma_difference(a, b)
}

/// Of an infinite argument and a positive one the derivatives are zero.
fn of_infinite<T: Real>(a: T, b: T) -> T {
    if a > T::zero() && b > T::zero() { T::zero() } else { undefined(a + b) }
}

/// The derivative of a function by its first argument.
fn by_first<T: Real>(f: impl Fn(Dual<T>, Dual<T>) -> Dual<T>, a: T, b: T) -> T {
    f(Dual::new(a, [T::one()]), Dual::constant(b)).tangents[0]
}

/// The derivative of [`curvature`] by the first.
fn slope_of_curvature<T: Real>(a: T, b: T) -> T {
    by_first(curvature, a, b)
}

/// Below, both are small.
const SMALL: f64 = 0.02;

fn slope_of_plain(a: f64, b: f64) -> f64 {
    if is_shifted(a, b) {
        return shifted_slope(a, b);
    }
    if is_beside_pole(a, b) {
        return slope_beside_pole(a, b);
    }
    if !is_smooth(a, b) {
        return f64::NAN;
    }
    if a.max(b) == f64::INFINITY {
        return if a.min(b) > 0.0 { 0.0 } else { f64::NAN };
    }
    if a.max(b) < SMALL {
        let [by_a, _] = rest_at_origin(Dual::new(a, [1.0, 0.0]), Dual::new(b, [0.0, 1.0])).tangents;
        return by_a - (a * a).recip();
    }
    if b < 0.5 && a > 0.0 { over_small(a, b) } else { beta(a, b) * logarithmic_slope(a, b) }
}

/// The derivative by a for a small b.
fn over_small<T: Real>(a: T, b: T) -> T {
    -((a + b) * beta(a, b + T::one()) * digamma_rise_quotient(a, b))
}

/// The derivative by both.
fn mixed_slope<T: Real>(a: T, b: T) -> T {
    let (least, most) = if a < b { (a, b) } else { (b, a) };
    if is_shifted(a, b) {
        return by_first(|b, a| shifted_slope(a, b), b, a);
    }
    if is_beside_pole(a, b) {
        return by_first(|b, a| slope_beside_pole(a, b), b, a);
    }
    if is_beside_pole(b, a) {
        return by_first(|a, b| slope_beside_pole(b, a), a, b);
    }
    if !is_smooth(a, b) {
        return undefined(a + b);
    }
    if !most.is_finite() {
        return of_infinite(a, b);
    }
    let (one, zero) = (T::one(), T::zero());
    if most < convert(SMALL) {
        let least = Dual::new(least, [one]);
        let (least, most) =
            (Dual::constant(least), Dual::new(Dual::constant(most), [Dual::constant(one)]));
        return rest_at_origin::<Dual<Dual<T>>>(least, most).tangents[0].tangents[0];
    }
    if least < convert(0.5) {
        let along: Dual<T> = over_small(Dual::constant(most), Dual::new(least, [one]));
        return along.tangents[0];
    }
    let slopes = logarithmic_slope(a, b) * logarithmic_slope(b, a);
    if slopes == zero { zero } else { beta(a, b) * (slopes - trigamma(a + b)) }
}

/// The derivative of [`mixed_slope`] by the first.
fn slope_of_mixed<T: Real>(a: T, b: T) -> T {
    by_first(mixed_slope, a, b)
}

/// B(a, b) - 1 / a - 1 / b for small a and b: with a b Q = ln(a b B / (a + b)), which is the sum over k >= 2 of (-1)^k zeta(k) / k
/// (a^k + b^k - (a + b)^k) (DLMF 5.7.3), it is (a + b) Q (exp(a b Q) - 1) / (a b Q).
fn rest_at_origin<T: Real>(a: T, b: T) -> T {
    let mut quotient = T::zero();
    // a^k and the sum of a^i b^j binomial(k, i) / k over i + j = k, both at least 1, divided by a b.
    let zetas = ZETA_LESS_ONE.iter().take(9).zip(2..);
    for (zeta, k) in zetas {
        let (mut sum, mut binomial) = (T::zero(), 1.0);
        for i in 1..k {
            binomial *= f64::from(k - i + 1) / f64::from(i);
            sum += a.powi(i - 1) * b.powi(k - i - 1) * convert(binomial / f64::from(k));
        }
        let sign = if k % 2 == 0 { -1.0 } else { 1.0 };
        quotient += sum * convert(sign * (zeta + 1.0));
    }
    (a + b) * quotient * exprel(a * b * quotient)
}

/// B(a, b) - 1 / a for an a that is small beside b: with a q = ln(a B), it is q (exp(a q) - 1) / (a q).
fn rest_of_small<T: Real>(a: T, b: T) -> T {
    let exponent = beta_exponent(b, a);
    exponent * exprel(a * exponent)
}

fn is_pole(x: f64) -> bool {
    x <= 0.0 && x.fract() == 0.0
}

/// digamma(a) - digamma(a + b), without cancellation for a small b.
pub(super) fn logarithmic_slope<T: Real>(a: T, b: T) -> T {
    if is_positive(a, b) {
        return if b < T::zero() { digamma_rise(a + b, -b) } else { -digamma_rise(a, b) };
    }
    if a > T::zero() && b.is_finite() && (b > T::zero() || !a.is_finite()) {
        return T::zero();
    }
    if is_mirrored(a, b) {
        // digamma(x) is digamma(1 - x) - pi cot(pi x).
        let [quotient, _] = quotient_of_sines(a, b);
        return -logarithmic_slope(T::one() - (a + b), b) - T::pi() * quotient;
    }
    or_undefined(digamma(a) - digamma(a + b), a + b)
}

/// The sign of the gamma function.
fn sign_of_gamma(x: f64) -> f64 {
    if x >= 0.0 || x.floor() % 2.0 == 0.0 { 1.0 } else { -1.0 }
}

fn beta_of(a: f64, b: f64) -> f64 {
    let (least, most) = if a < b { (a, b) } else { (b, a) };
    if least <= 0.0 {
        if is_pole(a + b) && !is_pole(a) && !is_pole(b) {
            return 0.0;
        }
        if is_pole(a + b) && (is_pole(a) || is_pole(b)) {
            return f64::NAN;
        }
        let sign = sign_of_gamma(a) * sign_of_gamma(b) * sign_of_gamma(a + b);
        if is_pole(least) && least < 0.0 {
            return f64::NAN;
        }
        if least < 0.0 && least > LEAST && most != 0.0 {
            // b B(a, b) = (a + b) B(a, b + 1).
            return (least + most) * beta_of(least + 1.0, most) / least;
        }
        if is_mirrored(least, most) && most > 0.0 {
            let mirrored = 1.0 - (least + most);
            return beta_of(most, mirrored) * (sinpi(least + most) / sinpi(least));
        }
        return sign * ln_beta_of(a, b).exp();
    }
    if least > 0.0 && most == f64::INFINITY {
        return 0.0;
    }
    if least > 0.0 && least < 1e-300 {
        // All but the poles is nothing, and the gamma function infinite.
        return (least + most) / most / least;
    }
    if most < 20.0 {
        return gamma(most) / gamma(most + least) * gamma(least);
    }
    // gamma(least) is that of least + 1 divided by least, which is accurate and large for a small one.
    if least < 1.0 {
        return (ln_gamma(least + 1.0) - ln_gamma_rise(most, least)).exp() / least;
    }
    ln_beta_of(a, b).exp()
}

/// ln |beta(a, b)|.
pub(super) fn ln_beta_of(a: f64, b: f64) -> f64 {
    let (least, most) = if a < b { (a, b) } else { (b, a) };
    if least > 0.0 && most == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    if least <= LEAST && most > 0.0 && is_mirrored(least, most) {
        // B(a, b) is B(b, 1 - a - b) sin(pi (a + b)) / sin(pi a).
        let quotient = sinpi(least + most) / sinpi(least);
        return ln_beta_of(most, 1.0 - (least + most)) + quotient.abs().ln();
    }
    if least >= 10.0 {
        // Stirling's formula in all three, with the logarithms put together.
        let quotient = least / most;
        let share = quotient / (1.0 + quotient);
        let rest = stirling_remainder(least)
            + (stirling_remainder(most) - stirling_remainder(least + most));
        let half_ln_turn = 0.918_938_533_204_672_8;
        return half_ln_turn - 0.5 * most.ln()
            + rest
            + (least - 0.5) * share.ln()
            + most * (-share).ln_1p();
    }
    if least > 0.0 && most >= 10.0 {
        return ln_gamma(least) - ln_gamma_rise(most, least);
    }
    if most > 1e6 && least + most > 1e6 {
        return ln_gamma(least) - ln_gamma_rise(most, least);
    }
    ln_gamma(least) + (ln_gamma(most) - ln_gamma(least + most))
}
