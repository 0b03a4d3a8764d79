#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = |x, x_dot| x_dot)]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
