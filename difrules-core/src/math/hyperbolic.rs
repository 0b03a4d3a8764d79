//! Hyperbolic functions.

use nalgebra::{ComplexField, convert};

use crate::{Real, primitive};

/// The hyperbolic sine.
///
/// Domain: all x.
/// Edge: infinite at the infinities, and beyond 710.5, where it overflows; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::sinh(0.5_f64) - 0.5210953054937474).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.cosh(), instances(f32, f64), alias("Base.sinh"))]
pub fn sinh<T: Real>(x: T) -> T {
    x.sinh()
}

/// The hyperbolic cosine.
///
/// Domain: all x.
/// Edge: +infinity at the infinities, and beyond 710.5, where it overflows.
///
/// ```
/// assert!((difrules_core::math::cosh(0.5_f64) - 1.1276259652063807).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.sinh(), instances(f32, f64), alias("Base.cosh"))]
pub fn cosh<T: Real>(x: T) -> T {
    x.cosh()
}

/// The hyperbolic tangent.
///
/// Domain: all x.
/// Edge: -1 and 1 at the infinities, the derivative 0; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::tanh(0.5_f64) - 0.46211715726000973).abs() < 1e-12);
/// ```
#[primitive(partial = |_, _, slope| *slope, saves = tanh_and_slope -> T, symbolic = |_, y| T::one() - y.powi(2), instances(f32, f64), alias("Base.tanh"))]
pub fn tanh<T: Real>(x: T) -> T {
    tanh_and_slope(x).0
}

/// The number with this hyperbolic sine.
///
/// Domain: all x.
/// Edge: infinite at the infinities, the derivative 0; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::asinh(0.5_f64) - 0.48121182505960347).abs() < 1e-12);
/// ```
#[primitive(partial = |x| x.hypot(T::one()).recip(), instances(f32, f64), alias("Base.asinh"))]
pub fn asinh<T: Real>(x: T) -> T {
    let y = x.asinh();
    // From 9e307 up the standard library's overflows.
    if y.is_finite() || !x.is_finite() {
        return y;
    }
    (ComplexField::abs(x).ln() + T::ln_2()).copysign(x)
}

/// The non-negative number with this hyperbolic cosine.
///
/// Domain: x >= 1.
/// Edge: 0 at 1, the derivative +infinity; +infinity at +infinity, the derivative 0; NaN below 1, as the
/// derivative.
///
/// ```
/// assert!((difrules_core::math::acosh(1.5_f64) - 0.9624236501192069).abs() < 1e-12);
/// ```
#[primitive(partial = |x| ((x - T::one()).sqrt() * (x + T::one()).sqrt()).recip(), instances(f32, f64), sample = |random| random.between(1.1, 5.0), alias("Base.acosh", "NaNMath.acosh"))]
pub fn acosh<T: Real>(x: T) -> T {
    let y = x.acosh();
    // From 9e307 up the standard library's overflows.
    if y.is_finite() || !x.is_finite() || x < T::one() {
        return y;
    }
    x.ln() + T::ln_2()
}

/// The number with this hyperbolic tangent.
///
/// Domain: -1 < x < 1.
/// Edge: infinite at the ends, the derivative +infinity; keeps the sign of 0; NaN beyond, where the
/// derivative is 1 / (1 - x^2) nevertheless.
///
/// ```
/// assert!((difrules_core::math::atanh(0.5_f64) - 0.5493061443340548).abs() < 1e-12);
/// ```
#[primitive(partial = |x| ((T::one() - x) * (T::one() + x)).recip(), instances(f32, f64), sample = |random| random.between(-0.9, 0.9), alias("Base.atanh", "NaNMath.atanh"))]
pub fn atanh<T: Real>(x: T) -> T {
    x.atanh()
}

/// The hyperbolic tangent and its derivative by one exponential. With e = exp(-2 |x|) they are (1 - e) / (1 + e), with the
/// sign of x, and 4 e / (1 + e)^2, which does not cancel far out as 1 - tanh(x)^2 does; near 0, where 1 - e cancels, it is
/// -exp_m1(-2 |x|).
fn tanh_and_slope<T: Real>(x: T) -> (T, T) {
    let positive = x.is_sign_positive();
    let twice = if positive { -(x + x) } else { x + x };
    let (rest, e) = if twice.to_f64() > -0.7 {
        let rest = twice.exp_m1();
        (-rest, T::one() + rest)
    } else {
        let e = twice.exp();
        (T::one() - e, e)
    };
    let below = T::one() + e;
    let size = rest / below;
    (if positive { size } else { -size }, convert::<f64, T>(4.0) * e / (below * below))
}

