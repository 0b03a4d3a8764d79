//! Prints the path of every registered primitive, one a line.

// All that links it.
use annotated as _;

fn main() {
    for primitive in difrules_core::primitives() {
        println!("{}", primitive.path);
    }
}
