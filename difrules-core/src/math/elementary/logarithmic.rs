//! Logarithms and exponentials of sums, differences and products, without the overflow and the cancellation of
//! their plain formulas.

use nalgebra::{ComplexField, convert};

use crate::math::twofold::twofold;
use crate::math::{at_base_of_two, bound, sech, undefined};
use crate::{Real, primitive};

/// x ln(x), and 0 at 0.
///
/// Domain: x >= 0.
/// Edge: 0 at 0, with its sign, the derivative -infinity; +infinity at +infinity; NaN below 0.
///
/// ```
/// assert_eq!(difrules_core::math::xlogx(0.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| x.ln() + T::one(),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("LogExpFunctions.xlogx")
)]
pub fn xlogx<T: Real>(x: T) -> T {
    if x == T::zero() { x } else { x * x.ln() }
}

/// x ln(y), and 0 for x = 0.
///
/// Domain: y > 0, and any y for x = 0.
/// Edge: 0 for x = 0, whatever y is unless it is NaN, the derivative by y 0 too; infinite at y = 0 of
/// either sign, as the derivatives; NaN for y < 0, as the derivatives, but for x = 0 that by y, which has
/// no derivative by x then.
///
/// ```
/// assert_eq!(difrules_core::math::xlogy(0.0_f64, 0.0), 0.0);
/// ```
#[primitive(
    partial = (
        |x, y, _| if y < T::zero() { undefined(x + y) } else { y.ln() },
        |x, y, z| if y < T::zero() {
            // Undefined, or the zero that the value is, with its derivatives.
            z
        } else if y == T::zero() && x.is_constant_zero() {
            T::zero()
        } else if y == T::zero() || !(x.is_finite() || y.is_finite()) {
            over_power(1, x, y)
        } else { x / y }
    ),
    symbolic = (
        |_, y, z| if y >= 0 && z == z { y.ln() } else { f64::NAN },
        |x, y, z| if y < 0 || z != z { z } else {
            if y == 0 || abs(x) == f64::INFINITY && y == f64::INFINITY { over_power(1, x, y) } else { x / y }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.normal(), random.positive()),
    alias("LogExpFunctions.xlogy")
)]
pub fn xlogy<T: Real>(x: T, y: T) -> T {
    if x == T::zero() && !y.to_f64().is_nan() { x } else { x * y.ln() }
}

/// x ln(1 + y), accurate for a small y, and 0 for x = 0.
///
/// Domain: y > -1, and any y for x = 0.
/// Edge: 0 for x = 0, whatever y is unless it is NaN, the derivative by y 0 too; infinite at y =
/// -1, as the derivatives; NaN for y < -1, as the derivatives, but for x = 0 that by y, which has no
/// derivative by x then.
///
/// ```
/// assert_eq!(difrules_core::math::xlog1py(0.0_f64, -1.0), 0.0);
/// ```
#[primitive(
    partial = (
        |x, y, _| if y < -T::one() { undefined(x + y) } else { y.ln_1p() },
        |x, y, z| if y < -T::one() {
            z
        } else if y == -T::one() && x.is_constant_zero() {
            T::zero()
        } else if y == -T::one() || !(x.is_finite() || y.is_finite()) {
            over_power(1, x, T::one() + y)
        } else { x / (T::one() + y) }
    ),
    symbolic = (
        |_, y, z| if y >= -1 && z == z { y.ln_1p() } else { f64::NAN },
        |x, y, z| if y < -1 || z != z { z } else {
            if y == -1 || abs(x) == f64::INFINITY && y == f64::INFINITY { over_power(1, x, 1 + y) } else { x / (T::one() + y) }
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.normal(), random.positive()),
    alias("LogExpFunctions.xlog1py")
)]
pub fn xlog1py<T: Real>(x: T, y: T) -> T {
    if x == T::zero() && !y.to_f64().is_nan() { x } else { x * y.ln_1p() }
}

