//! The shared mathematics of A = U diag(s) V^H, with U and V of orthonormal columns.

use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::block::{block, block_mut, multiply};
use crate::defects::{report_gauge, report_undefined};
use crate::modulus::largest_modulus;
use crate::spectral::{divide_by_gaps, gaps, largest, size_of};

const REPEATED: &str = "a singular value repeats or is zero and this direction splits it: its singular \
                        vectors have no derivative along it, which is left out";

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
    a_dot: &OMatrix<T, R, C>,
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
    let values_dot = OVector::from_fn_generic(size, U1, |i, _| p[(i, i)].real());

    let (_, rounding) =
        gaps::<T::Real>(size_of(values.as_slice()), rows.value().max(columns.value()));
    let half: T::Real = nalgebra::convert(0.5);
    let all = largest_modulus(a_dot.iter());
    let mut lost = 0.0_f64;
    let mut over = |x: T, divisor: T::Real| {
        if divisor.to_f64().abs() > rounding {
            return x.unscale(divisor);
        }
        lost = lost.max(x.modulus().to_f64());
        zero
    };
    for j in 0..values.len() {
        for i in 0..values.len() {
            let (upper, lower) = (p[(i, j)], p[(j, i)].conjugate());
            let (hermitian, skew) = ((upper + lower).scale(half), (upper - lower).scale(half));
            let sum = if i == j { zero } else { over(hermitian, values[j] - values[i]) };
            let difference = over(skew, values[j] + values[i]);
            x[(i, j)] = sum + difference;
            y[(i, j)] = sum - difference;
        }
    }
    // (1 - U U^H) dA V S^-1 + U X, with U^H dA V = P.
    let mut x_outside = x.clone();
    let mut y_outside = y.clone();
    for j in 0..values.len() {
        let inverse = |matrix_rows: usize| {
            (matrix_rows > values.len()).then_some(values[j]).filter(|s| s.to_f64() > rounding)
        };
        match inverse(rows.value()) {
            Some(s) => {
                u_dot.column_mut(j).apply(|x| *x = x.unscale(s));
                (0..values.len()).for_each(|i| x_outside[(i, j)] -= p[(i, j)].unscale(s));
            }
            None => {
                if rows.value() > values.len() {
                    let inside = p.column(j).norm_squared().to_f64();
                    let outside = u_dot.column(j).norm_squared().to_f64() - inside;
                    lost = lost.max(outside.max(0.0).sqrt());
                }
                u_dot.column_mut(j).fill(zero);
            }
        }
        match inverse(columns.value()) {
            Some(s) => {
                v_t_dot.row_mut(j).apply(|x| *x = x.unscale(s));
                // U^H dA V = P, so the part of dA^H U along V is P^H.
                (0..values.len())
                    .for_each(|i| y_outside[(i, j)] -= p[(j, i)].conjugate().unscale(s));
            }
            None => v_t_dot.row_mut(j).fill(zero),
        }
    }
    report_undefined::<T::Real, _>(primitive, lost, all, || REPEATED);
    multiply(one, (ub, false), (block(&x_outside), false), one, &mut block_mut(&mut u_dot));
    multiply(one, (block(&y_outside), true), (vb, false), one, &mut block_mut(&mut v_t_dot));
    for j in 0..values.len() {
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
/// their eigenvectors would give: see [`divide_by_gaps`], also for values that repeat.
#[expect(clippy::too_many_arguments, reason = "three factors and their cotangents")]
pub(crate) fn svd_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
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
    for j in 0..count {
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
    let all = largest_modulus(u_bar.iter()).max(largest_modulus(v_t_bar.iter()));
    let all = all.max(size_of(values_bar));
    let (_, rounding) = gaps::<T::Real>(size_of(values.as_slice()), rows.max(columns));
    for j in 0..count {
        for i in 0..count {
            sum[(i, j)] = g[(i, j)] + h[(i, j)];
        }
    }
    divide_by_gaps(primitive, values.as_slice(), values_bar, &mut block_mut(&mut sum), all);
    let mut gauge = 0.0_f64;
    for j in 0..count {
        for i in 0..count {
            let (upper, lower) = (g[(i, j)] - h[(i, j)], (g[(j, i)] - h[(j, i)]).conjugate());
            let skew = (upper - lower).scale(half);
            let divisor = values[i] + values[j];
            if divisor.to_f64() > rounding {
                sum[(i, j)] += skew.unscale(divisor);
            } else {
                gauge = skew.modulus().to_f64().max(gauge);
            }
        }
    }
    // What is outside of U and V, over S, with its part inside taken off again.
    let mut lost = 0.0_f64;
    for j in 0..count {
        let s = Some(values[j]).filter(|s| s.to_f64() > rounding);
        if rows > count {
            lost =
                lost.max(if s.is_none() { largest_modulus(u_bar.column(j).iter()) } else { 0.0 });
            let over = |x: T| s.map_or(zero, |s| x.unscale(s));
            u_bar.column_mut(j).apply(|x| *x = over(*x));
            (0..count).for_each(|i| sum[(i, j)] -= over(g[(i, j)]));
        }
        if columns > count {
            lost = lost.max(if s.is_none() { largest_modulus(v_t_bar.row(j).iter()) } else { 0.0 });
            let over = |x: T| s.map_or(zero, |s| x.unscale(s));
            v_t_bar.row_mut(j).apply(|x| *x = over(*x));
            (0..count).for_each(|i| sum[(j, i)] -= over(h[(i, j)].conjugate()));
        }
    }
    report_gauge::<T::Real>(primitive, gauge, all);
    report_undefined::<T::Real, _>(primitive, lost, all, || REPEATED);
    // U sum + U_bar S^-1, then times V^H.
    let mut left = u.clone();
    multiply(one, (ub, false), (block(&sum), false), zero, &mut block_mut(&mut left));
    if rows > count {
        block_mut(&mut left).zip_apply(&*u_bar, |x, y| *x += y);
    }
    multiply(one, (block(&left), false), (vb, false), one, a_bar);
    if columns > count {
        multiply(one, (ub, false), (v_t_bar.as_view(), false), one, a_bar);
    }
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
/// Where a sum is zero, what it would divide is left out and reported.
pub(crate) fn unitary_factor<T: Scalar, R: Dim, K: Dim, C: Dim>(
    primitive: &'static str,
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
    let larger = rows.value().max(columns.value());
    let (_, rounding) = gaps::<T::Real>(size_of(values.as_slice()), larger);
    let mut lost = 0.0_f64;
    let mut over = |x: T, divisor: T::Real| {
        if divisor.to_f64() > rounding {
            return x.unscale(divisor);
        }
        lost = lost.max(x.modulus().to_f64());
        zero
    };
    let all = largest_modulus(a_dot.iter());
    if columns.value() > count {
        // S^-1 (U^H dA - D V^H)
        let mut right = block_mut(&mut right);
        multiply(one, (ub, true), (a_dot, false), zero, &mut right);
        multiply(-one, (block(&d), false), (vb, false), one, &mut right);
        for (mut row, &s) in right.row_iter_mut().zip(values.iter()) {
            row.apply(|x| *x = over(*x, s));
        }
    }
    if rows.value() > count {
        // (dA V - U D) S^-1
        let mut left = block_mut(&mut left);
        multiply(-one, (ub, false), (block(&d), false), one, &mut left);
        for (mut column, &s) in left.column_iter_mut().zip(values.iter()) {
            column.apply(|x| *x = over(*x, s));
        }
    } else {
        left.fill(zero);
    }
    for j in 0..count {
        for i in 0..=j {
            let entry = over(d[(i, j)] - d[(j, i)].conjugate(), values[i] + values[j]);
            d[(i, j)] = entry;
            d[(j, i)] = -entry.conjugate();
        }
    }
    report_undefined::<T::Real, _>(primitive, lost, all, || {
        "a singular value is zero: the unitary factor has no derivative along this direction, which is \
         left out"
    });
    multiply(one, (ub, false), (block(&d), false), one, &mut block_mut(&mut left));
    let mut moved = OMatrix::zeros_generic(rows, columns);
    multiply(one, (block(&left), false), (vb, false), zero, &mut block_mut(&mut moved));
    if columns.value() > count {
        multiply(one, (ub, false), (block(&right), false), one, &mut block_mut(&mut moved));
    }
    moved
}

/// The tangents of the singular values, Re(u_i^H dA v_i).
pub(crate) fn derivatives<T: Scalar, R: Dim, K: Dim, C: Dim>(
    u: &OMatrix<T, R, K>,
    v_t: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, C>,
) -> OVector<T::Real, K>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<R, C>,
{
    let (rows, size) = u.shape_generic();
    let mut product = OMatrix::<T, R, K>::zeros_generic(rows, size);
    let factors = ((block(a_dot), false), (block(v_t), true));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    OVector::from_fn_generic(size, U1, |i, _| u.column(i).dotc(&product.column(i)).real())
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
    let mut scaled = u.clone();
    for (i, mut column) in scaled.column_iter_mut().enumerate() {
        let weight = weight(i);
        column.apply(|x| *x = x.scale(weight));
    }
    let factors = ((block(&scaled), false), (block(v_t), false));
    multiply(T::one(), factors.0, factors.1, T::one(), a_bar);
}

/// The tangent of a weighted sum of the singular values: the adjoint of [`add_weighted`].
pub(crate) fn weighted<T: Scalar, R: Dim, K: Dim, C: Dim>(
    u: &OMatrix<T, R, K>,
    v_t: &OMatrix<T, K, C>,
    weight: impl Fn(usize) -> T::Real,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<K> + Allocator<R, C>,
{
    let values_dot = derivatives(u, v_t, a_dot);
    let terms = values_dot.iter().enumerate();
    terms.fold(nalgebra::zero(), |sum: T::Real, (i, &s)| sum + weight(i) * s)
}

/// One over the singular values, zero for those that are zero within the rounding of the largest.
pub(crate) fn inverses<S: Real, K: Dim>(values: &OVector<S, K>, count: usize) -> OVector<S, K>
where
    DefaultAllocator: Allocator<K>,
{
    let (_, rounding) = gaps::<S>(size_of(values.as_slice()), count);
    values.map(|s| if s.to_f64() > rounding { S::one() / s } else { S::zero() })
}
