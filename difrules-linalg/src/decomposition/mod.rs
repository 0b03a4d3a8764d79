//! Decompositions.

pub(crate) mod bidiagonal;
pub(crate) mod cholesky;
pub(crate) mod col_piv_qr;
pub(crate) mod complex_eigenvalues;
pub(crate) mod eigen;
pub(crate) mod full_piv_lu;
pub(crate) mod generalized_symmetric_eigen;
pub(crate) mod hessenberg;
pub(crate) mod lblt;
pub(crate) mod lq;
pub(crate) mod lu;
pub(crate) mod polar;
pub(crate) mod qr;
pub(crate) mod schur;
pub(crate) mod singular_values;
pub(crate) mod svd;
pub(crate) mod symmetric_eigen;
pub(crate) mod symmetric_eigenvalues;
pub(crate) mod symmetric_tridiagonal;
pub(crate) mod udu;
