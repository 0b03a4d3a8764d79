#![allow(unused)]

use difrules_core::primitive;

#[primitive(forward = |x, x_dot| ())]
fn f(x: f64) {}

fn main() {}
