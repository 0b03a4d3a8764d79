//! Implicit QR iterations: the singular values of a bidiagonal matrix, the eigenvalues of a symmetric
//! tridiagonal one and the Schur form of a Hessenberg one, with what they do applied to the columns of their
//! factors.
//!
//! nalgebra's own iteration for singular values ends in a step for 2 x 2 matrices that loses half of the digits,
//! and takes closed forms for small matrices that square their entries.

use approx::AbsDiffEq;
use difrules_core::{Kind, Real, Scalar};
use nalgebra::{ComplexField, DMatrixViewMut};

use crate::algebra::householder::{reflect, reflect_rows, reflection};
use crate::algebra::modulus::quotient;
use crate::error::Error;

/// How many steps each number may take.
const STEPS: usize = 60;

/// A rotation [c s; -s c].
#[derive(Clone, Copy)]
struct Rotation<S> {
    c: S,
    s: S,
}

impl<S: Real> Rotation<S> {
    /// The one that takes (f, g) to (r, 0), and r.
    fn new(f: S, g: S) -> (Self, S) {
        let (zero, one) = (nalgebra::zero(), nalgebra::one());
        if g == zero {
            return (Self { c: one, s: zero }, f);
        }
        let r = ComplexField::hypot(f, g);
        (Self { c: f / r, s: g / r }, r)
    }

    fn inverse(self) -> Self {
        Self { c: self.c, s: -self.s }
    }

    /// Rotates two neighbouring columns, of which the first is given.
    fn columns<T: Scalar<Real = S>>(self, m: &mut DMatrixViewMut<'_, T>, first: usize) {
        let (mut x, mut y) = m.columns_range_pair_mut(first, first + 1);
        for (x, y) in x.as_mut_slice().iter_mut().zip(y.as_mut_slice()) {
            let (old_x, old_y) = (*x, *y);
            *x = old_x.scale(self.c) + old_y.scale(self.s);
            *y = old_y.scale(self.c) - old_x.scale(self.s);
        }
    }
}

fn modulus<S: Real>(x: S) -> S {
    ComplexField::abs(x)
}

/// |x| with the sign of y.
fn with_sign<S: Real>(x: S, y: S) -> S {
    if y < nalgebra::zero() { -modulus(x) } else { modulus(x) }
}

/// The smallest normal number.
pub(crate) fn smallest<S: Real>() -> S {
    let single = S::default_epsilon().to_f64() > 1e-10;
    nalgebra::convert(if single { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE })
}

/// The singular values of [f g; 0 h], the smaller first (LAPACK's `las2`).
fn two_singular_values<S: Real>(f: S, g: S, h: S) -> (S, S) {
    let (zero, one): (S, S) = (nalgebra::zero(), nalgebra::one());
    let (f, g, h) = (modulus(f), modulus(g), modulus(h));
    let (less, more) = if f < h { (f, h) } else { (h, f) };
    if less == zero {
        return (zero, ComplexField::hypot(more, g));
    }
    let (sum, difference) = (one + less / more, (more - less) / more);
    if g < more {
        let square = (g / more) * (g / more);
        let c = (ComplexField::sqrt(sum * sum + square)
            + ComplexField::sqrt(difference * difference + square))
            * nalgebra::convert(0.5);
        return (less / c, more * c);
    }
    let ratio = more / g;
    if ratio == zero {
        return ((less * more) / g, g);
    }
    let (sum, difference) = (sum * ratio, difference * ratio);
    let c = one
        / (ComplexField::sqrt(one + sum * sum) + ComplexField::sqrt(one + difference * difference));
    let small = (less * c) * ratio;
    (small + small, g / (c + c))
}

