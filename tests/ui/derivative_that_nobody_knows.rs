use difrules_core::derivative;

fn main() {
    let (s, x) = (2.5_f64, 0.3_f64);
    let _ = derivative!(zeta(s, x), s);
}
