//! The gamma function, its logarithm and the derivatives of that, and the Hurwitz zeta function that they are made of.

use nalgebra::convert;

use crate::math::twofold::twofold;
use crate::math::{EULER, at_base, at_base_of_two, bound, cospi, in_double, sinpi};
use crate::{Real, primitive};

/// The gamma function, the integral of t^(x-1) exp(-t) over t > 0, continued to negative x.
///
/// The derivative is gamma(x) digamma(x) (DLMF 5.2.2).
///
/// Domain: all x but 0, -1, -2, ..
/// Edge: an infinity with the sign of the zero at 0, NaN at negative whole numbers and at -infinity; infinite above
/// 171.6.
///
/// ```
/// assert!((difrules_core::math::gamma(5.0_f64) - 24.0).abs() < 1e-13);
/// ```
#[primitive(
    partial = |x, y| y * digamma(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 5.0),
    alias("SpecialFunctions.gamma")
)]
pub fn gamma<T: Real>(x: T) -> T {
    at_base(x, libm::tgamma)
}

/// The logarithm of the absolute value of the gamma function, ln |gamma(x)|.
///
/// For negative x it is that of the absolute value, as in C and SciPy (SpecialFunctions.loggamma throws there and
/// NaNMath.lgamma gives NaN). The derivative is digamma(x) (DLMF 5.2.2).
///
/// Domain: all x but 0, -1, -2, ..
/// Edge: infinity at 0, at negative whole numbers and at the infinities.
///
/// ```
/// assert!((difrules_core::math::ln_gamma(5.0_f64) - 24.0_f64.ln()).abs() < 1e-14);
/// ```
#[primitive(
    partial = |x| digamma(x),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 5.0),
    alias("SpecialFunctions.loggamma", "NaNMath.lgamma")
)]
pub fn ln_gamma<T: Real>(x: T) -> T {
    at_base(x, libm::lgamma)
}

/// The digamma function, the derivative of ln gamma(x).
///
/// Domain: all x but 0, -1, -2, ..
/// Edge: an infinity with the sign opposite to the zero's at 0, NaN at negative whole numbers and at -infinity,
/// infinity at infinity.
///
/// ```
/// assert!((difrules_core::math::digamma(1.0_f64) + 0.5772156649015329).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| trigamma(x),
    symbolic = |x, y| if y == y { trigamma(x) } else { f64::NAN },
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 5.0),
    alias("SpecialFunctions.digamma")
)]
pub fn digamma<T: Real>(x: T) -> T {
    at_base(x, digamma_of)
}

/// The trigamma function, the derivative of digamma(x).
///
/// Domain: all x but 0, -1, -2, ..
/// Edge: infinity at 0 and at negative whole numbers, NaN at -infinity, 0 at infinity.
///
/// ```
/// assert!((difrules_core::math::trigamma(1.0_f64) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |x| polygamma(2, x),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| random.between(0.5, 5.0),
    alias("SpecialFunctions.trigamma")
)]
pub fn trigamma<T: Real>(x: T) -> T {
    at_base(x, |x| polygamma_of(1, x))
}

/// The polygamma function of order n, the n-th derivative of digamma(x).
///
/// The order is a constant; the derivative is the polygamma function of the next order.
///
/// Domain: all x but 0, -1, -2, ..
/// Edge: at 0 and at negative whole numbers infinity for an odd order; for an even one an infinity at 0, with the sign
/// opposite to the zero's, and NaN at negative whole numbers; NaN at -infinity, 0 at infinity for n > 0.
///
/// ```
/// assert!((difrules_core::math::polygamma(2, 1.0_f64) + 2.404113806319189).abs() < 1e-14);
/// ```
#[primitive(
    partial = |n, x| polygamma(n.saturating_add(1), x),
    symbolic = |n, x, y| if y == y { polygamma(n + 1, x) } else { f64::NAN },
    constant(n),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.size(0, 5) as u32, random.between(0.5, 5.0)),
    alias("SpecialFunctions.polygamma")
)]
pub fn polygamma<T: Real>(n: u32, x: T) -> T {
    at_base(x, |x| polygamma_of(n, x))
}

