#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod algebra;
mod blas;
mod block;
mod decomposition;
mod determinants;
mod dimensions;
mod elementary;
mod equations;
mod error;
mod function;
pub mod implicit;
mod known;
mod matrix;
mod norms;
pub mod optimise;
mod sample;
#[doc(hidden)]
pub mod shared;
#[cfg(feature = "sparse")]
pub mod sparse;
mod statistics;
mod systems;
mod tolerance;
mod updates;

#[doc = include_str!("peers.md")]
pub mod peers {}

#[doc = include_str!("worth.md")]
pub mod worth {}

pub use difrules_core;
#[cfg(feature = "motions")]
pub use difrules_core::motions;
pub use difrules_core::nalgebra;

#[cfg(feature = "faer-rayon")]
pub use algebra::with_faer::set_threads;

difrules_core::public_path!();

// A primitive's name is a type too, so it is re-exported here, where no module has its name.
pub use blas::asum::asum;
pub use blas::axpy::axpy;
pub use blas::dot::dot;
pub use blas::gemm::gemm;
pub use blas::gemv::gemv;
pub use blas::ger::{ger, gerc};
pub use blas::hemm::hemm;
pub use blas::hemv::hemv;
pub use blas::her::her;
pub use blas::her2k::her2k;
pub use blas::herk::herk;
pub use blas::nrm2::nrm2;
pub use blas::options::{Diagonal, Operation, Side, Triangle};
pub use blas::rot::rot;
pub use blas::scal::scal;
pub use blas::symm::symm;
pub use blas::symv::symv;
pub use blas::syr::syr;
pub use blas::syr2k::syr2k;
pub use blas::syrk::syrk;
pub use blas::trmm::trmm;
pub use blas::trmv::trmv;
pub use blas::trsm::trsm;
pub use blas::trsv::trsv;
pub use decomposition::bidiagonal::{Bidiagonal, bidiagonal};
pub use decomposition::cholesky::cholesky;
pub use decomposition::col_piv_qr::{ColPivQr, col_piv_qr};
pub use decomposition::complex_eigenvalues::complex_eigenvalues;
pub use decomposition::eigen::{Eigen, eigen};
pub use decomposition::full_piv_lu::{FullPivLu, full_piv_lu};
pub use decomposition::generalized_symmetric_eigen::generalized_symmetric_eigen;
pub use decomposition::hessenberg::hessenberg;
pub use decomposition::lblt::{Lblt, lblt};
pub use decomposition::lq::lq;
pub use decomposition::lu::{Lu, lu};
pub use decomposition::polar::polar;
pub use decomposition::qr::qr;
pub use decomposition::schur::schur;
pub use decomposition::singular_values::singular_values;
pub use decomposition::svd::{Svd, svd};
pub use decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
pub use decomposition::symmetric_eigenvalues::symmetric_eigenvalues;
pub use decomposition::symmetric_tridiagonal::{SymmetricTridiagonal, symmetric_tridiagonal};
pub use decomposition::udu::{Udu, udu};
pub use determinants::determinant::determinant;
pub use determinants::ln_abs_determinant::ln_abs_determinant;
pub use determinants::ln_determinant::ln_determinant;
pub use dimensions::SvdAllocator;
pub use elementary::ad_mul::ad_mul;
pub use elementary::add::add;
pub use elementary::add_scalar::add_scalar;
pub use elementary::add_to_columns::add_to_columns;
pub use elementary::add_to_rows::add_to_rows;
pub use elementary::adjoint::adjoint;
pub use elementary::column_sum::column_sum;
pub use elementary::component_div::component_div;
pub use elementary::component_mul::component_mul;
pub use elementary::cross::cross;
pub use elementary::cumprod::cumprod;
pub use elementary::cumsum::cumsum;
pub use elementary::diagonal::diagonal;
pub use elementary::diagonal_at::diagonal_at;
pub use elementary::from_diagonal::from_diagonal;
pub use elementary::from_diagonal_at::from_diagonal_at;
pub use elementary::hstack::hstack;
pub use elementary::kronecker::kronecker;
pub use elementary::logsumexp::logsumexp;
pub use elementary::lower_triangle::lower_triangle;
pub use elementary::map::map;
pub use elementary::matmul::matmul;
pub use elementary::mean::mean;
pub use elementary::mul_tr::mul_tr;
pub use elementary::neg::neg;
pub use elementary::outer::outer;
pub use elementary::quadratic_form::quadratic_form;
pub use elementary::reshape::reshape;
pub use elementary::row_logsumexp::row_logsumexp;
pub use elementary::row_sum::row_sum;
pub use elementary::scale::scale;
pub use elementary::select_columns::select_columns;
pub use elementary::select_rows::select_rows;
pub use elementary::softmax::softmax;
pub use elementary::sub::sub;
pub use elementary::sum::sum;
pub use elementary::symmetric_part::symmetric_part;
pub use elementary::tr_mul::tr_mul;
pub use elementary::trace::trace;
pub use elementary::transpose::transpose;
pub use elementary::unscale::unscale;
pub use elementary::upper_triangle::upper_triangle;
pub use elementary::variance::variance;
pub use elementary::view::view;
pub use elementary::vstack::vstack;
pub use equations::continuous_lyapunov::continuous_lyapunov;
pub use equations::continuous_riccati::continuous_riccati;
pub use equations::discrete_lyapunov::discrete_lyapunov;
pub use equations::discrete_riccati::discrete_riccati;
pub use equations::sylvester::sylvester;
pub use error::Error;
pub use function::cos::cos;
pub use function::cosh::cosh;
pub use function::exp::exp;
pub use function::exp_action::exp_action;
pub use function::ln::ln;
pub use function::pow::pow;
pub use function::powf::powf;
pub use function::scalar_function::ScalarFunction;
pub use function::sign::sign;
pub use function::sin::sin;
pub use function::sinh::sinh;
pub use function::sqrt::sqrt;
pub use function::symmetric_function::symmetric_function;
pub use implicit::{
    ConjugateGradients, Dense, Gmres, Implicit, ImplicitError, LinearSolver, fixed_point, minimum,
    root,
};
pub use matrix::{
    Beside, By, Constant, Divisor, EachColumn, EachRow, EntryArgument, EntryIndex, Formula, Matrix,
    MatrixError, MatrixFamily, PlainNumber, RowVector, Spread, Stored, Term, Times, Vector,
    constant_matmul, elementwise_2, elementwise_3, elementwise_4, elementwise_5, elementwise_6,
    fuse_1, fuse_2, fuse_3, fuse_4, fuse_5, fuse_6, matmul_constant,
};
pub use norms::condition_number::condition_number;
pub use norms::lp_norm::lp_norm;
pub use norms::norm::norm;
pub use norms::norm_inf::norm_inf;
pub use norms::norm_squared::norm_squared;
pub use norms::normalize::normalize;
pub use norms::nuclear_norm::nuclear_norm;
pub use norms::one_norm::one_norm;
pub use norms::spectral_norm::spectral_norm;
#[cfg(feature = "levenberg-marquardt")]
pub use optimise::LeastSquares;
pub use optimise::{Adam, Lbfgs, OdeFunction, OptimiseError, Optimum};
#[cfg(feature = "argmin")]
pub use optimise::{ArgminProblem, ArgminVector, ByProducts, HessianProducts};
pub use statistics::covariance::covariance;
pub use statistics::mvn_ln_pdf::mvn_ln_pdf;
pub use systems::cholesky_solve::cholesky_solve;
pub use systems::inverse::inverse;
pub use systems::lblt_solve::lblt_solve;
pub use systems::lstsq::lstsq;
pub use systems::lu_solve::lu_solve;
pub use systems::pseudo_inverse::pseudo_inverse;
pub use systems::solve::solve;
pub use systems::toeplitz_solve::toeplitz_solve;
pub use systems::triangular::{solve_lower_triangular, solve_triangular, solve_upper_triangular};
pub use systems::tridiagonal_solve::tridiagonal_solve;
pub use systems::udu_solve::udu_solve;
pub use updates::cholesky_rank_one_update::cholesky_rank_one_update;
pub use updates::householder_product::householder_product;
