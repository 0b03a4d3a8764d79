//! A = U B V^H with a real upper bidiagonal B.

use difrules_core::Scalar;
use nalgebra::{DMatrix, DMatrixViewMut};

use super::compact::{PANEL, in_blocks};
use super::{
    add_columns, dotc, eliminate, leader, reflect_rows, reflection, subtract_along,
    subtract_columns,
};
use crate::block::multiply;

/// Replaces a tall A by the vectors of U of A = U B V^H on and below the diagonal, and gives those of V, below
/// the diagonal of a square matrix, both of rows that were swapped, and the two diagonals of B (LAPACK's `gebd2`).
pub(crate) fn to_bidiagonal<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    (taus, swaps): (&mut [T], &mut [usize]),
    vectors: &mut DMatrixViewMut<'_, T>,
    (right_taus, right_swaps): (&mut [T], &mut [usize]),
    diagonal: &mut [T::Real],
    off_diagonal: &mut [T::Real],
    workspace: &mut [T],
) {
    let size = a.ncols();
    let mut first = 0;
    while in_blocks(size - first) {
        let range = first..first + PANEL;
        panel(
            &mut a.view_range_mut(first.., first..),
            (&mut taus[range.clone()], &mut swaps[range.clone()]),
            &mut vectors.view_range_mut(first.., range.clone()),
            (&mut right_taus[range.clone()], &mut right_swaps[range.clone()]),
            &mut diagonal[range.clone()],
            &mut off_diagonal[range.clone()],
        );
        for k in range {
            swaps[k] += first;
            right_swaps[k] += first;
            a.columns_range_mut(..first).swap_rows(k, swaps[k]);
            vectors.columns_range_mut(..first).swap_rows(k + 1, right_swaps[k]);
        }
        first += PANEL;
    }
    for k in first..size {
        (taus[k], swaps[k]) = eliminate(a, k);
        diagonal[k] = a[(k, k)].real();
        if k + 1 == size {
            break;
        }
        let mut column = vectors.column_mut(k);
        let v = &mut column.as_mut_slice()[k + 1..];
        v.iter_mut().enumerate().for_each(|(j, v)| *v = a[(k, k + 1 + j)].conjugate());
        right_swaps[k] = k + 1 + leader(v);
        // The vectors of U before have no column here, those of V no row above.
        a.swap_columns(k + 1, right_swaps[k]);
        vectors.swap_rows(k + 1, right_swaps[k]);
        let mut column = vectors.column_mut(k);
        let v = &mut column.as_mut_slice()[k + 1..];
        (off_diagonal[k], right_taus[k]) = reflection(v);
        if !right_taus[k].is_zero() {
            let mut rest = a.view_range_mut(k + 1.., k + 1..);
            reflect_rows(v, right_taus[k], &mut rest, workspace);
        }
    }
}

/// As many columns and rows as there are taus, from the first.
///
/// With the vectors u and v side by side in U and V, the matrix is A - U Y^H - X V^H, where the columns of Y are
/// tau A^H u and those of X tau A v of what was the matrix before: each column and row is made when its turn comes,
/// and what is right of and below the panel at its end (LAPACK's `labrd`).
fn panel<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    (taus, swaps): (&mut [T], &mut [usize]),
    vectors: &mut DMatrixViewMut<'_, T>,
    (right_taus, right_swaps): (&mut [T], &mut [usize]),
    diagonal: &mut [T::Real],
    off_diagonal: &mut [T::Real],
) {
    let ((rows, columns), width) = (a.shape(), taus.len());
    let by_row = || DMatrix::<T>::zeros(rows, width);
    let by_column = || DMatrix::<T>::zeros(columns, width);
    let (mut us, mut xs, mut ys, mut vs) = (by_row(), by_row(), by_column(), by_column());
    for k in 0..width {
        let mut column = a.column_mut(k);
        let column = &mut column.as_mut_slice()[k..];
        subtract_columns(us.view_range(k.., ..k), ys.row(k), column);
        subtract_columns(xs.view_range(k.., ..k), vs.row(k), column);
        swaps[k] = k + leader(column);
        a.swap_rows(k, swaps[k]);
        us.swap_rows(k, swaps[k]);
        xs.swap_rows(k, swaps[k]);
        let mut column = a.column_mut(k);
        let column = &mut column.as_mut_slice()[k..];
        let (beta, tau) = reflection(column);
        us.column_mut(k).as_mut_slice()[k..].copy_from_slice(column);
        us[(k, k)] = T::one();
        (diagonal[k], taus[k]) = (beta, tau);
        column[0] = T::from_real(beta);

        let next = k + 1;
        let u = &us.column(k);
        let u = &u.as_slice()[k..];
        let (done, mut y) = ys.columns_range_pair_mut(..k, k);
        let y = &mut y.as_mut_slice()[next..];
        for (j, y) in y.iter_mut().enumerate() {
            *y = dotc(&a.column(next + j).as_slice()[k..], u);
        }
        subtract_along(done.rows_range(next..), us.view_range(k.., ..k), u, y);
        subtract_along(vs.view_range(next.., ..k), xs.view_range(k.., ..k), u, y);
        y.iter_mut().for_each(|y| *y *= tau);

        let mut row = vectors.column_mut(k);
        let row = &mut row.as_mut_slice()[next..];
        row.iter_mut().enumerate().for_each(|(j, v)| *v = a[(k, next + j)].conjugate());
        subtract_columns(ys.view_range(next.., ..next), us.row(k), row);
        subtract_columns(vs.view_range(next.., ..k), xs.row(k), row);
        right_swaps[k] = next + leader(row);
        a.swap_columns(next, right_swaps[k]);
        vectors.swap_rows(next, right_swaps[k]);
        ys.swap_rows(next, right_swaps[k]);
        vs.swap_rows(next, right_swaps[k]);
        let mut row = vectors.column_mut(k);
        let row = &mut row.as_mut_slice()[next..];
        let (beta, tau) = reflection(row);
        (off_diagonal[k], right_taus[k]) = (beta, tau);
        let mut v = vs.column_mut(k);
        let v = &mut v.as_mut_slice()[next..];
        v.copy_from_slice(row);
        v[0] = T::one();

        let v = &vs.column(k);
        let v = &v.as_slice()[next..];
        let (done, mut x) = xs.columns_range_pair_mut(..k, k);
        let x = &mut x.as_mut_slice()[next..];
        add_columns(a.view_range(next.., next..), v, x);
        subtract_along(us.view_range(next.., ..next), ys.view_range(next.., ..next), v, x);
        subtract_along(done.rows_range(next..), vs.view_range(next.., ..k), v, x);
        x.iter_mut().for_each(|x| *x *= tau);
    }
    let one = T::one();
    let mut rest = a.view_range_mut(width.., width..);
    multiply(-one, (us.rows_range(width..), false), (ys.rows_range(width..), true), one, &mut rest);
    multiply(-one, (xs.rows_range(width..), false), (vs.rows_range(width..), true), one, &mut rest);
}