/// The inverse of digamma(x) on x > 0.
///
/// The derivative is that of an inverse function, 1 / trigamma of the value.
///
/// Domain: all x.
/// Edge: 0 at -infinity, with the derivative 0; infinity above 709.78.
///
/// ```
/// assert!((difrules_core::math::invdigamma(-0.5772156649015329_f64) - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = |_, y| inverse_of_trigamma(y),
    symbolic = |_, y| if y < 1 {
        y * y / (1 + y * y * trigamma(1 + y))
    } else {
        if y > 1e8 { y - 0.5 } else { trigamma(y).recip() }
    },
    instances(#[cfg(feature = "f32")] f32, f64),
    alias("SpecialFunctions.invdigamma")
)]
pub fn invdigamma<T: Real>(x: T) -> T {
    at_base(x, inverse_of_digamma)
}

/// 1 / trigamma(y), which is y^2 where that overflows (DLMF 5.15.5), and y - 1/2 far out (DLMF 5.15.8).
fn inverse_of_trigamma<T: Real>(y: T) -> T {
    if y < T::one() {
        let square = y * y;
        return square / (T::one() + square * trigamma(T::one() + y));
    }
    if y > convert(1e8) { y - convert(0.5) } else { trigamma(y).recip() }
}

/// The Hurwitz zeta function, the sum of (z + k)^(-s) over k >= 0, continued to s < 1.
///
/// The derivative by z is -s zeta(s + 1, z) (DLMF 25.11.17); the one by s has no closed form.
///
/// Domain: z > 0 and any s but 1; z < 0 that is not whole for a whole s > 1.
/// Edge: infinity at s = 1; at z = 0 infinity for s > 0; NaN at other z <= 0 and below s = -1000.
///
/// ```
/// assert!((difrules_core::math::zeta(2.0_f64, 1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-15);
/// ```
#[primitive(
    partial = (unknown, |s, z, _| in_double!(slope_of_zeta(s, z))),
    symbolic = (
        unknown,
        |s, z, y| if y == y {
            if s == 0 && z == f64::INFINITY {
                -1
            } else {
                if abs(s) < 0.000000000001 && z > 0 {
                    s * digamma(z + 1) - 1 - s / z * z.powf(-s)
                } else {
                    if abs(s) < 0.5 && z > 0 {
                        s / (abs(s + 1) - 1) * z.powf(1 - abs(s + 1)) - z.powf(-s) - s * zeta(s + 1, z)
                    } else {
                        if abs(s) == f64::INFINITY && z > 1 { 0 } else { -s * zeta(s + T::one(), z) }
                    }
                }
            }
        } else {
            f64::NAN
        }
    ),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = |random| (random.between(1.5, 5.0), random.between(0.5, 5.0)),
    alias("SpecialFunctions.zeta")
)]
pub fn zeta<T: Real>(s: T, z: T) -> T {
    at_base_of_two(s, z, zeta_of)
}

/// -s zeta(s + 1, z), whose limit at s = 0 is -1. The factor is taken from the rounded s + 1, which keeps it right near
/// the pole.
fn slope_of_zeta<T: Real>(s: T, z: T) -> T {
    let (one, next, size) = (T::one(), s + T::one(), s.to_f64().abs());
    if size == 0.0 && z.to_f64() == f64::INFINITY {
        // It is 1/2 - z.
        return -one;
    }
    if size < 1e-12 && z > T::zero() {
        // The sum without its first term, by the first two terms of its expansion at the pole.
        return s * digamma(z + one) - one - s / z * z.powf(-s);
    }
    if !s.is_finite() && z > one {
        return T::zero();
    }
    if size < 0.5 && z > T::zero() {
        // The pole is as far from the rounded s + 1 as that is from 1.
        let rest = next - one;
        return s / rest * z.powf(-rest) - z.powf(-s) - s * zeta(next, z);
    }
    -s * zeta(next, z)
}

/// B(2k) / (2k): the asymptotic series of digamma (DLMF 5.11.2).
pub(super) const DIGAMMA_SERIES: [f64; 10] = [
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32760.0,
    1.0 / 12.0,
    -3617.0 / 8160.0,
    43867.0 / 14364.0,
    -174611.0 / 6600.0,
];

/// ln(x) - digamma(x) for x >= 10: 1 / (2x) + sum of B(2k) / (2k x^(2k)) (DLMF 5.11.2).
pub(super) fn log_minus_digamma<T: Real>(x: T) -> T {
    let inverse = x.recip();
    let square = inverse * inverse;
    let series = DIGAMMA_SERIES.iter().rev();
    let sum = series.fold(T::zero(), |sum, &b| sum * square + convert(b));
    inverse * convert(0.5) + sum * square
}

