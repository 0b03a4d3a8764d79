#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = |x, y, x_dot| x_dot, kernel(reverse(f64 = other)), instances(f64))]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
