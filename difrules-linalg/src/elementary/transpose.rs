use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::sample;

/// A^T.
///
/// # Derivation
/// dY = dA^T, so A_bar = Y_bar^T.
///
/// ```
/// use difrules_linalg::transpose;
/// use nalgebra::dmatrix;
///
/// assert_eq!(transpose(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 3.0; 2.0, 4.0]);
/// ```
#[primitive(
    forward = transpose_forward,
    reverse = transpose_reverse,
    reads(),
    direct,
    resting,
    pattern(linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn transpose<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    a.transpose()
}

fn transpose_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    a_dot.transpose()
}

fn transpose_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (i, column) in y_bar.column_iter().enumerate() {
            a_bar.row_mut(i).iter_mut().zip(column.iter()).for_each(|(a_bar, &x)| *a_bar += x);
        }
    }
}
