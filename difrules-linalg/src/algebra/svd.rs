//! The shared mathematics of A = U diag(s) V^H, with U and V of orthonormal columns.

use std::ops::Range;

use difrules_core::contract::Kind;
use difrules_core::diagnostic::Diagnostic;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, diagnosed, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DVector, DefaultAllocator, Dim, DimMin, DimMinimum,
    DimSub, Dyn, OMatrix, OVector, U1,
};

use crate::algebra::hermitian_eigen::{
    Order, Pair, add_split, divide_by_gaps, hermitian as hermitian_part, largest, part,
    settled_weights, size_of, size_of_bars, slope, split, split_values,
};
use crate::algebra::modulus::largest_modulus;
use crate::algebra::resolvent::{Pairs, apart, only, take};
use crate::algebra::scaling::{Level, times_quotient};
use crate::algebra::weighted::Weighted;
use crate::block::{
    FIT, block, block_mut, in_basis, moving_in_basis, multiply, numbers, out_of_basis, product,
    still, transposed, varies,
};
use crate::decomposition::singular_values::singular_values;
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, shape};
use crate::known::{Known, next};
use crate::sample;
use crate::tolerance::{Gap, Quotients, Sizes, asks, held, jumping, plain, rounding_of, undefined};

const REPEATED: &str = "a singular value repeats or is zero and this direction splits it: its singular \
                        vectors have no derivative along it";

/// The tangents of U, s and V^H.
///
/// With P = U^H dA V, X = U^H dU and Y = V^H dV, both skew-Hermitian, A V = U diag(s) gives
/// P = X S + dS - S Y. So ds = Re diag(P), and from P + P^H and P - P^H
///
/// X + Y = (P + P^H)_ij / (s_j - s_i), X - Y = (P - P^H)_ij / (s_j + s_i),
///
/// and outside of the columns of U and V, dU = (1 - U U^H) dA V S^-1, dV = (1 - V V^H) dA^H U S^-1.
/// The common phase of two columns follows from the largest entry of U's staying real.
#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
pub(crate) fn svd_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    (a, a_dot): (&OMatrix<T, R, C>, &OMatrix<T, R, C>),
) -> (OMatrix<T, R, K>, OVector<T::Real, K>, OMatrix<T, K, C>)
where
    DefaultAllocator:
        Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<K, K> + Allocator<R, C>,
{
    if let Some(level) = Level::of(values.iter(), a_dot.iter()) {
        let a_dot = level.raised(a_dot);
        let tangents = svd_forward_at_level(primitive, u, values, v_t, (a, &a_dot));
        let (u_dot, values_dot, v_t_dot) = tangents;
        return (level.lowered(u_dot), level.lowered(values_dot), level.lowered(v_t_dot));
    }
    svd_forward_at_level(primitive, u, values, v_t, (a, a_dot))
}

#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
fn svd_forward_at_level<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    (a, a_dot): (&OMatrix<T, R, C>, &OMatrix<T, R, C>),
) -> (OMatrix<T, R, K>, OVector<T::Real, K>, OMatrix<T, K, C>)
where
    DefaultAllocator:
        Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<K, K> + Allocator<R, C>,
{
    let ((rows, size), (_, columns)) = (u.shape_generic(), v_t.shape_generic());
    let (one, zero) = (T::one(), T::zero());
    let square = || OMatrix::<T, K, K>::zeros_generic(size, size);
    let (mut p, mut x, mut y) = (square(), square(), square());
    // dA V and U^H dA.
    let mut u_dot = OMatrix::<T, R, K>::zeros_generic(rows, size);
    let mut v_t_dot = OMatrix::<T, K, C>::zeros_generic(size, columns);
    let (ub, vb) = (block(u), block(v_t));
    multiply(one, (block(a_dot), false), (vb, true), zero, &mut block_mut(&mut u_dot));
    multiply(one, (ub, true), (block(a_dot), false), zero, &mut block_mut(&mut v_t_dot));
    multiply(one, (ub, true), (block(&u_dot), false), zero, &mut block_mut(&mut p));
    let mut values_dot = OVector::from_fn_generic(size, U1, |i, _| p[(i, i)].real());
    let sizes = Sizes::of_singular_values(values.as_slice(), ub, vb);
    let chosen = apart_of(values.as_slice(), &sizes);
    let alone = chosen.map(|chosen| {
        let (u, v) = (only(&chosen, ub), only(&chosen, block(v_t).adjoint().as_view()));
        let right = product((block(a_dot), false), (block(&v), false));
        let value_dot = |j: usize| u.column(j).dotc(&right.column(j)).real();
        let values_dot: Vec<T::Real> = (0..values.len()).map(value_dot).collect();
        let below = product((block(a_dot), true), (block(&u), false));
        let (values, is_full) = (values.as_slice(), sizes.are_positive(values.as_slice()));
        let pairs = Pairs { a: block(a), is_full, u: block(&u), values, v: block(&v) };
        let (u_dot, v_dot) = pairs.resolve((&right, &below), &chosen);
        (chosen, values_dot, u_dot, v_dot)
    });
    let half: T::Real = nalgebra::convert(0.5);
    let all = largest_modulus(a_dot.iter());
    let matrices = (Some(a), a_dot);
    split_singular_values(&sizes, values, u, v_t, matrices, values_dot.as_mut_slice());
    let mut quotients = Quotients::new::<T::Real>(primitive, all);
    for j in 0..values.len() {
        for i in 0..values.len() {
            let (upper, lower) = (p[(i, j)], p[(j, i)].conjugate());
            let (hermitian, skew) = ((upper + lower).scale(half), (upper - lower).scale(half));
            let (gap, both) = (values[j] - values[i], values[j] + values[i]);
            let (found, found_both) = (sizes.difference(i, j, gap), sizes.gap(i, j, both));
            if i != j && (found, found_both) == (Gap::Apart, Gap::Apart) {
                (x[(i, j)], y[(i, j)]) = mixed((upper, lower), (values[i], values[j]));
                continue;
            }
            let sum = if i == j {
                zero
            } else {
                let (first, last) = (i.min(j), i.max(j));
                let disorder = p[(last, last)].real() - p[(first, first)].real();
                quotients.over_difference(hermitian, gap, found, disorder)
            };
            let difference = match found_both {
                // Where a zero moves, also the sign of real vectors jumps.
                Gap::Nothing if i == j => quotients.over_zero(upper, both),
                _ if i == j && <T::Kind as Kind>::REAL => zero,
                gap => quotients.over(skew, both, gap),
            };
            x[(i, j)] = sum + difference;
            y[(i, j)] = sum - difference;
        }
    }
    // (1 - U U^H) dA V S^-1 + U X.
    let (mut along, range) = (square(), (block(a), sizes.are_positive(values.as_slice())));
    let divided = &mut |j: usize, x: T| quotients.over(x, values[j], sizes.gap(j, j, values[j]));
    if rows.value() > values.len() {
        let off = (&mut block_mut(&mut along), &mut block_mut(&mut u_dot));
        take_off_range(range, (ub, false), off.0, off.1);
        for j in 0..values.len() {
            u_dot.column_mut(j).apply(|x| *x = divided(j, *x));
        }
    } else {
        u_dot.fill(zero);
    }
    if columns.value() > values.len() {
        let off = (&mut block_mut(&mut along), &mut block_mut(&mut v_t_dot));
        take_off_range(range, (vb, true), off.0, off.1);
        for j in 0..values.len() {
            v_t_dot.row_mut(j).apply(|x| *x = divided(j, *x));
        }
    } else {
        v_t_dot.fill(zero);
    }
    quotients.report(|| REPEATED);
    multiply(one, (ub, false), (block(&x), false), one, &mut block_mut(&mut u_dot));
    multiply(one, (block(&y), true), (vb, false), one, &mut block_mut(&mut v_t_dot));
    if let Some((chosen, alone_dot, u_alone, v_alone)) = alone {
        let (mut u_dot, mut v_t_dot) = (block_mut(&mut u_dot), block_mut(&mut v_t_dot));
        for j in (0..values.len()).filter(|&j| chosen[j]) {
            values_dot[j] = alone_dot[j];
            u_dot.column_mut(j).copy_from(&u_alone.column(j));
            v_t_dot.row_mut(j).copy_from(&v_alone.column(j).adjoint());
        }
    }
    for j in (0..values.len()).filter(|_| !<T::Kind as Kind>::REAL) {
        let k = largest(u.column(j).iter());
        let moved = u_dot[(k, j)];
        let phase = (moved - T::from_real(moved.real())) / u[(k, j)];
        u_dot.column_mut(j).zip_apply(&u.column(j), |x, u| *x -= phase * u);
        v_t_dot.row_mut(j).zip_apply(&v_t.row(j), |x, v| *x += phase * v);
    }
    (u_dot, values_dot, v_t_dot)
}

