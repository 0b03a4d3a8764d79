use difrules_core::Real;
use difrules_linalg::Matrix;

fn first<T: Real>(a: &Matrix<T>) -> T {
    a[(0, 0)]
}

fn main() {}
