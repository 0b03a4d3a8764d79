//! A closure has one argument type, and a root is asked for at several.

use difrules_linalg::root;

fn main() {
    let residual = |(x, p): &(f64, f64)| x * x - p;
    let _ = root(residual, |p: &f64| p.sqrt(), &2.0);
}
