use difrules_core::Real;
use difrules_linalg::{Matrix, elementwise};

fn product<T: Real>(a: &Matrix<T>) -> Matrix<T> {
    elementwise!(|x, y| x * y, a)
}

fn main() {}
