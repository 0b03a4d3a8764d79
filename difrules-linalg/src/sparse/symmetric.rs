//! Sparse symmetric matrices as values.

use std::sync::{Arc, OnceLock};

use difrules_core::{Differentiable, Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, Dyn};
use nalgebra_sparse::pattern::SparsityPattern;
use nalgebra_sparse::{CooMatrix, CscMatrix};

use super::analysis::Analysis;
use super::matrix::SparseMatrix;
use crate::error::{Error, shape, square};
use crate::matrix::{Beside, Matrix, MatrixError, PlainNumber, Vector, named};

/// The sparsity pattern of a symmetric matrix, and of its Cholesky factor: shared by all matrices that have it, behind an
/// `Arc`.
///
/// It stands for the lower triangle: its lanes are the columns, from the diagonal down. The first factorisation of a
/// matrix that has it analyses it, which takes about as long as a factorisation: it finds an order of the rows in which the
/// factor has few entries (approximate minimum degree: Amestoy, Davis and Duff 1996), and where these are. All
/// others use what it found.
///
/// ```
/// use difrules_linalg::sparse::SymmetricPattern;
/// use nalgebra::dmatrix;
/// use nalgebra_sparse::CscMatrix;
///
/// let arrow = CscMatrix::from(&dmatrix![4.0, 1.0, 1.0; 1.0, 2.0, 0.0; 1.0, 0.0, 2.0]);
/// let pattern = SymmetricPattern::new(arrow.pattern())?;
/// assert_eq!((pattern.lower().nnz(), pattern.factor_nnz()), (5, 5));
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
pub struct SymmetricPattern {
    lower: SparsityPattern,
    analysis: OnceLock<Analysis>,
}

/// Says how large it is.
impl std::fmt::Debug for SymmetricPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (size, entries) = (self.size(), self.lower.nnz());
        f.debug_struct("SymmetricPattern")
            .field("size", &size)
            .field("nnz", &entries)
            .finish_non_exhaustive()
    }
}

/// Patterns are equal where their entries are.
impl PartialEq for SymmetricPattern {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for SymmetricPattern {}

impl SymmetricPattern {
    /// The pattern of a symmetric matrix, given whole or by its lower triangle.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; [`Error::NotSymmetric`] if it has entries above the diagonal, but not the same below.
    pub fn new(pattern: &SparsityPattern) -> Result<Self, Error> {
        let size = square("pattern", (pattern.minor_dim(), pattern.major_dim()))?;
        let has = |row: usize, column: usize| pattern.lane(column).binary_search(&row).is_ok();
        let whole = pattern.entries().any(|(column, row)| row < column);
        let lonely = |&(column, row): &(usize, usize)| !has(column, row);
        if let Some((column, row)) = pattern.entries().filter(|_| whole).find(lonely) {
            return Err(Error::NotSymmetric { argument: "pattern", row, column });
        }
        let (mut offsets, mut rows) = (vec![0], Vec::new());
        for column in 0..size {
            rows.extend(pattern.lane(column).iter().filter(|row| **row >= column));
            offsets.push(rows.len());
        }
        let lower = SparsityPattern::try_from_offsets_and_indices(size, size, offsets, rows)
            .expect("a part of a pattern");
        Ok(Self { lower, analysis: OnceLock::new() })
    }

    /// The entries of the lower triangle; the lanes are the columns.
    pub fn lower(&self) -> &SparsityPattern {
        &self.lower
    }

    /// How many rows there are.
    pub fn size(&self) -> usize {
        self.lower.major_dim()
    }

    /// How many entries the Cholesky factor has.
    pub fn factor_nnz(&self) -> usize {
        self.analysis().count()
    }

    /// The order of elimination: the row that is the k-th of the Cholesky factor.
    pub fn order(&self) -> &[usize] {
        &self.analysis().order
    }

    /// The sparsity pattern of the Cholesky factor, in the order of elimination; its lanes are the columns.
    pub fn factor_pattern(&self) -> SparsityPattern {
        let analysis = self.analysis();
        let (offsets, rows) = (analysis.offsets.clone(), analysis.rows.clone());
        SparsityPattern::try_from_offsets_and_indices(self.size(), self.size(), offsets, rows)
            .expect("rows in ascending order")
    }

