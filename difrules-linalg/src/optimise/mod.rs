#![doc = include_str!("optimise.md")]

mod adam;
#[cfg(feature = "argmin")]
mod argmin;
mod lbfgs;
#[cfg(feature = "levenberg-marquardt")]
mod levenberg_marquardt;
mod ode;

#[cfg(feature = "argmin")]
pub use self::argmin::{ArgminProblem, ArgminVector, ByProducts, HessianProducts};
#[cfg(feature = "levenberg-marquardt")]
pub use self::levenberg_marquardt::LeastSquares;
pub use adam::Adam;
pub use lbfgs::{Lbfgs, OptimiseError, Optimum};
pub use ode::OdeFunction;
