//! What a change of the rank of A does to its pseudo-inverse: there it is not continuous.

use approx::AbsDiffEq;
use difrules_core::diagnostic::Diagnostic;
use difrules_core::{Real, Scalar, diagnosed, report};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, DVectorView};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::binade;
use crate::block::{block, block_mut, multiply, product};
use crate::decomposition::singular_values::singular_values;
use crate::tolerance::{moduli, plain, rounding_of, undefined_of, undefined_with};

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

    /// What of a projector is its rounding: as much of 1.
    fn rounding(&self) -> f64 {
        // However badly conditioned, what is all of a direction is not rounding.
        let most = 1e-5 / T::Real::default_epsilon().to_f64();
        rounding_of::<T::Real>(self.condition.min(most.max(1.0)))
    }

    /// 1 - U U^H and 1 - V V^H, zero where they are rounding.
    fn outside(&self) -> (DMatrix<T>, DMatrix<T>) {
        let rounding = self.rounding();
        let outside = |q: DMatrixView<'_, T>| {
            let mut rest = DMatrix::identity(q.nrows(), q.nrows());
            let one = T::one();
            multiply(-one, (q, false), (q, true), one, &mut block_mut(&mut rest));
            rest.apply(|x| {
                if x.modulus().to_f64() <= rounding {
                    *x = T::zero();
                }
            });
            rest
        };
        (outside(block(&self.u)), outside(block(&self.v_t.adjoint())))
    }

    /// Makes a tangent along a direction undefined if the direction changes the rank, which is that
    /// (1 - U U^H) dA (1 - V V^H) is not zero, beside what it is a sum of. How it varies with A is undefined too.
    pub(crate) fn along(
        &self,
        primitive: &'static str,
        a: DMatrixView<'_, T>,
        a_dot: DMatrixView<'_, T>,
        y_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        if self.is_full() {
            return;
        }
        let (left, right) = self.outside();
        let along = a_dot.map(plain);
        let inside = product((block(&left), false), (block(&along), false));
        let rest = product((block(&inside), false), (block(&right), false));
        let all = moduli(block(&left)) * moduli(block(&along)) * moduli(block(&right));
        let size = largest_modulus(rest.iter());
        if size <= self.rounding() * largest_modulus(all.iter()) {
            return;
        }
        report(Diagnostic::undefined(primitive, CHANGES));
        let nothing = undefined_with(a.iter().chain(a_dot.iter()));
        y_dot.apply(|x| *x += undefined_of(*x) + nothing);
    }

    /// Adds what is undefined to the adjoint of A: at the entries that change the rank.
    pub(crate) fn by_entries(&self, primitive: &'static str, a_bar: &mut DMatrixViewMut<'_, T>) {
        if self.is_full() {
            return;
        }
        // What is left of each unit vector outside of the ranges.
        let (left, right) = self.outside();
        let moves = |x: DVectorView<'_, T>| x.iter().any(|x| *x != T::zero());
        let left: Vec<bool> = left.column_iter().map(moves).collect();
        let right: Vec<bool> = right.column_iter().map(moves).collect();
        for (j, &right) in right.iter().enumerate() {
            for (i, &left) in left.iter().enumerate() {
                if left && right {
                    let x = a_bar[(i, j)];
                    a_bar[(i, j)] += undefined_of(x);
                }
            }
        }
        if left.contains(&true) && right.contains(&true) {
            report(Diagnostic::undefined(primitive, CHANGES));
        }
    }
}

/// The largest over the smallest of the first singular values of A, so many as its rank, or of A with rows or columns of
/// one size, whichever is least: how they are graded does not move the ranges.
pub(crate) fn condition_of_ranges<T: Scalar>(a: DMatrixView<'_, T>, rank: usize) -> f64 {
    let Some(last) = rank.checked_sub(1) else { return 1.0 };
    let a = a.map(plain);
    let (mut rows, mut columns) = (a.clone(), a.clone());
    for mut row in rows.row_iter_mut() {
        let size = binade(row.iter());
        row.apply(|x| *x = x.unscale(size));
    }
    for mut column in columns.column_iter_mut() {
        let size = binade(column.iter());
        column.apply(|x| *x = x.unscale(size));
    }
    [a, rows, columns].iter().fold(f64::INFINITY, |least, a| {
        match diagnosed(|| singular_values(a)).0 {
            Ok(values) => least.min(values[0].to_f64() / values[last].to_f64()),
            Err(_) => least,
        }
    })
}

const CHANGES: &str =
    "the rank is less than it may be, and this changes it: there the pseudo-inverse jumps";
