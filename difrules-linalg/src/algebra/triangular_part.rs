//! Triangles of matrices, and products of which only one is wanted.

use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::blas::options::{Diagonal, Triangle};
use crate::block::multiply;

/// The size at which a recursion on blocks ends.
pub(crate) const SMALL: usize = 16;

/// One triangle of C <- alpha A B^H + C; the rest of C is not touched.
#[inline(never)]
pub(crate) fn add_outer<T: Scalar>(
    triangle: Triangle,
    alpha: T,
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let size = c.nrows();
    let rows = |j: usize| match triangle {
        Triangle::Lower => (j, size - j),
        Triangle::Upper => (0, j + 1),
    };
    if T::Real::BASE && (SMALL / 2..=SMALL).contains(&size) && a.ncols() >= SMALL / 4 {
        // Both triangles at once are faster than one by loops.
        let mut memory = [T::zero(); SMALL * SMALL];
        let mut both = DMatrixViewMut::from_slice(&mut memory[..size * size], size, size);
        multiply(alpha, (a, false), (b, true), T::zero(), &mut both);
        for j in 0..size {
            let (first, count) = rows(j);
            let (mut column, both) = (c.column_mut(j), both.column(j));
            column.rows_mut(first, count).axpy(T::one(), &both.rows(first, count), T::one());
        }
        return;
    }
    if size <= SMALL || a.ncols() < SMALL / 4 {
        for j in 0..size {
            let (first, count) = rows(j);
            for k in 0..a.ncols() {
                let factor = alpha * b[(j, k)].conjugate();
                if !factor.is_constant_zero() {
                    let mut column = c.column_mut(j);
                    let mut part = column.rows_mut(first, count);
                    part.axpy(factor, &a.column(k).rows(first, count), T::one());
                }
            }
        }
        return;
    }
    let half = size / 2;
    let rest = size - half;
    let (a1, a2) = (a.rows(0, half), a.rows(half, rest));
    let (b1, b2) = (b.rows(0, half), b.rows(half, rest));
    add_outer(triangle, alpha, a1, b1, &mut c.view_mut((0, 0), (half, half)));
    let (left, right, mut between) = match triangle {
        Triangle::Lower => (a2, b1, c.view_mut((half, 0), (rest, half))),
        Triangle::Upper => (a1, b2, c.view_mut((0, half), (half, rest))),
    };
    multiply(alpha, (left, false), (right, true), T::one(), &mut between);
    add_outer(triangle, alpha, a2, b2, &mut c.view_mut((half, half), (rest, rest)));
}

/// What is beside the diagonal in one triangle of C <- alpha A B^H + C; the rest of C is not touched.
pub(crate) fn add_strict_outer<T: Scalar>(
    triangle: Triangle,
    alpha: T,
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    // It is a triangle with the diagonal of a block that is smaller by a row and a column.
    let Some(size) = c.nrows().checked_sub(1) else { return };
    let (i, j) = if triangle == Triangle::Lower { (1, 0) } else { (0, 1) };
    let mut c = c.view_mut((i, j), (size, size));
    add_outer(triangle, alpha, a.rows(i, size), b.rows(j, size), &mut c);
}

/// The triangle that a triangular argument has, with zeros elsewhere and, for a unit diagonal, on it.
pub(crate) fn active<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(
    triangle: Triangle,
    diagonal: Diagonal,
    matrix: &Matrix<T, R, C, S>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut active = matrix.clone_owned();
    match triangle {
        Triangle::Lower => active.fill_upper_triangle(T::zero(), 1),
        Triangle::Upper => active.fill_lower_triangle(T::zero(), 1),
    }
    if diagonal == Diagonal::Unit {
        active.fill_diagonal(T::zero());
    }
    active
}
