#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = rule, instances(f64))]
fn f<T: Real>(x: T) -> T {
    x
}

fn rule<T: Real>(x: T, y: T) -> T {
    x
}

fn main() {}