    /// The values that a matrix has in the places of this pattern: zero where it has no entry. What is above its diagonal is not
    /// looked at.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`]; [`Error::OutsidePattern`] if the matrix has an entry on or below the diagonal where the
    /// pattern has none.
    ///
    /// ```
    /// use difrules_linalg::sparse::SymmetricPattern;
    /// use nalgebra::{dmatrix, dvector};
    /// use nalgebra_sparse::CscMatrix;
    ///
    /// let matrix = CscMatrix::from(&dmatrix![4.0, 1.0; 1.0, 2.0]);
    /// let pattern = SymmetricPattern::new(matrix.pattern())?;
    /// assert_eq!(pattern.values(&matrix)?, dvector![4.0, 1.0, 2.0]);
    /// assert_eq!(pattern.values(&CscMatrix::identity(2))?, dvector![1.0, 0.0, 1.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn values<T: Scalar>(&self, matrix: &CscMatrix<T>) -> Result<DVector<T>, Error> {
        let found = (matrix.nrows(), matrix.ncols());
        shape("matrix", found, (self.size(), self.size()))?;
        let mut values = DVector::from_element(self.lower.nnz(), T::zero());
        for (row, column, &value) in matrix.triplet_iter().filter(|(row, column, _)| row >= column)
        {
            let Ok(at) = self.lower.lane(column).binary_search(&row) else {
                return Err(Error::OutsidePattern { argument: "matrix", row, column });
            };
            values[self.lower.major_offsets()[column] + at] = value;
        }
        Ok(values)
    }

    /// The analysis, which the first one to ask makes.
    pub(super) fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| Analysis::new(&self.lower))
    }

    /// Demands that there is a finite value for each entry.
    pub(super) fn demand<T: Scalar>(&self, a: &DVector<T>) -> Result<(), Error> {
        shape("a", a.shape(), (self.lower.nnz(), 1))?;
        let mut entries = self.lower.entries().zip(a.iter());
        match entries.find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some(((column, row), _)) => Err(Error::NotFinite { argument: "a", row, column }),
        }
    }
}

/// A sparse symmetric, or Hermitian, matrix in every derivative mode: a pattern, which is constant and shared, and the values of
/// its lower triangle, a [`Vector`] in one piece, column by column.
///
/// A value off the diagonal stands for two entries of the matrix. So a derivative by it is that by both together: that
/// of ln det A by a_21 is 2 (A^-1)_12. Of a complex value on the diagonal the real part is read.
///
/// ```
/// use difrules_core::{Real, value_and_gradient};
/// use difrules_linalg::MatrixError;
/// use difrules_linalg::sparse::{SparseSymmetric, SymmetricPattern};
/// use nalgebra::{DVector, dmatrix, dvector};
/// use nalgebra_sparse::CscMatrix;
///
/// /// The logarithm of the density of a normal distribution of this precision, but for a constant.
/// fn likelihood<T: Real>(q: &SparseSymmetric<T>, b: &DVector<f64>) -> Result<T, MatrixError> {
///     let factor = q.cholesky()?;
///     Ok(factor.ln_determinant()? - factor.solve(b)?.dot(b)?)
/// }
///
/// let q = CscMatrix::from(&dmatrix![4.0, 1.0, 0.0; 1.0, 2.0, 0.0; 0.0, 0.0, 1.0]);
/// let q = SparseSymmetric::try_from(&q)?;
/// let (value, slope) = value_and_gradient(|q| likelihood(q, &dvector![1.0, 1.0, 0.0]), &q)?;
/// assert!((value - (7.0_f64.ln() - 4.0 / 7.0)).abs() < 1e-15);
/// let entries: Vec<f64> = slope.values().iter().collect();
/// assert!((entries[1] - (-2.0 / 7.0 + 2.0 * 3.0 / 49.0)).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[derive(Clone, Debug, Differentiable)]
pub struct SparseSymmetric<T: Scalar> {
    /// The places of the entries.
    #[constant]
    pattern: Arc<SymmetricPattern>,
    /// The entries of the lower triangle, column by column.
    values: Vector<T>,
}

impl<T: Scalar> SparseSymmetric<T> {
    /// The matrix of a pattern with these values of the lower triangle.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] if there are not as many values as entries.
    pub fn new(
        pattern: &Arc<SymmetricPattern>,
        values: impl Into<Vector<T>>,
    ) -> Result<Self, Error> {
        let values = values.into();
        shape("values", values.shape(), (pattern.lower.nnz(), 1))?;
        Ok(Self { pattern: pattern.clone(), values })
    }

    /// The places of the entries.
    pub fn pattern(&self) -> &Arc<SymmetricPattern> {
        &self.pattern
    }

    /// The entries of the lower triangle, column by column.
    pub fn values(&self) -> &Vector<T> {
        &self.values
    }

    /// The lower triangle as one of nalgebra's matrices, each entry a number of its own.
    pub fn to_lower_csc(&self) -> CscMatrix<T> {
        let values = self.values.iter().collect();
        CscMatrix::try_from_pattern_and_values(self.pattern.lower.clone(), values)
            .expect("a value an entry")
    }

    /// The X with A X = B, for a positive definite A; see [`sparse_solve`](fn@super::sparse_solve).
    ///
    /// For several, or the determinant too, [`cholesky`](SparseSymmetric::cholesky) factors once.
    ///
    /// # Errors
    /// Those of [`sparse_solve`](fn@super::sparse_solve).
    pub fn solve<C: Dim>(&self, b: impl Beside<T, Dyn, C>) -> Result<Matrix<T, Dyn, C>, MatrixError>
    where
        DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
    {
        let solved = super::sparse_solve::whole(&self.pattern, &self.values, &b.beside());
        named("sparse_solve", solved.map(Matrix::from))
    }

