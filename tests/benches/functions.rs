//! Functions of matrices and their derivatives: value and gradient of the exponential against a plain one, second
//! derivatives against gradients, `cargo bench --bench functions`. `peers/functions.py` takes the times of the first in
//! PyTorch and in JAX.

use std::hint::black_box;

use difrules_core::{Real, gradient, hvp, value_and_gradient};
use difrules_linalg::{Matrix, MatrixError, exp};
use difrules_tests::{compare, times};
use nalgebra::DMatrix;

/// A matrix of a one-norm, of no structure; with eigenvalues next to `middle`.
fn matrix(n: usize, norm: f64, middle: f64) -> DMatrix<f64> {
    let a = DMatrix::from_fn(n, n, |i, j| ((1 + i * 37 + j * 11 + i * j * 5) as f64).sin());
    let size = a.column_iter().map(|c| c.iter().map(|x| x.abs()).sum()).fold(0.0, f64::max);
    a * (norm / size) + DMatrix::identity(n, n) * middle
}

fn function<T: Real>(name: &str, a: &Matrix<T>) -> Result<T, MatrixError> {
    let number = |x: f64| -> T { nalgebra::convert(x) };
    let y = match name {
        "exp" => a.exp()?,
        "ln" => a.ln()?,
        "sqrt" => a.sqrt()?,
        "sin" => a.sin()?,
        "cos" => a.cos()?,
        "sinh" => a.sinh()?,
        "cosh" => a.cosh()?,
        "sign" => a.sign()?,
        "pow" => a.pow(-5)?,
        "powf" => a.powf(number(1.3))?,
        _ => a.exp_action(number(1.0), &DMatrix::<f64>::identity(a.nrows(), 4))?,
    };
    Ok(y.sum())
}

fn main() {
    for n in [4, 16, 64, 256] {
        let a = matrix(n, 2.0, 0.0);
        let whole = Matrix::from(a.clone());
        let repeats = (1 << 20) / (n * n * n).max(64);
        let name = format!("value and gradient of exp, n = {n}, {} times", repeats.max(1));
        let again = |f: &dyn Fn()| (0..repeats.max(1)).for_each(|_| f());
        let ours = || {
            black_box(
                value_and_gradient(|a| function("exp", a), black_box(&whole)).expect("finite"),
            );
        };
        let plain = || {
            black_box(exp(black_box(&a)).expect("finite"));
        };
        compare(
            &name,
            Some(3.5),
            ("ours", &mut || again(&ours)),
            ("a plain one", &mut || again(&plain)),
        );
    }
    let whole = Matrix::from(matrix(64, 2.0, 4.0));
    let direction = Matrix::from(matrix(64, 1.0, 0.3));
    for name in
        ["exp", "ln", "sqrt", "sin", "cos", "sinh", "cosh", "sign", "pow", "powf", "exp_action"]
    {
        let plain = &mut || {
            black_box(function(name, black_box(&whole)).expect("in the domain"));
        };
        let first = &mut || {
            black_box(gradient(|a| function(name, a), black_box(&whole)).expect("in the domain"));
        };
        let second = &mut || {
            let product = hvp(|a| function(name, a), black_box(&whole), &direction);
            black_box(product.expect("in the domain"));
        };
        let [plain, first, second] = times(&mut [plain, first, second])[..] else { unreachable!() };
        println!(
            "{name}, n = 64: {plain:.3} ms, its gradient {first:.3} ms, a product with the Hessian \
             {second:.3} ms, {:.1} gradients (wanted: at most 8)",
            second / first
        );
    }
}