/// ln gamma(x) - ((x - 1/2) ln(x) - x + ln(2 pi) / 2) for x >= 10 (DLMF 5.11.1).
pub(super) fn stirling_remainder<T: Real>(x: T) -> T {
    let inverse = x.recip();
    let square = inverse * inverse;
    let series = DIGAMMA_SERIES.iter().enumerate().rev();
    let term = |k: usize, b: f64| convert::<f64, T>(b / (2 * k + 1) as f64);
    inverse * series.fold(T::zero(), |sum, (k, &b)| sum * square + term(k, b))
}

/// How far a number must be shifted for its asymptotic series to hold for derivatives, too.
const SHIFTED: f64 = 16.0;

/// digamma(x + d) - digamma(x) for positive x and x + d, without cancellation for a small d.
pub(super) fn digamma_rise<T: Real>(x: T, d: T) -> T {
    let (mut x, mut sum) = (x, T::zero());
    while x.to_f64() < SHIFTED || (x + d).to_f64() < SHIFTED {
        // Far apart, each term keeps the derivatives that are its own, where these are finite.
        sum += if d <= x {
            d / (x + d) / x
        } else if d.to_f64() > bound::<T>(1e-12, 1e-100) {
            x.recip() - (x + d).recip()
        } else {
            x.recip() * (T::one() + x / d).recip()
        };
        x += T::one();
    }
    let (inverse, after) = (x.recip(), (x + d).recip());
    let fall = fall_of_inverse(x, d, [inverse, after]);
    sum += logarithm_of_rise(x, d) + fall * convert(0.5);
    add_differences(sum, [inverse, after], fall)
}

twofold! {
    /// ln((x + d) / x) for positive x and x + d. Its derivatives are those of two logarithms where d is the larger one, as the
    /// square of x / (x + d) may underflow, which a factor of it makes up for; else those by a quotient, of which no factor underflows.
    fn logarithm_of_rise<T>(x, d)
    plain { (d / x).ln_1p() }
    smooth { if d > x { (x + d).ln() - x.ln() } else { (d / x).ln_1p() } }
}

/// 1 / x - 1 / (x + d), by the inverses. Far apart, the derivative of the product is a difference of two numbers of which
/// one underflows.
fn fall_of_inverse<T: Real>(x: T, d: T, [inverse, after]: [T; 2]) -> T {
    if d <= x { d * inverse * after } else { inverse - after }
}

/// Adds the difference of the asymptotic series at two inverses, over what `fall` is their difference over, by that of their
/// powers: u^k - w^k = u (u^(k-1) - w^(k-1)) + (u - w) w^(k-1) at the squares of the inverses.
fn add_differences<T: Real>(mut sum: T, [inverse, after]: [T; 2], fall: T) -> T {
    let (square, square_after) = (inverse * inverse, after * after);
    let step = fall * (inverse + after);
    let (mut difference, mut power) = (step, square_after);
    for b in DIGAMMA_SERIES {
        sum += difference * convert(b);
        difference = difference * square + power * step;
        power *= square_after;
    }
    sum
}

/// (digamma(x + d) - digamma(x)) / d for a positive x and 0 < d < 1, by the same, where each part has the factor d.
pub(super) fn digamma_rise_quotient<T: Real>(x: T, d: T) -> T {
    let (mut x, mut sum) = (x, T::zero());
    while x.to_f64() < SHIFTED {
        sum += (x + d).recip() / x;
        x += T::one();
    }
    let (inverse, after) = (x.recip(), (x + d).recip());
    // At most 1 / 16.
    let logarithm = log1p_quotient(d / x, 14);
    let fall = inverse * after;
    sum += logarithm / x + fall * convert(0.5);
    add_differences(sum, [inverse, after], fall)
}

/// ln(1 + u) / u by so many terms.
fn log1p_quotient<T: Real>(u: T, terms: u32) -> T {
    let coefficients = (0..terms).rev().map(|k| convert::<f64, T>(1.0 / f64::from(k + 1)));
    coefficients.fold(T::zero(), |sum, coefficient| coefficient - sum * u)
}

