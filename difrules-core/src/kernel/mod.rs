//! What kernels are written with: matrices of any storage as column-major blocks, products of plain numbers and of the
//! parts of others, and loops with vector instructions.

mod copied;
mod gemm;
mod products;
mod vectorised;

pub use crate::cast::{
    column_major_slice, column_major_slice_mut, column_major_view, column_major_view_mut,
};
pub(crate) use copied::copied;
pub use gemm::{Factor, native_gemm};
pub use products::{PlainProduct, add_product_of_parts};
pub use vectorised::vectorised;
