use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use super::lower_triangle::{add_triangle, triangle};
use crate::blas::options::Triangle;
use crate::block::still;
use crate::sample;

/// The upper triangle with the diagonal, and zeros below; of a rectangular matrix too.
///
/// # Derivation
/// dY is the upper triangle of dA, so A_bar is that of Y_bar: what is not of the triangle has no derivative.
///
/// ```
/// use difrules_linalg::upper_triangle;
/// use nalgebra::dmatrix;
///
/// assert_eq!(upper_triangle(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 2.0; 0.0, 4.0]);
/// ```
#[primitive(
    forward = upper_triangle_forward,
    reverse = upper_triangle_reverse,
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
pub fn upper_triangle<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    triangle(Triangle::Upper, a, T::zero())
}

fn upper_triangle_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    triangle(Triangle::Upper, a_dot, still())
}

fn upper_triangle_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    add_triangle(Triangle::Upper, y_bar, a_bar);
}
