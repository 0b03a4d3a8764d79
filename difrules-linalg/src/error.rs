//! What can be wrong with an argument.

use difrules_core::kernel::column_major_view;
use difrules_core::{Real, Scalar};
use nalgebra::storage::RawStorage;
use nalgebra::{Complex, Dim, Matrix};

use crate::blas::options::{Diagonal, Triangle};
use crate::blas::strong::holds;

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
    /// A matrix has to be symmetric, or its lower triangle.
    #[error(
        "`{argument}` has an entry in row {row}, column {column}, counting from 0, but none mirrored at its diagonal"
    )]
    NotSymmetric {
        /// The argument's name.
        argument: &'static str,
        /// The row of the first such entry, column by column.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// A matrix has an entry where its pattern has none.
    #[error(
        "`{argument}` has an entry in row {row}, column {column}, counting from 0, where the pattern has none"
    )]
    OutsidePattern {
        /// The argument's name.
        argument: &'static str,
        /// The row of the first such entry, column by column.
        row: usize,
        /// Its column.
        column: usize,
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
    /// A list holds the number of a row or a column that there is not.
    #[error("`{argument}` holds the index {index}, counting from 0, but there are {count}")]
    IndexOutOfRange {
        /// The argument's name.
        argument: &'static str,
        /// The first such index, counting from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A list has to hold something.
    #[error("`{argument}` is empty")]
    Empty {
        /// The argument's name.
        argument: &'static str,
    },
    /// A matrix has to be positive definite.
    #[error("the matrix is not positive definite: pivot {pivot} is {value:e}, counting from 0")]
    NotPositiveDefinite {
        /// The first pivot that is not positive, counting from 0.
        pivot: usize,
        /// Its value; NaN where the matrix holds a NaN.
        value: f64,
    },
    /// A matrix has no inverse, or one whose entries overflow.
    #[error(
        "the matrix is singular at pivot {pivot}, counting from 0: its reciprocal condition number is \
         at most {reciprocal_condition:e}"
    )]
    Singular {
        /// The smallest pivot, counting from 0; of several that are zero, the first.
        pivot: usize,
        /// The smallest pivot over the largest, an upper bound of the reciprocal condition number of
        /// the triangular factor: 0 if the pivot is zero.
        reciprocal_condition: f64,
    },
    /// A corner of a matrix that the algorithm has to divide by has no inverse, though the matrix may have one.
    #[error("the block of the {rows} rows that are eliminated first is singular")]
    SingularBlock {
        /// How many rows it has.
        rows: usize,
    },
    /// A linear equation for a matrix has no solution, or many, as eigenvalues of its coefficients cancel.
    #[error(
        "the equation is singular but for rounding: the eigenvalues {first} and {second} of its \
         coefficients {relation}"
    )]
    SingularEquation {
        /// The eigenvalue of the first coefficient.
        first: Complex<f64>,
        /// That of the second.
        second: Complex<f64>,
        /// What the two do.
        relation: &'static str,
    },
    /// A function has no value for a matrix with this eigenvalue.
    #[error("`{function}` has no value for a matrix with the eigenvalue {eigenvalue}")]
    OutsideDomain {
        /// The function.
        function: &'static str,
        /// The eigenvalue.
        eigenvalue: Complex<f64>,
    },
    /// A Riccati equation has no solution whose closed loop is stable.
    #[error("the equation has no stabilising solution: {reason}")]
    NoStabilizingSolution {
        /// What shows it.
        reason: &'static str,
    },
    /// Factors that no factorisation gives.
    #[error("`{argument}` is not what a factorisation gives: {reason}")]
    InvalidFactors {
        /// The argument's name.
        argument: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A matrix has to be of full rank.
    #[error("the rank of `{argument}` has to be {expected}, but is {rank}")]
    RankDeficient {
        /// The argument's name.
        argument: &'static str,
        /// The rank it has.
        rank: usize,
        /// The rank it has to have.
        expected: usize,
    },
    /// A number has to be positive.
    #[error("`{argument}` has to be positive, but is {value}")]
    NotPositive {
        /// The argument's name.
        argument: &'static str,
        /// Its value.
        value: f64,
    },
    /// An iteration did not come to its end.
    #[error("no convergence after {sweeps} sweeps")]
    NoConvergence {
        /// How many sweeps were tried.
        sweeps: usize,
    },
    /// Numbers of a result are larger than all of their precision.
    #[error("`{result}` overflows")]
    Overflow {
        /// What the numbers are.
        result: &'static str,
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

/// Whether all numbers are finite. There is no branch, so that there are vector instructions where the iterator allows it.
fn all_finite<'a, T: Scalar>(numbers: impl Iterator<Item = &'a T>) -> bool {
    numbers.fold(true, |all, x| all & x.is_finite())
}

/// Whether all entries are finite.
pub(crate) fn is_finite<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    matrix: &Matrix<T, R, C, S>,
) -> bool {
    match column_major_view(matrix) {
        Some(view) => holds(&view, |entries| all_finite(entries.iter())),
        None => all_finite(matrix.iter()),
    }
}

