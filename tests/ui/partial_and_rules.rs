#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x, forward = |x, y, x_dot| x_dot)]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
