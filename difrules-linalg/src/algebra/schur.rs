//! The shared mathematics of A = Q T Q^H for a general A: T upper triangular, or for a real A upper
//! quasi-triangular, with blocks of two rows for pairs of complex eigenvalues.

use std::cell::LazyCell;
use std::ops::Range;

use difrules_core::contract::Kind;
use difrules_core::{Differentiable, Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, DimDiff, DimSub,
    OMatrix, RealField, U1,
};

use crate::algebra::hermitian_eigen::{keep_phases, largest};
use crate::algebra::implicit_qr::triangularise_hessenberg;
use crate::algebra::modulus::{largest_modulus, phase, quotient};
use crate::algebra::resolvent::{order, take};
use crate::algebra::scaling::Level;
use crate::algebra::unitary::hessenberg_factors;
use crate::block::{block, block_mut, in_basis, multiply, out_of_basis, product, still, varies};
use crate::error::{Error, overflow};
use crate::tolerance::{
    Gap, Quotients, asked_columns, asks, gap_of, held, moduli, plain, undefined, undefined_with,
};

/// Q and T, with the eigenvalues in the order of their real parts, then of their imaginary parts, of pairs
/// the positive one. Each column of Q has its largest entry real and positive; but blocks of two rows have a
/// diagonal of two equal numbers, a larger positive number above it than the negative one below, and of
/// their columns of Q the largest entry of the first is positive.
///
/// # Errors
/// [`Error::NoConvergence`].
#[expect(clippy::type_complexity, reason = "two factors or an error")]
pub(crate) fn schur_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    let (mut q, mut t, scale) = scaled_factors(a)?;
    sort(&mut block_mut(&mut q), &mut block_mut(&mut t), key);
    standardise_blocks(&mut block_mut(&mut q), &mut block_mut(&mut t));
    let found = t.copied();
    for rows in blocks(block(&found)) {
        let turn = phase(q[(largest(q.column(rows.start).iter()), rows.start)]).conjugate();
        for j in rows {
            q.column_mut(j).apply(|x| *x *= turn);
            t.column_mut(j).apply(|x| *x *= turn);
            t.row_mut(j).apply(|x| *x *= turn.conjugate());
        }
    }
    t.apply(|x| *x = x.scale(scale));
    overflow("t", t.as_slice())?;
    Ok((q, t))
}

/// Q and T with the eigenvalues in any order, and what T has to be multiplied by.
#[expect(clippy::type_complexity, reason = "two factors or an error")]
fn scaled_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OMatrix<T, D, D>, T::Real), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    if a.is_empty() {
        return Ok((a.copied(), a.copied(), nalgebra::one()));
    }
    let (mut q, mut t, scale) = hessenberg_factors(a);
    triangularise_hessenberg(&mut block_mut(&mut t), &mut block_mut(&mut q))?;
    let below = if <T::Kind as Kind>::REAL { 2 } else { 1 };
    t.fill_lower_triangle(T::zero(), below);
    Ok((q, t, scale))
}

/// Q and T for whom the order of the eigenvalues and the phases of the vectors do not matter: any.
///
/// # Errors
/// [`Error::NoConvergence`]; [`Error::Overflow`].
pub(crate) fn any_schur_factors<T: Scalar>(
    a: &DMatrix<T>,
) -> Result<(DMatrix<T>, DMatrix<T>), Error> {
    let (q, mut t, scale) = scaled_factors(a)?;
    t.apply(|x| *x = x.scale(scale));
    overflow("t", t.as_slice())?;
    Ok((q, t))
}

/// Q and T with the eigenvalues in any order, for functions of A; the diagonals of blocks of two rows are equal. A
/// triangular A keeps its entries, which may be far more exact than its size says.
///
/// # Errors
/// [`Error::NoConvergence`]; [`Error::Overflow`].
pub(crate) fn unordered_schur_factors<T: Scalar>(
    a: DMatrixView<'_, T>,
) -> Result<(DMatrix<T>, DMatrix<T>), Error> {
    let size = a.nrows();
    let has = |lower: bool| {
        (0..size)
            .any(|j| (0..size).any(|i| (if lower { i > j } else { i < j }) && !a[(i, j)].is_zero()))
    };
    if !has(true) || is_quasi_triangular(a) {
        return Ok((DMatrix::identity(size, size), a.into_owned()));
    }
    if !has(false) {
        let last = size - 1;
        let q =
            DMatrix::from_fn(size, size, |i, j| if i + j == last { T::one() } else { T::zero() });
        return Ok((q, DMatrix::from_fn(size, size, |i, j| a[(last - i, last - j)])));
    }
    standard_factors(&a.into_owned())
}

/// Q and T with the eigenvalues in any order; the diagonals of blocks of two rows are equal.
///
/// # Errors
/// [`Error::NoConvergence`]; [`Error::Overflow`].
#[expect(clippy::type_complexity, reason = "two factors or an error")]
pub(crate) fn standard_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    let (mut q, mut t, scale) = scaled_factors(a)?;
    standardise_blocks(&mut block_mut(&mut q), &mut block_mut(&mut t));
    t.apply(|x| *x = x.scale(scale));
    overflow("t", t.as_slice())?;
    Ok((q, t))
}

/// Whether a real A is what [`unordered_schur_factors`] has for T.
fn is_quasi_triangular<T: Scalar>(a: DMatrixView<'_, T>) -> bool {
    let size = a.nrows();
    let zero = nalgebra::zero();
    let is_block = |k: usize| {
        let alone = k + 2 == size || a[(k + 2, k + 1)].is_zero();
        alone
            && a[(k, k)] == a[(k + 1, k + 1)]
            && a[(k, k + 1)].real() > zero
            && a[(k + 1, k)].real() < zero
    };
    <T::Kind as Kind>::REAL
        && (0..size).all(|j| (j + 2..size).all(|i| a[(i, j)].is_zero()))
        && (1..size).all(|k| a[(k, k - 1)].is_zero() || is_block(k - 1))
}

