//! The transposed product with a matrix.

use std::sync::Arc;

use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, Dyn, OMatrix};
use nalgebra_sparse::pattern::SparsityPattern;

use super::matmul::{Side, product, product_forward, product_reverse, sample};
use crate::error::Error;

/// A^T B for a sparse A, given by its pattern, whose lanes are the columns, and its values, column by column. Nothing is
/// conjugated.
///
/// # Errors
/// [`Error::DimensionMismatch`] if there are not as many values as entries, or if B does not fit A.
///
/// # Derivation
/// As for [`sparse_matmul`](fn@super::sparse_matmul): dY = dA^T B + A^T dB, so B_bar = conj(A) Y_bar, and A_bar is
/// conj(B) Y_bar^T where A has entries.
///
/// ```
/// use difrules_linalg::sparse::sparse_tr_mul;
/// use nalgebra::{dmatrix, dvector};
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![2.0, 0.0; 1.0, 3.0]);
/// let (pattern, values) = a.into_pattern_and_values();
/// let y = sparse_tr_mul(&Arc::new(pattern), &values.into(), &dvector![1.0, 2.0])?;
/// assert_eq!(y, dvector![4.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = tr_mul_forward,
    reverse = tr_mul_reverse,
    reads(pattern, values, b),
    constant(pattern),
    optional(values, b),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = |random| sample(random, true)
)]
pub fn sparse_tr_mul<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product(pattern, Side::Transposed, values, b)
}

fn tr_mul_forward<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    values_dot: Option<&DVector<T>>,
    b_dot: Option<&OMatrix<T, Dyn, C>>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product_forward((pattern, Side::Transposed), values, b, values_dot, b_dot)
}

fn tr_mul_reverse<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    values_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product_reverse((pattern, Side::Transposed), values, b, y_bar, values_bar, b_bar);
}
