//! Trigonometric functions of angles in degrees. Multiples of 30, 45 and 90 degrees are reduced exactly, so zeros
//! and poles are where they belong.

use nalgebra::{ComplexField, convert};

use super::trigonometric::{one_minus_square, over_one_and_square, over_size_and_root};
use crate::{Real, primitive};

/// The radians in a degree.
fn degree<T: Real>() -> T {
    convert(std::f64::consts::PI / 180.0)
}

/// The degrees in a radian.
const RADIAN: f64 = 180.0 / std::f64::consts::PI;

/// The degrees in a radian.
fn radian<T: Real>() -> T {
    convert(RADIAN)
}

/// The sine and the cosine of an angle that is reduced to 45 degrees about the nearest multiple of 90.
fn reduced<T: Real>(x: T) -> (T, T) {
    let whole = ComplexField::abs(x) % convert(360.0);
    let quarter = (whole / convert(90.0)).round();
    let rest = (whole - quarter * convert(90.0)) * degree();
    super::trigonometric::at_quarter_turns(rest, quarter.to_f64(), x.is_sign_negative())
}

/// The sine of an angle in degrees.
///
/// Domain: all x.
/// Edge: exactly 0 at multiples of 180, with the sign of x, the derivative pi/180 or -pi/180; NaN at
/// the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::sind(180.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| to_radians(cosd(x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.sind")
)]
pub fn sind<T: Real>(x: T) -> T {
    reduced(x).0
}

/// The cosine of an angle in degrees.
///
/// Domain: all x.
/// Edge: exactly +0 at odd multiples of 90; NaN at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::cosd(90.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| -to_radians(sind(x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.cosd")
)]
pub fn cosd<T: Real>(x: T) -> T {
    reduced(x).1
}

/// The tangent of an angle in degrees.
///
/// Domain: all x but odd multiples of 90.
/// Edge: infinite at odd multiples of 90, with the sign of the sine, the derivative +infinity; NaN at
/// the infinities.
///
/// ```
/// assert!((difrules_core::math::tand(45.0_f64) - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, y| to_radians(T::one() + y * y),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.tand")
)]
pub fn tand<T: Real>(x: T) -> T {
    let (sin, cos) = reduced(x);
    sin / cos
}

/// The secant of an angle in degrees, 1 / cosd(x).
///
/// Domain: all x but odd multiples of 90.
/// Edge: +infinity at odd multiples of 90, the derivative infinite with the sign of the sine; NaN at
/// the infinities.
///
/// ```
/// assert!((difrules_core::math::secd(60.0_f64) - 2.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| to_radians(y * tand(x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.secd")
)]
pub fn secd<T: Real>(x: T) -> T {
    reduced(x).1.recip()
}

/// The cosecant of an angle in degrees, 1 / sind(x).
///
/// Domain: all x but multiples of 180.
/// Edge: infinite at multiples of 180, with the sign of x, as the derivative; NaN at the infinities.
///
/// ```
/// assert!((difrules_core::math::cscd(30.0_f64) - 2.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| -to_radians(y * cotd(x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(10.0, 170.0),
    alias("Base.cscd")
)]
pub fn cscd<T: Real>(x: T) -> T {
    reduced(x).0.recip()
}

/// The cotangent of an angle in degrees.
///
/// Domain: all x but multiples of 180.
/// Edge: infinite at multiples of 180, the derivative -infinity; keeps the sign of 0; NaN at the
/// infinities.
///
/// ```
/// assert!((difrules_core::math::cotd(45.0_f64) - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, y| -to_radians(T::one() + y * y),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(10.0, 170.0),
    alias("Base.cotd")
)]
pub fn cotd<T: Real>(x: T) -> T {
    let (sin, cos) = reduced(x);
    cos / sin
}

/// The arc sine in degrees.
///
/// Domain: -1 <= x <= 1.
/// Edge: -90 and 90 at the ends, the derivative +infinity; NaN beyond, as the derivative.
///
/// ```
/// assert!((difrules_core::math::asind(0.5_f64) - 30.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| to_degrees(one_minus_square(x).sqrt().recip()),
    symbolic = |x| to_degrees((if ComplexField::abs(x) < 0.5 { T::one() - x.powi(2) } else { (T::one() - x) * (T::one() + x) }).sqrt().recip()),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-0.9, 0.9),
    alias("Base.asind")
)]
pub fn asind<T: Real>(x: T) -> T {
    x.asin() * radian()
}

