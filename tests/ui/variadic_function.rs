#![allow(unused)]
use difrules_core::primitive;

extern "C" {
    #[primitive(partial = |x| x)]
    fn sum(x: f64, ...) -> f64;
}

fn main() {}
