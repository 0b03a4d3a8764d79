use difrules_core::Real;
use difrules_linalg::Vector;
use nalgebra::DVector;

fn sum<T: Real>(x: &Vector<T>, entries: &DVector<T>) -> Vector<T> {
    x + entries
}

fn main() {}
