//! Exponential, sine, cosine and Fresnel integrals, and the dilogarithm.

use nalgebra::{Complex, ComplexField, RealField, convert};

use super::error_function::fraction;
use crate::math::{EULER, at_base, cospi, plain, sinpi, undefined};
use crate::{Real, primitive};

/// The exponential integral E1(x), the integral of exp(-t) / t from x to infinity.
///
/// Domain: x >= 0, NaN below (where E1 is complex).
/// Edge: infinity at 0, 0 at infinity.
///
/// ```
/// assert!((difrules_core::math::expint(1.0_f64) - 0.21938393439552029).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| -(-x).exp() / x,
    symbolic = |x| if x < 0 { f64::NAN } else { -(-x).exp() / x },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("SpecialFunctions.expint")
)]
pub fn expint<T: Real>(x: T) -> T {
    at_base(x, |x| exponential_integral(1, x))
}

/// The generalized exponential integral E_n(x), the integral of exp(-x t) / t^n over t > 1, of an integer order, which
/// is a constant.
///
/// The derivative is -E_(n-1)(x) (DLMF 8.19.13).
///
/// Domain: x >= 0, NaN below; n >= -100, NaN below.
/// Edge: at 0 it is 1 / (n - 1) for n > 1, infinity else; 0 at infinity.
///
/// ```
/// assert!((difrules_core::math::expint_n(2, 1.0_f64) - 0.14849550677592205).abs() < 1e-15);
/// ```
#[primitive(
    partial = |n, x| -expint_n(n.saturating_sub(1), x),
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 5) as i32, random.positive()),
    alias("SpecialFunctions.expint")
)]
pub fn expint_n<T: Real>(n: i32, x: T) -> T {
    at_base(x, |x| exponential_integral(n, x))
}

/// The sine integral Si(x), the integral of sin(t) / t from 0 to x.
///
/// The derivative sin(x) / x is taken from its series near 0.
///
/// Domain: all x.
/// Edge: -pi / 2 and pi / 2 at the infinities.
///
/// ```
/// assert!((difrules_core::math::sinint(1.0_f64) - 0.946083070367183).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| sine_quotient(x),
    symbolic = |x| sin_quotient(0, x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.sinint")
)]
pub fn sinint<T: Real>(x: T) -> T {
    at_base(x, |x| sine_and_cosine_integrals(x).0)
}

/// The cosine integral Ci(x), minus the integral of cos(t) / t from x to infinity.
///
/// Domain: x >= 0, NaN below.
/// Edge: -infinity at 0, 0 at infinity.
///
/// ```
/// assert!((difrules_core::math::cosint(1.0_f64) - 0.3374039229009681).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| cosine_quotient(x),
    symbolic = |x| if x < 0 { f64::NAN } else { if x == f64::INFINITY { 0 } else { x.cos() / x } },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive(),
    alias("SpecialFunctions.cosint")
)]
pub fn cosint<T: Real>(x: T) -> T {
    at_base(x, |x| sine_and_cosine_integrals(x).1)
}

/// The sine integral and the cosine integral, [`sinint`](fn@sinint) and [`cosint`](fn@cosint), at the cost of one.
///
/// Domain: all x; Ci is NaN below 0.
/// Edge: (0, -infinity) at 0.
///
/// ```
/// let (si, ci) = difrules_core::math::sici(1.0_f64);
/// assert!((si - 0.946083070367183).abs() < 1e-15 && (ci - 0.3374039229009681).abs() < 1e-15);
/// ```
#[primitive(
    forward = |x, _, x_dot| (sine_quotient(x) * x_dot, cosine_quotient(x) * x_dot),
    reverse = |x, _, y_bar| {
        // cos(x) / x is infinite at 0, where Si has a derivative.
        let along_sine = sine_quotient(x) * y_bar.0;
        if y_bar.1.is_constant_zero() { along_sine } else { along_sine + cosine_quotient(x) * y_bar.1 }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive()
)]
pub fn sici<T: Real>(x: T) -> (T, T) {
    let (si, ci) = sine_and_cosine_integrals(plain(x));
    (convert(si), convert(ci))
}

