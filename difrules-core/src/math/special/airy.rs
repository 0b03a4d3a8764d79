//! Airy functions of a real argument.
//!
//! The values are Taylor's series about the nearest integer, whose coefficients follow from the equation y'' = x y,
//! and for |x| > 11.25 the expansions in inverse powers of zeta = 2 |x|^(3/2) / 3 of DLMF 9.7, with a zeta of twice the
//! digits, or of as many as its angle has.

use nalgebra::convert;

use crate::math::{at_base, in_double, turns};
use crate::{Dual, Real, primitive};

/// The Airy function Ai, the solution of y'' = x y that decays.
///
/// Domain: all x.
/// Edge: 0 at the infinities; the derivative is NaN at -infinity, where it has no limit.
/// The derivative is Ai'(x).
///
/// ```
/// assert!((difrules_core::math::airyai(0.5_f64) - 0.2316936064808335).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| airyaiprime(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.airyai")
)]
pub fn airyai<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, AI, false))
}

/// The derivative of the Airy function Ai.
///
/// Domain: all x.
/// Edge: 0 at infinity; NaN at -infinity, where it has no limit.
/// The derivative is x Ai(x) (DLMF 9.2.1).
///
/// ```
/// assert!((difrules_core::math::airyaiprime(0.5_f64) + 0.2249105326646839).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| product(x, airyai(x)),
    symbolic = |x, y| if x > 1 && y == 0 { 0 } else { x * airyai(x) },
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.airyaiprime")
)]
pub fn airyaiprime<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, AI_PRIME, false))
}

/// The Airy function Ai, scaled: exp(2/3 x sqrt(x)) Ai(x).
///
/// Domain: x >= 0; NaN below.
/// Edge: Ai(0) at 0, where the second derivative is infinite; 0 at infinity.
/// The derivative is scaled Ai'(x) + sqrt(x) scaled Ai(x), without its cancellation far out.
///
/// ```
/// assert!((difrules_core::math::airyaix(0.5_f64) - 0.2932771591299473).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| if is_far(x) {
        far_slope(x, y, AI)
    } else {
        airyaiprimex(x) + x.sqrt() * y
    },
    symbolic = |x, y| if x > 11.25 {
        if x == f64::INFINITY { 0 } else { y * scaled_airy_slope(0, x) / x }
    } else {
        airyaiprimex(x) + x.sqrt() * y
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 8.0),
    alias("SpecialFunctions.airyaix")
)]
pub fn airyaix<T: Real>(x: T) -> T {
    at_base(x, |x| if x < 0.0 { f64::NAN } else { value(x, AI, true) })
}

/// The derivative of the Airy function Ai, scaled: exp(2/3 x sqrt(x)) Ai'(x).
///
/// Domain: x >= 0; NaN below.
/// Edge: Ai'(0) at 0, where the second derivative is infinite; -infinity at infinity.
/// The derivative is x scaled Ai(x) + sqrt(x) scaled Ai'(x), without its cancellation far out.
///
/// ```
/// assert!((difrules_core::math::airyaiprimex(0.5_f64) + 0.28469116209194256).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| if is_far(x) {
        far_slope(x, y, AI_PRIME)
    } else {
        x * airyaix(x) + x.sqrt() * y
    },
    symbolic = |x, y| if x > 11.25 {
        if x == f64::INFINITY { 0 } else { y * scaled_airy_slope(1, x) / x }
    } else {
        x * airyaix(x) + x.sqrt() * y
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 8.0),
    alias("SpecialFunctions.airyaiprimex")
)]
pub fn airyaiprimex<T: Real>(x: T) -> T {
    at_base(x, |x| if x < 0.0 { f64::NAN } else { value(x, AI_PRIME, true) })
}

/// The Airy function Bi, the solution of y'' = x y that grows and that is a quarter of a turn from Ai for x < 0.
///
/// Domain: all x.
/// Edge: infinite at infinity, and where it overflows; 0 at -infinity, where the derivative is NaN.
/// The derivative is Bi'(x).
///
/// ```
/// assert!((difrules_core::math::airybi(0.5_f64) - 0.8542770431031554).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| airybiprime(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.airybi")
)]
pub fn airybi<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, BI, false))
}

/// The derivative of the Airy function Bi.
///
/// Domain: all x.
/// Edge: infinite at infinity, and where it overflows; NaN at -infinity, where it has no limit.
/// The derivative is x Bi(x) (DLMF 9.2.1).
///
/// ```
/// assert!((difrules_core::math::airybiprime(0.5_f64) - 0.5445725641405923).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| product(x, airybi(x)),
    symbolic = |x| x * airybi(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.airybiprime")
)]
pub fn airybiprime<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, BI_PRIME, false))
}

