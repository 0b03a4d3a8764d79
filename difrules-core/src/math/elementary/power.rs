//! Powers, roots, absolute values and choices.

use nalgebra::{Complex, ComplexField, convert};

use super::complex;
use crate::diagnostic::OF_JUMP;
use crate::math::twofold::twofold;
use crate::math::{at_base_of_two, bound, direction_cosine, div, exp, ln, mul, undefined};
use crate::{Real, Scalar, primitive};

/// The square root.
///
/// Domain: x >= 0.
/// Edge: 0 at 0, with its sign, the derivative +infinity; +infinity at +infinity, the derivative 0;
/// NaN below, as the derivative.
///
/// ```
/// assert!((difrules_core::math::sqrt(2.25_f64) - 1.5).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, y| convert::<f64, T>(0.5) / (y + T::zero()),
    complex = |_, y| recip(y + y),
    symbolic = |x, y| if x > 0 { (y + y).recip() } else { 0.5 * power_by_logarithm(0, x, -0.5) },
    kernel(Complex<f64> = complex::sqrt, Complex<f32> = complex::sqrt),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.sqrt", "NaNMath.sqrt")
)]
pub fn sqrt<T: Scalar>(x: T) -> T {
    x.sqrt()
}

/// The cube root.
///
/// Domain: all x.
/// Edge: 0 at 0, with its sign, the derivative +infinity, and higher ones those of the side of its sign; infinite at the
/// infinities, the derivative 0.
///
/// ```
/// assert!((difrules_core::math::cbrt(3.375_f64) - 1.5).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x, y| if y.to_f64().is_infinite() {
        T::zero()
    } else if y == T::zero() || !T::BASE && x.to_f64().abs() < bound::<T>(1e-12, 1e-90) {
        slope_of_cbrt_near_0(x)
    } else { recip(convert::<f64, T>(3.0) * y * y) },
    complex = |_, y| powi(y, -2).scale(convert(1.0 / 3.0)),
    symbolic = |x, y| if x == f64::INFINITY || x == f64::NEG_INFINITY {
        0
    } else {
        if abs(x) < 1e-90 {
            power_by_logarithm(0, copysign(1, x) * x, -0.6666666666666666) / 3
        } else { recip(3 * y * y) }
    },
    kernel(Complex<f64> = complex::cbrt, Complex<f32> = complex::cbrt),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.cbrt")
)]
pub fn cbrt<T: Scalar>(x: T) -> T {
    x.cbrt()
}

/// |x|^(-2/3) / 3, on the side of a zero's sign, with the derivatives of the power, of which no factor is zero or infinite alone.
#[cold]
fn slope_of_cbrt_near_0<T: Real>(x: T) -> T {
    let size = x * convert(if x.is_sign_negative() { -1.0 } else { 1.0 });
    power_by_logarithm(0, size, convert(-2.0 / 3.0)) * convert(1.0 / 3.0)
}

/// 1 / x.
///
/// Domain: all x but 0.
/// Edge: infinite at 0, with its sign, the derivative -infinity; 0 at the infinities, with their
/// sign.
///
/// ```
/// assert!((difrules_core::math::recip(4.0_f64) - 0.25).abs() < 1e-12);
/// ```
#[primitive(
    partial = |_, y| -(y * y),
    complex = |x| -powi(x, -2),
    direct,
    kernel(Complex<f64> = complex::recip, Complex<f32> = complex::recip),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>
    ),
    sample = |random| random.between(0.3, 3.0),
    alias("Base.inv")
)]
pub fn recip<T: Scalar>(x: T) -> T {
    x.recip()
}

/// x to an integer power, which is a constant.
///
/// Domain: all x, but 0 for n < 0.
/// Edge: 1 for n = 0, at NaN too, the derivative 0; infinite at 0 for n < 0, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::powi(2.0_f64, -2), 0.25);
/// ```
#[primitive(
    partial = |x, n| if n == 0 {
        T::zero()
    } else if n == i32::MIN {
        slope_of_least_power(x)
    } else {
        convert::<f64, T>(f64::from(n)) * x.powi(n - 1)
    },
    complex = |x, n| if n == 0 {
        T::zero()
    } else {
        powi(x, n.saturating_sub(1)).scale(convert(f64::from(n)))
    },
    symbolic = |x, n| if n == 0 {
        0
    } else {
        if n == -2147483648 { n * x.powi(n) / x } else { n * x.powi(n - 1) }
    },
    constant(n),
    kernel(Complex<f64> = complex::powi, Complex<f32> = complex::powi),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>
    ),
    sample = |random| (random.between(0.3, 3.0), random.size(0, 5) as i32)
)]
pub fn powi<T: Scalar>(x: T, n: i32) -> T {
    x.powi(n)
}

