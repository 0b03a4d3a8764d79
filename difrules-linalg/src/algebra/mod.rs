//! The mathematics that primitives share, each file named after the primitive that it serves first, and
//! the steps that all of them take.

pub(crate) mod basis;
pub(crate) mod bidiagonal;
pub(crate) mod cholesky;
pub(crate) mod congruence;
pub(crate) mod eigen;
pub(crate) mod exponential;
pub(crate) mod hermitian_eigen;
pub(crate) mod hessenberg;
pub(crate) mod householder;
pub(crate) mod implicit_qr;
pub(crate) mod logarithm;
pub(crate) mod lu;
pub(crate) mod matrix_function;
pub(crate) mod modulus;
pub(crate) mod polar;
pub(crate) mod qr;
pub(crate) mod rank;
pub(crate) mod reduction;
pub(crate) mod resolvent;
pub(crate) mod riccati;
pub(crate) mod scaling;
pub(crate) mod schur;
pub(crate) mod sign;
pub(crate) mod square_root;
pub(crate) mod svd;
pub(crate) mod sylvester;
pub(crate) mod triangular_part;
pub(crate) mod trigonometric;
pub(crate) mod unitary;
pub(crate) mod weighted;
#[cfg(feature = "faer")]
pub(crate) mod with_faer;