/// (ln gamma(1 + d) - ln gamma(x + d) + ln gamma(x)) / d for |d| of at most 0.02 and a quarter of x, where each part of the
/// formulas of [`ln_gamma_of_one_plus`] and [`ln_gamma_rise`] has the factor d.
pub(super) fn beta_exponent<T: Real>(x: T, d: T) -> T {
    let series = ZETA_LESS_ONE.iter().enumerate().rev();
    let term = |k: usize, zeta: f64| convert::<f64, T>(zeta / (k + 2) as f64);
    let of_one = series.fold(T::zero(), |sum, (k, &zeta)| term(k, zeta) - sum * d);
    let of_one = d * of_one + convert(1.0 - EULER) - log1p_quotient(d, 14);
    let (mut x, mut sum) = (x, T::zero());
    while x.to_f64() < SHIFTED {
        sum -= log1p_quotient(d / x, 30) / x;
        x += T::one();
    }
    let (inverse, after) = (x.recip(), (x + d).recip());
    let (square, square_after) = (inverse * inverse, after * after);
    let fall = inverse * after;
    let step = fall * (inverse + after);
    let (mut difference, mut power) = (fall, after);
    let half = convert::<f64, T>(0.5);
    sum += (T::one() - half / x) * log1p_quotient(d / x, 14) + (x + d).ln() - T::one();
    for (k, b) in DIGAMMA_SERIES.iter().enumerate() {
        sum -= difference * convert(b / (2 * k + 1) as f64);
        // (u^(k+2) - w^(k+2)) / d, as there; the step has not the factor d.
        difference = difference * square + power * step;
        power *= square_after;
    }
    of_one - sum
}

/// ln gamma(x + d) - ln gamma(x) for positive x and x + d, without cancellation for a small d.
pub(super) fn ln_gamma_rise<T: Real>(x: T, d: T) -> T {
    let (mut x, mut sum) = (x, T::zero());
    while x.to_f64() < SHIFTED || (x + d).to_f64() < SHIFTED {
        sum -= (d / x).ln_1p();
        x += T::one();
    }
    let (inverse, after) = (x.recip(), (x + d).recip());
    let fall = fall_of_inverse(x, d, [inverse, after]);
    let (square, square_after) = (inverse * inverse, after * after);
    let step = fall * (inverse + after);
    // Odd powers of the inverses: u^(k+2) - w^(k+2) = u^2 (u^k - w^k) + (u^2 - w^2) w^k.
    let (mut difference, mut power) = (fall, after);
    let half = convert::<f64, T>(0.5);
    sum += (x - half) * (d * inverse).ln_1p() + d * ((x + d).ln() - T::one());
    for (k, b) in DIGAMMA_SERIES.iter().enumerate() {
        sum -= difference * convert(b / (2 * k + 1) as f64);
        difference = difference * square + power * step;
        power *= square_after;
    }
    sum
}

/// zeta(k) - 1 for k = 2, 3, ..
pub(super) const ZETA_LESS_ONE: [f64; 32] = [
    0.644_934_066_848_226_4,
    0.202_056_903_159_594_3,
    0.082_323_233_711_138_19,
    0.036_927_755_143_369_93,
    0.017_343_061_984_449_14,
    0.008_349_277_381_922_827,
    0.004_077_356_197_944_34,
    0.002_008_392_826_082_214_3,
    0.000_994_575_127_818_085_3,
    0.000_494_188_604_119_464_5,
    0.000_246_086_553_308_048_3,
    0.000_122_713_347_578_489_15,
    6.124_813_505_870_483e-05,
    3.058_823_630_702_049e-05,
    1.528_225_940_865_187e-05,
    7.637_197_637_899_763e-06,
    3.817_293_264_999_84e-06,
    1.908_212_716_553_939e-06,
    9.539_620_338_727_962e-07,
    4.769_329_867_878_064e-07,
    2.384_505_027_277_33e-07,
    1.192_199_259_653_110_6e-07,
    5.960_818_905_125_948e-08,
    2.980_350_351_465_228e-08,
    1.490_155_482_836_504_3e-08,
    7.450_711_789_835_43e-09,
    3.725_334_024_788_457e-09,
    1.862_659_723_513_049e-09,
    9.313_274_324_196_682e-10,
    4.656_629_065_033_784e-10,
    2.328_311_833_676_505_3e-10,
    1.164_155_017_270_052e-10,
];