/// x / y^n for y >= 0, and 0 for x = 0, at y = 0 too: the limit of a line through 0 that is ever steeper.
///
/// It is what the derivatives of [`xlogy`](fn@xlogy) and its like are made of where y is 0. The derivative by x is 1 / y^n, that by
/// y is -n x / y^(n + 1): both are of this form, so that those of every order are their limits, in whichever order they are taken.
///
/// Domain: y >= 0; NaN for y < 0.
/// Edge: infinite at y = 0 of either sign, as the derivatives, but for x = 0, where that by y is 0; 0 at y = +infinity and a
/// finite x.
///
/// ```
/// use difrules_core::math::over_power;
/// assert_eq!(over_power(2, 3.0_f64, 0.5), 12.0);
/// assert_eq!(over_power(1, 0.0_f64, 0.0), 0.0);
/// ```
#[primitive(
    partial = (
        |n, _, y| over_power(n, T::one(), y),
        |n, x, y| if n == 0 { T::zero() } else {
            over_power(n.saturating_add(1), x, y) * convert(-f64::from(n))
        }
    ),
    symbolic = (
        |n, _, y, z| if z == z { over_power(n, 1, y) } else { f64::NAN },
        |n, x, y, z| if z == z {
            if n == 0 { 0 } else { -n * over_power(n + 1, x, y) }
        } else {
            f64::NAN
        }
    ),
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 4) as u32, random.normal(), random.positive())
)]
pub fn over_power<T: Real>(n: u32, x: T, y: T) -> T {
    at_base_of_two(x, y, |x, y| {
        if y.is_nan() || y < 0.0 {
            return f64::NAN;
        }
        if x == 0.0 && y == 0.0 {
            return x;
        }
        // Beyond, they are all infinite or zero, or y is 1.
        (0..n.min(3000)).fold(x, |x, _| x / y.abs())
    })
}

/// 1 / (1 + exp(-x)), without overflow.
///
/// Domain: all x.
/// Edge: 0 at -infinity and 1 at +infinity, the derivative 0 at both.
///
/// ```
/// assert_eq!(difrules_core::math::logistic(0.0_f64), 0.5);
/// ```
#[primitive(
    partial = |_, _, slope| *slope,
    saves = logistic_and_slope -> T,
    symbolic = |x| convert::<f64, T>(0.25) * sech(convert::<f64, T>(0.5) * x).powi(2),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("LogExpFunctions.logistic")
)]
pub fn logistic<T: Real>(x: T) -> T {
    logistic_and_slope(x).0
}

/// The logistic function and its derivative by one exponential: with e = exp(-|x|) they are 1 / (1 + e), or e / (1 + e) for
/// negative x, and e / (1 + e)^2.
pub(crate) fn logistic_and_slope<T: Real>(x: T) -> (T, T) {
    if !T::BASE {
        // A mode applies the rules.
        return (logistic(x), slope_of_logistic(x));
    }
    let positive = x >= T::zero();
    let e = if positive { (-x).exp() } else { x.exp() };
    let below = T::one() + e;
    (if positive { below.recip() } else { e / below }, e / (below * below))
}

twofold! {
    /// Its derivative does not cancel near 0 as a square of the hyperbolic secant.
    pub(crate) fn slope_of_logistic<T>(x)
    plain { logistic_and_slope(x).1 }
    smooth {
        let root = sech(x * convert(0.5));
        root * root * convert(0.25)
    }
}

