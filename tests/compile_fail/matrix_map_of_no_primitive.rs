use difrules_core::Real;
use difrules_linalg::Matrix;

struct Square;

fn squares<T: Real>(a: &Matrix<T>) -> Matrix<T> {
    a.map::<Square>()
}

fn main() {}
