#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, kernel(sideways(f64 = other)), instances(f64))]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
