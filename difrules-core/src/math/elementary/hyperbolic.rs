//! Hyperbolic functions.

use nalgebra::{Complex, ComplexField, RealField, convert};

use super::complex;
use super::trigonometric::one_minus_square;
use crate::math::twofold::twofold;
use crate::math::{bound, mul, recip, sqrt};
use crate::{Real, Scalar, primitive};

/// The hyperbolic sine.
///
/// Domain: all x.
/// Edge: infinite at the infinities, and beyond 710.5, where it overflows; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::sinh(0.5_f64) - 0.5210953054937474).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, _, cosh| *cosh,
    saves = sinh_and_cosh -> T,
    symbolic = |x| x.cosh(),
    kernel(Complex<f64> = complex::sinh, Complex<f32> = complex::sinh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sinh")
)]
pub fn sinh<T: Scalar>(x: T) -> T {
    sinh_and_cosh(x).0
}

/// The hyperbolic cosine.
///
/// Domain: all x.
/// Edge: +infinity at the infinities, and beyond 710.5, where it overflows.
///
/// ```
/// assert!((difrules_core::math::cosh(0.5_f64) - 1.1276259652063807).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, _, sinh| *sinh,
    saves = cosh_and_sinh -> T,
    symbolic = |x| x.sinh(),
    kernel(Complex<f64> = complex::cosh, Complex<f32> = complex::cosh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.cosh")
)]
pub fn cosh<T: Scalar>(x: T) -> T {
    cosh_and_sinh(x).0
}

/// The hyperbolic tangent.
///
/// Domain: all x.
/// Edge: -1 and 1 at the infinities, the derivative 0; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::tanh(0.5_f64) - 0.46211715726000973).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = tanh_and_slope -> T,
    symbolic = |x| sech(x).powi(2),
    kernel(Complex<f64> = complex::tanh, Complex<f32> = complex::tanh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.tanh")
)]
pub fn tanh<T: Scalar>(x: T) -> T {
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
#[primitive(
    partial = |x| over_root(x),
    complex = |x| recip(complex::root_of_one_minus_square(complex::times_unit(x))),
    symbolic = |x| x.hypot(T::one()).recip(),
    kernel(Complex<f64> = complex::asinh, Complex<f32> = complex::asinh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.asinh")
)]
pub fn asinh<T: Scalar>(x: T) -> T {
    match x.try_real() {
        Some(x) => T::from_real(real_asinh(x)),
        None => x.asinh(),
    }
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
#[primitive(
    partial = |x| slope_of_acosh(x),
    complex = |x| recip(complex::root_of_square_minus_one(x)),
    symbolic = |x| if x == f64::INFINITY { recip(x) } else {
        recip(sqrt(x - T::one()) * sqrt(x + T::one()))
    },
    kernel(Complex<f64> = complex::acosh, Complex<f32> = complex::acosh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(1.1, 5.0),
    alias("Base.acosh", "NaNMath.acosh")
)]
pub fn acosh<T: Scalar>(x: T) -> T {
    match x.try_real() {
        Some(x) => T::from_real(real_acosh(x)),
        None => x.acosh(),
    }
}

/// The number with this hyperbolic tangent.
///
/// Domain: -1 < x < 1.
/// Edge: infinite at the ends, the derivative +infinity; keeps the sign of 0; NaN beyond, as the derivative.
///
/// ```
/// assert!((difrules_core::math::atanh(0.5_f64) - 0.5493061443340548).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| one_minus_square(x).recip(),
    complex = |x| complex::over_one_minus_square(x),
    symbolic = |x| if abs(x) > 1 { f64::NAN } else {
        (if abs(x) < 0.5 { T::one() - x.powi(2) } else { (T::one() - x) * (T::one() + x) }).recip()
    },
    kernel(Complex<f64> = complex::atanh, Complex<f32> = complex::atanh),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(-0.9, 0.9),
    alias("Base.atanh", "NaNMath.atanh")
)]
pub fn atanh<T: Scalar>(x: T) -> T {
    x.atanh()
}

