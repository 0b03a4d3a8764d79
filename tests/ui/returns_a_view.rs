#![allow(unused)]
use difrules_core::{Real, primitive};
use nalgebra::{DMatrix, DVectorView};

#[primitive(forward = |_, _, a_dot| a_dot.column(0), instances(f64))]
fn first<'a, T: Real>(a: &'a DMatrix<T>) -> DVectorView<'a, T> {
    a.column(0)
}

fn main() {}
