#![allow(unused)]

use difrules_core::primitive;

#[primitive(partial = |x| x)]
struct Thing;

fn main() {}
