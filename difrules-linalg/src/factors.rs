//! The shared mathematics of triangular factors of a general matrix: recursions on panels of columns
//! that end in small loops and do the rest by `gemm` and `trsm`, which every derivative mode
//! intercepts.

use difrules_core::Scalar;
use nalgebra::{DMatrixView, DMatrixViewMut};

use crate::blas::trsm::{Diagonal, Operation, Side, Triangle, trsm};
use crate::block::{FIT, multiply, solve};
use crate::error::Error;
use crate::triangle::{active, add_outer};

/// The number of columns at which a recursion on panels ends.
const SMALL: usize = 8;

/// B <- op(L)^-1 B for a unit lower triangular L, of which only what is below the diagonal is read.
pub(crate) fn solve_unit_lower<T: Scalar>(
    operation: Operation,
    l: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    trsm(Side::Left, Triangle::Lower, operation, Diagonal::Unit, T::one(), &l, b).expect(FIT);
}

/// Swaps row i with row `pivots[i]`, for each i in turn.
pub(crate) fn permute_rows<T: Scalar>(pivots: &[usize], b: &mut DMatrixViewMut<'_, T>) {
    for (i, &pivot) in pivots.iter().enumerate() {
        if i != pivot {
            b.swap_rows(i, pivot);
        }
    }
}

/// Undoes [`permute_rows`].
pub(crate) fn permute_rows_back<T: Scalar>(pivots: &[usize], b: &mut DMatrixViewMut<'_, T>) {
    for (i, &pivot) in pivots.iter().enumerate().rev() {
        if i != pivot {
            b.swap_rows(i, pivot);
        }
    }
}

/// Replaces A by L and U of P A = L U, packed; `pivots` has a place for each column of L and is
/// given the rows that P swaps. Each pivot is the largest entry of what is left of its column; where
/// all are zero, so is the pivot, and nothing is divided by it.
///
/// Toledo 1997, "Locality of reference in LU decomposition with partial pivoting".
pub(crate) fn lu_in_place<T: Scalar>(a: &mut DMatrixViewMut<'_, T>, pivots: &mut [usize]) {
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in 0..size {
            let pivot = k + a.view_range(k.., k).icamax();
            pivots[k] = pivot;
            a.swap_rows(k, pivot);
            let divisor = a[(k, k)];
            if divisor.norm1() == nalgebra::zero() {
                continue;
            }
            let (mut left, mut right) = a.columns_range_pair_mut(k..k + 1, k + 1..);
            let mut below = left.rows_range_mut(k + 1..);
            below.apply(|x| *x /= divisor);
            for mut column in right.column_iter_mut() {
                let factor = -column[k];
                column.rows_range_mut(k + 1..).axpy(factor, &below.column(0), T::one());
            }
        }
        return;
    }
    let half = size / 2;
    let (first, last) = pivots.split_at_mut(half);
    let (mut left, mut right) = a.columns_range_pair_mut(..half, half..);
    lu_in_place(&mut left, first);
    permute_rows(first, &mut right);
    let (l11, mut below) = left.rows_range_pair_mut(..half, half..);
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    solve_unit_lower(Operation::None, l11.as_view(), &mut upper);
    let factors = ((below.as_view(), false), (upper.as_view(), false));
    multiply(-T::one(), factors.0, factors.1, T::one(), &mut rest);
    lu_in_place(&mut rest, last);
    permute_rows(last, &mut below);
    for pivot in last {
        *pivot += half;
    }
}

/// What is divided by a pivot; where that is zero, nothing: the primal left the column as it was.
fn over_pivot<T: Scalar>(x: T, pivot: T) -> T {
    if pivot.norm1() == nalgebra::zero() { T::zero() } else { x / pivot }
}

/// The first pivot that is zero and has rows below it: the factors have no derivative then.
pub(crate) fn undefined_pivot<T: Scalar>(lu: DMatrixView<'_, T>) -> Option<usize> {
    let size = lu.ncols().min(lu.nrows().saturating_sub(1));
    (0..size).find(|&k| lu[(k, k)].norm1() == nalgebra::zero())
}

/// B <- A^-1 B or A^-H B from the packed factors of P A = L U.
///
/// # Errors
/// [`Error::Singular`] if a pivot is zero.
pub(crate) fn lu_solve_in_place<T: Scalar>(
    operation: Operation,
    lu: DMatrixView<'_, T>,
    pivots: &[usize],
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    if operation == Operation::None {
        permute_rows(pivots, b);
        solve_unit_lower(operation, lu, b);
        return solve(Side::Left, Triangle::Upper, operation, lu, b);
    }
    solve(Side::Left, Triangle::Upper, operation, lu, b)?;
    solve_unit_lower(operation, lu, b);
    permute_rows_back(pivots, b);
    Ok(())
}

