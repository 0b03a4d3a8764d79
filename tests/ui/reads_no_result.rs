#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = rule, reads(return))]
fn f(x: &mut nalgebra::DMatrix<f64>) {
    x.fill(1.0);
}

fn main() {}
