#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone)]
struct Inner<T>(T);

#[derive(Clone, Differentiable)]
struct Outer<T> {
    inner: Inner<T>,
}

fn main() {}