/// The sizes of the numbers that each eigenvalue is a sum of, at its first row.
///
/// The rounding of T is that of A, Q |T| Q^H in size, at the places of the vectors, as in
/// [`Sizes`](crate::tolerance::Sizes).
pub(crate) fn rounding_sizes<T: Scalar>(
    q: Option<DMatrixView<'_, T>>,
    t: DMatrixView<'_, T>,
) -> Vec<f64> {
    let count = t.nrows();
    let t = moduli(t);
    let overlaps =
        q.map_or_else(|| DMatrix::identity(count, count), |q| moduli(q).tr_mul(&moduli(q)));
    let all = &overlaps * t * &overlaps;
    all.diagonal().iter().copied().collect()
}

/// Q and T with the eigenvalues first whose real parts are negative, T over a power of two; and how many these are.
///
/// # Errors
/// [`Error::NoConvergence`].
pub(crate) fn schur_factors_by_sign<T: Scalar>(
    a: &DMatrix<T>,
) -> Result<(DMatrix<T>, DMatrix<T>, usize), Error> {
    let (mut q, mut t, _) = scaled_factors(a)?;
    let is_right = |t: &DMatrixViewMut<'_, T>, rows: &Range<usize>| key(t, rows).0 >= 0.0;
    sort(&mut block_mut(&mut q), &mut block_mut(&mut t), is_right);
    let found = block_mut(&mut t);
    let left = blocks(found.as_view()).take_while(|rows| !is_right(&found, rows));
    let count = left.map(|rows| rows.len()).sum();
    Ok((q, t, count))
}

/// Brings the blocks in the order of the places that a function says of the moduli of their eigenvalues; the diagonals of
/// blocks of two rows are equal.
pub(crate) fn sort_by_modulus<T: Scalar>(
    q: &mut DMatrix<T>,
    t: &mut DMatrix<T>,
    place: impl Fn(f64) -> usize,
) {
    let (mut q, mut t) = (block_mut(q), block_mut(t));
    sort(&mut q, &mut t, |t, rows| {
        let (re, im) = key(t, rows);
        place(re.hypot(im))
    });
    standardise_blocks(&mut q, &mut t);
}

/// The rows of the blocks on the diagonal.
pub(crate) fn blocks<T: Scalar>(
    t: DMatrixView<'_, T>,
) -> impl DoubleEndedIterator<Item = Range<usize>> + Clone + use<'_, T> {
    // A row begins a block unless something is beside it below the diagonal.
    let begins = move |k: &usize| *k == 0 || t[(*k, *k - 1)].is_zero();
    let ends = move |k: usize| {
        if k + 1 < t.nrows() && !t[(k + 1, k)].is_zero() { k + 2 } else { k + 1 }
    };
    (0..t.nrows()).filter(begins).map(move |k| k..ends(k))
}

/// What a block is sorted by: the real part of its eigenvalue, and the imaginary part.
fn key<T: Scalar>(t: &DMatrixViewMut<'_, T>, rows: &Range<usize>) -> (f64, f64) {
    let k = rows.start;
    if rows.len() == 1 {
        return (t[(k, k)].real().to_f64(), t[(k, k)].imaginary().to_f64());
    }
    let entry = |i: usize, j: usize| t[(k + i, k + j)].real().to_f64();
    let half = (entry(0, 0) - entry(1, 1)) / 2.0;
    let square = -(entry(0, 1) * entry(1, 0) + half * half);
    ((entry(0, 0) + entry(1, 1)) / 2.0, square.max(0.0).sqrt())
}

/// Brings the blocks in order, by exchanges of neighbours.
fn sort<'a, T: Scalar, K: PartialOrd>(
    q: &mut DMatrixViewMut<'a, T>,
    t: &mut DMatrixViewMut<'a, T>,
    key: impl Fn(&DMatrixViewMut<'a, T>, &Range<usize>) -> K,
) {
    // No entry grows above the norm, which stays.
    let bound = largest_modulus(t.iter()) * t.nrows() as f64;
    // Each pass puts one more block in its place; rounding may make equal keys change sides for ever.
    for _ in 0..t.nrows() {
        let (mut exchanged, mut k) = (false, 0);
        loop {
            let mut pair = blocks(t.as_view()).skip_while(|rows| rows.start < k);
            let (Some(first), Some(second)) = (pair.next(), pair.next()) else { break };
            drop(pair);
            k = second.start;
            if key(t, &second) < key(t, &first) && exchange((&first, &second), bound, q, t) {
                k = first.start + second.len();
                exchanged = true;
            }
        }
        if !exchanged {
            break;
        }
    }
}

