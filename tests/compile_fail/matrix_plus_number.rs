use difrules_core::Real;
use difrules_linalg::Matrix;

fn shifted<T: Real>(a: &Matrix<T>, x: T) -> Matrix<T> {
    a + x
}

fn main() {}
