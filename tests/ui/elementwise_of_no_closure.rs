use difrules_core::Real;
use difrules_linalg::{Matrix, elementwise};

fn squares<T: Real>(a: &Matrix<T>) -> Matrix<T> {
    elementwise!(a * a)
}

fn main() {}
