//! The Schur form of a Hessenberg matrix.

use approx::AbsDiffEq;
use difrules_core::Scalar;
use difrules_core::contract::Kind;
use difrules_core::kernel::vectorised;
use nalgebra::{ComplexField, DMatrixViewMut};

use super::{Rotation, STEPS, modulus, smallest, with_sign};
use crate::algebra::householder::reflection;
use crate::algebra::modulus::quotient;
use crate::error::Error;

/// Replaces an upper Hessenberg H by T, upper triangular or, if it is real, upper quasi-triangular with blocks of
/// two rows for pairs of complex eigenvalues, and Q by Q times the unitary Z of H = Z T Z^H.
///
/// Francis's double shifts on real matrices, single ones on complex matrices, with the criterion of Ahues and
/// Tisseur for what is beside the diagonal to be zero (LAPACK's `lahqr`).
///
/// # Errors
/// [`Error::NoConvergence`].
pub(crate) fn triangularise_hessenberg<T: Scalar>(
    h: &mut DMatrixViewMut<'_, T>,
    q: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    let size = h.nrows();
    let real = <T::Kind as Kind>::REAL;
    let block = if real { 2 } else { 1 };
    let most = STEPS * size.max(10);
    // What is left are the rows before `end`.
    let (mut end, mut steps, mut tries) = (size, 0, 0);
    while end > 0 {
        let last = end - 1;
        let mut start = last;
        while start > 0 && !is_negligible(h, start) {
            start -= 1;
        }
        if start > 0 {
            h[(start, start - 1)] = T::zero();
        }
        if start + block > last {
            if start < last {
                split(h, q, start);
            }
            end = start;
            tries = 0;
            continue;
        }
        if steps == most {
            return Err(Error::NoConvergence { sweeps: steps });
        }
        steps += 1;
        tries += 1;
        let (first, mut v) = if real {
            double_shift(h, start, last, tries)
        } else {
            (start, single_shift(h, start, last, tries))
        };
        for k in first..last {
            let rows = (k..end.min(k + block + 1)).len();
            if k > first {
                let column = h.column(k - 1);
                (0..rows).for_each(|i| v[i] = column[k + i]);
            }
            let v = &mut v[..rows];
            let (beta, tau) = reflection(v);
            if k > first {
                h[(k, k - 1)] = T::from_real(beta);
                (1..rows).for_each(|i| h[(k + i, k - 1)] = T::zero());
            } else if first > start {
                // Of the column before the first only one entry counts.
                h[(k, k - 1)] *= T::one() - tau.conjugate();
            }
            for j in k..size {
                let mut column = h.column_mut(j);
                reflect(v, tau.conjugate(), &mut column.as_mut_slice()[k..k + rows]);
            }
            let touched = end.min(k + block + 2);
            reflect_columns(v, tau, h.view_range_mut(..touched, k..k + rows));
            reflect_columns(v, tau, q.columns_mut(k, rows));
        }
    }
    Ok(())
}

/// y <- (1 - tau v v^H) y for two or three numbers.
#[inline(always)]
fn reflect<T: Scalar>(v: &[T], tau: T, y: &mut [T]) {
    match (v, y) {
        (&[_, v1], [y0, y1]) => {
            let along = tau * (*y0 + v1.conjugate() * *y1);
            *y0 -= along;
            *y1 -= along * v1;
        }
        (&[_, v1, v2], [y0, y1, y2]) => {
            let along = tau * (*y0 + (v1.conjugate() * *y1 + v2.conjugate() * *y2));
            *y0 -= along;
            *y1 -= along * v1;
            *y2 -= along * v2;
        }
        _ => unreachable!("a step reflects two or three rows"),
    }
}

