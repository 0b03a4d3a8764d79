use difrules_core::{Real, gradient, primitive};
use nalgebra::{DVector, dvector};

#[primitive(forward = |_, _, a_dot| a_dot.sum(), instances(f64))]
fn total<T: Real>(a: &DVector<T>) -> T {
    a.sum()
}

fn main() {
    gradient(|x: &DVector<_>| total::whole(x), &dvector![1.0_f64, 2.0]);
}
