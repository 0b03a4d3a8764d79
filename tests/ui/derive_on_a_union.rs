#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Copy, Differentiable)]
union Either<T: Copy> {
    first: T,
    second: T,
}

fn main() {}
