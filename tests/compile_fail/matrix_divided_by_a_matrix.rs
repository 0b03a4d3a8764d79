use difrules_core::Real;
use difrules_linalg::Matrix;

fn quotient<T: Real>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    a / b
}

fn main() {}
