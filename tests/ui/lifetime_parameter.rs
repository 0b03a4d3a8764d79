#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x)]
fn f<'a>(x: &'a nalgebra::DMatrix<f64>) -> f64 {
    x.trace()
}

fn main() {}
