//! Trigonometric functions.

use crate::{Real, primitive};

/// The sine of an angle in radians.
///
/// ```
/// assert!((difrules_core::math::sin(0.5_f64) - 0.479425538604203).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.cos(), instances(f32, f64))]
pub fn sin<T: Real>(x: T) -> T {
    x.sin()
}

/// The cosine of an angle in radians.
///
/// ```
/// assert!((difrules_core::math::cos(0.5_f64) - 0.8775825618903728).abs() < 1e-12);
/// ```
#[primitive(partial = |x| -x.sin(), instances(f32, f64))]
pub fn cos<T: Real>(x: T) -> T {
    x.cos()
}

/// The tangent of an angle in radians.
///
/// ```
/// assert!((difrules_core::math::tan(0.5_f64) - 0.5463024898437905).abs() < 1e-12);
/// ```
#[primitive(partial = |_, y| T::one() + y * y, instances(f32, f64), sample = |random| random.between(-1.4, 1.4))]
pub fn tan<T: Real>(x: T) -> T {
    x.tan()
}

/// The angle in [-pi/2, pi/2] with this sine; NaN outside [-1, 1], where it has no value.
///
/// ```
/// assert!((difrules_core::math::asin(0.5_f64) - 0.5235987755982989).abs() < 1e-12);
/// ```
#[primitive(partial = |x| ((T::one() - x) * (T::one() + x)).sqrt().recip(), instances(f32, f64), sample = |random| random.between(-0.95, 0.95))]
pub fn asin<T: Real>(x: T) -> T {
    x.asin()
}

/// The angle in [0, pi] with this cosine; NaN outside [-1, 1], where it has no value.
///
/// ```
/// assert!((difrules_core::math::acos(0.5_f64) - 1.0471975511965979).abs() < 1e-12);
/// ```
#[primitive(partial = |x| -((T::one() - x) * (T::one() + x)).sqrt().recip(), instances(f32, f64), sample = |random| random.between(-0.95, 0.95))]
pub fn acos<T: Real>(x: T) -> T {
    x.acos()
}

/// The angle in (-pi/2, pi/2) with this tangent.
///
/// ```
/// assert!((difrules_core::math::atan(0.5_f64) - 0.4636476090008061).abs() < 1e-12);
/// ```
#[primitive(partial = |x| (T::one() + x * x).recip(), instances(f32, f64))]
pub fn atan<T: Real>(x: T) -> T {
    x.atan()
}

/// The angle of the point (x, y) with the positive x axis, in (-pi, pi]. The derivative at the origin is
/// taken as 0.
///
/// ```
/// assert_eq!(difrules_core::math::atan2(1.0_f64, 0.0), std::f64::consts::FRAC_PI_2);
/// ```
#[primitive(partial = (|y, x| over_square(x, y.hypot(x)), |y, x| over_square(-y, y.hypot(x))), instances(f32, f64))]
pub fn atan2<T: Real>(y: T, x: T) -> T {
    y.atan2(x)
}

/// x / h^2, and 0 for h = 0, without overflow or underflow of the square.
fn over_square<T: Real>(x: T, h: T) -> T {
    if h == T::zero() { T::zero() } else { x / h / h }
}