/// Adds to the cotangent of A what those of U, s and V^H give, of which the first and the last are
/// overwritten.
///
/// The adjoint of [`svd_forward`] in the pairing Re tr(Y_bar^H Y_dot). With G = U^H U_bar and
/// H = V^H V_bar,
///
/// A_bar = U (M + N) V^H + (1 - U U^H) U_bar S^-1 V^H + U S^-1 V_bar^H (1 - V V^H),
///
/// where N_ij = skew(G - H)_ij / (s_j + s_i), and M is what eigenvalues s and the cotangent G + H of
/// their eigenvectors would give: see [`divide_by_gaps`], also for values that repeat. One that is zero has a
/// kink: its own cotangent has to be zero.
#[expect(clippy::too_many_arguments, reason = "three factors and their cotangents")]
pub(crate) fn svd_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    a: DMatrixView<'_, T>,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    u_bar: &mut DMatrixViewMut<'_, T>,
    values_bar: &[T::Real],
    v_t_bar: &mut DMatrixViewMut<'_, T>,
    a_bar: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<K, K>,
{
    let (_, size) = u.shape_generic();
    let (rows, columns, count) = (u.nrows(), v_t.ncols(), values.len());
    let (one, zero) = (T::one(), T::zero());
    let half: T::Real = nalgebra::convert(0.5);
    let (ub, vb) = (block(u), block(v_t));
    let sizes = Sizes::of_singular_values(values.as_slice(), ub, vb);
    let jump = sizes.differences_vanish(values.as_slice()) || sizes.sums_vanish(values.as_slice());
    let asked = |j: usize| asks(u_bar.column(j).iter()) || asks(v_t_bar.row(j).iter());
    let asked: Vec<bool> = if jump { (0..count).map(asked).collect() } else { Vec::new() };
    for j in (0..count).filter(|_| !<T::Kind as Kind>::REAL) {
        // phase_bar = u^H u_bar - v^H v_bar; its imaginary part goes to the entry that stays real.
        let k = largest(u.column(j).iter());
        let along_u = u_bar.column(j).dotc(&ub.column(j));
        let along_v =
            (0..columns).fold(zero, |sum, i| sum + v_t_bar[(j, i)].conjugate() * v_t[(j, i)]);
        let along = along_u - along_v;
        u_bar[(k, j)] += (along - T::from_real(along.real())) / u[(k, j)];
    }
    let square = || OMatrix::<T, K, K>::zeros_generic(size, size);
    let (mut g, mut h, mut sum) = (square(), square(), square());
    multiply(one, (ub, true), (u_bar.as_view(), false), zero, &mut block_mut(&mut g));
    // V^H V_bar is V_t V_t_bar^H.
    multiply(one, (vb, false), (v_t_bar.as_view(), true), zero, &mut block_mut(&mut h));
    let all = largest_modulus(numbers(u_bar)).max(largest_modulus(numbers(v_t_bar)));
    let all = size_of_bars(all, values_bar, values.as_slice());
    let terms = g.as_slice().iter().zip(h.as_slice());
    sum.as_mut_slice().iter_mut().zip(terms).for_each(|(sum, (&g, &h))| *sum = g + h);
    let sum_block = &mut block_mut(&mut sum);
    let bars = (values_bar, &asked[..]);
    divide_by_gaps(primitive, &sizes, values.as_slice(), bars, sum_block, all);
    let mut gauge = Quotients::new::<T::Real>(primitive, all);
    let mut quotients = Quotients::new::<T::Real>(primitive, all);
    let mut of_values = Quotients::new::<T::Real>(primitive, size_of(values_bar));
    let h_h = transposed(h.as_slice(), (size, size), T::conjugate);
    let mut skew = transposed(g.as_slice(), (size, size), T::conjugate);
    let differences = g.as_slice().iter().zip(h.as_slice()).zip(h_h.as_slice());
    skew.as_mut_slice().iter_mut().zip(differences).for_each(|(skew, ((&g, &h), &h_h))| {
        *skew = ((g - h) - (*skew - h_h)).scale(half);
    });
    for j in 0..count {
        for i in 0..count {
            let divisor = values[i] + values[j];
            let gap = sizes.gap(i, j, divisor);
            let apart = sizes.difference(i, j, values[j] - values[i]) == Gap::Apart;
            if i != j && apart && gap == Gap::Apart {
                let part = |m: &OMatrix<T, K, K>| m[(i, j)] - m[(j, i)].conjugate();
                let bars = (part(&g), part(&h));
                sum[(i, j)] = mixed(bars, (values[i], values[j])).0;
                continue;
            }
            if i != j || gap == Gap::Nothing || !<T::Kind as Kind>::REAL {
                sum[(i, j)] += gauge.over(skew[(i, j)], divisor, gap);
            }
            // Where a zero moves, also the sign of real vectors jumps.
            if gap == Gap::Nothing && (asked[i] || asked[j]) {
                quotients.lose(1.0);
                sum[(i, j)] += undefined();
            }
        }
        if sizes.gap(j, j, values[j]) == Gap::Nothing {
            sum[(j, j)] = of_values.over_nothing(T::from_real(values_bar[j]));
        }
    }
    // What is outside of U and V, over S. What nobody asks for stays so.
    let range = (a, sizes.are_positive(values.as_slice()));
    let divided = &mut |j: usize, x: T| quotients.over(x, values[j], sizes.gap(j, j, values[j]));
    if rows > count {
        let rests = resting::<T>(u_bar.column_iter().map(|column| varies(&column)));
        take_off_range(range, (ub, false), &mut block_mut(&mut g), u_bar);
        for (j, mut column) in u_bar.column_iter_mut().enumerate() {
            let rests = rests.get(j) == Some(&true);
            column.apply(|x| *x = if rests { zero } else { divided(j, *x) });
        }
    }
    if columns > count {
        let rests = resting::<T>(v_t_bar.row_iter().map(|row| varies(&row)));
        take_off_range(range, (vb, true), &mut block_mut(&mut h), v_t_bar);
        for (j, mut row) in v_t_bar.row_iter_mut().enumerate() {
            let rests = rests.get(j) == Some(&true);
            row.apply(|x| *x = if rests { zero } else { divided(j, *x) });
        }
    }
    if of_values.is_lost() {
        quotients.lose(all);
    }
    gauge.report_gauge();
    quotients.report(|| REPEATED);
    // U sum + U_bar S^-1, then times V^H.
    let mut left = u.copied();
    multiply(one, (ub, false), (block(&sum), false), zero, &mut block_mut(&mut left));
    if rows > count {
        block_mut(&mut left).zip_apply(&*u_bar, |x, y| *x += y);
    }
    multiply(one, (block(&left), false), (vb, false), one, a_bar);
    if columns > count {
        multiply(one, (ub, false), (v_t_bar.as_view(), false), one, a_bar);
    }
}

