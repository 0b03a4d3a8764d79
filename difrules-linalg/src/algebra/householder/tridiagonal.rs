//! A = Q T Q^H with a real tridiagonal T.

use difrules_core::Scalar;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use super::compact::{PANEL, in_blocks};
use super::{add_scaled, dotc, leader, reflection, subtract_along, subtract_columns};
use crate::algebra::triangular_part::add_outer;
use crate::blas::options::Triangle;

/// Exchanges rows and columns p <= q of what is left from k on of a Hermitian matrix, of which the lower triangle
/// is stored, and the rows of L before it.
pub(crate) fn exchange<T: Scalar>(a: &mut DMatrixViewMut<'_, T>, k: usize, p: usize, q: usize) {
    if p == q {
        return;
    }
    (0..k).for_each(|j| a.swap((p, j), (q, j)));
    (q + 1..a.nrows()).for_each(|i| a.swap((i, p), (i, q)));
    for j in p + 1..q {
        let (below, beside) = (a[(j, p)].conjugate(), a[(q, j)].conjugate());
        a[(j, p)] = beside;
        a[(q, j)] = below;
    }
    a[(q, p)] = a[(q, p)].conjugate();
    a.swap((p, p), (q, q));
    if p == k + 1 {
        a.swap((p, k), (q, k));
    }
}

/// Replaces a Hermitian A, of which the lower triangle is read, by the vectors of Q of A = Q T Q^H below the
/// first subdiagonal, of rows that were swapped, and gives the two diagonals of T.
///
/// H^H A H = A - v w^H - w v^H with w = x - tau (x^H v) v / 2 and x = tau A v (LAPACK's `hetd2`).
#[inline(never)]
pub(crate) fn to_tridiagonal<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
    diagonal: &mut [T::Real],
    off_diagonal: &mut [T::Real],
    workspace: &mut [T],
) {
    let size = a.nrows();
    let mut first = 0;
    while in_blocks(taus.len() - first) {
        let range = first..first + PANEL;
        let mut rest = a.view_range_mut(first.., first..);
        panel(
            &mut rest,
            &mut taus[range.clone()],
            &mut swaps[range.clone()],
            &mut diagonal[range.clone()],
            &mut off_diagonal[range.clone()],
        );
        for k in range {
            swaps[k] += first;
            a.columns_range_mut(..first).swap_rows(k + 1, swaps[k]);
        }
        first += PANEL;
    }
    for k in first..size {
        diagonal[k] = a[(k, k)].real();
        if k + 1 == size {
            break;
        }
        swaps[k] = k + 1 + leader(&a.column(k).as_slice()[k + 1..]);
        exchange(a, k, k + 1, swaps[k]);
        let (mut left, mut right) = a.columns_range_pair_mut(k, k + 1..);
        let v = &mut left.as_mut_slice()[k + 1..];
        let (beta, tau) = reflection(v);
        (off_diagonal[k], taus[k]) = (beta, tau);
        if tau.is_zero() {
            continue;
        }
        v[0] = T::one();
        let x = &mut workspace[..size - k - 1];
        hermitian_times(right.rows_range(k + 1..), v, x);
        beside(tau, v, x);
        for (j, mut column) in right.column_iter_mut().enumerate() {
            let column = &mut column.as_mut_slice()[k + 1 + j..];
            add_scaled(-x[j].conjugate(), &v[j..], column);
            add_scaled(-v[j].conjugate(), &x[j..], column);
        }
    }
}

/// x <- A v for a Hermitian A, of which the lower triangle is read.
fn hermitian_times<T: Scalar>(a: DMatrixView<'_, T>, v: &[T], x: &mut [T]) {
    x.fill(T::zero());
    for (j, column) in a.column_iter().enumerate() {
        let column = &column.as_slice()[j..];
        x[j] += T::from_real(column[0].real()) * v[j] + dotc(&column[1..], &v[j + 1..]);
        add_scaled(v[j], &column[1..], &mut x[j + 1..]);
    }
}

/// Makes w of A v.
fn beside<T: Scalar>(tau: T, v: &[T], x: &mut [T]) {
    x.iter_mut().for_each(|x| *x *= tau);
    let half: T::Real = nalgebra::convert(-0.5);
    let along = (tau * dotc(x, v)).scale(half);
    add_scaled(along, v, x);
}

/// As many columns as there are taus, from the first.
///
/// With the vectors v side by side in V and the w in W, the matrix is A - V W^H - W V^H: each column is made when
/// its turn comes, and what is right of the panel at its end (LAPACK's `latrd`).
fn panel<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
    diagonal: &mut [T::Real],
    off_diagonal: &mut [T::Real],
) {
    let (size, width) = (a.nrows(), taus.len());
    let (mut vs, mut ws) = (DMatrix::<T>::zeros(size, width), DMatrix::<T>::zeros(size, width));
    for k in 0..width {
        let mut column = a.column_mut(k);
        let column = &mut column.as_mut_slice()[k..];
        subtract_columns(vs.view_range(k.., ..k), ws.row(k), column);
        subtract_columns(ws.view_range(k.., ..k), vs.row(k), column);
        diagonal[k] = column[0].real();
        swaps[k] = k + 1 + leader(&column[1..]);
        exchange(a, k, k + 1, swaps[k]);
        vs.swap_rows(k + 1, swaps[k]);
        ws.swap_rows(k + 1, swaps[k]);
        let (mut left, right) = a.columns_range_pair_mut(k, k + 1..);
        let v = &mut left.as_mut_slice()[k + 1..];
        let (beta, tau) = reflection(v);
        (off_diagonal[k], taus[k]) = (beta, tau);
        if tau.is_zero() {
            continue;
        }
        v[0] = T::one();
        vs.column_mut(k).as_mut_slice()[k + 1..].copy_from_slice(v);
        let (done, mut x) = ws.columns_range_pair_mut(..k, k);
        let x = &mut x.as_mut_slice()[k + 1..];
        hermitian_times(right.rows_range(k + 1..), v, x);
        let (done, earlier) = (done.rows_range(k + 1..), vs.view_range(k + 1.., ..k));
        subtract_along(earlier, done.as_view(), v, x);
        subtract_along(done.as_view(), earlier, v, x);
        beside(tau, v, x);
    }
    let (v, w) = (vs.rows_range(width..), ws.rows_range(width..));
    let mut rest = a.view_range_mut(width.., width..);
    add_outer(Triangle::Lower, -T::one(), v, w, &mut rest);
    add_outer(Triangle::Lower, -T::one(), w, v, &mut rest);
}