/// ln(x / (1 - x)), the inverse of [`logistic`](fn@logistic), accurate near 1/2.
///
/// Domain: 0 < x < 1.
/// Edge: -infinity at 0 of either sign and +infinity at 1, the derivative +infinity; NaN beyond, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::logit(0.5_f64), 0.0);
/// ```
#[primitive(
    partial = |x| slope_of_logit(x),
    symbolic = |x| if x > 1 { f64::NAN } else {
        if x > 0 { (x * (T::one() - x)).recip() } else { over_power(1, 1, x) }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.1, 0.9),
    alias("LogExpFunctions.logit")
)]
pub fn logit<T: Real>(x: T) -> T {
    let two: T = convert(2.0);
    if x > convert(0.25) && x < convert(0.75) {
        return two * (two * x - T::one()).atanh();
    }
    x.ln() - (-x).ln_1p()
}

twofold! {
    /// 1 / (x (1 - x)); at 1 and next to 0, where a factor is zero and its inverse has no derivative, the sum of two fractions.
    fn slope_of_logit<T>(x)
    plain { (x * (T::one() - x) + T::zero()).recip() }
    smooth {
        let rest = T::one() - x;
        if x.to_f64().abs() < bound::<T>(1e-12, 1e-100) || rest == T::zero() {
            return (x + T::zero()).recip() + rest.recip();
        }
        (x * rest + T::zero()).recip()
    }
}

/// ln(1 + x^2), without overflow.
///
/// Domain: all x.
/// Edge: +infinity at the infinities, the derivative 0.
///
/// ```
/// assert!((difrules_core::math::log1psq(1e200_f64) / 921.034037197618 - 1.0).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| slope_of_log1psq(x),
    symbolic = |x| if abs(x) > 2 {
        2 / (x + x.recip())
    } else {
        if x > 0.5 {
            1 - (1 - x).powi(2) / (1 + x * x)
        } else {
            if x < -0.5 { (1 + x).powi(2) / (1 + x * x) - 1 } else { (x + x) / (T::one() + x * x) }
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("LogExpFunctions.log1psq")
)]
pub fn log1psq<T: Real>(x: T) -> T {
    let size = ComplexField::abs(x);
    if size <= T::one() {
        return (x * x).ln_1p();
    }
    let inverse = size.recip();
    size.ln() * convert(2.0) + (inverse * inverse).ln_1p()
}

twofold! {
    /// 2 x / (1 + x^2). Around its extrema, at 1 and -1, it is what is left of them, so that its own derivative does not cancel.
    fn slope_of_log1psq<T>(x)
    plain {
        if x.to_f64().abs() > 2.0 { convert::<f64, T>(2.0) / (x + x.recip()) } else { (x + x) / (T::one() + x * x) }
    }
    smooth {
        let (one, size) = (T::one(), x.to_f64().abs());
        if size > 2.0 {
            return convert::<f64, T>(2.0) / (x + x.recip());
        }
        let below = one + x * x;
        if size < 0.5 {
            (x + x) / below
        } else if x > T::zero() {
            one - (one - x) * (one - x) / below
        } else {
            (one + x) * (one + x) / below - one
        }
    }
}

/// ln(1 + exp(x)), without overflow: the soft maximum of x and 0.
///
/// Domain: all x.
/// Edge: 0 at -infinity, the derivative 0; +infinity at +infinity, the derivative 1.
///
/// ```
/// assert_eq!(difrules_core::math::log1pexp(1000.0_f64), 1000.0);
/// ```
#[primitive(
    partial = |x| logistic(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("LogExpFunctions.log1pexp")
)]
pub fn log1pexp<T: Real>(x: T) -> T {
    let positive = if x > T::zero() { x } else { T::zero() };
    positive + (-ComplexField::abs(x)).exp().ln_1p()
}

