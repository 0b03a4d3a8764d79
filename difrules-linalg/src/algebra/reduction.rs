//! The shared mathematics of reductions to few diagonals by unitary factors of which one column is
//! fixed: the rest follows from it (the implicit Q theorem: Golub and Van Loan 2013, Matrix
//! Computations, theorem 7.4.2), and so do its derivatives, column by column, as long as the numbers
//! beside the diagonal are not zero.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::modulus::largest_modulus;
use crate::block::{block, block_mut, in_basis, multiply, out_of_basis};
use crate::tolerance::{Gap, Quotients, gap_of, moduli};

/// A over a power of two, and that: one, unless squares of the entries may overflow or underflow.
pub(crate) fn rescaled<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, T::Real)
where
    DefaultAllocator: Allocator<R, C>,
{
    let size = largest_modulus(a.iter());
    let scale = if size == 0.0 || (1e-12..1e12).contains(&size) {
        1.0
    } else {
        // The modulus of a complex number may overflow where its parts do not.
        let most = if T::Real::default_epsilon().to_f64() > 1e-10 { 127.0 } else { 1023.0 };
        size.log2().floor().min(most).exp2()
    };
    let scale: T::Real = nalgebra::convert(scale);
    (a.map(|x| x.unscale(scale)), scale)
}

/// Divides by numbers beside the diagonal, of which some may be zero.
///
/// A relative change epsilon of the entries of A moves a number of the reduced matrix B of A = U B V^H by up to
/// epsilon times an entry of |U|^T |A| |V|, which are those of |U|^T |U| |B| |V|^T |V| at most: rows and columns of any
/// scale have their own rounding.
struct Divider<Sizes: Fn() -> DMatrix<f64>> {
    largest: f64,
    count: usize,
    /// The matrix of these sizes, made where a divisor is small.
    make: Sizes,
    sizes: Option<DMatrix<f64>>,
    quotients: Quotients,
}

impl<Sizes: Fn() -> DMatrix<f64>> Divider<Sizes> {
    /// For a reduced matrix whose largest entry is given, and dividends that are sums of numbers of the size `all`.
    fn new<S: Real>(
        primitive: &'static str,
        largest: f64,
        count: usize,
        all: f64,
        make: Sizes,
    ) -> Self {
        let quotients = Quotients::new::<S>(primitive, all);
        Self { largest, count, make, sizes: None, quotients }
    }

    /// Whether the divisor at an entry of the reduced matrix is zero but for rounding.
    fn is_nothing<S: Real>(&mut self, divisor: S, at: (usize, usize)) -> bool {
        let (divisor, count) = (divisor.to_f64().abs(), self.count);
        let nothing = |size: f64| gap_of::<S>(divisor, size, count) == Gap::Nothing;
        nothing(self.largest * (count * count) as f64)
            && nothing(self.sizes.get_or_insert_with(&self.make)[at])
    }

    fn divide<T: Scalar>(&mut self, x: T, divisor: T::Real, at: (usize, usize)) -> T {
        // What is not zero decides alone: the numbers follow from each other by division, also twice.
        let gap = if self.is_nothing(divisor, at) { Gap::Nothing } else { Gap::Apart };
        self.quotients.over(x, divisor, gap)
    }

    /// Divides in a reverse rule. A function of the product of the factors does not depend on a choice of these, so
    /// that the dividend is zero, but how it changes where the number is zero is not told by that: only if the
    /// cotangents of the factors, in their own basis, do not ask for it are they zero too.
    fn divide_among<T: Scalar>(
        &mut self,
        x: T,
        divisor: T::Real,
        at: (usize, usize),
        cotangents: &[T],
    ) -> T {
        let mut entry = self.divide(x, divisor, at);
        if self.is_nothing(divisor, at) {
            cotangents.iter().for_each(|&bar| entry += self.quotients.over_nothing(bar));
        }
        entry
    }

    fn report(self) {
        self.quotients.report(|| {
            "an entry of the reduced matrix is zero: what comes after it is not determined by what comes \
             before, and has no derivative along this direction"
        });
    }
}

