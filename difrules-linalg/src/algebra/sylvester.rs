//! The shared mathematics of linear equations whose coefficients are triangular, or quasi-triangular if they are
//! real: op(R) X + sign X op(S) = C and X + sign op(R) X op(S) = C.
//!
//! By a recursion that halves the larger coefficient, so that all but small blocks is work of `gemm` (Jonsson and
//! Kagstrom 2002, "Recursive blocked algorithms for solving triangular systems", parts I and II).

use std::ops::Range;

use difrules_core::contract::Kind;
use difrules_core::{Real, Scalar};
use nalgebra::{Complex, DMatrix, DMatrixView, DMatrixViewMut};

use crate::algebra::modulus::{largest_modulus, quotient};
use crate::algebra::scaling::{exponent, is_single, times_power};
use crate::algebra::schur::blocks;
use crate::block::{block, multiply, product};
use crate::error::Error;
use crate::tolerance::{Gap, gap_of, moduli};

/// The size at which the recursion ends.
const SMALL: usize = 16;

/// Which equation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// op(R) X + sign X op(S) = C: Sylvester's, and Lyapunov's in continuous time.
    Sum,
    /// X + sign op(R) X op(S) = C: Stein's, and Lyapunov's in discrete time.
    Product,
}

/// An equation with coefficients that are upper triangular, or quasi-triangular if they are real, as
/// [`schur`](fn@crate::schur) has them. Where the flag of a coefficient says so, op is the adjoint.
#[derive(Clone, Copy)]
pub(crate) struct Triangular<'a, T: Scalar> {
    pub(crate) form: Form,
    pub(crate) r: (DMatrixView<'a, T>, bool),
    /// Whether the sign is minus.
    pub(crate) minus: bool,
    pub(crate) s: (DMatrixView<'a, T>, bool),
}

impl<'a, T: Scalar> Triangular<'a, T> {
    /// Lyapunov's equation, op(T) X + X op(T)^H = C, or X - op(T) X op(T)^H = C in discrete time.
    pub(crate) fn lyapunov(discrete: bool, adjoint: bool, t: &'a DMatrix<T>) -> Self {
        let form = if discrete { Form::Product } else { Form::Sum };
        Self { form, r: (block(t), adjoint), minus: discrete, s: (block(t), !adjoint) }
    }

    /// Replaces C by X, which is large, and no error, where the equation is all but singular. Nothing overflows on the
    /// way.
    ///
    /// # Errors
    /// [`Error::SingularEquation`] where a divisor is zero.
    pub(crate) fn solve(self, c: &mut DMatrixViewMut<'_, T>) -> Result<(), Error> {
        let lowered = self.recurse(c)?;
        raise(c, -lowered);
        Ok(())
    }

    /// Replaces C by X times a power of two that keeps it from overflowing, and returns its exponent.
    fn recurse(self, c: &mut DMatrixViewMut<'_, T>) -> Result<f64, Error> {
        let (rows, columns) = c.shape();
        if c.is_empty() {
            return Ok(0.0);
        }
        if rows <= SMALL && columns <= SMALL {
            return self.small(c);
        }
        let by_rows = rows >= columns;
        let (whole, adjoint) = if by_rows { self.r } else { self.s };
        let half = split(whole);
        let rest = whole.nrows() - half;
        let at = |place, shape| {
            let part = whole.view(place, shape);
            if by_rows {
                Triangular { r: (part, adjoint), ..self }
            } else {
                Triangular { s: (part, adjoint), ..self }
            }
        };
        let (low, high) = (at((0, 0), (half, half)), at((half, half), (rest, rest)));
        let between = at((0, half), (half, rest));
        let (mut c_low, mut c_high) = if by_rows {
            c.rows_range_pair_mut(..half, half..)
        } else {
            c.columns_range_pair_mut(..half, half..)
        };
        // Upper triangles give the last rows first, and the first columns; their adjoints the others.
        let (first, x, second, left) = if by_rows == adjoint {
            (low, &mut c_low, high, &mut c_high)
        } else {
            (high, &mut c_high, low, &mut c_low)
        };
        let before = first.recurse(x)?;
        raise(left, before);
        let room = between.room(by_rows, x.as_view(), left.as_view());
        raise(x, room);
        raise(left, room);
        between.eliminate(by_rows, x.as_view(), left);
        let after = second.recurse(left)?;
        raise(x, after);
        Ok(before + room + after)
    }

    /// The exponent of the power of two that X and what is left of C have to be multiplied by, so that
    /// [`eliminate`](Self::eliminate) does not overflow.
    fn room(self, by_rows: bool, x: DMatrixView<'_, T>, left: DMatrixView<'_, T>) -> f64 {
        let (r, s) = (self.r.0, self.s.0);
        let (between, other) = if by_rows { (r, s) } else { (s, r) };
        let count = |size: usize| (size as f64).log2() + 2.0;
        let mut size = exponent(x.iter());
        if self.form == Form::Product {
            size += (exponent(other.iter()) + count(other.nrows())).max(0.0);
        }
        size += (exponent(between.iter()) + count(between.nrows().max(between.ncols()))).max(0.0);
        (most::<T>() - size.max(exponent(left.iter()) + 1.0)).floor().min(0.0)
    }

    /// Takes off what the X that is known has in the equations of the others, where a coefficient is the part
    /// between them.
    fn eliminate(self, by_rows: bool, x: DMatrixView<'_, T>, left: &mut DMatrixViewMut<'_, T>) {
        let one = T::one();
        let minus = if self.minus { one } else { -one };
        match (self.form, by_rows) {
            (Form::Sum, true) => multiply(-one, self.r, (x, false), one, left),
            (Form::Sum, false) => multiply(minus, (x, false), self.s, one, left),
            (Form::Product, true) => {
                let through = product((x, false), self.s);
                multiply(minus, self.r, (block(&through), false), one, left);
            }
            (Form::Product, false) => {
                let through = product(self.r, (x, false));
                multiply(minus, (block(&through), false), self.s, one, left);
            }
        }
    }

    /// An entry of op(R).
    fn r_at(self, i: usize, k: usize) -> T {
        if self.r.1 { self.r.0[(k, i)].conjugate() } else { self.r.0[(i, k)] }
    }

    /// An entry of op(S), with the sign.
    fn s_at(self, k: usize, j: usize) -> T {
        let s = if self.s.1 { self.s.0[(j, k)].conjugate() } else { self.s.0[(k, j)] };
        if self.minus { -s } else { s }
    }

    /// [`recurse`](Self::recurse) without recursion: block by block, each by elimination in up to four unknowns.
    fn small(self, c: &mut DMatrixViewMut<'_, T>) -> Result<f64, Error> {
        let (row_count, column_count) = c.shape();
        let (r, s) = (exponent(self.r.0.iter()), exponent(self.s.0.iter()));
        let factor = if self.form == Form::Sum { r.max(s) } else { (r + s).max(r).max(s) };
        let most = most::<T>() - 16.0 - factor.max(0.0);
        let mut lowered = (most - exponent(c.iter())).floor().min(0.0);
        raise(c, lowered);
        let in_order = |mut blocks: Vec<Range<usize>>, forward: bool| {
            if !forward {
                blocks.reverse();
            }
            blocks
        };
        let row_blocks = in_order(blocks(self.r.0).collect(), self.r.1);
        for columns in in_order(blocks(self.s.0).collect(), !self.s.1) {
            let known = if self.s.1 { columns.end..column_count } else { 0..columns.start };
            for j in columns.clone() {
                let mut sums = [T::zero(); SMALL];
                for k in known.clone() {
                    let s = self.s_at(k, j);
                    (0..row_count).for_each(|i| sums[i] += c[(i, k)] * s);
                }
                for i in 0..row_count {
                    let sum = match self.form {
                        Form::Sum => sums[i],
                        Form::Product => (self.reach(i))
                            .fold(T::zero(), |sum, k| sum + self.r_at(i, k) * sums[k]),
                    };
                    c[(i, j)] -= sum;
                }
            }
            for rows in &row_blocks {
                let known = if self.r.1 { 0..rows.start } else { rows.end..row_count };
                let mut right = [T::zero(); 4];
                let height = rows.len();
                for (b, j) in columns.clone().enumerate() {
                    for (a, i) in rows.clone().enumerate() {
                        let terms = known.clone().map(|k| self.r_at(i, k) * c[(k, j)]);
                        right[a + b * height] = terms.fold(T::zero(), |sum, term| sum + term);
                    }
                }
                if self.form == Form::Product {
                    let sums = right;
                    for (b, j) in columns.clone().enumerate() {
                        for a in 0..height {
                            let terms = columns.clone().enumerate();
                            let term = |(l, k)| sums[a + l * height] * self.s_at(k, j);
                            right[a + b * height] =
                                terms.map(term).fold(T::zero(), |sum, term| sum + term);
                        }
                    }
                }
                for (b, j) in columns.clone().enumerate() {
                    for (a, i) in rows.clone().enumerate() {
                        right[a + b * height] = c[(i, j)] - right[a + b * height];
                    }
                }
                let mut system = self.system(rows, &columns);
                let count = height * columns.len();
                let Some(step) = eliminate(&mut system, &mut right, count, most) else {
                    return Err(self.singular(rows.start, columns.start));
                };
                raise(c, step);
                lowered += step;
                for (b, j) in columns.clone().enumerate() {
                    for (a, i) in rows.clone().enumerate() {
                        c[(i, j)] = right[a + b * height];
                    }
                }
            }
        }
        Ok(lowered)
    }

    /// Where row i of op(R) is not zero by its shape.
    fn reach(self, i: usize) -> Range<usize> {
        let count = self.r.0.nrows();
        if self.r.1 { 0..(i + 2).min(count) } else { i.saturating_sub(1)..count }
    }

    /// The equations for a block of X, whose entries are taken column by column.
    fn system(self, rows: &Range<usize>, columns: &Range<usize>) -> [[T; 4]; 4] {
        let height = rows.len();
        let mut system = [[T::zero(); 4]; 4];
        for (b, j) in columns.clone().enumerate() {
            for (a, i) in rows.clone().enumerate() {
                let equation = &mut system[a + b * height];
                match self.form {
                    Form::Sum => {
                        for (k, column) in rows.clone().enumerate() {
                            equation[k + b * height] += self.r_at(i, column);
                        }
                        for (l, row) in columns.clone().enumerate() {
                            equation[a + l * height] += self.s_at(row, j);
                        }
                    }
                    Form::Product => {
                        equation[a + b * height] += T::one();
                        for (l, row) in columns.clone().enumerate() {
                            for (k, column) in rows.clone().enumerate() {
                                equation[k + l * height] +=
                                    self.r_at(i, column) * self.s_at(row, j);
                            }
                        }
                    }
                }
            }
        }
        system
    }

    fn singular(self, row: usize, column: usize) -> Error {
        let (first, second) = (eigenvalues(self.r), eigenvalues(self.s));
        self.error(first[row], second[column])
    }

    fn error(self, first: Complex<f64>, second: Complex<f64>) -> Error {
        let relation = match (self.form, self.minus) {
            (Form::Sum, false) => "add up to zero",
            (Form::Sum, true) => "are the same",
            (Form::Product, false) => "have the product minus one",
            (Form::Product, true) => "have the product one",
        };
        Error::SingularEquation { first, second, relation }
    }

    /// Demands that no two eigenvalues make the equation singular but for rounding, where R and S are the factors of
    /// matrices, given with their vectors, of numbers of the precision of `S`.
    ///
    /// Of an eigenvalue |q|^H |A| |q| is rounded, with the vector q: it is itself for a diagonal A, and the largest for
    /// one whose vectors have no small entries.
    ///
    /// # Errors
    /// [`Error::SingularEquation`].
    pub(crate) fn check<S: Real>(
        self,
        (a, q): (DMatrixView<'_, T>, DMatrixView<'_, T>),
        (b, p): (DMatrixView<'_, T>, DMatrixView<'_, T>),
    ) -> Result<(), Error> {
        let (first, second) = (eigenvalues(self.r), eigenvalues(self.s));
        let count = first.len().max(second.len());
        let largest = |a: DMatrixView<'_, T>| largest_modulus(a.iter()) * a.nrows() as f64;
        let bounds = (largest(a), largest(b));
        let mut sizes = None;
        for (j, &mu) in second.iter().enumerate() {
            for (i, &lambda) in first.iter().enumerate() {
                let other = if self.minus { -mu } else { mu };
                // Of a product both are over this, so that they do not overflow.
                let unit = if mu.norm() > 1e100 { mu.norm() } else { 1.0 };
                let gap = match self.form {
                    Form::Sum => lambda + other,
                    Form::Product => lambda * (other / unit) + 1.0 / unit,
                };
                let size = |of_a: f64, of_b: f64| match self.form {
                    Form::Sum => of_a.max(of_b),
                    Form::Product => {
                        let sum = of_a * (mu.norm() / unit) + lambda.norm() * (of_b / unit);
                        sum.max(1.0 / unit)
                    }
                };
                let is_nothing = |size| gap_of::<S>(gap.norm(), size, count) == Gap::Nothing;
                if !is_nothing(size(bounds.0, bounds.1)) {
                    continue;
                }
                let (of_a, of_b) = sizes.get_or_insert_with(|| (rounding(a, q), rounding(b, p)));
                if is_nothing(size(of_a[i], of_b[j])) {
                    return Err(self.error(lambda, mu));
                }
            }
        }
        Ok(())
    }
}

/// |q|^H |A| |q| of each column of Q.
fn rounding<T: Scalar>(a: DMatrixView<'_, T>, q: DMatrixView<'_, T>) -> Vec<f64> {
    let q = moduli(q);
    let through: DMatrix<f64> = moduli(a) * &q;
    q.column_iter().zip(through.column_iter()).map(|(q, through)| q.dot(&through)).collect()
}

/// The eigenvalues of op(T), of a pair the one with the positive imaginary part first.
pub(crate) fn eigenvalues<T: Scalar>(
    (t, adjoint): (DMatrixView<'_, T>, bool),
) -> Vec<Complex<f64>> {
    let mut values = Vec::with_capacity(t.nrows());
    for rows in blocks(t) {
        let at = |i: usize, j: usize| t[(rows.start + i, rows.start + j)];
        let real = |i: usize, j: usize| at(i, j).real().to_f64();
        if rows.len() == 1 {
            let imaginary = at(0, 0).imaginary().to_f64();
            values.push(Complex::new(real(0, 0), if adjoint { -imaginary } else { imaginary }));
            continue;
        }
        let (mean, half) = (real(0, 0).midpoint(real(1, 1)), (real(0, 0) - real(1, 1)) / 2.0);
        // Factor by factor, so that the product does not overflow.
        let between = real(0, 1).abs().sqrt() * real(1, 0).abs().sqrt();
        let imaginary = ((between - half.abs()).max(0.0) * (between + half.abs())).sqrt();
        values.extend([Complex::new(mean, imaginary), Complex::new(mean, -imaginary)]);
    }
    values
}

/// The exponent up to which numbers are let grow.
fn most<T: Scalar>() -> f64 {
    if is_single::<T::Real>() { 120.0 } else { 1000.0 }
}

/// Where to halve a coefficient, between two blocks.
fn split<T: Scalar>(t: DMatrixView<'_, T>) -> usize {
    let half = t.nrows() / 2;
    let inside = <T::Kind as Kind>::REAL && !t[(half, half - 1)].is_zero();
    half + usize::from(inside)
}

/// Multiplies by a power of two.
fn raise<T: Scalar>(c: &mut DMatrixViewMut<'_, T>, exponent: f64) {
    if exponent != 0.0 {
        c.apply(|x| *x = times_power(*x, exponent));
    }
}

/// Solves a system of up to four equations by elimination with complete pivoting, for x times a power of two such
/// that it stays below 2^most; returns the exponent. Nothing if a pivot is zero.
fn eliminate<T: Scalar>(
    m: &mut [[T; 4]; 4],
    right: &mut [T; 4],
    count: usize,
    most: f64,
) -> Option<f64> {
    let mut order = [0, 1, 2, 3];
    let mut smallest = f64::INFINITY;
    for k in 0..count {
        let (mut found, mut size) = ((k, k), 0.0);
        for (i, equation) in m.iter().enumerate().take(count).skip(k) {
            for (j, entry) in equation.iter().enumerate().take(count).skip(k) {
                let candidate = entry.norm1().to_f64();
                if candidate > size {
                    (found, size) = ((i, j), candidate);
                }
            }
        }
        if size == 0.0 {
            return None;
        }
        smallest = size.min(smallest);
        m.swap(k, found.0);
        right.swap(k, found.0);
        m.iter_mut().for_each(|equation| equation.swap(k, found.1));
        order.swap(k, found.1);
        for i in k + 1..count {
            let factor = quotient(m[i][k], m[k][k]);
            let (above, below) = m.split_at_mut(i);
            for j in k + 1..count {
                below[0][j] -= factor * above[k][j];
            }
            let change = factor * right[k];
            right[i] -= change;
        }
    }
    let largest = right[..count].iter().fold(0.0, |most: f64, x| most.max(x.norm1().to_f64()));
    // The elimination grows by less than a few bits.
    let step = if largest.is_finite() && largest > smallest * (most - 6.0).exp2() {
        (most - 6.0 - (largest.log2() - smallest.log2())).floor()
    } else {
        0.0
    };
    if step < 0.0 {
        right[..count].iter_mut().for_each(|x| *x = times_power(*x, step));
    }
    for k in (0..count).rev() {
        for l in k + 1..count {
            let change = m[k][l] * right[l];
            right[k] -= change;
        }
        right[k] = quotient(right[k], m[k][k]);
    }
    let found = *right;
    (0..count).for_each(|k| right[order[k]] = found[k]);
    Some(step.min(0.0))
}
