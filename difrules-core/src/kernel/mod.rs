//! What kernels are written with: matrices of any storage as column-major blocks, and products of the parts of
//! numbers.

mod products;

pub use crate::cast::{
    column_major_slice, column_major_slice_mut, column_major_view, column_major_view_mut,
    native_gemm,
};
pub use products::{PlainProduct, add_product_of_parts};
