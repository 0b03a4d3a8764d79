#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = other)]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