/// The singular value decomposition of [f g; 0 h]: with the rotations L and R, L [f g; 0 h] R^T is diagonal
/// with the larger value first, each with a sign; every number is right to a few roundings
/// (LAPACK's `lasv2`; Demmel and Kahan 1990, "Accurate singular values of bidiagonal matrices").
fn two_by_two<S: Real>(f: S, g: S, h: S) -> ([S; 2], Rotation<S>, Rotation<S>) {
    let (zero, one): (S, S) = (nalgebra::zero(), nalgebra::one());
    let (two, half): (S, S) = (one + one, nalgebra::convert(0.5));
    // Which of the three is the largest decides a sign below.
    let swapped = modulus(h) > modulus(f);
    let (ft, ht) = if swapped { (h, f) } else { (f, h) };
    let (fa, ga, ha) = (modulus(ft), modulus(g), modulus(ht));
    let mut largest = if swapped { h } else { f };
    let (mut small, mut large) = (ha, fa);
    let (mut left, mut right) = (Rotation { c: one, s: zero }, Rotation { c: one, s: zero });
    if ga != zero {
        let mut far = false;
        if ga > fa {
            largest = g;
            if fa / ga < S::default_epsilon() * half {
                far = true;
                large = ga;
                small = if ha > one { fa / (ga / ha) } else { (fa / ga) * ha };
                left = Rotation { c: one, s: ht / g };
                right = Rotation { c: ft / g, s: one };
            }
        }
        if !far {
            let d = fa - ha;
            let l = if d == fa { one } else { d / fa };
            let m = g / ft;
            let mut t = two - l;
            let (mm, tt) = (m * m, t * t);
            let s = ComplexField::sqrt(tt + mm);
            let r = if l == zero { modulus(m) } else { ComplexField::sqrt(l * l + mm) };
            let a = (s + r) * half;
            (small, large) = (ha / a, fa * a);
            t = if mm == zero {
                if l == zero {
                    with_sign(two, ft) * with_sign(one, g)
                } else {
                    g / with_sign(d, ft) + m / t
                }
            } else {
                (m / (s + t) + m / (r + l)) * (one + a)
            };
            let length = ComplexField::sqrt(t * t + two * two);
            right = Rotation { c: two / length, s: t / length };
            left.c = (right.c + right.s * m) / a;
            left.s = (ht / ft) * right.s / a;
        }
    }
    let (left, right) = if swapped {
        (Rotation { c: right.s, s: right.c }, Rotation { c: left.s, s: left.c })
    } else {
        (left, right)
    };
    let by = |x: S, y: S| with_sign(one, x) * with_sign(one, y);
    let sign = if largest == g && ga > fa {
        by(right.s, left.c) * with_sign(one, g)
    } else if swapped {
        by(right.s, left.s) * with_sign(one, h)
    } else {
        by(right.c, left.c) * with_sign(one, f)
    };
    let other = sign * with_sign(one, f) * with_sign(one, h);
    ([with_sign(large, sign), with_sign(small, other)], left, right)
}

