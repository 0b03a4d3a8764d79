//! Decompositions.

pub(crate) mod cholesky;
