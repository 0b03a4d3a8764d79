//! The eigenvalues of a symmetric tridiagonal matrix.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrixViewMut};

use super::{Rotation, STEPS, modulus, smallest, with_sign};
use crate::error::Error;

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
#[inline(never)]
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
