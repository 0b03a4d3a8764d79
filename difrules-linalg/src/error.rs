//! What can be wrong with an argument.

use difrules_core::Scalar;
use nalgebra::storage::RawStorage;
use nalgebra::{Dim, Matrix};

/// Why a linear-algebra primitive has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix has to be square.
    #[error("`{argument}` has to be square, but is {rows} x {columns}")]
    NotSquare {
        /// The argument's name.
        argument: &'static str,
        /// Its number of rows.
        rows: usize,
        /// Its number of columns.
        columns: usize,
    },
    /// An argument does not fit the others.
    #[error(
        "`{argument}` has to be {} x {} to fit the other arguments, but is {} x {}",
        expected.0, expected.1, found.0, found.1
    )]
    DimensionMismatch {
        /// The argument's name.
        argument: &'static str,
        /// The rows and columns it has to have.
        expected: (usize, usize),
        /// The rows and columns it has.
        found: (usize, usize),
    },
    /// A matrix has to be positive definite.
    #[error("the matrix is not positive definite: pivot {pivot} is {value:e}, counting from 0")]
    NotPositiveDefinite {
        /// The first pivot that is not positive, counting from 0.
        pivot: usize,
        /// Its value; NaN where the matrix holds a NaN.
        value: f64,
    },
    /// A matrix has no inverse.
    #[error("the matrix is singular: pivot {pivot} is zero or not finite, counting from 0")]
    Singular {
        /// The first pivot that is zero or not finite, counting from 0.
        pivot: usize,
    },
    /// An iteration did not come to its end.
    #[error("no convergence after {sweeps} sweeps")]
    NoConvergence {
        /// How many sweeps were tried.
        sweeps: usize,
    },
    /// An argument holds a NaN or an infinity.
    #[error("`{argument}` is not finite in row {row}, column {column}, counting from 0")]
    NotFinite {
        /// The argument's name.
        argument: &'static str,
        /// The row of the first such entry, column by column.
        row: usize,
        /// Its column.
        column: usize,
    },
}

/// Demands that all entries are finite.
pub(crate) fn finite<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    argument: &'static str,
    matrix: &Matrix<T, R, C, S>,
) -> Result<(), Error> {
    let Some(k) = matrix.iter().position(|x| !x.is_finite()) else { return Ok(()) };
    Err(Error::NotFinite { argument, row: k % matrix.nrows(), column: k / matrix.nrows() })
}

/// Demands that a matrix is square; returns its size.
pub(crate) fn square(
    argument: &'static str,
    (rows, columns): (usize, usize),
) -> Result<usize, Error> {
    if rows == columns { Ok(rows) } else { Err(Error::NotSquare { argument, rows, columns }) }
}

/// Demands that a matrix has a shape.
pub(crate) fn shape(
    argument: &'static str,
    found: (usize, usize),
    expected: (usize, usize),
) -> Result<(), Error> {
    if found == expected {
        Ok(())
    } else {
        Err(Error::DimensionMismatch { argument, expected, found })
    }
}
