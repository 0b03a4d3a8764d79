#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x, instances(f64))]
fn f<T: Copy>(x: T) -> T {
    x
}

fn main() {}
