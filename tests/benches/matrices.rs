//! Value and gradient of matrix programs that stay in one piece, against the plain program, each ending in
//! the sum of all entries; and second derivatives: `cargo bench --bench matrices`.

use std::hint::black_box;

use difrules_core::{Dual, Real, Whole, hessian, value_and_gradient, vjp};
use difrules_linalg::{add, cholesky, component_mul, dot, matmul, sum};
use difrules_tests::compare;
use nalgebra::{DMatrix, DVector};

type Piece<T> = Whole<DMatrix<T>>;

const FITS: &str = "the shapes fit";

fn additions<T: Real>(a: &Piece<T>) -> T {
    sum::whole(&(0..10).fold(a.clone(), |x, _| add::whole(&x, a).expect(FITS)))
}

fn products_of_entries<T: Real>(a: &Piece<T>) -> T {
    sum::whole(&(0..10).fold(a.clone(), |x, _| component_mul::whole(&x, a).expect(FITS)))
}

fn products<T: Real>(a: &Piece<T>) -> T {
    sum::whole(&(0..10).fold(a.clone(), |x, _| matmul::whole(&x, a).expect(FITS)))
}

fn factor<T: Real>(a: &Piece<T>) -> T {
    sum::whole(&cholesky::whole(a).expect("it is positive definite"))
}

fn square_and_sum<T: Real>(a: &Piece<T>) -> T {
    sum::whole(&add::whole(&matmul::whole(a, a).expect(FITS), a).expect(FITS))
}

/// A symmetric matrix near the identity: no power of it vanishes or overflows.
fn point(n: usize) -> DMatrix<f64> {
    let near = DMatrix::from_fn(n, n, |i, j| ((i * j + i + j) % 11) as f64 / 11.0 - 0.5);
    DMatrix::identity(n, n) + near / (2 * n) as f64
}

fn main() {
    // What each may cost at most for n = 4, 16, 64, 256, 512.
    macro_rules! measure {
        ($($program:ident $most:expr),*) => {$(
            for (n, most) in [4, 16, 64, 256, 512].into_iter().zip::<[f64; 5]>($most) {
                let a = Whole::gather(point(n));
                let mut ours = || {
                    black_box(value_and_gradient(|a| $program(a), black_box(&a)));
                };
                let mut plain = || {
                    black_box($program(black_box(&a)));
                };
                let name = format!("{}, n = {n}", stringify!($program).replace('_', " "));
                compare(&name, Some(most), ("value and gradient", &mut ours), ("plain", &mut plain));
            }
        )*};
    }
    measure!(
        additions [7.5, 3.0, 3.0, 3.5, 2.7],
        products_of_entries [7.4, 3.0, 2.9, 4.5, 2.9],
        products [6.0, 3.4, 3.1, 3.2, 3.2],
        factor [5.5, 3.1, 2.3, 2.8, 2.7],
        square_and_sum [9.5, 3.2, 2.9, 3.4, 3.1]
    );
    second_order();
}

/// Second derivatives of products with constants, and the rules of a product on dual numbers.
fn second_order() {
    let x = DMatrix::from_fn(1000, 20, |i, j| ((7 * i + 13 * j) % 17) as f64 / 17.0);
    let w = Whole::gather(DVector::from_fn(20, |i, _| i as f64 / 20.0));
    let curvature = || {
        hessian(
            |w| {
                let distance = matmul::whole(&x, w).expect(FITS);
                dot::whole(&distance, &distance).expect(FITS)
            },
            black_box(&w),
        )
    };
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
