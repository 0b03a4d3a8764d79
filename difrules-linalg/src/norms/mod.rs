//! Norms, and what is made of them.

pub(crate) mod condition_number;
pub(crate) mod lp_norm;
pub(crate) mod norm;
pub(crate) mod norm_inf;
pub(crate) mod norm_squared;
pub(crate) mod normalize;
pub(crate) mod nuclear_norm;
pub(crate) mod one_norm;
pub(crate) mod spectral_norm;
