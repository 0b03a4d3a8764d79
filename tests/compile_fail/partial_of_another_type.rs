use difrules_core::primitive;

#[primitive(partial = |x: f32| 2.0)]
fn twice(x: f64) -> f64 {
    x + x
}

fn main() {}
