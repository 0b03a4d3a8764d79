//! The singular values of a bidiagonal matrix.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrixViewMut};

use super::{Rotation, STEPS, modulus, smallest, with_sign};
use crate::error::Error;

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
    // By selection: each column moves once or twice.
    for i in 0..size {
        let larger = |most: usize, j: usize| if d[j] > d[most] { j } else { most };
        let most = (i + 1..size).fold(i, larger);
        if most != i {
            d.swap(i, most);
            u.swap_columns(i, most);
            v.swap_columns(i, most);
        }
    }
    Ok(())
}
