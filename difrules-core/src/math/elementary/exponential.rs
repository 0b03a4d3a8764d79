//! Exponentials and logarithms.

use nalgebra::{Complex, ComplexField, RealField, convert};

use super::complex;
use crate::math::twofold::twofold;
use crate::math::{at_base_of_two, exprel_derivative, product_of, recip};
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
    symbolic = |x| if x > 0 { x.recip() } else { over_power(1, T::one(), x) },
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
    symbolic = |x| if x > 0 { T::log2_e() / x } else { over_power(1, T::log2_e(), x) },
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
    symbolic = |x| if x > 0 { T::log10_e() / x } else { over_power(1, T::log10_e(), x) },
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
    partial = (|base, x| log_base_derivative(1, 0, base, x), |base, x| log_base_derivative(0, 1, base, x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(1.5, 9.0), random.positive()),
    alias("Base.log")
)]
pub fn log_base<T: Real>(base: T, x: T) -> T {
    x.ln() / base.ln()
}

/// The derivative of [`log_base`](fn@log_base), i times by the base and j times by x.
///
/// With u = 1 / ln(base), that of u is p(u) / base^i with a polynomial p, whose next one is -i p - u^2 p'. That of ln(x) is
/// (-1)^(j-1) (j - 1)! / x^j.
///
/// Domain: base > 0 and not 1, x > 0, i and j up to 20 (NaN beyond).
/// Edge: NaN where the logarithm is; else what it is next to base 1, from above, and to x = 0; at base 0 of either sign, i > 0,
/// infinite, but 0 where what it is multiplied with is 0; 0 at an infinite base.
///
/// ```
/// // -1 / (x base ln(base)^2)
/// let e = 1.0_f64.exp();
/// assert!((difrules_core::math::log_base_derivative(1, 1, e, 2.0) + 0.5 / e).abs() < 1e-15);
/// ```
#[primitive(
    partial = (
        |i, j, base, x| log_base_derivative(i.saturating_add(1), j, base, x),
        |i, j, base, x| log_base_derivative(i, j.saturating_add(1), base, x)
    ),
    constant(i, j),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| {
        let orders = (random.size(0, 2) as u32, random.size(0, 2) as u32);
        (orders.0, orders.1, random.between(1.5, 9.0), random.positive())
    }
)]
pub fn log_base_derivative<T: Real>(i: u32, j: u32, base: T, x: T) -> T {
    at_base_of_two(base, x, |base, x| {
        const ORDERS: usize = 20;
        let (i, j, value) = (i as usize, j as usize, x.ln() / base.ln());
        if value.is_nan() || i.max(j) > ORDERS {
            return f64::NAN;
        }
        if i + j == 0 {
            return value;
        }
        if base == f64::INFINITY {
            return 0.0;
        }
        let sign = if j % 2 == 0 && j > 0 { -1.0 } else { 1.0 };
        let of_x = (1..j).fold(if j == 0 { x.ln() } else { sign }, |of_x, k| of_x * k as f64);
        // The coefficients of u, u^2, ..
        let mut all = [0.0; ORDERS + 1];
        all[0] = 1.0;
        for k in 0..i {
            let mut next = [0.0; ORDERS + 1];
            for n in 0..=k {
                next[n] -= k as f64 * all[n];
                next[n + 1] -= (n + 1) as f64 * all[n];
            }
            all = next;
        }
        if base == 0.0 && i > 0 {
            return if of_x == 0.0 { of_x } else { f64::INFINITY.copysign(all[1] * of_x) };
        }
        let u = base.ln().recip();
        let sum = all[..i].iter().rev().fold(all[i], |sum, c| sum * u + c);
        // A zero of either sign is the end of the domain. The inverse of the smallest numbers, and of the largest, is none alone.
        let inverse = |x: f64| {
            let near = match x.abs() {
                size if size < 1e-290 => 600.0_f64.exp2(),
                size if size > 1e290 => (-600.0_f64).exp2(),
                _ => 1.0,
            };
            [near, (x.abs() * near).recip()]
        };
        let powers =
            std::iter::repeat_n(inverse(x), j).chain(std::iter::repeat_n(inverse(base), i));
        product_of(powers.flatten().chain([of_x, sum, u]), 0)
    })
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
