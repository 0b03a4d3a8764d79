//! Finite differences that choose their step and estimate their own error.

use super::check::{extent, size};

/// Derivatives by finite differences, with an estimate of the error of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The derivatives.
    pub derivative: Vec<f64>,
    /// An estimate of the absolute error of each.
    pub error: Vec<f64>,
    /// Where the slopes before and after the point differ, as at a kink: by how much.
    pub kink: Vec<f64>,
}

impl Difference {
    /// Lets every slope pass that is between these, as at a kink; of functions of many numbers, whose slopes
    /// are as many, others about as far apart too.
    pub(super) fn widen(&mut self, slopes: &[Vec<f64>], rough: bool, of_numbers: bool) {
        let rough = slopes.iter().any(|_| rough);
        for (i, derivative) in self.derivative.iter_mut().enumerate().filter(|_| rough) {
            let (least, most) = extent(slopes.iter().map(|slope| slope[i]));
            let varies = most - least > 1e-4 * least.abs().max(most.abs());
            if varies || self.error[i] + self.kink[i] > 1e-6 * derivative.abs() {
                let (least, most) = (least.min(*derivative), most.max(*derivative));
                *derivative = 0.5 * (least + most);
                let width = if of_numbers { 1.001 } else { 20.0 } * (most - least);
                self.kink[i] = self.kink[i].max(width);
            }
        }
    }
}

/// The weights, at 1, 2 and 3 steps ahead, of the central difference of seven points; behind they are
/// the same with the other sign. Its error is h^6 f^(7) / 140.
const FIRST: [f64; 3] = [3.0 / 4.0, -3.0 / 20.0, 1.0 / 60.0];
/// The same, at 1 to 4 steps, for the seventh derivative, whose error this bounds.
const SEVENTH: [f64; 4] = [-7.0, 7.0, -3.0, 0.5];
/// f^(7) h^6 / 140.
const TRUNCATION: f64 = 1.0 / 140.0;
/// The largest step: a curve has unit speed here.
const LARGEST: f64 = 0.1;

/// The derivative at 0 of a curve, by a central difference of the sixth order.
///
/// A curve that is as smooth as most has it by one step and another. Else the step is chosen as
/// FiniteDifferences.jl does it: with an error of `a / h` from rounding and of
/// `b h^6` from truncation the best step is `(a / 6 b)^(1/7)`. `a` follows from the size of the
/// values, `b` from the seventh derivative, which a coarser difference estimates. Components differ
/// in their best step; a few steps between the smallest and the largest are tried, and each component
/// takes the one that bounds its error best. The estimate of the error is that bound together with
/// what other steps make of it and their bounds do not explain: a curve may be less precise than its
/// last digit.
///
/// At a kink the derivative is the mean of the slopes before and after, whose distance is `kink`.
///
/// Returns nothing where the curve cannot be evaluated on both sides of 0, however small the step.
///
/// ```
/// use difrules_core::testing::difference;
///
/// let found = difference(|t| Some(vec![(1.0 + t).sin()])).unwrap();
/// assert!((found.derivative[0] - 1.0_f64.cos()).abs() <= 10.0 * found.error[0]);
/// assert!(found.error[0] < 1e-11);
/// ```
pub fn difference(curve: impl FnMut(f64) -> Option<Vec<f64>>) -> Option<Difference> {
    difference_at(f64::EPSILON, &[], curve)
}

