//! What the exponential of a similarity is made of.

use nalgebra::{Complex, convert};

use crate::math::cardinal::by_order;
use crate::math::plain;
use crate::{Real, primitive};

/// The nodes and weights of Gauss and Legendre's formula of twelve points on the interval from 0 to 1.
const NODES: [(f64, f64); 12] = [
    (0.009_219_682_876_640_375, 0.023_587_668_193_255_914),
    (0.047_941_371_814_762_57, 0.053_469_662_997_659_22),
    (0.115_048_662_902_847_66, 0.080_039_164_271_673_11),
    (0.206_341_022_856_691_3, 0.101_583_713_361_532_96),
    (0.316_084_250_500_909_9, 0.116_746_268_269_177_4),
    (0.437_383_295_744_265_54, 0.124_573_522_906_701_39),
    (0.562_616_704_255_734_5, 0.124_573_522_906_701_39),
    (0.683_915_749_499_090_1, 0.116_746_268_269_177_4),
    (0.793_658_977_143_308_7, 0.101_583_713_361_532_96),
    (0.884_951_337_097_152_3, 0.080_039_164_271_673_11),
    (0.952_058_628_185_237_4, 0.053_469_662_997_659_22),
    (0.990_780_317_123_359_6, 0.023_587_668_193_255_914),
];

/// How large an exponent times the length of a panel may be: the error of twelve points is some 4e-39 of its 24th power.
const REACH: f64 = 6.0;

/// Where the oscillation is so fast that closed formulas do not cancel: the square of an angle.
const FAR: f64 = 400.0;

/// The exponent from which on an exponential is zero or infinite.
const LARGEST: f64 = 800.0;

/// The integral of t^j exp(sigma t) c_k(z t^2) over t from 0 to 1, where c_k is [`stumpff`](fn@crate::cardinal::stumpff)'s
/// function, and j is at least k.
///
/// A similarity that grows by exp(sigma) while it turns by the vector w moves the velocity v by W v, where W is the integral
/// of exp(sigma t + K t), K x = cross(w, x): I(0, 0) v + I(1, 1) w x v + I(2, 2) w x (w x v) at sigma and z = |w|^2, with I(0, 0) at z = 0.
///
/// The family has its own derivatives, I(j + 1, k) by sigma and, as 2 c_k' = k c_(k+2) - c_(k+1), (k I(j + 2, k + 2) -
/// I(j + 2, k + 1)) / 2 by z. The integrand is entire, so a few panels of Gauss' formula have all digits, and nothing cancels
/// at zero.
///
/// ```
/// use difrules_core::motions::stumpff_integral;
///
/// assert!((stumpff_integral(0, 0, 0.5, 0.0) - (0.5_f64.exp() - 1.0) / 0.5).abs() < 1e-15);
/// assert!((stumpff_integral(1, 1, 0.0, 4.0) - (1.0 - 2.0_f64.cos()) / 4.0).abs() < 1e-16);
/// assert!((stumpff_integral(2, 2, 0.0, 0.0) - 1.0_f64 / 6.0).abs() < 1e-16);
/// ```
#[primitive(
    partial = (
        |j, k, sigma, z| stumpff_integral(j + 1, k, sigma, z),
        |j, k, sigma, z| (stumpff_integral(j + 2, k + 2, sigma, z) * convert::<f64, T>(f64::from(k)) - stumpff_integral(j + 2, k + 1, sigma, z)) * convert::<f64, T>(0.5)
    ),
    symbolic = (
        |j, k, sigma, z| stumpff_integral(j + 1, k, sigma, z),
        |j, k, sigma, z| 0.5 * (k * stumpff_integral(j + 2, k + 2, sigma, z) - stumpff_integral(j + 2, k + 1, sigma, z))
    ),
    constant(j, k),
    instances(f64, #[cfg(feature = "f32")] f32),
    sample = |random| {
        let k = random.size(0, 2) as u32;
        (k + random.size(0, 1) as u32, k, random.between(-2.0, 2.0), random.between(-4.0, 12.0))
    }
)]
pub fn stumpff_integral<T: Real>(j: u32, k: u32, sigma: T, z: T) -> T {
    convert(integral(j, k, plain(sigma), plain(z)))
}

fn integral(j: u32, k: u32, sigma: f64, z: f64) -> f64 {
    if !sigma.is_finite() || !z.is_finite() || z < -FAR {
        return f64::NAN;
    }
    if z > FAR {
        return oscillating(j, k, sigma, z);
    }
    // What lies behind the end is smaller than any number.
    let end = if sigma < -LARGEST { -LARGEST / sigma } else { 1.0 };
    let exponent = sigma.clamp(-LARGEST, LARGEST).abs() + z.abs().sqrt() * end;
    let panels = (exponent / REACH).ceil().max(1.0);
    let length = end / panels;
    let mut sum = 0.0;
    for panel in 0..panels as u32 {
        for (node, weight) in NODES {
            let t = (f64::from(panel) + node) * length;
            sum += weight * t.powi(j as i32) * (sigma * t).exp() * by_order(k, z * t * t);
        }
    }
    sum * length
}

/// By parts: with w = sigma + i sqrt(z) the integral of t^j exp(w t) is (exp(w) - j times that of t^(j - 1) exp(w t)) / w,
/// its parts are those with c_0 and c_1, and z t^2 c_k is 1 / (k - 2)! - c_(k-2).
fn oscillating(j: u32, k: u32, sigma: f64, z: f64) -> f64 {
    let angle = z.sqrt();
    let moment = |j: u32| {
        let w = Complex::new(sigma, angle);
        let end = w.exp();
        (1..=j).fold((end - 1.0) / w, |moment, i| (end - moment * f64::from(i)) / w)
    };
    match k {
        0 => moment(j).re,
        _ if j < k => f64::NAN,
        1 => moment(j - 1).im / angle,
        _ => {
            let first = (1..=k - 2).fold(1.0, |term, i| term / f64::from(i));
            (first * integral(j - 2, 0, sigma, 0.0) - oscillating(j - 2, k - 2, sigma, z)) / z
        }
    }
}
