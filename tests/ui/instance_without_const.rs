#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = rule, instances(f64))]
fn f<T: Real, const N: usize>(x: &nalgebra::SVector<T, N>) -> T {
    x.sum()
}

fn main() {}