/// The derivative of x^n for the least integer n, which no integer is one less than.
#[cold]
fn slope_of_least_power<T: Real>(x: T) -> T {
    convert::<f64, T>(f64::from(i32::MIN)) * x.powi(i32::MIN) / x
}

/// x to a real power.
///
/// Domain: x > 0; x = 0 for y >= 0; x < 0 for integers y.
/// Edge: 1 for y = 0 or x = 1, at NaN too; NaN for x < 0 unless y is an integer; infinite at x = 0
/// for y < 0. The derivative by the exponent is x^y ln(x): 0 at x = 0 for y > 0, its limit,
/// -infinity at x = 0 for y = 0, and NaN for x < 0. Both derivatives are 0 where y is infinite and the
/// value 0, and the one by the exponent where x is infinite and the value 0. At x = 1 and a y that is infinite,
/// where the power jumps, or NaN, the one by the exponent is NaN.
///
/// ```
/// assert_eq!(difrules_core::math::powf(4.0_f64, 1.5), 8.0);
/// ```
#[primitive(
    partial = (
        |x, y, z| slope_of_power(x, y, z),
        |x, y, z| slope_by_exponent(x, y, z)
    ),
    complex = (
        |x, y| complex_slope_of_power(x, y),
        |x, y, z| complex_slope_by_exponent(x, y, z)
    ),
    symbolic = (
        |x, y, z| if y >= 4503599627370496 || y <= -4503599627370496 {
            if z == 0 { z } else { if abs(x) == f64::INFINITY { y * z * signum(x) } else { y * z / x } }
        } else {
            if y == 0 && !(x > 0) {
                if x == x { sqrt(y) * sqrt(y) * (1 + exp(x)) } else { sqrt(y) * sqrt(y) }
            } else {
                if y < 0.5 && x < 0 && z != z { f64::NAN } else {
                    if x > 0 && x < 1e-100 && abs(y) < 0.25 { y * z / x } else { y * x.powf(y - T::one()) }
                }
            }
        },
        |x, y, z| if x == 1 && !(abs(y) < f64::INFINITY) { f64::NAN } else { if abs(y) < f64::INFINITY && x >= 0 && (x == 0 && y > 0 || x > 1e100 || x > 0 && x < 1e-100 || z < 1e-290 || z == f64::INFINITY) {
            power_by_logarithm(1, x, y)
        } else {
            if z == 0 && x >= 0 { T::zero() } else {
                if z == f64::INFINITY && (x == f64::INFINITY || x == 0) { y * z } else { z * x.ln() }
            }
        }}
    ),
    kernel(Complex<f64> = complex::powf, Complex<f32> = complex::powf),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>
    ),
    sample = |random| (random.between(0.3, 3.0), random.between(-3.0, 3.0)),
    alias("Base.^", "NaNMath.pow")
)]
pub fn powf<T: Scalar>(x: T, y: T) -> T {
    x.powc(y)
}

twofold! {
    /// The derivative of z = x^y by x. At a plain number it is y z / x, without another power; its derivatives are those of
    /// y x^(y - 1), which do not cancel: x^2 has no third one.
    fn slope_of_power<T>(x, y; z)
    plain {
        let slope = y * z / x;
        // A small power may have lost digits.
        let ordinary = slope.is_finite() && ComplexField::abs(z) > convert(1e-30);
        if ordinary { slope } else { slope_of_power_at_edges(x, y, z) }
    }
    smooth {
        if y.is_constant_zero() {
            return T::zero();
        }
        if y.to_f64().abs() >= whole::<T>() {
            // One less than such a number may be no float, and odd where that is even.
            let z = x.powf(y);
            if z == T::zero() {
                z
            } else if x.to_f64().is_infinite() {
                y * z * convert(x.to_f64().signum())
            } else {
                y * z / x
            }
        } else if y == T::zero() && x.to_f64().is_nan() {
            y.sqrt() * y.sqrt()
        } else if y == T::zero() && x <= T::zero() {
            // Zero, as its derivatives by x are, but without derivatives by the exponent, before or after these.
            y.sqrt() * y.sqrt() * (T::one() + x.exp())
        } else if x == T::zero() && y > T::zero() && y.to_f64().fract() != 0.0 {
            // Zero or infinite, as it is with the factor y, by whose derivative infinities of both signs would meet.
            let below = y - T::one();
            // Rounded, it may be whole, which it is not.
            let whole = below.to_f64().fract() == 0.0;
            if whole { power_by_logarithm(0, x, below) } else { x.powf(below) }
        } else if x < T::zero() {
            // The power is defined for whole exponents alone.
            y * x.powf(y - T::one()) + jumping(y)
        } else if x.to_f64() < bound::<T>(1e-12, 1e-100) && y.to_f64().abs() < 0.25 {
            // The power of y - 2 overflows before its product with y does.
            y * x.powf(y) / x
        } else {
            y * x.powf(y - T::one())
        }
    }
}

