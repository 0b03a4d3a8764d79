use difrules_core::primitive;

#[primitive(partial = |x| 2.0 * x, sample = 3.0)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
