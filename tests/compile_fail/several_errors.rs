//! All that is wrong with one use is said at once.
#![allow(unused)]

use difrules_core::{Differentiable, Real, derivative, primitive};

#[primitive(
    forwards = |x, n, y, x_dot| x_dot,
    partial = (|x, n| x, 3),
    constant(m),
    instances(f64, f64),
    name = unquoted,
    sample,
    kernel(f64 = a),
    kernel(f64 = b)
)]
async fn several<T: Real + Extra>((x, y): (T, T), n: usize, z: &mut T) -> &'static str {
    ""
}

#[primitive(forward = 1, reverse = |x| x, reads(z, return), optional(x), constant(n), saves = saved, crate)]
const fn others(x: f64, n: usize) {}

#[derive(Differentiable)]
#[differentiable(create = difrules_core)]
struct Fields<'a, T> {
    a: T,
    name: &'a str,
    #[constant]
    of: T,
    count: usize,
}

trait Extra {}

fn main() {
    let (x, y) = (1.0_f64, 2.0_f64);
    let _ = derivative!(bell(x) + other(y) * bell(y), x, y, third = |t, y| t ^ ^ y, fourth = 4; 9);
    let _ = derivative!(x + , x, third = |t, y| [t], fourth = (|s, t| s t, |s| s));
}