    /// The logarithm of the determinant of a positive definite matrix; see
    /// [`sparse_ln_determinant`](fn@super::sparse_ln_determinant).
    ///
    /// # Errors
    /// Those of [`sparse_ln_determinant`](fn@super::sparse_ln_determinant).
    pub fn ln_determinant(&self) -> Result<T::Real, MatrixError> {
        let value = super::sparse_ln_determinant::whole(&self.pattern, &self.values);
        named("sparse_ln_determinant", value)
    }

    /// The Cholesky factor of a positive definite matrix; see [`sparse_cholesky`](fn@super::sparse_cholesky).
    ///
    /// # Errors
    /// Those of [`sparse_cholesky`](fn@super::sparse_cholesky).
    pub fn cholesky(&self) -> Result<SparseCholesky<T>, MatrixError> {
        let factor = super::sparse_cholesky::whole(&self.pattern, &self.values);
        let values = named("sparse_cholesky", factor.map(Matrix::from))?;
        Ok(SparseCholesky { pattern: self.pattern.clone(), values })
    }
}

impl<T: Real> SparseSymmetric<T> {
    /// The matrix with both of its triangles.
    ///
    /// ```
    /// use difrules_linalg::sparse::SparseSymmetric;
    /// use nalgebra::{DMatrix, dmatrix};
    /// use nalgebra_sparse::CscMatrix;
    ///
    /// let full = dmatrix![4.0, 1.0; 1.0, 2.0];
    /// let a = SparseSymmetric::try_from(&CscMatrix::from(&full).lower_triangle())?;
    /// assert_eq!(DMatrix::from(&a.to_full().to_csc()), full);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn to_full(&self) -> SparseMatrix<T> {
        let mut entries = CooMatrix::new(self.pattern.size(), self.pattern.size());
        for (place, (column, row)) in self.pattern.lower.entries().enumerate() {
            entries.push(row, column, place);
            if row != column {
                entries.push(column, row, place);
            }
        }
        let (pattern, places) = CscMatrix::from(&entries).into_pattern_and_values();
        let values = self.values.select_rows(&places).expect("places of entries");
        SparseMatrix::new(&Arc::new(pattern), values).expect("a value an entry")
    }
}

/// At plain numbers it compares entry by entry.
impl<T: PlainNumber> PartialEq for SparseSymmetric<T> {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.values == other.values
    }
}

/// The pattern is that of the matrix, and of its values those of the lower triangle are read. Matrices that shall have
/// one pattern are made by [`SparseSymmetric::new`].
impl<T: Scalar> TryFrom<&CscMatrix<T>> for SparseSymmetric<T> {
    type Error = Error;

    fn try_from(matrix: &CscMatrix<T>) -> Result<Self, Error> {
        let pattern = SymmetricPattern::new(matrix.pattern())?;
        let values = pattern.values(matrix)?;
        Self::new(&Arc::new(pattern), values)
    }
}

/// The Cholesky factor of a [`SparseSymmetric`] matrix, in every derivative mode.
///
/// P A P^T = L L^H, where P takes the rows into the [order](SymmetricPattern::order) of elimination.
#[derive(Clone, Debug, Differentiable)]
pub struct SparseCholesky<T: Scalar> {
    /// The places of the entries of A.
    #[constant]
    pattern: Arc<SymmetricPattern>,
    /// The entries of L, column by column.
    values: Vector<T>,
}

impl<T: Scalar> SparseCholesky<T> {
    /// The pattern of A.
    pub fn pattern(&self) -> &Arc<SymmetricPattern> {
        &self.pattern
    }

    /// The entries of L, column by column, in the places of [`SymmetricPattern::factor_pattern`].
    pub fn values(&self) -> &Vector<T> {
        &self.values
    }

    /// The X with A X = B; see [`sparse_cholesky_solve`](fn@super::sparse_cholesky_solve).
    ///
    /// # Errors
    /// Those of [`sparse_cholesky_solve`](fn@super::sparse_cholesky_solve).
    pub fn solve<C: Dim>(&self, b: impl Beside<T, Dyn, C>) -> Result<Matrix<T, Dyn, C>, MatrixError>
    where
        DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
    {
        let solved = super::sparse_cholesky_solve::whole(&self.pattern, &self.values, &b.beside());
        named("sparse_cholesky_solve", solved.map(Matrix::from))
    }
}

impl<T: Real> SparseCholesky<T> {
    /// The logarithm of the determinant of A: twice the sum of the logarithms of the diagonal of L.
    ///
    /// # Errors
    /// None for the factor of a positive definite matrix.
    pub fn ln_determinant(&self) -> Result<T, MatrixError> {
        let analysis = self.pattern.analysis();
        let roots = self.values.select_rows(&analysis.offsets[..analysis.size()])?;
        Ok(roots.map::<difrules_core::math::ln>().sum() * difrules_core::lit(2.0))
    }
}
