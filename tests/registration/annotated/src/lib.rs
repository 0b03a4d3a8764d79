//! A library whose users name it and nothing in it.

// What draws a sample has a use where nobody can ask for one.
#![deny(dead_code)]

use difrules_core::testing::Sampler;
use difrules_core::{Real, primitive};

/// 2 x, generic over its scalar.
#[primitive(partial = |_| T::one() + T::one(), instances(f32, f64))]
pub fn doubled<T: Real>(x: T) -> T {
    x + x
}

/// x / 2, of plain numbers.
#[primitive(partial = |_| 0.5, sample = positive)]
pub fn halved(x: f64) -> f64 {
    0.5 * x
}

fn positive(random: &mut Sampler) -> f64 {
    random.normal::<f64>().abs()
}
