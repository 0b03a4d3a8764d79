#![allow(unused)]
use difrules_core::{Real, primitive};

#[primitive(forward = |_, _, _, x_dot| x_dot, constant(f), instances(<f64, fn()>))]
fn called<T: Real>(x: T, f: impl Fn()) -> T {
    f();
    x
}

fn main() {}
