//! The determinant and its logarithms.

pub(crate) mod determinant;
pub(crate) mod ln_abs_determinant;
pub(crate) mod ln_determinant;
