use difrules_core::{Real, primitive};

#[primitive(partial = (unknown, unknown), instances(f64))]
fn mystery<T: Real>(x: T, y: T) -> T {
    x + y
}

fn main() {}
