//! The solution of a sparse system.

use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix};

use super::cholesky::{self, sparse_cholesky};
use super::cholesky_solve::{solve_columns, sparse_cholesky_solve};
use super::symmetric::SymmetricPattern;
use crate::block::{add_cotangent, block, block_mut, buffer};
use crate::error::Error;

/// A^-1 B for a sparse Hermitian positive definite A, given by the values of its lower triangle.
///
/// # Errors
/// As [`sparse_cholesky`](fn@super::sparse_cholesky) and [`sparse_cholesky_solve`](fn@super::sparse_cholesky_solve).
///
/// # Derivation
/// A dX = dB - dA X, and with W = A^-1 X_bar, in the pairing over all entries B_bar = W and A_bar = -W X^H, of which the
/// Hermitian part counts, -(W X^H + X W^H) / 2. A value off the diagonal stands for two entries, so its
/// cotangent is twice that: for that of row i and column j, -sum_k (w_ik conj(x_jk) + x_ik conj(w_jk)), and
/// -sum_k Re(w_ik conj(x_ik)) on the diagonal. No outer product is formed. The factor is saved by the primal, and each rule
/// solves with it once: the entries of L times the columns of B.
///
/// ```
/// use difrules_linalg::sparse::{SymmetricPattern, sparse_solve};
/// use nalgebra::{dmatrix, dvector};
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![4.0, 2.0; 2.0, 5.0]);
/// let pattern = Arc::new(SymmetricPattern::new(a.pattern())?);
/// let x = sparse_solve(&pattern, &pattern.values(&a)?, &dvector![8.0, 12.0])?;
/// assert_eq!(x, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = solve_forward,
    reverse = solve_reverse,
    saves = solve_and_factor -> DVector<T>,
    reads(pattern, return),
    constant(pattern),
    optional(a, b),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sparse_solve<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    a: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    solve_and_factor(pattern, a, b).map(|(x, _)| x)
}

fn solve_and_factor<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    a: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<(OMatrix<T, Dyn, C>, DVector<T>), Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let l = sparse_cholesky(pattern, a)?;
    let x = sparse_cholesky_solve(pattern, &l, b)?;
    Ok((x, l))
}

fn solve_forward<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    x: &OMatrix<T, Dyn, C>,
    l: &DVector<T>,
    a_dot: Option<&DVector<T>>,
    b_dot: Option<&OMatrix<T, Dyn, C>>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let (rows, columns) = x.shape_generic();
    let mut x_dot = b_dot.cloned().unwrap_or_else(|| OMatrix::zeros_generic(rows, columns));
    if let Some(a_dot) = a_dot {
        for (mut x_dot, x) in x_dot.column_iter_mut().zip(x.column_iter()) {
            for ((j, i), &a_dot) in pattern.lower().entries().zip(a_dot.iter()) {
                if i == j {
                    x_dot[i] -= T::from_real(a_dot.real()) * x[i];
                } else {
                    x_dot[i] -= a_dot * x[j];
                    x_dot[j] -= a_dot.conjugate() * x[i];
                }
            }
        }
    }
    solve_columns(pattern, l, block_mut(&mut x_dot));
    x_dot
}

fn solve_reverse<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    x: &OMatrix<T, Dyn, C>,
    l: &DVector<T>,
    mut x_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    a_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let mut w = buffer(&mut x_bar);
    solve_columns(pattern, l, w.as_view_mut());
    if let Some(mut a_bar) = a_bar.buffer() {
        for (w, x) in w.column_iter().zip(block(x).column_iter()) {
            for ((j, i), a_bar) in pattern.lower().entries().zip(a_bar.iter_mut()) {
                *a_bar -= if i == j {
                    T::from_real((w[i] * x[i].conjugate()).real())
                } else {
                    w[i] * x[j].conjugate() + x[i] * w[j].conjugate()
                };
            }
        }
    }
    add_cotangent(&x_bar, b_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Arc<SymmetricPattern>, DVector<T>, DMatrix<T>) {
    let (pattern, a) = cholesky::sample(random);
    let columns = random.size(0, 3);
    let b = random.matrix(pattern.size(), columns);
    (pattern, a, b)
}
