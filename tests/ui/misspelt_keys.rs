use difrules_core::{Real, primitive};

#[primitive(revers = |x, _, y_bar| (x + x) * y_bar, instance(f64), constants(n), samples = draw)]
fn square<T: Real>(x: T, n: usize) -> T {
    let _ = n;
    x * x
}

fn main() {}