/// ln gamma(1 + x) for |x| <= 1/2, accurate near 0 (DLMF 5.7.3).
pub(super) fn ln_gamma_of_one_plus<T: Real>(x: T) -> T {
    let series = ZETA_LESS_ONE.iter().enumerate().rev();
    // The sum over k >= 2 of (-x)^k (zeta(k) - 1) / k.
    let term = |k: usize, zeta: f64| convert::<f64, T>(zeta / (k + 2) as f64);
    let sum = series.fold(T::zero(), |sum, (k, &zeta)| term(k, zeta) - sum * x);
    x * x * sum + x * convert(1.0 - EULER) - x.ln_1p()
}

/// The positive zero of digamma, in two parts.
const ZERO: (f64, f64) = (1.461_632_144_968_362_2, 9.549_995_429_965_697e-17);

/// The coefficients of digamma in powers of the distance to its positive zero, from the first on.
const ABOUT_ZERO: [f64; 26] = [
    0.967_672_245_447_621_2,
    -0.442_763_168_983_592_1,
    0.258_499_760_955_651,
    -0.163_942_705_442_406_52,
    0.107_824_050_691_262_37,
    -0.072_199_561_256_454_71,
    0.048_804_288_164_143_11,
    -0.033_161_126_474_847_36,
    0.022_597_648_232_218_104,
    -0.015_424_765_904_948_96,
    0.010_538_791_616_612_175,
    -0.007_204_534_386_356_869,
    0.004_926_781_395_729_853,
    -0.003_369_801_655_439_328,
    0.002_305_126_326_734_928,
    -0.001_576_936_771_430_197_2,
    0.001_078_825_201_916_296_7,
    -0.000_738_070_938_996_005_2,
    0.000_504_953_265_834_602,
    -0.000_345_468_025_106_307_7,
    0.000_236_356_015_640_270_53,
    -0.000_161_706_220_919_748_03,
    0.000_110_633_727_687_474_1,
    -7.569_179_582_195_066e-05,
    5.178_575_795_222_081e-05,
    -3.543_007_094_765_960_4e-05,
];

fn digamma_of(x: f64) -> f64 {
    if x == 0.0 {
        return -x.recip();
    }
    if x < 0.0 {
        // DLMF 5.5.4.
        let sine = sinpi(x);
        if sine == 0.0 || x == f64::NEG_INFINITY {
            return f64::NAN;
        }
        return digamma_of(1.0 - x) - std::f64::consts::PI * cospi(x) / sine;
    }
    let distance = (x - ZERO.0) - ZERO.1;
    if distance.abs() < 0.3 {
        return distance * ABOUT_ZERO.iter().rev().fold(0.0, |sum, c| sum * distance + c);
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += x.recip();
        x += 1.0;
    }
    x.ln() - (log_minus_digamma(x) + sum)
}

/// n!, infinite above 170.
fn factorial(n: u32) -> f64 {
    (2..=n.min(171)).fold(1.0, |product, k| product * f64::from(k))
}

fn polygamma_of(n: u32, x: f64) -> f64 {
    if n == 0 {
        return digamma_of(x);
    }
    let odd = n % 2 == 1;
    let sign = if odd { 1.0 } else { -1.0 };
    if x == 0.0 {
        return if odd { f64::INFINITY } else { -x.recip() };
    }
    if x > 0.0 {
        return sign * factorial_times_zeta(n, x);
    }
    let sine = sinpi(x);
    if x.is_nan() || x == f64::NEG_INFINITY || (sine == 0.0 && !odd) {
        return f64::NAN;
    }
    if sine == 0.0 {
        return f64::INFINITY;
    }
    if n >= 40 {
        let sum = nearest_terms(n.saturating_add(1), x);
        // Beyond the largest factorial, by the logarithm.
        let size = if n > 170 {
            (libm::lgamma(f64::from(n) + 1.0) + sum.abs().ln()).exp()
        } else {
            factorial(n) * sum.abs()
        };
        return sign * size.copysign(sum);
    }
    // DLMF 5.15.6. The n-th derivative of cot(pi x) is (-pi)^n times a polynomial of the cotangent: p(c) = c for n = 0,
    // and the next is (1 + c^2) p'(c). Its coefficients are positive.
    let cotangent = cospi(x) / sine;
    let mut coefficients = vec![0.0, 1.0];
    for _ in 0..n {
        let mut next = vec![0.0; coefficients.len() + 1];
        for (k, c) in coefficients.iter().enumerate().skip(1) {
            next[k - 1] += k as f64 * c;
            next[k + 1] += k as f64 * c;
        }
        coefficients = next;
    }
    let polynomial =
        coefficients.into_iter().rev().reduce(|sum, c| sum * cotangent + c).unwrap_or(0.0);
    let cotangents = std::f64::consts::PI.powi(n as i32 + 1) * polynomial;
    let mirrored = sign * factorial_times_zeta(n, 1.0 - x);
    if odd { cotangents - mirrored } else { mirrored - cotangents }
}

