#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| 2.0 * x)]
fn f(x: f64) -> f64 {
    x * x
}

fn second(x: difrules_core::Dual<difrules_core::Dual<f64>>) {
    f::on(x);
}

fn main() {}
