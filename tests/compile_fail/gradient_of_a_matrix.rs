use difrules_core::gradient;
use difrules_linalg::Vector;
use nalgebra::dvector;

fn main() {
    gradient(|w| w * 2.0, &Vector::from(dvector![1.0_f64, 2.0]));
}