/// The sizes of what the entries of B are made of, for A = U B V^H and the moduli of these.
pub(crate) fn sizes(u: &DMatrix<f64>, b: &DMatrix<f64>, v_t: &DMatrix<f64>) -> DMatrix<f64> {
    u.tr_mul(u) * b * (v_t * v_t.transpose())
}

/// The same for A = Q H Q^H.
fn sizes_of_similar<T: Scalar>(q: DMatrixView<'_, T>, h: DMatrixView<'_, T>) -> DMatrix<f64> {
    let q = moduli(q);
    sizes(&q, &moduli(h), &q.transpose())
}

/// i Im x.
fn imaginary<T: Scalar>(x: T) -> T {
    x - T::from_real(x.real())
}

/// The rows of column j that are not zero by shape, of a matrix with one diagonal below and `band` above
/// the diagonal.
fn rows(j: usize, band: usize, count: usize) -> std::ops::Range<usize> {
    j.saturating_sub(band)..(j + 2).min(count)
}

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
    let (mut q_dot, mut h_dot, mut x) = (zeros(), in_basis(q, a_dot), zeros());
    let (one, zero) = (T::one(), T::zero());
    let (most, all) = (largest_modulus(h.iter()), largest_modulus(a_dot.iter()));
    let make = || sizes_of_similar(block(q), block(h));
    let mut divider = Divider::new::<T::Real>(primitive, most, count, all, make);
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
            for i in 0..next {
                r[i] -= x[(i, next)].scale(below);
            }
        }
    }
    divider.report();
    multiply(one, (block(q), false), (block(&x), false), zero, &mut block_mut(&mut q_dot));
    (q_dot, h_dot)
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
    divider.report();
    out_of_basis(q, &k_bar)
}

/// The numbers of an upper bidiagonal B.
pub(crate) struct Band<'a, S> {
    /// On the diagonal.
    pub(crate) diagonal: &'a [S],
    /// Above it.
    pub(crate) off_diagonal: &'a [S],
}

impl<S: Real> Band<'_, S> {
    /// What is above the diagonal in row i.
    fn off(&self, i: usize) -> S {
        self.off_diagonal[i]
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
pub(crate) fn bidiagonal_forward<T: Scalar, K: Dim>(
    primitive: &'static str,
    b: &Band<'_, T::Real>,
    p: &OMatrix<T, K, K>,
    x: &mut OMatrix<T, K, K>,
    y: &mut OMatrix<T, K, K>,
    (diagonal_dot, off_diagonal_dot): (&mut [T::Real], &mut [T::Real]),
    make: impl Fn() -> DMatrix<f64>,
) where
    DefaultAllocator: Allocator<K, K>,
{
    let count = p.nrows();
    let mut divider = b.divider(primitive, largest_modulus(p.iter()), make);
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
                diagonal_dot[j] = r.real();
                x[(j, j)] = divider.divide(imaginary(r), b.diagonal[j], (j, j));
            } else {
                let entry = divider.divide(r, b.diagonal[j], (j, j));
                x[(i, j)] = entry;
                x[(j, i)] = -entry.conjugate();
            }
        }
        let next = j + 1;
        for l in next..count {
            let known =
                p[(j, l)] - x[(j, l)].scale(b.diagonal[l]) - x[(j, l - 1)].scale(b.off(l - 1))
                    + y[(j, l)].scale(b.diagonal[j]);
            if l == next {
                off_diagonal_dot[j] = known.real();
                y[(l, l)] = -divider.divide(imaginary(known), b.off(j), (j, next));
            } else {
                let entry = -divider.divide(known, b.off(j), (j, next));
                y[(next, l)] = entry;
                y[(l, next)] = -entry.conjugate();
            }
        }
    }
    divider.report();
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

/// Z <- Z B^-1 for an upper bidiagonal B, or Z B^-H; for Z^H in place of Z if `rows`.
pub(crate) fn over_band<T: Scalar>(
    primitive: &'static str,
    b: &Band<'_, T::Real>,
    adjoint: bool,
    rows: bool,
    z: &mut DMatrixViewMut<'_, T>,
    make: impl Fn() -> DMatrix<f64>,
) {
    let count = b.diagonal.len();
    let mut divider = b.divider(primitive, largest_modulus(z.iter()), make);
    let others = if rows { z.ncols() } else { z.nrows() };
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
    }
    divider.report();
}
