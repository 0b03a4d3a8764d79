//! Trigonometric functions of angles in degrees. Multiples of 30, 45 and 90 degrees are reduced exactly, so zeros
//! and poles are where they belong.

use nalgebra::{ComplexField, convert};

use crate::{Real, primitive};

/// The radians in a degree.
fn degree<T: Real>() -> T {
    convert(std::f64::consts::PI / 180.0)
}

/// The degrees in a radian.
fn radian<T: Real>() -> T {
    convert(180.0 / std::f64::consts::PI)
}

/// The sine and the cosine of an angle that is reduced to 45 degrees about the nearest multiple of 90.
fn reduced<T: Real>(x: T) -> (T, T) {
    let whole = x % convert(360.0);
    let quarter = (whole / convert(90.0)).round();
    let (sin, cos) = ((whole - quarter * convert(90.0)) * degree()).sin_cos();
    match (quarter.to_f64() as i64).rem_euclid(4) {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
    }
}

/// The sine of an angle in degrees.
///
/// ```
/// assert_eq!(difrules_core::math::sind(180.0_f64), 0.0);
/// ```
#[primitive(partial = |x| to_radians(cosd(x)), instances(f32, f64))]
pub fn sind<T: Real>(x: T) -> T {
    reduced(x).0
}

/// The cosine of an angle in degrees.
///
/// ```
/// assert_eq!(difrules_core::math::cosd(90.0_f64), 0.0);
/// ```
#[primitive(partial = |x| -to_radians(sind(x)), instances(f32, f64))]
pub fn cosd<T: Real>(x: T) -> T {
    reduced(x).1
}

/// The tangent of an angle in degrees; infinite at odd multiples of 90.
///
/// ```
/// assert!((difrules_core::math::tand(45.0_f64) - 1.0).abs() < 1e-15);
/// ```
#[primitive(partial = |_, y| to_radians(T::one() + y * y), instances(f32, f64))]
pub fn tand<T: Real>(x: T) -> T {
    let (sin, cos) = reduced(x);
    sin / cos
}

/// The secant of an angle in degrees, 1 / cosd(x); infinite at odd multiples of 90.
///
/// ```
/// assert!((difrules_core::math::secd(60.0_f64) - 2.0).abs() < 1e-15);
/// ```
#[primitive(partial = |x, y| to_radians(y * tand(x)), instances(f32, f64))]
pub fn secd<T: Real>(x: T) -> T {
    reduced(x).1.recip()
}

/// The cosecant of an angle in degrees, 1 / sind(x); infinite at multiples of 180.
///
/// ```
/// assert!((difrules_core::math::cscd(30.0_f64) - 2.0).abs() < 1e-15);
/// ```
#[primitive(partial = |x, y| -to_radians(y * cotd(x)), instances(f32, f64), sample = |random| random.between(10.0, 170.0))]
pub fn cscd<T: Real>(x: T) -> T {
    reduced(x).0.recip()
}

/// The cotangent of an angle in degrees; infinite at multiples of 180.
///
/// ```
/// assert!((difrules_core::math::cotd(45.0_f64) - 1.0).abs() < 1e-15);
/// ```
#[primitive(partial = |_, y| -to_radians(T::one() + y * y), instances(f32, f64), sample = |random| random.between(10.0, 170.0))]
pub fn cotd<T: Real>(x: T) -> T {
    let (sin, cos) = reduced(x);
    cos / sin
}

/// The arc sine in degrees; NaN outside of [-1, 1]. The derivative is infinite at the ends.
///
/// ```
/// assert!((difrules_core::math::asind(0.5_f64) - 30.0).abs() < 1e-14);
/// ```
#[primitive(partial = |x| to_degrees(((T::one() - x) * (T::one() + x)).sqrt().recip()), instances(f32, f64), sample = |random| random.between(-0.9, 0.9))]
pub fn asind<T: Real>(x: T) -> T {
    x.asin() * radian()
}

/// The arc cosine in degrees; NaN outside of [-1, 1]. The derivative is infinite at the ends.
///
/// ```
/// assert!((difrules_core::math::acosd(0.5_f64) - 60.0).abs() < 1e-14);
/// ```
#[primitive(partial = |x| -to_degrees(((T::one() - x) * (T::one() + x)).sqrt().recip()), instances(f32, f64), sample = |random| random.between(-0.9, 0.9))]
pub fn acosd<T: Real>(x: T) -> T {
    x.acos() * radian()
}

/// The arc tangent in degrees.
///
/// ```
/// assert!((difrules_core::math::atand(1.0_f64) - 45.0).abs() < 1e-14);
/// ```
#[primitive(partial = |x| to_degrees((T::one() + x * x).recip()), instances(f32, f64))]
pub fn atand<T: Real>(x: T) -> T {
    x.atan() * radian()
}

/// The arc secant in degrees; NaN inside of (-1, 1).
///
/// ```
/// assert!((difrules_core::math::asecd(2.0_f64) - 60.0).abs() < 1e-13);
/// ```
#[primitive(partial = |x| to_degrees((ComplexField::abs(x) * ((x - T::one()) * (x + T::one())).sqrt()).recip()), instances(f32, f64), sample = |random| random.between(1.2, 4.0))]
pub fn asecd<T: Real>(x: T) -> T {
    x.recip().acos() * radian()
}

/// The arc cosecant in degrees; NaN inside of (-1, 1).
///
/// ```
/// assert!((difrules_core::math::acscd(2.0_f64) - 30.0).abs() < 1e-13);
/// ```
#[primitive(partial = |x| -to_degrees((ComplexField::abs(x) * ((x - T::one()) * (x + T::one())).sqrt()).recip()), instances(f32, f64), sample = |random| random.between(1.2, 4.0))]
pub fn acscd<T: Real>(x: T) -> T {
    x.recip().asin() * radian()
}

/// The arc cotangent in degrees, atand(1 / x), in [-90, 90].
///
/// ```
/// assert!((difrules_core::math::acotd(1.0_f64) - 45.0).abs() < 1e-14);
/// ```
#[primitive(partial = |x| -to_degrees((T::one() + x * x).recip()), instances(f32, f64), sample = |random| random.positive())]
pub fn acotd<T: Real>(x: T) -> T {
    x.recip().atan() * radian()
}

/// An angle in degrees as one in radians.
///
/// ```
/// assert_eq!(difrules_core::math::to_radians(180.0_f64), std::f64::consts::PI);
/// ```
#[primitive(partial = |_| to_radians(T::one()), instances(f32, f64))]
pub fn to_radians<T: Real>(x: T) -> T {
    x * degree()
}

/// An angle in radians as one in degrees.
///
/// ```
/// assert_eq!(difrules_core::math::to_degrees(std::f64::consts::PI), 180.0);
/// ```
#[primitive(partial = |_| to_degrees(T::one()), instances(f32, f64))]
pub fn to_degrees<T: Real>(x: T) -> T {
    x * radian()
}
