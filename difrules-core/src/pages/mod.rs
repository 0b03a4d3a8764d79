//! Pages of the documentation.

/// nalgebra's own algorithms on numbers of a mode: what they keep, what they lose, what to use.
#[doc = include_str!("algorithms.md")]
pub mod algorithms {}

/// The words that are used here, each for one thing.
#[doc = include_str!("glossary.md")]
pub mod glossary {}

/// Zero against infinity: what a derivative is where one meets the other.
#[doc = include_str!("infinities.md")]
pub mod infinities {}

/// A derivative of a function that takes one itself.
#[doc = include_str!("nesting.md")]
pub mod nesting {}

/// Sums over data on many cores.
#[cfg(feature = "rayon")]
#[doc = include_str!("parallel.md")]
pub mod parallel {}
