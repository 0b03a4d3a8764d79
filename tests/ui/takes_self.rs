#![allow(unused)]

use difrules_core::primitive;

struct Thing;

impl Thing {
    #[primitive(partial = |x| x)]
    fn f(&self, x: f64) -> f64 {
        x
    }
}

fn main() {}
