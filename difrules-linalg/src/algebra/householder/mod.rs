//! Factorisations by Householder reflections H = 1 - tau v v^H with v_0 = 1, of which H^H x = beta e1
//! with a real beta (LAPACK's `larfg`; Golub and Van Loan 2013, Matrix Computations, chapter 5).
//!
//! nalgebra's own take the squares of entries as they come, so that columns of small numbers give
//! reflections that are not unitary: these scale each vector first, by a power of two, where squares
//! overflow or lose digits. Every one is backward stable column by column, whatever the entries' sizes. An entry that is
//! far above the first is put in its place, in which a small one loses its digits: so the small rows of graded matrices
//! keep theirs too (Cox and Higham 1998, "Stability of Householder QR factorization for weighted least squares problems").

mod bidiagonal;
mod compact;
mod hessenberg;
mod triangular;
mod tridiagonal;

use difrules_core::kernel::vectorised;
use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrixView, DMatrixViewMut};

pub(crate) use bidiagonal::to_bidiagonal;
pub(crate) use compact::{Compact, form};
pub(crate) use hessenberg::to_hessenberg;
pub(crate) use triangular::{eliminate, to_triangular};
pub(crate) use tridiagonal::{exchange, to_tridiagonal};

use crate::algebra::modulus::{largest, quotient};
use crate::algebra::scaling::binade;
use crate::block::sum_of;

/// The sum of squared moduli.
pub(crate) fn squares<T: Scalar>(x: &[T]) -> T::Real {
    sum_of(x, x, |x, _| x.modulus_squared())
}

/// Whether a sum of squares has neither overflowed nor lost digits below the smallest numbers, of f32 or f64.
pub(crate) fn is_moderate<S: Real>(square: S) -> bool {
    square > nalgebra::convert(1e-25) && square < nalgebra::convert(1e35)
}

/// x^H y.
pub(crate) fn dotc<T: Scalar>(x: &[T], y: &[T]) -> T {
    sum_of(x, y, |x, y| x.conjugate() * y)
}

/// y <- y + a x.
pub(crate) fn add_scaled<T: Scalar>(a: T, x: &[T], y: &mut [T]) {
    vectorised(|| y.iter_mut().zip(x).for_each(|(y, &x)| *y += a * x));
}

/// y <- y + A x.
pub(crate) fn add_columns<T: Scalar>(a: DMatrixView<'_, T>, x: &[T], y: &mut [T]) {
    // Four columns at once, so that y is read and written less often.
    let whole = a.ncols() / 4 * 4;
    for j in (0..whole).step_by(4) {
        let factors = [x[j], x[j + 1], x[j + 2], x[j + 3]];
        let four = [0, 1, 2, 3].map(|l| a.column(j + l));
        let [a0, a1, a2, a3] = [0, 1, 2, 3].map(|l| &four[l].as_slice()[..y.len()]);
        vectorised(|| {
            for (i, y) in y.iter_mut().enumerate() {
                *y += (factors[0] * a0[i] + factors[1] * a1[i])
                    + (factors[2] * a2[i] + factors[3] * a3[i]);
            }
        });
    }
    for (j, &x) in x.iter().enumerate().skip(whole) {
        add_scaled(x, a.column(j).as_slice(), y);
    }
}

/// y <- y - A b^H for a row b of as many numbers as A has columns, or more.
fn subtract_columns<'a, T: Scalar>(
    a: DMatrixView<'_, T>,
    b: impl IntoIterator<Item = &'a T>,
    y: &mut [T],
) {
    for (column, b) in a.column_iter().zip(b) {
        add_scaled(-b.conjugate(), column.as_slice(), y);
    }
}

/// y <- y - A (B^H x).
fn subtract_along<T: Scalar>(a: DMatrixView<'_, T>, b: DMatrixView<'_, T>, x: &[T], y: &mut [T]) {
    for (a, b) in a.column_iter().zip(b.column_iter()) {
        add_scaled(-dotc(b.as_slice(), x), a.as_slice(), y);
    }
}

/// Replaces what comes after the first entry of x by that of v; returns beta and tau. Where there is nothing
/// to reflect tau is zero.
pub(crate) fn reflection<T: Scalar>(x: &mut [T]) -> (T::Real, T) {
    let square = squares(x);
    let scale = if is_moderate(square) { nalgebra::one() } else { binade(x.iter()) };
    let scaled = scale != nalgebra::one();
    if scaled {
        x.iter_mut().for_each(|x| *x = x.unscale(scale));
    }
    let (first, rest) = x.split_at_mut(1);
    let alpha = first[0];
    let size = ComplexField::sqrt(squares(rest));
    // What is so small that its square is zero is reflected too: it may be all that a row has.
    if rest.iter().all(|x| x.is_zero()) && alpha.imaginary() == nalgebra::zero() {
        return (alpha.real() * scale, T::zero());
    }
    let length = ComplexField::hypot(alpha.modulus(), size);
    // The sign for which the difference does not cancel.
    let beta = if alpha.real() < nalgebra::zero() { length } else { -length };
    let inverse = quotient(T::one(), alpha - T::from_real(beta));
    rest.iter_mut().for_each(|x| *x *= inverse);
    (beta * scale, (T::from_real(beta) - alpha).unscale(beta))
}

/// The place of the entry that a reflection of x has to begin with: the largest, if it is far above the first.
pub(crate) fn leader<T: Scalar>(x: &[T]) -> usize {
    let (found, most) = largest(x.iter().map(|x| x.norm1()));
    let far: T::Real = nalgebra::convert(64.0);
    if most > x[0].norm1() * far { found.unwrap_or(0) } else { 0 }
}

/// Swaps rows back, the last one first.
pub(crate) fn swap_back<T: Scalar>(swaps: &[usize], first: usize, q: &mut DMatrixViewMut<'_, T>) {
    for (k, &row) in swaps.iter().enumerate().rev() {
        q.swap_rows(k + first, row);
    }
}

/// y <- (1 - tau v v^H) y.
pub(crate) fn reflect<T: Scalar>(v: &[T], tau: T, y: &mut [T]) {
    let (first, rest) = y.split_at_mut(1);
    let along = tau * (first[0] + dotc(&v[1..], rest));
    first[0] -= along;
    add_scaled(-along, &v[1..], rest);
}

/// A <- A (1 - tau v v^H); the workspace has a place for each row.
pub(crate) fn reflect_rows<T: Scalar>(
    v: &[T],
    tau: T,
    a: &mut DMatrixViewMut<'_, T>,
    workspace: &mut [T],
) {
    let workspace = &mut workspace[..a.nrows()];
    let factor = |k: usize| if k == 0 { T::one() } else { v[k] };
    workspace.fill(T::zero());
    for (k, column) in a.column_iter().enumerate() {
        add_scaled(factor(k), column.as_slice(), workspace);
    }
    for (k, mut column) in a.column_iter_mut().enumerate() {
        add_scaled(-(tau * factor(k).conjugate()), workspace, column.as_mut_slice());
    }
}
