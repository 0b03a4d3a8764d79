//! Entry by entry, products, and rearrangements.

pub(crate) mod add;
pub(crate) mod adjoint;
pub(crate) mod component_mul;
pub(crate) mod diagonal;
pub(crate) mod matmul;
pub(crate) mod neg;
pub(crate) mod scale;
pub(crate) mod sub;
pub(crate) mod sum;
pub(crate) mod symmetric_part;
pub(crate) mod tr_mul;
pub(crate) mod trace;
pub(crate) mod transpose;
pub(crate) mod unscale;
