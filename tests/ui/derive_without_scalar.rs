#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
struct Parameters {
    length: f64,
}

fn main() {}
