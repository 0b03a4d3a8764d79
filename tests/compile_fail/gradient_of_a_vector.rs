use difrules_core::gradient;
use nalgebra::vector;

fn main() {
    gradient(|x| x * x[0], &vector![1.0_f64, 2.0]);
}
