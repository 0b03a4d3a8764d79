//! The shared mathematics of A = Q H Q^H with an upper Hessenberg or a tridiagonal H.

use difrules_core::Scalar;
use difrules_core::contract::Kind;
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixViewMut, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::reduction::{CHOICE, Divider, imaginary, rows, sizes_of_similar};
use crate::block::{block, block_mut, in_basis, multiply, out_of_basis};
use crate::tolerance::{asks, lose_all, undefined_with};

/// The tangents of Q and H of A = Q H Q^H, with H upper Hessenberg, its subdiagonal real and not
/// negative, and Q e1 = e1; `band` diagonals above the diagonal are not zero.
///
/// With P = Q^H dA Q and the skew-Hermitian X = Q^H dQ, dH = P - X H + H X. As X e1 = 0, column by
/// column: column j of dH is r - X_{j+1} H_{j+1,j} with
/// r = P_j + H X_j - sum_{k <= j} X_k H_kj, which is known. Below the subdiagonal dH is zero and on it
/// real, so X_{i,j+1} = r_i / H_{j+1,j} for i > j + 1, and X_{j+1,j+1} = i Im r_{j+1} / H_{j+1,j}.
pub(crate) fn hessenberg_forward<T: Scalar, D: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, D, D>,
    h: &OMatrix<T, D, D>,
    band: usize,
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = q.shape_generic();
    let count = q.nrows();
    let zeros = || OMatrix::<T, D, D>::zeros_generic(size, size);
    let (mut q_dot, mut h_dot, mut x) = (zeros(), in_basis(q, block(a_dot)), zeros());
    let (one, zero) = (T::one(), T::zero());
    let (most, all) = (largest_modulus(h.iter()), largest_modulus(a_dot.iter()));
    let make = || sizes_of_similar(block(q), block(h));
    let mut divider = Divider::new::<T::Real>(primitive, most, count, all, make);
    let last = last_jump::<T>(count);
    let mut lost = None;
    for j in 0..count {
        let mut r = h_dot.column_mut(j);
        for k in 0..count {
            if !x[(k, j)].is_constant_zero() {
                let rows = rows(k, band, count);
                r.rows_range_mut(rows.clone()).axpy(x[(k, j)], &h.view_range(rows, k), one);
            }
        }
        for k in j.saturating_sub(band)..=j {
            r.axpy(-h[(k, j)], &x.column(k), one);
        }
        let next = j + 1;
        if next < count {
            let below = h[(next, j)].real();
            x[(next, next)] = divider.divide(imaginary(r[next]), below, (next, j));
            for i in next + 1..count {
                let entry = divider.divide(r[i], below, (next, j));
                x[(i, next)] = entry;
                x[(next, i)] = -entry.conjugate();
                r[i] = zero;
            }
            r[next] = T::from_real(r[next].real());
            if next < last
                && let Some(turned) = divider.turn(r[next], below, (next, j))
            {
                x[(next, next)] += turned;
                r[next] += turned;
            }
            for i in 0..next {
                r[i] -= x[(i, next)].scale(below);
            }
            if divider.is_lost() {
                lost.get_or_insert(next);
            }
        }
    }
    divider.report();
    multiply(one, (block(q), false), (block(&x), false), zero, &mut block_mut(&mut q_dot));
    if let Some(first) = lost {
        // The basis from there on is another one.
        let nothing = undefined_with(q.iter().chain(h.iter()));
        q_dot.columns_range_mut(first..).apply(|x| *x += nothing);
        for j in first - 1..count {
            let rows = if j < first { first..first + 1 } else { 0..(j + 2).min(count) };
            h_dot.view_range_mut(rows, j).apply(|x| *x += nothing);
        }
    }
    (q_dot, h_dot)
}

/// The end of the columns of Q that may jump.
fn last_jump<T: Scalar>(count: usize) -> usize {
    if <T::Kind as Kind>::REAL { count.saturating_sub(1) } else { count }
}

/// The first column of Q that jumps, since the number that leads to it is zero. The last one of a real matrix has a sign
/// alone.
pub(crate) fn hessenberg_jump<T: Scalar, D: Dim>(
    q: &OMatrix<T, D, D>,
    h: &OMatrix<T, D, D>,
) -> Option<usize>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (count, most) = (q.nrows(), largest_modulus(h.iter()));
    let make = || sizes_of_similar(block(q), block(h));
    let mut divider = Divider::new::<T::Real>("hessenberg", most, count, 0.0, make);
    (1..last_jump::<T>(count)).find(|&j| divider.is_nothing(h[(j, j - 1)].real(), (j, j - 1)))
}

