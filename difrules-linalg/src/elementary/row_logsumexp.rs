use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, RowOVector, U1};

use super::logsumexp::{add_shares, weighted_sum};
use super::softmax::shares;
use crate::block::numbers_mut;
use crate::sample;

/// ln(sum exp(a)) of the entries of each column, without overflow: a row, as [`row_sum`](fn@crate::row_sum) is; of all
/// entries it is [`logsumexp`](fn@crate::logsumexp), which says what is at the ends of the range.
///
/// # Derivation
/// In each column dy = sum_i s_i da_i with the shares s = exp(a - y) of [`softmax`](fn@crate::softmax), which are saved,
/// so a_bar = y_bar conj(s).
///
/// ```
/// use difrules_linalg::row_logsumexp;
/// use nalgebra::{RowDVector, dmatrix};
///
/// let y = row_logsumexp(&dmatrix![1000.0, 0.0; 1000.0, -1000.0]);
/// assert_eq!(y, RowDVector::from_vec(vec![1000.0 + 2.0_f64.ln(), 0.0]));
/// ```
#[primitive(
    forward = row_logsumexp_forward,
    reverse = row_logsumexp_reverse,
    saves = row_logsumexp_and_shares -> OMatrix<T, R, C>,
    reads(),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::not_empty
)]
pub fn row_logsumexp<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    row_logsumexp_and_shares(a).0
}

fn row_logsumexp_and_shares<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (RowOVector<T, C>, OMatrix<T, R, C>)
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let (rows, columns) = a.shape();
    let mut shares_of_a = a.copied();
    let all: &mut [T] = shares_of_a.as_mut_slice();
    let column = |j: usize| j * rows..(j + 1) * rows;
    let y = (0..columns).map(|j| shares(&mut all[column(j)]));
    (RowOVector::from_iterator_generic(U1, a.shape_generic().1, y), shares_of_a)
}

fn row_logsumexp_forward<T: Scalar, R: Dim, C: Dim>(
    shares: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let (rows, (_, columns)) = (a_dot.nrows(), a_dot.shape_generic());
    let column = |j: usize| j * rows..(j + 1) * rows;
    RowOVector::from_fn_generic(U1, columns, |_, j| {
        weighted_sum(&shares.as_slice()[column(j)], &a_dot.as_slice()[column(j)])
    })
}

fn row_logsumexp_reverse<T: Scalar, R: Dim, C: Dim>(
    shares: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, RowOVector<T, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        let (rows, a_bar) = (shares.nrows(), numbers_mut(&mut a_bar));
        for (j, &y_bar) in y_bar.iter().enumerate() {
            let column = j * rows..(j + 1) * rows;
            add_shares(y_bar, &shares.as_slice()[column.clone()], &mut a_bar[column]);
        }
    }
}
