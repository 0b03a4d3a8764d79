#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x)]
fn f((x, y): (f64, f64)) -> f64 {
    x
}

fn main() {}
