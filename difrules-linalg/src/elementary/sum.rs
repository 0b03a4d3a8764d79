use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::block::{add_everywhere, kept_sum, numbers_mut};
use crate::sample;

/// The sum of all entries of a matrix of any storage.
///
/// # Derivation
/// dy = sum_ij dA_ij, so every entry of A_bar is y_bar.
///
/// ```
/// use difrules_linalg::sum;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(sum(&a), 10.0);
/// assert_eq!(sum(&a.row(1)), 7.0);
/// ```
#[primitive(
    forward = sum_forward,
    reverse = sum_reverse,
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
pub fn sum<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(a: &Matrix<T, R, C, S>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    a.sum()
}

fn sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    kept_sum(a_dot.as_slice().iter())
}

fn sum_reverse<T: Scalar, R: Dim, C: Dim>(y_bar: T, a_bar: Slot<'_, OMatrix<T, R, C>>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((mut a_bar, untouched)) = a_bar.uncleared() else { return };
    add_everywhere(y_bar, numbers_mut(&mut a_bar), untouched);
}
