//! Linear systems.

pub(crate) mod cholesky_solve;
pub(crate) mod inverse;
pub(crate) mod lblt_solve;
pub(crate) mod lstsq;
pub(crate) mod lu_solve;
pub(crate) mod pseudo_inverse;
pub(crate) mod solve;
pub(crate) mod toeplitz_solve;
pub(crate) mod triangular;
pub(crate) mod tridiagonal_solve;
pub(crate) mod udu_solve;
