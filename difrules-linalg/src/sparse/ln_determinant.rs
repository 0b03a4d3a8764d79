//! The logarithm of the determinant of a sparse matrix.

use std::sync::Arc;

use difrules_core::{Scalar, Slot, primitive};
use nalgebra::{ComplexField, DVector};

use super::cholesky::{sample, sparse_cholesky};
use super::symmetric::SymmetricPattern;
use crate::error::Error;

/// The logarithm of the determinant of a sparse Hermitian positive definite matrix, given by the values of its lower
/// triangle.
///
/// # Errors
/// As [`sparse_cholesky`](fn@super::sparse_cholesky).
///
/// # Derivation
/// d ln det A = tr(A^-1 dA), which needs A^-1 where A has entries alone: a_bar_ij = 2 y_bar (A^-1)_ij off the diagonal, for a
/// value there stands for two entries, and y_bar (A^-1)_ii on it. These are among the entries of A^-1 on the pattern of L, which
/// the recurrences of Takahashi, Fagan and Chin (1973; Erisman and Tinney 1975, "On computing certain elements of the inverse
/// of a sparse matrix") give from L, from the last column to the first, without others: with Z = A^-1 in the order of L,
/// z_ij = -sum_k z_ik l_kj / l_jj and z_jj = (1 / l_jj - sum_k conj(l_kj) z_kj) / l_jj, k > j over the entries of column j. They are
/// also what the rule of `sparse_cholesky` makes of ln det A = 2 sum_j ln l_jj. Each rule takes twice the multiplications and
/// additions of the factor, which the primal saves.
///
/// ```
/// use difrules_linalg::sparse::{SymmetricPattern, sparse_ln_determinant};
/// use nalgebra::dmatrix;
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![4.0_f64, 2.0; 2.0, 5.0]);
/// let pattern = Arc::new(SymmetricPattern::new(a.pattern())?);
/// let y = sparse_ln_determinant(&pattern, &pattern.values(&a)?)?;
/// assert!((y - 16.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ln_determinant_forward,
    reverse = ln_determinant_reverse,
    saves = ln_determinant_and_factor -> DVector<T>,
    reads(pattern),
    constant(pattern),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sparse_ln_determinant<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    a: &DVector<T>,
) -> Result<T::Real, Error> {
    ln_determinant_and_factor(pattern, a).map(|(y, _)| y)
}

/// The value and the entries of the Cholesky factor.
fn ln_determinant_and_factor<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    a: &DVector<T>,
) -> Result<(T::Real, DVector<T>), Error> {
    let l = sparse_cholesky(pattern, a)?;
    let roots = pattern.analysis().pivots(l.as_slice());
    let half = roots
        .iter()
        .fold(nalgebra::zero(), |sum: T::Real, root| sum + ComplexField::ln(root.real()));
    Ok((half + half, l))
}

fn ln_determinant_forward<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    a_dot: &DVector<T>,
) -> T::Real {
    let inverse = pattern.analysis().inverse(l.as_slice());
    let terms = inverse.into_iter().zip(a_dot.iter());
    terms.fold(nalgebra::zero(), |sum: T::Real, (z, &a_dot)| sum + (z.conjugate() * a_dot).real())
}

fn ln_determinant_reverse<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    y_bar: T::Real,
    a_bar: Slot<'_, DVector<T>>,
) {
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let inverse = pattern.analysis().inverse(l.as_slice());
    for (a_bar, z) in a_bar.iter_mut().zip(inverse) {
        *a_bar += z.scale(y_bar);
    }
}
