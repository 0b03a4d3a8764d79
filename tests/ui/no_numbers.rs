#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x)]
fn f(x: i32) -> i32 {
    x
}

fn main() {}
