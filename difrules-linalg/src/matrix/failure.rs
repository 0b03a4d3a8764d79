//! What a method of a matrix fails with.

use crate::error::Error;

/// Why a method of [`Matrix`](crate::Matrix) has no result: the [`Error`] of the primitive, and its name.
///
/// `?` in a function that returns an [`Error`] leaves the name out.
///
/// ```
/// use difrules_linalg::{Error, Matrix};
/// use nalgebra::dmatrix;
///
/// let failed = Matrix::from(dmatrix![1.0, 2.0; 2.0, 1.0]).cholesky().unwrap_err();
/// assert!(matches!(failed.error, Error::NotPositiveDefinite { pivot: 1, .. }));
/// assert_eq!(
///     failed.to_string(),
///     "`cholesky`: the matrix is not positive definite: pivot 1 is -3e0, counting from 0"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{operation}`: {error}")]
pub struct MatrixError {
    /// The name of the method.
    pub operation: &'static str,
    /// What is wrong.
    pub error: Error,
}

impl From<MatrixError> for Error {
    fn from(failed: MatrixError) -> Self {
        failed.error
    }
}

/// Names the operation that failed.
#[inline]
pub(crate) fn named<Y>(
    operation: &'static str,
    result: Result<Y, Error>,
) -> Result<Y, MatrixError> {
    result.map_err(|error| MatrixError { operation, error })
}