/// The Fresnel integral S(x), the integral of sin(pi t^2 / 2) from 0 to x (DLMF 7.2.8).
///
/// Domain: all x.
/// Edge: -1/2 and 1/2 at the infinities, where the derivative is NaN: it has no limit.
///
/// ```
/// assert!((difrules_core::math::fresnel_s(1.0_f64) - 0.4382591473903548).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| turned_by_half_square(x).0,
    symbolic = |x| if abs(x) > 1e17 { sinpi((x % 4) * (x - 0.5 * (x % 4))) } else { sinpi(0.5 * (x * x)) * cospi(0.5 * mul_add(x, x, -(x * x))) + cospi(0.5 * (x * x)) * sinpi(0.5 * mul_add(x, x, -(x * x))) },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn fresnel_s<T: Real>(x: T) -> T {
    at_base(x, |x| fresnel(x).1)
}

/// The Fresnel integral C(x), the integral of cos(pi t^2 / 2) from 0 to x (DLMF 7.2.7).
///
/// Domain: all x.
/// Edge: -1/2 and 1/2 at the infinities, where the derivative is NaN: it has no limit.
///
/// ```
/// assert!((difrules_core::math::fresnel_c(1.0_f64) - 0.7798934003768228).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| turned_by_half_square(x).1,
    symbolic = |x| if abs(x) > 1e17 { cospi((x % 4) * (x - 0.5 * (x % 4))) } else { cospi(0.5 * (x * x)) * cospi(0.5 * mul_add(x, x, -(x * x))) - sinpi(0.5 * (x * x)) * sinpi(0.5 * mul_add(x, x, -(x * x))) },
    instances(#[cfg(feature = "f32")] f32, f64)
)]
pub fn fresnel_c<T: Real>(x: T) -> T {
    at_base(x, |x| fresnel(x).0)
}

/// The dilogarithm of 1 - x, Spence's function: the integral of ln(t) / (1 - t) from 1 to x (as in SciPy).
///
/// The derivative ln(x) / (1 - x) is taken from a series near 1, where its limit is -1.
///
/// Domain: x >= 0, NaN below (where it is complex).
/// Edge: pi^2 / 6 at 0, where the derivative is -infinite; -infinity at infinity.
///
/// ```
/// assert!((difrules_core::math::spence(2.0_f64) + std::f64::consts::PI.powi(2) / 12.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| slope_of_spence(x),
    symbolic = |x| if x == f64::INFINITY { 0 } else {
        if x == 0 { x.ln() } else { if x < 0.5 || x > 2 { x.ln() / (1 - x) } else { -exprel(x.ln()).recip() } }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.positive()
)]
pub fn spence<T: Real>(x: T) -> T {
    at_base(x, dilogarithm)
}

/// The n-th derivative of (exp(x) - 1) / x, which is the integral of t^n exp(x t) over t from 0 to 1.
///
/// Domain: all x, n up to 50 (NaN beyond).
/// Edge: 1 / (n + 1) at 0, 0 at -infinity, infinity at infinity.
///
/// ```
/// assert_eq!(difrules_core::math::exprel_derivative(1, 0.0_f64), 0.5);
/// ```
#[primitive(
    partial = |n, x| exprel_derivative(n.saturating_add(1), x),
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 4) as u32, random.between(-3.0, 3.0))
)]
pub fn exprel_derivative<T: Real>(n: u32, x: T) -> T {
    at_base(x, |x| exponential_moment(n, x))
}

/// The n-th derivative of sin(x) / x, which is the integral of t^n cos(x t + n pi / 2) over t from 0 to 1.
///
/// Domain: all x, n up to 20 (NaN beyond).
/// Edge: for an even n it is 1 / (n + 1) or -1 / (n + 1) at 0, else 0; 0 at the infinities.
///
/// ```
/// assert_eq!(difrules_core::math::sin_quotient(0, 0.0_f64), 1.0);
/// ```
#[primitive(
    partial = |n, x| sin_quotient(n.saturating_add(1), x),
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 4) as u32, random.between(-9.0, 9.0))
)]
pub fn sin_quotient<T: Real>(n: u32, x: T) -> T {
    at_base(x, |x| sine_moment(n, x))
}

