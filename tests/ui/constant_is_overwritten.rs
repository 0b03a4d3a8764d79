#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = rule, constant(y))]
fn f(x: f64, y: &mut f64) {
    *y = x;
}

fn main() {}
