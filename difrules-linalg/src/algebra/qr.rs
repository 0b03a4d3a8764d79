//! The shared mathematics of A = Q R, with Q of orthonormal columns and R upper triangular with a real
//! diagonal that is not negative.
//!
//! A = [A1 A2], Q = [Q1 Q2] and R = [R11 R12; 0 R22] are split after p columns that are independent:
//! A1 = Q1 R11 determines Q1 and R11, and R12 = Q1^H A2. For a tall matrix of full rank there is no
//! more. For one that is not tall, p is less than the number of rows by one: Q2 is then one column,
//! determined but for its phase, and R22 = Q2^H A2 a row, so that the last pivot is not divided by
//! where it need not be: it fixes the phase, if there is one. Where more columns than that depend
//! on those before them, Q2 is any basis of a complement, of which the part along Q1 is determined, and
//! R22 is zero and has no derivative but along changes that leave it zero.

use approx::AbsDiffEq;
use difrules_core::contract::Kind;
use difrules_core::{Differentiable, Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::reduction::imaginary;
use crate::algebra::scaling::Level;
use crate::blas::options::{Operation, Side, Triangle};
use crate::block::{block, block_mut, multiply, solve_again, workspace};
use crate::tolerance::{Gap, Quotients, asks, gap_of, lose_all, undefined_with};

/// How the columns are split.
struct Split {
    /// How many columns of Q are determined by as many of A.
    first: usize,
    /// Whether one more column of Q is all that there is, so that it is determined too.
    single: bool,
    /// Whether the pivot that fixes that column's phase is zero.
    loose: bool,
}

/// Splits by the diagonal of R and the rounding of its factorisation.
///
/// A relative change epsilon of the entries of A moves R_kk by up to epsilon times
/// |q_k|^T |A e_k| <= sum_m (|q_k|^T |q_m|) |R_mk|: rows and columns of any scale have their own rounding.
fn split<T: Scalar>(q: DMatrixView<'_, T>, r: DMatrixView<'_, T>) -> Split {
    let (rows, size) = q.shape();
    let count = rows.max(r.ncols());
    let is_nothing = |i: &usize| {
        let pivot = r[(*i, *i)].modulus().to_f64();
        let above = (0..=*i).map(|m| (m, r[(m, *i)].modulus().to_f64()));
        let nothing = |sum: f64| gap_of::<T::Real>(pivot, sum, count) == Gap::Nothing;
        nothing(above.clone().map(|(_, size)| size).sum()) && {
            let modulus = |k: usize, column: usize| q[(k, column)].modulus().to_f64();
            let overlap = |m: usize| (0..rows).map(|k| modulus(k, *i) * modulus(k, m)).sum::<f64>();
            nothing(above.map(|(m, size)| overlap(m) * size).sum())
        }
    };
    let independent = (0..size).find(is_nothing).unwrap_or(size);
    let single = size == rows && size > 0 && independent + 1 >= size;
    let first = if single { size - 1 } else { independent };
    Split { first, single, loose: independent < size }
}

/// The first column of Q that jumps: it is any of a complement, or turns with the phase of a pivot that is zero.
fn first_jump<T: Scalar>(q: DMatrixView<'_, T>, r: DMatrixView<'_, T>) -> Option<usize> {
    let Split { first, single, loose } = split(q, r);
    let jumps = if single { loose && !<T::Kind as Kind>::REAL } else { first < q.ncols() };
    jumps.then_some(first)
}

/// Whether columns of Q jump.
pub(crate) fn qr_jumps<T: Scalar, R: Dim, K: Dim, C: Dim>(
    q: &OMatrix<T, R, K>,
    r: &OMatrix<T, K, C>,
) -> bool
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C>,
{
    first_jump(block(q), block(r)).is_some()
}

const CHOICE: &str = "columns depend on those before them, and the cotangents do not tell how the result changes where \
                      they do not";

/// Reports the part of a tangent or of a cotangent that has no derivative, since columns depend on others.
fn report_open(quotients: Quotients, first: usize) {
    quotients.report(|| {
        format!(
            "column {first}, counting from 0, depends on those before it; R has no derivative from there on"
        )
    });
}

/// Takes from columns X what they have along Q, in the memory for Q^H X: X <- X - Q (Q^H X).
///
/// Where the rows of Q have sizes of their own, those of A, what is left of a large one may be rounding of what was taken
/// off; taken off again it is less by a rounding each time, until it is none of what is left.
fn outside<T: Scalar>(
    q: DMatrixView<'_, T>,
    x: &mut DMatrixViewMut<'_, T>,
    along: &mut DMatrixViewMut<'_, T>,
) {
    /// Above this ratio of the sizes of rows they are looked at.
    const GRADED: f64 = 1e3;
    const MOST: usize = 60;
    let size = |row: usize| largest_modulus(q.row(row).iter());
    let sizes = (0..q.nrows()).map(size);
    let (least, most) = sizes
        .fold((f64::INFINITY, 0.0_f64), |(least, most), size| (least.min(size), most.max(size)));
    let rounding = T::Real::default_epsilon().to_f64();
    for _ in 0..MOST {
        multiply(T::one(), (q, true), (x.as_view(), false), T::zero(), along);
        multiply(-T::one(), (q, false), (along.as_view(), false), T::one(), x);
        if most <= GRADED * least {
            break;
        }
        let is_rounding = |i: usize, j: usize| {
            let taken = |k: usize| (q[(i, k)].modulus() * along[(k, j)].modulus()).to_f64();
            (0..q.ncols()).map(taken).sum::<f64>() <= rounding * x[(i, j)].modulus().to_f64()
        };
        if (0..x.ncols()).all(|j| (0..x.nrows()).all(|i| is_rounding(i, j))) {
            break;
        }
    }
}

/// The tangents of Q and R.
///
/// With C = Q1^H dA1 R11^-1: Q1^H dQ1 is skew-Hermitian and dR11 R11^-1 upper triangular
/// with a real diagonal, so C = Omega + U splits into Omega = stril(C) - stril(C)^H + i Im diag(C)
/// and U = dR11 R11^-1. Then dQ1 = Q1 Omega + (1 - Q1 Q1^H) dA1 R11^-1, dR11 = U R11, dR12 = Q1^H dA2 - Omega R12, and
/// dQ2 = -Q1 dQ1^H Q2. If Q2 is one column, dR12 += dQ1^H Q2 R22, and D = Q2^H (dA2 - dQ1 R12) is the
/// tangent of R22 but for the phase phi = i Im(D_1) / R22_1, which keeps the diagonal real:
/// dR22 = D - phi R22, dQ2 += phi Q2.
///
/// In this order nothing is added to what it cancels with, so that rows and columns of any scale keep their digits.
pub(crate) fn qr_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, R, K>,
    r: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, K>, OMatrix<T, K, C>)
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C> + Allocator<K, K>,
{
    if let Some(level) = Level::of(r.iter(), a_dot.iter()) {
        let (q_dot, r_dot) = qr_forward_at_level(primitive, q, r, &level.raised(a_dot));
        return (level.lowered(q_dot), level.lowered(r_dot));
    }
    qr_forward_at_level(primitive, q, r, a_dot)
}

