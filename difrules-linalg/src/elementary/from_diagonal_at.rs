use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, Dyn, OMatrix, OVector};

use crate::block::still;

/// The square matrix with this diagonal, `offset` places right of the main one, or left where that is negative, and zeros
/// elsewhere; without an offset it is [`from_diagonal`](fn@crate::from_diagonal).
///
/// # Derivation
/// The entries of dA on that diagonal are dd_i, the others zero, so d_bar_i is the entry of A_bar there.
///
/// ```
/// use difrules_linalg::from_diagonal_at;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(from_diagonal_at(&dvector![5.0], -1), dmatrix![0.0, 0.0; 5.0, 0.0]);
/// ```
#[primitive(
    forward = from_diagonal_at_forward,
    reverse = from_diagonal_at_reverse,
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
    alias("from_diagonal")
)]
pub fn from_diagonal_at<T: Scalar, D: Dim>(d: &OVector<T, D>, offset: isize) -> OMatrix<T, Dyn, Dyn>
where
    DefaultAllocator: Allocator<D> + Allocator<Dyn, Dyn>,
{
    with_diagonal(d, offset, T::zero())
}

/// The matrix with this diagonal and the same number everywhere else.
fn with_diagonal<T: Scalar, D: Dim>(
    d: &OVector<T, D>,
    offset: isize,
    beside: T,
) -> OMatrix<T, Dyn, Dyn>
where
    DefaultAllocator: Allocator<D> + Allocator<Dyn, Dyn>,
{
    let (row, column) = corner(offset);
    let size = d.len() + row + column;
    let mut a = OMatrix::repeat_generic(Dyn(size), Dyn(size), beside);
    for (i, &d) in d.iter().enumerate() {
        a[(row + i, column + i)] = d;
    }
    a
}

/// The row and the column in which a diagonal begins.
pub(super) fn corner(offset: isize) -> (usize, usize) {
    let distance = offset.unsigned_abs();
    if offset < 0 { (distance, 0) } else { (0, distance) }
}

fn from_diagonal_at_forward<T: Scalar, D: Dim>(
    offset: isize,
    d_dot: &OVector<T, D>,
) -> OMatrix<T, Dyn, Dyn>
where
    DefaultAllocator: Allocator<D> + Allocator<Dyn, Dyn>,
{
    with_diagonal(d_dot, offset, still())
}

fn from_diagonal_at_reverse<T: Scalar, D: Dim>(
    offset: isize,
    a_bar: Cotangent<'_, OMatrix<T, Dyn, Dyn>>,
    d_bar: Slot<'_, OVector<T, D>>,
) where
    DefaultAllocator: Allocator<D> + Allocator<Dyn, Dyn>,
{
    if let Some(mut d_bar) = d_bar.buffer() {
        let (row, column) = corner(offset);
        for (i, d_bar) in d_bar.iter_mut().enumerate() {
            *d_bar += a_bar[(row + i, column + i)];
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DVector<T>, isize) {
    let rows = random.size(0, 3);
    (random.vector(rows), random.choose(&[0, 1, -1, 2, -2]))
}
