#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
#[differentiable(root = difrules_core)]
struct Parameters<T> {
    length: T,
}

fn main() {}
