use difrules_core::Real;
use difrules_linalg::Vector;

fn product<T: Real>(x: &Vector<T>, y: &Vector<T>) -> Vector<T> {
    x * y
}

fn main() {}
