//! Reflections in blocks: H_0 H_1 .. H_(k-1) = 1 - V T V^H with the vectors side by side in V and an upper triangular T, so
//! that products of matrices do the work (Schreiber and Van Loan 1989, "A storage-efficient WY representation for products of
//! Householder transformations").

use difrules_core::Scalar;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use super::reflect;
use crate::blas::options::{Operation, Side, Triangle};
use crate::block::{block, block_mut, multiply, product, solve_unit};

/// How many reflections are brought together: as fast as 32 at 256 and 512 columns, and faster at 64.
pub(super) const PANEL: usize = 16;

/// Whether so many reflections are done in blocks.
pub(super) fn in_blocks(count: usize) -> bool {
    count >= 3 * PANEL
}

/// V, unit lower trapezoidal, T, and S, what V^H V has above the diagonal.
pub(crate) struct Compact<T: Scalar> {
    pub(crate) v: DMatrix<T>,
    pub(crate) t: DMatrix<T>,
    pub(crate) s: DMatrix<T>,
}

impl<T: Scalar> Compact<T> {
    /// From vectors of which what is below the diagonal is read. T = (1 + D S)^-1 D, with D = diag(tau).
    pub(crate) fn new(vectors: DMatrixView<'_, T>, tau: &[T]) -> Self {
        let count = tau.len();
        let mut v = vectors.columns(0, count).into_owned();
        v.fill_upper_triangle(T::zero(), 1);
        v.fill_diagonal(T::one());
        let mut s = product((block(&v), true), (block(&v), false));
        s.fill_lower_triangle(T::zero(), 0);
        let mut t = DMatrix::zeros(count, count);
        (0..count).for_each(|i| t[(i, i)] = tau[i]);
        let scaled = DMatrix::from_fn(count, count, |i, j| tau[i] * s[(i, j)]);
        let upper = Triangle::Upper;
        solve_unit(Side::Left, upper, Operation::None, block(&scaled), &mut block_mut(&mut t));
        Self { v, t, s }
    }

    /// [`reflect_all`] by these.
    pub(super) fn reflect(&self, adjoint: bool, y: &mut DMatrixViewMut<'_, T>) {
        reflect_all(block(&self.v), block(&self.t), adjoint, y);
    }
}

/// Y <- (1 - V T V^H) Y, or the adjoint of that times Y.
pub(super) fn reflect_all<T: Scalar>(
    v: DMatrixView<'_, T>,
    t: DMatrixView<'_, T>,
    adjoint: bool,
    y: &mut DMatrixViewMut<'_, T>,
) {
    let along = product((v, true), (y.as_view(), false));
    let along = product((t, adjoint), (block(&along), false));
    multiply(-T::one(), (v, false), (block(&along), false), T::one(), y);
}

/// Q = H_0 H_1 .. from the vectors below row `first` of the columns of a matrix, whose first entry is a one
/// that is not stored there, for a Q that is no wider than high.
#[inline(never)]
pub(crate) fn form<T: Scalar>(
    vectors: DMatrixView<'_, T>,
    taus: &[T],
    first: usize,
    q: &mut DMatrixViewMut<'_, T>,
) {
    q.fill(T::zero());
    q.fill_diagonal(T::one());
    if in_blocks(taus.len()) {
        for (index, taus) in taus.chunks(PANEL).enumerate().rev() {
            let panel = index * PANEL;
            let start = panel + first;
            let mut rest = q.view_range_mut(start.., start..);
            Compact::new(vectors.view_range(start.., panel..), taus).reflect(false, &mut rest);
        }
        return;
    }
    for (k, &tau) in taus.iter().enumerate().rev() {
        if tau.is_zero() {
            continue;
        }
        let start = k + first;
        let v = vectors.column(k);
        for j in start..q.ncols() {
            reflect(&v.as_slice()[start..], tau, &mut q.column_mut(j).as_mut_slice()[start..]);
        }
    }
}
