//! Rounding and remainders: derivatives exist between the jumps, and are taken from there at a jump.

use crate::{Real, primitive};

/// The largest integer not above x. The derivative is 0, at a jump too.
///
/// ```
/// assert_eq!(difrules_core::math::floor(-1.5_f64), -2.0);
/// ```
#[primitive(partial = |_| T::zero(), instances(f32, f64), sample = |random| random.between(0.1, 0.4))]
pub fn floor<T: Real>(x: T) -> T {
    x.floor()
}

/// The smallest integer not below x. The derivative is 0, at a jump too.
///
/// ```
/// assert_eq!(difrules_core::math::ceil(-1.5_f64), -1.0);
/// ```
#[primitive(partial = |_| T::zero(), instances(f32, f64), sample = |random| random.between(0.1, 0.4))]
pub fn ceil<T: Real>(x: T) -> T {
    x.ceil()
}

/// The nearest integer, halves away from 0. The derivative is 0, at a jump too.
///
/// ```
/// assert_eq!(difrules_core::math::round(-1.5_f64), -2.0);
/// ```
#[primitive(partial = |_| T::zero(), instances(f32, f64), sample = |random| random.between(0.1, 0.4))]
pub fn round<T: Real>(x: T) -> T {
    x.round()
}

/// The integer part. The derivative is 0, at a jump too.
///
/// ```
/// assert_eq!(difrules_core::math::trunc(-1.5_f64), -1.0);
/// ```
#[primitive(partial = |_| T::zero(), instances(f32, f64), sample = |random| random.between(0.1, 0.4))]
pub fn trunc<T: Real>(x: T) -> T {
    x.trunc()
}

/// x - trunc(x). The derivative is 1, at a jump too.
///
/// ```
/// assert_eq!(difrules_core::math::fract(-1.5_f64), -0.5);
/// ```
#[primitive(partial = |_| T::one(), instances(f32, f64), sample = |random| random.between(0.1, 0.4))]
pub fn fract<T: Real>(x: T) -> T {
    x.fract()
}

/// The remainder of x / y, with the sign of x, as `%` gives it.
///
/// ```
/// assert_eq!(difrules_core::math::rem(-5.5_f64, 2.0), -1.5);
/// ```
#[primitive(partial = (|_, _| T::one(), |x, y| -(x / y).trunc()), instances(f32, f64), sample = |random| (random.between(2.1, 2.9), random.between(0.95, 1.0)))]
pub fn rem<T: Real>(x: T, y: T) -> T {
    x % y
}
