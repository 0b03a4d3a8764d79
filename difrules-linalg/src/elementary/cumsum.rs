use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{numbers, numbers_mut};
use crate::sample;

/// The sums of the entries of each column down to each row.
///
/// # Derivation
/// y_i = y_{i-1} + a_i in each column, so dy_i is the sum of the da_k with k <= i, and a_bar_k that of the y_bar_i
/// with i >= k: a cumulative sum upwards.
///
/// ```
/// use difrules_linalg::cumsum;
/// use nalgebra::dmatrix;
///
/// assert_eq!(cumsum(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 2.0; 4.0, 6.0]);
/// ```
#[primitive(
    forward = cumsum_forward,
    reverse = cumsum_reverse,
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
pub fn cumsum<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    cumulated(a)
}

fn cumulated<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = a.copied();
    for mut column in y.column_iter_mut() {
        for i in 1..column.len() {
            let above = column[i - 1];
            column[i] = above + column[i];
        }
    }
    y
}

// A sum of what rests does too, and that of anything else does not.
fn cumsum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    cumulated(a_dot)
}

fn cumsum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let rows = a_bar.nrows().max(1);
    let columns = numbers(&y_bar).chunks_exact(rows);
    for (a_bar, y_bar) in numbers_mut(&mut a_bar).chunks_exact_mut(rows).zip(columns) {
        let mut below = T::zero();
        for (a_bar, &y_bar) in a_bar.iter_mut().zip(y_bar).rev() {
            below = y_bar + below;
            *a_bar += below;
        }
    }
}