/// X and Y from P_ij and conj(P_ji), for values that are apart, without what cancels where one is small beside the other:
///
/// X_ij = (s_j P_ij + s_i conj(P_ji)) / ((s_j - s_i) (s_j + s_i)), Y_ij = (s_i P_ij + s_j conj(P_ji)) / (..)
///
/// The first of them is M + N as well, from the skew parts of G and of H.
pub(crate) fn mixed<T: Scalar>(
    (upper, lower): (T, T),
    (first, last): (T::Real, T::Real),
) -> (T, T) {
    let (gap, both) = (last - first, last + first);
    let (first, last) = (first / both, last / both);
    let over = |x, y| (upper.scale(x) + lower.scale(y)).unscale(gap);
    (over(last, first), over(first, last))
}

/// What does not vary, in a derivative mode: of plain numbers a zero is one.
fn resting<T: Scalar>(varies: impl Iterator<Item = bool>) -> Vec<bool> {
    if T::Real::BASE { Vec::new() } else { varies.map(|varies| !varies).collect() }
}

/// Takes off what is along the columns of Q, or if the flag says so along its rows Q^H, twice: the rounding that is left
/// along it, over a small singular value, would be large.
pub(crate) fn take_off<T: Scalar>(
    (q, rows): (DMatrixView<'_, T>, bool),
    along: &mut DMatrixViewMut<'_, T>,
    x: &mut DMatrixViewMut<'_, T>,
) {
    let (one, zero) = (T::one(), T::zero());
    for _ in 0..2 {
        if rows {
            multiply(one, (x.as_view(), false), (q, true), zero, along);
            multiply(-one, (along.as_view(), false), (q, false), one, x);
        } else {
            multiply(one, (q, true), (x.as_view(), false), zero, along);
            multiply(-one, (q, false), (along.as_view(), false), one, x);
        }
    }
}

/// [`take_off`] of what is along A, whose vectors Q are, if no singular value is zero: where A has rows of all sizes, or columns if
/// the flag says so, by rows of A that are chosen, as the vectors have lost what is small beside their largest entries.
pub(crate) fn take_off_range<T: Scalar>(
    (a, is_full): (DMatrixView<'_, T>, bool),
    (q, rows): (DMatrixView<'_, T>, bool),
    along: &mut DMatrixViewMut<'_, T>,
    x: &mut DMatrixViewMut<'_, T>,
) {
    let weighted = match rows {
        _ if !is_full => None,
        true => Weighted::of_adjoint(a),
        false => Weighted::new(a),
    };
    let rest = weighted.and_then(|weighted| match rows {
        true => weighted.residual(&x.adjoint()).map(|rest| rest.adjoint()),
        false => weighted.residual(&x.clone_owned()),
    });
    match rest {
        Some(rest) => x.copy_from(&rest),
        None => take_off((q, rows), along, x),
    }
}

/// Which pairs of singular vectors are [apart](fn@apart): zero is a value, too.
fn apart_of<S: Real>(values: &[S], sizes: &Sizes) -> Option<Vec<bool>> {
    apart::<S>(values.len(), |i, j| {
        let gap = values[j] - values[i];
        let (gap, found) = match i == j {
            true => (values[j], sizes.gap(j, j, values[j])),
            false => (gap, sizes.difference(i, j, gap)),
        };
        (gap.to_f64().abs(), found)
    })
}

/// Adds to the cotangent of A in a derivative mode what the vectors give whose singular values are apart from all others
/// and from zero, the adjoint of what [`svd_forward`] does with them. It takes their cotangents out of those of all.
pub(crate) fn vectors_alone_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    (u_bar, v_t_bar): (&mut DMatrixViewMut<'_, T>, &mut DMatrixViewMut<'_, T>),
) -> Option<DMatrix<T>>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<R, C>,
{
    let sizes = Sizes::of_singular_values(values.as_slice(), block(u), block(v_t));
    let chosen = apart_of(values.as_slice(), &sizes)?;
    let (u, v) = (only(&chosen, block(u)), only(&chosen, block(v_t).adjoint().as_view()));
    let mut right_u = take(&chosen, u_bar);
    let mut right_v = DMatrix::zeros(v.nrows(), v.ncols());
    for j in (0..values.len()).filter(|&j| chosen[j]) {
        right_v.column_mut(j).copy_from(&v_t_bar.row(j).adjoint());
        v_t_bar.row_mut(j).fill(still());
        let k = largest(u.column(j).iter());
        let along = right_u.column(j).dotc(&u.column(j)) + right_v.column(j).dotc(&v.column(j));
        right_u[(k, j)] += (along - T::from_real(along.real())) / u[(k, j)];
    }
    let (values, is_full) = (values.as_slice(), sizes.are_positive(values.as_slice()));
    let pairs = Pairs { a: block(a), is_full, u: block(&u), values, v: block(&v) };
    let (x, y) = pairs.resolve((&right_u, &right_v), &chosen);
    let mut bar = product((block(&x), false), (block(&v), true));
    multiply(T::one(), (block(&u), false), (block(&y), true), T::one(), &mut block_mut(&mut bar));
    Some(bar)
}

/// The tangent of W = U V^H from that of A, and the cotangent of A from that of W: the map is its own
/// adjoint.
///
/// With D = U^H dA V, X = U^H dU and Y = V^H dV as in [`svd_forward`], U^H dW V is X - Y, which takes
/// sums of singular values alone; what is outside of U and V is as there:
///
/// dW = U Omega V^H + (1 - U U^H) dA V S^-1 V^H + U S^-1 U^H dA (1 - V V^H),
/// Omega_ij = (D - D^H)_ij / (s_i + s_j).
///
/// Where a sum is zero, what it would divide is undefined.
pub(crate) fn unitary_factor<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
    a: DMatrixView<'_, T>,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    a_dot: DMatrixView<'_, T>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator:
        Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<K, K> + Allocator<R, C>,
{
    let ((rows, size), (_, columns)) = (u.shape_generic(), v_t.shape_generic());
    let (one, zero, count) = (T::one(), T::zero(), values.len());
    let (ub, vb) = (block(u), block(v_t));
    let mut left = OMatrix::<T, R, K>::zeros_generic(rows, size);
    let mut right = OMatrix::<T, K, C>::zeros_generic(size, columns);
    let mut d = OMatrix::<T, K, K>::zeros_generic(size, size);
    multiply(one, (a_dot, false), (vb, true), zero, &mut block_mut(&mut left));
    multiply(one, (ub, true), (block(&left), false), zero, &mut block_mut(&mut d));
    let mut along = OMatrix::<T, K, K>::zeros_generic(size, size);
    let sizes = Sizes::of_singular_values(values.as_slice(), ub, vb);
    let range = (a, sizes.are_positive(values.as_slice()));
    let all = largest_modulus(a_dot.iter());
    let mut quotients = Quotients::new::<T::Real>(primitive, all);
    if columns.value() > count {
        // S^-1 U^H dA (1 - V V^H)
        let mut right = block_mut(&mut right);
        multiply(one, (ub, true), (a_dot, false), zero, &mut right);
        take_off_range(range, (vb, true), &mut block_mut(&mut along), &mut right);
        for (j, (mut row, &s)) in right.row_iter_mut().zip(values.iter()).enumerate() {
            row.apply(|x| *x = quotients.over(*x, s, sizes.gap(j, j, s)));
        }
    }
    if rows.value() > count {
        // (1 - U U^H) dA V S^-1
        let mut left = block_mut(&mut left);
        take_off_range(range, (ub, false), &mut block_mut(&mut along), &mut left);
        for (j, (mut column, &s)) in left.column_iter_mut().zip(values.iter()).enumerate() {
            column.apply(|x| *x = quotients.over(*x, s, sizes.gap(j, j, s)));
        }
    } else {
        left.fill(zero);
    }
    for j in 0..count {
        for i in 0..=j {
            let (skew, both) = (d[(i, j)] - d[(j, i)].conjugate(), values[i] + values[j]);
            let entry = match sizes.gap(i, j, both) {
                // Here U V^H jumps, and is a choice.
                Gap::Nothing => {
                    let other = quotients.over_zero(d[(j, i)].conjugate(), both);
                    quotients.over_zero(d[(i, j)], both) - other
                }
                gap => quotients.over(skew, both, gap),
            };
            d[(i, j)] = entry;
            d[(j, i)] = -entry.conjugate();
        }
    }
    quotients.report(|| UNITARY);
    multiply(one, (ub, false), (block(&d), false), one, &mut block_mut(&mut left));
    let mut moved = OMatrix::zeros_generic(rows, columns);
    multiply(one, (block(&left), false), (vb, false), zero, &mut block_mut(&mut moved));
    if columns.value() > count {
        multiply(one, (ub, false), (block(&right), false), one, &mut block_mut(&mut moved));
    }
    moved
}

/// A = W P in a derivative mode, with as many rows as columns or more, and what moves W: the same as [`unitary_factor`].
///
/// The derivatives of U and V are not determined where singular values repeat, those of W and P are. So
/// X P + P X = E, with E = W^H dA - dA^H W, is solved by the plain factors, as constants, and again for what that
/// leaves, which is zero but for its derivatives, of one order more each time; and Y P = Z = (1 - W W^H) dA. Then
/// dW = W X + Y.
pub(crate) struct PolarFactors<T: Scalar> {
    pub(crate) w: DMatrix<T>,
    pub(crate) p: DMatrix<T>,
    /// The eigenvalues of P, and its eigenvectors, which do not vary.
    values: Vec<T::Real>,
    v: DMatrix<T>,
    /// A, where no singular value is zero.
    range: (DMatrix<T>, bool),
    sizes: Sizes,
    quotients: Quotients,
}

impl<T: Scalar> PolarFactors<T> {
    /// How often: derivatives of the rules of this order are right.
    const ORDER: usize = 3;

    pub(crate) fn new(
        a: DMatrix<T>,
        (w, p): (DMatrix<T>, DMatrix<T>),
        values: &[T::Real],
        v: DMatrixView<'_, T>,
        sizes: Sizes,
        quotients: Quotients,
    ) -> Self {
        let range = (a, sizes.are_positive(values));
        let values = values.iter().map(|&s| plain(s)).collect();
        Self { w, p, values, v: v.map(plain), range, sizes, quotients }
    }

    /// V^H P V. Its value is the eigenvalues: of those that are small beside others the products of entries of P with V would
    /// be rounding, which the steps below multiply by the ratio of the eigenvalues each time.
    fn p_in_basis(&self) -> DMatrix<T> {
        let values = DVector::from_fn(self.values.len(), |i, _| T::from_real(self.values[i]));
        moving_in_basis(&self.v, block(&self.p), &DMatrix::from_diagonal(&values))
    }

    /// X from W^H dA.
    pub(crate) fn inside(&mut self, along: &DMatrix<T>) -> DMatrix<T> {
        let (one, p) = (T::one(), self.p_in_basis());
        let half: T::Real = nalgebra::convert(0.5);
        let mut left = in_basis::<T, Dyn>(&self.v, (along - along.adjoint()).as_view());
        let mut x = DMatrix::zeros(p.nrows(), p.nrows());
        for _ in 0..=Self::ORDER {
            let mut step = DMatrix::zeros(p.nrows(), p.nrows());
            for j in 0..self.values.len() {
                for i in 0..self.values.len() {
                    // What is left is skew but for rounding, which is large beside a small singular value.
                    let skew = (left[(i, j)] - left[(j, i)].conjugate()).scale(half);
                    let both = self.values[i] + self.values[j];
                    step[(i, j)] = match self.sizes.gap(i, j, both) {
                        Gap::Nothing => self.quotients.over_zero(skew, both),
                        _ => skew.unscale(both),
                    };
                }
            }
            let (moved, p) = ((block(&step), false), (block(&p), false));
            multiply(-one, moved, p, one, &mut block_mut(&mut left));
            multiply(-one, p, moved, one, &mut block_mut(&mut left));
            // Of the values it leaves rounding, which is large beside a small singular value.
            left.apply(|x| *x -= plain(*x));
            x += step;
        }
        out_of_basis::<T, Dyn>(&self.v, &x)
    }

    /// (1 - W W^H) M, of which as in the rule of plain numbers rounding is taken off again.
    pub(crate) fn rest(&self, m: DMatrixView<'_, T>) -> DMatrix<T> {
        let w = block(&self.w);
        if w.nrows() == w.ncols() {
            return DMatrix::zeros(m.nrows(), m.ncols());
        }
        let mut rest = m.into_owned();
        let mut along = DMatrix::zeros(w.ncols(), m.ncols());
        let range = (block(&self.range.0), self.range.1);
        take_off_range(range, (w, false), &mut block_mut(&mut along), &mut block_mut(&mut rest));
        rest
    }

    /// Y from Z.
    pub(crate) fn outside(&mut self, rest: &DMatrix<T>) -> DMatrix<T> {
        let mut y = DMatrix::zeros(rest.nrows(), rest.ncols());
        if self.w.nrows() == self.w.ncols() {
            return y;
        }
        let (vb, p) = (block(&self.v), self.p_in_basis());
        let mut left = product((block(rest), false), (vb, false));
        for _ in 0..=Self::ORDER {
            let mut step = left.copied();
            for (j, mut column) in step.column_iter_mut().enumerate() {
                let s = self.values[j];
                column.apply(|x| {
                    *x = match self.sizes.gap(j, j, s) {
                        Gap::Nothing => self.quotients.over_zero(*x, s),
                        _ => x.unscale(s),
                    };
                });
            }
            let (moved, p) = ((block(&step), false), (block(&p), false));
            multiply(-T::one(), moved, p, T::one(), &mut block_mut(&mut left));
            left.apply(|x| *x -= plain(*x));
            y += step;
        }
        product((block(&y), false), (vb, true))
    }

    /// M on what P has no zeros for, and on what it has: there W is a choice. The last is nothing where no value is zero.
    pub(crate) fn split(&self, m: DMatrix<T>) -> (DMatrix<T>, Option<DMatrix<T>>) {
        let is_zero = |&j: &usize| self.sizes.gap(j, j, self.values[j]) == Gap::Nothing;
        let zeros: Vec<usize> = (0..self.values.len()).filter(is_zero).collect();
        if zeros.is_empty() {
            return (m, None);
        }
        let v = self.v.select_columns(&zeros);
        let along = product((block(&m), false), (block(&v), false));
        let last = product((block(&along), false), (block(&v), true));
        (m - &last, Some(last))
    }

    pub(crate) fn report(self) {
        self.quotients.report(|| UNITARY);
    }
}

const UNITARY: &str =
    "a singular value is zero: the unitary factor has no derivative along this direction";

/// The tangents of the singular values, Re(u_i^H dA v_i); of those that repeat or are zero, of what the
/// direction splits them into. Their own derivatives there are right if A is given.
pub(crate) fn derivatives<T: Scalar, R: Dim, K: Dim, C: Dim>(
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    (a, a_dot): (Option<&OMatrix<T, R, C>>, &OMatrix<T, R, C>),
) -> OVector<T::Real, K>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<R, C>,
{
    let (rows, size) = u.shape_generic();
    let mut product = OMatrix::<T, R, K>::zeros_generic(rows, size);
    let factors = ((block(a_dot), false), (block(v_t), true));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let mut values_dot =
        OVector::from_fn_generic(size, U1, |i, _| u.column(i).dotc(&product.column(i)).real());
    let sizes = Sizes::of_singular_values(values.as_slice(), block(u), block(v_t));
    split_singular_values(&sizes, values, u, v_t, (a, a_dot), values_dot.as_mut_slice());
    values_dot
}

/// Puts in place of the tangents of singular values that repeat, or are zero, those of the values that the
/// direction splits them into: those of the Hermitian part of their block of U^H dA V, and the singular values of
/// what is left of dA outside of the other vectors.
fn split_singular_values<T: Scalar, R: Dim, K: Dim, C: Dim>(
    sizes: &Sizes,
    vector: &OVector<T::Real, K>,
    u: &OMatrix<T, R, K>,
    v_t: &OMatrix<T, K, C>,
    (a, a_dot): (Option<&OMatrix<T, R, C>>, &OMatrix<T, R, C>),
    values_dot: &mut [T::Real],
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<R, C>,
{
    let all = largest_modulus(a_dot.iter());
    let values = vector.as_slice();
    let positive = first_zero(sizes, values);
    let clusters = |range: Range<usize>| {
        let right = block(v_t).rows_range(range.clone()).into_owned();
        let along = product((block(a_dot), false), (block(&right), true));
        product((block(u).columns_range(range), true), (block(&along), false))
    };
    let cut = sizes.up_to(positive);
    let again = |range| a.map(|a| second_order(a, u, values, v_t, a_dot, range));
    split_values(&cut, values, all, Order::Decreasing, (clusters, again), values_dot);
    if positive == values.len() {
        return;
    }
    let rest = outside(positive, block(u), block(v_t), block(a_dot));
    let nothing: T::Real = nalgebra::convert(f64::NAN);
    let arguments = a
        .filter(|_| !T::Real::BASE)
        .map(|a| zeros_to_second_order(a, u, values, v_t, a_dot, positive));
    if let Some((moved, direction)) = arguments {
        let (split, _) = diagnosed(|| singular_values::<T, Dyn, Dyn>(&rest.map(plain)));
        let again = split_zeros_along(&moved, &direction);
        for i in positive..values.len() {
            let (Ok(split), Ok(again)) = (&split, &again) else {
                values_dot[i] = nothing;
                continue;
            };
            let again = again[i - positive];
            values_dot[i] = plain(split[i - positive]) + (again - plain(again));
        }
        return;
    }
    let (split, _) = diagnosed(|| singular_values::<T, Dyn, Dyn>(&rest));
    let open =
        values[positive..].iter().fold(nalgebra::zero(), |open: T::Real, &s| open + jumping(s));
    for i in positive..values.len() {
        let split = split.as_ref().map_or(nothing, |split| split[i - positive]);
        values_dot[i] = split + open;
    }
}

/// The arguments of [`split_zeros_along`](fn@split_zeros_along) for the values of A from `positive` on, which are zero.
///
/// With U_1, S and V_1 those that are not, and E how A moves, the small values are those of what elimination leaves
/// outside of U_1 and V_1, E - E V_1 S^-1 U_1^H E; so the direction there is dA less what that makes of E and dA.
fn zeros_to_second_order<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    u: &OMatrix<T, R, K>,
    values: &[T::Real],
    v_t: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, C>,
    positive: usize,
) -> (DMatrix<T>, DMatrix<T>)
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let (u, v_t) = (block(u).map(plain), block(v_t).map(plain));
    let (u, v_t) = (block(&u), block(&v_t));
    let moving = block(a).map(|x| x - plain(x));
    let rest = |a: DMatrixView<'_, T>| outside(positive, u, v_t, a);
    let (first, last) = (u.columns(0, positive).into_owned(), v_t.rows(0, positive).into_owned());
    // E V_1 S^-1 and U_1^H E.
    let through = |e: DMatrixView<'_, T>, d: DMatrixView<'_, T>| {
        let mut left = product((e, false), (block(&last), true));
        for (mut column, &s) in left.column_iter_mut().zip(values) {
            column.apply(|x| *x = x.unscale(plain(s)));
        }
        product(
            (block(&left), false),
            (product((block(&first), true), (d, false)).as_view(), false),
        )
    };
    let (e, d) = (block(&moving), block(a_dot));
    let both = through(e, d) + through(d, e);
    (rest(e), rest(d) - rest(block(&both)))
}

/// The singular values of a direction: the derivatives along it of those of a matrix that is zero.
///
/// It is there for its derivatives, the second derivatives of singular values that are zero.
///
/// # Errors
/// [`Error::DimensionMismatch`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// Where the matrix moves by E its singular vectors are those of E, and the values have derivatives along the direction D
/// only if those are vectors of D too, in the same order: then, and only then, Re tr(E^H D) is the sum of the
/// products of the singular values (von Neumann; Horn and Johnson 2013, Matrix Analysis, theorem 7.4.1.1). They move by
/// the diagonal of U^H dD V for these, which are those of E + D. If there are none, the derivatives jump.
#[primitive(
    forward = split_zeros_along_forward,
    reverse = split_zeros_along_reverse,
    reads(direction),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample_of_zeros
)]
pub(crate) fn split_zeros_along<T: Scalar>(
    moved: &DMatrix<T>,
    direction: &DMatrix<T>,
) -> Result<DVector<T::Real>, Error> {
    shape("moved", moved.shape(), direction.shape())?;
    diagnosed(|| singular_values(direction)).0
}

