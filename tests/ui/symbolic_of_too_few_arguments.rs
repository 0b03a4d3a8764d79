use difrules_core::{Real, primitive};

#[primitive(partial = (|_, y| y, |x, _| x), symbolic = |_, y| y, instances(f64))]
fn product<T: Real>(x: T, y: T) -> T {
    x * y
}

fn main() {}