/// The Airy function Bi, scaled: exp(-|Re(2/3 x sqrt(x))|) Bi(x), so not scaled for x < 0.
///
/// Domain: all x.
/// Edge: Bi(0) at 0, where the second derivative from above is infinite; 0 at the infinities.
/// The derivative is scaled Bi'(x) - sqrt(x) scaled Bi(x), without its cancellation far out, and Bi'(x) for x < 0.
///
/// ```
/// assert!((difrules_core::math::airybix(0.5_f64) - 0.6748924111156303).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| in_double!(slope_of_scaled_bi(x; y = airybix)),
    symbolic = |x, y| if x < 0 {
        airybiprimex(x)
    } else {
        if x > 11.25 { if x == f64::INFINITY { 0 } else { y * scaled_airy_slope(2, x) / x } } else { airybiprimex(x) - x.sqrt() * y }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 8.0),
    alias("SpecialFunctions.airybix")
)]
pub fn airybix<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, BI, true))
}

/// The derivative of the Airy function Bi, scaled: exp(-|Re(2/3 x sqrt(x))|) Bi'(x), so not scaled for x < 0.
///
/// Domain: all x.
/// Edge: Bi'(0) at 0, where the second derivative from above is infinite; infinite at infinity, NaN at -infinity.
/// The derivative is x scaled Bi(x) - sqrt(x) scaled Bi'(x), without its cancellation far out, and x Bi(x) for x < 0.
///
/// ```
/// assert!((difrules_core::math::airybiprimex(0.5_f64) - 0.43022096146376937).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x, y| in_double!(slope_of_scaled_bi_prime(x; y = airybiprimex)),
    symbolic = |x, y| if x < 0 {
        x * airybix(x)
    } else {
        if x > 11.25 {
            if x == f64::INFINITY { 0 } else { y * scaled_airy_slope(3, x) / x }
        } else {
            x * airybix(x) - x.sqrt() * y
        }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 8.0),
    alias("SpecialFunctions.airybiprimex")
)]
pub fn airybiprimex<T: Real>(x: T) -> T {
    at_base(x, |x| value(x, BI_PRIME, true))
}

/// The derivative of the logarithm of a scaled Airy function by that of x, by its expansion for large x, which does not cancel: of
/// [`airyaix`](fn@airyaix), [`airyaiprimex`](fn@airyaiprimex), [`airybix`](fn@airybix) or [`airybiprimex`](fn@airybiprimex),
/// by their numbers 0 to 3.
///
/// Domain: x > 11.25, where the expansion has converged; NaN below, and for other numbers.
/// Edge: -1/4 at infinity for a function, 1/4 for a derivative.
///
/// ```
/// use difrules_core::math::{airyaiprimex, airyaix, scaled_airy_slope};
/// let slope = airyaiprimex(20.0_f64) / airyaix(20.0) + 20.0_f64.sqrt();
/// assert!((scaled_airy_slope(0, 20.0_f64) / (20.0 * slope) - 1.0).abs() < 1e-12);
/// ```
#[primitive(
    partial = |function, x| slope_of_relative_slope(function, x),
    symbolic = unknown,
    constant(function),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 3) as u32, random.between(12.0, 40.0))
)]
pub fn scaled_airy_slope<T: Real>(function: u32, x: T) -> T {
    if function <= 3 && x > T::zero() && is_far(x) {
        slope_of_logarithms(x, function as usize)
    } else {
        convert(f64::NAN)
    }
}

fn slope_of_relative_slope<T: Real>(function: u32, x: T) -> T {
    if x.to_f64() == f64::INFINITY {
        return T::zero();
    }
    scaled_airy_slope::primal(function, Dual::new(x, [T::one()])).tangents[0]
}

/// The derivative of a scaled function y by its relative one; 0 at infinity.
fn far_slope<T: Real>(x: T, y: T, function: Function) -> T {
    if x.is_finite() { y * slope_of_logarithms(x, function) / x } else { T::zero() }
}

/// x y, where a y of 0 wins against infinity.
fn product<T: Real>(x: T, y: T) -> T {
    if x.is_finite() || y != T::zero() { x * y } else { T::zero() }
}

fn slope_of_scaled_bi<T: Real>(x: T, y: T) -> T {
    if x < T::zero() {
        airybiprimex(x)
    } else if is_far(x) {
        far_slope(x, y, BI)
    } else {
        airybiprimex(x) - x.sqrt() * y
    }
}

fn slope_of_scaled_bi_prime<T: Real>(x: T, y: T) -> T {
    if x < T::zero() {
        product(x, airybix(x))
    } else if is_far(x) {
        far_slope(x, y, BI_PRIME)
    } else {
        x * airybix(x) - x.sqrt() * y
    }
}

