#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x, instances(f64))]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
