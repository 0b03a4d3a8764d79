//! Scalar primitives, a file a family.
//!
//! Each is generic over the real scalar and called like any function; the `RealField` methods of
//! [`Dual`](crate::Dual) and [`Var`](crate::Var) call them. At a kink the rule takes the
//! subgradient that its documentation names.

mod degrees;
mod exponential;
mod hyperbolic;
mod logarithmic;
mod power;
mod rounding;
mod trigonometric;

pub use degrees::{
    acosd, acotd, acscd, asecd, asind, atand, cosd, cotd, cscd, secd, sind, tand, to_degrees,
    to_radians,
};
pub use exponential::{exp, exp_m1, exp2, exp10, ln, ln_1p, log_base, log2, log10};
pub use hyperbolic::{
    acosh, acoth, acsch, asech, asinh, atanh, cosh, coth, csch, sech, sinh, tanh,
};
pub use logarithmic::{
    log1mexp, log1pexp, log1pmx, log1psq, log2mexp, logaddexp, logexpm1, logistic, logit, logmxp1,
    logsubexp, xlog1py, xlogx, xlogy,
};
pub use power::{
    abs, abs2, cbrt, hypot, left_div, max, min, mul_add, powf, powi, recip, signum, sqrt,
};
pub use rounding::{ceil, floor, fract, rem, round, trunc};
pub use trigonometric::{
    acos, acot, acsc, asec, asin, atan, atan2, cos, cospi, cot, csc, sec, sin, sinc, sinpi, tan,
};
