//! Operations under their BLAS names, in place where BLAS works in place.
//!
//! Symmetric and Hermitian forms are primitives of their own, under BLAS's names for complex matrices, and not an
//! option: `herk` and `her` take real factors where `syrk` and `syr` take any, and the conjugate that one letter hides
//! is what such code gets wrong. Of real numbers each is the other.
//!
//! The reverse rules consist of BLAS operations themselves (Jonasson, Sigurdsson, Yngvason, Ragnarsson and Melsted 2020,
//! "Algorithm 1005: Fortran subroutines for reverse mode algorithmic differentiation of BLAS matrix operations", ACM
//! TOMS 46, has such rules for real numbers), write to the triangle that is stored, and allocate nothing but what a
//! product of matrices allocates for its own work.

pub(crate) mod asum;
pub(crate) mod axpy;
pub(crate) mod blocked;
pub(crate) mod dot;
pub(crate) mod gemm;
pub(crate) mod gemv;
pub(crate) mod ger;
pub(crate) mod hemm;
pub(crate) mod hemv;
pub(crate) mod her;
pub(crate) mod her2k;
pub(crate) mod herk;
pub(crate) mod nrm2;
pub(crate) mod options;
pub(crate) mod rank_update;
pub(crate) mod rot;
pub(crate) mod scal;
pub(crate) mod strong;
pub(crate) mod symm;
pub(crate) mod symmetric_product;
pub(crate) mod symv;
pub(crate) mod syr;
pub(crate) mod syr2k;
pub(crate) mod syrk;
pub(crate) mod trmm;
pub(crate) mod trmv;
pub(crate) mod trsm;
pub(crate) mod trsv;
