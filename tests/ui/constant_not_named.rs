#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x, n| x)]
fn f(x: f64, n: i32) -> f64 {
    x.powi(n)
}

fn main() {}