fn qr_forward_at_level<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, R, K>,
    r: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, K>, OMatrix<T, K, C>)
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C> + Allocator<K, K>,
{
    let ((rows, size), (_, columns)) = (q.shape_generic(), r.shape_generic());
    let mut q_dot = OMatrix::zeros_generic(rows, size);
    let mut r_dot = OMatrix::zeros_generic(size, columns);
    let square = || OMatrix::<T, K, K>::zeros_generic(size, size);
    let (mut omega, mut upper) = (square(), square());
    let (mut along, mut taken) = (square(), square());
    let Split { first: p, single, loose } = split(block(q), block(r));
    let (one, zero) = (T::one(), T::zero());
    let (q, r, a_dot) = (block(q), block(r), block(a_dot));
    let r1 = r.rows(0, p);
    let (q1, q2) = q.columns_range_pair(..p, p..);
    let (r11, r12) = r1.columns_range_pair(..p, p..);
    let (a1_dot, a2_dot) = a_dot.columns_range_pair(..p, p..);
    let mut q_dot_block = block_mut(&mut q_dot);
    let (mut q1_dot, mut q2_dot) = q_dot_block.columns_range_pair_mut(..p, p..);
    let mut omega = workspace(&mut omega, (p, p));
    let mut upper = workspace(&mut upper, (p, p));

    multiply(one, (q1, true), (a1_dot, false), zero, &mut omega);
    solve_again(Side::Right, Triangle::Upper, Operation::None, r11, &mut omega);
    for j in 0..p {
        for i in 0..j {
            upper[(i, j)] = omega[(i, j)] + omega[(j, i)].conjugate();
            omega[(i, j)] = -omega[(j, i)].conjugate();
        }
        upper[(j, j)] = T::from_real(omega[(j, j)].real());
        let imaginary = omega[(j, j)] - upper[(j, j)];
        omega[(j, j)] = imaginary;
    }
    // Q2^H dQ1, of all that is outside of Q1 if Q2 is one column.
    let mut along = workspace(&mut along, (q2.ncols(), p));
    if single {
        multiply(one, (q2, true), (a1_dot, false), zero, &mut along);
        solve_again(Side::Right, Triangle::Upper, Operation::None, r11, &mut along);
        multiply(one, (q2, false), (along.as_view(), false), zero, &mut q1_dot);
    } else if p > 0 {
        q1_dot.copy_from(&a1_dot);
        outside(q1, &mut q1_dot, &mut workspace(&mut taken, (p, p)));
        solve_again(Side::Right, Triangle::Upper, Operation::None, r11, &mut q1_dot);
        multiply(one, (q2, true), (q1_dot.as_view(), false), zero, &mut along);
    }
    multiply(one, (q1, false), (omega.as_view(), false), one, &mut q1_dot);
    let mut r_dot_block = block_mut(&mut r_dot);
    let (mut r1_dot, mut r2_dot) = r_dot_block.rows_range_pair_mut(..p, p..);
    let (mut r11_dot, mut r12_dot) = r1_dot.columns_range_pair_mut(..p, p..);
    multiply(one, (upper.as_view(), false), (r11, false), zero, &mut r11_dot);
    multiply(one, (q1, true), (a2_dot, false), zero, &mut r12_dot);
    multiply(-one, (omega.as_view(), false), (r12, false), one, &mut r12_dot);
    if q2.ncols() > 0 {
        multiply(-one, (q1, false), (along.as_view(), true), zero, &mut q2_dot);
        let mut r22_dot = r2_dot.columns_range_mut(p..);
        multiply(one, (q2, true), (a2_dot, false), zero, &mut r22_dot);
        multiply(-one, (along.as_view(), false), (r12, false), one, &mut r22_dot);
        if single {
            let r22 = r.view((p, p), r22_dot.shape());
            multiply(one, (along.as_view(), true), (r22, false), one, &mut r12_dot);
            let turn = imaginary(r22_dot[0]);
            if !loose {
                let phase = turn.unscale(r22[0].real());
                r22_dot.zip_apply(&r22, |y, x| *y -= phase * x);
                q2_dot.zip_apply(&q2, |y, x| *y += phase * x);
            } else if !<T::Kind as Kind>::REAL {
                // A complex number that was zero gets a phase.
                let all = largest_modulus(a_dot.iter());
                let mut gauge = Quotients::new::<T::Real>(primitive, all);
                r22_dot[0] = gauge.over_nothing(r22_dot[0]);
                if gauge.is_lost() {
                    let nothing = undefined_with(q.iter().chain(r.iter()));
                    r22_dot.apply(|x| *x += nothing);
                    q2_dot.apply(|x| *x += nothing);
                }
                gauge.report_gauge();
            }
        } else {
            let all = largest_modulus(a_dot.iter());
            let mut quotients = Quotients::new::<T::Real>(primitive, all);
            r22_dot.apply(|x| *x = quotients.over_nothing(*x));
            if rows.value() > size.value() {
                // What leaves all columns of Q.
                let mut rest = OMatrix::<T, R, C>::zeros_generic(rows, columns);
                let mut inside = OMatrix::<T, K, C>::zeros_generic(size, columns);
                let beside = r22_dot.ncols();
                let mut rest = workspace(&mut rest, (rows.value(), beside));
                let mut inside = workspace(&mut inside, (size.value(), beside));
                rest.copy_from(&a2_dot);
                multiply(-one, (q1_dot.as_view(), false), (r12, false), one, &mut rest);
                multiply(one, (q, true), (rest.as_view(), false), zero, &mut inside);
                multiply(-one, (q, false), (inside.as_view(), false), one, &mut rest);
                let leaves = largest_modulus(rest.iter());
                if !quotients.is_rounding(leaves) {
                    quotients.lose(leaves);
                }
            }
            // Q2 is another one then, and so is R22.
            if quotients.is_lost() {
                let nothing = undefined_with(q.iter().chain(r.iter()));
                r22_dot.apply(|x| *x += nothing);
                q2_dot.apply(|x| *x += nothing);
            }
            r22_dot.fill_lower_triangle(zero, 1);
            report_open(quotients, p);
        }
    }
    (q_dot, r_dot)
}