/// The pair of a function's value and of what its rule needs: for a plain real number by one exponential; for complex numbers,
/// and in modes, which apply the rules of what it is made of, by the functions themselves.
fn pair<T: Scalar>(
    x: T,
    plain: impl FnOnce(T::Real, bool) -> (T::Real, T::Real),
    general: impl FnOnce(T) -> (T, T),
) -> (T, T) {
    match x.try_real() {
        Some(x) if T::Real::BASE => {
            let negative = x.is_sign_negative();
            let (first, second) = plain(if negative { -x } else { x }, negative);
            (T::from_real(first), T::from_real(second))
        }
        _ => general(x),
    }
}

/// The slope of a function, which a mode calls by itself if the number is real.
fn slope<T: Scalar>(x: T, real: impl FnOnce(T::Real) -> T::Real, complex: impl FnOnce() -> T) -> T {
    x.try_real().map_or_else(complex, |x| T::from_real(real(x)))
}

fn sinh_and_cosh<T: Scalar>(x: T) -> (T, T) {
    match x.try_real() {
        Some(x) if T::Real::BASE => (T::from_real(x.sinh()), T::from_real(x.cosh())),
        _ => (sinh(x), cosh(x)),
    }
}

fn cosh_and_sinh<T: Scalar>(x: T) -> (T, T) {
    let (sinh, cosh) = sinh_and_cosh(x);
    (cosh, sinh)
}

/// e = exp(-x) and 1 - e for x >= 0, by one exponential without cancellation.
fn exponential<T: Real>(x: T) -> (T, T) {
    if x < convert(0.7) {
        let rest = -(-x).exp_m1();
        (T::one() - rest, rest)
    } else {
        let e = (-x).exp();
        (e, T::one() - e)
    }
}

/// The derivative is 1 - tanh(x)^2 where that does not cancel; farther out, with e = exp(-2 |x|), it is
/// 4 e / (1 + e)^2.
/// The value (1 - e) / (1 + e) would come with it; but it is that of `f64::tanh`, to the last bit.
fn tanh_and_slope<T: Scalar>(x: T) -> (T, T) {
    match x.try_real() {
        Some(x) => {
            let y = if T::Real::BASE { x.tanh() } else { tanh(x) };
            (T::from_real(y), T::from_real(slope_of_tanh(x, y)))
        }
        None => {
            let sech = sech(x);
            (tanh(x), mul(sech, sech))
        }
    }
}

twofold! {
    fn slope_of_tanh<T>(x; y)
    plain {
        if ComplexField::abs(y) < convert(0.5) {
            return T::one() - y * y;
        }
        let e = (convert::<f64, T>(-2.0) * ComplexField::abs(x)).exp();
        let below = e + T::one();
        convert::<f64, T>(4.0) * e / (below * below)
    }
    smooth {
        let sech = sech(x);
        sech * sech
    }
}

/// 1 + e^2, 1 - e^2 and 2 e with e = exp(-x), x >= 0: what the reciprocal functions are made of. They underflow later than
/// the hyperbolic cosine overflows.
fn parts<T: Real>(x: T) -> (T, T, T) {
    let (e, rest) = exponential(x);
    (T::one() + e * e, rest * (T::one() + e), e + e)
}

/// 1 / cosh(x) = 2 e / (1 + e^2), and -tanh(x) / cosh(x).
fn sech_and_slope<T: Scalar>(x: T) -> (T, T) {
    pair(
        x,
        |x, negative| {
            let (above, rest, twice) = parts(x);
            let (y, tanh) = (twice / above, rest / above);
            (y, if negative { y * tanh } else { -y * tanh })
        },
        |x| {
            let y = sech(x);
            (y, slope(x, slope_of_sech, || -mul(y, tanh(x))))
        },
    )
}

twofold! {
    fn slope_of_sech<T>(x)
    plain { sech_and_slope(x).1 }
    smooth { -sech(x) * tanh(x) }
}

