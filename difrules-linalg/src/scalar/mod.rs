//! Numbers that belong to a matrix.

pub(crate) mod ln_determinant;
