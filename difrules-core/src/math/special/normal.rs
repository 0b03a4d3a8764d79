//! The normal distribution with mean 0 and variance 1.

use nalgebra::{ComplexField, convert};

use super::error_function::{erfc_ratio, inverse_complement, scaled_complement, times_exp_square};
use crate::math::at_base;
use crate::{Real, primitive};

/// The standard normal distribution function, erfc(-x / sqrt(2)) / 2: the probability of a value up to x.
///
/// Domain: all x.
/// Edge: 0 at -infinity, 1 at infinity, where the derivative is 0.
///
/// ```
/// assert!((difrules_core::math::ndtr(-1.0_f64) - 0.15865525393145705).abs() < 1e-16);
/// ```
#[primitive(
    // It is 0 beyond 40 in all its derivatives, and the square may overflow there.
    partial = |x| if ComplexField::abs(x) > convert(40.0) { T::zero() } else { (-x * x * convert(0.5)).exp() / T::two_pi().sqrt() },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn ndtr<T: Real>(x: T) -> T {
    at_base(x, distribution)
}

/// The logarithm of the standard normal distribution function [`ndtr`](fn@ndtr), accurate far out on both sides.
///
/// Its derivative, the inverse Mills ratio, is sqrt(2) times that of -logerfc at -x / sqrt(2).
///
/// Domain: all x.
/// Edge: -infinity at -infinity, where it is like -x^2 / 2, and 0 at infinity.
///
/// ```
/// assert!((difrules_core::math::log_ndtr(-1e10_f64) / -5e19 - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| if x < -T::one() { convert::<f64, T>(2.0).sqrt() * erfc_ratio(1, -x / convert::<f64, T>(2.0).sqrt()) - x } else if x > convert(40.0) { T::zero() } else { (-x * x * convert(0.5)).exp() / (T::two_pi().sqrt() * ndtr(x)) },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn log_ndtr<T: Real>(x: T) -> T {
    at_base(x, |x| {
        if x < -1.0 {
            (0.5 * scaled_complement(-x * std::f64::consts::FRAC_1_SQRT_2)).ln() - 0.5 * x * x
        } else {
            (-distribution(-x)).ln_1p()
        }
    })
}

/// The quantile function of the standard normal distribution, the inverse of [`ndtr`](fn@ndtr).
///
/// Domain: 0 <= p <= 1, NaN outside.
/// Edge: -infinity at 0, infinity at 1, with infinite derivative.
///
/// ```
/// assert!((difrules_core::math::ndtri(0.975_f64) - 1.9599639845400545).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, y| (y * y * convert(0.5)).exp() * T::two_pi().sqrt(),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.05, 0.95)
)]
pub fn ndtri<T: Real>(p: T) -> T {
    at_base(p, |p| -std::f64::consts::SQRT_2 * inverse_complement(2.0 * p))
}

fn distribution(x: f64) -> f64 {
    let scaled = -x * std::f64::consts::FRAC_1_SQRT_2;
    if x > -1.0 {
        return 0.5 * libm::erfc(scaled);
    }
    times_exp_square(0.5 * scaled_complement(scaled), x, -0.5)
}
