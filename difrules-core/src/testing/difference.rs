//! Finite differences that estimate their own error.

/// Derivatives by finite differences, with an estimate of the error of each.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The derivatives.
    pub derivative: Vec<f64>,
    /// An estimate of the absolute error of each.
    pub error: Vec<f64>,
}

/// The derivative at 0 of a curve: central differences at shrinking steps, extrapolated to step 0
/// (Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Adv. Eng. Software 4, 1982).
///
/// For each component the entry of the extrapolation table with the smallest estimated error is
/// taken, so round-off and truncation are balanced without a step to choose. Returns nothing where
/// the curve cannot be evaluated however small the step, or where no error can be estimated.
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
    curve: impl FnMut(f64) -> Option<Vec<f64>>,
) -> Option<Difference> {
    const SHRINK: f64 = 1.6;
    const STEPS: usize = 12;
    let mut curve = curve;
    let mut step = 0.1;
    // The first step has to stay inside the domain.
    let (mut ahead, mut behind) = loop {
        match (curve(step), curve(-step)) {
            (Some(ahead), Some(behind)) if ahead.iter().chain(&behind).all(|y| y.is_finite()) => {
                break (ahead, behind);
            }
            _ if step < 1e-7 => return None,
            _ => step *= 0.25,
        }
    };
    let count = ahead.len();
    let mut best = Difference { derivative: vec![0.0; count], error: vec![f64::INFINITY; count] };
    let mut previous: Vec<Vec<f64>> = Vec::new();
    for _ in 0..STEPS {
        let quotient = ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2.0 * step)).collect();
        let mut row: Vec<Vec<f64>> = vec![quotient];
        let mut factor = SHRINK * SHRINK;
        for (order, coarse) in previous.iter().enumerate() {
            let fine = &row[order];
            let better: Vec<f64> =
                fine.iter().zip(coarse).map(|(f, c)| (f * factor - c) / (factor - 1.0)).collect();
            for i in 0..count {
                // The round-off of the difference bounds what any extrapolation can know.
                let rounding = epsilon * (ahead[i].abs() + behind[i].abs()) / step;
                let error = (better[i] - fine[i]).abs().max((better[i] - coarse[i]).abs());
                let error = error.max(rounding);
                if error < best.error[i] {
                    best.error[i] = error;
                    best.derivative[i] = better[i];
                }
            }
            row.push(better);
            factor *= SHRINK * SHRINK;
        }
        previous = row;
        step /= SHRINK;
        (ahead, behind) = (curve(step)?, curve(-step)?);
    }
    best.error.iter().all(|error| error.is_finite()).then_some(best)
}
