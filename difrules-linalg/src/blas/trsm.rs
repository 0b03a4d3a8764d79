use std::ops::Range;

use difrules_core::contract::Adjoint;
use difrules_core::kernel::vectorised;
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage,
    StorageMut,
};

use crate::algebra::householder::add_scaled;
use crate::algebra::modulus::quotient;
use crate::algebra::triangular_part::SMALL;
use crate::blas::blocked::{
    Stored, Symmetry, add_operand, add_triangular, change_columns, conjugate, with_columns,
};
use crate::blas::gemm::{add_by_factor, gemm};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{Moving, TriangularResting, add_stored, is_bounded};
use crate::block::{
    FIT, along_factor, block, block_mut, buffer, difference, is_still, kept, pairing_by, scale_by,
    scale_moving, varies,
};
use crate::error::{Error, shape, singular, square};

/// How many right-hand sides are solved at once, where there are as many.
const STRIP: usize = 32;

/// B <- alpha op(A)^-1 B or B <- alpha B op(A)^-1, in place, for a triangular matrix A.
///
/// The other triangle of A is not read, nor is a unit diagonal. Where `alpha` is zero, what is in B does not
/// matter. Matrices are of any storage; where the columns are contiguous nothing is copied. For many right-hand
/// sides nearly all work is in matrix products.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// unless it is a unit diagonal, [`Error::Singular`] if a diagonal entry of A is zero and
/// [`Error::NotFinite`] if one is not finite.
///
/// # Derivation
/// On the left, op(A) X = alpha B gives op(A) dX = dalpha B + alpha dB - op(dA) X. So with
/// W = op(A)^-H X_bar, which is what the rule turns X_bar into: B_bar = conj(alpha) W,
/// alpha_bar = tr(B^H W), and op(A)_bar = -W X^H, that is A_bar = -W X^H, -(W X^H)^T or -X W^H for
/// A, A^T and A^H. On the right, X op(A) = alpha B in the same way: W = X_bar op(A)^-H and
/// op(A)_bar = -X^H W. Of A_bar the triangle is formed and no more. B is kept only where alpha varies.
///
/// ```
/// use difrules_linalg::{Diagonal, Operation, Side, Triangle, trsm};
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0, 0.0; 1.0, 4.0];
/// let mut b = dvector![2.0, 9.0];
/// trsm(Side::Left, Triangle::Lower, Operation::None, Diagonal::General, 1.0, &l, &mut b)?;
/// assert_eq!(b, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = trsm_forward,
    reverse = trsm_reverse,
    reads(side, triangle, operation, diagonal, alpha, a, b for alpha, mut b),
    constant(side, triangle, operation, diagonal),
    structure(a = triangular(triangle, diagonal)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn trsm<T: Scalar, D: Dim, R: Dim, C: Dim, SA: Storage<T, D, D>, SB: StorageMut<T, R, C>>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &Matrix<T, D, D, SA>,
    b: &mut Matrix<T, R, C, SB>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let size = square("a", a.shape())?;
    match side {
        Side::Left => shape("b", b.shape(), (size, b.ncols()))?,
        Side::Right => shape("b", b.shape(), (b.nrows(), size))?,
    }
    if diagonal == Diagonal::General {
        if let Some(i) = (0..size).find(|&i| !a[(i, i)].is_finite()) {
            return Err(Error::NotFinite { argument: "a", row: i, column: i });
        }
        if (0..size).any(|i| a[(i, i)] == T::zero()) {
            return Err(singular((0..size).map(|i| a[(i, i)])));
        }
    }
    if b.is_empty() {
        return Ok(());
    }
    if alpha.is_constant_zero() {
        b.fill(T::zero());
        return Ok(());
    }
    if !alpha.is_constant_one() {
        b.apply(|b| *b *= alpha);
    }
    with_columns(a, |a| {
        change_columns(b, |b| {
            Triangular { triangle, operation, diagonal, a }.solve(side, b.as_view_mut());
        });
    });
    Ok(())
}

/// The unknown of a step of a substitution, those that are known before it, and those that are unknown after it.
#[inline(always)]
fn at_step(forwards: bool, step: usize, size: usize) -> (usize, Range<usize>, Range<usize>) {
    if forwards {
        (step, 0..step, step + 1..size)
    } else {
        (size - 1 - step, size - step..size, 0..size - 1 - step)
    }
}

/// A triangular matrix as it is used.
pub(crate) struct Triangular<'a, T> {
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: DMatrixView<'a, T>,
}

impl<'a, T: Scalar> Triangular<'a, T> {
    /// An entry of op(A).
    #[inline(always)]
    fn entry(&self, i: usize, j: usize) -> T {
        match self.operation {
            Operation::None => self.a[(i, j)],
            Operation::Transpose => self.a[(j, i)],
            Operation::Adjoint => self.a[(j, i)].conjugate(),
        }
    }

