use difrules_core::derivative;

fn main() {
    let x = 0.3_f64;
    let _ = derivative!(x * x);
}
