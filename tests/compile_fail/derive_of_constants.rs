#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
struct Parameters<T> {
    #[constant]
    name: String,
    #[constant]
    marker: std::marker::PhantomData<fn()>,
}

fn main() {}