/// Which of the four functions, as the column of `AT_INTEGERS`.
type Function = usize;
const AI: Function = 0;
const AI_PRIME: Function = 1;
const BI: Function = 2;
const BI_PRIME: Function = 3;

fn is_prime(function: Function) -> bool {
    function % 2 == 1
}

/// Where the expansions have converged to all digits of a double, zeta being above 25.
fn is_far<T: Real>(x: T) -> bool {
    x.to_f64().abs() > 11.25
}

/// The derivative of the logarithm of a scaled function by that of x, by its expansion for large x: the leading terms of both
/// factors, which cancel, are gone.
fn slope_of_logarithms<T: Real>(x: T, function: Function) -> T {
    let zeta = x * x.sqrt() * convert(2.0 / 3.0);
    let [[even, even_slope], [odd, odd_slope]] = sums(zeta, 1.0, is_prime(function));
    let ratio = if function < BI {
        (even_slope - odd_slope) / (even - odd)
    } else {
        (even_slope + odd_slope) / (even + odd)
    };
    let power = if is_prime(function) { 0.25 } else { -0.25 };
    convert::<f64, T>(power) - ratio * convert(1.5)
}

const TERMS: usize = 15;

/// The coefficients u and v of the expansions: DLMF 9.7.2.
const COEFFICIENTS: [[f64; TERMS]; 2] = {
    let mut c = [[1.0; TERMS]; 2];
    let mut k = 1;
    while k < TERMS {
        let six = 6.0 * k as f64;
        let below = (2 * k - 1) as f64 * 216.0 * k as f64;
        c[0][k] = c[0][k - 1] * ((six - 5.0) * (six - 3.0) * (six - 1.0) / below);
        c[1][k] = -c[0][k] * (six + 1.0) / (six - 1.0);
        k += 1;
    }
    c
};

/// The even and the odd terms of the sum over k of u_k / zeta^k, or of v_k / zeta^k, each with its derivative by
/// -ln(zeta); a `sign` of -1 alternates those of either.
fn sums<T: Real>(zeta: T, sign: f64, is_prime: bool) -> [[T; 2]; 2] {
    let terms = match zeta.to_f64() {
        far if far > 1000.0 => 7,
        far if far > 100.0 => 10,
        _ => TERMS,
    };
    let inverse = zeta.recip();
    let step = inverse * inverse * convert(sign);
    let mut sums = [[T::zero(); 2]; 2];
    for (k, &c) in COEFFICIENTS[usize::from(is_prime)].iter().enumerate().take(terms).rev() {
        let [sum, slope] = &mut sums[k % 2];
        *sum = *sum * step + convert(c);
        *slope = *slope * step + convert(c * k as f64);
    }
    let [even, [odd, odd_slope]] = sums;
    [even, [odd * inverse, odd_slope * inverse]]
}

/// A function at a double. `is_scaled` is asked for Ai at x >= 0 alone.
fn value(x: f64, function: Function, is_scaled: bool) -> f64 {
    if x.is_nan() {
        return x;
    }
    if !is_far(x) {
        let value = near(x, function);
        if !is_scaled || x <= 0.0 {
            return value;
        }
        let (zeta, rest) = zeta(x);
        let exponent = if function < BI { zeta } else { -zeta };
        let rest = if function < BI { rest } else { -rest };
        return value * exponent.exp() * (1.0 + rest);
    }
    let (zeta, rest) = zeta(x.abs());
    let root = x.abs().sqrt().sqrt();
    let power = if is_prime(function) { root } else { root.recip() };
    let power = power / std::f64::consts::PI.sqrt();
    if x > 0.0 {
        let [[even, _], [odd, _]] = sums(zeta, 1.0, is_prime(function));
        let (sign, factor) = match function {
            AI => (-1.0, power / 2.0 * (even - odd)),
            AI_PRIME => (-1.0, -power / 2.0 * (even - odd)),
            _ => (1.0, power * (even + odd)),
        };
        if is_scaled {
            return factor;
        }
        // In two factors: the exponential may overflow or underflow before the product does.
        let half = (sign * zeta / 2.0).exp();
        return match half {
            0.0 => 0.0,
            f64::INFINITY => f64::INFINITY,
            _ => half * (factor + factor * sign * rest) * half,
        };
    }
    if x == f64::NEG_INFINITY {
        return if is_prime(function) { f64::NAN } else { 0.0 };
    }
    // DLMF 9.7.9 to 9.7.12.
    let [[even, _], [odd, _]] = sums(zeta, -1.0, is_prime(function));
    let (sin, cos) = if x < -1e4 {
        turns::two_thirds_of_power(-x).sin_cos()
    } else {
        let (sin, cos) = zeta.sin_cos();
        (sin + cos * rest, cos - sin * rest)
    };
    // The sine and the cosine of zeta - pi / 4, times the root of 2.
    let (sin, cos) = (sin - cos, cos + sin);
    let sum = match function {
        AI => cos * even + sin * odd,
        AI_PRIME => sin * even - cos * odd,
        BI => cos * odd - sin * even,
        _ => cos * even + sin * odd,
    };
    power * std::f64::consts::FRAC_1_SQRT_2 * sum
}

