#![allow(unused)]
use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, name = "half_square", alias("half_square"), instances(f64))]
fn half_square<T: Real>(x: T) -> T {
    x * x / nalgebra::convert(2.0)
}

fn main() {}