    /// Whether op(A) is lower triangular.
    fn is_lower(&self) -> bool {
        (self.triangle == Triangle::Lower) == (self.operation == Operation::None)
    }

    /// A diagonal block.
    fn part(&'a self, start: usize, size: usize) -> Self {
        let Self { triangle, operation, diagonal, .. } = *self;
        Self { triangle, operation, diagonal, a: self.a.view((start, start), (size, size)) }
    }

    /// C <- C - op(A)_ij B or C - B op(A)_ij, for the off-diagonal block of op(A) at (i, j).
    fn subtract(
        &self,
        side: Side,
        (i, rows): (usize, usize),
        (j, columns): (usize, usize),
        b: DMatrixView<'_, T>,
        c: &mut DMatrixViewMut<'_, T>,
    ) {
        let stored = match self.operation {
            Operation::None => self.a.view((i, j), (rows, columns)),
            Operation::Transpose | Operation::Adjoint => self.a.view((j, i), (columns, rows)),
        };
        let (one, none) = (T::one(), Operation::None);
        match side {
            Side::Left => gemm(self.operation, none, -one, &stored, &b, one, c).expect(FIT),
            Side::Right => gemm(none, self.operation, -one, &b, &stored, one, c).expect(FIT),
        }
    }

    #[inline(never)]
    pub(crate) fn solve(&self, side: Side, mut b: DMatrixViewMut<'_, T>) {
        let size = self.a.nrows();
        if size <= SMALL {
            match side {
                Side::Left => self.substitute_left(&mut b),
                Side::Right => self.substitute_right(&mut b),
            }
            return;
        }
        let half = size / 2;
        let rest = size - half;
        let (first, last) = (self.part(0, half), self.part(half, rest));
        match (side, self.is_lower()) {
            (Side::Left, lower) => {
                let (mut top, mut bottom) = b.rows_range_pair_mut(..half, half..);
                if lower {
                    first.solve(side, top.as_view_mut());
                    self.subtract(side, (half, rest), (0, half), top.as_view(), &mut bottom);
                    last.solve(side, bottom);
                } else {
                    last.solve(side, bottom.as_view_mut());
                    self.subtract(side, (0, half), (half, rest), bottom.as_view(), &mut top);
                    first.solve(side, top);
                }
            }
            (Side::Right, lower) => {
                let (mut left, mut right) = b.columns_range_pair_mut(..half, half..);
                if lower {
                    last.solve(side, right.as_view_mut());
                    self.subtract(side, (half, rest), (0, half), right.as_view(), &mut left);
                    first.solve(side, left);
                } else {
                    first.solve(side, left.as_view_mut());
                    self.subtract(side, (0, half), (half, rest), left.as_view(), &mut right);
                    last.solve(side, right);
                }
            }
        }
    }

    fn substitute_left(&self, b: &mut DMatrixViewMut<'_, T>) {
        let size = self.a.nrows();
        if T::Real::BASE && b.ncols() >= STRIP / 4 {
            for first in (0..b.ncols()).step_by(STRIP) {
                let count = STRIP.min(b.ncols() - first);
                let mut strip = b.columns_mut(first, count);
                match count {
                    ..=8 => self.substitute_strip::<8>(&mut strip),
                    9..=16 => self.substitute_strip::<16>(&mut strip),
                    _ => self.substitute_strip::<STRIP>(&mut strip),
                }
            }
            return;
        }
        for mut b in b.column_iter_mut() {
            let b = b.as_mut_slice();
            for step in 0..size {
                let (k, before, after) = at_step(self.is_lower(), step, size);
                let line = self.a.column(k);
                let line = line.as_slice();
                // By columns of A where these are columns of op(A), by what is known already where they are rows.
                if self.operation == Operation::None {
                    let x = quotient(b[k], self.pivot(k));
                    b[k] = x;
                    if !x.is_constant_zero() {
                        b[after.clone()]
                            .iter_mut()
                            .zip(&line[after])
                            .for_each(|(b, &a)| *b -= a * x);
                    }
                } else {
                    let mut sum = b[k];
                    for (&x, &a) in b[before.clone()].iter().zip(&line[before]) {
                        if !x.is_constant_zero() {
                            let adjoint = self.operation == Operation::Adjoint;
                            sum -= if adjoint { a.conjugate() } else { a } * x;
                        }
                    }
                    b[k] = quotient(sum, self.pivot(k));
                }
            }
        }
    }

