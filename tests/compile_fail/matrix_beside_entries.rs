use difrules_core::Real;
use difrules_linalg::{Matrix, MatrixError};
use nalgebra::DMatrix;

fn product<T: Real>(a: &Matrix<T>, x: &DMatrix<T>) -> Result<Matrix<T>, MatrixError> {
    a.component_mul(x)
}

fn main() {}
