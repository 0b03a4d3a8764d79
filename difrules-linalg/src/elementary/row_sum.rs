use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, RowOVector, U1};

use crate::block::kept_sum;
use crate::sample;

/// The sum of the rows.
///
/// # Derivation
/// dy_j = sum_i dA_ij, so every row of A_bar is y_bar.
///
/// ```
/// use difrules_linalg::row_sum;
/// use nalgebra::{RowDVector, dmatrix};
///
/// assert_eq!(row_sum(&dmatrix![1.0, 2.0; 3.0, 4.0]), RowDVector::from_vec(vec![4.0, 6.0]));
/// ```
#[primitive(
    forward = row_sum_forward,
    reverse = row_sum_reverse,
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
pub fn row_sum<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    a.row_sum()
}

fn row_sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let (_, columns) = a_dot.shape_generic();
    RowOVector::from_fn_generic(U1, columns, |_, j| kept_sum(a_dot.column(j).iter()))
}

fn row_sum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, RowOVector<T, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (mut column, &y_bar) in a_bar.column_iter_mut().zip(y_bar.iter()) {
            column.add_scalar_mut(y_bar);
        }
    }
}
