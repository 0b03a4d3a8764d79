//! Checking rules.
mod sample;
pub use sample::Sampler;
/// c
pub type Check = fn();
