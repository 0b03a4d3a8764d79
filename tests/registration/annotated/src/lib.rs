//! A library whose users name it and nothing in it.

use difrules_core::{Real, primitive};

/// 2 x, generic over its scalar.
#[primitive(partial = |_| T::one() + T::one(), instances(f32, f64))]
pub fn doubled<T: Real>(x: T) -> T {
    x + x
}

/// x / 2, of plain numbers.
#[primitive(partial = |_| 0.5)]
pub fn halved(x: f64) -> f64 {
    0.5 * x
}
