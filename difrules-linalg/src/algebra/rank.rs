//! What a change of the rank of A does to its pseudo-inverse: there it is not continuous.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use crate::algebra::modulus::largest_modulus;
use crate::blas::options::Side;
use crate::block::{block, block_mut, multiply, product};
use crate::tolerance::{Quotients, plain, undefined_of, undefined_with};

/// The ranges of A and of A^H: orthonormal columns U and rows V^H, as many as the rank.
pub(crate) struct Ranges<T> {
    u: DMatrix<T>,
    v_t: DMatrix<T>,
    /// The largest of the singular values that are not zero over the smallest: rounding of A moves the ranges by as
    /// many roundings.
    condition: f64,
}

impl<T: Scalar> Ranges<T> {
    pub(crate) fn new(u: DMatrix<T>, v_t: DMatrix<T>, condition: f64) -> Self {
        Self { u: u.map(plain), v_t: v_t.map(plain), condition }
    }

    /// Whether the rank is as large as it can be: no direction changes it.
    fn is_full(&self) -> bool {
        self.u.ncols() == self.u.nrows().min(self.v_t.ncols())
    }

    /// (1 - U U^H) M, or M (1 - U U^H).
    fn outside_u(&self, side: Side, m: DMatrixView<'_, T>) -> DMatrix<T> {
        outside((block(&self.u), false), side, m)
    }

    /// (1 - V V^H) M, or M (1 - V V^H).
    fn outside_v(&self, side: Side, m: DMatrixView<'_, T>) -> DMatrix<T> {
        outside((block(&self.v_t), true), side, m)
    }

    fn quotients(&self, primitive: &'static str, all: f64) -> Quotients {
        // However badly conditioned, what is all of a direction is not rounding.
        let most = 1e-5 / T::Real::default_epsilon().to_f64();
        Quotients::new::<T::Real>(primitive, all * self.condition.min(most.max(1.0)))
    }

    /// Makes a tangent along a direction undefined if the direction changes the rank, which is that
    /// (1 - U U^H) dA (1 - V V^H) is not zero.
    pub(crate) fn along(
        &self,
        primitive: &'static str,
        a_dot: DMatrixView<'_, T>,
        y_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        if self.is_full() {
            return;
        }
        let mut quotients = self.quotients(primitive, largest_modulus(a_dot.iter()));
        let inside = self.outside_u(Side::Left, block(&a_dot.map(plain)));
        let rest = self.outside_v(Side::Right, block(&inside));
        let size = largest_modulus(rest.iter());
        if quotients.is_rounding(size) {
            return;
        }
        quotients.lose(size);
        quotients.report(|| CHANGES);
        let nothing = undefined_with(a_dot.iter());
        y_dot.apply(|x| *x += undefined_of(*x) + nothing);
    }

    /// Adds what is undefined to the adjoint of A: at the entries that change the rank.
    pub(crate) fn by_entries(&self, primitive: &'static str, a_bar: &mut DMatrixViewMut<'_, T>) {
        if self.is_full() {
            return;
        }
        let mut quotients = self.quotients(primitive, 1.0);
        let (rows, columns) = a_bar.shape();
        // What is left of each unit vector outside of the ranges.
        let left = self.outside_u(Side::Left, block(&DMatrix::identity(rows, rows)));
        let right = self.outside_v(Side::Right, block(&DMatrix::identity(columns, columns)));
        let left: Vec<f64> = left.column_iter().map(|x| largest_modulus(x.iter())).collect();
        let right: Vec<f64> = right.row_iter().map(|x| largest_modulus(x.iter())).collect();
        for (j, right) in right.iter().enumerate() {
            for (i, left) in left.iter().enumerate() {
                if !quotients.is_rounding(left * right) {
                    quotients.lose(left * right);
                    let x = a_bar[(i, j)];
                    a_bar[(i, j)] += undefined_of(x);
                }
            }
        }
        quotients.report(|| CHANGES);
    }
}

const CHANGES: &str =
    "the rank is less than it may be, and this changes it: there the pseudo-inverse jumps";

/// (1 - Q Q^H) M, or M (1 - Q Q^H), for orthonormal columns Q, or if the flag says so rows Q^H.
fn outside<T: Scalar>(
    (q, rows): (DMatrixView<'_, T>, bool),
    side: Side,
    m: DMatrixView<'_, T>,
) -> DMatrix<T> {
    let mut rest = m.into_owned();
    match side {
        Side::Left => {
            let along = product((q, !rows), (m, false));
            multiply(
                -T::one(),
                (q, rows),
                (block(&along), false),
                T::one(),
                &mut block_mut(&mut rest),
            );
        }
        Side::Right => {
            let along = product((m, false), (q, rows));
            multiply(
                -T::one(),
                (block(&along), false),
                (q, !rows),
                T::one(),
                &mut block_mut(&mut rest),
            );
        }
    }
    rest
}
