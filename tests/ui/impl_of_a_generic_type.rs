#![allow(unused)]
use difrules_core::primitive;

struct Model<P>(P);

impl<P> Model<P> {
    #[primitive(partial = |x| 2.0 * x, impl = Model<P>)]
    fn square(x: f64) -> f64 {
        x * x
    }
}

fn main() {}