/// The arc cosine in degrees.
///
/// Domain: -1 <= x <= 1.
/// Edge: 180 at -1 and 0 at 1, the derivative -infinity; NaN beyond, as the derivative.
///
/// ```
/// assert!((difrules_core::math::acosd(0.5_f64) - 60.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| -to_degrees(one_minus_square(x).sqrt().recip()),
    symbolic = |x| -to_degrees((if ComplexField::abs(x) < 0.5 { T::one() - x.powi(2) } else { (T::one() - x) * (T::one() + x) }).sqrt().recip()),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-0.9, 0.9),
    alias("Base.acosd")
)]
pub fn acosd<T: Real>(x: T) -> T {
    x.acos() * radian()
}

/// The arc tangent in degrees.
///
/// Domain: all x.
/// Edge: -90 and 90 at the infinities, the derivative 0.
///
/// ```
/// assert!((difrules_core::math::atand(1.0_f64) - 45.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| over_one_and_square(convert(RADIAN), x),
    symbolic = |x| to_degrees(over_square(T::one(), x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.atand")
)]
pub fn atand<T: Real>(x: T) -> T {
    x.atan() * radian()
}

/// The arc secant in degrees.
///
/// Domain: x <= -1 and x >= 1.
/// Edge: 180 at -1 and 0 at 1, the derivative +infinity; 90 at the infinities; NaN between, as the
/// derivative.
///
/// ```
/// assert!((difrules_core::math::asecd(2.0_f64) - 60.0).abs() < 1e-13);
/// ```
#[primitive(
    partial = |x| over_size_and_root(convert(RADIAN), x),
    symbolic = |x| {
        let size = ComplexField::abs(x);
        if size < 1 { f64::NAN } else {
            if size == f64::INFINITY { 0 } else { to_degrees(1 / (sqrt(size - 1) * sqrt(size + 1))) / size }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(1.2, 4.0),
    alias("Base.asecd")
)]
pub fn asecd<T: Real>(x: T) -> T {
    x.recip().acos() * radian()
}

/// The arc cosecant in degrees.
///
/// Domain: x <= -1 and x >= 1.
/// Edge: -90 at -1 and 90 at 1, the derivative -infinity; 0 at the infinities; NaN between, as the
/// derivative.
///
/// ```
/// assert!((difrules_core::math::acscd(2.0_f64) - 30.0).abs() < 1e-13);
/// ```
#[primitive(
    partial = |x| over_size_and_root(convert(-RADIAN), x),
    symbolic = |x| {
        let size = ComplexField::abs(x);
        if size < 1 { f64::NAN } else {
            if size == f64::INFINITY { 0 } else { -to_degrees(1 / (sqrt(size - 1) * sqrt(size + 1))) / size }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(1.2, 4.0),
    alias("Base.acscd")
)]
pub fn acscd<T: Real>(x: T) -> T {
    x.recip().asin() * radian()
}

/// The arc cotangent in degrees, atand(1 / x), in [-90, 90].
///
/// Domain: all x.
/// Edge: jumps at 0, from -90 at -0 to 90 at +0, the derivative that of both sides; 0 at the
/// infinities.
///
/// ```
/// assert!((difrules_core::math::acotd(1.0_f64) - 45.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| over_one_and_square(convert(-RADIAN), x),
    symbolic = |x| -to_degrees(over_square(T::one(), x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("Base.acotd")
)]
pub fn acotd<T: Real>(x: T) -> T {
    x.recip().atan() * radian()
}

/// An angle in degrees as one in radians.
///
/// Domain: all x.
/// Edge: infinite at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::to_radians(180.0_f64), std::f64::consts::PI);
/// ```
#[primitive(
    partial = |_| to_radians(T::one()),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.deg2rad")
)]
pub fn to_radians<T: Real>(x: T) -> T {
    x * degree()
}

/// An angle in radians as one in degrees.
///
/// Domain: all x.
/// Edge: infinite at the infinities, and beyond 3.1e306, where it overflows.
///
/// ```
/// assert_eq!(difrules_core::math::to_degrees(std::f64::consts::PI), 180.0);
/// ```
#[primitive(
    partial = |_| to_degrees(T::one()),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.rad2deg")
)]
pub fn to_degrees<T: Real>(x: T) -> T {
    x * radian()
}
