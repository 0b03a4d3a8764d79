//! The product with a matrix.

use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix};
use nalgebra_sparse::pattern::SparsityPattern;

use crate::block::{along_factor, still};
use crate::error::{Error, shape};

/// A B for a sparse A, given by its pattern, whose lanes are the columns, and its values, column by column.
///
/// # Errors
/// [`Error::DimensionMismatch`] if there are not as many values as entries, or if B does not fit A.
///
/// # Derivation
/// dY = dA B + A dB, so B_bar = A^H Y_bar, and A_bar is Y_bar B^H where A has entries: for that of row i and column k the sum
/// over j of y_bar_ij conj(b_kj). All of it takes the entries times the columns of B.
///
/// ```
/// use difrules_linalg::sparse::sparse_matmul;
/// use nalgebra::{dmatrix, dvector};
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![2.0, 0.0; 1.0, 3.0]);
/// let (pattern, values) = a.into_pattern_and_values();
/// let y = sparse_matmul(&Arc::new(pattern), &values.into(), &dvector![1.0, 2.0])?;
/// assert_eq!(y, dvector![2.0, 7.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = matmul_forward,
    reverse = matmul_reverse,
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
    sample = |random| sample(random, false)
)]
pub fn sparse_matmul<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product(pattern, Side::Plain, values, b)
}

fn matmul_forward<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    values_dot: Option<&DVector<T>>,
    b_dot: Option<&OMatrix<T, Dyn, C>>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product_forward((pattern, Side::Plain), values, b, values_dot, b_dot)
}

fn matmul_reverse<T: Scalar, C: Dim>(
    pattern: &Arc<SparsityPattern>,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    values_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    product_reverse((pattern, Side::Plain), values, b, y_bar, values_bar, b_bar);
}

/// Which matrix of a pattern is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Itself.
    Plain,
    /// The transposed one.
    Transposed,
}

impl Side {
    /// Its rows and columns.
    fn shape(self, pattern: &SparsityPattern) -> (usize, usize) {
        match self {
            Self::Plain => (pattern.minor_dim(), pattern.major_dim()),
            Self::Transposed => (pattern.major_dim(), pattern.minor_dim()),
        }
    }

    /// The row and the column of each entry, in order.
    fn places(self, pattern: &SparsityPattern) -> impl Iterator<Item = (usize, usize)> + '_ {
        pattern.entries().map(move |(column, row)| match self {
            Self::Plain => (row, column),
            Self::Transposed => (column, row),
        })
    }
}

/// A B or A^T B.
pub(super) fn product<T: Scalar, C: Dim>(
    pattern: &SparsityPattern,
    side: Side,
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let (rows, columns) = side.shape(pattern);
    shape("values", values.shape(), (pattern.nnz(), 1))?;
    shape("b", b.shape(), (columns, b.ncols()))?;
    let mut y = OMatrix::zeros_generic(Dyn(rows), b.shape_generic().1);
    for (mut y, b) in y.column_iter_mut().zip(b.column_iter()) {
        for ((i, k), a) in side.places(pattern).zip(values.iter()) {
            y[i] += *a * b[k];
        }
    }
    Ok(y)
}

/// The tangent. A zero of negative sign says that an entry rests; a sum has it if all terms do.
pub(super) fn product_forward<T: Scalar, C: Dim>(
    (pattern, side): (&SparsityPattern, Side),
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    values_dot: Option<&DVector<T>>,
    b_dot: Option<&OMatrix<T, Dyn, C>>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let (rows, _) = side.shape(pattern);
    let mut y_dot = OMatrix::from_element_generic(Dyn(rows), b.shape_generic().1, still::<T>());
    for (j, mut y_dot) in y_dot.column_iter_mut().enumerate() {
        if let Some(values_dot) = values_dot {
            let b = b.column(j);
            for ((i, k), a_dot) in side.places(pattern).zip(values_dot.iter()) {
                y_dot[i] += along_factor(*a_dot, b[k]);
            }
        }
        if let Some(b_dot) = b_dot {
            let b_dot = b_dot.column(j);
            for ((i, k), a) in side.places(pattern).zip(values.iter()) {
                y_dot[i] += along_factor(b_dot[k], *a);
            }
        }
    }
    y_dot
}

/// The cotangents.
pub(super) fn product_reverse<T: Scalar, C: Dim>(
    (pattern, side): (&SparsityPattern, Side),
    values: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    values_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    if let Some(mut values_bar) = values_bar.buffer() {
        for (b, y_bar) in b.column_iter().zip(y_bar.column_iter()) {
            for ((i, k), a_bar) in side.places(pattern).zip(values_bar.iter_mut()) {
                *a_bar += along_factor(y_bar[i], b[k].conjugate());
            }
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        for (mut b_bar, y_bar) in b_bar.column_iter_mut().zip(y_bar.column_iter()) {
            for ((i, k), a) in side.places(pattern).zip(values.iter()) {
                b_bar[k] += along_factor(y_bar[i], a.conjugate());
            }
        }
    }
}

/// A pattern, values for it, and a matrix that it can be multiplied with.
pub(super) fn sample<T: Scalar>(
    random: &mut Sampler,
    transposed: bool,
) -> (Arc<SparsityPattern>, DVector<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 4), random.size(0, 4));
    // Each entry, every second one, every third one, or none.
    let step = random.choose(&[1, 2, 3, usize::MAX]);
    let (mut offsets, mut indices) = (vec![0], Vec::new());
    for column in 0..columns {
        indices.extend((0..rows).filter(|row| (column * rows + row + 1) % step == 0));
        offsets.push(indices.len());
    }
    let pattern = SparsityPattern::try_from_offsets_and_indices(columns, rows, offsets, indices)
        .expect("each column in ascending order");
    let values = random.vector(pattern.nnz());
    let size = random.size(0, 3);
    let b = random.matrix(if transposed { rows } else { columns }, size);
    (Arc::new(pattern), values, b)
}
