//! Value and gradient of matrix programs that stay in one piece, against the plain program, each ending in
//! the sum of all entries; beside PyTorch, if Python has it; and second derivatives:
//! `cargo bench --bench matrices`.

use std::hint::black_box;

use difrules_core::math::tanh;
use difrules_core::{Dual, Real, hessian, value_and_gradient, vjp};
use difrules_linalg::{Matrix, Vector, matmul};
use difrules_tests::{compare, peers, times};
use nalgebra::{DMatrix, DVector};

const FITS: &str = "the shapes fit";

fn additions<T: Real>(a: &Matrix<T>) -> T {
    (0..10).fold(a.clone(), |x, _| x + a).sum()
}

fn products_of_entries<T: Real>(a: &Matrix<T>) -> T {
    (0..10).fold(a.clone(), |x, _| x.component_mul(a).expect(FITS)).sum()
}

fn products<T: Real>(a: &Matrix<T>) -> T {
    (0..10).fold(a.clone(), |x, _| x * a).sum()
}

fn tanh_of_entries<T: Real>(a: &Matrix<T>) -> T {
    a.map::<tanh>().sum()
}

fn factor<T: Real>(a: &Matrix<T>) -> T {
    a.cholesky().expect("it is positive definite").sum()
}

fn square_and_sum<T: Real>(a: &Matrix<T>) -> T {
    (a * a + a).sum()
}

/// A symmetric matrix near the identity: no power of it vanishes or overflows.
fn point(n: usize) -> DMatrix<f64> {
    let near = DMatrix::from_fn(n, n, |i, j| ((i * j + i + j) % 11) as f64 / 11.0 - 0.5);
    DMatrix::identity(n, n) + near / (2 * n) as f64
}

fn main() {
    let peers = peers("matrices.py");
    if peers.is_empty() {
        println!("Python has no torch; it is left out");
    }
    // What each may cost at most for n = 4, 16, 64, 256, 512.
    macro_rules! measure {
        ($($program:ident $most:expr),*) => {$(
            for (n, most) in [4, 16, 64, 256, 512].into_iter().zip::<[f64; 5]>($most) {
                let a = Matrix::from(point(n));
                let mut ours = || {
                    black_box(value_and_gradient(|a| $program(a), black_box(&a)));
                };
                let mut plain = || {
                    black_box($program(black_box(&a)));
                };
                let name = format!("{}, n = {n}", stringify!($program).replace('_', " "));
                compare(&name, Some(most), ("value and gradient", &mut ours), ("plain", &mut plain));
                if let Some([theirs]) = peers.get(&(stringify!($program).to_string(), n)).map(Vec::as_slice) {
                    let ours = times(&mut [&mut ours])[0];
                    println!("    {ours:.4} ms, PyTorch {theirs:.4} ms");
                }
            }
        )*};
    }
    measure!(
        additions [7.5, 3.0, 3.0, 3.5, 2.7],
        products_of_entries [7.4, 3.0, 2.9, 4.5, 2.9],
        products [6.0, 3.4, 3.1, 3.2, 3.2],
        tanh_of_entries [4.0, 1.5, 1.4, 1.6, 1.9],
        factor [5.5, 3.1, 2.3, 2.8, 2.7],
        square_and_sum [9.5, 3.2, 2.9, 3.4, 3.1]
    );
    second_order();
}

/// Second derivatives of products with constants, and the rules of a product on dual numbers.
fn second_order() {
    let x = DMatrix::from_fn(1000, 20, |i, j| ((7 * i + 13 * j) % 17) as f64 / 17.0);
    let w = Vector::from(DVector::from_fn(20, |i, _| i as f64 / 20.0));
    let curvature = || hessian(|w| (&x * w).norm_squared(), black_box(&w));
    let by_hand = || black_box(&x).tr_mul(black_box(&x)) * 2.0;
    assert!((curvature() - by_hand()).norm() < 1e-9 * by_hand().norm());
    let mut ours = || {
        black_box(curvature());
    };
    let mut by_hand = || {
        black_box(x.transpose() * black_box(&x) * 2.0);
    };
    let name = "Hessian of the square of 1000 x 20 times 20";
    compare(name, Some(4.0), ("ours", &mut ours), ("the product", &mut by_hand));

    for n in [16, 64, 128] {
        let plain = (point(n), point(n));
        let dual = |a: &DMatrix<f64>| a.map(|x| Dual::<f64, 4>::new(x, [x, 1.0, 2.0, -x]));
        let duals = (dual(&plain.0), dual(&plain.1));
        let weights = DMatrix::from_element(n, n, 1.0);
        let constants = weights.map(Dual::constant);
        let mut ours = || {
            black_box(vjp(|(a, b)| matmul(a, b), black_box(&duals), &constants)).expect(FITS);
        };
        let mut first_order = || {
            black_box(vjp(|(a, b)| matmul(a, b), black_box(&plain), &weights)).expect(FITS);
        };
        let name = format!("vjp of matmul, n = {n}");
        compare(&name, Some(8.0), ("on dual numbers", &mut ours), ("plain", &mut first_order));
    }
}
