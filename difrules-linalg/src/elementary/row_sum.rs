use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, RowOVector, U1};

use crate::block::{add_everywhere, numbers_mut, rests, still};
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
    let (_, columns) = a.shape_generic();
    let mut y = RowOVector::zeros_generic(U1, columns);
    let (rows, sums) = (a.nrows(), y.as_mut_slice());
    let column = |j: usize| &a.as_slice()[j * rows..][..rows];
    // An addition waits for the one before, and not for those of other columns.
    let whole = sums.len() - sums.len() % COLUMNS;
    for first in (0..whole).step_by(COLUMNS) {
        let side_by_side: [&[T]; COLUMNS] = std::array::from_fn(|k| column(first + k));
        let mut together = [T::zero(); COLUMNS];
        for i in 0..rows {
            together.iter_mut().zip(side_by_side).for_each(|(sum, column)| *sum += column[i]);
        }
        sums[first..][..COLUMNS].copy_from_slice(&together);
    }
    for (j, sum) in sums.iter_mut().enumerate().skip(whole) {
        *sum = column(j).iter().fold(T::zero(), |sum, &x| sum + x);
    }
    y
}

/// So many columns are summed up side by side.
const COLUMNS: usize = 4;

fn row_sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let mut y_dot = row_sum(a_dot);
    for (y_dot, column) in y_dot.iter_mut().zip(a_dot.column_iter()) {
        if rests(column) {
            *y_dot = still();
        }
    }
    y_dot
}

fn row_sum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, RowOVector<T, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let Some((mut a_bar, untouched)) = a_bar.uncleared() else { return };
    let (rows, a_bar) = (a_bar.nrows(), numbers_mut(&mut a_bar));
    for (j, &y_bar) in y_bar.iter().enumerate() {
        add_everywhere(y_bar, &mut a_bar[j * rows..][..rows], untouched);
    }
}
