use difrules_core::Real;
use difrules_linalg::{Matrix, elementwise};

fn bells<T: Real>(a: &Matrix<T>) -> Matrix<T> {
    elementwise!(|x| bell(x), a)
}

fn main() {}