/// The hyperbolic secant, 1 / cosh(x).
///
/// Domain: all x.
/// Edge: 0 at the infinities, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::sech(0.0_f64), 1.0);
/// ```
#[primitive(partial = |x, y| -y * x.tanh(), instances(f32, f64), alias("Base.sech"))]
pub fn sech<T: Real>(x: T) -> T {
    // The hyperbolic cosine overflows before this is 0.
    let e = (-ComplexField::abs(x)).exp();
    (e + e) / (T::one() + e * e)
}

/// The hyperbolic cosecant, 1 / sinh(x).
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; 0 at the infinities.
///
/// ```
/// assert!((difrules_core::math::csch(1.0_f64) - 0.850918128239321).abs() < 1e-15);
/// ```
#[primitive(partial = |x, y| -y / x.tanh(), instances(f32, f64), sample = |random| random.positive(), alias("Base.csch"))]
pub fn csch<T: Real>(x: T) -> T {
    let size = ComplexField::abs(x);
    if size < T::one() {
        return x.sinh().recip();
    }
    // The hyperbolic sine overflows before this is 0.
    let e = (-size).exp();
    ((e + e) / (T::one() - e * e)).copysign(x)
}

/// The hyperbolic cotangent, 1 / tanh(x).
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; -1 and 1 at the infinities.
///
/// ```
/// assert!((difrules_core::math::coth(1.0_f64) - 1.313035285499331).abs() < 1e-15);
/// ```
#[primitive(partial = |x| -csch(x) * csch(x), instances(f32, f64), sample = |random| random.positive(), alias("Base.coth"))]
pub fn coth<T: Real>(x: T) -> T {
    x.tanh().recip()
}

/// The inverse of the hyperbolic secant, acosh(1 / x).
///
/// Domain: 0 < x <= 1.
/// Edge: +infinity at 0 and 0 at 1, the derivative -infinity at both; NaN beyond, and at -0, the
/// derivative NaN above 1 only.
///
/// ```
/// assert_eq!(difrules_core::math::asech(1.0_f64), 0.0);
/// ```
#[primitive(partial = |x| -(x * ((T::one() - x) * (T::one() + x)).sqrt()).recip(), instances(f32, f64), sample = |random| random.between(0.1, 0.9), alias("Base.asech"))]
pub fn asech<T: Real>(x: T) -> T {
    // Near 0, where 1 / x may overflow, 1 / cosh(y) is 2 exp(-y).
    if x > T::zero() && x < convert(1e-30) {
        return T::ln_2() - x.ln();
    }
    // With t = 1 / x - 1, without the rounding of 1 / x near 1.
    let t = (T::one() - x) / x;
    (t + t.sqrt() * (t + convert(2.0)).sqrt()).ln_1p()
}

/// The inverse of the hyperbolic cosecant, asinh(1 / x).
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; 0 at the infinities.
///
/// ```
/// assert!((difrules_core::math::acsch(1.0_f64) - 0.881373587019543).abs() < 1e-15);
/// ```
#[primitive(partial = |x| -ComplexField::abs(x).recip() / x.hypot(T::one()), symbolic = |x| -(ComplexField::abs(x) * (T::one() + x * x).sqrt()).recip(), instances(f32, f64), sample = |random| random.positive(), alias("Base.acsch"))]
pub fn acsch<T: Real>(x: T) -> T {
    let size = ComplexField::abs(x);
    // Near 0, where 1 / x may overflow, 1 / sinh(y) is 2 exp(-y).
    if size < convert(1e-30) {
        return (T::ln_2() - size.ln()).copysign(x);
    }
    x.recip().asinh()
}

/// The inverse of the hyperbolic cotangent, atanh(1 / x).
///
/// Domain: x < -1 and x > 1.
/// Edge: infinite at -1 and 1, the derivative -infinity; 0 at the infinities; NaN between, where the
/// derivative is 1 / (1 - x^2) nevertheless.
///
/// ```
/// assert!((difrules_core::math::acoth(2.0_f64) - 0.549306144334055).abs() < 1e-15);
/// ```
#[primitive(partial = |x| { let size = ComplexField::abs(x); -(size - T::one()).recip() / (size + T::one()) }, symbolic = |x| ((T::one() - x) * (T::one() + x)).recip(), instances(f32, f64), sample = |random| random.between(1.2, 4.0), alias("Base.acoth"))]
pub fn acoth<T: Real>(x: T) -> T {
    // ln((x + 1) / (x - 1)) / 2, without the rounding of 1 / x near 1.
    let size = ComplexField::abs(x);
    let y = (convert::<f64, T>(2.0) / (size - T::one())).ln_1p() * convert(0.5);
    if x < T::zero() { -y } else { y }
}
