#![allow(unused)]

use difrules_core::{Real, primitive};
use nalgebra::DVector;

#[primitive(forward = |_, _, a_dot| a_dot.unwrap().sum(), optional(b), instances(f64))]
fn total<T: Real>(a: &DVector<T>) -> T {
    a.sum()
}

fn main() {}
