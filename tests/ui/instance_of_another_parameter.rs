#![allow(unused)]
use difrules_core::{Real, primitive};

#[primitive(forward = |_, _, _, x_dot| x_dot, constant(flag), instances(f64))]
fn flagged<T: Real, F: Clone + 'static>(x: T, flag: F) -> T {
    x
}

fn main() {}
