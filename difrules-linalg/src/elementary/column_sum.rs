use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, OVector};

use crate::block::{rests, still};
use crate::sample;

/// The sum of the columns.
///
/// # Derivation
/// dy_i = sum_j dA_ij, so every column of A_bar is y_bar.
///
/// ```
/// use difrules_linalg::column_sum;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(column_sum(&dmatrix![1.0, 2.0; 3.0, 4.0]), dvector![3.0, 7.0]);
/// ```
#[primitive(
    forward = column_sum_forward,
    reverse = column_sum_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn column_sum<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OVector<T, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    a.column_sum()
}

fn column_sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OVector<T, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let mut y_dot = a_dot.column_sum();
    for (y_dot, row) in y_dot.iter_mut().zip(a_dot.row_iter()) {
        if rests(row) {
            *y_dot = still();
        }
    }
    y_dot
}

fn column_sum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OVector<T, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for mut column in a_bar.column_iter_mut() {
            column += &y_bar;
        }
    }
}
