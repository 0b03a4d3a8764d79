#![allow(unused)]
use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64))]
fn same<T: Real>(x: impl Into<T>) -> T {
    x.into()
}

fn main() {}