/// A <- A (1 - tau v v^H) for a matrix of two or three columns.
fn reflect_columns<T: Scalar>(v: &[T], tau: T, mut a: DMatrixViewMut<'_, T>) {
    match *v {
        [_, v1] => {
            let (mut first, mut second) = a.columns_range_pair_mut(0, 1);
            let (first, second) = (first.as_mut_slice(), second.as_mut_slice());
            let t1 = tau * v1.conjugate();
            vectorised(|| {
                for (x0, x1) in first.iter_mut().zip(second) {
                    let along = *x0 + *x1 * v1;
                    *x0 -= tau * along;
                    *x1 -= t1 * along;
                }
            });
        }
        [_, v1, v2] => {
            let (mut first, mut others) = a.columns_range_pair_mut(0, 1..);
            let (mut second, mut third) = others.columns_range_pair_mut(0, 1);
            let (second, third) = (second.as_mut_slice(), third.as_mut_slice());
            let others = second.iter_mut().zip(third);
            let (t1, t2) = (tau * v1.conjugate(), tau * v2.conjugate());
            vectorised(|| {
                for (x0, (x1, x2)) in first.as_mut_slice().iter_mut().zip(others) {
                    let along = *x0 + *x1 * v1 + *x2 * v2;
                    *x0 -= tau * along;
                    *x1 -= t1 * along;
                    *x2 -= t2 * along;
                }
            });
        }
        _ => unreachable!("a step reflects two or three columns"),
    }
}

/// |Re x| + |Im x|.
fn size_of<T: Scalar>(x: T) -> T::Real {
    x.norm1()
}

/// Whether what is left of the diagonal in row k is as good as zero.
fn is_negligible<T: Scalar>(h: &DMatrixViewMut<'_, T>, k: usize) -> bool {
    let half: T::Real = nalgebra::convert(0.5);
    let epsilon = <T::Real>::default_epsilon() * half;
    let least = smallest::<T::Real>() * nalgebra::convert(h.nrows() as f64) / epsilon;
    let at = |i: usize, j: usize| size_of(h[(i, j)]);
    let beside = at(k, k - 1);
    if beside <= least {
        return true;
    }
    let mut scale = at(k - 1, k - 1) + at(k, k);
    if scale == nalgebra::zero() {
        if k > 1 {
            scale += at(k - 1, k - 2);
        }
        if k + 1 < h.nrows() {
            scale += at(k + 1, k);
        }
    }
    if beside > epsilon * scale {
        return false;
    }
    let sorted = |x: T::Real, y: T::Real| if x > y { (x, y) } else { (y, x) };
    let (more, less) = sorted(beside, at(k - 1, k));
    let (large, small) = sorted(at(k, k), size_of(h[(k - 1, k - 1)] - h[(k, k)]));
    let sum = large + more;
    let bound = epsilon * (small * (large / sum));
    less * (more / sum) <= if bound > least { bound } else { least }
}

/// After so many steps without a block that is done, a shift that is none of an eigenvalue.
const EXCEPTIONAL: usize = 10;

/// Where the step begins, and the vector that its first reflection turns: H^2 - (x + y) H + x y times a unit
/// vector, but for a factor, for the eigenvalues x and y of the last two rows.
fn double_shift<T: Scalar>(
    h: &DMatrixViewMut<'_, T>,
    start: usize,
    last: usize,
    tries: usize,
) -> (usize, [T; 3]) {
    let (zero, half): (T::Real, T::Real) = (nalgebra::zero(), nalgebra::convert(0.5));
    let at = |i: usize, j: usize| h[(i, j)].real();
    let mut block =
        [at(last - 1, last - 1), at(last - 1, last), at(last, last - 1), at(last, last)];
    if tries.is_multiple_of(EXCEPTIONAL) {
        let (corner, sum) = if tries.is_multiple_of(2 * EXCEPTIONAL) {
            (at(last, last), modulus(at(last, last - 1)) + modulus(at(last - 1, last - 2)))
        } else {
            let below = modulus(at(start + 1, start)) + modulus(at(start + 2, start + 1));
            (at(start, start), below)
        };
        let diagonal = sum * nalgebra::convert(0.75) + corner;
        block = [diagonal, sum * nalgebra::convert(-0.4375), sum, diagonal];
    }
    let scale = block.iter().fold(zero, |sum: T::Real, &x| sum + modulus(x));
    // The two shifts: real parts and imaginary parts.
    let (mut x, mut y) = ((zero, zero), (zero, zero));
    if scale != zero {
        let [a, b, c, d] = block.map(|x| x / scale);
        let middle = (a + d) * half;
        let determinant = (a - middle) * (d - middle) - b * c;
        let root = ComplexField::sqrt(modulus(determinant));
        if determinant >= zero {
            x = (middle * scale, root * scale);
            y = (x.0, -x.1);
        } else {
            let (first, second) = (middle + root, middle - root);
            let nearer = if modulus(first - d) <= modulus(second - d) { first } else { second };
            x = (nearer * scale, zero);
            y = x;
        }
    }
    let mut first = last - 2;
    loop {
        let (diagonal, next) = (at(first, first), at(first + 1, first));
        let scale = modulus(diagonal - y.0) + modulus(y.1) + modulus(next);
        let below = next / scale;
        let v = [
            below * at(first, first + 1) + (diagonal - x.0) * ((diagonal - y.0) / scale)
                - x.1 * (y.1 / scale),
            below * (diagonal + at(first + 1, first + 1) - x.0 - y.0),
            below * at(first + 2, first + 1),
        ];
        let sum = v.iter().fold(zero, |sum: T::Real, &x| sum + modulus(x));
        let v = if sum == zero { v } else { v.map(|x| x / sum) };
        if first > start {
            // Two numbers below the diagonal that are small together let the step begin between them.
            let around = [first - 1, first, first + 1];
            let around = around.iter().fold(zero, |sum: T::Real, &i| sum + modulus(at(i, i)));
            let lost = modulus(at(first, first - 1)) * (modulus(v[1]) + modulus(v[2]));
            if lost > <T::Real>::default_epsilon() * half * modulus(v[0]) * around {
                first -= 1;
                continue;
            }
        }
        return (first, v.map(T::from_real));
    }
}