fn split_zeros_along_forward<T: Scalar>(
    direction: &DMatrix<T>,
    moved_dot: &DMatrix<T>,
    direction_dot: &DMatrix<T>,
) -> DVector<T::Real> {
    let count = direction.nrows().min(direction.ncols());
    let undefined = || DVector::from_element(count, undefined());
    let (e_size, d_size) = (largest_modulus(moved_dot.iter()), largest_modulus(direction.iter()));
    let unit = |m: &DMatrix<T>, size: f64| {
        let size: T::Real = nalgebra::convert(if size == 0.0 { 1.0 } else { size });
        m.map(|x| x.unscale(size))
    };
    let (e, d) = (unit(moved_dot, e_size), unit(direction, d_size));
    let values = |m: &DMatrix<T>| diagnosed(|| singular_values(m)).0;
    let (Ok(of_e), Ok(of_d), Ok(both)) =
        (values(&e), values(&d), diagnosed(|| svd::<T, Dyn, Dyn>(&(&e + &d))).0)
    else {
        return undefined();
    };
    let short = (of_e.dot(&of_d) - e.dotc(&d).real()).to_f64();
    if short.is_nan() || short > rounding_of::<T::Real>((direction.len() as f64).max(1.0)) {
        report(Diagnostic::undefined("singular_values", APART));
        return undefined();
    }
    let moved = derivatives(&both.u, &both.singular_values, &both.v_t, (None, direction_dot));
    // Third derivatives would take how the vectors move.
    if count > 1 { moved.map(held) } else { moved }
}

