#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = rule, instances(f64))]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