/// ln(1 - exp(x)), accurate near 0 and far out.
///
/// Domain: x < 0.
/// Edge: -infinity at 0, the derivative -infinity; -0 at -infinity, the derivative 0; NaN above 0, as
/// the derivative.
///
/// ```
/// assert!((difrules_core::math::log1mexp(-1e-20_f64) + 46.0517018598809).abs() < 1e-12);
/// ```
#[primitive(
    partial = |x, y| -(x - y).exp(),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-4.0, -0.1),
    alias("LogExpFunctions.log1mexp")
)]
pub fn log1mexp<T: Real>(x: T) -> T {
    if x > -T::ln_2() { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// ln(2 - exp(x)), accurate near 0.
///
/// Domain: x < ln 2.
/// Edge: ln 2 at -infinity, the derivative 0; -infinity at ln 2, as the derivative, which no
/// floating-point number is; NaN above, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::log2mexp(0.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x, y| if x < convert(0.5) {
        let e = x.exp();
        -e / (convert::<f64, T>(2.0) - e)
    } else if y.to_f64().is_nan() { y } else { -below_ln_2(x).exp_m1().recip() },
    symbolic = |x, y| -(x - y).exp(),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(-4.0, -0.1),
    alias("LogExpFunctions.log2mexp")
)]
pub fn log2mexp<T: Real>(x: T) -> T {
    if x < convert(0.5) {
        return (-x.exp_m1()).ln_1p();
    }
    // 2 - exp(x) is 2 (1 - exp(x - ln 2)), without the rounding of exp(x).
    (-convert::<f64, T>(2.0) * (-below_ln_2(x)).exp_m1()).ln()
}

/// ln 2 - x, without the rounding of ln 2: the difference to its float is exact near there.
fn below_ln_2<T: Real>(x: T) -> T {
    use std::f64::consts::LN_2;

    // What a double is short of ln 2, and a float of the double.
    let rest = 2.3190468138462996e-17 + (LN_2 - T::ln_2().to_f64());
    T::ln_2() - x + convert(rest)
}

/// ln(exp(x) - 1), the inverse of [`log1pexp`](fn@log1pexp), without overflow.
///
/// Domain: x > 0.
/// Edge: -infinity at 0 of either sign, the derivative +infinity; +infinity at +infinity, the
/// derivative 1; NaN below 0, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::logexpm1(1000.0_f64), 1000.0);
/// ```
#[primitive(
    partial = |x| -(-(x + T::zero())).exp_m1().recip(),
    symbolic = |x| if x < 0 { f64::NAN } else {
        if x == 0 { over_power(1, 1, x) } else { -(-x).exp_m1().recip() }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("LogExpFunctions.logexpm1")
)]
pub fn logexpm1<T: Real>(x: T) -> T {
    if x < convert(1.0) { x.exp_m1().ln() } else { x + (-(-x).exp()).ln_1p() }
}

/// ln(1 + x) - x, accurate near 0.
///
/// Domain: x > -1.
/// Edge: -infinity at -1, the derivative +infinity; 0 at 0, its largest value; -infinity at +infinity,
/// the derivative -1; NaN below -1, as the derivative.
///
/// ```
/// assert!((difrules_core::math::log1pmx(1e-8_f64) / -4.99999996666667e-17 - 1.0).abs() < 1e-13);
/// ```
#[primitive(
    partial = |x| if x > T::one() {
        (T::one() + x).recip() - T::one()
    } else {
        -x / (T::one() + x)
    },
    symbolic = |x| if x < -1 { f64::NAN } else {
        if x > 1 { (1 + x).recip() - 1 } else { -x / (1 + x) }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("LogExpFunctions.log1pmx")
)]
pub fn log1pmx<T: Real>(x: T) -> T {
    if x < convert(-0.5) || x > convert(1.0) {
        return below_line(x.ln_1p(), x);
    }
    // ln(1 + x) is 2 atanh(r) with r = x / (2 + x), and 2 r - x is -x r; so with t = r^2 it is
    // r (2 t (1/3 + t/5 + t^2/7 + ..) - x).
    let r = x / (convert::<f64, T>(2.0) + x);
    let t = r * r;
    let sum = (0..20).rev().fold(T::zero(), |sum, k| sum * t + convert(1.0 / f64::from(2 * k + 3)));
    r * (t * sum * convert(2.0) - x)
}

