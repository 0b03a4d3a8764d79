//! Operations under their BLAS names, in place where BLAS works in place.

pub(crate) mod axpy;
pub(crate) mod dot;
pub(crate) mod gemm;
pub(crate) mod nrm2;
pub(crate) mod options;
pub(crate) mod trsm;
