#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64))]
fn f<T: Real, U: Real>(x: T, y: U) -> T {
    x
}

fn main() {}
