#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |a| a.trace())]
fn f(a: &nalgebra::DMatrix<f64>) -> f64 {
    a.trace()
}

fn main() {}
