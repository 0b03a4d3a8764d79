//! Numbers that belong to a matrix.

pub(crate) mod condition_number;
pub(crate) mod determinant;
pub(crate) mod ln_abs_determinant;
pub(crate) mod ln_determinant;
pub(crate) mod lp_norm;
pub(crate) mod norm;
pub(crate) mod norm_inf;
pub(crate) mod normalize;
pub(crate) mod nuclear_norm;
pub(crate) mod one_norm;
pub(crate) mod spectral_norm;
