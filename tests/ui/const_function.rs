#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x)]
const fn f(x: f64) -> f64 {
    x
}

fn main() {}