/// Exchanges two neighbouring blocks [A B; 0 C]: with X C - A X = B the columns of [X; 1] span what belongs to
/// C, so a unitary basis that begins with theirs puts C first (Bai and Demmel 1993, "On swapping diagonal
/// blocks in real Schur form"). Returns whether it did: not where the eigenvalues are the same. No entry of T is above the
/// bound.
fn exchange<'a, T: Scalar>(
    (first, second): (&Range<usize>, &Range<usize>),
    bound: f64,
    q: &mut DMatrixViewMut<'a, T>,
    t: &mut DMatrixViewMut<'a, T>,
) -> bool {
    let (start, height, width) = (first.start, first.len(), second.len());
    let size = height + width;
    let view = t.as_view();
    let mut divider = Divider::bounded("schur", None, view, bound, 0.0);
    let mut r = [T::zero(); 4];
    for j in 0..width {
        (0..height).for_each(|i| r[i + j * height] = t[(start + i, second.start + j)]);
    }
    let x = divider.solve(
        (start, second.start),
        (|i, k| t[(start + i, start + k)], height),
        (|k, j| t[(second.start + k, second.start + j)], width),
        r,
    );
    if divider.quotients.is_lost() {
        return false;
    }
    let mut span = [[T::zero(); 4]; 2];
    for (j, column) in span[..width].iter_mut().enumerate() {
        (0..height).for_each(|i| column[i] = x[i + j * height]);
        column[height + j] = T::one();
    }
    if !make_independent(&mut span[..width]) {
        return false;
    }
    // What spans the same as [X; 1], then unit vectors, made orthonormal; of these what depends on the others drops out.
    let mut basis = [[T::zero(); 4]; 4];
    let mut count = 0;
    for candidate in 0..width + size {
        let mut vector = [T::zero(); 4];
        if candidate < width {
            vector = span[candidate];
        } else {
            vector[candidate - width] = T::one();
        }
        let before = length(&vector);
        // Twice is enough.
        for _ in 0..2 {
            for known in &basis[..count] {
                let along = known.iter().zip(&vector);
                let along = along.fold(T::zero(), |sum, (&known, &x)| sum + known.conjugate() * x);
                vector.iter_mut().zip(known).for_each(|(x, &known)| *x -= known * along);
            }
        }
        let left = length(&vector);
        if candidate < width || count < size && left.to_f64() > 1e-2 * before.to_f64() {
            basis[count] = vector.map(|x| x.unscale(left));
            count += 1;
        }
    }
    if count < size {
        return false;
    }
    let turned =
        |old: &[T; 4], j: usize| (0..size).fold(T::zero(), |sum, i| sum + old[i] * basis[j][i]);
    for m in [&mut *q, &mut *t] {
        for i in 0..m.nrows() {
            let mut old = [T::zero(); 4];
            (0..size).for_each(|j| old[j] = m[(i, start + j)]);
            (0..size).for_each(|j| m[(i, start + j)] = turned(&old, j));
        }
    }
    for j in 0..t.ncols() {
        let mut old = [T::zero(); 4];
        (0..size).for_each(|i| old[i] = t[(start + i, j)].conjugate());
        (0..size).for_each(|i| t[(start + i, j)] = turned(&old, i).conjugate());
    }
    for i in width..size {
        (0..width).for_each(|j| t[(start + i, start + j)] = T::zero());
    }
    true
}

/// Makes columns span what they do by far from dependent ones, each with a one where the others have zeros and no
/// entry above two: an elimination, which keeps small entries beside large ones as exact as they are. Returns whether
/// all are finite.
fn make_independent<T: Scalar>(columns: &mut [[T; 4]]) -> bool {
    for k in 0..columns.len() {
        let size = |i: &usize| columns[k][*i].modulus().to_f64();
        let pivot = (0..4).max_by(|i, j| size(i).total_cmp(&size(j))).expect("four entries");
        let divisor = columns[k][pivot];
        if !divisor.is_finite() || divisor.is_zero() {
            return false;
        }
        columns[k].iter_mut().for_each(|x| *x /= divisor);
        columns[k][pivot] = T::one();
        let column = columns[k];
        for (_, other) in columns.iter_mut().enumerate().filter(|(j, _)| *j != k) {
            let factor = other[pivot];
            other.iter_mut().zip(&column).for_each(|(x, &y)| *x -= factor * y);
            other[pivot] = T::zero();
        }
    }
    true
}

fn length<T: Scalar>(vector: &[T; 4]) -> T::Real {
    let squares = vector.iter().map(|x| x.modulus_squared());
    ComplexField::sqrt(squares.fold(nalgebra::zero(), |sum: T::Real, x| sum + x))
}

/// [`standardise`] for each block of two rows: where there is an entry below the diagonal.
fn standardise_blocks<T: Scalar>(q: &mut DMatrixViewMut<'_, T>, t: &mut DMatrixViewMut<'_, T>) {
    for k in 1..t.nrows() {
        if !t[(k, k - 1)].is_zero() {
            standardise(k - 1, q, t);
        }
    }
}

/// Rotates the basis of a block of two rows, [a b; c d]: first so that b > c, by the sign of its second
/// vector, then so that the diagonal is equal.
///
/// With p = (a - d) / 2 and s = (b + c) / 2 a rotation by x turns (s, p) by 2 x; x = atan2(-p, s) / 2 makes p
/// zero and s positive, so that b is the larger.
fn standardise<T: Scalar>(k: usize, q: &mut DMatrixViewMut<'_, T>, t: &mut DMatrixViewMut<'_, T>) {
    let next = k + 1;
    if t[(k, next)].real() < t[(next, k)].real() {
        q.column_mut(next).neg_mut();
        t.column_mut(next).neg_mut();
        t.row_mut(next).neg_mut();
    }
    let half: T::Real = nalgebra::convert(0.5);
    let p = (t[(k, k)].real() - t[(next, next)].real()) * half;
    let s = (t[(k, next)].real() + t[(next, k)].real()) * half;
    let angle = RealField::atan2(-p, s) * half;
    let (sine, cosine) = (ComplexField::sin(angle), ComplexField::cos(angle));
    let rotate = |first: T, second: T| {
        (first.scale(cosine) + second.scale(sine), second.scale(cosine) - first.scale(sine))
    };
    for i in 0..q.nrows() {
        (q[(i, k)], q[(i, next)]) = rotate(q[(i, k)], q[(i, next)]);
        (t[(i, k)], t[(i, next)]) = rotate(t[(i, k)], t[(i, next)]);
    }
    for j in 0..q.nrows() {
        (t[(k, j)], t[(next, j)]) = rotate(t[(k, j)], t[(next, j)]);
    }
    let middle = (t[(k, k)] + t[(next, next)]).scale(half);
    t[(k, k)] = middle;
    t[(next, next)] = middle;
    // But for rounding it is negative; if it is not, the two eigenvalues are real, and one.
    if t[(next, k)].real() >= nalgebra::zero() {
        t[(next, k)] = T::zero();
    }
}

/// Divides by differences of eigenvalues.
struct Divider<'a, T: Scalar> {
    q: Option<DMatrixView<'a, T>>,
    t: DMatrixView<'a, T>,
    /// No entry of T is above that.
    bound: f64,
    sizes: Option<Vec<f64>>,
    quotients: Quotients,
}

