#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = |x, y, x_dot| x_dot, reads(x))]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