/// Replaces the numbers of an upper bidiagonal B by its singular values in decreasing order, and U and V, whose
/// columns are given, by those that B = L diag(s) R^T makes U L and V R.
///
/// Golub and Kahan's iteration, without a shift where that would lose digits of small values: each value of B
/// comes out to a few roundings of itself (Demmel and Kahan 1990; LAPACK's `bdsqr`).
///
/// # Errors
/// [`Error::NoConvergence`].
pub(crate) fn diagonalise_bidiagonal<T: Scalar>(
    d: &mut [T::Real],
    e: &mut [T::Real],
    u: &mut DMatrixViewMut<'_, T>,
    v: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    let size = d.len();
    let (zero, one): (T::Real, T::Real) = (nalgebra::zero(), nalgebra::one());
    let count: T::Real = nalgebra::convert(size as f64);
    let half: T::Real = nalgebra::convert(0.5);
    let epsilon = <T::Real>::default_epsilon() * half;
    let tolerance = epsilon * nalgebra::convert(4.0);
    // What is smaller is zero beside the smallest singular value.
    let mut smallest_value = d.first().map_or(zero, |&d| modulus(d));
    let mut bound = smallest_value;
    for i in 1..size {
        if smallest_value == zero {
            break;
        }
        bound = modulus(d[i]) * (bound / (bound + modulus(e[i - 1])));
        if bound < smallest_value {
            smallest_value = bound;
        }
    }
    let threshold = tolerance * (smallest_value / ComplexField::sqrt(count));
    let least = smallest::<T::Real>() * count * count;
    let threshold = if threshold > least { threshold } else { least };
    let mut last_block = (usize::MAX, usize::MAX);
    let mut down = true;
    let (mut steps, most) = (0, STEPS * size * size);
    let mut end = size;
    'blocks: while end > 1 {
        if steps > most {
            return Err(Error::NoConvergence { sweeps: steps });
        }
        // The last block without a zero beside the diagonal is from `start` to `last`.
        let last = end - 1;
        let mut start = last;
        let mut largest = modulus(d[last]);
        while start > 0 {
            if modulus(e[start - 1]) <= threshold {
                e[start - 1] = zero;
                break;
            }
            start -= 1;
            for x in [modulus(d[start]), modulus(e[start])] {
                if x > largest {
                    largest = x;
                }
            }
        }
        if start == last {
            end -= 1;
            continue;
        }
        if start + 1 == last {
            let (values, left, right) = two_by_two(d[start], e[start], d[last]);
            [d[start], d[last]] = values;
            e[start] = zero;
            right.columns(v, start);
            left.columns(u, start);
            end -= 2;
            continue;
        }
        // From the larger end of a new block to the smaller.
        if start > last_block.1 || last < last_block.0 || last_block.0 == usize::MAX {
            down = modulus(d[start]) >= modulus(d[last]);
        }
        let ends = if down { (last - 1, last) } else { (start, start) };
        if modulus(e[ends.0]) <= tolerance * modulus(d[ends.1]) {
            e[ends.0] = zero;
            continue;
        }
        let mut bound = modulus(d[if down { start } else { last }]);
        let mut smallest_value = bound;
        for step in 0..last - start {
            let (beside, next) = if down {
                (start + step, start + step + 1)
            } else {
                (last - 1 - step, last - 1 - step)
            };
            if modulus(e[beside]) <= tolerance * bound {
                e[beside] = zero;
                continue 'blocks;
            }
            bound = modulus(d[next]) * (bound / (bound + modulus(e[beside])));
            if bound < smallest_value {
                smallest_value = bound;
            }
        }
        last_block = (start, last);
        let fine = tolerance * nalgebra::convert(0.01);
        let fine = if epsilon > fine { epsilon } else { fine };
        let mut shift = zero;
        if count * tolerance * (smallest_value / largest) > fine {
            let first = modulus(d[if down { start } else { last }]);
            shift = if down {
                two_singular_values(d[last - 1], e[last - 1], d[last]).0
            } else {
                two_singular_values(d[start], e[start], d[start + 1]).0
            };
            let ratio = if first > zero { shift / first } else { zero };
            if ratio * ratio < epsilon {
                shift = zero;
            }
        }
        steps += last - start;
        match (shift == zero, down) {
            (true, true) => {
                let (mut c, mut old) = (one, Rotation { c: one, s: zero });
                for i in start..last {
                    let (right, r) = Rotation::new(d[i] * c, e[i]);
                    if i > start {
                        e[i - 1] = old.s * r;
                    }
                    let (left, r) = Rotation::new(old.c * r, d[i + 1] * right.s);
                    (d[i], old, c) = (r, left, right.c);
                    right.columns(v, i);
                    left.columns(u, i);
                }
                let h = d[last] * c;
                (d[last], e[last - 1]) = (h * old.c, h * old.s);
                if modulus(e[last - 1]) <= threshold {
                    e[last - 1] = zero;
                }
            }
            (true, false) => {
                let (mut c, mut old) = (one, Rotation { c: one, s: zero });
                for i in (start + 1..=last).rev() {
                    let (left, r) = Rotation::new(d[i] * c, e[i - 1]);
                    if i < last {
                        e[i] = old.s * r;
                    }
                    let (right, r) = Rotation::new(old.c * r, d[i - 1] * left.s);
                    (d[i], old, c) = (r, right, left.c);
                    right.inverse().columns(v, i - 1);
                    left.inverse().columns(u, i - 1);
                }
                let h = d[start] * c;
                (d[start], e[start]) = (h * old.c, h * old.s);
                if modulus(e[start]) <= threshold {
                    e[start] = zero;
                }
            }
            (false, true) => {
                let x = d[start];
                let mut f = (modulus(x) - shift) * (with_sign(one, x) + shift / x);
                let mut g = e[start];
                for i in start..last {
                    let (right, r) = Rotation::new(f, g);
                    if i > start {
                        e[i - 1] = r;
                    }
                    f = right.c * d[i] + right.s * e[i];
                    e[i] = right.c * e[i] - right.s * d[i];
                    g = right.s * d[i + 1];
                    d[i + 1] *= right.c;
                    let (left, r) = Rotation::new(f, g);
                    d[i] = r;
                    f = left.c * e[i] + left.s * d[i + 1];
                    d[i + 1] = left.c * d[i + 1] - left.s * e[i];
                    if i + 1 < last {
                        g = left.s * e[i + 1];
                        e[i + 1] *= left.c;
                    }
                    right.columns(v, i);
                    left.columns(u, i);
                }
                e[last - 1] = f;
                if modulus(f) <= threshold {
                    e[last - 1] = zero;
                }
            }
            (false, false) => {
                let x = d[last];
                let mut f = (modulus(x) - shift) * (with_sign(one, x) + shift / x);
                let mut g = e[last - 1];
                for i in (start + 1..=last).rev() {
                    let (left, r) = Rotation::new(f, g);
                    if i < last {
                        e[i] = r;
                    }
                    f = left.c * d[i] + left.s * e[i - 1];
                    e[i - 1] = left.c * e[i - 1] - left.s * d[i];
                    g = left.s * d[i - 1];
                    d[i - 1] *= left.c;
                    let (right, r) = Rotation::new(f, g);
                    d[i] = r;
                    f = right.c * e[i - 1] + right.s * d[i - 1];
                    d[i - 1] = right.c * d[i - 1] - right.s * e[i - 1];
                    if i > start + 1 {
                        g = right.s * e[i - 2];
                        e[i - 2] *= right.c;
                    }
                    right.inverse().columns(v, i - 1);
                    left.inverse().columns(u, i - 1);
                }
                e[start] = f;
                if modulus(f) <= threshold {
                    e[start] = zero;
                }
            }
        }
    }
    for (i, value) in d.iter_mut().enumerate() {
        if *value < zero {
            *value = -*value;
            v.column_mut(i).neg_mut();
        }
        // A NaN has come from what is not finite.
        if !ComplexField::is_finite(value) {
            return Err(Error::NoConvergence { sweeps: steps });
        }
    }
    // By insertion: equal values keep their order.
    for i in 1..size {
        for j in (1..=i).rev() {
            if d[j] <= d[j - 1] {
                break;
            }
            d.swap(j, j - 1);
            u.swap_columns(j, j - 1);
            v.swap_columns(j, j - 1);
        }
    }
    Ok(())
}

