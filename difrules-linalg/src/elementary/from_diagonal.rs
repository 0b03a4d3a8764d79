use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::block::still;

/// The square matrix with this diagonal and zeros elsewhere.
///
/// # Derivation
/// dA_ii = dd_i, and zero elsewhere, so d_bar_i = A_bar_ii.
///
/// ```
/// use difrules_linalg::from_diagonal;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(from_diagonal(&dvector![1.0, 2.0]), dmatrix![1.0, 0.0; 0.0, 2.0]);
/// ```
#[primitive(
    forward = from_diagonal_forward,
    reverse = from_diagonal_reverse,
    reads(),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn from_diagonal<T: Scalar, D: Dim>(d: &OVector<T, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    OMatrix::from_diagonal(d)
}

fn from_diagonal_forward<T: Scalar, D: Dim>(d_dot: &OVector<T, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    let (size, _) = d_dot.shape_generic();
    let mut y_dot = OMatrix::repeat_generic(size, size, still());
    d_dot.iter().enumerate().for_each(|(i, &d_dot)| y_dot[(i, i)] = d_dot);
    y_dot
}

fn from_diagonal_reverse<T: Scalar, D: Dim>(
    a_bar: Cotangent<'_, OMatrix<T, D, D>>,
    d_bar: Slot<'_, OVector<T, D>>,
) where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    if let Some(mut d_bar) = d_bar.buffer() {
        for (i, d_bar) in d_bar.iter_mut().enumerate() {
            *d_bar += a_bar[(i, i)];
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> DVector<T> {
    let rows = random.size(0, 5);
    random.vector(rows)
}
