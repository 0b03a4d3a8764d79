//! Value and gradient of matrix programs that stay in one piece, against the plain program:
//! `cargo bench --bench matrices`. Each ends in the sum of all entries.

use std::hint::black_box;

use difrules_core::{Real, Whole, value_and_gradient};
use difrules_linalg::{add, cholesky, component_mul, matmul, sum};
use difrules_tests::compare;
use nalgebra::DMatrix;

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
                let a = Whole::constant(point(n));
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
}