/// Demands that all entries are finite.
pub(crate) fn finite<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    argument: &'static str,
    matrix: &Matrix<T, R, C, S>,
) -> Result<(), Error> {
    if is_finite(matrix) {
        return Ok(());
    }
    let Some(k) = matrix.iter().position(|x| !x.is_finite()) else { return Ok(()) };
    Err(Error::NotFinite { argument, row: k % matrix.nrows(), column: k / matrix.nrows() })
}

/// Demands that numbers of a result, of finite arguments, are finite.
pub(crate) fn overflow<'a, T: Scalar>(
    result: &'static str,
    numbers: impl IntoIterator<Item = &'a T>,
) -> Result<(), Error> {
    if all_finite(numbers.into_iter()) { Ok(()) } else { Err(Error::Overflow { result }) }
}

/// Demands that all entries of one triangle are finite, but for a unit diagonal.
pub(crate) fn finite_triangle<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    argument: &'static str,
    triangle: Triangle,
    diagonal: Diagonal,
    matrix: &Matrix<T, R, C, S>,
) -> Result<(), Error> {
    let skipped = usize::from(diagonal == Diagonal::Unit);
    let rows = |column: usize| match triangle {
        Triangle::Lower => (column + skipped).min(matrix.nrows())..matrix.nrows(),
        Triangle::Upper => 0..(column + 1 - skipped).min(matrix.nrows()),
    };
    let view = column_major_view(matrix);
    for column in 0..matrix.ncols() {
        let finite = |row: usize| matrix[(row, column)].is_finite();
        let all = match &view {
            Some(view) => all_finite(view.column(column).as_slice()[rows(column)].iter()),
            None => rows(column).all(finite),
        };
        if !all && let Some(row) = rows(column).find(|&row| !finite(row)) {
            return Err(Error::NotFinite { argument, row, column });
        }
    }
    Ok(())
}

/// [`Error::Singular`] at the smallest pivot, of which there is one at least.
pub(crate) fn singular<T: Scalar>(pivots: impl Iterator<Item = T>) -> Error {
    let sizes = pivots.map(|x| x.modulus().to_f64()).enumerate();
    let first = (0, f64::INFINITY, 0.0_f64);
    let (pivot, smallest, largest) = sizes.fold(first, |(pivot, smallest, largest), (k, size)| {
        let (pivot, smallest) = if size < smallest { (k, size) } else { (pivot, smallest) };
        (pivot, smallest, largest.max(size))
    });
    let ratio = smallest / largest;
    let reciprocal_condition = if smallest > 0.0 && ratio.is_finite() { ratio } else { 0.0 };
    Error::Singular { pivot, reciprocal_condition }
}

/// Demands that the solution of a system is finite: it overflows where the matrix is all but singular.
pub(crate) fn solved<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    x: &Matrix<T, R, C, S>,
    pivots: impl Iterator<Item = T>,
) -> Result<(), Error> {
    if is_finite(x) { Ok(()) } else { Err(singular(pivots)) }
}

/// Demands that an order of rows, or of columns, has each once.
pub(crate) fn permutation(argument: &'static str, order: &[usize]) -> Result<(), Error> {
    let once = |i: usize| order.iter().filter(|&&x| x == i).count() == 1;
    if (0..order.len()).all(once) {
        return Ok(());
    }
    Err(Error::InvalidFactors { argument, reason: "its rows are no permutation" })
}

/// Demands that there are rows, or columns, of these numbers.
pub(crate) fn indices(
    argument: &'static str,
    indices: &[usize],
    count: usize,
) -> Result<(), Error> {
    match indices.iter().find(|&&index| index >= count) {
        Some(&index) => Err(Error::IndexOutOfRange { argument, index, count }),
        None => Ok(()),
    }
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
