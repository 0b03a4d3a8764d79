//! Decompositions.

pub(crate) mod cholesky;
pub(crate) mod lu;
pub(crate) mod qr;
