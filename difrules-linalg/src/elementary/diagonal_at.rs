use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix, OVector, U1};

use super::from_diagonal_at::corner;

/// The entries of a diagonal as a vector: `offset` places right of the main one, or left where that is negative. It is
/// empty where the matrix has no such diagonal; without an offset it is [`diagonal`](fn@crate::diagonal).
///
/// # Derivation
/// dy_i is the entry of dA in the same place, so A_bar has y_bar_i there, and zero elsewhere.
///
/// ```
/// use difrules_linalg::diagonal_at;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// assert_eq!(diagonal_at(&a, 1), dvector![2.0, 6.0]);
/// assert_eq!(diagonal_at(&a, -1), dvector![4.0]);
/// ```
#[primitive(
    forward = diagonal_at_forward,
    reverse = diagonal_at_reverse,
    reads(offset),
    constant(offset),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample,
    alias("diagonal")
)]
pub fn diagonal_at<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    offset: isize,
) -> OVector<T, Dyn>
where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn>,
{
    diagonal_at_forward(offset, a)
}

fn diagonal_at_forward<T: Scalar, R: Dim, C: Dim>(
    offset: isize,
    a_dot: &OMatrix<T, R, C>,
) -> OVector<T, Dyn>
where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn>,
{
    let (row, column) = corner(offset);
    let (rows, columns) = a_dot.shape();
    let count = rows.saturating_sub(row).min(columns.saturating_sub(column));
    OVector::from_fn_generic(Dyn(count), U1, |i, _| a_dot[(row + i, column + i)])
}

fn diagonal_at_reverse<T: Scalar, R: Dim, C: Dim>(
    offset: isize,
    y_bar: Cotangent<'_, OVector<T, Dyn>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        let (row, column) = corner(offset);
        for (i, &y_bar) in y_bar.iter().enumerate() {
            a_bar[(row + i, column + i)] += y_bar;
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, isize) {
    let (rows, columns) = (random.size(0, 4), random.size(0, 4));
    (random.matrix(rows, columns), random.choose(&[0, 1, -1, 2, -3]))
}
