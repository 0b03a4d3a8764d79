#![allow(unused)]

use difrules_core::{Real, primitive};

struct Failed<T>(T);

#[primitive(partial = |x| x, instances(f64))]
fn f<T: Real>(x: T) -> Result<T, Failed<T>> {
    Ok(x)
}

fn main() {}