/// A zero that jumps where x moves.
fn jumping<T: Real>(x: T) -> T {
    let away = x - convert(x.to_f64());
    if away.is_constant_zero() { T::zero() } else { (away * convert(OF_JUMP)).at_zero() }
}

/// y x^(y - 1). Where the power overflows and its parts mix, by the logarithms of the factors: the product may be finite, and
/// has signs.
fn complex_slope_of_power<T: Scalar>(x: T, y: T) -> T {
    if y.is_constant_zero() {
        return T::zero();
    }
    if y.real().to_f64().abs() >= whole::<T::Real>() && x != T::zero() && x.is_finite() {
        // One less than such a number may be no float, and odd where that is even.
        return mul(y, div(powf(x, y), x));
    }
    if x == T::zero() && y == T::zero() {
        // Zero, as its derivatives by x are, but without derivatives by the exponent.
        return mul(mul(sqrt(y), sqrt(y)), T::one() + exp(x));
    }
    let power = powf(x, y - T::one());
    let small = y.modulus().to_f64() < 0.25;
    let mixes = (small || y.imaginary() != nalgebra::zero()) && x != T::zero();
    if mixes && !power.is_finite() && x.is_finite() && y.is_finite() {
        return exp(mul(y - T::one(), ln(x)) + ln(y));
    }
    mul(y, power)
}

/// z ln(x) with z = x^y; where the power overflows, a half at a time, so that the parts keep their signs, or by the logarithm of
/// the product.
fn complex_slope_by_exponent<T: Scalar>(x: T, y: T, z: T) -> T {
    if x == T::zero() && y.real() > nalgebra::zero() {
        return T::zero();
    }
    if z.is_finite() || !y.is_finite() || !x.is_finite() {
        return mul(z, ln(x));
    }
    let half = powf(x, y.scale(convert(0.5)));
    let slope = mul(half, mul(half, ln(x)));
    let unknown = slope.real().to_f64().is_nan() || slope.imaginary().to_f64().is_nan();
    if unknown && x != T::zero() { exp(mul(y, ln(x)) + ln(ln(x))) } else { slope }
}

twofold! {
    /// The derivative of z = x^y by y. Where z or x is at an end of the numbers, the derivatives of z ln(x) overflow, underflow, or are
    /// zero times infinity, though they exist.
    fn slope_by_exponent<T>(x, y; z)
    plain {
        let nothing = x == T::zero() && y > T::zero() || z == T::zero() && x > T::zero();
        if nothing {
            T::zero()
        } else if is_jump(x, y) {
            undefined(x + y)
        } else {
            z * x.ln()
        }
    }
    smooth {
        let z = x.powf(y);
        let nothing = bound::<T>(1e-30, 1e-290);
        let at_end = x == T::zero() && y > T::zero();
        // Powers of the inverse of x, of which the derivatives of a logarithm are, underflow or overflow.
        let (least, place) = (bound::<T>(1e-12, 1e-100), x.to_f64());
        let is_far = x > T::zero()
            && (place < least || place * least > 1.0 || z.to_f64() < nothing || !z.is_finite());
        if y.is_finite() && (at_end || is_far) {
            return power_by_logarithm(1, x, y);
        }
        if z == T::zero() && x >= T::zero() {
            return T::zero();
        }
        if (place == f64::INFINITY || place == 0.0) && z.to_f64() == f64::INFINITY {
            // Infinite, as its derivatives are.
            return y * z;
        }
        if is_jump(x, y) {
            return undefined(x + y);
        }
        z * x.ln()
    }
}

/// Whether a power jumps from 0 over 1 to infinity, or it is not known whether it does.
fn is_jump<T: Real>(x: T, y: T) -> bool {
    x == T::one() && !y.is_finite()
}

