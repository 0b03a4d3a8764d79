#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x, partial = |x| x)]
fn f(x: f64) -> f64 {
    x
}

fn main() {}