impl<'a, T: Scalar> Divider<'a, T> {
    /// For dividends that are sums of numbers of the size `all`.
    fn new(
        primitive: &'static str,
        q: Option<DMatrixView<'a, T>>,
        t: DMatrixView<'a, T>,
        all: f64,
    ) -> Self {
        Self::bounded(primitive, q, t, largest_modulus(t.iter()), all)
    }

    /// The same where it is known that no entry of T is above a bound.
    fn bounded(
        primitive: &'static str,
        q: Option<DMatrixView<'a, T>>,
        t: DMatrixView<'a, T>,
        bound: f64,
        all: f64,
    ) -> Self {
        Self { q, t, bound, sizes: None, quotients: Quotients::new::<T::Real>(primitive, all) }
    }

    /// How far from zero a divisor is that is a difference of eigenvalues of the blocks that begin at two rows.
    fn gap(&mut self, i: usize, j: usize, divisor: f64) -> Gap {
        let count = self.t.nrows();
        let largest = self.bound * (count * count) as f64;
        if gap_of::<T::Real>(divisor, largest, count) == Gap::Apart {
            return Gap::Apart;
        }
        let (q, t) = (self.q, self.t);
        let sizes = self.sizes.get_or_insert_with(|| rounding_sizes(q, t));
        gap_of::<T::Real>(divisor, sizes[i].max(sizes[j]), count)
    }

    /// The columns that change places along a direction that moves eigenvalues which are one out of order, given the
    /// tangent of T.
    ///
    /// A block [a x; -y a] has the eigenvalue a + ib, b^2 = x y, so that db is (y dx + x dy) / 2b.
    fn exchanged(&mut self, t_dot: DMatrixView<'_, T>) -> Vec<usize> {
        let (t, mut columns) = (self.t, Vec::new());
        // How fast the eigenvalue moves, and what the rounding of its imaginary part is above that of the entries.
        let moved = |rows: &Range<usize>| {
            let (k, next) = (rows.start, rows.end - 1);
            let dot = |i: usize, j: usize| t_dot[(i, j)].real().to_f64();
            if rows.len() == 1 {
                return (dot(k, k), t_dot[(k, k)].imaginary().to_f64(), 1.0);
            }
            let ratio = (-t[(next, k)].real() / t[(k, next)].real()).to_f64().sqrt();
            let turned = (dot(k, next) * ratio - dot(next, k) / ratio) / 2.0;
            ((dot(k, k) + dot(next, next)) / 2.0, turned, ratio.max(1.0 / ratio))
        };
        each_repeated(self, |divider, second, first| {
            let (ahead, behind) = (moved(&first), moved(&second));
            let (re, im) = (ahead.0 - behind.0, (ahead.1 - behind.1) / ahead.2.max(behind.2));
            let falls = if divider.quotients.is_rounding(re.abs()) { im } else { re };
            if falls > 0.0 && !divider.quotients.is_rounding(falls) {
                divider.quotients.lose(falls);
                columns.extend(first.chain(second));
            }
        });
        columns
    }

    /// Divides by one number, a difference of eigenvalues of the blocks that begin at two rows.
    fn quotient(&mut self, x: T, divisor: T, (i, j): (usize, usize)) -> T {
        match self.gap(i, j, divisor.modulus().to_f64()) {
            Gap::Apart => quotient(x, divisor),
            Gap::Near => held(quotient(x, divisor)),
            Gap::Nothing => self.quotients.over_nothing(x),
        }
    }

    /// Solves X B - A X = R for blocks of one or two rows, with R given and X returned column by column, by
    /// elimination in the up to four unknowns.
    fn solve(
        &mut self,
        (first, second): (usize, usize),
        (a, rows): (impl Fn(usize, usize) -> T, usize),
        (b, columns): (impl Fn(usize, usize) -> T, usize),
        mut r: [T; 4],
    ) -> [T; 4] {
        let count = rows * columns;
        let mut near = false;
        let mut m = [[T::zero(); 4]; 4];
        for j in 0..columns {
            for i in 0..rows {
                let equation = &mut m[i + j * rows];
                (0..columns).for_each(|k| equation[i + k * rows] += b(k, j));
                (0..rows).for_each(|k| equation[k + j * rows] -= a(i, k));
            }
        }
        for k in 0..count {
            let sizes = (k..count).map(|i| m[i][k].modulus().to_f64());
            let (place, size) = sizes
                .enumerate()
                .fold((0, 0.0), |found, next| if next.1 > found.1 { next } else { found });
            near |= match self.gap(first, second, size) {
                Gap::Apart => false,
                Gap::Near => true,
                Gap::Nothing => {
                    r[..count].iter_mut().for_each(|x| *x = self.quotients.over_nothing(*x));
                    return r;
                }
            };
            m.swap(k, k + place);
            r.swap(k, k + place);
            for i in k + 1..count {
                let factor = quotient(m[i][k], m[k][k]);
                let (pivots, below) = m.split_at_mut(i);
                below[0].iter_mut().zip(&pivots[k]).for_each(|(x, &pivot)| *x -= factor * pivot);
                let change = factor * r[k];
                r[i] -= change;
            }
        }
        for k in (0..count).rev() {
            for l in k + 1..count {
                let change = m[k][l] * r[l];
                r[k] -= change;
            }
            r[k] = quotient(r[k], m[k][k]);
        }
        if near { r.map(held) } else { r }
    }
}

