//! Sparse matrices as values.

use std::sync::Arc;

use difrules_core::{Differentiable, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, Dyn};
use nalgebra_sparse::pattern::SparsityPattern;
use nalgebra_sparse::{CooMatrix, CscMatrix};

use crate::error::{Error, shape};
use crate::matrix::{Beside, Matrix, MatrixError, PlainNumber, Vector, named};

/// A sparse matrix in every derivative mode: a pattern, which is constant and shared, and the values of its entries, a
/// [`Vector`] in one piece.
///
/// The pattern's lanes are the columns, as in a [`CscMatrix`]; the values stand in its order, column by column. Derivatives
/// by such a matrix are those by its values: what is not in the pattern is zero and stays so. So a tangent, or a gradient, is
/// a matrix of the same pattern, and an entry that is in the pattern counts, also if it is zero.
///
/// ```
/// use difrules_core::{Real, value_and_gradient};
/// use difrules_linalg::MatrixError;
/// use difrules_linalg::sparse::SparseMatrix;
/// use nalgebra::{DVector, dvector};
/// use nalgebra_sparse::CooMatrix;
///
/// /// The squared distance of A x from b.
/// fn distance<T: Real>(
///     a: &SparseMatrix<T>,
///     x: &DVector<f64>,
///     b: &DVector<f64>,
/// ) -> Result<T, MatrixError> {
///     Ok((a.matmul(x)? - b).norm_squared())
/// }
///
/// let mut entries = CooMatrix::new(2, 3);
/// entries.push(0, 0, 2.0);
/// entries.push(1, 2, 4.0);
/// let a = SparseMatrix::from(&entries);
/// let (x, b) = (dvector![1.0, 5.0, 2.0], dvector![1.0, 5.0]);
/// let (value, slope) = value_and_gradient(|a| distance(a, &x, &b), &a)?;
/// assert_eq!(value, 10.0);
/// assert_eq!(slope.to_csc().values(), [2.0, 12.0]);
/// # Ok::<(), MatrixError>(())
/// ```
#[derive(Clone, Debug, Differentiable)]
pub struct SparseMatrix<T: Scalar> {
    /// The places of the entries; its lanes are the columns.
    #[constant]
    pattern: Arc<SparsityPattern>,
    /// The entries, column by column.
    values: Vector<T>,
}

impl<T: Scalar> SparseMatrix<T> {
    /// The matrix of a pattern, whose lanes are the columns, with these values.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] if there are not as many values as entries.
    pub fn new(
        pattern: &Arc<SparsityPattern>,
        values: impl Into<Vector<T>>,
    ) -> Result<Self, Error> {
        let values = values.into();
        shape("values", values.shape(), (pattern.nnz(), 1))?;
        Ok(Self { pattern: pattern.clone(), values })
    }

    /// A matrix that nothing is differentiated by, in any mode.
    #[must_use]
    pub fn constant(matrix: &CscMatrix<f64>) -> Self {
        let values = DVector::from_column_slice(matrix.values());
        let pattern = Arc::new(matrix.pattern().clone());
        Self { pattern, values: Matrix::constant(&values) }
    }

    /// The places of the entries; its lanes are the columns.
    pub fn pattern(&self) -> &Arc<SparsityPattern> {
        &self.pattern
    }

    /// The entries, column by column.
    pub fn values(&self) -> &Vector<T> {
        &self.values
    }

    /// How many rows it has.
    pub fn nrows(&self) -> usize {
        self.pattern.minor_dim()
    }

    /// How many columns it has.
    pub fn ncols(&self) -> usize {
        self.pattern.major_dim()
    }

    /// How many entries it has.
    pub fn nnz(&self) -> usize {
        self.pattern.nnz()
    }

    /// One of nalgebra's, each entry a number of its own.
    pub fn to_csc(&self) -> CscMatrix<T> {
        let values = self.values.iter().collect();
        let pattern = SparsityPattern::clone(&self.pattern);
        CscMatrix::try_from_pattern_and_values(pattern, values).expect("a value an entry")
    }

    /// A B; see [`sparse_matmul`](fn@super::sparse_matmul).
    ///
    /// # Errors
    /// Those of [`sparse_matmul`](fn@super::sparse_matmul).
    pub fn matmul<C: Dim>(
        &self,
        b: impl Beside<T, Dyn, C>,
    ) -> Result<Matrix<T, Dyn, C>, MatrixError>
    where
        DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
    {
        let product = super::sparse_matmul::whole(&self.pattern, &self.values, &b.beside());
        named("sparse_matmul", product.map(Matrix::from))
    }

    /// A^T B; see [`sparse_tr_mul`](fn@super::sparse_tr_mul).
    ///
    /// # Errors
    /// Those of [`sparse_tr_mul`](fn@super::sparse_tr_mul).
    pub fn tr_mul<C: Dim>(
        &self,
        b: impl Beside<T, Dyn, C>,
    ) -> Result<Matrix<T, Dyn, C>, MatrixError>
    where
        DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
    {
        let product = super::sparse_tr_mul::whole(&self.pattern, &self.values, &b.beside());
        named("sparse_tr_mul", product.map(Matrix::from))
    }
}

/// At plain numbers it compares entry by entry.
impl<T: PlainNumber> PartialEq for SparseMatrix<T> {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.values == other.values
    }
}

/// The entries of a mode, if they are not one piece already, are gathered by one step.
impl<T: Scalar> From<&CscMatrix<T>> for SparseMatrix<T> {
    fn from(matrix: &CscMatrix<T>) -> Self {
        let values = Vector::from(DVector::from_column_slice(matrix.values()));
        Self { pattern: Arc::new(matrix.pattern().clone()), values }
    }
}

/// Entries in the same place are added.
impl<T: Scalar> From<&CooMatrix<T>> for SparseMatrix<T> {
    fn from(matrix: &CooMatrix<T>) -> Self {
        Self::from(&CscMatrix::from(matrix))
    }
}
