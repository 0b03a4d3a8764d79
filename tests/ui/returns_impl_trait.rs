#![allow(unused)]
use difrules_core::{Real, primitive};

#[primitive(forward = |_, _, x_dot| x_dot, instances(f64))]
fn opaque<T: Real>(x: T) -> impl Into<T> {
    x
}

fn main() {}