/// [`difference`] of a curve whose values have this relative error, and these absolute ones.
pub(crate) fn difference_at(
    epsilon: f64,
    noise: &[f64],
    mut curve: impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<Difference> {
    if let Some(found) = shared(epsilon, noise, &mut curve) {
        return Some(found);
    }
    // The best step for a seventh derivative that is ten times the value.
    let coarse = (3.0 * epsilon).powf(1.0 / 9.0);
    let (seventh, size, coarse) = quotients(&SEVENTH, coarse, 7, &mut curve)?;
    let noise = |i: usize| noise.get(i).copied().unwrap_or(0.0);
    let rounding = |i: usize, h: f64| (epsilon * size[i] + noise(i)) * weight(&FIRST) / h;
    // Domains end and rounding hides small derivatives: neither asks for a step beyond the coarse one.
    let bounds = seventh.iter().enumerate().map(|(i, seventh)| {
        let unseen = (epsilon * size[i] + noise(i)) * weight(&SEVENTH) / coarse.powi(7);
        TRUNCATION * seventh.abs().max(unseen)
    });
    let bounds: Vec<f64> = bounds.collect();
    let steps: Vec<f64> = (0..size.len())
        .map(|i| {
            let best = (rounding(i, 1.0) / (6.0 * bounds[i])).powf(1.0 / 7.0);
            // A component that vanishes has no best step.
            if best.is_finite() { best.clamp(1e-6, LARGEST) } else { LARGEST }
        })
        .collect();
    let least = steps.iter().copied().fold(LARGEST, f64::min);
    let most = steps.iter().copied().fold(least, f64::max);
    let mut candidates = vec![least / 1.5, least, (4.0 * most).min(LARGEST)];
    if most > 2.0 * least {
        candidates.extend([most, (least * most).sqrt()]);
    }
    let tried: Vec<_> =
        candidates.iter().filter_map(|&h| quotients(&FIRST, h, 1, &mut curve)).collect();
    let kink = kinks(epsilon, size.len(), &mut curve).unwrap_or_else(|| vec![0.0; size.len()]);
    let mut found = Difference { derivative: Vec::new(), error: Vec::new(), kink };
    for i in 0..size.len() {
        let bound = |h: f64| rounding(i, h) + bounds[i] * h.powi(6);
        let mut of: Vec<_> =
            tried.iter().map(|(quotient, _, h)| (bound(*h), quotient[i])).collect();
        of.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [(bound, best), ref others @ ..] = of[..] else { return None };
        let unexplained = others.iter().map(|(bound, other)| (best - other).abs() - bound);
        found.derivative.push(best);
        found.error.push(bound + unexplained.fold(0.0, f64::max));
    }
    Some(found)
}

/// The points of [`shared`], on either side, in steps.
const SHARED: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 6.0];
/// Its step.
const STEP: f64 = 1.0 / 128.0;
/// The weights of f(t) - f(-t) at these points for the derivative, of the tenth order.
const TENTH: [f64; 5] = [144.0 / 175.0, -9.0 / 40.0, 16.0 / 315.0, -9.0 / 1400.0, 1.0 / 12600.0];
/// The same, of the eighth order: of the central difference of seven points with one step and with two, what cancels
/// their errors.
const EIGHTH: [f64; 5] = [16.0 / 21.0, -19.0 / 120.0, 16.0 / 945.0, 1.0 / 840.0, -1.0 / 7560.0];
/// The weights of f(t) + f(-t) - 2 f(0) for the coefficient of |t|: those of t^2, t^4, t^6 and t^8 vanish.
const KINK: [f64; 5] = [144.0 / 49.0, -45.0 / 28.0, 80.0 / 147.0, -9.0 / 98.0, 1.0 / 588.0];

