#![allow(unused)]
use difrules_core::primitive;

#[primitive(forward = |_, _, _, x_dot| x_dot, constant(f))]
fn called(x: f64, f: impl Fn(f64) -> f64 + Clone + 'static) -> f64 {
    f(x)
}

fn main() {}