/// The integral of t^n exp(x t) over t from 0 to 1, by series of positive terms: of x^k / (k! (n + k + 1)), and for a negative
/// x of exp(x) (-x)^k / ((n + 1) .. (n + 1 + k)) (DLMF 13.2.39). Far out to the left nothing is left but the integral to
/// infinity.
fn exponential_moment(n: u32, x: f64) -> f64 {
    if n > 50 || x.is_nan() {
        return f64::NAN;
    }
    let order = f64::from(n);
    if x < -60.0 - 2.0 * order {
        return (1..=n).fold(-x.recip(), |product, k| product * (f64::from(k) / -x));
    }
    if x > 700.0 {
        // By parts, and the exponential in halves, since it overflows first.
        let (mut term, mut sum) = (x.recip(), x.recip());
        for k in 0..n {
            term *= -f64::from(n - k) / x;
            sum += term;
        }
        let half = (0.5 * x).exp();
        return if x == f64::INFINITY { x } else { half * sum * half };
    }
    if x < 0.0 {
        let (mut term, mut sum) = ((order + 1.0).recip(), 0.0);
        for k in 1..1000 {
            sum += term;
            term *= -x / (order + 1.0 + f64::from(k));
            if term < 1e-18 * sum {
                break;
            }
        }
        return x.exp() * sum;
    }
    let (mut power, mut sum) = (1.0, 0.0);
    for k in (0..3000).map(f64::from) {
        let term = power / (order + k + 1.0);
        sum += term;
        if term < 1e-18 * sum {
            break;
        }
        power *= x / (k + 1.0);
    }
    sum
}

/// The n-th derivative of sin(x) / x: the sum of (-1)^k x^(2k-n) / ((2k - n)! (2k + 1)), and far out by parts,
/// x y^(n) + n y^(n-1) = sin(x + n pi / 2).
fn sine_moment(n: u32, x: f64) -> f64 {
    if n > 20 || x.is_nan() {
        return f64::NAN;
    }
    if x.is_infinite() {
        return 0.0;
    }
    let order = f64::from(n);
    if x.abs() > order.max(3.0) {
        let (sin, cos) = x.sin_cos();
        let turned = [sin, cos, -sin, -cos];
        let start = sin / x;
        return (1..=n).fold(start, |y, k| (turned[k as usize % 4] - f64::from(k) * y) / x);
    }
    let first = n.div_ceil(2);
    let mut power = if n % 2 == 1 { x } else { 1.0 };
    if first % 2 == 1 {
        power = -power;
    }
    let mut sum = 0.0;
    for k in first..first + 60 {
        sum += power / f64::from(2 * k + 1);
        let next = f64::from(2 * k - n);
        power *= -x * x / ((next + 1.0) * (next + 2.0));
    }
    sum
}

/// sin(x) / x; up to 2 the sum of (-1)^k x^(2k) / (2k + 1)!, whose derivatives are right at 0 too.
fn sine_quotient<T: Real>(x: T) -> T {
    if ComplexField::abs(x) > convert(2.0) {
        return if x.is_finite() { x.sin() / x } else { x.recip() };
    }
    let square = x * x;
    (1..=14).rev().map(f64::from).fold(T::one(), |sum, k| {
        T::one() - sum * square * convert(1.0 / (2.0 * k * (2.0 * k + 1.0)))
    })
}

/// cos(x) / x, and 0 at the infinities.
fn cosine_quotient<T: Real>(x: T) -> T {
    if x.is_finite() { x.cos() / x } else { x.recip() }
}

/// The sine and the cosine of pi x^2 / 2. What the rounding of the square loses, a fused product has; it turns the angle on.
fn turned_by_half_square<T: Real>(x: T) -> (T, T) {
    if ComplexField::abs(x) > convert(1e17) {
        // Such a number is a multiple of four, and so is its square over two but for r x - r^2 / 2 with the remainder r: a zero
        // with the derivatives of the square.
        let r = x % convert(4.0);
        let angle = if x.is_finite() { r * (x - r * convert(0.5)) } else { undefined(x) };
        return (sinpi(angle), cospi(angle));
    }
    let (square, half): (T, T) = (x * x, convert(0.5));
    let (angle, rest) = (square * half, x.mul_add(x, -square) * half);
    let (sin, cos) = (sinpi(angle), cospi(angle));
    let (sin_rest, cos_rest) = (sinpi(rest), cospi(rest));
    (sin * cos_rest + cos * sin_rest, cos * cos_rest - sin * sin_rest)
}

