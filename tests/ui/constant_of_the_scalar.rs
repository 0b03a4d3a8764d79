#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x, n| x, constant(n), instances(f64))]
fn f<T: Real>(x: T, n: &[T]) -> T {
    x
}

fn main() {}
