#![allow(unused)]
use difrules_core::{Real, primitive};
use nalgebra::DMatrixView;

#[primitive(forward = |_, _, a_dot| a_dot.sum(), instances(f64))]
fn total<T: Real>(a: &DMatrixView<'_, T>) -> T {
    a.sum()
}

fn main() {}