/// 1 / sinh(x) = 2 e / (1 - e^2), and -1 / (sinh(x) tanh(x)).
fn csch_and_slope<T: Scalar>(x: T) -> (T, T) {
    pair(
        x,
        |x, negative| {
            let (above, rest, twice) = parts(x);
            let y = twice / rest;
            (if negative { -y } else { y }, -y * (above / rest))
        },
        |x| {
            let y = csch(x);
            let general =
                || complex::slope_at_pole(x, -1.0 / 6.0).unwrap_or_else(|| -mul(y, coth(x)));
            (y, slope(x, slope_of_csch, general))
        },
    )
}

twofold! {
    fn slope_of_csch<T>(x)
    plain { csch_and_slope(x).1 }
    smooth { complex::slope_at_pole(x, -1.0 / 6.0).unwrap_or_else(|| -mul(csch(x), coth(x))) }
}

/// 1 / tanh(x) = (1 + e^2) / (1 - e^2), and -1 / sinh(x)^2.
fn coth_and_slope<T: Scalar>(x: T) -> (T, T) {
    pair(
        x,
        |x, negative| {
            let (above, rest, twice) = parts(x);
            let (y, csch) = (above / rest, twice / rest);
            (if negative { -y } else { y }, -(csch * csch))
        },
        |x| (coth(x), slope(x, slope_of_coth, || minus_square_of_csch(x))),
    )
}

fn minus_square_of_csch<T: Scalar>(x: T) -> T {
    let slope = || {
        let csch = csch(x);
        -mul(csch, csch)
    };
    complex::slope_at_pole(x, 1.0 / 3.0).unwrap_or_else(slope)
}

twofold! {
    fn slope_of_coth<T>(x)
    plain { coth_and_slope(x).1 }
    smooth { minus_square_of_csch(x) }
}

/// 1 / sqrt(1 + x^2).
fn over_root<T: Real>(x: T) -> T {
    if x.to_f64().abs() < 1e9 {
        (T::one() + x * x).sqrt().recip()
    } else {
        x.hypot(T::one()).recip()
    }
}

fn real_asinh<T: Real>(x: T) -> T {
    let y = x.asinh();
    // From 9e307 up the standard library's overflows.
    if y.is_finite() || !x.is_finite() {
        return y;
    }
    (ComplexField::abs(x).ln() + T::ln_2()).copysign(x)
}

twofold! {
    /// -1 / (x sqrt(1 - x^2)). For its derivatives 1 / x is taken apart near 0, where the derivative of the root is zero. At 1 no
    /// factor may be zero, nor two ways be of both signs: with y = 1 - 2 x^2 it is -2 / sqrt(1 - y^2).
    fn slope_of_asech<T>(x)
    plain { -(x * one_minus_square(x).sqrt()).recip() }
    smooth {
        if x == T::one() {
            let y = x.mul_add(-(x + x), T::one());
            return one_minus_square(y).sqrt().recip() * convert(-2.0);
        }
        let root = one_minus_square(x).sqrt();
        if x.to_f64() > 0.5 {
            return -(x * root).recip();
        }
        -(x.recip() + x / (root * (T::one() + root)))
    }
}

twofold! {
    /// 1 / sqrt(x^2 - 1). No factor is zero at 1, where the root has no derivative.
    fn slope_of_acosh<T>(x)
    plain { recip(sqrt(x - T::one()) * sqrt(x + T::one())) }
    smooth {
        if x.to_f64() > bound::<T>(1e5, 1e9) {
            return recip(x);
        }
        sqrt(x.mul_add(x, -T::one())).recip()
    }
}

twofold! {
    /// -1 / (|x| r) with r = sqrt(x^2 + 1). For its derivatives 1 / |x| is taken apart near 0, where the derivative of the root is
    /// zero.
    fn slope_of_acsch<T>(x)
    plain { -ComplexField::abs(x).recip() / x.hypot(T::one()) }
    smooth {
        let size = if x.is_sign_negative() { -x } else { x };
        let root = x.hypot(T::one());
        if size.to_f64() > 0.5 {
            return -size.recip() / root;
        }
        size / (root * (T::one() + root)) - size.recip()
    }
}

