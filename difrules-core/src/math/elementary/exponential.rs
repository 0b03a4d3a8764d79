//! Exponentials and logarithms.

use nalgebra::{Complex, ComplexField, RealField, convert};

use super::complex;
use crate::math::twofold::twofold;
use crate::math::{exprel_derivative, over_power, recip, undefined};
use crate::{Real, Scalar, primitive};

/// The exponential.
///
/// Domain: all x.
/// Edge: 0 at -infinity and +infinity at +infinity, as the derivative.
///
/// ```
/// assert!((difrules_core::math::exp(0.5_f64) - 1.6487212707001282).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, y| y,
    kernel(Complex<f64> = complex::exp, Complex<f32> = complex::exp),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.exp")
)]
pub fn exp<T: Scalar>(x: T) -> T {
    x.exp()
}

/// Two to the power of x.
///
/// Domain: all x.
/// Edge: 0 at -infinity and +infinity at +infinity, as the derivative.
///
/// ```
/// assert!((difrules_core::math::exp2(0.5_f64) - std::f64::consts::SQRT_2).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, y| y * T::ln_2(),
    complex = |_, y| y.scale(T::Real::ln_2()),
    kernel(Complex<f64> = complex::exp2, Complex<f32> = complex::exp2),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.exp2")
)]
pub fn exp2<T: Scalar>(x: T) -> T {
    x.exp2()
}

/// exp(x) - 1, accurate near 0.
///
/// Domain: all x.
/// Edge: -1 at -infinity, the derivative 0; +infinity at +infinity; keeps the sign of 0.
///
/// ```
/// assert!((difrules_core::math::exp_m1(0.5_f64) - 0.6487212707001282).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x, y| if y.to_f64() > -0.5 { y + T::one() } else { x.exp() },
    complex = |x| exp(x),
    kernel(Complex<f64> = complex::exp_m1, Complex<f32> = complex::exp_m1),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.expm1")
)]
pub fn exp_m1<T: Scalar>(x: T) -> T {
    x.exp_m1()
}

/// The natural logarithm.
///
/// Domain: x > 0.
/// Edge: -infinity at 0 of either sign, the derivative +infinity; +infinity at +infinity, the
/// derivative 0; NaN below 0, as the derivative.
///
/// ```
/// assert!((difrules_core::math::ln(0.5_f64) + std::f64::consts::LN_2).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| T::one() / (x + T::zero()),
    complex = |x| recip(x),
    symbolic = |x| if x < 0 { f64::NAN } else { x.recip() },
    kernel(Complex<f64> = complex::ln, Complex<f32> = complex::ln),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.log", "NaNMath.log")
)]
pub fn ln<T: Scalar>(x: T) -> T {
    x.ln()
}

/// ln(1 + x), accurate near 0.
///
/// Domain: x > -1.
/// Edge: -infinity at -1, the derivative +infinity; keeps the sign of 0; NaN below -1, as the derivative.
///
/// ```
/// assert!((difrules_core::math::ln_1p(0.5_f64) - 0.4054651081081644).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| recip(T::one() + x),
    symbolic = |x| if x < -1 { f64::NAN } else { recip(1 + x) },
    kernel(Complex<f64> = complex::ln_1p, Complex<f32> = complex::ln_1p),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.log1p", "NaNMath.log1p")
)]
pub fn ln_1p<T: Scalar>(x: T) -> T {
    x.ln_1p()
}

/// The logarithm to base 2.
///
/// Domain: x > 0.
/// Edge: -infinity at 0 of either sign, the derivative +infinity; +infinity at +infinity, the
/// derivative 0; NaN below 0, as the derivative.
///
/// ```
/// assert!((difrules_core::math::log2(8.0_f64) - 3.0).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| T::log2_e() / (x + T::zero()),
    complex = |x| recip(x).scale(T::Real::log2_e()),
    symbolic = |x| if x < 0 { f64::NAN } else { T::log2_e() / x },
    kernel(Complex<f64> = complex::log2, Complex<f32> = complex::log2),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.log2", "NaNMath.log2")
)]
pub fn log2<T: Scalar>(x: T) -> T {
    x.log2()
}

/// The logarithm to base 10.
///
/// Domain: x > 0.
/// Edge: -infinity at 0 of either sign, the derivative +infinity; +infinity at +infinity, the
/// derivative 0; NaN below 0, as the derivative.
///
/// ```
/// assert!((difrules_core::math::log10(100.0_f64) - 2.0).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x| T::log10_e() / (x + T::zero()),
    complex = |x| recip(x).scale(T::Real::log10_e()),
    symbolic = |x| if x < 0 { f64::NAN } else { T::log10_e() / x },
    kernel(Complex<f64> = complex::log10, Complex<f32> = complex::log10),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.log10", "NaNMath.log10")
)]
pub fn log10<T: Scalar>(x: T) -> T {
    x.log10()
}