/// Replaces the tangent of P A by that of its packed factors.
///
/// Differentiating the recursion: with P A = [A11 A12; A21 A22], L21 and U12 beside the first panel,
///
/// L11 U12 = A12 gives dU12 = L11^-1 (dA12 - dL11 U12), and what is left,
/// A22 - L21 U12 = L22 U22, has the tangent dA22 - dL21 U12 - L21 dU12. For one column,
/// du = da1 and dl = (da2 - l du) / u.
///
/// So only pivots with rows below them are divided by: the factors of a square matrix of rank n - 1
/// whose last pivot is the zero one have derivatives.
pub(crate) fn lu_forward<T: Scalar>(lu: DMatrixView<'_, T>, a_dot: &mut DMatrixViewMut<'_, T>) {
    let (rows, columns) = lu.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in 0..size {
            for i in k + 1..rows {
                let change = a_dot[(i, k)] - lu[(i, k)] * a_dot[(k, k)];
                a_dot[(i, k)] = over_pivot(change, lu[(k, k)]);
            }
            for j in k + 1..columns {
                for i in k + 1..rows {
                    let change = a_dot[(i, k)] * lu[(k, j)] + lu[(i, k)] * a_dot[(k, j)];
                    a_dot[(i, j)] -= change;
                }
            }
        }
        return;
    }
    let half = size / 2;
    let (rows, columns) = (rows - half, columns - half);
    let l11 = lu.view((0, 0), (half, half));
    let (l21, u12) = (lu.view((half, 0), (rows, half)), lu.view((0, half), (half, columns)));
    let (mut left, mut right) = a_dot.columns_range_pair_mut(..half, half..);
    lu_forward(lu.columns(0, half), &mut left);
    let (l11_dot, l21_dot) = left.rows_range_pair_mut(..half, half..);
    let l11_dot = active(Triangle::Lower, Diagonal::Unit, l11_dot.as_view());
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    multiply(-T::one(), (l11_dot.as_view(), false), (u12, false), T::one(), &mut upper);
    solve_unit_lower(Operation::None, l11, &mut upper);
    multiply(-T::one(), (l21_dot.as_view(), false), (u12, false), T::one(), &mut rest);
    multiply(-T::one(), (l21, false), (upper.as_view(), false), T::one(), &mut rest);
    lu_forward(lu.view((half, half), (rows, columns)), &mut rest);
}

/// Replaces the cotangent of the packed factors by that of P A.
///
/// The recursion of [`lu_forward`], backwards: with S the cotangent of A22 - L21 U12, found first,
///
/// U12_bar -= L21^H S; L21_bar -= S U12^H; A12_bar = L11^-H U12_bar;
/// L11_bar -= stril(A12_bar U12^H),
///
/// and then the first panel. For one column, a2_bar = l_bar / conj(u), a1_bar = u_bar - l^H a2_bar.
/// It takes twice the multiplications and additions of the factorisation, nearly all in matrix
/// products, in the memory of the cotangent.
pub(crate) fn lu_reverse<T: Scalar>(lu: DMatrixView<'_, T>, bar: &mut DMatrixViewMut<'_, T>) {
    let (rows, columns) = lu.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in (0..size).rev() {
            let (mut left, mut right) = bar.columns_range_pair_mut(k..k + 1, k + 1..);
            let (mut pivot_bar, mut below_bar) = left.rows_range_pair_mut(k..k + 1, k + 1..);
            let mut below_bar = below_bar.column_mut(0);
            let factors = lu.column(k);
            let factors = factors.rows_range(k + 1..);
            for (j, mut column) in right.column_iter_mut().enumerate() {
                let rest_bar = column.rows_range(k + 1..);
                below_bar.axpy(-lu[(k, k + 1 + j)].conjugate(), &rest_bar, T::one());
                let sum = factors.dotc(&rest_bar);
                column[k] -= sum;
            }
            let divisor = lu[(k, k)].conjugate();
            below_bar.apply(|x| *x = over_pivot(*x, divisor));
            pivot_bar[0] -= factors.dotc(&below_bar);
        }
        return;
    }
    let half = size / 2;
    let (rows, columns) = (rows - half, columns - half);
    let l11 = lu.view((0, 0), (half, half));
    let (l21, u12) = (lu.view((half, 0), (rows, half)), lu.view((0, half), (half, columns)));
    let (mut left, mut right) = bar.columns_range_pair_mut(..half, half..);
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    lu_reverse(lu.view((half, half), (rows, columns)), &mut rest);
    multiply(-T::one(), (l21, true), (rest.as_view(), false), T::one(), &mut upper);
    let mut l21_bar = left.rows_mut(half, rows);
    multiply(-T::one(), (rest.as_view(), false), (u12, true), T::one(), &mut l21_bar);
    solve_unit_lower(Operation::Adjoint, l11, &mut upper);
    // What is below the diagonal is the lower triangle of a block that begins a row further down.
    let (below, beside) = (upper.rows(1, half - 1), u12.rows(0, half - 1));
    let mut l11_bar = left.view_mut((1, 0), (half - 1, half - 1));
    add_outer(Triangle::Lower, -T::one(), below, beside, &mut l11_bar);
    lu_reverse(lu.columns(0, half), &mut left);
}
