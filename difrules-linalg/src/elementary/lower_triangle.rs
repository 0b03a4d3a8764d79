use std::ops::Range;

use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::options::Triangle;
use crate::block::{add_to, numbers, numbers_mut, still};
use crate::sample;

/// The lower triangle with the diagonal, and zeros above; of a rectangular matrix too.
///
/// # Derivation
/// dY is the lower triangle of dA, so A_bar is that of Y_bar: what is not of the triangle has no derivative.
///
/// ```
/// use difrules_linalg::lower_triangle;
/// use nalgebra::dmatrix;
///
/// assert_eq!(lower_triangle(&dmatrix![1.0, 2.0; 3.0, 4.0]), dmatrix![1.0, 0.0; 3.0, 4.0]);
/// ```
#[primitive(
    forward = lower_triangle_forward,
    reverse = lower_triangle_reverse,
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
pub fn lower_triangle<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    triangle(Triangle::Lower, a, T::zero())
}

fn lower_triangle_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    triangle(Triangle::Lower, a_dot, still())
}

fn lower_triangle_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    add_triangle(Triangle::Lower, y_bar, a_bar);
}

/// The rows of a column that are of a triangle.
fn rows_of(triangle: Triangle, column: usize, rows: usize) -> Range<usize> {
    match triangle {
        Triangle::Lower => column.min(rows)..rows,
        Triangle::Upper => 0..(column + 1).min(rows),
    }
}

/// The triangle of a matrix, with the same number everywhere else.
pub(super) fn triangle<T: Scalar, R: Dim, C: Dim>(
    triangle: Triangle,
    a: &OMatrix<T, R, C>,
    beside: T,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (mut y, rows) = (a.copied(), a.nrows());
    for j in 0..a.ncols() {
        let (inside, column) =
            (rows_of(triangle, j, rows), &mut y.as_mut_slice()[j * rows..][..rows]);
        column[..inside.start].fill(beside);
        column[inside.end..].fill(beside);
    }
    y
}

/// Adds the triangle of a cotangent to an adjoint.
pub(super) fn add_triangle<T: Scalar, R: Dim, C: Dim>(
    triangle: Triangle,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (rows, columns) = a_bar.shape();
    let (y_bar, a_bar) = (numbers(&y_bar), numbers_mut(&mut a_bar));
    for j in 0..columns {
        let inside = rows_of(triangle, j, rows);
        let column = j * rows + inside.start..j * rows + inside.end;
        add_to(&y_bar[column.clone()], &mut a_bar[column], |_, y_bar| y_bar);
    }
}
