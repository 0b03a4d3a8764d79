//! Functions of a matrix.

mod divided_differences;
pub(crate) mod scalar_function;
pub(crate) mod symmetric_function;
