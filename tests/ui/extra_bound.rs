#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64))]
fn f<T: Real + Default>(x: T) -> T {
    x
}

fn main() {}
