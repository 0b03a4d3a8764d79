#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(forward = rule, instances(f64))]
fn f<T: Real>(x: nalgebra::DVectorView<'_, T>) -> T {
    x.sum()
}

fn main() {}
