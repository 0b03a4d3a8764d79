//! The shared mathematics of A = U B V^H with an upper bidiagonal B.

use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::reduction::{Divider, imaginary};

/// The numbers of an upper bidiagonal B.
pub(crate) struct Band<'a, S> {
    /// On the diagonal.
    pub(crate) diagonal: &'a [S],
    /// Above it.
    pub(crate) off_diagonal: &'a [S],
}

/// From where on the factors of A = U B V^H are a choice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Jump {
    /// The first column of U.
    pub(crate) u: usize,
    /// The first column of V.
    pub(crate) v: usize,
    /// The first number on the diagonal.
    pub(crate) diagonal: usize,
    /// The first number above it.
    pub(crate) off_diagonal: usize,
}

impl Jump {
    /// As the number on the diagonal in row j is zero.
    fn at_diagonal(j: usize) -> Self {
        Self { u: j, v: j + 1, diagonal: j, off_diagonal: j }
    }

    /// As the number beside that is.
    fn beside(j: usize) -> Self {
        Self { u: j + 1, v: j + 1, diagonal: j + 1, off_diagonal: j }
    }

    /// Of the factors of A^H.
    pub(crate) fn adjoint(self) -> Self {
        Self { u: self.v, v: self.u, ..self }
    }
}

impl<S: Real> Band<'_, S> {
    /// What is above the diagonal in row i.
    fn off(&self, i: usize) -> S {
        self.off_diagonal[i]
    }

    /// Where the first number is zero that leads to vectors, so that these jump. Those that have a `sign` alone, the last
    /// ones of a square real matrix, do not.
    pub(crate) fn jump(&self, sign: bool, make: impl Fn() -> DMatrix<f64>) -> Option<Jump> {
        let count = self.diagonal.len();
        let mut divider = self.divider("bidiagonal", 0.0, make);
        (0..count).find_map(|j| {
            if !(sign && j + 1 == count) && divider.is_nothing(self.diagonal[j], (j, j)) {
                return Some(Jump::at_diagonal(j));
            }
            let off = j + 1 < count && !(sign && j + 2 == count);
            (off && divider.is_nothing(self.off(j), (j, j + 1))).then_some(Jump::beside(j))
        })
    }

    fn divider<Sizes: Fn() -> DMatrix<f64>>(
        &self,
        primitive: &'static str,
        all: f64,
        make: Sizes,
    ) -> Divider<Sizes> {
        let entries = self.diagonal.iter().chain(self.off_diagonal);
        Divider::new::<S>(primitive, largest_modulus(entries), self.diagonal.len(), all, make)
    }
}

