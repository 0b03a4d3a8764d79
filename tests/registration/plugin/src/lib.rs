//! Shows a program that loads it what is registered in it, by numbers alone: so the program calls
//! it without reading its memory.
// The name of an exported function is unsafe by itself: another library could have the same one.
#![allow(unsafe_code)]

// All that links it.
use annotated as _;

use difrules_core::{primitive, primitives};

/// 3 x.
#[primitive(partial = |_| 3.0)]
pub fn tripled(x: f64) -> f64 {
    3.0 * x
}

/// How many primitives are registered.
#[unsafe(no_mangle)]
pub extern "C" fn registered_count() -> usize {
    primitives().len()
}

/// A byte of the path of the primitive of this index; -1 behind the last.
#[unsafe(no_mangle)]
pub extern "C" fn registered_path(index: usize, position: usize) -> i32 {
    let path = primitives().get(index).map_or("", |primitive| primitive.path);
    path.as_bytes().get(position).map_or(-1, |&byte| i32::from(byte))
}
