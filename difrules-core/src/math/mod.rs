//! Scalar primitives, a file a family.
//!
//! Each is generic over the real scalar and called like any function; the `RealField` methods of
//! [`Dual`](crate::Dual) and [`Var`](crate::Var) call them. The elementary ones of [`exp`](fn@exp), [`sin`](fn@sin),
//! [`sinh`](fn@sinh) and [`sqrt`](fn@sqrt) and their families take complex numbers too, and the functions of Hankel return
//! them. At a kink the rule takes the subgradient that its documentation names; a derivative that nobody knows, by the order
//! of a Bessel function say, is an error when it is asked for.
//!
//! [All of them in a table](table): derivatives, domains, values at the edges, errors against mpmath. DiffRules.jl's names
//! find them too: `find("SpecialFunctions.erf", 2)`.

mod activation;
mod airy;
mod arithmetic;
mod bessel;
mod beta_functions;
mod choice;
mod complex;
mod degrees;
mod elliptic;
mod error_function;
mod exponential;
mod gamma_functions;
mod hankel;
mod hyperbolic;
mod incomplete;
mod integrals;
mod inverse;
mod logarithmic;
mod normal;
mod power;
mod rounding;
mod sine_and_cosine;
mod trigonometric;

pub use activation::{gelu, huber, relu, silu, softplus};
pub use airy::{
    airyai, airyaiprime, airyaiprimex, airyaix, airybi, airybiprime, airybiprimex, airybix,
    scaled_airy_slope,
};
pub use arithmetic::{
    Rounding, abs2, add, div, ldexp, mod2pi, modulo, mul, mul_add, neg, pos, rem2pi, sub,
};
pub use bessel::{
    besseli, besselix, besselj, besselj0, besselj1, besseljx, besselk, besselkx, bessely, bessely0,
    bessely1, besselyx, scaled_bessel_slope,
};
pub use beta_functions::{beta, digamma_difference, ln_beta, trigamma_difference};
pub use choice::{clamp, copysign, maximum, minimum, select};
pub use degrees::{
    acosd, acotd, acscd, asecd, asind, atand, cosd, cotd, cscd, secd, sind, tand, to_degrees,
    to_radians,
};
pub use elliptic::{ellipe, ellipk};
pub use error_function::{
    dawson, dawson_derivative, erf, erf_between, erfc, erfc_ratio, erfcinv, erfcx, erfi, erfinv,
    logerfc, logerfcx,
};
pub use exponential::{exp, exp_m1, exp2, exp10, exprel, ln, ln_1p, log_base, log2, log10};
pub use gamma_functions::{digamma, gamma, invdigamma, ln_gamma, polygamma, trigamma, zeta};
pub use hankel::{besselh, besselhx, hankelh1, hankelh1x, hankelh2, hankelh2x};
pub use hyperbolic::{
    acosh, acoth, acsch, asech, asinh, atanh, cosh, coth, csch, sech, sinh, tanh,
};
pub use incomplete::{beta_density, betainc, gamma_density, gammainc_lower, gammainc_upper};
pub use integrals::{
    cosint, expint, expint_n, exprel_derivative, fresnel_c, fresnel_s, sici, sin_quotient, sinint,
    spence,
};
pub use inverse::{eccentric_anomaly, lambert_w, lambert_w_plus_one};
pub use logarithmic::{
    log1mexp, log1pexp, log1pmx, log1psq, log2mexp, logaddexp, logexpm1, logistic, logit, logmxp1,
    logsubexp, xlog1py, xlogx, xlogy,
};
pub use normal::{log_ndtr, ndtr, ndtri};
pub use power::{abs, cbrt, hypot, left_div, max, min, powf, powi, recip, signum, sqrt};
pub use rounding::{ceil, floor, fract, rem, round, trunc};
pub use sine_and_cosine::sin_cos;
pub use trigonometric::{
    acos, acot, acsc, asec, asin, atan, atan2, cos, cosm1, cospi, cot, csc, direction_cosine,
    over_square, sec, sin, sinc, sinpi, tan,
};

/// All of them in a table: derivatives, domains, edges, errors.
#[doc = include_str!("table.md")]
pub mod table {}

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

/// A function of two `f64`s at a plain scalar.
fn at_base_of_two<T: crate::Real>(x: T, y: T, f: impl FnOnce(f64, f64) -> f64) -> T {
    nalgebra::convert(f(plain(x), plain(y)))
}

/// A function of `f64`s at a plain scalar, where alone a primitive's own text is run.
pub(crate) fn at_base<T: crate::Real>(x: T, f: impl FnOnce(f64) -> f64) -> T {
    nalgebra::convert(f(plain(x)))
}

/// A plain number, or one that a mode does not vary, as an `f64`.
///
/// # Panics
/// If a mode varies it: the result would be a constant there.
fn plain<T: crate::Real>(x: T) -> f64 {
    let number = x.to_f64();
    assert!(
        T::BASE || x.is_same(nalgebra::convert(number)),
        "the text of this function computes with plain numbers, and is run at a number that varies in {}, whose derivatives it \
         would lose; call the function, which has rules, in place of its `primal`",
        std::any::type_name::<T>()
    );
    number
}

/// NaN with derivatives that are NaN: where a value is undefined, so are they.
#[cold]
pub(crate) fn undefined<T: crate::Real>(x: T) -> T {
    nalgebra::ComplexField::exp(x * nalgebra::convert(f64::NAN))
}
