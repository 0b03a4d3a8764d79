//! The Cholesky factor of a sparse matrix.

use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::DVector;
use nalgebra_sparse::pattern::SparsityPattern;

use super::symmetric::SymmetricPattern;
use crate::error::Error;

/// The entries of the lower triangular L with a real positive diagonal and P A P^T = L L^H, column by column, for a sparse
/// Hermitian positive definite A, given by the values of its lower triangle. P takes the rows into the
/// [order](SymmetricPattern::order) of elimination, and the entries are in the places of
/// [`factor_pattern`](SymmetricPattern::factor_pattern).
///
/// # Errors
/// [`Error::DimensionMismatch`] if there are not as many values as entries; [`Error::NotFinite`];
/// [`Error::NotPositiveDefinite`] with the row of A of the first pivot, in the order of elimination, that is not positive.
///
/// # Derivation
/// The left-looking algorithm, which gathers column j as that of A less the products of the columns k < j that have an entry in row
/// j, is differentiated as it stands: c = a_j - sum_k l_k conj(l_jk), l_jj = sqrt(c_j), l_ij = c_i / l_jj gives
/// dl_jj = dc_j / (2 l_jj) and dl_ij = (dc_i - l_ij dl_jj) / l_jj. Backwards, c_bar_i = l_bar_ij / l_jj,
/// c_bar_j = (l_bar_jj - sum_i Re(conj(c_bar_i) l_ij)) / (2 l_jj), a_bar_ij = c_bar_i, and for each k, l_bar_ik -= c_bar_i l_jk
/// and l_bar_jk -= sum_i conj(c_bar_i) l_ik (Smith 1995, "Differentiation of the Cholesky algorithm", on the pattern of
/// L alone). Each rule takes twice the multiplications and additions of the primal.
///
/// ```
/// use difrules_linalg::sparse::{SymmetricPattern, sparse_cholesky};
/// use nalgebra::dmatrix;
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![4.0, 2.0; 2.0, 5.0]);
/// let pattern = Arc::new(SymmetricPattern::new(a.pattern())?);
/// let l = sparse_cholesky(&pattern, &pattern.values(&a)?)?;
/// assert_eq!((pattern.order(), l.as_slice()), (&[0, 1][..], &[2.0, 1.0, 2.0][..]));
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = cholesky_forward,
    reverse = cholesky_reverse,
    reads(pattern, return),
    constant(pattern),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sparse_cholesky<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    a: &DVector<T>,
) -> Result<DVector<T>, Error> {
    pattern.demand(a)?;
    let factor = pattern.analysis().factor(a.as_slice());
    let not_positive = |(pivot, value): (usize, <T as Scalar>::Real)| Error::NotPositiveDefinite {
        pivot,
        value: value.to_f64(),
    };
    factor.map(DVector::from_vec).map_err(not_positive)
}

fn cholesky_forward<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    a_dot: &DVector<T>,
) -> DVector<T> {
    pattern.analysis().factor_forward(l.as_slice(), a_dot.as_slice()).into()
}

fn cholesky_reverse<T: Scalar>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    l_bar: Cotangent<'_, DVector<T>>,
    a_bar: Slot<'_, DVector<T>>,
) {
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let l_bar = l_bar.iter().copied().collect();
    pattern.analysis().factor_reverse(l.as_slice(), l_bar, |entry, bar| a_bar[entry] += bar);
}

/// A pattern of each kind.
pub(super) fn sample_pattern(random: &mut Sampler) -> Arc<SymmetricPattern> {
    let size = random.choose(&[0, 1, 2, 4, 7]);
    let kind = random.size(0, 3);
    let has = |row: usize, column: usize| match kind {
        // A diagonal matrix, a chain of pairs, an arrow of bad order, and all.
        0 => row == column,
        1 => row - column < 3 && row - column != 1,
        2 => row == column || column == 0 || row + 1 == size && column % 2 == 1,
        _ => true,
    };
    let (mut offsets, mut rows) = (vec![0], Vec::new());
    for column in 0..size {
        rows.extend((column..size).filter(|row| has(*row, column)));
        offsets.push(rows.len());
    }
    let lower = SparsityPattern::try_from_offsets_and_indices(size, size, offsets, rows);
    let lower = lower.expect("each column in ascending order");
    Arc::new(SymmetricPattern::new(&lower).expect("square, and below the diagonal"))
}

/// A pattern, and values of a positive definite matrix: the diagonal dominates.
pub(super) fn sample<T: Scalar>(random: &mut Sampler) -> (Arc<SymmetricPattern>, DVector<T>) {
    let pattern = sample_pattern(random);
    let mut a: DVector<T> = random.vector(pattern.lower().nnz());
    let mut sums: Vec<<T as Scalar>::Real> = vec![nalgebra::one(); pattern.size()];
    for ((column, row), a) in pattern.lower().entries().zip(a.iter()) {
        sums[row] += a.modulus();
        sums[column] += a.modulus();
    }
    for ((column, row), a) in pattern.lower().entries().zip(a.iter_mut()) {
        if row == column {
            *a = T::from_real(sums[row]);
        }
    }
    (pattern, a)
}
