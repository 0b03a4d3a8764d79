//! Why an implicit function has no value or no derivative.

use std::convert::Infallible;

use super::krylov::{CG, Unsolved};

/// Why [`root`](crate::root), [`fixed_point`](crate::fixed_point) or [`minimum`](crate::minimum) has no result: `S` is
/// what the solver fails with, `F` what the function does; what cannot fail has `Infallible` there.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImplicitError<S = Infallible, F = Infallible> {
    /// The solver's own error.
    #[error("{0}")]
    Solver(S),
    /// The function's own error.
    #[error("{0}")]
    Function(F),
    /// What the solver returned does not solve the equations.
    #[error(
        "the solver did not converge: equation {equation}, counting from 0, is {residual:e} where it was left, and \
         {scale:e} is what its terms make of a change of the unknowns by themselves"
    )]
    NotConverged {
        /// The equation that is solved worst, counting from 0.
        equation: usize,
        /// What is left of it; NaN where it is undefined there.
        residual: f64,
        /// How much it changes where the unknowns change by themselves.
        scale: f64,
    },
    /// The equations do not determine the unknowns to first order.
    #[error(
        "the Jacobian of the equations is singular at pivot {pivot}, counting from 0: they do not determine how the \
         unknowns change, so the solution has no derivative"
    )]
    Singular {
        /// The first pivot that is zero but for rounding, counting from 0.
        pivot: usize,
    },
    /// The Jacobian holds what is not finite.
    #[error("a derivative of equation {equation}, counting from 0, by an unknown is not finite")]
    NotFinite {
        /// The equation, counting from 0.
        equation: usize,
    },
    /// An iteration did not solve with the Jacobian.
    #[error(
        "{method} left {residual:e} of a right-hand side after {iterations} products with the Jacobian of the \
         equations: it is singular or ill-conditioned{}",
        also(method)
    )]
    NotSolved {
        /// The iteration.
        method: &'static str,
        /// After how many products it gave up.
        iterations: usize,
        /// What is left, relative to the right-hand side.
        residual: f64,
    },
    /// There have to be as many equations as unknowns.
    #[error("there are {equations} equations for {unknowns} unknowns: as many are needed")]
    Count {
        /// How many numbers the function returned.
        equations: usize,
        /// How many numbers the solver returned.
        unknowns: usize,
    },
}

/// What else may be wrong.
fn also(method: &str) -> &'static str {
    if method == CG { ", or not positive definite" } else { "" }
}

/// What is wrong with the equations or their Jacobian, whatever the solver fails with.
#[derive(Debug, Clone, PartialEq)]
pub enum Defect<F> {
    Function(F),
    Singular { pivot: usize },
    NotFinite { equation: usize },
    NotSolved(Unsolved),
}

impl<S, F> From<Defect<F>> for ImplicitError<S, F> {
    fn from(defect: Defect<F>) -> Self {
        match defect {
            Defect::Function(error) => Self::Function(error),
            Defect::Singular { pivot } => Self::Singular { pivot },
            Defect::NotFinite { equation } => Self::NotFinite { equation },
            Defect::NotSolved(Unsolved { method, iterations, residual }) => {
                Self::NotSolved { method, iterations, residual }
            }
        }
    }
}
