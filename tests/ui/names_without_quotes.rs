use difrules_core::primitive;

#[primitive(partial = |x| 2.0 * x, name = sq, alias("pow2", square_of))]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
