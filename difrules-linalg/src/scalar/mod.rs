//! Numbers that belong to a matrix.

pub(crate) mod ln_abs_determinant;
pub(crate) mod ln_determinant;
