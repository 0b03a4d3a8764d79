use difrules_core::{Real, primitive};

#[primitive(partial = |x| x + x; instances(f64))]
fn square<T: Real>(x: T) -> T {
    x * x
}

fn main() {}
