//! The beta function and its logarithm.

use super::gamma_functions::{digamma_rise, ln_gamma_rise, stirling_remainder};
use crate::math::{at_base_of_two, cospi, digamma, gamma, ln_gamma, polygamma, sinpi, trigamma};
use crate::{Dual, Real, primitive};

/// The beta function, gamma(a) gamma(b) / gamma(a + b).
///
/// The derivative by a is beta(a, b) (digamma(a) - digamma(a + b)) (DLMF 5.12.1 and 5.2.2).
///
/// Domain: all a and b that are not 0, -1, -2, ..
/// Edge: NaN where such an argument leaves a quotient of infinities, infinity for a = 0 or b = 0 and the other
/// positive; 0 where a + b is one of these numbers and a and b are not.
///
/// ```
/// assert!((difrules_core::math::beta(2.0_f64, 3.0) - 1.0 / 12.0).abs() < 1e-16);
/// ```
#[primitive(
    partial = (|a, b, y| slope(a, b, y), |a, b, y| slope(b, a, y)),
    symbolic = (
        |a, b, y| if y == 0 && a + b <= 0 {
            gamma(a) * gamma(1 - a - b) * gamma(b) * ((digamma(a) - digamma(1 - a - b)) * sinpi(a + b) / T::pi() + cospi(a + b))
        } else {
            y * digamma_difference(a, b)
        },
        |a, b, y| if y == 0 && a + b <= 0 {
            gamma(a) * gamma(1 - a - b) * gamma(b) * ((digamma(b) - digamma(1 - a - b)) * sinpi(a + b) / T::pi() + cospi(a + b))
        } else {
            y * digamma_difference(b, a)
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0)),
    alias("SpecialFunctions.beta")
)]
pub fn beta<T: Real>(a: T, b: T) -> T {
    at_base_of_two(a, b, beta_of)
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
    partial = (|a, b, _| logarithmic_slope(a, b), |a, b, _| logarithmic_slope(b, a)),
    symbolic = (|a, b, _| digamma_difference(a, b), |a, b, _| digamma_difference(b, a)),
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
    partial = (|a, b, _| trigamma_difference(a, b), |a, b, _| -trigamma(a + b)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn digamma_difference<T: Real>(a: T, b: T) -> T {
    logarithmic_slope(a, b)
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
    partial = (|a, b, _| polygamma(2, a) - polygamma(2, a + b), |a, b, _| -polygamma(2, a + b)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(0.5, 5.0), random.between(0.5, 5.0))
)]
pub fn trigamma_difference<T: Real>(a: T, b: T) -> T {
    if a > T::zero() && a + b > T::zero() && a.is_finite() && b.is_finite() {
        // The derivative of the same difference of digamma.
        let along: Dual<T> = digamma_rise(Dual::new(a, [T::one()]), Dual::constant(b));
        return -along.tangents[0];
    }
    trigamma(a) - trigamma(a + b)
}

/// The derivative of beta(a, b) = y by a.
fn slope<T: Real>(a: T, b: T, y: T) -> T {
    if y == T::zero() && !(a.is_finite() && b.is_finite()) {
        return T::zero();
    }
    let sum = a + b;
    let place = sum.to_f64();
    let negative = a <= T::zero() || b <= T::zero();
    // Where an argument is nearer to a pole than the sum, it is the derivative of that one's pole.
    let least = a.to_f64().abs().min(b.to_f64().abs()).min(1.0);
    if negative && place < 0.25 && (place - place.round()).abs() < 0.25 * least && place > -100.0 {
        // Near a zero of y with the poles of digamma taken out: by the reflection of gamma (DLMF 5.5.3), y is
        // gamma(a) gamma(b) gamma(1 - a - b) sin(pi (a + b)) / pi.
        let mirrored = T::one() - sum;
        let rest = (digamma(a) - digamma(mirrored)) * sinpi(sum) / T::pi() + cospi(sum);
        return gamma(a) * gamma(mirrored) * gamma(b) * rest;
    }
    y * logarithmic_slope(a, b)
}

fn is_pole(x: f64) -> bool {
    x <= 0.0 && x.fract() == 0.0
}

/// digamma(a) - digamma(a + b), without cancellation for a small b.
pub(super) fn logarithmic_slope<T: Real>(a: T, b: T) -> T {
    if a > T::zero() && a + b > T::zero() && a.is_finite() && b.is_finite() {
        return -digamma_rise(a, b);
    }
    if a > T::zero() && b > T::zero() && b.is_finite() {
        return T::zero();
    }
    digamma(a) - digamma(a + b)
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
        return sign * ln_beta_of(a, b).exp();
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
    if least >= 10.0 {
        // Stirling's formula in all three, with the logarithms put together.
        let share = least / (least + most);
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