/// 2/3 x^(3/2) for x >= 0, and what its rounding left out.
fn zeta(x: f64) -> (f64, f64) {
    let root = x.sqrt();
    let cube = x * root;
    let zeta = cube / 1.5;
    if zeta.is_infinite() || zeta < 1e-100 {
        return (zeta, 0.0);
    }
    let root_rest = root.mul_add(-root, x) / (2.0 * root);
    let cube_rest = x.mul_add(root, -cube) + x * root_rest;
    (zeta, (zeta.mul_add(-1.5, cube) + cube_rest) / 1.5)
}

/// Taylor's series about the nearest integer c: from y'' = x y its coefficients obey
/// (n + 1) (n + 2) a_(n + 2) = c a_n + a_(n - 1).
fn near(x: f64, function: Function) -> f64 {
    let center = x.round();
    let row = &AT_INTEGERS[(center + 11.0) as usize];
    let (value, slope) =
        if function < BI { (row[AI], row[AI_PRIME]) } else { (row[BI], row[BI_PRIME]) };
    let h = x - center;
    let mut coefficients = [0.0; 30];
    (coefficients[0], coefficients[1], coefficients[2]) = (value, slope, center * value / 2.0);
    for n in 3..coefficients.len() {
        let sum = center * coefficients[n - 2] + coefficients[n - 3];
        coefficients[n] = sum / (n * (n - 1)) as f64;
    }
    if is_prime(function) {
        let terms = coefficients.iter().enumerate().skip(1).rev();
        terms.fold(0.0, |sum, (n, a)| sum * h + a * n as f64)
    } else {
        coefficients.iter().rev().fold(0.0, |sum, a| sum * h + a)
    }
}

/// Ai, Ai', Bi and Bi' at -11, -10, .., 11.
const AT_INTEGERS: [[f64; 4]; 23] = [
    [-0.008759589255702381, -1.0273278736645794, 0.3096547674267819, -0.022022995314464465],
    [0.04024123848644319, 0.99626504413279, -0.3146798296438386, 0.11941411339990923],
    [-0.022133721547341403, -0.9756639809263316, 0.3249473234552449, -0.05740051384366925],
    [-0.0527050503563862, 0.9355609381983065, -0.33125158075113786, -0.1594504978129814],
    [0.18428083525050565, -0.7710081684101265, 0.293762071854414, 0.4982445900581135],
    [-0.3291451736298231, 0.3459354872813429, -0.14669837667055705, -0.812898785105067],
    [0.35076100902411433, 0.32719281855444315, -0.13836913490160058, 0.7784117730018992],
    [-0.07026553294928951, -0.7906285753685813, 0.3922347057069993, -0.1166705674383409],
    [-0.37881429367765806, 0.3145837692165988, -0.19828962637492653, -0.6756112226852585],
    [0.22740742820168558, 0.618259020741691, -0.4123025879563985, 0.2787951669211695],
    [0.5355608832923521, -0.01016056711664521, 0.1039973894969446, 0.5923756264227924],
    [0.3550280538878172, -0.2588194037928068, 0.6149266274460007, 0.4482883573538264],
    [0.13529241631288141, -0.1591474412967932, 1.2074235949528713, 0.9324359333927756],
    [0.03492413042327438, -0.05309038443365363, 3.2980949999782148, 4.10068204993289],
    [0.006591139357460719, -0.011912976705951319, 14.037328963730232, 22.92221496638217],
    [0.0009515638512048018, -0.001958640950204179, 83.84707140846814, 161.9266835046134],
    [0.00010834442813607442, -0.0002474138908684625, 657.7920441711711, 1435.8190802179824],
    [9.947694360252889e-06, -2.4765200397034955e-05, 6536.446104809864, 15725.602621930477],
    [7.492128863997167e-07, -2.008150894738792e-06, 80327.79070943025, 209552.6708739713],
    [4.6922076160992316e-08, -1.3414392979067865e-07, 1199586.00412446, 3354342.3127445388],
    [2.47116843087249e-09, -7.480641389658946e-09, 21472868.891435347, 63807489.78090821],
    [1.1047532552898686e-10, -3.5206336767389237e-10, 455641153.54822516, 1429236134.4828658],
    [4.2262758649603595e-12, -1.4111441246628517e-11, 11355782530.430477, 37400168196.92698],
];