/// The logarithm of about x, less x; where both are infinite, the logarithm is the smaller one.
fn below_line<T: Real>(logarithm: T, x: T) -> T {
    if x.is_finite() || x < T::zero() { logarithm - x } else { -x }
}

/// ln(x) - x + 1, accurate near 1.
///
/// Domain: x > 0.
/// Edge: -infinity at 0 of either sign, the derivative +infinity; 0 at 1, its largest value; -infinity at
/// +infinity, the derivative -1; NaN below 0, as the derivative.
///
/// ```
/// assert_eq!(difrules_core::math::logmxp1(1.0_f64), 0.0);
/// ```
#[primitive(
    partial = |x| if x > convert(2.0) {
        x.recip() - T::one()
    } else {
        (T::one() - x) / (x + T::zero())
    },
    symbolic = |x| if x < 0 { f64::NAN } else {
        if x > 2 { x.recip() - 1 } else { over_power(1, 1 - x, x) }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("LogExpFunctions.logmxp1")
)]
pub fn logmxp1<T: Real>(x: T) -> T {
    if x < convert(0.5) || x > convert(2.0) {
        return below_line(x.ln(), x) + T::one();
    }
    log1pmx(x - T::one())
}

/// ln(exp(x) + exp(y)), without overflow.
///
/// Domain: all x and y.
/// Edge: the other number where one is -infinity; the derivatives are 1/2 each at equal infinities.
///
/// ```
/// assert_eq!(difrules_core::math::logaddexp(1000.0_f64, 0.0), 1000.0);
/// ```
#[primitive(
    partial = (|x, y, _| share(x, y), |x, y, _| share(y, x)),
    symbolic = (
        |x, y| if x == y && abs(x) == f64::INFINITY { 0.5 } else { logistic(x - y) },
        |x, y| if x == y && abs(x) == f64::INFINITY { 0.5 } else { logistic(y - x) }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("LogExpFunctions.logaddexp")
)]
pub fn logaddexp<T: Real>(x: T, y: T) -> T {
    // Equal infinities have no difference.
    if x == y {
        return x + T::ln_2();
    }
    let (most, least) = if x > y { (x, y) } else { (y, x) };
    most + (least - most).exp().ln_1p()
}

/// exp(x) / (exp(x) + exp(y)).
fn share<T: Real>(x: T, y: T) -> T {
    if x == y && !x.is_finite() { convert(0.5) } else { logistic(x - y) }
}

/// -1 / (exp(x) - 1), by exponentials that do not overflow.
fn share_of_difference<T: Real>(x: T) -> T {
    if x > T::zero() { (-x).exp() / (-x).exp_m1() } else { -x.exp_m1().recip() }
}

/// ln |exp(x) - exp(y)|, without overflow.
///
/// Domain: all x and y but x = y.
/// Edge: -infinity where they are equal, the derivatives -infinity; the other number where one is
/// -infinity; -infinity where both are, and NaN where both are +infinity, the derivatives NaN.
///
/// ```
/// assert_eq!(difrules_core::math::logsubexp(1000.0_f64, 0.0), 1000.0);
/// ```
#[primitive(
    partial = (|x, y, _| share_of_difference(y - x), |x, y, _| share_of_difference(x - y)),
    symbolic = (
        |x, y, _| if y > x { exp(x - y) / exp_m1(x - y) } else { -(y - x).exp_m1().recip() },
        |x, y, _| if x > y { exp(y - x) / exp_m1(y - x) } else { -(x - y).exp_m1().recip() }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(1.0, 4.0), random.between(-2.0, 0.5)),
    alias("LogExpFunctions.logsubexp")
)]
pub fn logsubexp<T: Real>(x: T, y: T) -> T {
    // Equal infinities have no difference.
    if x == y && x < T::zero() {
        return T::zero().ln();
    }
    let (most, least) = if x > y { (x, y) } else { (y, x) };
    most + log1mexp(least - most)
}
