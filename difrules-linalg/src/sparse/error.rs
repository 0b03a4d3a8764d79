//! Why there is no sparse derivative.

use std::convert::Infallible;

/// Why a sparse Jacobian or Hessian has no value at a point: `F` is what the function fails with; what cannot fail has
/// `Infallible` there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SparseError<F = Infallible> {
    /// The function's own error.
    #[error("{0}")]
    Function(F),
    /// The point, or the function's value there, has another count of numbers than the pattern is for.
    #[error("the {what} has {found} numbers, but the pattern is for {expected}")]
    Count {
        /// What has.
        what: &'static str,
        /// How many it has.
        found: usize,
        /// How many the pattern is for.
        expected: usize,
    },
    /// The function has a derivative where the pattern has nothing: it does something else at this point than where
    /// the pattern is from.
    #[error(
        "the derivative in row {row} and column {column}, counting from 0, is outside of the sparsity pattern: the \
         function takes another branch at this point, so find its pattern here"
    )]
    Pattern {
        /// The row, counting from 0.
        row: usize,
        /// The column, counting from 0.
        column: usize,
    },
}
