#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = |_, _, x_dot| x_dot, optional(x), instances(f64))]
fn same<T: Real>(x: T) -> T {
    x
}

fn main() {}