/// Solves for the strictly lower blocks of X: those of X T - T X are P's. Row by row from the last, in each
/// from the first column, every block follows from those found. Those within a group are none of them.
fn lower_blocks<T: Scalar>(
    divider: &mut Divider<'_, T>,
    t: DMatrixView<'_, T>,
    p: DMatrixView<'_, T>,
    group: &[usize],
    x: &mut DMatrixViewMut<'_, T>,
) {
    let count = t.nrows();
    for rows in blocks(t).rev() {
        let before = |columns: &Range<usize>| columns.end <= rows.start;
        for columns in blocks(t).take_while(before).filter(|columns| apart(group, &rows, columns)) {
            let (height, width) = (rows.len(), columns.len());
            let mut r = [T::zero(); 4];
            for (b, j) in columns.clone().enumerate() {
                for (a, i) in rows.clone().enumerate() {
                    let mut sum = p[(i, j)];
                    (0..columns.start).for_each(|k| sum -= x[(i, k)] * t[(k, j)]);
                    (rows.end..count).for_each(|k| sum += t[(i, k)] * x[(k, j)]);
                    r[a + b * height] = sum;
                }
            }
            let r = divider.solve(
                (rows.start, columns.start),
                (|i, k| t[(rows.start + i, rows.start + k)], height),
                (|k, j| t[(columns.start + k, columns.start + j)], width),
                r,
            );
            for (b, j) in columns.enumerate() {
                rows.clone().enumerate().for_each(|(a, i)| x[(i, j)] = r[a + b * height]);
            }
        }
    }
}

/// Whether two blocks are in different groups; where there are none, each is one.
fn apart(group: &[usize], rows: &Range<usize>, columns: &Range<usize>) -> bool {
    group.is_empty() || group[rows.start] != group[columns.start]
}

/// Calls a function with each pair of blocks whose eigenvalues are one.
fn each_repeated<'a, T: Scalar>(
    divider: &mut Divider<'a, T>,
    mut f: impl FnMut(&mut Divider<'a, T>, Range<usize>, Range<usize>),
) {
    let t = divider.t;
    for rows in blocks(t) {
        for columns in blocks(t).take_while(|columns| columns.end <= rows.start) {
            let difference = t[(rows.start, rows.start)] - t[(columns.start, columns.start)];
            let of_pair = |rows: &Range<usize>| {
                let k = rows.start;
                if rows.len() == 2 { t[(k, k + 1)] * t[(k + 1, k)] } else { T::zero() }
            };
            let squares = (of_pair(&rows) - of_pair(&columns)).modulus().to_f64();
            // Asked for one after the other: a small divisor makes the list of sizes.
            let mut is_nothing =
                |size| divider.gap(rows.start, columns.start, size) == Gap::Nothing;
            if rows.len() == columns.len()
                && is_nothing(difference.modulus().to_f64())
                && is_nothing(squares.sqrt())
            {
                f(divider, rows.clone(), columns);
            }
        }
    }
}

/// What turns a block of two rows is divided by.
fn both<T: Scalar>(t: DMatrixView<'_, T>, k: usize) -> T {
    let both = t[(k, k + 1)] + t[(k + 1, k)];
    both + both
}

/// What the cotangent of a block [a x; -y a] asks for: a, b with b^2 = x y, and x over y, which are a choice where the
/// eigenvalue a + ib repeats. Of one row it is that of its number.
fn of_block<T: Scalar>(
    t: DMatrixView<'_, T>,
    t_bar: &DMatrixViewMut<'_, T>,
    rows: &Range<usize>,
) -> [T; 3] {
    let (k, next) = (rows.start, rows.end - 1);
    if rows.len() == 1 {
        return [t_bar[(k, k)], T::zero(), T::zero()];
    }
    let ratio = ComplexField::sqrt(-t[(k, next)].real() / t[(next, k)].real());
    let (above, below) = (t_bar[(k, next)].scale(ratio), t_bar[(next, k)].unscale(ratio));
    [t_bar[(k, k)] + t_bar[(next, next)], above - below, above + below]
}

/// Whether some of the vectors jump.
pub(crate) fn schur_jumps<T: Scalar>(q: DMatrixView<'_, T>, t: DMatrixView<'_, T>) -> bool {
    let mut divider = Divider::new("schur", Some(q), t, 0.0);
    let mut found = false;
    each_repeated(&mut divider, |_, _, _| found = true);
    found
        || blocks(t).filter(|rows| rows.len() == 2).any(|rows| {
            let k = rows.start;
            divider.gap(k, k + 1, both(t, k).modulus().to_f64()) == Gap::Nothing
        })
}

/// The adjoint of [`lower_blocks`]: those of Y T^H - T^H Y are Z's. Row by row from the first, in each from
/// the last column.
fn lower_blocks_adjoint<T: Scalar>(
    divider: &mut Divider<'_, T>,
    t: DMatrixView<'_, T>,
    z: DMatrixView<'_, T>,
    group: &[usize],
    y: &mut DMatrixViewMut<'_, T>,
) {
    for rows in blocks(t) {
        let others = blocks(t).rev().skip_while(|columns| columns.end > rows.start);
        for columns in others.filter(|columns| apart(group, &rows, columns)) {
            let (height, width) = (rows.len(), columns.len());
            let mut r = [T::zero(); 4];
            for (b, j) in columns.clone().enumerate() {
                for (a, i) in rows.clone().enumerate() {
                    let mut sum = z[(i, j)];
                    for k in columns.end..rows.start {
                        sum -= y[(i, k)] * t[(j, k)].conjugate();
                        sum += t[(k, i)].conjugate() * y[(k, j)];
                    }
                    r[a + b * height] = sum;
                }
            }
            let r = divider.solve(
                (rows.start, columns.start),
                (|i, k| t[(rows.start + k, rows.start + i)].conjugate(), height),
                (|k, j| t[(columns.start + j, columns.start + k)].conjugate(), width),
                r,
            );
            for (b, j) in columns.enumerate() {
                rows.clone().enumerate().for_each(|(a, i)| y[(i, j)] = r[a + b * height]);
            }
        }
    }
}

const REPEATED: &str = "an eigenvalue repeats, or a block of two rows is normal: the Schur vectors have no \
                        derivative along this direction";

/// What is left of a matrix where T is not zero by its shape.
fn mask<T: Scalar>(t: DMatrixView<'_, T>, m: &mut DMatrixViewMut<'_, T>) {
    m.fill_lower_triangle(T::zero(), 2);
    for k in 1..t.nrows() {
        if t[(k, k - 1)].is_zero() {
            m[(k, k - 1)] = T::zero();
        }
    }
}

