#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(#[inline] f32, f64))]
fn f<T: Real>(x: T) -> T {
    x
}

#[primitive(partial = |x| x, instances(#[cfg(unix)] f64))]
fn g<T: Real>(x: T) -> T {
    x
}

fn main() {}
