#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
struct Parameters<'a, T> {
    length: T,
    #[constant]
    name: &'a str,
}

fn main() {}
