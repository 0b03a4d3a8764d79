use difrules_core::Real;
use difrules_linalg::Matrix;

fn squares<T: Real>(a: &Matrix<T>) -> Matrix<T> {
    a.map(|x| x * x)
}

fn main() {}