/// ln(x) / (1 - x).
fn slope_of_spence<T: Real>(x: T) -> T {
    let u = x - T::one();
    if !x.is_finite() {
        return -u.recip();
    }
    if x == T::zero() {
        // What the divisor moves is nothing beside the logarithm.
        return x.ln();
    }
    if u < convert(-0.5) || u > T::one() {
        return x.ln() / -u;
    }
    // ln(1 + u) = 2 atanh(r) with r = u / (2 + u), which is at most 1/3.
    let denominator = u + convert(2.0);
    let r = u / denominator;
    let square = r * r;
    let sum =
        (0..24).rev().fold(T::zero(), |sum, k| sum * square + convert(1.0 / f64::from(2 * k + 1)));
    sum * convert(-2.0) / denominator
}

/// E_n(x).
fn exponential_integral(n: i32, x: f64) -> f64 {
    if x.is_nan() || x < 0.0 || n < -100 {
        return f64::NAN;
    }
    let order = f64::from(n);
    if x == 0.0 {
        return if n > 1 { (order - 1.0).recip() } else { f64::INFINITY };
    }
    // In halves, so that the product underflows gradually.
    let half = (-0.5 * x).exp();
    if half == 0.0 {
        return 0.0;
    }
    if n <= 0 {
        // The sum of |n|! / (|n| - j)! / x^(j+1), times exp(-x) (DLMF 8.19.7 and 8.4.8).
        let (mut term, mut sum) = (half / x, half / x);
        for j in 0..-n {
            term *= f64::from(-n - j) / x;
            sum += term;
        }
        return sum * half;
    }
    if x > 1.0 {
        return exponential_fraction(order, x) * half * half;
    }
    // DLMF 8.19.8: the sum of -(-x)^k / (k! (1 - n + k)), with ψ(n) - ln(x) in place of the pole at k = n - 1.
    let (mut power, mut sum, mut harmonic) = (1.0, 0.0, -EULER);
    for k in 0..n.clamp(25, 60) {
        let k_ = f64::from(k);
        if k == n - 1 {
            sum += power * (harmonic - x.ln());
        } else {
            sum -= power / (1.0 - order + k_);
        }
        if power.abs() < 1e-20 * sum.abs() && k >= 25.min(n) {
            break;
        }
        power *= -x / (k_ + 1.0);
        harmonic += (k_ + 1.0).recip();
    }
    sum
}

/// exp(z) E_n(z), by the even part of the continued fraction (DLMF 8.19.17): 1 / (z + n - n / (z + n + 2 - 2 (n + 1) /
/// (z + n + 4 - ..))), with the method of Lentz.
fn exponential_fraction<Z: ComplexField<RealField = f64> + Copy>(n: f64, z: Z) -> Z {
    let mut b = z + Z::from_real(n);
    let mut ratio = b.recip();
    let (mut upper, mut fraction) = (None::<Z>, ratio);
    for k in 1..1000 {
        let k = f64::from(k);
        let a = Z::from_real(-k * (n + k - 1.0));
        b += Z::from_real(2.0);
        ratio = (a * ratio + b).recip();
        // The first quotient of numerators is infinite.
        let next = upper.map_or(b, |upper| b + a / upper);
        upper = Some(next);
        let change = next * ratio;
        fraction *= change;
        if (change - Z::one()).norm1() < 1e-16 {
            break;
        }
    }
    fraction
}

