//! Linear systems.

pub(crate) mod cholesky_solve;
pub(crate) mod triangular;
