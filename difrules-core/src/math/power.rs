//! Powers, roots, absolute values and choices.

use nalgebra::{ComplexField, convert};

use crate::{Real, primitive};

/// The square root; NaN below 0. The derivative at 0 is infinite.
///
/// ```
/// assert!((difrules_core::math::sqrt(2.25_f64) - 1.5).abs() < 1e-12);
/// ```
#[primitive(partial = |_, y| (y + y).recip(), instances(f32, f64), sample = |random| random.positive())]
pub fn sqrt<T: Real>(x: T) -> T {
    x.sqrt()
}

/// The cube root. The derivative at 0 is infinite.
///
/// ```
/// assert!((difrules_core::math::cbrt(3.375_f64) - 1.5).abs() < 1e-12);
/// ```
#[primitive(partial = |_, y| (convert::<f64, T>(3.0) * y * y).recip(), instances(f32, f64), sample = |random| random.positive())]
pub fn cbrt<T: Real>(x: T) -> T {
    x.cbrt()
}

/// 1 / x.
///
/// ```
/// assert!((difrules_core::math::recip(4.0_f64) - 0.25).abs() < 1e-12);
/// ```
#[primitive(partial = |_, y| -(y * y), instances(f32, f64), sample = |random| random.positive())]
pub fn recip<T: Real>(x: T) -> T {
    x.recip()
}

/// x to an integer power, which is a constant.
///
/// ```
/// assert_eq!(difrules_core::math::powi(2.0_f64, -2), 0.25);
/// ```
#[primitive(partial = |x, n| if n == 0 { T::zero() } else { convert::<f64, T>(f64::from(n)) * x.powi(n.saturating_sub(1)) }, symbolic = |x, n| n * x.powi(n - 1), constant(n), instances(f32, f64), sample = |random| (random.positive(), random.size(0, 5) as i32))]
pub fn powi<T: Real>(x: T, n: i32) -> T {
    x.powi(n)
}

/// x to a real power; NaN below 0 unless the exponent is an integer.
///
/// The derivative by the exponent is x^y ln(x), whose limit at x = 0 for y > 0 is 0.
///
/// ```
/// assert_eq!(difrules_core::math::powf(4.0_f64, 1.5), 8.0);
/// ```
#[primitive(partial = (|x, y| if y.is_zero() { T::zero() } else { y * x.powf(y - T::one()) }, |x, y, z| if x == T::zero() && y > T::zero() { T::zero() } else { z * x.ln() }), instances(f32, f64), sample = |random| (random.positive(), random.between(-3.0, 3.0)))]
pub fn powf<T: Real>(x: T, y: T) -> T {
    x.powf(y)
}

/// sqrt(x^2 + y^2), without overflow. The derivative at the origin is taken as 0.
///
/// ```
/// assert_eq!(difrules_core::math::hypot(3.0_f64, 4.0), 5.0);
/// ```
#[primitive(partial = (|x, _, z| if z == T::zero() { T::zero() } else { x / z }, |_, y, z| if z == T::zero() { T::zero() } else { y / z }), instances(f32, f64))]
pub fn hypot<T: Real>(x: T, y: T) -> T {
    x.hypot(y)
}

/// The absolute value. The derivative at 0 is taken as 0.
///
/// ```
/// assert_eq!(difrules_core::math::abs(-2.0_f64), 2.0);
/// ```
#[primitive(partial = |x| if x == T::zero() { T::zero() } else if x > T::zero() { T::one() } else { -T::one() }, instances(f32, f64))]
pub fn abs<T: Real>(x: T) -> T {
    ComplexField::abs(x)
}

/// The sign, 1 or -1. The derivative is 0, at 0 too.
///
/// ```
/// assert_eq!(difrules_core::math::signum(-2.0_f64), -1.0);
/// ```
#[primitive(partial = |_| T::zero(), instances(f32, f64))]
pub fn signum<T: Real>(x: T) -> T {
    ComplexField::signum(x)
}

/// The larger of two numbers; the other one if one is NaN. Where they are equal, the derivative is that of the first.
///
/// ```
/// assert_eq!(difrules_core::math::max(1.0_f64, 2.0), 2.0);
/// ```
#[primitive(partial = (|x, y| if x >= y || y != y { T::one() } else { T::zero() }, |x, y| if x >= y || y != y { T::zero() } else { T::one() }), instances(f32, f64))]
pub fn max<T: Real>(x: T, y: T) -> T {
    x.max(y)
}

/// The smaller of two numbers; the other one if one is NaN. Where they are equal, the derivative is that of the first.
///
/// ```
/// assert_eq!(difrules_core::math::min(1.0_f64, 2.0), 1.0);
/// ```
#[primitive(partial = (|x, y| if x <= y || y != y { T::one() } else { T::zero() }, |x, y| if x <= y || y != y { T::zero() } else { T::one() }), instances(f32, f64))]
pub fn min<T: Real>(x: T, y: T) -> T {
    x.min(y)
}

/// y / x, with the divisor first.
///
/// ```
/// assert_eq!(difrules_core::math::left_div(2.0_f64, 6.0), 3.0);
/// ```
#[primitive(partial = (|x, _, z| -z / x, |x, _, _| x.recip()), instances(f32, f64), sample = |random| (random.positive(), random.normal()))]
pub fn left_div<T: Real>(x: T, y: T) -> T {
    y / x
}
