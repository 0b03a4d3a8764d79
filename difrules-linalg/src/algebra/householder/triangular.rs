//! A = Q R.

use difrules_core::Scalar;
use nalgebra::DMatrixViewMut;

use super::compact::{Compact, PANEL, in_blocks};
use super::{leader, reflect, reflection};

/// Replaces A by R on and above the diagonal and by the vectors of Q below it, of rows that were swapped.
pub(crate) fn to_triangular<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
) {
    if !in_blocks(taus.len()) {
        for (k, (tau, row)) in taus.iter_mut().zip(swaps).enumerate() {
            (*tau, *row) = eliminate(a, k);
        }
        return;
    }
    let panels = taus.chunks_mut(PANEL).zip(swaps.chunks_mut(PANEL)).enumerate();
    for (index, (taus, swaps)) in panels {
        let (start, width) = (index * PANEL, taus.len());
        let (mut done, mut rest) = a.columns_range_pair_mut(..start, start..);
        let mut rest = rest.rows_range_mut(start..);
        let (mut panel, mut right) = rest.columns_range_pair_mut(..width, width..);
        for (k, (tau, row)) in taus.iter_mut().zip(swaps).enumerate() {
            (*tau, *row) = eliminate(&mut panel, k);
            right.swap_rows(k, *row);
            *row += start;
            done.swap_rows(start + k, *row);
        }
        if !right.is_empty() {
            Compact::new(panel.as_view(), taus).reflect(true, &mut right);
        }
    }
}

/// Replaces column k of A by one of R of A = Q R, to the diagonal, and below it by a vector of Q, with the columns
/// before it done; returns tau, and the row that was swapped with row k before.
pub(crate) fn eliminate<T: Scalar>(a: &mut DMatrixViewMut<'_, T>, k: usize) -> (T, usize) {
    let row = k + leader(&a.column(k).as_slice()[k..]);
    a.swap_rows(k, row);
    let (mut left, mut right) = a.columns_range_pair_mut(k, k + 1..);
    let v = &mut left.as_mut_slice()[k..];
    let (beta, tau) = reflection(v);
    v[0] = T::from_real(beta);
    if !tau.is_zero() {
        for mut column in right.column_iter_mut() {
            reflect(v, tau.conjugate(), &mut column.as_mut_slice()[k..]);
        }
    }
    (tau, row)
}
