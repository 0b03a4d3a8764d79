#![allow(unused)]
use difrules_core::Differentiable;

#[derive(Clone, Differentiable)]
enum Shape<T> {
    Circle(T),
    Rectangle(T, T),
}

fn main() {}
