//! Factorisations by Householder reflections H = 1 - tau v v^H with v_0 = 1, of which H^H x = beta e1
//! with a real beta (LAPACK's `larfg`; Golub and Van Loan 2013, Matrix Computations, chapter 5).
//!
//! nalgebra's own take the squares of entries as they come, so that columns of small numbers give
//! reflections that are not unitary: these scale each vector first, by a power of two, where squares
//! overflow or lose digits. Every one is backward stable column by column, whatever the entries' sizes. An entry that is
//! far above the first is put in its place, in which a small one loses its digits: so the small rows of graded matrices
//! keep theirs too (Cox and Higham 1998, "Stability of Householder QR factorization for weighted least squares problems").

use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrixView, DMatrixViewMut};

use crate::algebra::modulus::{largest, quotient};
use crate::algebra::scaling::binade;

/// The sum of squared moduli.
pub(crate) fn squares<T: Scalar>(x: &[T]) -> T::Real {
    dotc(x, x).real()
}

/// Whether a sum of squares has neither overflowed nor lost digits below the smallest numbers, of f32 or f64.
pub(crate) fn is_moderate<S: Real>(square: S) -> bool {
    square > nalgebra::convert(1e-25) && square < nalgebra::convert(1e35)
}

/// x^H y.
pub(crate) fn dotc<T: Scalar>(x: &[T], y: &[T]) -> T {
    // Several sums in turn, as an addition has to wait for the one before.
    let mut sums = [T::zero(); 8];
    let (xs, ys) = (x.chunks_exact(8), y[..x.len()].chunks_exact(8));
    let rest = xs.remainder().iter().zip(ys.remainder());
    let rest = rest.fold(T::zero(), |sum, (x, &y)| sum + x.conjugate() * y);
    for (x, y) in xs.zip(ys) {
        for l in 0..8 {
            sums[l] += x[l].conjugate() * y[l];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest + (((a + e) + (c + g)) + ((b + f) + (d + h)))
}

/// y <- y + a x.
pub(crate) fn add_scaled<T: Scalar>(a: T, x: &[T], y: &mut [T]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y += a * x);
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

/// Q = H_0 H_1 .. from the vectors below row `first` of the columns of a matrix, whose first entry is a one
/// that is not stored there, for a Q that is no wider than high.
pub(crate) fn form<T: Scalar>(
    vectors: DMatrixView<'_, T>,
    taus: &[T],
    first: usize,
    q: &mut DMatrixViewMut<'_, T>,
) {
    q.fill(T::zero());
    q.fill_diagonal(T::one());
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

/// Replaces A by H of A = Q H Q^H on and above the first subdiagonal, which is real, and by the vectors of Q
/// below it, of rows that were swapped.
pub(crate) fn to_hessenberg<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
    workspace: &mut [T],
) {
    for (k, stored) in taus.iter_mut().enumerate() {
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
pub(crate) fn to_tridiagonal<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    taus: &mut [T],
    swaps: &mut [usize],
    diagonal: &mut [T::Real],
    off_diagonal: &mut [T::Real],
    workspace: &mut [T],
) {
    let size = a.nrows();
    for k in 0..size {
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
        x.fill(T::zero());
        for (j, column) in right.column_iter().enumerate() {
            let column = &column.as_slice()[k + 1 + j..];
            x[j] += T::from_real(column[0].real()) * v[j] + dotc(&column[1..], &v[j + 1..]);
            add_scaled(v[j], &column[1..], &mut x[j + 1..]);
        }
        x.iter_mut().for_each(|x| *x *= tau);
        let half: T::Real = nalgebra::convert(-0.5);
        let along = (tau * dotc(x, v)).scale(half);
        add_scaled(along, v, x);
        for (j, mut column) in right.column_iter_mut().enumerate() {
            let column = &mut column.as_mut_slice()[k + 1 + j..];
            add_scaled(-x[j].conjugate(), &v[j..], column);
            add_scaled(-v[j].conjugate(), &x[j..], column);
        }
    }
}

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
    for k in 0..size {
        (taus[k], swaps[k]) = eliminate(a, k);
        diagonal[k] = a[(k, k)].real();
        if k + 1 == size {
            break;
        }
        let mut column = vectors.column_mut(k);
        let v = &mut column.as_mut_slice()[k + 1..];
        v.iter_mut().enumerate().for_each(|(j, v)| *v = a[(k, k + 1 + j)]);
        let leader = k + 1 + leader(v);
        right_swaps[k] = leader;
        // The vectors of U before have no column here, those of V no row above.
        a.swap_columns(k + 1, leader);
        vectors.swap_rows(k + 1, leader);
        let mut column = vectors.column_mut(k);
        let v = &mut column.as_mut_slice()[k + 1..];
        v.iter_mut().enumerate().for_each(|(j, v)| *v = a[(k, k + 1 + j)].conjugate());
        (off_diagonal[k], right_taus[k]) = reflection(v);
        if !right_taus[k].is_zero() {
            let mut rest = a.view_range_mut(k + 1.., k + 1..);
            reflect_rows(v, right_taus[k], &mut rest, workspace);
        }
    }
}
