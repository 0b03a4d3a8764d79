//! Prints the path of every registered primitive, one a line; with a path, what it takes and what
//! a call of it without types says.

// All that links it.
use annotated as _;

use difrules_core::primitives;

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        primitives().iter().for_each(|primitive| println!("{}", primitive.path));
        return;
    };
    let primitive = primitives().iter().find(|primitive| primitive.path == path);
    let instance = primitive.and_then(|primitive| primitive.instance("f64"));
    let instance = instance.expect("registered");
    let (given, (_, result)) = (instance.argument_types(), instance.output_type());
    let given: Vec<_> = given.iter().map(|(_, name)| *name).collect();
    let sample = if instance.sample.is_some() { "a sample" } else { "no sample" };
    println!("({}) -> {result}, {sample}", given.join(", "));
    let (mut x, mut y) = (1.0, 0.0);
    let called = instance.call(&mut [&mut x], &mut y);
    println!("{}", called.map_or_else(|error| error.to_string(), |()| y.to_string()));
}
