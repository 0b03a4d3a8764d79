use difrules_core::derivative;

fn bell(t: f64) -> f64 {
    (-t * t).exp()
}

fn main() {
    let x = 0.3_f64;
    let _ = derivative!(x * bell(2.0 * x), x);
}
