#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
struct Parameters<T> {
    length: T,
    #[constant]
    noise: T,
}

fn main() {}
