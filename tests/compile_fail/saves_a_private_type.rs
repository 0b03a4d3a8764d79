#![allow(unused)]
use difrules_core::{Real, primitive};

struct Kept<T>(T);

#[primitive(
    forward = |_, _, kept, x_dot| kept.0 * x_dot,
    saves = keeping -> Kept<T>,
    instances(f64)
)]
pub fn square<T: Real>(x: T) -> T {
    x * x
}

fn keeping<T: Real>(x: T) -> (T, Kept<T>) {
    (x * x, Kept(x + x))
}

fn main() {}
