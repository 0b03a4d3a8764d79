//! Sine and cosine together.

use crate::{Real, primitive};

/// The sine and the cosine of an angle in radians, at the cost of one; the rules take the derivatives from the result.
///
/// Domain: all finite x.
/// Edge: NaN at the infinities.
///
/// ```
/// let (sin, cos) = difrules_core::math::sin_cos(0.5_f64);
/// assert_eq!((sin, cos), 0.5_f64.sin_cos());
/// ```
#[primitive(
    forward = |_, y, x_dot| (y.1 * x_dot, -y.0 * x_dot),
    reverse = |_, y, y_bar| y.1 * y_bar.0 - y.0 * y_bar.1,
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn sin_cos<T: Real>(x: T) -> (T, T) {
    x.sin_cos()
}