/// x^y ln(x)^k, and its limits at x = 0 and x = infinity.
///
/// The derivative by y is that with k + 1, the one by x is y x^(y - 1) ln(x)^k + k x^(y - 1) ln(x)^(k - 1): both are of this form, so
/// that those of every order are their limits. Where the two terms are infinite, the first is the larger one.
///
/// Domain: x >= 0; NaN for x < 0.
/// Edge: at x = 0 it is 0 for y > 0, and for y <= 0 infinite, with the sign of (-1)^k; at x = +infinity 0 for y < 0, else infinite;
/// 0 where the power is 0; for k = 0 it is the power.
///
/// ```
/// use difrules_core::math::power_by_logarithm;
/// assert_eq!(power_by_logarithm(1, 0.0_f64, 2.0), 0.0);
/// assert_eq!(power_by_logarithm(2, 1.0_f64.exp(), 0.0), 1.0);
/// ```
#[primitive(
    partial = (
        |k, x, y| power_by_logarithm_by_base(k, x, y),
        |k, x, y| power_by_logarithm(k.saturating_add(1), x, y)
    ),
    symbolic = (
        |k, x, y| if x > 0 && x < 1e-100 && abs(y) < 0.25 {
            y * power_by_logarithm(k, x, y) / x + (if k == 0 { 0 } else { k * power_by_logarithm(k - 1, x, y - 1) })
        } else { if k == 0 {
            if abs(y) > 1e100 && power_by_logarithm(0, x, y - 1) == 0 { 0 } else { y * power_by_logarithm(0, x, y - 1) }
        } else {
            if x == 0 {
                if y == 0 {
                    k * power_by_logarithm(k - 1, x, y - 1)
                } else {
                    y * power_by_logarithm(k, x, y - 1)
                }
            } else {
                y * power_by_logarithm(k, x, y - 1) + k * power_by_logarithm(k - 1, x, y - 1)
            }
        }},
        |k, x, y| power_by_logarithm(k + 1, x, y)
    ),
    constant(k),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 4) as u32, random.between(0.3, 3.0), random.between(-3.0, 3.0))
)]
pub fn power_by_logarithm<T: Real>(k: u32, x: T, y: T) -> T {
    at_base_of_two(x, y, |x, y| {
        // Zeros of both signs are the end of the domain.
        let z = (x + 0.0).powf(y);
        if x.is_nan() || y.is_nan() || x < 0.0 {
            return f64::NAN;
        }
        if z == 0.0 || k == 0 {
            return z;
        }
        let logarithm = x.ln().powi(k.min(1 << 20) as i32);
        // 0 to the power 0, and the like.
        if logarithm.is_infinite() { logarithm } else { z * logarithm }
    })
}

fn power_by_logarithm_by_base<T: Real>(k: u32, x: T, y: T) -> T {
    let below = y - T::one();
    if x == T::zero() && y == T::zero() && k > 0 {
        return power_by_logarithm(k - 1, x, below) * convert(f64::from(k));
    }
    // The power of y - 1 overflows before its product with y does.
    let overflows =
        x > T::zero() && x.to_f64() < bound::<T>(1e-12, 1e-100) && y.to_f64().abs() < 0.25;
    let first = if overflows {
        y * power_by_logarithm(k, x, y) / x
    } else {
        y * power_by_logarithm(k, x, below)
    };
    // At 0 the other term is nothing beside it, and so are its derivatives.
    if k == 0 || x == T::zero() {
        return first;
    }
    first + power_by_logarithm(k - 1, x, below) * convert(f64::from(k))
}

/// From here on not every number that is one less than another is a number: 2^52, and 2^23 in single precision.
fn whole<T: Real>() -> f64 {
    bound::<T>((1_u64 << 23) as f64, (1_u64 << 52) as f64)
}

#[cold]
fn slope_of_power_at_edges<T: Real>(x: T, y: T, z: T) -> T {
    if y.to_f64().abs() >= whole::<T>() {
        // An even number less one may be even.
        return if z == T::zero() {
            z
        } else if x.to_f64().is_infinite() {
            y * z * ComplexField::signum(x)
        } else {
            y * z / x
        };
    }
    let slope = y * x.powf(y - T::one());
    if slope.is_finite() {
        slope
    } else if y == T::zero() {
        T::zero()
    } else if x != T::zero() && x.is_finite() && z.is_finite() {
        // x^(y - 1) may overflow where its product with y does not.
        y * z / x
    } else {
        slope
    }
}

/// sqrt(x^2 + y^2), without overflow.
///
/// Domain: all x and y.
/// Edge: the derivative at the origin is taken as 0; +infinity where one is infinite, the other NaN
/// or not. Where one is infinite, the derivatives are those of the absolute value of this one; where
/// both are, or the other is NaN, they are NaN.
///
/// ```
/// assert_eq!(difrules_core::math::hypot(3.0_f64, 4.0), 5.0);
/// ```
#[primitive(
    partial = (|x, y, z| cosine(x, y, z), |x, y, z| cosine(y, x, z)),
    symbolic = (|x, y| direction_cosine(x, y), |x, y| direction_cosine(y, x)),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.hypot")
)]
pub fn hypot<T: Real>(x: T, y: T) -> T {
    x.hypot(y)
}

