//! Values and gradients against an independent source: 60-digit arithmetic, in agreement with
//! PyTorch and JAX (see `data/reference.py`).

use difrules_core::{Differentiable, Kind, Scalar, vjp};
use difrules_linalg::{
    Error, add, adjoint, axpy, cholesky, cholesky_solve, component_mul, diagonal, dot, gemm,
    ln_determinant, matmul, neg, nrm2, scale, solve_lower_triangular, solve_upper_triangular, sub,
    sum, symmetric_part, tr_mul, trace, transpose,
};
use nalgebra::{Complex, DMatrix, DVector};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    primitive: String,
    scalar: String,
    arguments: Vec<Numbers>,
    value: Numbers,
    cotangent: Numbers,
    gradients: Vec<Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    rows: usize,
    cols: usize,
    re: Vec<f64>,
    im: Option<Vec<f64>>,
}

impl Numbers {
    fn matrix<T: Scalar<Real = f64>>(&self) -> DMatrix<T> {
        let entry = |k: usize| {
            let mut parts = [self.re[k], self.im.as_ref().map_or(0.0, |im| im[k])].into_iter();
            T::build(&(), &mut || parts.next().expect("two parts at most"))
        };
        DMatrix::from_fn(self.rows, self.cols, |i, j| entry(i + j * self.rows))
    }
}

/// Runs a primitive on a list of matrices, numbers being 1 x 1; a real result becomes a matrix of
/// the scalar's own type.
fn run<T: Scalar>(name: &str, x: &[DMatrix<T>]) -> Result<DMatrix<T>, Error> {
    let number = |x: T| DMatrix::from_element(1, 1, x);
    let vector = |x: DVector<T>| DMatrix::from_column_slice(x.len(), 1, x.as_slice());
    Ok(match name {
        "add" => add(&x[0], &x[1])?,
        "sub" => sub(&x[0], &x[1])?,
        "neg" => neg(&x[0]),
        "scale" => scale(x[0][0], &x[1]),
        "component_mul" => component_mul(&x[0], &x[1])?,
        "matmul" => matmul(&x[0], &x[1])?,
        "tr_mul" => tr_mul(&x[0], &x[1])?,
        "transpose" => transpose(&x[0]),
        "adjoint" => adjoint(&x[0]),
        "sum" => number(sum(&x[0])),
        "trace" => number(trace(&x[0])?),
        "diagonal" => vector(diagonal(&x[0])),
        "dot" => number(dot(&x[0], &x[1])?),
        "nrm2" => number(T::from_real(nrm2(&x[0]))),
        "cholesky" => cholesky(&x[0])?,
        "solve_lower_triangular" => solve_lower_triangular(&x[0], &x[1])?,
        "solve_upper_triangular" => solve_upper_triangular(&x[0], &x[1])?,
        "cholesky_solve" => cholesky_solve(&x[0], &x[1])?,
        "ln_determinant" => number(T::from_real(ln_determinant(&x[0])?)),
        "symmetric_part" => symmetric_part(&x[0])?,
        "axpy" => {
            let mut y = x[2].clone();
            axpy(x[0][0], &x[1], &mut y)?;
            y
        }
        "gemm" => {
            let mut c = x[4].clone();
            gemm(x[0][0], &x[1], &x[2], x[3][0], &mut c)?;
            c
        }
        other => panic!("no primitive {other} here"),
    })
}

/// The largest error relative to the largest entry.
fn error<T: Scalar<Real = f64>>(found: &DMatrix<T>, expected: &DMatrix<T>) -> f64 {
    assert_eq!(found.shape(), expected.shape());
    let largest = |m: &DMatrix<T>| m.iter().fold(0.0, |most, x| x.modulus().max(most));
    largest(&(found - expected)) / largest(expected).max(1e-3)
}

fn check<K: Kind>(case: &Case) {
    type T<K> = <K as Kind>::Of<f64>;
    let arguments: Vec<DMatrix<T<K>>> = case.arguments.iter().map(Numbers::matrix).collect();
    let cotangent = case.cotangent.matrix::<T<K>>();
    let primal = run(&case.primitive, &arguments).expect("in the domain");
    // The condition number of the 8 x 8 cases is 1e8; the rest is well conditioned.
    let tolerance = if case.arguments[0].rows == 8 { 1e-8 } else { 1e-12 };
    let name = format!("{} at {}", case.primitive, case.scalar);
    let off = error(&primal, &case.value.matrix());
    assert!(off < tolerance, "{name}: the value is off by {off:e}");
    let (value, gradients) =
        vjp(|x| run(&case.primitive, x), &arguments, &cotangent).expect("in the domain");
    assert_eq!(value, primal, "{name}: the value in reverse mode");
    for (i, (found, expected)) in gradients.iter().zip(&case.gradients).enumerate() {
        let off = error(found, &expected.matrix());
        assert!(off < tolerance, "{name}: the gradient by argument {i} is off by {off:e}");
    }
}

#[test]
fn values_and_gradients_agree_with_sixty_digits() {
    let reference: Reference =
        serde_json::from_str(include_str!("data/reference.json")).expect("valid");
    assert!(reference.cases.len() >= 100);
    for case in &reference.cases {
        match case.scalar.as_str() {
            "f64" => check::<f64>(case),
            "Complex<f64>" => check::<Complex<f64>>(case),
            other => panic!("no scalar {other}"),
        }
    }
}