const APART: &str = "singular values are zero, and two directions make others of them by different vectors: how they move \
                     along both is not determined";

fn split_zeros_along_reverse<T: Scalar>(
    direction: &DMatrix<T>,
    y_bar: Cotangent<'_, DVector<T::Real>>,
    moved_bar: Slot<'_, DMatrix<T>>,
    direction_bar: Slot<'_, DMatrix<T>>,
) {
    let y_bar = y_bar.into_owned();
    let undefined = || DMatrix::from_element(direction.nrows(), direction.ncols(), undefined());
    // How the vectors of the direction move with those of the matrix is not told.
    if y_bar.iter().any(|bar| bar.to_f64() != 0.0) {
        moved_bar.add(|| {
            report(Diagnostic::undefined("singular_values", APART));
            undefined()
        });
    }
    direction_bar.add(|| match diagnosed(|| svd::<T, Dyn, Dyn>(direction)).0 {
        Ok(found) => {
            let weights = settled(&found.u, &found.singular_values, &found.v_t, &y_bar);
            gradient_of_values(direction, &found, &weights)
        }
        Err(_) => undefined(),
    });
}

fn sample_of_zeros<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    // Of entries it is a formal device.
    (DMatrix::zeros(0, 2), random.matrix(0, 2))
}

/// The arguments of `split_along` for a range of singular values of A that are one.
///
/// As for the eigenvalues of the Hermitian [0 A; A^H 0], which are s with (u, v), -s with (u, -v), and zeros, beside
/// U and V.
fn second_order<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    u: &OMatrix<T, R, K>,
    values: &[T::Real],
    v_t: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, C>,
    range: Range<usize>,
) -> (DMatrix<T>, DMatrix<T>)
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let half: T::Real = nalgebra::convert(0.5);
    let (u, v_t) = (block(u).map(plain), block(v_t).map(plain));
    let (u, v_t) = (block(&u), block(&v_t));
    // U^H A V, and what A has outside of U and of V^H.
    let parts = |a: DMatrixView<'_, T>| {
        let (mut right, mut left) =
            (product((u, true), (a, false)), product((a, false), (v_t, true)));
        let inside = product((u, true), (block(&left), false));
        let (one, p) = (T::one(), (block(&inside), false));
        multiply(-one, (u, false), p, one, &mut block_mut(&mut left));
        multiply(-one, p, (v_t, false), one, &mut block_mut(&mut right));
        (inside, left, right)
    };
    let moving = |m: DMatrix<T>| m.map(|x| x - plain(x));
    let (inside, left, right) = parts(block(a));
    let moved = range.clone();
    let moved = inside.view((moved.start, moved.start), (moved.len(), moved.len())).into_owned();
    let (inside, left, right) = (moving(inside), moving(left), moving(right));
    let (inside_dot, left_dot, right_dot) = parts(block(a_dot));
    let hermitian = |p: &DMatrix<T>, sign: T, k: usize, j: usize| {
        (p[(k, j)] + sign * p[(j, k)].conjugate()).scale(half)
    };
    let s = plain(values[range.start]);
    let entry = |i: usize, j: usize| {
        let mut sum = hermitian(&inside_dot, T::one(), i, j);
        for (k, &other) in values.iter().enumerate() {
            for sign in [T::one(), -T::one()] {
                if sign == T::one() && range.contains(&k) {
                    continue;
                }
                let part = |p: &DMatrix<T>, j: usize| hermitian(p, sign, k, j);
                let both = part(&inside, i).conjugate() * part(&inside_dot, j)
                    + part(&inside_dot, i).conjugate() * part(&inside, j);
                sum += both.unscale(s - plain(other) * sign.real());
            }
        }
        let mut outside = left.column(i).dotc(&left_dot.column(j));
        outside += left_dot.column(i).dotc(&left.column(j));
        for k in 0..right.ncols() {
            outside += right[(i, k)] * right_dot[(j, k)].conjugate()
                + right_dot[(i, k)] * right[(j, k)].conjugate();
        }
        sum + outside.scale(half).unscale(s)
    };
    let direction =
        DMatrix::from_fn(range.len(), range.len(), |i, j| entry(range.start + i, range.start + j));
    (hermitian_part(&moved), direction)
}

