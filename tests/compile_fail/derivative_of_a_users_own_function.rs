use difrules_core::derivative;

fn exp(x: f64) -> f64 {
    3.0 * x
}

fn main() {
    let x = 0.3_f64;
    let _ = derivative!(exp(x), x);
    let _ = exp(x);
}
