use difrules_core::primitive;

#[primitive(partial = |x, n| x, constant = n)]
fn first(x: f64, n: usize) -> f64 {
    let _ = n;
    x
}

fn main() {}