/// x / h for the hypotenuse h of x and y.
#[inline]
pub(super) fn cosine<T: Real>(x: T, y: T, h: T) -> T {
    if !T::BASE {
        // Its rules do not cancel.
        direction_cosine(x, y)
    } else if !h.is_finite() {
        cosine_at_infinity(x, y, h)
    } else if h == T::zero() {
        T::zero()
    } else {
        x / h
    }
}

#[cold]
fn cosine_at_infinity<T: Real>(x: T, y: T, h: T) -> T {
    if x.is_finite() && y.is_finite() {
        // Only the hypotenuse overflows.
        let quarter: T = convert(0.25);
        x * quarter / (x * quarter).hypot(y * quarter)
    } else if y.is_finite() && !x.to_f64().is_nan() {
        ComplexField::signum(x)
    } else if x.is_finite() && !y.to_f64().is_nan() {
        T::zero()
    } else {
        x / h
    }
}

/// The absolute value.
///
/// Domain: all x.
/// Edge: the derivative at 0, of either sign, is taken as 0; NaN at NaN, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::abs(-2.0_f64), 2.0);
/// ```
#[primitive(
    partial = |x| if x > T::zero() {
        T::one()
    } else if x < T::zero() { -T::one() } else if x == T::zero() { T::zero() } else { x },
    symbolic = |x| if x == 0 {
        0
    } else {
        if x > 0 { 1 } else { if x < 0 { -1 } else { f64::NAN } }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("Base.abs")
)]
pub fn abs<T: Real>(x: T) -> T {
    ComplexField::abs(x)
}

/// The sign, 1 or -1.
///
/// Domain: all x.
/// Edge: 1 at 0 and -1 at -0, the derivative 0 as everywhere; NaN at NaN.
///
/// ```
/// assert_eq!(difrules_core::math::signum(-2.0_f64), -1.0);
/// ```
#[primitive(
    partial = |_| T::zero(),
    symbolic = |x| if x == x { 0 } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn signum<T: Real>(x: T) -> T {
    ComplexField::signum(x)
}

/// The larger of two numbers.
///
/// Domain: all x and y.
/// Edge: where they are equal, the derivative is that of x; the other number where one is NaN.
///
/// ```
/// assert_eq!(difrules_core::math::max(1.0_f64, 2.0), 2.0);
/// ```
#[primitive(
    partial = (
        |x, y| if x >= y || y != y { T::one() } else { T::zero() },
        |x, y| if x >= y || y != y { T::zero() } else { T::one() }
    ),
    symbolic = (
        |x, y, z| if z == z { if x >= y || y != y { 1 } else { 0 } } else { f64::NAN },
        |x, y, z| if z == z { if x >= y || y != y { 0 } else { 1 } } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("NaNMath.max")
)]
pub fn max<T: Real>(x: T, y: T) -> T {
    x.max(y)
}

/// The smaller of two numbers.
///
/// Domain: all x and y.
/// Edge: where they are equal, the derivative is that of x; the other number where one is NaN.
///
/// ```
/// assert_eq!(difrules_core::math::min(1.0_f64, 2.0), 1.0);
/// ```
#[primitive(
    partial = (
        |x, y| if x <= y || y != y { T::one() } else { T::zero() },
        |x, y| if x <= y || y != y { T::zero() } else { T::one() }
    ),
    symbolic = (
        |x, y, z| if z == z { if x <= y || y != y { 1 } else { 0 } } else { f64::NAN },
        |x, y, z| if z == z { if x <= y || y != y { 0 } else { 1 } } else { f64::NAN }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("NaNMath.min")
)]
pub fn min<T: Real>(x: T, y: T) -> T {
    x.min(y)
}

/// y / x, with the divisor first.
///
/// Domain: all y, and all x but 0.
/// Edge: infinite at x = 0, as the derivatives; NaN for 0 / 0; 0 at infinite x for a finite y.
///
/// ```
/// assert_eq!(difrules_core::math::left_div(2.0_f64, 6.0), 3.0);
/// ```
#[primitive(
    partial = (|x, _, z| -z / x, |x, _, _| x.recip()),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.positive(), random.normal()),
    alias("Base.\\")
)]
pub fn left_div<T: Real>(x: T, y: T) -> T {
    y / x
}
