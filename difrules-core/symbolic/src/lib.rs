//! Expressions for derivative rules.
//!
//! The run time ([`difrules-core`](https://docs.rs/difrules-core), module `symbolic`) and the compile time
//! (`difrules-macros`: the partial derivatives of `#[primitive]`, and `derivative!`) work on expressions, and a
//! crate of macros can share no code but through a third one: this. Use it through `difrules_core::symbolic`.
//!
//! ```
//! use difrules_symbolic::Expr;
//!
//! let expression: Expr = "2 * x + x - sin(y)^2".parse()?;
//! assert_eq!(expression.simplify().to_string(), "3 * x - sin(y)^2");
//! # Ok::<(), difrules_symbolic::ParseError>(())
//! ```
#![forbid(unsafe_code)]

mod differentiate;
mod expr;
mod formula;
mod graph;
mod parse;
mod print;
mod simplify;

pub use differentiate::{DerivativeError, Rules};
pub use expr::{Arguments, CONSTANTS, Expr, NamedConstant, condition};
pub use formula::Formula;
pub use graph::{Node, Straight};
pub use parse::ParseError;
pub use print::{Latex, Rust, SExpression};
