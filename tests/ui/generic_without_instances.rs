#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x)]
fn f<T: Real>(x: T) -> T {
    x
}

fn main() {}