/// The vector that the first reflection of a step turns, with Wilkinson's shift.
fn single_shift<T: Scalar>(
    h: &DMatrixViewMut<'_, T>,
    start: usize,
    last: usize,
    tries: usize,
) -> [T; 3] {
    let (zero, half): (T::Real, T::Real) = (nalgebra::zero(), nalgebra::convert(0.5));
    let part: T::Real = nalgebra::convert(0.75);
    let shift = if tries.is_multiple_of(2 * EXCEPTIONAL) {
        h[(last, last)] + T::from_real(size_of(h[(last, last - 1)]) * part)
    } else if tries.is_multiple_of(EXCEPTIONAL) {
        h[(start, start)] + T::from_real(size_of(h[(start + 1, start)]) * part)
    } else {
        let corner = h[(last, last)];
        let product =
            ComplexField::sqrt(h[(last - 1, last)]) * ComplexField::sqrt(h[(last, last - 1)]);
        let mut scale = size_of(product);
        if scale == zero {
            corner
        } else {
            let x = (h[(last - 1, last - 1)] - corner).scale(half);
            if size_of(x) > scale {
                scale = size_of(x);
            }
            let (p, r) = (x.unscale(scale), product.unscale(scale));
            let mut y = ComplexField::sqrt(p * p + r * r);
            if (p.conjugate() * y).real() < zero {
                y = -y;
            }
            corner - product * quotient(r, p + y)
        }
    };
    [h[(start, start)] - shift, h[(start + 1, start)], T::zero()]
}

/// Makes a block of two rows of a real matrix triangular if its eigenvalues are real (LAPACK's `lanv2`).
fn split<T: Scalar>(h: &mut DMatrixViewMut<'_, T>, q: &mut DMatrixViewMut<'_, T>, k: usize) {
    let next = k + 1;
    let [a, b, c, d] = [(k, k), (k, next), (next, k), (next, next)].map(|at| h[at].real());
    let (zero, one): (T::Real, T::Real) = (nalgebra::zero(), nalgebra::one());
    let half: T::Real = nalgebra::convert(0.5);
    if c == zero {
        return;
    }
    let p = (a - d) * half;
    let rotation = if b == zero {
        Rotation { c: zero, s: one }
    } else {
        let (more, less) = if modulus(b) > modulus(c) { (b, c) } else { (c, b) };
        let product = modulus(less) * with_sign(one, b) * with_sign(one, c);
        let scale = if modulus(p) > modulus(more) { modulus(p) } else { modulus(more) };
        let z = (p / scale) * p + (modulus(more) / scale) * product;
        if z < zero {
            return;
        }
        let z = p + with_sign(ComplexField::sqrt(scale) * ComplexField::sqrt(z), p);
        Rotation::new(z, c).0
    };
    rotation.columns(q, k);
    let mut above = h.rows_range_mut(..next + 1);
    let mut columns = above.columns_range_mut(k..next + 1);
    rotation.columns(&mut columns, 0);
    for j in k..h.ncols() {
        let (x, y) = (h[(k, j)], h[(next, j)]);
        h[(k, j)] = x.scale(rotation.c) + y.scale(rotation.s);
        h[(next, j)] = y.scale(rotation.c) - x.scale(rotation.s);
    }
    h[(next, k)] = T::zero();
}
