#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blas;
mod block;
mod decomposition;
mod elementary;
mod error;
mod factors;
mod modulus;
mod orthogonal;
mod sample;
mod scalar;
mod singular;
mod spectral;
mod systems;
mod triangle;

// A primitive's name is a type too, so it is re-exported here, where no module has its name.
pub use blas::axpy::axpy;
pub use blas::dot::dot;
pub use blas::gemm::gemm;
pub use blas::nrm2::nrm2;
pub use blas::trsm::{Diagonal, Operation, Side, Triangle, trsm};
pub use decomposition::cholesky::cholesky;
pub use decomposition::col_piv_qr::{ColPivQr, col_piv_qr};
pub use decomposition::lq::lq;
pub use decomposition::lu::{Lu, lu};
pub use decomposition::qr::qr;
pub use decomposition::svd::{Svd, svd};
pub use decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
pub use decomposition::symmetric_eigenvalues::symmetric_eigenvalues;
pub use elementary::add::add;
pub use elementary::adjoint::adjoint;
pub use elementary::component_mul::component_mul;
pub use elementary::diagonal::diagonal;
pub use elementary::matmul::matmul;
pub use elementary::neg::neg;
pub use elementary::scale::scale;
pub use elementary::sub::sub;
pub use elementary::sum::sum;
pub use elementary::symmetric_part::symmetric_part;
pub use elementary::tr_mul::tr_mul;
pub use elementary::trace::trace;
pub use elementary::transpose::transpose;
pub use error::Error;
pub use scalar::determinant::determinant;
pub use scalar::ln_abs_determinant::ln_abs_determinant;
pub use scalar::ln_determinant::ln_determinant;
pub use scalar::norm::norm;
pub use scalar::norm_inf::norm_inf;
pub use scalar::normalize::normalize;
pub use scalar::one_norm::one_norm;
pub use systems::cholesky_solve::cholesky_solve;
pub use systems::inverse::inverse;
pub use systems::lu_solve::lu_solve;
pub use systems::solve::solve;
pub use systems::triangular::{solve_lower_triangular, solve_upper_triangular};
pub use systems::tridiagonal_solve::tridiagonal_solve;
