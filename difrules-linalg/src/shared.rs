//! What is compiled once, in this crate, for all programs.
//!
//! A generic function is compiled again in each crate that calls it, but for one that is never inlined and that a
//! crate which the caller depends on has compiled at the same types: that one is called. So a program that is built
//! again after a change does not wait for these.

use std::hint::black_box;

use crate::algebra::{cholesky, householder, implicit_qr, lu, triangular_part};
use crate::blas::{gemm, strong, trsm};
use crate::tolerance::Sizes;

/// The sweep of a tape, and the kernels of decompositions, solves and products, at `f64`.
#[inline(never)]
pub fn instances() {
    difrules_core::shared::instances::<f64>();
    black_box((
        gemm::product::<f64> as fn(_, _, _, _, _),
        strong::gemm_moving::<f64> as fn(_, _, _, _, _, _),
        strong::clashes::<f64, f64> as fn(_, _) -> _,
        trsm::Triangular::<f64>::solve as fn(_, _, _),
        trsm::Triangular::<f64>::solve_strongly as fn(_, _, _),
        triangular_part::add_outer::<f64> as fn(_, _, _, _, _),
    ));
    black_box((
        cholesky::cholesky_lower::<f64> as fn(_) -> _,
        cholesky::cholesky_reverse_hermitian::<f64> as fn(_, _),
        lu::lu_in_place::<f64> as fn(_, _),
        lu::full_piv_lu_in_place::<f64> as fn(_, _, _, _) -> _,
        lu::lu_solve_in_place::<f64> as fn(_, _, _, _) -> _,
        householder::form::<f64> as fn(_, _, _, _),
        householder::to_tridiagonal::<f64> as fn(_, _, _, _, _, _),
        implicit_qr::diagonalise_tridiagonal::<f64> as fn(_, _, _) -> _,
        Sizes::of_eigenvalues::<f64> as fn(_, _) -> _,
    ));
}
