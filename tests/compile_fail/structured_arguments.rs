//! What is said of arguments that does not fit them: of their structure, and of when they are read.

use difrules_core::contract::Adjoint;
use difrules_core::primitive;
use nalgebra::DMatrix;

#[primitive(forward = |_, _, a_dot| a_dot.sum(), structure(a = lowre))]
fn misspelt(a: &DMatrix<f64>) -> f64 {
    a.sum()
}

#[primitive(forward = |_, _, a_dot| a_dot.sum(), structure(b = lower))]
fn no_argument(a: &DMatrix<f64>) -> f64 {
    a.sum()
}

#[primitive(forward = |_, _, a_dot| a_dot.sum(), structure(a = triangular))]
fn no_option(a: &DMatrix<f64>) -> f64 {
    a.sum()
}

#[primitive(forward = |_, _, _, a_dot, _| a_dot.sum(), structure(a = symmetric(x)))]
fn no_constant(a: &DMatrix<f64>, x: f64) -> f64 {
    a.sum() + x
}

#[primitive(forward = |_, _, a_dot| a_dot.sum(), structure(a = lower, a = upper))]
fn twice(a: &DMatrix<f64>) -> f64 {
    a.sum()
}

#[primitive(forward = scaled_forward, reads(x for factor))]
fn scaled(factor: f64, x: f64) -> f64 {
    factor * x
}

fn scaled_forward(x: &f64, factor_dot: &f64, x_dot: &f64) -> f64 {
    x * factor_dot + x_dot
}

#[primitive(reverse = times_reverse, reads(x for count), constant(count))]
fn times(count: usize, x: &mut f64) {
    *x *= count as f64;
}

fn times_reverse(_: Option<&f64>, _: Adjoint<'_, f64>) {}

fn main() {}
