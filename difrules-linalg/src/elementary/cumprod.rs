use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{along_factor, chain, numbers, numbers_mut};
use crate::sample;

/// The products of the entries of each column down to each row.
///
/// # Derivation
/// y_i = y_{i-1} a_i in each column, with y_{-1} = 1: dy_i = dy_{i-1} a_i + y_{i-1} da_i. Backwards, with what comes to
/// y_i from below, w_i = y_bar_i + w_{i+1} conj(a_{i+1}): a_bar_i = w_i conj(y_{i-1}). Nothing is divided by an entry,
/// so entries that are zero, one or several, are as good as others, to any order.
///
/// ```
/// use difrules_core::gradient;
/// use difrules_linalg::cumprod;
/// use nalgebra::dvector;
///
/// assert_eq!(cumprod(&dvector![2.0, 3.0, 4.0]), dvector![2.0, 6.0, 24.0]);
/// assert_eq!(gradient(|a| cumprod(a)[2], &dvector![2.0, 0.0, 4.0]), dvector![0.0, 8.0, 0.0]);
/// ```
#[primitive(
    forward = cumprod_forward,
    reverse = cumprod_reverse,
    reads(a, return),
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
pub fn cumprod<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = a.copied();
    for mut column in y.column_iter_mut() {
        for i in 1..column.len() {
            let above = column[i - 1];
            column[i] = above * column[i];
        }
    }
    y
}

fn cumprod_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y_dot = a_dot.copied();
    for (j, mut column) in y_dot.column_iter_mut().enumerate() {
        for i in 1..column.len() {
            let above = along_factor(column[i - 1], a[(i, j)]);
            column[i] = above + along_factor(column[i], y[(i - 1, j)]);
        }
    }
    y_dot
}

fn cumprod_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let rows = a_bar.nrows().max(1);
    let columns = numbers(&y_bar).chunks_exact(rows);
    for (j, (a_bar, y_bar)) in
        numbers_mut(&mut a_bar).chunks_exact_mut(rows).zip(columns).enumerate()
    {
        let mut below = T::zero();
        for i in (0..rows).rev() {
            below = y_bar[i] + below;
            if i > 0 {
                a_bar[i] += chain(below, y[(i - 1, j)].conjugate());
                below = chain(below, a[(i, j)].conjugate());
            } else {
                a_bar[i] += below;
            }
        }
    }
}
