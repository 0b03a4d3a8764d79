use difrules_core::Real;
use difrules_linalg::{Matrix, Vector, elementwise};

fn centred<T: Real>(a: &Matrix<T>, mean: &Vector<T>) -> Matrix<T> {
    elementwise!(|x, m| x - m, a, mean.clone().entries())
}

fn main() {}