/// Whether a cotangent of H asks for what a basis from column `first` on decides: for more than the trace of the
/// block there, which no basis changes.
fn asks_for_rest<T: Scalar>(h_bar: &DMatrixViewMut<'_, T>, first: usize) -> bool {
    let corner = h_bar[(first, first)];
    (0..h_bar.ncols()).any(|j| {
        let rows = if j < first { first..h_bar.nrows() } else { 0..h_bar.nrows() };
        rows.take_while(|&i| i <= j + 1).any(|i| {
            let beyond = if i == j { h_bar[(i, j)] - corner } else { h_bar[(i, j)] };
            !beyond.is_constant_zero()
        })
    })
}

/// The cotangent of A from those of Q and H, of which what is zero by shape, or real, is not read.
///
/// The adjoint of [`hessenberg_forward`]: A_bar = Q K Q^H, where K is H_bar on the Hessenberg part and,
/// below it and in the imaginary part of the subdiagonal, the multiplier of what has to stay zero. X is
/// skew-Hermitian and free but for its first row and column, so there
/// Q^H Q_bar - K H^H + H^H K has to be Hermitian. Its column j, from the last back, gives column j - 1 of
/// K, over H_{j,j-1}, in terms of those from j on.
pub(crate) fn hessenberg_reverse<T: Scalar, D: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, D, D>,
    h: &OMatrix<T, D, D>,
    band: usize,
    q_bar: &DMatrixViewMut<'_, T>,
    h_bar: &DMatrixViewMut<'_, T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (size, _) = q.shape_generic();
    let count = q.nrows();
    let zeros = || OMatrix::<T, D, D>::zeros_generic(size, size);
    let (mut g, mut k_bar) = (zeros(), zeros());
    let jump = hessenberg_jump(q, h);
    let asked = jump.is_some_and(|first| {
        asks(q_bar.columns_range(first..).iter()) || asks_for_rest(h_bar, first)
    });
    let (one, zero) = (T::one(), T::zero());
    multiply(one, (block(q), true), (q_bar.as_view(), false), zero, &mut block_mut(&mut g));
    for j in 0..count {
        for i in 0..=j {
            k_bar[(i, j)] = h_bar[(i, j)];
        }
        if j + 1 < count {
            k_bar[(j + 1, j)] = T::from_real(h_bar[(j + 1, j)].real());
        }
    }
    let most = largest_modulus(h.iter());
    let of_h = (largest_modulus(k_bar.iter()) * most).min(f64::MAX);
    let all = largest_modulus(g.iter()).max(of_h);
    let make = || sizes_of_similar(block(q), block(h));
    let mut divider = Divider::new::<T::Real>(primitive, most, count, all, make);
    let mut e = OVector::<T, D>::zeros_generic(size, U1);
    for j in (1..count).rev() {
        // Column j of the skew part of Q^H Q_bar - K H^H + H^H K, but for column j - 1 of K.
        for i in j..count {
            let rows_of_h = rows(i, band, count);
            let through = h.view_range(rows_of_h.clone(), i);
            let sum = through.dotc(&k_bar.view_range(rows_of_h, j));
            let beside = rows(j, band, count);
            let other = k_bar.view_range(beside.clone(), i).dotc(&h.view_range(beside, j));
            e[i] = g[(i, j)] - g[(j, i)].conjugate() + sum - other;
        }
        for k in j..count.min(j.saturating_add(band).saturating_add(1)) {
            let factor = -h[(j, k)].conjugate();
            e.rows_range_mut(j..).axpy(factor, &k_bar.view_range(j.., k), one);
        }
        for k in j..count {
            let factor = k_bar[(j, k)].conjugate();
            let rows = rows(k, band, count);
            let rows = rows.start.max(j)..rows.end;
            e.rows_range_mut(rows.clone()).axpy(factor, &h.view_range(rows, k), one);
        }
        let below = h[(j, j - 1)].real();
        let half: T::Real = nalgebra::convert(0.5);
        k_bar[(j, j - 1)] += divider.divide(imaginary(e[j]).scale(half), below, (j, j - 1));
        for i in j + 1..count {
            let beside = [g[(i, j - 1)], g[(j - 1, i)]];
            k_bar[(i, j - 1)] = divider.divide_among(e[i], below, (j, j - 1), &beside);
        }
    }
    let told = divider.is_lost();
    divider.report();
    let mut bar = out_of_basis(q, &k_bar);
    if asked && !told {
        lose_all(primitive, CHOICE, &mut block_mut(&mut bar), q.iter().chain(h.iter()));
    }
    bar
}
