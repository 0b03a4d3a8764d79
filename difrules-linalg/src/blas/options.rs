//! What BLAS operations are told of their matrices.

/// On which side of the unknown the triangular matrix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// op(A) X = B.
    Left,
    /// X op(A) = B.
    Right,
}

/// Which triangle of a matrix is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Triangle {
    /// The diagonal and what is below it.
    Lower,
    /// The diagonal and what is above it.
    Upper,
}

/// What is done to a matrix before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A.
    None,
    /// A^T.
    Transpose,
    /// A^H.
    Adjoint,
}

/// What the diagonal of a triangular matrix is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagonal {
    /// As stored.
    General,
    /// Ones, whatever is stored.
    Unit,
}
