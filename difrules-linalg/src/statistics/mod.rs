//! Densities and moments.

pub(crate) mod covariance;
pub(crate) mod mvn_ln_pdf;
