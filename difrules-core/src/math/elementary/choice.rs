//! Choices between numbers. Where two are equal, the derivative is that of the first.

use crate::math::undefined;
use crate::{Real, primitive};

/// The larger of two numbers; NaN if one is NaN, unlike [`max`](fn@crate::math::max).
///
/// Domain: all x and y.
/// Edge: where they are equal, the derivative is that of the first.
///
/// ```
/// assert_eq!(difrules_core::math::maximum(1.0_f64, 2.0), 2.0);
/// assert!(difrules_core::math::maximum(1.0, f64::NAN).is_nan());
/// ```
#[primitive(
    partial = (
        |x, y| if x >= y { T::one() } else { T::zero() },
        |x, y| if x >= y { T::zero() } else { T::one() }
    ),
    symbolic = (
        |x, y, z| if z == z { if x >= y { 1 } else { 0 } } else { f64::NAN },
        |x, y, z| if z == z { if x >= y { 0 } else { 1 } } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.max")
)]
pub fn maximum<T: Real>(x: T, y: T) -> T {
    if x >= y || x.to_f64().is_nan() { x } else { y }
}

/// The smaller of two numbers; NaN if one is NaN, unlike [`min`](fn@crate::math::min).
///
/// Domain: all x and y.
/// Edge: where they are equal, the derivative is that of the first.
///
/// ```
/// assert_eq!(difrules_core::math::minimum(1.0_f64, 2.0), 1.0);
/// assert!(difrules_core::math::minimum(1.0, f64::NAN).is_nan());
/// ```
#[primitive(
    partial = (
        |x, y| if x <= y { T::one() } else { T::zero() },
        |x, y| if x <= y { T::zero() } else { T::one() }
    ),
    symbolic = (
        |x, y, z| if z == z { if x <= y { 1 } else { 0 } } else { f64::NAN },
        |x, y, z| if z == z { if x <= y { 0 } else { 1 } } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.min")
)]
pub fn minimum<T: Real>(x: T, y: T) -> T {
    if x <= y || x.to_f64().is_nan() { x } else { y }
}

/// The number of an interval that is nearest to x.
///
/// Domain: least <= most.
/// Edge: at an end of the interval the derivative is that by x; NaN stays NaN. Where least > most the result is least below
/// it and most above, as nalgebra's `clamp` has it.
///
/// ```
/// assert_eq!(difrules_core::math::clamp(5.0_f64, 0.0, 2.0), 2.0);
/// ```
#[primitive(
    partial = (
        |x, least, most| if x < least || x > most { T::zero() } else { T::one() },
        |x, least, _| if x < least { T::one() } else { T::zero() },
        |x, least, most| if x >= least && x > most { T::one() } else { T::zero() }
    ),
    symbolic = (
        |x, least, most| if x == x { if x < least || x > most { 0 } else { 1 } } else { f64::NAN },
        |x, least, _| if x == x { if x < least { 1 } else { 0 } } else { f64::NAN },
        |x, least, most| if x == x { if x >= least && x > most { 1 } else { 0 } } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.normal(), random.between(-2.0, -0.7), random.between(0.7, 2.0))
)]
pub fn clamp<T: Real>(x: T, least: T, most: T) -> T {
    if x < least {
        least
    } else if x > most {
        most
    } else {
        x
    }
}

/// The size of x with the sign of another number.
///
/// Domain: all x.
/// Edge: the derivative by the sign is 0, at 0 too; at x = 0 that by x is 1 or -1, by the signs of the zeros. The sign of a
/// NaN is one, but both derivatives are NaN.
///
/// ```
/// assert_eq!(difrules_core::math::copysign(3.0_f64, -0.5), -3.0);
/// ```
#[primitive(
    partial = (
        |x, sign| if sign.to_f64().is_nan() {
            undefined(x + sign)
        } else { x.signum() * sign.signum() },
        |x, sign| if sign.to_f64().is_nan() { undefined(x + sign) } else { T::zero() }
    ),
    symbolic = (
        |x, sign| x.signum() * sign.signum(),
        |x, sign| if x == x && sign == sign { 0 } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn copysign<T: Real>(x: T, sign: T) -> T {
    x.copysign(sign)
}

/// One of two numbers, by a condition.
///
/// Domain: all x and y.
/// Edge: what is not chosen contributes nothing, NaN and infinite derivatives neither.
///
/// ```
/// assert_eq!(difrules_core::math::select(true, 3.0_f64, f64::NAN), 3.0);
/// ```
#[primitive(
    partial = (
        |condition, _, _| if condition { T::one() } else { T::zero() },
        |condition, _, _| if condition { T::zero() } else { T::one() }
    ),
    symbolic = (
        |condition, _, _, z| if z == z { if condition { 1 } else { 0 } } else { f64::NAN },
        |condition, _, _, z| if z == z { if condition { 0 } else { 1 } } else { f64::NAN }
    ),
    constant(condition),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.choose(&[true, false]), random.normal(), random.normal())
)]
pub fn select<T: Real>(condition: bool, x: T, y: T) -> T {
    if condition { x } else { y }
}
