#![allow(unused)]
use difrules_core::{Real, primitive};

type Checked<T> = std::result::Result<T, String>;

#[primitive(forward = |_, _, x_dot| x_dot, instances(f64))]
fn checked<T: Real>(x: T) -> Checked<T> {
    Ok(x)
}

fn main() {}
