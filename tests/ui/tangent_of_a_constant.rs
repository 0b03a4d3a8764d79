#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = |x, n, y, x_dot, n_dot| x_dot, constant(n))]
fn f(x: f64, n: i32) -> f64 {
    x.powi(n)
}

fn main() {}