/// Ten to the power of x.
///
/// Domain: all x.
/// Edge: 0 at -infinity and +infinity at +infinity, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::exp10(2.0_f64), 100.0);
/// ```
#[primitive(
    partial = |_, y| y * T::ln_10(),
    complex = |_, y| y.scale(T::Real::ln_10()),
    kernel(Complex<f64> = complex::exp10, Complex<f32> = complex::exp10),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] Complex<f32>,
        #[cfg(feature = "complex")] Complex<f64>
    ),
    alias("Base.exp10")
)]
pub fn exp10<T: Scalar>(x: T) -> T {
    match x.try_real() {
        Some(x) => T::from_real(convert::<f64, T::Real>(10.0).powf(x)),
        None => x.scale(T::Real::ln_10()).exp(),
    }
}

/// The logarithm of x to a base, ln(x) / ln(base).
///
/// Domain: base > 0 and not 1, x > 0.
/// Edge: infinite at base 1 (NaN for x = 1) and at x = 0 of either sign, as the derivatives; 0 at base
/// 0, the derivative by the base infinite, but 0 for x = 1; NaN where one of the two is negative, as the derivatives.
///
/// ```
/// assert_eq!(difrules_core::math::log_base(2.0_f64, 8.0), 3.0);
/// ```
#[primitive(
    partial = (
        |base, x, y| if base == T::zero() {
            // The limit's sign; the derivative by the base is -ln(x) over what is positive and grows.
            if y.to_f64().is_nan() {
                y
            } else if x.is_constant_one() {
                T::zero()
            } else { -over_power(1, x.ln(), base) }
        } else if base.to_f64() == f64::INFINITY {
            -(y / base.ln()) / base
        } else {
            // The derivative of -y / (base ln(base)) is a sum of two of both signs, which overflow next to 0.
            let ln = base.ln();
            -x.ln() / (base * ln * ln)
        },
        |base, x, y| if x < T::zero() {
            undefined(y)
        } else if base == T::zero() {
            // 1 / ln(base) is a zero that falls vertically, as this is.
            -(base + T::zero()).sqrt() / (x + T::zero())
        } else {
            base.ln().recip() / (x + T::zero())
        }
    ),
    symbolic = (
        |base, x, y| if y != y { f64::NAN } else {
            if base == T::zero() { -over_power(1, x.ln(), base) } else {
            if base == f64::INFINITY { -x.ln() / base } else { -x.ln() / (base * base.ln().powi(2)) }
            }
        },
        |base, x, y| if x < 0 || y != y { f64::NAN } else {
            if base == T::zero() { -base.sqrt() / x } else { over_power(1, base.ln().recip(), x) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(1.5, 9.0), random.positive()),
    alias("Base.log")
)]
pub fn log_base<T: Real>(base: T, x: T) -> T {
    x.ln() / base.ln()
}

/// (exp(x) - 1) / x, and 1 at 0. Its derivatives of every order are right near 0, where they are taken from the series.
///
/// Domain: all x.
/// Edge: 0 at -infinity, infinity at infinity.
///
/// ```
/// assert_eq!(difrules_core::math::exprel(0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |x, y| slope_of_exprel(x, y),
    symbolic = |x| exprel_derivative(1, x),
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn exprel<T: Real>(x: T) -> T {
    if x == T::zero() {
        return T::one();
    }
    let whole = x.exp_m1();
    if whole.is_finite() || !x.is_finite() {
        return if x > T::one() && !x.is_finite() { x } else { whole / x };
    }
    // The exponential alone overflows.
    let half = (x * convert(0.5)).exp();
    half / x * half
}

twofold! {
    /// (exp(x) - y) / x with y = (exp(x) - 1) / x; up to 2 the sum of x^k / (k! (k + 2)).
    fn slope_of_exprel<T>(x; y)
    plain {
        // Half a digit may go, and the exponential is 1 + x y.
        let size = ComplexField::abs(x);
        if size > convert(0.5) && size <= convert(2.0) {
            return y + (T::one() - y) / x;
        }
        slope_of_exprel_beyond(x, y).unwrap_or_else(|| slope_of_exprel_near_0(x, 15))
    }
    smooth {
        let y = exprel(x);
        if y.to_f64().is_infinite() {
            return exprel_derivative(1, x);
        }
        slope_of_exprel_beyond(x, y).unwrap_or_else(|| slope_of_exprel_near_0(x, 30))
    }
}

/// [`slope_of_exprel`] by its definition, where |x| > 2.
fn slope_of_exprel_beyond<T: Real>(x: T, y: T) -> Option<T> {
    if x < convert(-2.0) {
        return Some((x.exp() - y) / x);
    }
    // The same, where the exponential can overflow.
    let inverse = x.recip();
    (x > convert(2.0)).then(|| y * (T::one() - inverse) + inverse)
}

/// So many terms of the series of [`slope_of_exprel`].
fn slope_of_exprel_near_0<T: Real>(x: T, terms: u8) -> T {
    let (mut power, mut sum) = (T::one(), T::zero());
    for k in 0..terms {
        let k = f64::from(k);
        sum += power * convert((k + 2.0).recip());
        power *= x * convert((k + 1.0).recip());
    }
    sum
}
