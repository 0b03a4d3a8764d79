use difrules_core::Real;
use difrules_linalg::{Matrix, elementwise};

fn scaled<T: Real>(a: &Matrix<T>, scale: T) -> Matrix<T> {
    elementwise!(|x| x * scale, a)
}

fn main() {}