    /// Some right-hand sides at once, row by row: a copy in which rows are contiguous makes the compiler
    /// use vectors of numbers, an order of magnitude faster than column by column.
    fn substitute_strip<const WIDTH: usize>(&self, b: &mut DMatrixViewMut<'_, T>) {
        let size = b.nrows();
        let mut memory = [[T::zero(); WIDTH]; SMALL];
        let strip = &mut memory[..size];
        vectorised(|| {
            for (j, column) in b.column_iter().enumerate() {
                strip.iter_mut().zip(column.as_slice()).for_each(|(row, &x)| row[j] = x);
            }
            for step in 0..size {
                let (i, known, _) = at_step(self.is_lower(), step, size);
                let mut row = strip[i];
                for k in known {
                    let factor = self.entry(i, k);
                    row.iter_mut().zip(&strip[k]).for_each(|(x, &known)| *x -= factor * known);
                }
                if self.diagonal == Diagonal::General {
                    let pivot = self.entry(i, i);
                    let inverse = quotient(T::one(), pivot);
                    if inverse.is_finite() {
                        row.iter_mut().for_each(|x| *x *= inverse);
                    } else {
                        row.iter_mut().for_each(|x| *x = quotient(*x, pivot));
                    }
                }
                strip[i] = row;
            }
            for (j, mut column) in b.column_iter_mut().enumerate() {
                column.as_mut_slice().iter_mut().zip(&*strip).for_each(|(x, row)| *x = row[j]);
            }
        });
    }

    fn substitute_right(&self, b: &mut DMatrixViewMut<'_, T>) {
        let size = self.a.nrows();
        for step in 0..size {
            let (k, _, unknown) = at_step(!self.is_lower(), step, size);
            let pivot = self.pivot(k);
            b.column_mut(k).apply(|x| *x = quotient(*x, pivot));
            for j in unknown {
                let factor = -self.entry(k, j);
                if !factor.is_constant_zero() {
                    let (known, mut unknown) = b.columns_range_pair_mut(k, j);
                    add_scaled(factor, known.as_slice(), unknown.as_mut_slice());
                }
            }
        }
    }

    /// The solution where what does not move stands beside entries that are not finite.
    #[inline(never)]
    pub(crate) fn solve_strongly(&self, side: Side, b: &mut DMatrixViewMut<'_, T>) {
        let size = self.a.nrows();
        let forwards = self.is_lower() == (side == Side::Left);
        let count = if side == Side::Left { b.ncols() } else { b.nrows() };
        for other in 0..count {
            let place = |k| if side == Side::Left { (k, other) } else { (other, k) };
            for step in 0..size {
                let (k, _, unknown) = at_step(forwards, step, size);
                let x = kept(b[place(k)], |x| quotient(x, self.pivot(k)));
                b[place(k)] = x;
                for i in unknown {
                    let factor =
                        if side == Side::Left { self.entry(i, k) } else { self.entry(k, i) };
                    b[place(i)] = difference(b[place(i)], along_factor(x, factor));
                }
            }
        }
    }

    /// A diagonal entry.
    fn pivot(&self, i: usize) -> T {
        if self.diagonal == Diagonal::Unit { T::one() } else { self.entry(i, i) }
    }
}

/// The arguments of a solve with a triangular matrix, as its rules read them.
pub(crate) struct TriangularSolve<'a, T: Scalar> {
    pub(crate) side: Side,
    pub(crate) triangle: Triangle,
    pub(crate) operation: Operation,
    pub(crate) diagonal: Diagonal,
    pub(crate) alpha: T,
    pub(crate) a: DMatrixView<'a, T>,
    /// As it was, where alpha varies.
    pub(crate) b: Option<DMatrixView<'a, T>>,
    /// The solution.
    pub(crate) x: DMatrixView<'a, T>,
}

