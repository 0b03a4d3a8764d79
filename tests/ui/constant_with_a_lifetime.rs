#![allow(unused)]
use std::borrow::Cow;

use difrules_core::{Real, primitive};

#[primitive(forward = |_, _, _, x_dot| x_dot, constant(name), instances(f64))]
fn named<T: Real>(x: T, name: Cow<'_, str>) -> T {
    x
}

fn main() {}
