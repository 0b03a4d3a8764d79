//! Rounding and remainders: derivatives exist between the jumps, and are taken from there at a jump.

use crate::{Real, primitive};

/// The largest integer not above x.
///
/// Domain: all x.
/// Edge: the derivative is 0, at a jump too; keeps the sign of 0; infinite at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::floor(-1.5_f64), -2.0);
/// ```
#[primitive(
    partial = |_| T::zero(),
    symbolic = |x| if x == x { 0 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.4)
)]
pub fn floor<T: Real>(x: T) -> T {
    x.floor()
}

/// The smallest integer not below x.
///
/// Domain: all x.
/// Edge: the derivative is 0, at a jump too; -0 between -1 and 0; infinite at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::ceil(-1.5_f64), -1.0);
/// ```
#[primitive(
    partial = |_| T::zero(),
    symbolic = |x| if x == x { 0 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.4)
)]
pub fn ceil<T: Real>(x: T) -> T {
    x.ceil()
}

/// The nearest integer, halves away from 0.
///
/// Domain: all x.
/// Edge: the derivative is 0, at a jump too; -0 between -1/2 and 0; infinite at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::round(-1.5_f64), -2.0);
/// ```
#[primitive(
    partial = |_| T::zero(),
    symbolic = |x| if x == x { 0 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.4)
)]
pub fn round<T: Real>(x: T) -> T {
    x.round()
}

/// The integer part.
///
/// Domain: all x.
/// Edge: the derivative is 0, at a jump too; -0 between -1 and 0; infinite at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::trunc(-1.5_f64), -1.0);
/// ```
#[primitive(
    partial = |_| T::zero(),
    symbolic = |x| if x == x { 0 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.4)
)]
pub fn trunc<T: Real>(x: T) -> T {
    x.trunc()
}

/// x - trunc(x).
///
/// Domain: all x.
/// Edge: the derivative is 1, at a jump too; +0 at integers; NaN at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::fract(-1.5_f64), -0.5);
/// ```
#[primitive(
    partial = |_| T::one(),
    symbolic = |_, y| if y == y { 1 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.4)
)]
pub fn fract<T: Real>(x: T) -> T {
    x.fract()
}

/// The remainder of x / y, with the sign of x, as `%` gives it.
///
/// Domain: all x, and all y but 0.
/// Edge: NaN for y = 0 or an infinite x; x for an infinite y. A zero has the sign of x. At a jump,
/// where x is a multiple of y, the derivatives are those of larger |x|. The count of multiples is
/// that of the value, where x / y rounds to another one too.
///
/// ```
/// assert_eq!(difrules_core::math::rem(-5.5_f64, 2.0), -1.5);
/// ```
#[primitive(
    partial = (|_, _, _| T::one(), |x, y, z| -((x - z) / y).round()),
    symbolic = (|_, _, z| if z == z { 1 } else { f64::NAN }, |x, y, z| -((x - z) / y).round()),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(2.1, 2.9), random.between(0.95, 1.0)),
    alias("Base.rem")
)]
pub fn rem<T: Real>(x: T, y: T) -> T {
    x % y
}
