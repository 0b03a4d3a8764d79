#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64, nalgebra::Complex<f64>))]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
