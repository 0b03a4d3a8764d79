//! What a rule returns beside its slots would be lost.
use difrules_core::primitive;

#[primitive(forward = |_, _, x_dot| x_dot, reverse = |_, _, y_bar, _| y_bar)]
fn identity(x: f64) -> f64 {
    x
}

fn main() {}