/// The place of the first singular value that is zero.
fn first_zero<S: Real>(sizes: &Sizes, values: &[S]) -> usize {
    let is_zero = |i: &usize| sizes.gap(*i, *i, values[*i]) == Gap::Nothing;
    (0..values.len()).find(is_zero).unwrap_or(values.len())
}

/// (1 - U U^H) A (1 - V V^H) with the first vectors of each.
fn outside<T: Scalar>(
    count: usize,
    u: DMatrixView<'_, T>,
    v_t: DMatrixView<'_, T>,
    a: DMatrixView<'_, T>,
) -> DMatrix<T> {
    let (u, v_t) = (u.columns(0, count).into_owned(), v_t.rows(0, count).into_owned());
    let mut rest = a.into_owned();
    let along = product((block(&u), true), (block(&rest), false));
    multiply(
        -T::one(),
        (block(&u), false),
        (block(&along), false),
        T::one(),
        &mut block_mut(&mut rest),
    );
    let along = product((block(&rest), false), (block(&v_t), true));
    multiply(
        -T::one(),
        (block(&along), false),
        (block(&v_t), false),
        T::one(),
        &mut block_mut(&mut rest),
    );
    rest
}

/// Adds U diag(w) V^H, whose weights are real.
pub(crate) fn add_weighted<T: Scalar, R: Dim, K: Dim, C: Dim>(
    u: &OMatrix<T, R, K>,
    v_t: &OMatrix<T, K, C>,
    weight: impl Fn(usize) -> T::Real,
    a_bar: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C>,
{
    let mut scaled = u.copied();
    for (i, mut column) in scaled.column_iter_mut().enumerate() {
        let weight = weight(i);
        column.apply(|x| *x = x.scale(weight));
    }
    let factors = ((block(&scaled), false), (block(v_t), false));
    multiply(T::one(), factors.0, factors.1, T::one(), a_bar);
}

/// The gradient U diag(w) V^H of a function of the singular values of A by these weights, its derivatives by
/// them. At a plain number it is that product; its own derivatives are those of
/// [`singular_value_gradient`](fn@singular_value_gradient).
pub(crate) fn gradient_of_values<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    weights: &OVector<T::Real, DimMinimum<R, C>>,
) -> OMatrix<T, R, C>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    if !<T::Real as Real>::BASE && !a.is_empty() {
        let known = Known::svd(svd);
        return singular_value_gradient(a, weights, &known).expect(FIT);
    }
    let (rows, columns) = a.shape_generic();
    let mut gradient = OMatrix::zeros_generic(rows, columns);
    add_weighted(&svd.u, &svd.v_t, |i| weights[i], &mut block_mut(&mut gradient));
    gradient
}