/// The sum of (x + k)^-n over k >= 0 for a large n and a negative x that is not whole: the terms nearest to 0 in pairs
/// from its two sides, whose odd powers cancel halfway between whole numbers, and those that have no partner.
fn nearest_terms(n: u32, x: f64) -> f64 {
    let (below, above) = (x - x.ceil(), x - x.floor());
    let negative = -x.floor();
    let sign = if n % 2 == 1 { -1.0 } else { 1.0 };
    let power = |distance: f64| distance.powf(-f64::from(n));
    let mut sum = zeta_of(f64::from(n), above + negative);
    for k in (0..10).rev().map(f64::from).filter(|k| *k < negative) {
        sum += power(above + k) + sign * power(k - below);
    }
    sum
}

/// n! zeta(n + 1, x) for n > 0 and x > 0.
fn factorial_times_zeta(n: u32, x: f64) -> f64 {
    let order = f64::from(n);
    if x == f64::INFINITY {
        return 0.0;
    }
    let scaled = scaled_zeta(order + 1.0, x);
    if n > 170 {
        return (libm::lgamma(order + 1.0) - order * x.ln() + scaled.ln()).exp();
    }
    // In two steps, since the power can be out of range where the product is not.
    let half = x.powf(-0.5 * order);
    factorial(n) * half * scaled * half
}

/// zeta(s, z) z^(s-1) for s > 1 and a finite z > 0, by the formula of Euler and Maclaurin (DLMF 25.11.28 and 2.10.1):
/// the terms up to a shifted argument, the integral from there, and its corrections.
fn scaled_zeta(s: f64, z: f64) -> f64 {
    let enough = 10.0 + s;
    let (mut sum, mut shifted, mut k) = (0.0, z, 0.0);
    while shifted < enough {
        // ((z + k) / z)^-s, whose logarithm is accurate for small quotients too.
        let term = if k < z { (-s * (k / z).ln_1p()).exp() } else { (shifted / z).powf(-s) };
        sum += term;
        if term * (1.0 + shifted / (s - 1.0)) < 1e-18 * sum {
            return sum / z;
        }
        k += 1.0;
        shifted = z + k;
    }
    let power = if k < z { (-s * (k / z).ln_1p()).exp() } else { (shifted / z).powf(-s) };
    // Each part divided by z before it can overflow.
    sum / z + power * (shifted / z / (s - 1.0) + (0.5 + corrections(s, shifted)) / z)
}

/// The corrections of the formula of Euler and Maclaurin to the sum of (z + k)^-s, divided by z^-s: the sum over j >= 1
/// of B(2j) / (2j)! s (s+1) .. (s+2j-2) z^(1-2j).
fn corrections(s: f64, z: f64) -> f64 {
    let (mut sum, mut factor, mut last) = (0.0, s / z, f64::INFINITY);
    for (j, b) in DIGAMMA_SERIES.iter().enumerate() {
        // B(2j) / (2j) times s .. (s+2j-2) / (2j-1)! z^(1-2j).
        let term = b * factor;
        if term.abs() > last {
            break;
        }
        sum += term;
        last = term.abs();
        let m = (2 * j + 1) as f64;
        factor *= (s + m) / (z * (m + 1.0)) * ((s + m + 1.0) / (z * (m + 2.0)));
    }
    sum
}

fn zeta_of(s: f64, z: f64) -> f64 {
    if s.is_nan() || z.is_nan() {
        return f64::NAN;
    }
    if s == 1.0 {
        return f64::INFINITY;
    }
    if s < 1.0 {
        return continued_zeta(s, z);
    }
    if z == 0.0 {
        return f64::INFINITY;
    }
    if z == f64::INFINITY {
        return 0.0;
    }
    if z > 0.0 {
        if s == f64::INFINITY {
            return z.powf(-s);
        }
        return z.powf(1.0 - s) * scaled_zeta(s, z);
    }
    // Powers of negative numbers: whole s only.
    if s.fract() != 0.0 || z.fract() == 0.0 || s > 1e9 {
        return f64::NAN;
    }
    let n = s as u32;
    if n > 40 {
        return nearest_terms(n, z);
    }
    let sign = if n % 2 == 1 { -1.0 } else { 1.0 };
    sign * polygamma_of(n - 1, z) / factorial(n - 1)
}

