#![allow(unused)]

use difrules_core::{Real, primitive};

#[primitive(partial = |x| x, instances(f64), kernel(i32 = k))]
fn f<T: Real>(x: T) -> T {
    x
}

fn k(x: i32) -> i32 {
    x
}

fn main() {}
