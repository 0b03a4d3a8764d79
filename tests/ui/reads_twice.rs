#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = rule, reads(x, x))]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