/// Turns the cotangents of Q and R, which are overwritten, into that of A and adds it.
///
/// The adjoint of [`qr_forward`] in the pairing Re tr(Y_bar^H Y_dot): with
/// W = triu(R11_bar) R11^H - Q1^H Q1_bar + R12_bar R12^H and K = -stril(W - W^H) - i Im diag(W),
///
/// A1_bar = Q1 (triu(R11_bar) + K R11^-H) + (1 - Q1 Q1^H) Q1_bar R11^-H, A2_bar = Q1 R12_bar,
///
/// after Q1_bar -= Q2 Q2_bar^H Q1. If Q2 is one column, before all that with
/// phi_bar = Q2^H Q2_bar - R22_bar R22^H, D_bar = R22_bar + i Im(phi_bar) / R22_1 in its first entry,
/// A2_bar = Q2 D_bar, and Q1_bar += Q2 (R22 R12_bar^H - D_bar R12^H); and all that is outside of Q1 is along it.
pub(crate) fn qr_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, R, K>,
    r: &OMatrix<T, K, C>,
    q_bar: &mut DMatrixViewMut<'_, T>,
    r_bar: &mut DMatrixViewMut<'_, T>,
    a_bar: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K, K>,
{
    let (_, size) = q.shape_generic();
    let square = || OMatrix::<T, K, K>::zeros_generic(size, size);
    let (mut z, mut w, mut choice) = (square(), square(), square());
    let mut r22_bar = r.copied();
    let jump = first_jump(block(q), block(r));
    let asked = jump.is_some_and(|first| asks(q_bar.columns_range(first..).iter()));
    let mut told = false;
    let Split { first: p, single, loose } = split(block(q), block(r));
    let (one, zero) = (T::one(), T::zero());
    let (q, r) = (block(q), block(r));
    let r1 = r.rows(0, p);
    let (q1, q2) = q.columns_range_pair(..p, p..);
    let (r11, r12) = r1.columns_range_pair(..p, p..);
    let (mut q1_bar, q2_bar) = q_bar.columns_range_pair_mut(..p, p..);
    let (mut a1_bar, mut a2_bar) = a_bar.columns_range_pair_mut(..p, p..);

    if q2.ncols() > 0 {
        let (open, beside) = (q2.ncols(), r.ncols() - p);
        let mut r22_bar = workspace(&mut r22_bar, (open, beside));
        r22_bar.copy_from(&r_bar.view((p, p), (open, beside)));
        let mut choice = workspace(&mut choice, (open, open));
        multiply(one, (q2, true), (q2_bar.as_view(), false), zero, &mut choice);
        // A cotangent of R times R has the unit of one of Q.
        let of_r = largest_modulus(r_bar.iter());
        let all = |q1_bar: &DMatrixViewMut<'_, T>| {
            let q_bar = largest_modulus(q1_bar.iter()).max(largest_modulus(q2_bar.iter()));
            q_bar.max((of_r * largest_modulus(r.iter())).min(f64::MAX))
        };
        if single {
            let r22 = r.view((p, p), r22_bar.shape());
            let turn = imaginary(choice[0] - r22_bar.dotc(&r22).conjugate());
            if !loose {
                r22_bar[0] += turn.unscale(r22[0].real());
            } else if !<T::Kind as Kind>::REAL {
                let mut gauge = Quotients::new::<T::Real>(primitive, all(&q1_bar));
                let mut lost = gauge.over_nothing(turn);
                r22_bar.iter().for_each(|&x| lost += gauge.over_nothing(x));
                if gauge.is_lost() {
                    lost += undefined_with(q.iter().chain(r.iter()));
                }
                r22_bar[0] = lost;
                told = gauge.is_lost();
                gauge.report_gauge();
            }
            multiply(one, (q2, false), (r22_bar.as_view(), false), one, &mut a2_bar);
            let mut along = workspace(&mut z, (1, p));
            let r12_bar = r_bar.view((0, p), r12.shape());
            multiply(one, (r22, false), (r12_bar, true), zero, &mut along);
            multiply(-one, (r22_bar.as_view(), false), (r12, true), one, &mut along);
            multiply(one, (q2, true), (q1_bar.as_view(), false), one, &mut along);
            multiply(-one, (q2_bar.as_view(), true), (q1, false), one, &mut along);
            solve_again(Side::Right, Triangle::Upper, Operation::Adjoint, r11, &mut along);
            multiply(one, (q2, false), (along.as_view(), false), one, &mut a1_bar);
        } else {
            r22_bar.fill_lower_triangle(zero, 1);
            for j in 0..open {
                for i in 0..=j {
                    let skew = choice[(i, j)] - choice[(j, i)].conjugate();
                    choice[(i, j)] = skew;
                    choice[(j, i)] = -skew.conjugate();
                }
            }
            let all = all(&q1_bar);
            let mut gauge = Quotients::new::<T::Real>(primitive, all);
            let mut quotients = Quotients::new::<T::Real>(primitive, of_r);
            let mut lost = T::zero();
            r22_bar.iter().for_each(|&x| lost += quotients.over_nothing(x));
            choice.iter().for_each(|&x| lost += gauge.over_nothing(x));
            // All that comes from here is undefined then, and so is how it varies.
            if quotients.is_lost() || gauge.is_lost() {
                lost += undefined_with(q.iter().chain(r.iter()));
            }
            q1_bar.apply(|x| *x += lost);
            a2_bar.apply(|x| *x += lost);
            told = quotients.is_lost() || gauge.is_lost();
            report_open(quotients, p);
            gauge.report_gauge();
        }
        if !single {
            let mut along = workspace(&mut z, (q2.ncols(), p));
            multiply(one, (q2_bar.as_view(), true), (q1, false), zero, &mut along);
            multiply(-one, (q2, false), (along.as_view(), false), one, &mut q1_bar);
        }
    }
    let (mut z, mut w) = (workspace(&mut z, (p, p)), workspace(&mut w, (p, p)));
    let r12_bar = r_bar.view((0, p), (p, r12.ncols()));
    z.copy_from(&r_bar.view((0, 0), (p, p)));
    z.fill_lower_triangle(zero, 1);
    multiply(one, (z.as_view(), false), (r11, true), zero, &mut w);
    multiply(-one, (q1, true), (q1_bar.as_view(), false), one, &mut w);
    multiply(one, (r12_bar, false), (r12, true), one, &mut w);
    for j in 0..p {
        for i in j + 1..p {
            let skew = w[(j, i)].conjugate() - w[(i, j)];
            w[(i, j)] = skew;
            w[(j, i)] = zero;
        }
        let imaginary = T::from_real(w[(j, j)].real()) - w[(j, j)];
        w[(j, j)] = imaginary;
    }
    solve_again(Side::Right, Triangle::Upper, Operation::Adjoint, r11, &mut w);
    z += &w;
    multiply(one, (q1, false), (z.as_view(), false), one, &mut a1_bar);
    if !single && p > 0 {
        outside(q1, &mut q1_bar, &mut z);
        solve_again(Side::Right, Triangle::Upper, Operation::Adjoint, r11, &mut q1_bar);
        a1_bar += q1_bar;
    }
    multiply(one, (q1, false), (r12_bar, false), one, &mut a2_bar);
    if asked && !told {
        lose_all(primitive, CHOICE, a_bar, q.iter().chain(r.iter()));
    }
}