/// N <- N + M T' - T' M, or its negative, where T' is T or T^H.
fn add_commutator<T: Scalar>(
    sign: T,
    m: DMatrixView<'_, T>,
    (t, adjoint): (DMatrixView<'_, T>, bool),
    n: &mut DMatrixViewMut<'_, T>,
) {
    multiply(sign, (m, false), (t, adjoint), T::one(), n);
    multiply(-sign, (t, adjoint), (m, false), T::one(), n);
}

/// Which rows belong together, in a derivative mode: those of blocks whose eigenvalues are close or one, and of what is
/// between them; and which rows are of blocks that are nearly normal, whose vectors turn fast. Nothing if all blocks are far
/// from each other, and none is.
fn groups<T: Scalar>(
    q: DMatrixView<'_, T>,
    t: DMatrixView<'_, T>,
) -> Option<(Vec<usize>, Vec<bool>)> {
    if T::Real::BASE {
        return None;
    }
    let value = |rows: &Range<usize>| {
        let k = rows.start;
        let imaginary = match rows.len() {
            2 => (-(t[(k, k + 1)] * t[(k + 1, k)]).real().to_f64()).max(0.0).sqrt(),
            _ => t[(k, k)].imaginary().to_f64(),
        };
        (t[(k, k)].real().to_f64(), imaginary)
    };
    let mut divider = Divider::new("schur", Some(q), t, 0.0);
    let mut group: Vec<usize> = vec![0; t.nrows()];
    blocks(t).enumerate().for_each(|(number, rows)| group[rows].fill(number));
    let (mut found, mut normal) = (false, vec![false; t.nrows()]);
    for rows in blocks(t) {
        let k = rows.start;
        if rows.len() == 2 && divider.gap(k, k + 1, both(t, k).modulus().to_f64()) != Gap::Apart {
            normal[rows.clone()].fill(true);
            found = true;
        }
        for columns in blocks(t).take_while(|columns| columns.end <= rows.start) {
            let (first, second) = (value(&columns), value(&rows));
            let distance = (first.0 - second.0).hypot(first.1 - second.1);
            if divider.gap(rows.start, columns.start, distance) != Gap::Apart {
                let number = group[columns.start];
                group[columns.start..rows.end].fill(number);
                found = true;
            }
        }
    }
    found.then_some((group, normal))
}

/// Q and T in a derivative mode, for vectors of a group that do not turn within what they span: with those of the others it
/// is the Schur form but for the blocks of groups, which are full. These vectors have derivatives that know nothing of how
/// close the eigenvalues of the group are.
///
/// From the plain vectors they follow by the equation of [`lower_blocks`] for what is left below the blocks, again and
/// again, and are made orthonormal: each time it is of one order of derivatives more.
struct Steady<T: Scalar, D: Dim>
where
    DefaultAllocator: Allocator<D, D>,
{
    q: OMatrix<T, D, D>,
    t: OMatrix<T, D, D>,
    /// The plain T.
    plain: OMatrix<T, D, D>,
    group: Vec<usize>,
    /// Which rows are alone in their group, or with the other one of their block, which is not nearly normal.
    alone: Vec<bool>,
}

impl<T: Scalar, D: Dim> Steady<T, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    fn of(a: &OMatrix<T, D, D>, q: &OMatrix<T, D, D>, t: &OMatrix<T, D, D>) -> Option<Self> {
        let (group, normal) = groups(block(q), block(t))?;
        let count = t.nrows();
        let mut alone = vec![false; count];
        for rows in blocks(block(t)) {
            let size = group.iter().filter(|&&other| other == group[rows.start]).count();
            alone[rows.clone()].fill(size == rows.len() && !normal[rows.start]);
        }
        let mut steady = Self { q: q.clone(), t: t.clone(), plain: t.map(plain), group, alone };
        for j in steady.turning() {
            steady.q.column_mut(j).apply(|x| *x = plain(*x));
        }
        let half: T::Real = nalgebra::convert(0.5);
        for _ in 0..order::<T::Real>() + 2 {
            let mut overlaps = product((block(&steady.q), true), (block(&steady.q), false));
            (0..count).for_each(|i| overlaps[(i, i)] -= T::one());
            for j in steady.turning() {
                for i in (0..count).filter(|&i| !steady.alone[i]) {
                    overlaps[(i, j)] = overlaps[(i, j)].scale(half);
                }
            }
            steady.turn(-T::one(), &overlaps);
            let left = in_basis(&steady.q, block(a));
            let mut divider = Divider::new("schur", None, block(&steady.plain), 0.0);
            let x = steady.step(&mut divider, block(&left));
            steady.turn(T::one(), &x);
        }
        let turned = in_basis(&steady.q, block(a));
        for j in 0..count {
            for i in 0..count {
                let moved = turned[(i, j)] - plain(turned[(i, j)]);
                let below = i > j && steady.group[i] != steady.group[j];
                steady.t[(i, j)] = if below { T::zero() } else { steady.plain[(i, j)] + moved };
            }
        }
        Some(steady)
    }

    /// The columns of groups.
    fn turning(&self) -> Vec<usize> {
        (0..self.alone.len()).filter(|&j| !self.alone[j]).collect()
    }

    /// Adds to the columns of groups a multiple of Q X.
    fn turn(&mut self, factor: T, x: &DMatrix<T>) {
        let step = product((block(&self.q), false), (block(x), false));
        for j in self.turning() {
            block_mut(&mut self.q)
                .column_mut(j)
                .zip_apply(&step.column(j), |q, step| *q += factor * step);
        }
    }

    /// The skew-Hermitian X whose lower blocks solve for these by the plain T.
    fn step(&self, divider: &mut Divider<'_, T>, left: DMatrixView<'_, T>) -> DMatrix<T> {
        let mut x = DMatrix::zeros(left.nrows(), left.nrows());
        lower_blocks(divider, block(&self.plain), left, &self.group, &mut block_mut(&mut x));
        for j in 0..x.ncols() {
            (0..j).for_each(|i| x[(i, j)] = -x[(j, i)].conjugate());
        }
        x
    }
}

