#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x, alias("g", "g"))]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
