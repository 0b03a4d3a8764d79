//! Elementary functions, a file a family.

mod arithmetic;
mod choice;
mod complex;
mod degrees;
mod exponential;
mod hyperbolic;
pub(super) mod logarithmic;
mod power;
mod radial;
mod rounding;
mod sine_and_cosine;
mod trigonometric;

pub use arithmetic::{
    Rounding, abs2, add, div, ldexp, mod2pi, modulo, mul, mul_add, neg, pos, rem2pi, sub,
};
pub use choice::{clamp, copysign, maximum, minimum, select};
pub use degrees::{
    acosd, acotd, acscd, asecd, asind, atand, cosd, cotd, cscd, secd, sind, tand, to_degrees,
    to_radians,
};
pub use exponential::{
    exp, exp_m1, exp2, exp10, exprel, ln, ln_1p, log_base, log_base_derivative, log2, log10,
};
pub use hyperbolic::{
    acosh, acoth, acsch, asech, asinh, atanh, cosh, coth, csch, sech, sinh, tanh,
};
pub use logarithmic::{
    log1mexp, log1pexp, log1pmx, log1psq, log2mexp, logaddexp, logexpm1, logistic, logit, logmxp1,
    logsubexp, over_power, xlog1py, xlogx, xlogy,
};
pub use power::{
    abs, cbrt, hypot, left_div, max, min, power_by_logarithm, powf, powi, recip, signum, sqrt,
};
pub use radial::{hypot_derivative, ln_hypot_derivative};
pub use rounding::{ceil, floor, fract, rem, round, trunc};
pub use sine_and_cosine::sin_cos;
pub use trigonometric::{
    acos, acot, acsc, asec, asin, atan, atan2, cos, cosm1, cospi, cot, csc, direction_cosine,
    over_square, sec, sin, sinc, sinpi, tan,
};
