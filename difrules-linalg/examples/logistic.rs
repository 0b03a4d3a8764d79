//! Bayesian logistic regression: the most probable weights by Newton's method, the evidence by Laplace's
//! approximation, and its slope by the prior's precision, which takes third derivatives of the energy.
//!
//! ```text
//! cargo run --release --example logistic
//! ```

use difrules_core::{Dual, Real, Var, gradient, hessian, jvp};
use difrules_linalg::{Matrix, MatrixError, Vector, elementwise};
use nalgebra::{DMatrix, DVector};

/// Points, a row each, times the sign of their class.
type Signed = DMatrix<f64>;

/// Minus the log of the prior times the likelihood, without a constant.
fn energy<T: Real>(w: &Vector<T>, precision: T, x: &Signed) -> T {
    let likelihood = elementwise!(|margin| log1pexp(-margin), &(x * w)).sum();
    let prior = elementwise!(|w, p| 0.5 * (p * w ^ 2 - ln(p)), w, precision).sum();
    likelihood + prior
}

/// The slope and the curvature of the energy. The precision is a constant of these derivatives, but not of
/// those that are taken of the whole.
fn slope_and_curvature<T: Real>(w: &Vector<T>, precision: T, x: &Signed) -> (Vector<T>, Matrix<T>) {
    let slope = gradient(|w| energy(w, Var::constant(precision), x), w);
    let inner = Var::constant(Dual::constant(precision));
    (slope, Matrix::from(hessian(|w| energy(w, inner, x), w)))
}

/// The weights of the least energy.
fn mode(ln_precision: f64, x: &Signed) -> Result<Vector<f64>, MatrixError> {
    let mut w = Vector::from(DVector::zeros(x.ncols()));
    for _ in 0..50 {
        let (slope, curvature) = slope_and_curvature(&w, ln_precision.exp(), x);
        w -= curvature.solve(&slope)?;
        if slope.norm() < 1e-12 {
            break;
        }
    }
    Ok(w)
}

/// The log of Laplace's evidence, without a constant, of the mode at this precision.
fn ln_evidence<T: Real>(
    ln_precision: T,
    mode: &DVector<f64>,
    x: &Signed,
) -> Result<T, MatrixError> {
    let precision = ln_precision.exp();
    // At the mode Newton's step is zero, but its derivative is that of the mode.
    let start = Vector::constant(mode);
    let (slope, curvature) = slope_and_curvature(&start, precision, x);
    let w = start - curvature.solve(&slope)?;
    let (_, curvature) = slope_and_curvature(&w, precision, x);
    let half_ln_determinant = elementwise!(|l| ln(l), &curvature.cholesky()?.diagonal()).sum();
    Ok(-energy(&w, precision, x) - half_ln_determinant)
}

/// The evidence and its slope.
fn evidence_and_slope(ln_precision: f64, x: &Signed) -> Result<(f64, f64), MatrixError> {
    let mode = mode(ln_precision, x)?;
    jvp(|t| ln_evidence(*t, &mode, x), &ln_precision, &1.0)
}

fn main() -> Result<(), MatrixError> {
    // Two clouds of points that overlap, with a column of ones.
    let x = DMatrix::from_fn(60, 4, |i, j| {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        let noise = (((i * 37 + j * 101) as f64).sin() * 43758.5453).fract() * 2.0;
        sign * if j == 0 { 1.0 } else { noise + sign * 0.6 / j as f64 }
    });

    let (_, slope) = evidence_and_slope(0.0, &x)?;
    let difference = (evidence_and_slope(1e-4, &x)?.0 - evidence_and_slope(-1e-4, &x)?.0) / 2e-4;
    assert!((difference - slope).abs() < 1e-6 * slope.abs(), "{difference} {slope}");

    // The evidence rises up to its best precision, and falls after it.
    let (mut low, mut high) = (-6.0, 6.0);
    while high - low > 1e-6 {
        let middle = 0.5 * (low + high);
        match evidence_and_slope(middle, &x)? {
            (_, slope) if slope > 0.0 => low = middle,
            _ => high = middle,
        }
    }
    let (evidence, slope) = evidence_and_slope(low, &x)?;
    println!("precision of the prior {:.4}, log evidence {evidence:.6}", low.exp());
    println!("weights {:.4}", mode(low, &x)?.transpose());
    assert!(slope.abs() < 1e-5 && -6.0 < low && high < 6.0);
    assert!(evidence > evidence_and_slope(low - 0.5, &x)?.0);
    assert!(evidence > evidence_and_slope(low + 0.5, &x)?.0);
    Ok(())
}