impl<T: Scalar> TriangularSolve<'_, T> {
    /// The forward rule: turns the tangent of B into that of the solution.
    pub(crate) fn push(
        &self,
        (alpha_dot, a_dot): (T, DMatrixView<'_, T>),
        b_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, triangle, operation, diagonal, alpha, a, b, x } = *self;
        let stored = Stored { triangle, symmetry: Symmetry::Triangular(diagonal), operation, a };
        let resting = TriangularResting::of(side, stored, true, &a_dot, b_dot);
        let tangent =
            Stored { symmetry: Symmetry::TriangularTangent(diagonal), a: a_dot, ..stored };
        // Where an entry of A is infinite, one of X is not finite.
        let strong = !is_bounded(&x);
        if strong {
            b_dot.apply(|b_dot| *b_dot = along_factor(*b_dot, alpha));
            add_by_factor(alpha_dot, b, b_dot);
            add_stored(side, tangent, Moving::First, -T::one(), x, b_dot);
        } else {
            scale_by(alpha, b_dot);
            add_by_factor(alpha_dot, b, b_dot);
            if varies(&a_dot) {
                add_triangular(side, tangent, -T::one(), x, b_dot);
            }
        }
        solve_again(strong, side, triangle, operation, diagonal, a, b_dot);
        resting.keep(is_still(&alpha_dot), b_dot);
    }

    /// The reverse rule: adds to the adjoints and turns that of the solution into that of B.
    pub(crate) fn pull(
        &self,
        alpha_bar: Option<Slot<'_, T>>,
        a_bar: Option<DMatrixViewMut<'_, T>>,
        w: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, triangle, operation, diagonal, alpha, a, b, x } = *self;
        let strong = !is_bounded(&x);
        let mut of_alpha = alpha_bar.zip(b);
        // An infinite B that is not seen in X, by an alpha of zero: the solution by B is put together first, as forward.
        if let Some((alpha_bar, b)) = of_alpha.take_if(|(_, b)| !strong && !is_bounded(b)) {
            let mut solution = b.into_owned();
            let unscaled = &mut block_mut(&mut solution);
            solve_again(strong, side, triangle, operation, diagonal, a, unscaled);
            alpha_bar.add(|| pairing_by(alpha, w, &solution));
        }
        solve_adjoint(strong, side, triangle, operation, diagonal, a, w);
        if let Some((alpha_bar, b)) = of_alpha {
            alpha_bar.add(|| pairing_by(alpha, w, &b));
        }
        if let Some(mut a_bar) = a_bar {
            let part = (triangle, diagonal);
            add_operand(part, operation, side, -T::one(), w.as_view(), x, &mut a_bar);
        }
        scale_moving(alpha.conjugate(), w);
    }
}

#[allow(clippy::too_many_arguments)] // The arguments of trsm, and their tangents.
fn trsm_forward<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: Option<&OMatrix<T, R, C>>,
    x: &OMatrix<T, R, C>,
    alpha_dot: T,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let (a, b, x) = (block(a), b.map(block), block(x));
    let system = TriangularSolve { side, triangle, operation, diagonal, alpha, a, b, x };
    system.push((alpha_dot, block(a_dot)), &mut block_mut(b_dot));
}

/// B <- op(A)^-1 B or B op(A)^-1 in a rule, where the primal has succeeded and B is what moves.
fn solve_again<T: Scalar>(
    strong: bool,
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    if strong {
        return Triangular { triangle, operation, diagonal, a }.solve_strongly(side, b);
    }
    trsm(side, triangle, operation, diagonal, T::one(), &a, b).expect(FIT);
}

#[allow(clippy::too_many_arguments)] // The arguments of trsm, and their slots.
fn trsm_reverse<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: Option<&OMatrix<T, R, C>>,
    x: &OMatrix<T, R, C>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    mut x_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let (a, b, x, mut a_bar) = (block(a), b.map(block), block(x), a_bar.buffer());
    let system = TriangularSolve { side, triangle, operation, diagonal, alpha, a, b, x };
    system.pull(Some(alpha_bar), a_bar.as_mut().map(buffer), &mut buffer(&mut x_bar));
}

/// B <- op(A)^-H B or B op(A)^-H.
pub(crate) fn adjoint_solve<T: Scalar>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    solve_adjoint(false, side, triangle, operation, diagonal, a, b);
}

/// [`adjoint_solve`], where a flag says that it matters in the result, too, which zeros are strong.
fn solve_adjoint<T: Scalar>(
    strong: bool,
    side: Side,
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    let adjoint = match operation {
        Operation::None => Operation::Adjoint,
        Operation::Adjoint => Operation::None,
        // (A^T)^H = conj(A): solve with A the conjugate of the equation.
        Operation::Transpose => {
            conjugate(b);
            Operation::None
        }
    };
    solve_again(strong, side, triangle, adjoint, diagonal, a, b);
    if operation == Operation::Transpose {
        conjugate(b);
    }
}

type Sample<T> = (Side, Triangle, Operation, Diagonal, T, DMatrix<T>, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let side = random.choose(&[Side::Left, Side::Right]);
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let diagonal = random.choose(&[Diagonal::General, Diagonal::Unit]);
    let (size, others) = (random.choose(&[0, 1, 3, 5, 18]), random.size(0, 4));
    // A triangle with a dominant diagonal, so that the inverse does not grow with the size.
    let mut a = random.matrix::<T>(size, size).map(|x| x.scale(nalgebra::convert(0.3)));
    for i in 0..size {
        a[(i, i)] = random.positive();
    }
    let shape = if side == Side::Left { (size, others) } else { (others, size) };
    (side, triangle, operation, diagonal, random.normal(), a, random.matrix(shape.0, shape.1))
}