fn real_acosh<T: Real>(x: T) -> T {
    let y = x.acosh();
    // From 9e307 up the standard library's overflows.
    if y.is_finite() || !x.is_finite() || x < T::one() {
        return y;
    }
    x.ln() + T::ln_2()
}

/// The hyperbolic secant, 1 / cosh(x).
///
/// Domain: all x.
/// Edge: 0 at the infinities, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::sech(0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = sech_and_slope -> T,
    symbolic = |x, y| -y * x.tanh(),
    kernel(Complex<f64> = complex::sech, Complex<f32> = complex::sech),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.sech")
)]
pub fn sech<T: Scalar>(x: T) -> T {
    sech_and_slope(x).0
}

/// The hyperbolic cosecant, 1 / sinh(x).
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; 0 at the infinities.
///
/// ```
/// assert!((difrules_core::math::csch(1.0_f64) - 0.850918128239321).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = csch_and_slope -> T,
    symbolic = |x, y| -y * x.coth(),
    kernel(Complex<f64> = complex::csch, Complex<f32> = complex::csch),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.csch")
)]
pub fn csch<T: Scalar>(x: T) -> T {
    csch_and_slope(x).0
}

/// The hyperbolic cotangent, 1 / tanh(x).
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; -1 and 1 at the infinities.
///
/// ```
/// assert!((difrules_core::math::coth(1.0_f64) - 1.313035285499331).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = coth_and_slope -> T,
    symbolic = |x| -csch(x).powi(2),
    kernel(Complex<f64> = complex::coth, Complex<f32> = complex::coth),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.coth")
)]
pub fn coth<T: Scalar>(x: T) -> T {
    coth_and_slope(x).0
}

/// The inverse of the hyperbolic secant, acosh(1 / x).
///
/// Domain: 0 < x <= 1.
/// Edge: +infinity at 0 and 0 at 1, the derivative -infinity at both; NaN beyond, and at -0, as the
/// derivative.
///
/// ```
/// assert_eq!(difrules_core::math::asech(1.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| slope_of_asech(x),
    symbolic = |x, y| if y == y {
        let root = ((T::one() - x) * (T::one() + x)).sqrt();
        if x > 0.5 { -(x * root).recip() } else { -(x.recip() + x / (root * (T::one() + root))) }
    } else {
        f64::NAN
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.9),
    alias("Base.asech")
)]
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
#[primitive(
    partial = |x| slope_of_acsch(x),
    symbolic = |x| {
        let size = copysign(1, x) * x;
        if size > 1e9 { -power_by_logarithm(0, size, -2) } else {
            if size > 0.5 { -sech(asinh(x)) / size } else {
                size / (hypot(x, 1) * (1 + hypot(x, 1))) - recip(size)
            }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("Base.acsch")
)]
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
/// Edge: infinite at -1 and 1, the derivative -infinity; 0 at the infinities; NaN between, as the derivative.
///
/// ```
/// assert!((difrules_core::math::acoth(2.0_f64) - 0.549306144334055).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| {
        let size = ComplexField::abs(x);
        -(size - T::one()).recip() / (size + T::one())
    },
    symbolic = |x| if abs(x) < 1 { f64::NAN } else {
        if abs(x) > 1e9 { -power_by_logarithm(0, abs(x), -2) } else {
            if abs(x) > 2 { 1 / (1 / x - x) / x } else {
                (recip(abs(x) + 1) - recip(abs(x) - 1)) / 2
            }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(1.2, 4.0),
    alias("Base.acoth")
)]
pub fn acoth<T: Real>(x: T) -> T {
    // ln((x + 1) / (x - 1)) / 2, without the rounding of 1 / x near 1.
    let size = ComplexField::abs(x);
    let y = (convert::<f64, T>(2.0) / (size - T::one())).ln_1p() * convert(0.5);
    if x < T::zero() { -y } else { y }
}