/// Weights of singular values of which those of one that repeats have to be equal, and those of zeros zero: the
/// values are in order and have kinks at zero. If they are not, that is undefined.
pub(crate) fn settled<T: Scalar, R: Dim, K: Dim, C: Dim>(
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    weights: &OVector<T::Real, K>,
) -> OVector<T::Real, K>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K>,
{
    let mut open = Quotients::new::<T::Real>("singular_values", size_of(weights.as_slice()));
    let sizes = Sizes::of_singular_values(values.as_slice(), block(u), block(v_t));
    let positive = first_zero(&sizes, values.as_slice());
    let (size, _) = weights.shape_generic();
    let mut settled = weights.clone();
    {
        let cut = sizes.up_to(positive);
        let found = settled_weights(&mut open, &cut, weights.as_slice());
        settled.iter_mut().zip(found).for_each(|(settled, weight)| *settled = weight);
    }
    for i in positive..size.value() {
        if !open.is_rounding(weights[i].to_f64().abs()) {
            settled[i] = open.over_nothing(weights[i]);
        }
    }
    open.report(|| {
        "a singular value repeats or is zero, and the result depends on it alone: there it has a kink"
    });
    settled
}

/// U diag(w) V^H for the singular vectors of A and any weights: the gradient of a function of the singular values,
/// for whose derivatives the rules of these call it.
///
/// `known` are the factors of A, if the caller has them.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With P = U^H dA V, its Hermitian part H and its skew part K, X = U^H dU and Y = V^H dV as in
/// [`svd_forward`]: inside of U and V, X diag(w) + diag(dw) - diag(w) Y is diag(dw) +
///
/// H_ij (w_j - w_i) / (s_j - s_i) + K_ij (w_j + w_i) / (s_j + s_i),
///
/// and outside (1 - U U^H) dA V diag(w / s) V^H + U diag(w / s) U^H dA (1 - V V^H). By A it is its own adjoint.
///
/// Where a value repeats, the weights are equal, or the function has no gradient; the basis is then the one in
/// which the direction splits the value, and dw belongs to its vectors, since the tangents of the singular values
/// are sorted so: for a function that is symmetric in the values this is its second derivative. Where the
/// values are zero, so are the weights, and the vectors are those of what is left of dA outside of the others.
#[primitive(
    forward = singular_value_gradient_forward,
    reverse = singular_value_gradient_reverse,
    saves = singular_value_gradient_and_factors -> Svd<T, R, C>,
    reads(a, weights),
    constant(known),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub(crate) fn singular_value_gradient<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    weights: &OVector<T::Real, DimMinimum<R, C>>,
    known: &Known,
) -> Result<OMatrix<T, R, C>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    singular_value_gradient_and_factors(a, weights, known).map(|(gradient, _)| gradient)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn singular_value_gradient_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    weights: &OVector<T::Real, DimMinimum<R, C>>,
    known: &Known,
) -> Result<(OMatrix<T, R, C>, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let (rows, columns) = a.shape_generic();
    shape("weights", (weights.nrows(), 1), (rows.min(columns).value(), 1))?;
    let svd = match known.reals() {
        Some(mut reals) if <T::Real as Real>::BASE => {
            let size = rows.min(columns);
            Svd {
                u: OMatrix::from_fn_generic(rows, size, |_, _| next(&mut reals)),
                singular_values: OVector::from_fn_generic(size, U1, |_, _| next(&mut reals)),
                v_t: OMatrix::from_fn_generic(size, columns, |_, _| next(&mut reals)),
            }
        }
        _ => svd(a)?,
    };
    let mut gradient = OMatrix::zeros_generic(rows, columns);
    add_weighted(&svd.u, &svd.v_t, |i| weights[i], &mut block_mut(&mut gradient));
    Ok((gradient, svd))
}

