//! The attribute is not handed the `impl` in which its function stands.
#![allow(unused)]

use difrules_core::{Real, primitive};

struct Model;

struct Generic<P>(P);

impl Model {
    #[primitive(partial = |_| T::one() + T::one(), instances(f64))]
    fn twice<T: Real>(x: T) -> T {
        x + x
    }

    #[primitive(partial = |x| 2.0 * x)]
    pub(crate) fn square(x: f64) -> f64 {
        x * x
    }

    fn free() -> f64 {
        #[primitive(partial = |_| 3.0)]
        fn three_times(x: f64) -> f64 {
            3.0 * x
        }
        three_times(1.0)
    }
}

impl<P> Generic<P> {
    #[primitive(partial = |_| 2.0)]
    fn twice(x: f64) -> f64 {
        x + x
    }
}

trait Tripled {
    #[primitive(partial = |_| 3.0)]
    fn tripled(x: f64) -> f64 {
        3.0 * x
    }

    fn quadrupled(x: f64) -> f64;
}

impl Tripled for Model {
    #[primitive(partial = |_| 4.0)]
    fn quadrupled(x: f64) -> f64 {
        4.0 * x
    }
}

fn main() {
    let _ = Model::twice(1.0) + Model::square(1.0) + Model::tripled(1.0);
}
