//! Finite differences that choose their step and estimate their own error.

/// Derivatives by finite differences, with an estimate of the error of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The derivatives.
    pub derivative: Vec<f64>,
    /// An estimate of the absolute error of each.
    pub error: Vec<f64>,
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
/// The step is chosen as FiniteDifferences.jl does it: with an error of `a / h` from rounding and of
/// `b h^6` from truncation the best step is `(a / 6 b)^(1/7)`. `a` follows from the size of the
/// values, `b` from the seventh derivative, which a coarser difference estimates. Components differ
/// in their best step; a few steps between the smallest and the largest are tried, and each component
/// takes the one that bounds its error best. The estimate of the error is that bound together with
/// what other steps make of it and their bounds do not explain: a curve may be less precise than its
/// last digit.
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
    difference_at(f64::EPSILON, curve)
}

/// [`difference`] of a curve whose values have this relative error.
pub(crate) fn difference_at(
    epsilon: f64,
    mut curve: impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<Difference> {
    // The best step for a seventh derivative that is ten times the value.
    let coarse = (3.0 * epsilon).powf(1.0 / 9.0);
    let (seventh, size, coarse) = quotients(&SEVENTH, coarse, 7, &mut curve)?;
    let rounding = |size: f64, h: f64| epsilon * size * weight(&FIRST) / h;
    // Domains end and rounding hides small derivatives: neither asks for a step beyond the coarse one.
    let bounds = seventh.iter().zip(&size).map(|(seventh, size)| {
        let unseen = epsilon * size * weight(&SEVENTH) / coarse.powi(7);
        TRUNCATION * seventh.abs().max(unseen)
    });
    let bounds: Vec<f64> = bounds.collect();
    let steps: Vec<f64> = (0..size.len())
        .map(|i| {
            let best = (rounding(size[i], 1.0) / (6.0 * bounds[i])).powf(1.0 / 7.0);
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
    let mut found = Difference { derivative: Vec::new(), error: Vec::new() };
    for i in 0..size.len() {
        let bound = |h: f64| rounding(size[i], h) + bounds[i] * h.powi(6);
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
