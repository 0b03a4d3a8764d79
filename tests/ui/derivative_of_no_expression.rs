use difrules_core::derivative;

fn main() {
    let x = 0.3_f64;
    let _ = derivative!(x * [1.0, 2.0][0] + x, x);
}
