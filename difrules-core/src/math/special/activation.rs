//! Activations and losses of statistical learning.

use nalgebra::{ComplexField, convert};

use crate::math::elementary::logarithmic::{logistic_and_slope, slope_of_logistic};
use crate::math::twofold::twofold;
use crate::math::{log1pexp, logistic, ndtr};
use crate::{Real, primitive};

/// ln(1 + exp(x)), without overflow: the same as [`log1pexp`](fn@log1pexp).
///
/// Domain: all x.
/// Edge: 0 at -infinity, infinity at infinity.
///
/// ```
/// assert_eq!(difrules_core::math::softplus(1000.0_f64), 1000.0);
/// ```
#[primitive(partial = |x| logistic(x), instances(#[cfg(feature = "f32")] f32, f64))]
pub fn softplus<T: Real>(x: T) -> T {
    log1pexp(x)
}

/// x where it is positive, else 0. The derivative at 0 is taken as 0.
///
/// Domain: all x.
/// Edge: a kink at 0.
///
/// ```
/// assert_eq!(difrules_core::math::relu(-2.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| if x > T::zero() { T::one() } else { T::zero() },
    symbolic = |x| if x > 0 { 1 } else { if x <= 0 { 0 } else { f64::NAN } },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn relu<T: Real>(x: T) -> T {
    if x <= T::zero() { T::zero() } else { x }
}

/// x times the standard normal distribution function, the Gaussian error linear unit (the exact one, not its
/// approximation by tanh).
///
/// Domain: all x.
/// Edge: 0 at -infinity, infinity at infinity.
///
/// ```
/// assert!((difrules_core::math::gelu(1.0_f64) - 0.8413447460685429).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| if x > convert(40.0) { T::one() } else if x < convert(-40.0) { T::zero() } else { ndtr(x) + x * (-x * x * convert(0.5)).exp() / T::two_pi().sqrt() },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn gelu<T: Real>(x: T) -> T {
    // Beyond, the distribution function is 0, and zero times infinity is not.
    if x < convert(-40.0) { -T::zero() } else { x * ndtr(x) }
}

/// x times [`logistic`](fn@logistic)(x), the sigmoid linear unit (swish).
///
/// Domain: all x.
/// Edge: 0 at -infinity, infinity at infinity.
///
/// ```
/// assert!((difrules_core::math::silu(1.0_f64) - 0.7310585786300049).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = silu_and_slope -> T,
    symbolic = |x| if x > 800 { 1 } else { if x < -800 { 0 } else { logistic(x) + x * (0.25 * sech(0.5 * x).powi(2)) } },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn silu<T: Real>(x: T) -> T {
    silu_and_slope(x).0
}

/// The function and its derivative by one exponential.
fn silu_and_slope<T: Real>(x: T) -> (T, T) {
    if x > convert(800.0) {
        return (x, T::one());
    }
    if x < convert(-800.0) {
        return (-T::zero(), T::zero());
    }
    if !T::BASE {
        // A mode applies the rules.
        return (silu(x), slope_of_silu(x));
    }
    let (share, slope) = logistic_and_slope(x);
    if x > convert(-40.0) {
        return (x * share, share + x * slope);
    }
    // In halves, so that the product underflows gradually.
    let half = (x * convert(0.5)).exp();
    (x * half * half, (T::one() + x) * half * half)
}

twofold! {
    fn slope_of_silu<T>(x)
    plain { silu_and_slope(x).1 }
    smooth { logistic(x) + x * slope_of_logistic(x) }
}

/// The loss of Huber, x^2 / 2 for |x| <= delta and delta (|x| - delta / 2) beyond.
///
/// Domain: all x, delta >= 0; NaN for a negative delta. It is 0 for delta = 0.
/// Edge: the derivatives are continuous where the pieces meet, the second ones are not: there they are those of the
/// square. At x = 0 = delta the derivatives are 0.
///
/// ```
/// assert_eq!(difrules_core::math::huber(3.0_f64, 1.0), 2.5);
/// ```
#[primitive(
    partial = (|x, delta, _| if x.abs() <= delta { x } else { delta * x.signum() }, |x, delta, _| if x.abs() <= delta { T::zero() } else { x.abs() - delta }),
    symbolic = (|x, delta, y| if y == y { if abs(x) <= delta { x } else { delta * signum(x) } } else { f64::NAN }, |x, delta, y| if y == y { if abs(x) <= delta { 0 } else { abs(x) - delta } } else { f64::NAN }),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.normal(), random.positive())
)]
pub fn huber<T: Real>(x: T, delta: T) -> T {
    let size = ComplexField::abs(x);
    if delta < T::zero() {
        convert(f64::NAN)
    } else if size <= delta {
        x * (x * convert(0.5))
    } else {
        delta * (size - delta * convert(0.5))
    }
}
