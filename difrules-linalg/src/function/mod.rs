//! Functions of a matrix.

pub(crate) mod cos;
pub(crate) mod cosh;
mod divided_differences;
pub(crate) mod exp;
pub(crate) mod exp_action;
pub(crate) mod ln;
pub(crate) mod pow;
pub(crate) mod powf;
pub(crate) mod scalar_function;
pub(crate) mod sign;
pub(crate) mod sin;
pub(crate) mod sinh;
pub(crate) mod sqrt;
pub(crate) mod symmetric_function;
