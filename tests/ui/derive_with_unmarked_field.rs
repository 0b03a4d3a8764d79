#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
struct Parameters<T> {
    length: T,
    name: String,
}

fn main() {}
