#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = rule)]
fn f(x: &nalgebra::DMatrix<f64>) -> &f64 {
    &x[0]
}

fn main() {}
