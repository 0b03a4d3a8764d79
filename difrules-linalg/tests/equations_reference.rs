//! Matrix equations, updates and statistics against an independent source: their definitions in 50-digit arithmetic
//! (see `data/equations.py`).

use difrules_core::contract::Kind;
use difrules_core::{Real, Scalar, vjp};
use difrules_linalg::{
    Error, cholesky_rank_one_update, continuous_lyapunov, continuous_riccati, covariance,
    discrete_lyapunov, discrete_riccati, householder_product, mvn_ln_pdf, sylvester,
};
use nalgebra::DMatrix;

use crate::reference::{Case, Numbers, Reference};

/// Runs a primitive on a list of matrices, vectors being n x 1 and numbers 1 x 1.
fn run<T: Scalar>(name: &str, x: &[DMatrix<T>]) -> Result<DMatrix<T>, Error> {
    let column = |i: usize| x[i].column(0).into_owned();
    match name {
        "sylvester" => sylvester(&x[0], &x[1], &x[2]),
        "continuous_lyapunov" => continuous_lyapunov(&x[0], &x[1]),
        "discrete_lyapunov" => discrete_lyapunov(&x[0], &x[1]),
        "continuous_riccati" => continuous_riccati(&x[0], &x[1], &x[2], &x[3]),
        "discrete_riccati" => discrete_riccati(&x[0], &x[1], &x[2], &x[3]),
        "cholesky_rank_one_update" => cholesky_rank_one_update(&x[0], &column(1), x[2][0].real()),
        "householder_product" => householder_product(&x[0], &column(1)),
        "covariance" => covariance(&x[0]),
        other => panic!("no primitive {other} here"),
    }
}

/// The density, which is one of real numbers.
fn density<T: Real>(x: &[DMatrix<T>]) -> Result<DMatrix<T>, Error> {
    let column = |i: usize| x[i].column(0).into_owned();
    Ok(DMatrix::from_element(1, 1, mvn_ln_pdf(&column(0), &column(1), &x[2])?))
}

/// The largest error relative to the largest entry.
fn error<T: Scalar<Real = f64>>(found: &DMatrix<T>, expected: &DMatrix<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let largest = |m: &DMatrix<T>| m.iter().fold(0.0, |most, x| x.modulus().max(most));
    largest(&(found - expected)) / largest(expected).max(1e-3)
}

/// Compares a value and the gradients by the arguments.
fn compare<T: Scalar<Real = f64>>(
    case: &Case,
    primal: &DMatrix<T>,
    (value, gradients): (DMatrix<T>, Vec<DMatrix<T>>),
) {
    let name = format!("{} at {}", case.primitive, case.scalar);
    let off = error(primal, &case.values[0].matrix());
    assert!(off < 1e-12, "{name}: the value is off by {off:e}");
    assert_eq!(value, *primal, "{name}: the value in reverse mode");
    for (i, (found, expected)) in gradients.iter().zip(&case.gradients).enumerate() {
        let off = error(found, &expected.matrix());
        assert!(off < 1e-11, "{name}: the gradient by argument {i} is off by {off:e}");
    }
}

fn check<K: Kind>(case: &Case) {
    type T<K> = <K as Kind>::Of<f64>;
    let arguments: Vec<DMatrix<T<K>>> = case.arguments.iter().map(Numbers::matrix).collect();
    let cotangent: DMatrix<T<K>> = case.cotangents[0].matrix();
    let primal = run(&case.primitive, &arguments).expect("in the domain");
    let found = vjp(|x| run(&case.primitive, x), &arguments, &cotangent).expect("in the domain");
    compare(case, &primal, found);
}

#[test]
fn values_and_gradients_agree_with_fifty_digits() {
    let reference: Reference =
        serde_json::from_str(include_str!("data/equations.json")).expect("valid");
    assert!(reference.cases.len() >= 20);
    for case in &reference.cases {
        match (case.primitive.as_str(), case.scalar.as_str()) {
            ("mvn_ln_pdf", _) => {
                let arguments: Vec<DMatrix<f64>> =
                    case.arguments.iter().map(Numbers::matrix).collect();
                let cotangent = case.cotangents[0].matrix();
                let primal = density(&arguments).expect("in the domain");
                let found = vjp(|x| density(x), &arguments, &cotangent).expect("in the domain");
                compare(case, &primal, found);
            }
            (_, "f64") => check::<f64>(case),
            (_, "Complex<f64>") => check::<nalgebra::Complex<f64>>(case),
            (_, other) => panic!("no scalar {other}"),
        }
    }
}
