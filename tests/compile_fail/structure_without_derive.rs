#![allow(unused)]
use difrules_core::{Real, primitive};

#[derive(Clone)]
struct Pair<T>(T, T);

#[primitive(forward = |_, _, p_dot| p_dot.0, instances(f64))]
fn first<T: Real>(p: &Pair<T>) -> T {
    p.0
}

fn main() {}
