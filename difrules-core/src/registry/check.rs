//! What checks an instance.

use std::any::Any;
use std::fmt;

use super::Sampler;

/// A property that a primitive's rules do not have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub struct Failure {
    /// The primitive's path.
    pub primitive: String,
    /// The scalar it was checked at.
    pub scalar: &'static str,
    /// What does not hold, with the numbers.
    pub property: String,
    /// The point, argument by argument.
    pub point: String,
    /// The seed that draws the point again.
    pub seed: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { primitive, scalar, property, point, seed } = self;
        write!(f, "{primitive} at {scalar}, seed {seed}: {property}\n    at {point}")
    }
}

/// Checks an instance at the point that a seed draws.
pub type Check = fn(Sample, u64) -> Result<(), Failure>;

/// The `sample` of an instance.
pub type Sample = fn(&mut Sampler) -> Vec<Box<dyn Any>>;
