//! Factors from other factors.

pub(crate) mod cholesky_rank_one_update;
pub(crate) mod householder_product;
