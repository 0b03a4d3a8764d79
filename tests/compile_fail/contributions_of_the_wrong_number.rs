#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(reverse = |x, y, z, z_bar| z_bar * y, instances(f64))]
fn f<T: Real>(x: T, y: T) -> T {
    x * y
}

fn main() {}