/// The eigenvalues of [a b; b c], that of larger modulus first, and its eigenvector (LAPACK's `laev2`).
fn two_eigenvalues<S: Real>(a: S, b: S, c: S) -> ([S; 2], Rotation<S>) {
    let (zero, one): (S, S) = (nalgebra::zero(), nalgebra::one());
    let half: S = nalgebra::convert(0.5);
    let (sum, difference, twice) = (a + c, a - c, b + b);
    let (more, less) = if modulus(a) > modulus(c) { (a, c) } else { (c, a) };
    let root = ComplexField::hypot(difference, twice);
    let (values, first) = if sum == zero {
        ([root * half, -(root * half)], one)
    } else {
        let sign = with_sign(one, sum);
        let value = (sum + sign * root) * half;
        ([value, (more / value) * less - (b / value) * b], sign)
    };
    let second = with_sign(one, difference);
    let cosine = difference + second * root;
    let rotation = if modulus(cosine) > modulus(twice) {
        let ratio = -twice / cosine;
        let s = one / ComplexField::sqrt(one + ratio * ratio);
        Rotation { c: ratio * s, s }
    } else if twice == zero {
        Rotation { c: one, s: zero }
    } else {
        let ratio = -cosine / twice;
        let c = one / ComplexField::sqrt(one + ratio * ratio);
        Rotation { c, s: ratio * c }
    };
    if first == second {
        (values, Rotation { c: -rotation.s, s: rotation.c })
    } else {
        (values, rotation)
    }
}

