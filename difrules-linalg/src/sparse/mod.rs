#![doc = include_str!("sparse.md")]

mod analysis;
mod cholesky;
mod cholesky_solve;
mod colouring;
mod error;
mod factor;
mod hessian;
mod jacobian;
mod ln_determinant;
mod matmul;
mod matrix;
mod pattern;
mod solve;
mod symmetric;
mod tr_mul;

difrules_core::public_path!();

pub use cholesky::sparse_cholesky;
pub use cholesky_solve::sparse_cholesky_solve;
pub use error::SparseError;
pub use hessian::{SparseHessian, sparse_hessian, value_gradient_and_sparse_hessian};
pub use jacobian::{SparseJacobian, sparse_jacobian, value_and_sparse_jacobian};
pub use ln_determinant::sparse_ln_determinant;
pub use matmul::sparse_matmul;
pub use matrix::SparseMatrix;
pub use pattern::{hessian_sparsity, sparsity};
pub use solve::sparse_solve;
pub use symmetric::{SparseCholesky, SparseSymmetric, SymmetricPattern};
pub use tr_mul::sparse_tr_mul;
