//! Special functions, a file a family.

mod activation;
mod airy;
mod bessel;
mod beta_functions;
mod elliptic;
mod error_function;
mod gamma_functions;
mod hankel;
mod incomplete;
mod integrals;
mod inverse;
mod normal;

pub use activation::{gelu, huber, relu, silu, softplus};
pub use airy::{
    airyai, airyaiprime, airyaiprimex, airyaix, airybi, airybiprime, airybiprimex, airybix,
    scaled_airy_slope,
};
pub use bessel::{
    besseli, besselix, besselj, besselj0, besselj1, besseljx, besselk, besselkx, bessely, bessely0,
    bessely1, besselyx, scaled_bessel_slope,
};
pub use beta_functions::{
    beta, beta_curvature, beta_mixed_slope, beta_slope, digamma_difference, ln_beta,
    trigamma_difference,
};
pub use elliptic::{ellipe, ellipk};
pub use error_function::{
    dawson, dawson_derivative, erf, erf_between, erfc, erfc_ratio, erfcinv, erfcx, erfi, erfinv,
    logerfc, logerfcx,
};
pub use gamma_functions::{digamma, gamma, invdigamma, ln_gamma, polygamma, trigamma, zeta};
pub use hankel::{besselh, besselhx, hankelh1, hankelh1x, hankelh2, hankelh2x};
pub use incomplete::{beta_density, betainc, gamma_density, gammainc_lower, gammainc_upper};
pub use integrals::{
    cosint, expint, expint_n, exprel_derivative, fresnel_c, fresnel_s, sici, sin_quotient, sinint,
    spence,
};
pub use inverse::{eccentric_anomaly, lambert_w, lambert_w_plus_one};
pub use normal::{log_ndtr, ndtr, ndtri};
