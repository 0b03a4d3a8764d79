//! Scalar primitives, a file a family.
//!
//! Each is generic over the real scalar and called like any function; the `RealField` methods of
//! [`Dual`](crate::Dual) and [`Var`](crate::Var) call them. At a kink the rule takes the
//! subgradient that its documentation names.

mod exponential;
mod hyperbolic;
mod power;
mod rounding;
mod trigonometric;

pub use exponential::{exp, exp_m1, exp2, ln, ln_1p, log2, log10};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use power::{abs, cbrt, hypot, max, min, mul_add, powf, powi, recip, signum, sqrt};
pub use rounding::{ceil, floor, fract, rem, round, trunc};
pub use trigonometric::{acos, asin, atan, atan2, cos, sin, tan};
