//! Whether a solver converged.

use difrules_core::{Differentiable, Dual};
use nalgebra::DVector;

use super::equation::{Equation, count, still};

/// Numbers between -1 and 1 that are the same in every run, and not small.
pub(super) fn random(index: usize, direction: usize) -> f64 {
    let mut bits = (index as u64).wrapping_mul(4).wrapping_add(direction as u64 + 1);
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
    bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let size = 0.5 + (bits >> 12) as f64 * 0.5_f64.powi(53);
    if bits & 1 == 0 { size } else { -size }
}

/// The numbers of a value, each with tangents of its own size, in four directions.
fn by_themselves<X: Differentiable<Real = f64>>(x: &X) -> difrules_core::With<X, Dual<f64, 4>> {
    let mut index = 0;
    x.map_reals::<Dual<f64, 4>>(&mut |x| {
        index += 1;
        Dual::new(x, std::array::from_fn(|direction| x * random(index, direction)))
    })
}

/// An equation that is not solved: which, what is left of it, and what a change of the unknowns makes of it.
pub(super) struct Unconverged {
    pub(super) equation: usize,
    pub(super) residual: f64,
    pub(super) scale: f64,
}

/// Judges what is left of the equations where a solver stopped.
///
/// A residual has no size of its own: equations may be multiplied by anything, and unknowns have units. What it is
/// measured by is how much it changes where each unknown changes by itself, |J| |x|, in four random directions at
/// once: the ratio is the backward error of Oettli and Prager 1964, "Compatibility of approximate solution of linear
/// equations with given error bounds for coefficients and right-hand sides", by which the unknowns would have to
/// change.
///
/// Near a solution of zero nothing is small by that. There a step of Newton's method decides: it has to be short
/// beside the largest unknown, or one, and to solve the equation to the tolerance, but for what rounds in it. What it
/// leaves, relatively, is half the relative change of the Jacobian along it, so the derivatives are right to that.
pub(super) fn unconverged<E: Equation>(
    equation: &E,
    (x, p): (&E::Unknown, &E::Parameters),
    residual: &DVector<f64>,
    tolerance: f64,
    step: impl FnOnce(&DVector<f64>) -> Option<DVector<f64>>,
) -> Result<Option<Unconverged>, E::Error> {
    if let Some(equation) = residual.iter().position(|r| !r.is_finite()) {
        let residual = residual[equation];
        return Ok(Some(Unconverged { equation, residual, scale: 0.0 }));
    }
    if residual.iter().all(|&r| r == 0.0) {
        return Ok(None);
    }
    let sizes = |moved: DVector<Dual<f64, 4>>| -> Vec<f64> {
        let size = |r: &Dual<f64, 4>| r.tangents.iter().fold(0.0, |size: f64, t| size.max(t.abs()));
        moved.iter().map(size).collect()
    };
    let scales = sizes(equation.residual::<Dual<f64, 4>>(&by_themselves(x), &still::<_, 4>(p))?);
    // Written so that NaN is too large.
    let is_solved = |i: usize, left: f64| left == 0.0 || left <= tolerance * scales[i];
    let open: Vec<_> = (0..residual.len()).filter(|&i| !is_solved(i, residual[i].abs())).collect();
    let ratio = |&i: &usize| residual[i].abs() / scales[i].max(f64::MIN_POSITIVE);
    let Some(worst) = open.iter().copied().max_by(|i, j| ratio(i).total_cmp(&ratio(j))) else {
        return Ok(None);
    };
    let found = Unconverged { equation: worst, residual: residual[worst], scale: scales[worst] };
    let Some(step) = step(residual) else { return Ok(Some(found)) };
    let unknowns = x.to_reals();
    let largest = unknowns.iter().fold(1.0, |largest: f64, x| largest.max(x.abs()));
    // Written so that NaN is too long.
    if !step.iter().all(|step| step.abs() <= 1e-3 * tolerance * largest) {
        return Ok(Some(found));
    }
    debug_assert_eq!(step.len(), count(x));
    let next: Vec<_> = unknowns.iter().zip(&step).map(|(x, step)| x - step).collect();
    let next = E::Unknown::from_reals(&x.shape(), &next);
    let left = equation.residual::<f64>(&next, p)?;
    let terms = sizes(equation.residual::<Dual<f64, 4>>(&still::<_, 4>(x), &by_themselves(p))?);
    let rounding = |i: usize| 1e-13 * (terms[i] + scales[i]);
    let solved = open.iter().all(|&i| left[i].abs() <= tolerance * residual[i].abs() + rounding(i));
    Ok((!solved).then_some(found))
}
