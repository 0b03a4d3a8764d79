#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64))]
fn f<T: Real>(x: T, g: &impl Fn(T) -> T) -> T {
    x
}

fn main() {}