/// The derivative of U diag(w) V^H by A along a direction D, for fixed weights, or
/// with tangents of the weights, which are of vectors that split as D does.
fn along<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    u: &OMatrix<T, R, K>,
    values: &OVector<T::Real, K>,
    v_t: &OMatrix<T, K, C>,
    weights: &OVector<T::Real, K>,
    weights_dot: Option<&OVector<T::Real, K>>,
    direction: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator:
        Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<K, K> + Allocator<R, C>,
{
    let ((rows, size), (_, columns)) = (u.shape_generic(), v_t.shape_generic());
    let (one, zero, count) = (T::one(), T::zero(), values.len());
    let (ub, vb, d) = (block(u), block(v_t), block(direction));
    let half: T::Real = nalgebra::convert(0.5);
    let all = largest_modulus(direction.iter());
    let sizes = Sizes::of_singular_values(values.as_slice(), ub, vb);
    let positive = first_zero(&sizes, values.as_slice());
    let is_zero = |i: usize| i >= positive;
    let mut left = OMatrix::<T, R, K>::zeros_generic(rows, size);
    let mut right = OMatrix::<T, K, C>::zeros_generic(size, columns);
    let mut p = OMatrix::<T, K, K>::zeros_generic(size, size);
    multiply(one, (d, false), (vb, true), zero, &mut block_mut(&mut left));
    multiply(one, (ub, true), (block(&left), false), zero, &mut block_mut(&mut p));
    multiply(one, (ub, true), (d, false), zero, &mut block_mut(&mut right));
    // (1 - U U^H) D V diag(w / s) and diag(w / s) U^H D (1 - V V^H)
    let (mut inside, range) = (p.clone(), (block(a), positive == count));
    if rows.value() > count {
        let off = (&mut block_mut(&mut inside), &mut block_mut(&mut left));
        take_off_range(range, (ub, false), off.0, off.1);
    }
    if columns.value() > count {
        let off = (&mut block_mut(&mut inside), &mut block_mut(&mut right));
        take_off_range(range, (vb, true), off.0, off.1);
    }
    for j in 0..count {
        let (w, s) = (weights[j], values[j]);
        let scaled = |x: T, gap: Gap| match gap {
            Gap::Nothing => zero,
            Gap::Near => held(times_quotient(x, w, s)),
            Gap::Apart => times_quotient(x, w, s),
        };
        let gap = sizes.gap(j, j, s);
        left.column_mut(j)
            .apply(|x| *x = if rows.value() > count { scaled(*x, gap) } else { zero });
        let wide = columns.value() > count;
        right.row_mut(j).apply(|x| *x = if wide { scaled(*x, gap) } else { zero });
    }
    let mut m = p.copied();
    let mut quotients = Quotients::new::<T::Real>("singular_values", all);
    let (most, size) = (size_of(weights.as_slice()), size_of(values.as_slice()));
    for j in 0..count {
        for i in 0..count {
            let (upper, lower) = (p[(i, j)], p[(j, i)].conjugate());
            let (hermitian, skew) = ((upper + lower).scale(half), (upper - lower).scale(half));
            let kink = if is_zero(i) { weights[i] } else { weights[i] - weights[j] };
            let kink = kink.to_f64().abs();
            let is_kink = kink.is_nan() || kink > rounding_of::<T::Real>(most);
            if sizes.are_one(i, j) && is_kink {
                quotients.lose(most);
                m[(i, j)] = undefined();
                continue;
            }
            if is_zero(i) && is_zero(j) {
                m[(i, j)] = zero;
                continue;
            }
            let gap = values[j] - values[i];
            let least = values[i].to_f64().min(values[j].to_f64());
            let is_apart = sizes.difference(i, j, gap) == Gap::Apart;
            if is_apart && gap.to_f64().abs() > least {
                m[(i, j)] =
                    far_apart((upper, lower), (values[i], values[j]), (weights[i], weights[j]));
                continue;
            }
            let by_difference = if i == j || sizes.are_one(i, j) {
                zero
            } else {
                let found = sizes.difference(i, j, gap);
                let gap_dot = (p[(j, j)] - p[(i, i)]).real();
                let weights_dot = weights_dot.map(OVector::as_slice);
                let pair = Pair::of((i, j), weights.as_slice(), weights_dot, (gap, gap_dot));
                slope(&mut quotients, hermitian, &pair, (most, size), found)
            };
            let both = values[j] + values[i];
            let sum = times_quotient(skew, weights[j] + weights[i], both);
            let by_sum = if sizes.gap(i, j, both) == Gap::Near { held(sum) } else { sum };
            m[(i, j)] = by_difference + by_sum;
        }
    }
    if let Some(weights_dot) = weights_dot {
        let cut = sizes.up_to(positive);
        let values_dot = |i: usize| p[(i, i)].real();
        for i in (0..positive).filter(|&i| !cut.repeats(i)) {
            m[(i, i)] += T::from_real(weights_dot[i]);
        }
        for range in cut.repeated() {
            let split = split(&part(&p, range.clone()), all, Order::Decreasing);
            add_split(
                &mut quotients,
                range,
                split,
                values_dot,
                weights_dot.as_slice(),
                &mut block_mut(&mut m),
            );
        }
    }
    let mut moved = OMatrix::<T, R, C>::zeros_generic(rows, columns);
    multiply(one, (ub, false), (block(&m), false), one, &mut block_mut(&mut left));
    multiply(one, (block(&left), false), (vb, false), zero, &mut block_mut(&mut moved));
    multiply(one, (ub, false), (block(&right), false), one, &mut block_mut(&mut moved));
    if let Some(weights_dot) = weights_dot.filter(|_| positive < count) {
        let rest = outside(positive, ub, vb, d);
        let (found, _) = diagnosed(|| svd::<T, Dyn, Dyn>(&rest));
        let Ok(found) = found else {
            moved.fill(undefined());
            return moved;
        };
        let (u, singular_values, v_t) = (found.u, found.singular_values, found.v_t);
        let weight = |i: usize| {
            if i + positive < count { weights_dot[i + positive] } else { nalgebra::zero() }
        };
        // Each moves with a value of its own, or with none.
        for i in 0..count - positive {
            for j in 0..=i {
                let (gap, differ) = if i == j {
                    (singular_values[i], weight(i))
                } else {
                    (singular_values[i] - singular_values[j], weight(i) - weight(j))
                };
                if gap.to_f64().abs() <= rounding_of::<T::Real>(all)
                    && differ.to_f64().abs()
                        > rounding_of::<T::Real>(size_of(weights_dot.as_slice()))
                {
                    quotients.lose(all);
                    moved.fill(undefined());
                }
            }
        }
        add_weighted(&u, &v_t, weight, &mut block_mut(&mut moved));
    }
    quotients.report(|| {
        "a singular value repeats or nearly so, or is zero, and the direction does not tell how the derivatives by \
         its parts belong to its vectors"
    });
    moved
}

/// H_ij (w_j - w_i) / (s_j - s_i) + K_ij (w_j + w_i) / (s_j + s_i) from P_ij and conj(P_ji), without what cancels where one
/// value is small beside the other:
///
/// (P_ij (w_j s_j - w_i s_i) + conj(P_ji) (w_j s_i - w_i s_j)) / ((s_j - s_i) (s_j + s_i)).
fn far_apart<T: Scalar>(
    (upper, lower): (T, T),
    (first, last): (T::Real, T::Real),
    (w_first, w_last): (T::Real, T::Real),
) -> T {
    let (gap, both) = (last - first, last + first);
    let (first, last) = (first / both, last / both);
    times_quotient(upper, w_last * last - w_first * first, gap)
        + times_quotient(lower, w_last * first - w_first * last, gap)
}

fn singular_value_gradient_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    weights: &OVector<T::Real, DimMinimum<R, C>>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
    weights_dot: &OVector<T::Real, DimMinimum<R, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Svd { u, singular_values, v_t } = svd;
    along(a, u, singular_values, v_t, weights, Some(weights_dot), a_dot)
}

fn singular_value_gradient_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    weights: &OVector<T::Real, DimMinimum<R, C>>,
    svd: &Svd<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    weights_bar: Slot<'_, OVector<T::Real, DimMinimum<R, C>>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Svd { u, singular_values, v_t } = svd;
    let y_bar = y_bar.into_owned();
    weights_bar.add(|| derivatives(u, singular_values, v_t, (None, &y_bar)));
    a_bar.add(|| along(a, u, singular_values, v_t, weights, None, &y_bar));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T::Real>, Known) {
    let a: DMatrix<T> = sample::matrix(random);
    let weights = random.vector(a.nrows().min(a.ncols()));
    (a, weights, Known::default())
}