fn inverse_of_digamma(y: f64) -> f64 {
    if y.is_nan() {
        return y;
    }
    // Above, digamma(x) is ln(x - 1/2) to all digits.
    if y > 20.0 {
        return y.exp() + 0.5;
    }
    // Start: T. Minka, Estimating a Dirichlet distribution, appendix C. Newton's steps.
    let mut x = if y >= -2.22 { y.exp() + 0.5 } else { -(y + EULER).recip() };
    for _ in 0..6 {
        let slope = polygamma_of(1, x);
        if slope.is_infinite() {
            break;
        }
        x -= (digamma_of(x) - y) / slope;
    }
    x
}

/// zeta(s, z) for s < 1.
fn continued_zeta(s: f64, z: f64) -> f64 {
    if z == 0.0 && s > 0.0 {
        return f64::INFINITY;
    }
    if z <= 0.0 || s < -1000.0 {
        return f64::NAN;
    }
    if z == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    if s >= -1.0 || z >= 10.0 - s {
        return zeta_times_distance(s, z) / (s - 1.0);
    }
    // The recurrence down to where one of two series holds; both parts are negative there.
    let series = if s <= -8.0 { fourier_series } else { taylor_series };
    let mut least = z - z.ceil() + 1.0;
    if s > -8.0 && least < 0.5 {
        least += 1.0;
    }
    let steps = (z - least).round();
    let mut sum = 0.0;
    let mut k = 0.0;
    while k < steps {
        sum += (least + k).powf(-s);
        k += 1.0;
    }
    // At z in (0, 1/2) the shift is upwards.
    series(s, least) - sum + if steps < 0.0 { z.powf(-s) } else { 0.0 }
}

/// (s - 1) zeta(s, z), which has no pole, by the formula of Euler and Maclaurin: see `scaled_zeta`.
fn zeta_times_distance(s: f64, z: f64) -> f64 {
    let (mut sum, mut shifted, mut k) = (0.0, z, 0.0);
    while shifted < 10.0 {
        sum += shifted.powf(-s);
        k += 1.0;
        shifted = z + k;
    }
    // The parts of the power's factor have other signs.
    let factor = shifted + (s - 1.0) * (0.5 + corrections(s, shifted));
    factor * shifted.powf(-s) + (s - 1.0) * sum
}

/// zeta(s, z) for s < -1 and 0 < z <= 1 by the Fourier series (DLMF 25.11.9).
fn fourier_series(s: f64, z: f64) -> f64 {
    let power = 1.0 - s;
    let mut sum = 0.0;
    for n in (1..=100).rev().map(f64::from) {
        sum += n.powf(-power) * cospi(0.5 * power - 2.0 * ((n * z) % 1.0));
    }
    let turn = 2.0 * std::f64::consts::PI;
    if power < 140.0 {
        return 2.0 * libm::tgamma(power) * turn.powf(-power) * sum;
    }
    2.0 * (libm::lgamma(power) - power * turn.ln()).exp() * sum
}

/// zeta(s, z) for -8 < s < -1 and 1/2 <= z <= 3/2 by the series about z = 1 (DLMF 25.11.10).
fn taylor_series(s: f64, z: f64) -> f64 {
    let distance = z - 1.0;
    // (-distance)^k / k! times s (s+1) .. (s+k-2), without the last factor, in which the pole at s + k = 1 cancels.
    let (mut factor, mut sum) = (1.0, 0.0);
    for k in (0..60).map(f64::from) {
        let t = s + k;
        sum += if t < -1.0 {
            // DLMF 25.4.1.
            let mirrored = 1.0 - t;
            let turn = 2.0 * std::f64::consts::PI;
            let scale = 2.0 * turn.powf(-mirrored) * cospi(0.5 * mirrored) * libm::tgamma(mirrored);
            let last = if k == 0.0 { 1.0 } else { t - 1.0 };
            factor * last * scale * zeta_of(mirrored, 1.0)
        } else if t < 2.0 {
            factor * zeta_times_distance(t, 1.0)
        } else {
            factor * (t - 1.0) * zeta_of(t, 1.0)
        };
        factor *= -distance / (k + 1.0) * if k == 0.0 { 1.0 } else { t - 1.0 };
    }
    sum
}
