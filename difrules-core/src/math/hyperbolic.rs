//! Hyperbolic functions.

use crate::{Real, primitive};

/// The hyperbolic sine.
///
/// ```
/// assert!((difrules_core::math::sinh(0.5_f64) - 0.5210953054937474).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.cosh(), instances(f32, f64))]
pub fn sinh<T: Real>(x: T) -> T {
    x.sinh()
}

/// The hyperbolic cosine.
///
/// ```
/// assert!((difrules_core::math::cosh(0.5_f64) - 1.1276259652063807).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.sinh(), instances(f32, f64))]
pub fn cosh<T: Real>(x: T) -> T {
    x.cosh()
}

/// The hyperbolic tangent.
///
/// ```
/// assert!((difrules_core::math::tanh(0.5_f64) - 0.46211715726000973).abs() < 1e-12);
/// ```
#[primitive(partial = |_, y| (T::one() - y) * (T::one() + y), instances(f32, f64))]
pub fn tanh<T: Real>(x: T) -> T {
    x.tanh()
}

/// The number with this hyperbolic sine.
///
/// ```
/// assert!((difrules_core::math::asinh(0.5_f64) - 0.48121182505960347).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.hypot(T::one()).recip(), instances(f32, f64))]
pub fn asinh<T: Real>(x: T) -> T {
    x.asinh()
}

/// The non-negative number with this hyperbolic cosine; NaN below 1.
///
/// ```
/// assert!((difrules_core::math::acosh(1.5_f64) - 0.9624236501192069).abs() < 1e-12);
/// ```
#[primitive(partial = |x| ((x - T::one()).sqrt() * (x + T::one()).sqrt()).recip(), instances(f32, f64), sample = |random| random.between(1.1, 5.0))]
pub fn acosh<T: Real>(x: T) -> T {
    x.acosh()
}

/// The number with this hyperbolic tangent; NaN outside [-1, 1].
///
/// ```
/// assert!((difrules_core::math::atanh(0.5_f64) - 0.5493061443340548).abs() < 1e-12);
/// ```
#[primitive(partial = |x| ((T::one() - x) * (T::one() + x)).recip(), instances(f32, f64), sample = |random| random.between(-0.9, 0.9))]
pub fn atanh<T: Real>(x: T) -> T {
    x.atanh()
}