/// Replaces the diagonal of a symmetric tridiagonal matrix T by its eigenvalues, in no order, and Z, by Z times
/// its eigenvectors; what is beside the diagonal is overwritten.
///
/// The QL or QR iteration with Wilkinson's shift, from the end with the smaller number (LAPACK's `steqr`).
///
/// # Errors
/// [`Error::NoConvergence`].
pub(crate) fn diagonalise_tridiagonal<T: Scalar>(
    d: &mut [T::Real],
    e: &mut [T::Real],
    z: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    let size = d.len();
    let (zero, one): (T::Real, T::Real) = (nalgebra::zero(), nalgebra::one());
    let half: T::Real = nalgebra::convert(0.5);
    let epsilon = <T::Real>::default_epsilon() * half;
    let (least, root) = (smallest::<T::Real>(), |x: T::Real| ComplexField::sqrt(modulus(x)));
    let (mut steps, most) = (0, STEPS * size);
    let mut next = 0;
    while next < size {
        // The next block without a zero beside the diagonal.
        let start = next;
        let mut end = start;
        while end + 1 < size {
            let beside = modulus(e[end]);
            if beside <= (root(d[end]) * root(d[end + 1])) * epsilon || beside < least {
                e[end] = zero;
                break;
            }
            end += 1;
        }
        next = end + 1;
        let small = |e: T::Real, d: T::Real, other: T::Real| {
            e * e <= (epsilon * epsilon * modulus(d)) * modulus(other) + least
        };
        let shifted = |e: T::Real, d: T::Real, other: T::Real, far: T::Real| {
            let g = (other - d) / (e + e);
            far - d + e / (g + with_sign(ComplexField::hypot(g, one), g))
        };
        if modulus(d[end]) >= modulus(d[start]) {
            let mut l = start;
            while l <= end {
                let m = (l..end).find(|&m| small(e[m], d[m], d[m + 1])).unwrap_or(end);
                if m < end {
                    e[m] = zero;
                }
                if m == l {
                    l += 1;
                    continue;
                }
                if m == l + 1 {
                    let (values, rotation) = two_eigenvalues(d[l], e[l], d[m]);
                    rotation.columns(z, l);
                    [d[l], d[m]] = values;
                    e[l] = zero;
                    l += 2;
                    continue;
                }
                if steps == most {
                    return Err(Error::NoConvergence { sweeps: steps });
                }
                steps += 1;
                let mut g = shifted(e[l], d[l], d[l + 1], d[m]);
                let (mut rotation, mut p) = (Rotation { c: one, s: one }, zero);
                for i in (l..m).rev() {
                    let (f, b) = (rotation.s * e[i], rotation.c * e[i]);
                    let r;
                    (rotation, r) = Rotation::new(g, f);
                    if i + 1 < m {
                        e[i + 1] = r;
                    }
                    g = d[i + 1] - p;
                    let r = (d[i] - g) * rotation.s + (rotation.c + rotation.c) * b;
                    p = rotation.s * r;
                    d[i + 1] = g + p;
                    g = rotation.c * r - b;
                    rotation.inverse().columns(z, i);
                }
                d[l] -= p;
                e[l] = g;
            }
        } else {
            let mut above = end + 1;
            while above > start {
                let l = above - 1;
                let found = (start + 1..=l).rev().find(|&m| small(e[m - 1], d[m], d[m - 1]));
                let m = found.unwrap_or(start);
                if m > start {
                    e[m - 1] = zero;
                }
                if m == l {
                    above -= 1;
                    continue;
                }
                if m + 1 == l {
                    let (values, rotation) = two_eigenvalues(d[m], e[m], d[l]);
                    rotation.columns(z, m);
                    [d[m], d[l]] = values;
                    e[m] = zero;
                    above -= 2;
                    continue;
                }
                if steps == most {
                    return Err(Error::NoConvergence { sweeps: steps });
                }
                steps += 1;
                let mut g = shifted(e[l - 1], d[l], d[l - 1], d[m]);
                let (mut rotation, mut p) = (Rotation { c: one, s: one }, zero);
                for i in m..l {
                    let (f, b) = (rotation.s * e[i], rotation.c * e[i]);
                    let r;
                    (rotation, r) = Rotation::new(g, f);
                    if i > m {
                        e[i - 1] = r;
                    }
                    g = d[i] - p;
                    let r = (d[i + 1] - g) * rotation.s + (rotation.c + rotation.c) * b;
                    p = rotation.s * r;
                    d[i] = g + p;
                    g = rotation.c * r - b;
                    rotation.columns(z, i);
                }
                d[l] -= p;
                e[l - 1] = g;
            }
        }
    }
    Ok(())
}

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
    workspace: &mut [T],
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
            reflect_rows(v, tau, &mut h.view_range_mut(..touched, k..k + rows), workspace);
            reflect_rows(v, tau, &mut q.columns_mut(k, rows), workspace);
        }
    }
    Ok(())
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
