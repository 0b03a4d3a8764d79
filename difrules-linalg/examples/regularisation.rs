//! How strong a regression is to be regularised: the loss on points that it was not fitted to, as a function of the
//! strength, with the fit inside, is minimised by Newton's method.
//!
//! ```text
//! cargo run --release --example regularisation
//! ```

use difrules_core::{Dual, Function, Real, Var, value_gradient_and_hessian};
use difrules_linalg::{ImplicitError, Matrix, MatrixError, Vector, elementwise, minimum};
use nalgebra::{DMatrix, DVector};

/// Points, a row each, times the sign of their class.
type Signed = DMatrix<f64>;

/// The mean of the log of one plus exp(-margin).
fn loss<T: Real>(w: &Vector<T>, points: &Signed) -> T {
    elementwise!(|margin| log1pexp(-margin), &(points * w)).mean()
}

/// What the fit minimises, by the weights and the logarithm of the strength.
struct Energy<'a>(&'a Signed);

impl Function for Energy<'_> {
    type Point = (Vector<f64>, f64);
    type Value = f64;

    fn call<T: Real>(&self, (w, ln_strength): &(Vector<T>, T)) -> T {
        loss(w, self.0) + ln_strength.exp() * w.norm_squared()
    }
}

/// The best weights, by Newton's method at plain numbers.
fn fit(points: &Signed, ln_strength: f64) -> Result<Vector<f64>, MatrixError> {
    let constant = Var::constant(Dual::constant(ln_strength));
    let mut w = Vector::from(DVector::<f64>::zeros(points.ncols()));
    for _ in 0..50 {
        let energy = |w: &Vector<_>| Energy(points).call(&(w.clone(), constant));
        let (_, slope, curvature) = value_gradient_and_hessian(energy, &w);
        let step = Matrix::from(curvature).solve(&slope)?;
        w -= &step;
        if step.norm() < 1e-14 {
            break;
        }
    }
    Ok(w)
}

/// The loss at the other points of what is fitted, in any mode.
fn validation<T: Real>(
    ln_strength: T,
    (fitted, others): (&Signed, &Signed),
) -> Result<T, ImplicitError<MatrixError>> {
    let w = minimum(Energy(fitted), |ln_strength| fit(fitted, *ln_strength), &ln_strength)?;
    Ok(loss(&w, others))
}

fn main() -> Result<(), ImplicitError<MatrixError>> {
    // Two clouds that overlap, in twelve dimensions, of which three tell them apart.
    let points = |first: usize, count: usize| {
        DMatrix::from_fn(count, 12, |i, j| {
            let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
            let noise = (((first + i) * 37 + j * 101) as f64).sin() * 43758.5453;
            sign * ((noise - noise.floor() - 0.5) * 4.0 + sign * if j < 3 { 0.5 } else { 0.0 })
        })
    };
    let (fitted, others) = (points(0, 40), points(1000, 200));
    let data = (&fitted, &others);
    let all = |t: f64| value_gradient_and_hessian(|t| validation(*t, data), &t);

    // The slope and the curvature against differences of values that are fitted again.
    let (_, slope, curvature) = all(-3.0)?;
    let curvature = curvature[0];
    let [below, here, above] = [-3.001, -3.0, -2.999].map(|t| validation(t, data));
    let (below, here, above) = (below?, here?, above?);
    let differences = ((above - below) / 2e-3, (above - 2.0 * here + below) / 1e-6);
    println!("at exp(-3): slope {slope:.8}, curvature {curvature:.8}");
    assert!((slope - differences.0).abs() < 1e-6 * slope.abs(), "{differences:?}");
    assert!((curvature - differences.1).abs() < 1e-5 * curvature.abs(), "{differences:?}");

    // Newton's method, with its steps bounded and downhill.
    let mut t = -3.0;
    for step in 0..20 {
        let (value, slope, curvature) = all(t)?;
        println!("{step:>3}  strength {:.6}  loss {value:.8}  slope {slope:+.1e}", t.exp());
        if slope.abs() < 1e-12 {
            break;
        }
        t -= (slope / curvature[0].abs()).clamp(-1.0, 1.0);
    }
    let (best, slope, curvature) = all(t)?;
    assert!(slope.abs() < 1e-10 && curvature[0] > 0.0);
    assert!(best < validation(t - 0.5, data)? && best < validation(t + 0.5, data)?);
    Ok(())
}