/// The tangents of Q and T.
///
/// With P = Q^H dA Q and the skew-Hermitian X = Q^H dQ, dT = P - X T + T X. Below the blocks of T dT is
/// zero, which is a triangular system for the blocks of X there (`lower_blocks`). A diagonal entry of X is a
/// phase, which follows from the largest entry of each column of Q staying real; the rotation x within a
/// block [a b; c a] from its diagonal staying equal: with M what dT is there without it,
/// x = -(M_11 - M_22) / (2 (b + c)).
pub(crate) fn schur_forward<T: Scalar, D: Dim>(
    primitive: &'static str,
    (a, q, t): (&OMatrix<T, D, D>, &OMatrix<T, D, D>, &OMatrix<T, D, D>),
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    if let Some(level) = Level::of(t.iter(), a_dot.iter()) {
        let (q_dot, t_dot) = schur_forward_at_level(primitive, (a, q, t), &level.raised(a_dot));
        return (level.lowered(q_dot), level.lowered(t_dot));
    }
    schur_forward_at_level(primitive, (a, q, t), a_dot)
}

fn schur_forward_at_level<T: Scalar, D: Dim>(
    primitive: &'static str,
    (a, q, t): (&OMatrix<T, D, D>, &OMatrix<T, D, D>, &OMatrix<T, D, D>),
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    let (mut q_dot, mut t_dot) = tangents(primitive, q, t, None, a_dot);
    if let Some(steady) = Steady::of(a, q, t) {
        let Steady { q, t, alone, .. } = &steady;
        let (of_q, of_t) = tangents(primitive, q, t, Some(&steady), a_dot);
        for j in (0..alone.len()).filter(|&j| alone[j]) {
            q_dot.column_mut(j).copy_from(&of_q.column(j));
            for i in (0..alone.len()).filter(|&i| alone[i]) {
                t_dot[(i, j)] = of_t[(i, j)];
            }
        }
    }
    (q_dot, t_dot)
}

fn tangents<T: Scalar, D: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, D, D>,
    t: &OMatrix<T, D, D>,
    steady: Option<&Steady<T, D>>,
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = q.shape_generic();
    let zeros = || OMatrix::<T, D, D>::zeros_generic(size, size);
    let (mut q_dot, mut p, mut x) = (zeros(), in_basis(q, block(a_dot)), zeros());
    let (one, zero) = (T::one(), T::zero());
    let all = largest_modulus(p.iter());
    let by = steady.map_or(t, |steady| &steady.plain);
    let mut divider = Divider::new(primitive, Some(block(q)), block(by), all);
    if let Some(steady) = steady {
        let mut left = p.copied();
        for _ in 0..order::<T::Real>() + 2 {
            let step = steady.step(&mut divider, block(&left));
            add_commutator(-one, block(&step), (block(t), false), &mut block_mut(&mut left));
            block_mut(&mut x).zip_apply(&step, |x, step| *x += step);
        }
    } else {
        lower_blocks(&mut divider, block(t), block(&p), &[], &mut block_mut(&mut x));
        for j in 0..x.ncols() {
            (0..j).for_each(|i| x[(i, j)] = -x[(j, i)].conjugate());
        }
    }
    let is_alone = |rows: &Range<usize>| steady.is_none_or(|steady| steady.alone[rows.start]);
    let pairs = blocks(block(t)).filter(|rows| rows.len() == 2 && is_alone(rows));
    let mut pairs = pairs.peekable();
    let mut t_dot = p.copied();
    if pairs.peek().is_some() {
        add_commutator(-one, block(&x), (block(t), false), &mut block_mut(&mut t_dot));
    }
    for rows in pairs {
        let (k, next) = (rows.start, rows.start + 1);
        let uneven = t_dot[(next, next)] - t_dot[(k, k)];
        let angle = divider.quotient(uneven, both(block(t), k), (k, next));
        x[(next, k)] += angle;
        x[(k, next)] -= angle;
    }
    multiply(one, (block(q), false), (block(&x), false), zero, &mut block_mut(&mut q_dot));
    if !<T::Kind as Kind>::REAL {
        keep_phases(block(q), &mut block_mut(&mut q_dot));
        for j in 0..x.ncols() {
            x[(j, j)] = q.column(j).dotc(&q_dot.column(j));
        }
    }
    add_commutator(-one, block(&x), (block(t), false), &mut block_mut(&mut p));
    mask(block(t), &mut block_mut(&mut p));
    if steady.is_none() {
        let nothing = LazyCell::new(|| undefined_with(t.iter().chain(a_dot.iter())));
        for j in divider.exchanged(block(&p)) {
            q_dot.column_mut(j).fill(*nothing);
            p.column_mut(j).fill(*nothing);
            p.row_mut(j).fill(*nothing);
        }
        mask(block(t), &mut block_mut(&mut p));
    }
    divider.quotients.report(|| REPEATED);
    (q_dot, p)
}

