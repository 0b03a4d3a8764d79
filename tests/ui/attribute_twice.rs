use difrules_core::primitive;

#[primitive(forward = |x, _, x_dot| 2.0 * x * x_dot)]
#[primitive(reverse = |x, _, y_bar| 2.0 * x * y_bar)]
fn square(x: f64) -> f64 {
    x * x
}

fn main() {}
