#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64), kernel(f64 = a, f64 = b))]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