/// The cotangent of A from those of Q and T, of which what is zero by the shape of T is not read.
///
/// The adjoint of [`schur_forward`]: with N = Q^H Q_bar - T_bar T^H + T^H T_bar the cotangent of X. The phases
/// pass the imaginary part of its diagonal on to Q_bar, and the rotations what is skew in a block to the
/// diagonal of T_bar there. Then Y, strictly below the blocks, with Y T^H - T^H Y equal to the skew part
/// N - N^H there, and A_bar = Q (T_bar + Y) Q^H.
pub(crate) fn schur_reverse<T: Scalar, D: Dim>(
    primitive: &'static str,
    (a, q, t): (&OMatrix<T, D, D>, &OMatrix<T, D, D>, &OMatrix<T, D, D>),
    q_bar: &mut DMatrixViewMut<'_, T>,
    t_bar: &mut DMatrixViewMut<'_, T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let Some(steady) = Steady::of(a, q, t) else {
        return cotangent(primitive, q, t, None, q_bar, t_bar);
    };
    let alone = &steady.alone;
    let mut of_q = take(alone, q_bar);
    let mut of_t = DMatrix::zeros(t.nrows(), t.ncols());
    mask(block(t), t_bar);
    for j in (0..alone.len()).filter(|&j| alone[j]) {
        for i in (0..alone.len()).filter(|&i| alone[i]) {
            of_t[(i, j)] = std::mem::replace(&mut t_bar[(i, j)], still());
        }
    }
    let bars = (&block_mut(&mut of_q), &mut block_mut(&mut of_t));
    let bar = cotangent(primitive, &steady.q, &steady.t, Some(&steady), bars.0, bars.1);
    // Of the groups nothing is asked, or what may not be known.
    if varies(q_bar) || varies(t_bar) || asks(q_bar.iter()) && schur_jumps(block(q), block(t)) {
        return bar + cotangent(primitive, q, t, None, q_bar, t_bar);
    }
    bar
}

fn cotangent<T: Scalar, D: Dim>(
    primitive: &'static str,
    q: &OMatrix<T, D, D>,
    t: &OMatrix<T, D, D>,
    steady: Option<&Steady<T, D>>,
    q_bar: &DMatrixViewMut<'_, T>,
    t_bar: &mut DMatrixViewMut<'_, T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = q.shape_generic();
    let zeros = || OMatrix::<T, D, D>::zeros_generic(size, size);
    let (one, zero, count) = (T::one(), T::zero(), q.nrows());
    let jump = steady.is_none() && schur_jumps(block(q), block(t));
    let mut asked = asked_columns(jump, q_bar.as_view());
    if steady.is_some() {
        asked.resize(count, false);
    }
    mask(block(t), t_bar);
    let mut inside = zeros();
    multiply(one, (block(q), true), (q_bar.as_view(), false), zero, &mut block_mut(&mut inside));
    let mut n = inside.copied();
    add_commutator(-one, t_bar.as_view(), (block(t), true), &mut block_mut(&mut n));
    let of_t = largest_modulus(t_bar.iter());
    let all = largest_modulus(inside.iter()).max(largest_modulus(n.iter()));
    let all = all.max((of_t * largest_modulus(t.iter())).min(f64::MAX));
    let mut of_t = Quotients::new::<T::Real>(primitive, of_t);
    let by = steady.map_or(t, |steady| &steady.plain);
    let mut divider = Divider::new(primitive, Some(block(q)), block(by), all);
    let is_alone = |rows: &Range<usize>| steady.is_none_or(|steady| steady.alone[rows.start]);
    if <T::Kind as Kind>::REAL {
        for rows in blocks(block(t)).filter(|rows| rows.len() == 2 && is_alone(rows)) {
            let (k, next) = (rows.start, rows.start + 1);
            let divisor = both(block(t), k);
            let mut part = divider.quotient(n[(next, k)] - n[(k, next)], divisor, (k, next));
            if divider.gap(k, next, divisor.modulus().to_f64()) == Gap::Nothing
                && (asked[k] || asked[next])
            {
                divider.quotients.lose(1.0);
                part += undefined();
            }
            t_bar[(k, k)] -= part;
            t_bar[(next, next)] += part;
        }
    } else {
        for j in 0..count {
            let k = largest(q.column(j).iter());
            let turn = (n[(j, j)] - T::from_real(n[(j, j)].real())) / q[(k, j)];
            (0..count).for_each(|i| inside[(i, j)] -= q[(k, i)].conjugate() * turn);
        }
    }
    n = inside;
    add_commutator(-one, t_bar.as_view(), (block(t), true), &mut block_mut(&mut n));
    let mut skew = zeros();
    for j in 0..count {
        (j..count).for_each(|i| skew[(i, j)] = n[(i, j)] - n[(j, i)].conjugate());
    }
    let mut y = zeros();
    if let Some(Steady { plain, group, .. }) = steady {
        for _ in 0..order::<T::Real>() + 2 {
            let mut step = zeros();
            let left = block(&skew);
            lower_blocks_adjoint(
                &mut divider,
                block(plain),
                left,
                group,
                &mut block_mut(&mut step),
            );
            add_commutator(-one, block(&step), (block(t), true), &mut block_mut(&mut skew));
            y += step;
        }
        divider.quotients.report(|| REPEATED);
        block_mut(&mut y).zip_apply(&*t_bar, |y, t| *y += t);
        return out_of_basis(q, &y);
    }
    lower_blocks_adjoint(&mut divider, block(t), block(&skew), &[], &mut block_mut(&mut y));
    // A function of Q T Q^H does not depend on a choice of Q, but how it changes where eigenvalues that are one
    // split the cotangents do not tell: only where nothing asks for Q and that of T is the same in every basis.
    each_repeated(&mut divider, |divider, rows, columns| {
        for j in columns.clone() {
            for i in rows.clone() {
                if asked[i] || asked[j] {
                    divider.quotients.lose(1.0);
                    y[(i, j)] += undefined();
                }
                y[(i, j)] += of_t.over_nothing(t_bar[(j, i)]);
            }
        }
        // That of T is the same in every basis if it asks for nothing but the eigenvalues, for both the same.
        let (first, second) =
            (of_block(block(t), t_bar, &rows), of_block(block(t), t_bar, &columns));
        for x in [first[0] - second[0], first[1] - second[1], first[2], second[2]] {
            y[(rows.start, columns.start)] += of_t.over_nothing(x);
        }
    });
    if of_t.is_lost() {
        divider.quotients.lose(all);
    }
    divider.quotients.report(|| REPEATED);
    block_mut(&mut y).zip_apply(&*t_bar, |y, t| *y += t);
    out_of_basis(q, &y)
}