/// Fills X = U^H dU and Y = V^H dV, where V e1 = e1, and the tangents of the numbers of B, from
/// P = U^H dA V, for A = U B V^H with an upper bidiagonal B of real numbers that are not negative.
///
/// dB = P - X B + B Y with skew-Hermitian X and Y, and Y e1 = 0. So column by column and row by row in
/// turn, as Golub and Kahan 1965, "Calculating the singular values and pseudo-inverse of a matrix",
/// section 2, determine the factors themselves: what is below the diagonal in column j of dB is zero,
/// which gives column j of X over B_jj, and what is right of the superdiagonal in row j is zero, which
/// gives row j + 1 of Y over B_{j,j+1}; the imaginary parts on the two give the diagonals.
///
/// Returns from where on the direction makes vectors jump.
pub(crate) fn bidiagonal_forward<T: Scalar, K: Dim>(
    primitive: &'static str,
    (b, sign): (&Band<'_, T::Real>, bool),
    p: &OMatrix<T, K, K>,
    x: &mut OMatrix<T, K, K>,
    y: &mut OMatrix<T, K, K>,
    (diagonal_dot, off_diagonal_dot): (&mut [T::Real], &mut [T::Real]),
    make: impl Fn() -> DMatrix<f64>,
) -> Option<Jump>
where
    DefaultAllocator: Allocator<K, K>,
{
    let count = p.nrows();
    let mut divider = b.divider(primitive, largest_modulus(p.iter()), make);
    let mut jump = None;
    for j in 0..count {
        for i in j..count {
            let mut r = p[(i, j)] + y[(i, j)].scale(b.diagonal[i]);
            if j > 0 {
                r -= x[(i, j - 1)].scale(b.off(j - 1));
            }
            if i + 1 < count {
                r += y[(i + 1, j)].scale(b.off(i));
            }
            if i == j {
                x[(j, j)] = divider.divide(imaginary(r), b.diagonal[j], (j, j));
                let mut moved = T::from_real(r.real());
                if !(sign && j + 1 == count)
                    && let Some(turned) = divider.turn(moved, b.diagonal[j], (j, j))
                {
                    x[(j, j)] += turned;
                    moved += turned;
                }
                diagonal_dot[j] = moved.real();
            } else {
                let entry = divider.divide(r, b.diagonal[j], (j, j));
                x[(i, j)] = entry;
                x[(j, i)] = -entry.conjugate();
            }
        }
        if divider.is_lost() {
            jump.get_or_insert(Jump::at_diagonal(j));
        }
        let next = j + 1;
        for l in next..count {
            let known =
                p[(j, l)] - x[(j, l)].scale(b.diagonal[l]) - x[(j, l - 1)].scale(b.off(l - 1))
                    + y[(j, l)].scale(b.diagonal[j]);
            if l == next {
                y[(l, l)] = -divider.divide(imaginary(known), b.off(j), (j, next));
                let mut moved = T::from_real(known.real());
                if !(sign && j + 2 == count)
                    && let Some(turned) = divider.turn(moved, b.off(j), (j, next))
                {
                    y[(l, l)] += turned;
                    moved += turned;
                }
                off_diagonal_dot[j] = moved.real();
            } else {
                let entry = -divider.divide(known, b.off(j), (j, next));
                y[(next, l)] = entry;
                y[(l, next)] = -entry.conjugate();
            }
        }
        if divider.is_lost() {
            jump.get_or_insert(Jump::beside(j));
        }
    }
    divider.report();
    jump
}

/// The cotangent K of P of [`bidiagonal_forward`], from those of U and V in their own bases,
/// G = U^H U_bar and H = V^H V_bar, and of the numbers of B.
///
/// K is B_bar where B has numbers and elsewhere the multiplier of what has to stay zero: G - K B^H has to
/// be Hermitian, and H + B^H K but for its first row and column. The same recursion backwards gives
/// column j of K below the diagonal over B_jj, then row j - 1 right of the superdiagonal over B_{j-1,j}.
pub(crate) fn bidiagonal_reverse<T: Scalar, K: Dim>(
    primitive: &'static str,
    b: &Band<'_, T::Real>,
    g: &OMatrix<T, K, K>,
    h: &OMatrix<T, K, K>,
    bars: &Band<'_, T::Real>,
    make: impl Fn() -> DMatrix<f64>,
) -> OMatrix<T, K, K>
where
    DefaultAllocator: Allocator<K, K>,
{
    let (size, _) = g.shape_generic();
    let count = g.nrows();
    let mut k = OMatrix::<T, K, K>::zeros_generic(size, size);
    for j in 0..count {
        k[(j, j)] = T::from_real(bars.diagonal[j]);
        if j + 1 < count {
            k[(j, j + 1)] = T::from_real(bars.off(j));
        }
    }
    let all = largest_modulus(g.iter()).max(largest_modulus(h.iter()));
    let most = largest_modulus(b.diagonal.iter().chain(b.off_diagonal));
    let all = all.max((largest_modulus(k.iter()) * most).min(f64::MAX));
    let half: T::Real = nalgebra::convert(0.5);
    let mut divider = b.divider(primitive, all, make);
    let skew = |m: &OMatrix<T, K, K>, i: usize, j: usize| m[(i, j)] - m[(j, i)].conjugate();
    for j in (0..count).rev() {
        let beside = |k: &OMatrix<T, K, K>, i: usize| {
            if j + 1 < count { k[(i, j + 1)].scale(b.off(j)) } else { T::zero() }
        };
        let known = imaginary(skew(g, j, j).scale(half) - beside(&k, j));
        k[(j, j)] += divider.divide(known, b.diagonal[j], (j, j));
        for i in j + 1..count {
            let mut other = k[(j, i)].scale(b.diagonal[i]);
            if i + 1 < count {
                other += k[(j, i + 1)].scale(b.off(i));
            }
            let known = skew(g, i, j) - beside(&k, i) + other.conjugate();
            let beside = [g[(i, j)], g[(j, i)], h[(i, j)], h[(j, i)]];
            k[(i, j)] = divider.divide_among(known, b.diagonal[j], (j, j), &beside);
        }
        let Some(row) = j.checked_sub(1) else { break };
        let known = imaginary(skew(h, j, j).scale(half) + k[(j, j)].scale(b.diagonal[j]));
        k[(row, j)] -= divider.divide(known, b.off(row), (row, j));
        for i in j + 1..count {
            let known =
                skew(h, i, j) + k[(i, j)].scale(b.diagonal[i]) + k[(i - 1, j)].scale(b.off(i - 1))
                    - k[(j, i)].scale(b.diagonal[j]).conjugate();
            let beside = [g[(row, i)], g[(i, row)], h[(row, i)], h[(i, row)]];
            k[(row, i)] = divider.divide_among(known, b.off(row), (row, j), &beside).conjugate();
        }
    }
    divider.report();
    k
}

/// Z <- Z B^-1 for an upper bidiagonal B, or Z B^-H; for Z^H in place of Z if `rows`. Returns from where on that makes
/// vectors jump.
pub(crate) fn over_band<T: Scalar>(
    primitive: &'static str,
    b: &Band<'_, T::Real>,
    adjoint: bool,
    rows: bool,
    z: &mut DMatrixViewMut<'_, T>,
    make: impl Fn() -> DMatrix<f64>,
) -> Option<Jump> {
    let count = b.diagonal.len();
    let mut divider = b.divider(primitive, largest_modulus(z.iter()), make);
    let others = if rows { z.ncols() } else { z.nrows() };
    let mut jump = None;
    let at = |line: usize, i: usize| if rows { (line, i) } else { (i, line) };
    for step in 0..count {
        let line = if adjoint { count - 1 - step } else { step };
        for i in 0..others {
            let known = match adjoint {
                false if line > 0 => z[at(line - 1, i)].scale(b.off(line - 1)),
                true if line + 1 < count => z[at(line + 1, i)].scale(b.off(line)),
                _ => T::zero(),
            };
            z[at(line, i)] = divider.divide(z[at(line, i)] - known, b.diagonal[line], (line, line));
        }
        if divider.is_lost() {
            jump.get_or_insert(Jump::at_diagonal(line));
        }
    }
    divider.report();
    jump
}
