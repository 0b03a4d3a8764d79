#![doc = include_str!("sparse.md")]

mod colouring;
mod error;
mod hessian;
mod jacobian;
mod pattern;

pub use error::SparseError;
pub use hessian::{SparseHessian, sparse_hessian, value_gradient_and_sparse_hessian};
pub use jacobian::{SparseJacobian, sparse_jacobian, value_and_sparse_jacobian};
pub use pattern::{hessian_sparsity, sparsity};