/// Si(x) and Ci(x).
fn sine_and_cosine_integrals(x: f64) -> (f64, f64) {
    let size = x.abs();
    let (si, ci) = if size.is_nan() {
        (size, size)
    } else if size.is_infinite() {
        (f64::frac_pi_2(), 0.0)
    } else if size > 1e20 {
        (f64::frac_pi_2(), size.sin() / size)
    } else if size > 2.0 {
        // E1(i x) = -Ci(x) + i (Si(x) - pi / 2) (DLMF 6.5.6).
        let (sin, cos) = size.sin_cos();
        let integral = exponential_fraction(1.0, Complex::new(0.0, size)) * Complex::new(cos, -sin);
        (f64::frac_pi_2() + integral.im, -integral.re)
    } else {
        // DLMF 6.6.5 and 6.6.6.
        let (mut power, mut si, mut ci) = (size, size, 0.0);
        for k in 2..40 {
            // power is x^k / k!, with the signs of the series.
            let k_ = f64::from(k);
            power *= size / k_;
            if k % 2 == 0 {
                power = -power;
                ci += power / k_;
            } else {
                si += power / k_;
            }
        }
        (si, ci + (EULER + size.ln()))
    };
    (si.copysign(x), if x < 0.0 { f64::NAN } else { ci })
}

/// C(x) and S(x).
fn fresnel(x: f64) -> (f64, f64) {
    let size = x.abs();
    if size.is_nan() {
        return (x, x);
    }
    let (c, s) = if size > 1e17 {
        (0.5, 0.5)
    } else if size > 1.5 {
        // C + i S = (1 + i) / 2 (1 - exp(i pi x^2 / 2) erfcx(z)) with z = sqrt(pi) (1 - i) x / 2 (DLMF 7.5.8), and erfcx is
        // 2 / sqrt(pi) times the ratio of order 0.
        let z = Complex::new(1.0, -1.0) * (size / std::f64::consts::FRAC_2_SQRT_PI);
        let (sin, cos) = turned_by_half_square(size);
        let turn = Complex::new(cos, sin);
        let rest = turn * fraction(0, z) * std::f64::consts::FRAC_2_SQRT_PI;
        let sum = Complex::new(0.5, 0.5) * (Complex::new(1.0, 0.0) - rest);
        (sum.re, sum.im)
    } else {
        // The sums of (-1)^k (pi / 2)^(2k) x^(4k+1) / ((2k)! (4k + 1)) and (-1)^k (pi / 2)^(2k+1) x^(4k+3) / ((2k + 1)! (4k +
        // 3)) (DLMF 7.6.4 and 7.6.6).
        let t = f64::frac_pi_2() * size * size;
        let (mut power, mut c, mut s) = (size, size, 0.0);
        for k in 1..36 {
            // power is x t^k / k!, with the signs of the series.
            let k_ = f64::from(k);
            power *= t / k_;
            if k % 2 == 0 {
                power = -power;
                c += power / (2.0 * k_ + 1.0);
            } else {
                s += power / (2.0 * k_ + 1.0);
            }
        }
        (c, s)
    };
    (c.copysign(x), s.copysign(x))
}

/// The dilogarithm of 1 - x.
fn dilogarithm(x: f64) -> f64 {
    /// B_2k / (2k + 1)!, the coefficients of w^(2k+1) (DLMF 25.12.2 and 24.2.1: the derivative is w / (exp(w) - 1)).
    const COEFFICIENTS: [f64; 9] = [
        1.0 / 36.0,
        -1.0 / 3600.0,
        1.0 / 211_680.0,
        -1.0 / 10_886_400.0,
        1.0 / 526_901_760.0,
        -691.0 / 16_999_766_784_000.0,
        1.0 / 1_120_863_744_000.0,
        -3617.0 / 181_400_588_328_960_000.0,
        43_867.0 / 97_072_790_126_247_936_000.0,
    ];
    if x < 0.0 {
        f64::NAN
    } else if x > 2.0 {
        // DLMF 25.12.4.
        let log = x.ln();
        -dilogarithm(x.recip()) - 0.5 * log * log
    } else if x < 0.5 {
        let rest = if x == 0.0 { 0.0 } else { x.ln() * (-x).ln_1p() };
        // DLMF 25.12.6.
        std::f64::consts::PI.powi(2) / 6.0 - rest - dilogarithm(1.0 - x)
    } else {
        let w = -(x - 1.0).ln_1p();
        let square = w * w;
        let sum = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * square + c);
        w - 0.25 * square + w * square * sum
    }
}