/// The derivative of a curve that is as smooth as most, by two differences that share their points: a quarter of the
/// evaluations that a choice of the step takes. There is none where these do not give 10 digits, but for the noise, or
/// 12 of those of the component that moves most, or where a kink might be. What does not move at all is constant.
fn shared(
    epsilon: f64,
    noise: &[f64],
    curve: &mut impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<Difference> {
    let mut pairs = Vec::new();
    // The outermost points first: they leave the domain first.
    for k in SHARED.into_iter().rev() {
        pairs.push((curve(k * STEP)?, curve(-k * STEP)?));
    }
    pairs.reverse();
    let middle = curve(0.0)?;
    let count = middle.len();
    if pairs.iter().any(|(ahead, behind)| [ahead.len(), behind.len()] != [count; 2]) {
        return None;
    }
    let slope = |weights: &[f64; 5], i: usize| -> f64 {
        let terms = weights.iter().zip(&pairs);
        terms.map(|(weight, (ahead, behind))| weight * (ahead[i] - behind[i])).sum::<f64>() / STEP
    };
    let derivative: Vec<f64> = (0..count).map(|i| slope(&TENTH, i)).collect();
    let (steepest, largest) = (size(&derivative), size(&middle));
    let per_step = weight(&TENTH) / STEP;
    let mut error = Vec::new();
    for (i, derivative) in derivative.iter().enumerate() {
        let bends = KINK.iter().zip(&pairs).map(|(weight, (ahead, behind))| {
            weight * ((ahead[i] - middle[i]) + (behind[i] - middle[i]))
        });
        let kink = bends.sum::<f64>().abs() / STEP;
        let values = || pairs.iter().flat_map(|(ahead, behind)| [ahead[i], behind[i]]);
        let size = values().fold(0.0, |size: f64, y| size.max(y.abs()));
        let rounding = epsilon * size * per_step;
        let noise = noise.get(i).copied().unwrap_or(0.0) * per_step;
        // Far more than the error of the better one where a curve is smooth, and about that where it is not.
        let apart = 4.0 * (derivative - slope(&EIGHTH, i)).abs();
        // A component may have the rounding of the largest of them, and what it does then is seen beside that one.
        let rough = apart + noise + kink + epsilon * largest * per_step;
        // Nothing holds for NaN.
        let is_smooth = apart + rounding <= 1e-10 * derivative.abs()
            && noise <= 1e-8 * derivative.abs()
            && kink <= 1e-10 * size + 10.0 * noise;
        let is_constant = values().all(|y| y.to_bits() == middle[i].to_bits());
        if !(is_smooth || rough <= 1e-12 * steepest || is_constant && middle[i].is_finite()) {
            return None;
        }
        error.push(if is_smooth || is_constant { apart + rounding + noise } else { rough });
    }
    Some(Difference { derivative, error, kink: vec![0.0; count] })
}

/// By how much the slopes before and after 0 differ: what a second difference over the step tends to,
/// which is zero for a smooth curve, and does not for one with a kink.
fn kinks(
    epsilon: f64,
    count: usize,
    curve: &mut impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<Vec<f64>> {
    // 1e-6 in double precision.
    let near = epsilon.powf(0.383);
    let middle = curve(0.0)?;
    let mut jump = |h: f64| {
        let (ahead, behind) = (curve(h)?, curve(-h)?);
        let fits = [ahead.len(), behind.len(), middle.len()] == [count; 3];
        fits.then(|| -> Vec<f64> {
            let all = ahead.iter().zip(&behind).zip(&middle);
            all.map(|((ahead, behind), middle)| ((ahead - middle) + (behind - middle)) / h)
                .collect()
        })
    };
    let (close, far) = (jump(near)?, jump(100.0 * near)?);
    let kinks = close.iter().zip(&far).zip(&middle).map(|((close, far), middle)| {
        let (close, far) = (close.abs(), far.abs());
        // A smooth curve has a hundredth here, and what is rounding a hundred times as much.
        let is_kink = close > 0.3 * far && close < 30.0 * far;
        if is_kink && close > 64.0 * epsilon * middle.abs() / near { close } else { 0.0 }
    });
    Some(kinks.collect())
}

/// The sum of the weights of a difference, which rounding is multiplied by.
fn weight(weights: &[f64]) -> f64 {
    2.0 * weights.iter().map(|weight| weight.abs()).sum::<f64>()
}

/// A difference quotient, the size of the curve's values, and the step: the largest up to `step` at
/// which all points are in the domain.
fn quotients(
    weights: &[f64],
    mut step: f64,
    order: i32,
    curve: &mut impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<(Vec<f64>, Vec<f64>, f64)> {
    'steps: while step > 1e-8 {
        let mut quotient = Vec::new();
        let mut size = Vec::new();
        // The outermost points first: they leave the domain first.
        for (i, weight) in weights.iter().enumerate().rev() {
            let t = (i + 1) as f64 * step;
            let (Some(ahead), Some(behind)) = (curve(t), curve(-t)) else {
                step *= 0.25;
                continue 'steps;
            };
            if !ahead.iter().chain(&behind).all(|y| y.is_finite()) || ahead.len() != behind.len() {
                step *= 0.25;
                continue 'steps;
            }
            quotient.resize(ahead.len(), 0.0);
            size.resize(ahead.len(), 0.0);
            for (j, (ahead, behind)) in ahead.iter().zip(&behind).enumerate() {
                quotient[j] += weight * (ahead - behind);
                size[j] = f64::max(size[j], ahead.abs().max(behind.abs()));
            }
        }
        quotient.iter_mut().for_each(|sum| *sum /= step.powi(order));
        return Some((quotient, size, step));
    }
    None
}
