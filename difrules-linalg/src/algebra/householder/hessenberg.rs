//! A = Q H Q^H with an upper Hessenberg H.

use difrules_core::Scalar;
use nalgebra::{DMatrix, DMatrixViewMut};

use super::compact::{PANEL, in_blocks, reflect_all};
use super::{
    add_columns, add_scaled, dotc, leader, reflect, reflect_rows, reflection, subtract_columns,
};
use crate::block::{block, multiply, product};

/// Replaces A by H of A = Q H Q^H on and above the first subdiagonal, which is real, and by the vectors of Q
/// below it, of rows that were swapped.
pub(crate) fn to_hessenberg<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
    workspace: &mut [T],
) {
    let mut first = 0;
    while in_blocks(taus.len() - first) {
        let range = first..first + PANEL;
        panel(a, first, &mut taus[range.clone()], &mut swaps[range]);
        first += PANEL;
    }
    for (k, stored) in taus.iter_mut().enumerate().skip(first) {
        swaps[k] = k + 1 + leader(&a.column(k).as_slice()[k + 1..]);
        a.swap_rows(k + 1, swaps[k]);
        a.swap_columns(k + 1, swaps[k]);
        let (mut left, mut right) = a.columns_range_pair_mut(k, k + 1..);
        let v = &mut left.as_mut_slice()[k + 1..];
        let (beta, tau) = reflection(v);
        v[0] = T::from_real(beta);
        *stored = tau;
        if tau.is_zero() {
            continue;
        }
        for mut column in right.column_iter_mut() {
            reflect(v, tau.conjugate(), &mut column.as_mut_slice()[k + 1..]);
        }
        reflect_rows(v, tau, &mut right, workspace);
    }
}

/// As many columns as there are taus, from `first`.
///
/// With Q = 1 - V T V^H the product of the reflections so far and Y = A V T, the matrix is Q^H (A - Y V^H): each
/// column is made when its turn comes, and what is right of the panel at its end (LAPACK's `lahr2`).
fn panel<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    first: usize,
    taus: &mut [T],
    swaps: &mut [usize],
) {
    let (one, width) = (T::one(), taus.len());
    // V has a row for each row of A from this one.
    let top = first + 1;
    let below = a.nrows() - top;
    let mut v = DMatrix::<T>::zeros(below, width);
    let mut t = DMatrix::<T>::zeros(width, width);
    let mut y = DMatrix::<T>::zeros(a.nrows(), width);
    let mut along = vec![T::zero(); width];
    for i in 0..width {
        let mut column = a.column_mut(first + i);
        let column = &mut column.as_mut_slice()[top..];
        if i > 0 {
            subtract_columns(y.view_range(top.., ..i), v.row(i - 1), column);
            for l in 0..i {
                along[l] = dotc(&v.column(l).as_slice()[l..], &column[l..]);
            }
            for l in (0..i).rev() {
                along[l] = dotc(&t.column(l).as_slice()[..=l], &along[..=l]);
            }
            for l in 0..i {
                add_scaled(-along[l], &v.column(l).as_slice()[l..], &mut column[l..]);
            }
        }
        let leader = i + leader(&column[i..]);
        swaps[i] = top + leader;
        a.swap_rows(top + i, top + leader);
        a.swap_columns(top + i, top + leader);
        v.swap_rows(i, leader);
        y.swap_rows(top + i, top + leader);
        let (mut left, right) = a.columns_range_pair_mut(first + i, first + i + 1..);
        let column = &mut left.as_mut_slice()[top..];
        let (beta, tau) = reflection(&mut column[i..]);
        v.column_mut(i).as_mut_slice()[i..].copy_from_slice(&column[i..]);
        v[(i, i)] = one;
        column[i] = T::from_real(beta);
        taus[i] = tau;
        let (done, mut now) = y.columns_range_pair_mut(..i, i);
        let now = &mut now.as_mut_slice()[top..];
        let (earlier, vector) = v.columns_range_pair(..i, i);
        let vector = &vector.as_slice()[i..];
        add_columns(right.rows_range(top..), vector, now);
        for (l, along) in along.iter_mut().enumerate().take(i) {
            *along = dotc(&earlier.column(l).as_slice()[i..], vector);
            add_scaled(-*along, &done.column(l).as_slice()[top..], now);
        }
        now.iter_mut().for_each(|y| *y *= tau);
        t[(i, i)] = tau;
        for l in 0..i {
            let sum = (l..i).fold(T::zero(), |sum, k| sum + t[(l, k)] * along[k]);
            t[(l, i)] = -tau * sum;
        }
    }
    let av = product((a.view((0, top), (top, below)), false), (block(&v), false));
    multiply(one, (block(&av), false), (block(&t), false), T::zero(), &mut y.rows_mut(0, top));
    let mut rest = a.columns_range_mut(top..);
    multiply(-one, (y.rows(0, top), false), (block(&v), true), one, &mut rest.rows_mut(0, top));
    let mut rest = a.view_range_mut(top.., first + width..);
    multiply(-one, (y.rows(top, below), false), (v.rows_range(width - 1..), true), one, &mut rest);
    reflect_all(block(&v), block(&t), true, &mut rest);
}
