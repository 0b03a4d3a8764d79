//! Products with matrices of which one triangle is read, and products of which one triangle is wanted: by
//! halves, so that nearly all work is in [`gemm`](fn@crate::gemm).

use difrules_core::contract::Kind;
use difrules_core::kernel::{column_major_view, column_major_view_mut};
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage,
    StorageMut,
};

use crate::algebra::triangular_part::active;
use crate::blas::gemm::{gemm, gemm_again};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{
    Moving, add_stored_strongly, add_to_triangle_strongly, clashes, is_bounded, is_bounded_number,
};
#[cfg(doc)]
use crate::block::pairing_by;
use crate::block::{FIT, along_factor, block, block_mut, chain, is_still, kept, moved};

/// The size up to which a block of a triangle is written out in full, in memory that the stack has.
const BLOCK: usize = 32;

/// The number of columns of a product up to which loops over the columns of a matrix beat products of blocks.
const FEW: usize = 4;

/// What the triangle that is stored makes of the matrix.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Symmetry {
    /// The rest is zero.
    Triangular(Diagonal),
    /// The rest is zero, and so is a unit diagonal: the tangent of a triangular matrix.
    TriangularTangent(Diagonal),
    /// A = A^T.
    Symmetric,
    /// A = A^H; the imaginary parts of the diagonal are not read.
    Hermitian,
}

/// A matrix of which one triangle is read, and how it is used.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a, T: Scalar> {
    pub(crate) triangle: Triangle,
    pub(crate) symmetry: Symmetry,
    pub(crate) operation: Operation,
    pub(crate) a: DMatrixView<'a, T>,
}

impl<'a, T: Scalar> Stored<'a, T> {
    /// The matrix itself.
    pub(crate) fn new(triangle: Triangle, symmetry: Symmetry, a: DMatrixView<'a, T>) -> Self {
        Self { triangle, symmetry, operation: Operation::None, a }
    }

    /// A diagonal block.
    fn part(&self, start: usize, size: usize) -> Stored<'_, T> {
        Stored { a: self.a.view((start, start), (size, size)), ..*self }
    }

    /// An entry on the diagonal of op(A).
    fn on_diagonal(&self, i: usize) -> T {
        match (self.symmetry, self.operation) {
            (Symmetry::Triangular(Diagonal::Unit), _) => T::one(),
            (Symmetry::TriangularTangent(Diagonal::Unit), _) => T::zero(),
            (Symmetry::Hermitian, _) => T::from_real(self.a[(i, i)].real()),
            (_, Operation::Adjoint) => self.a[(i, i)].conjugate(),
            _ => self.a[(i, i)],
        }
    }

    /// An entry of op(A); none where nothing is, as beside a triangle.
    pub(crate) fn entry(&self, i: usize, j: usize) -> Option<T> {
        let (row, column) = if self.operation == Operation::None { (i, j) } else { (j, i) };
        if i == j {
            let none = self.symmetry == Symmetry::TriangularTangent(Diagonal::Unit);
            let adjoint = self.operation == Operation::Adjoint;
            let x = if adjoint { kept(self.a[(i, i)], T::conjugate) } else { self.a[(i, i)] };
            return match self.symmetry {
                Symmetry::Triangular(Diagonal::Unit) => Some(T::one()),
                Symmetry::Hermitian => Some(kept(x, |x| T::from_real(x.real()))),
                _ => (!none).then_some(x),
            };
        }
        let is_stored = (row > column) == (self.triangle == Triangle::Lower);
        let (stored, other) = ((row, column), (column, row));
        let conjugated =
            |x: T, conjugates: bool| if conjugates { kept(x, T::conjugate) } else { x };
        let turned = |x| conjugated(x, self.operation == Operation::Adjoint);
        match self.symmetry {
            _ if is_stored => Some(turned(self.a[stored])),
            Symmetry::Triangular(_) | Symmetry::TriangularTangent(_) => None,
            Symmetry::Symmetric => Some(turned(self.a[other])),
            Symmetry::Hermitian => Some(turned(conjugated(self.a[other], true))),
        }
    }

    /// Whether a product with B has to be formed with regard to what does not move, where A is what moves, or B is.
    pub(crate) fn clashes(&self, moving: Moving, b: &DMatrixView<'_, T>) -> bool {
        let (moves, factor) = moving.split(&self.a, b);
        let triangular = !matches!(self.symmetry, Symmetry::Symmetric | Symmetry::Hermitian);
        // What is beside a triangle is no factor of what is infinite.
        clashes(moves, factor) || triangular && !is_bounded(moves)
    }

    /// Whether op(A) is lower triangular, if it is triangular.
    pub(crate) fn is_lower(&self) -> bool {
        (self.triangle == Triangle::Lower) == (self.operation == Operation::None)
    }

    /// The block of op(A) below the diagonal, or above it, that is beside blocks of `half` and the rest of the
    /// rows: op of a part of what is stored. None where it is zero.
    fn beside(&self, below: bool, half: usize) -> Option<(Operation, DMatrixView<'_, T>)> {
        let rest = self.a.nrows() - half;
        let stored = match self.triangle {
            Triangle::Lower => self.a.view((half, 0), (rest, half)),
            Triangle::Upper => self.a.view((0, half), (half, rest)),
        };
        let is_there = below == self.is_lower();
        match self.symmetry {
            Symmetry::Triangular(_) | Symmetry::TriangularTangent(_) => {
                is_there.then_some((self.operation, stored))
            }
            Symmetry::Symmetric if !is_there => Some((Operation::Transpose, stored)),
            Symmetry::Hermitian if !is_there => Some((Operation::Adjoint, stored)),
            _ => Some((Operation::None, stored)),
        }
    }

    /// Writes op(A) out, of a size up to [`BLOCK`].
    fn write<'m>(&self, memory: &'m mut [T; BLOCK * BLOCK]) -> DMatrixView<'m, T> {
        let size = self.a.nrows();
        let turns = self.operation != Operation::None;
        for j in 0..size {
            memory[j * (size + 1)] = self.on_diagonal(j);
            let column = self.a.column(j);
            for i in rows_of(self.triangle, Diagonal::Unit, size, j) {
                let x = if self.operation == Operation::Adjoint {
                    column[i].conjugate()
                } else {
                    column[i]
                };
                let (stored, other) = (i + j * size, j + i * size);
                let (stored, other) = if turns { (other, stored) } else { (stored, other) };
                memory[stored] = x;
                memory[other] = match self.symmetry {
                    Symmetry::Triangular(_) | Symmetry::TriangularTangent(_) => T::zero(),
                    Symmetry::Symmetric => x,
                    Symmetry::Hermitian => x.conjugate(),
                };
            }
        }
        DMatrixView::from_slice(&memory[..size * size], size, size)
    }

    /// C <- alpha op(A) B + C or alpha B op(A) + C.
    pub(crate) fn add_product(
        &self,
        side: Side,
        alpha: T,
        b: DMatrixView<'_, T>,
        c: &mut DMatrixViewMut<'_, T>,
    ) {
        let (size, one) = (self.a.nrows(), T::one());
        if size == 0 || b.is_empty() {
            return;
        }
        let symmetric = matches!(self.symmetry, Symmetry::Symmetric | Symmetry::Hermitian);
        if symmetric && side == Side::Left && b.ncols() <= FEW && size > FEW {
            for j in 0..b.ncols() {
                self.add_to_column(alpha, b.column(j).as_slice(), c.column_mut(j).as_mut_slice());
            }
            return;
        }
        let add = |(operation, a): (Operation, DMatrixView<'_, T>),
                   b: DMatrixView<'_, T>,
                   c: &mut DMatrixViewMut<'_, T>| {
            let none = Operation::None;
            match side {
                Side::Left => gemm(operation, none, alpha, &a, &b, one, c).expect(FIT),
                Side::Right => gemm(none, operation, alpha, &b, &a, one, c).expect(FIT),
            }
        };
        if size <= BLOCK {
            let mut memory = [T::zero(); BLOCK * BLOCK];
            add((Operation::None, self.write(&mut memory)), b, c);
            return;
        }
        let half = size / 2;
        let rest = size - half;
        let (first, last) = (self.part(0, half), self.part(half, rest));
        let (below, above) = (self.beside(true, half), self.beside(false, half));
        let (b1, b2, mut c1, mut c2) = match side {
            Side::Left => {
                let (c1, c2) = c.rows_range_pair_mut(..half, half..);
                (b.rows(0, half), b.rows(half, rest), c1, c2)
            }
            Side::Right => {
                let (c1, c2) = c.columns_range_pair_mut(..half, half..);
                (b.columns(0, half), b.columns(half, rest), c1, c2)
            }
        };
        first.add_product(side, alpha, b1, &mut c1);
        last.add_product(side, alpha, b2, &mut c2);
        // The block below the diagonal takes the first part to the last from the left, and the other way from the
        // right.
        let (to_last, to_first) = if side == Side::Left { (below, above) } else { (above, below) };
        if let Some(between) = to_last {
            add(between, b1, &mut c2);
        }
        if let Some(between) = to_first {
            add(between, b2, &mut c1);
        }
    }

    /// y <- alpha A x + y of a symmetric or Hermitian matrix, in one pass over what is stored.
    fn add_to_column(&self, alpha: T, x: &[T], y: &mut [T]) {
        let conjugates = self.symmetry == Symmetry::Hermitian;
        for j in 0..x.len() {
            let rows = match self.triangle {
                Triangle::Lower => j + 1..x.len(),
                Triangle::Upper => 0..j,
            };
            let column = self.a.column(j);
            let column = &column.as_slice()[rows.clone()];
            let factor = alpha * x[j];
            let mut sum = T::zero();
            for ((&a, y), &x) in column.iter().zip(&mut y[rows.clone()]).zip(&x[rows]) {
                *y += factor * a;
                sum += if conjugates { a.conjugate() } else { a } * x;
            }
            y[j] += factor * self.on_diagonal(j) + alpha * sum;
        }
    }

    /// B <- op(A) B or B op(A), of a matrix that is triangular.
    pub(crate) fn multiply(&self, side: Side, b: &mut DMatrixViewMut<'_, T>) {
        let (size, one, none) = (self.a.nrows(), T::one(), Operation::None);
        if size == 0 || b.is_empty() {
            return;
        }
        if side == Side::Left && b.ncols() <= FEW {
            for j in 0..b.ncols() {
                self.multiply_column(b.column_mut(j).as_mut_slice());
            }
            return;
        }
        if size <= BLOCK {
            self.multiply_by_strips(side, b);
            return;
        }
        let half = size / 2;
        let (first, last) = (self.part(0, half), self.part(half, size - half));
        let lower = self.is_lower();
        let (operation, between) = self.beside(lower, half).expect("it is where it is stored");
        match side {
            Side::Left => {
                let (mut top, mut bottom) = b.rows_range_pair_mut(..half, half..);
                if lower {
                    last.multiply(side, &mut bottom);
                    gemm(operation, none, one, &between, &top, one, &mut bottom).expect(FIT);
                    first.multiply(side, &mut top);
                } else {
                    first.multiply(side, &mut top);
                    gemm(operation, none, one, &between, &bottom, one, &mut top).expect(FIT);
                    last.multiply(side, &mut bottom);
                }
            }
            Side::Right => {
                let (mut left, mut right) = b.columns_range_pair_mut(..half, half..);
                if lower {
                    first.multiply(side, &mut left);
                    gemm(none, operation, one, &right, &between, one, &mut left).expect(FIT);
                    last.multiply(side, &mut right);
                } else {
                    last.multiply(side, &mut right);
                    gemm(none, operation, one, &left, &between, one, &mut right).expect(FIT);
                    first.multiply(side, &mut left);
                }
            }
        }
    }

    /// [`multiply`](Self::multiply) with a block that is written out, and copies of strips of B.
    fn multiply_by_strips(&self, side: Side, b: &mut DMatrixViewMut<'_, T>) {
        let (one, zero, none) = (T::one(), T::zero(), Operation::None);
        let (mut memory, mut copy) = ([zero; BLOCK * BLOCK], [zero; BLOCK * BLOCK]);
        let a = self.write(&mut memory);
        let others = if side == Side::Left { b.ncols() } else { b.nrows() };
        for first in (0..others).step_by(BLOCK) {
            let count = BLOCK.min(others - first);
            let mut strip = match side {
                Side::Left => b.columns_mut(first, count),
                Side::Right => b.rows_mut(first, count),
            };
            copy.iter_mut().zip(strip.iter()).for_each(|(copy, &x)| *copy = x);
            let (rows, columns) = strip.shape();
            let copy = DMatrixView::from_slice(&copy[..rows * columns], rows, columns);
            match side {
                Side::Left => gemm(none, none, one, &a, &copy, zero, &mut strip).expect(FIT),
                Side::Right => gemm(none, none, one, &copy, &a, zero, &mut strip).expect(FIT),
            }
        }
    }

    /// x <- op(A) x of a triangular matrix.
    fn multiply_column(&self, x: &mut [T]) {
        let size = x.len();
        let below = self.triangle == Triangle::Lower;
        // What of op(A) x is known no more is not needed any more.
        let order = |k: usize| if self.is_lower() { size - 1 - k } else { k };
        let conjugates = self.operation == Operation::Adjoint;
        for k in (0..size).map(order) {
            let rows = if below { k + 1..size } else { 0..k };
            let column = self.a.column(k);
            let column = &column.as_slice()[rows.clone()];
            if self.operation == Operation::None {
                let factor = x[k];
                x[rows].iter_mut().zip(column).for_each(|(x, &a)| *x += factor * a);
                x[k] = self.on_diagonal(k) * factor;
            } else {
                let terms = column.iter().zip(&x[rows]);
                let sum = terms.fold(T::zero(), |sum, (&a, &x)| {
                    sum + if conjugates { a.conjugate() } else { a } * x
                });
                x[k] = self.on_diagonal(k) * x[k] + sum;
            }
        }
    }
}

/// C <- alpha op(A) B + C or alpha B op(A) + C of a triangular matrix, in any mode, where A is a tangent or none.
pub(crate) fn add_triangular<T: Scalar>(
    side: Side,
    stored: Stored<'_, T>,
    alpha: T,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let moves = matches!(stored.symmetry, Symmetry::TriangularTangent(_));
    if moves && add_stored_strongly(side, stored, Moving::First, alpha, b, c) {
        return;
    }
    if T::Real::BASE {
        stored.add_product(side, alpha, b, c);
        return;
    }
    // Numbers with tangents are multiplied where they are, all at once.
    let mut whole = active(stored.triangle, Diagonal::General, &stored.a);
    (0..whole.nrows()).for_each(|i| {
        whole[(i, i)] = Stored { operation: Operation::None, ..stored }.on_diagonal(i);
    });
    let (a, b) = ((stored.operation, whole.as_view()), (Operation::None, b));
    let (first, second) = if side == Side::Left { (a, b) } else { (b, a) };
    gemm_again(alpha, first, second, T::one(), c);
}

/// The rows of a column that one triangle of a square matrix has: with a unit diagonal, which is not stored,
/// without the one on it.
pub(crate) fn rows_of(
    triangle: Triangle,
    diagonal: Diagonal,
    size: usize,
    column: usize,
) -> std::ops::Range<usize> {
    let skipped = usize::from(diagonal == Diagonal::Unit);
    match triangle {
        Triangle::Lower => column + skipped..size,
        Triangle::Upper => 0..column + 1 - skipped,
    }
}

/// One triangle of C <- beta C; the rest of C is not touched. Where beta is zero, what is in it does not matter.
pub(crate) fn scale_triangle<T: Scalar>(
    triangle: Triangle,
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    if beta.is_constant_one() {
        return;
    }
    for j in 0..c.ncols() {
        let rows = rows_of(triangle, Diagonal::General, c.nrows(), j);
        let mut column = c.column_mut(j);
        let mut part = column.rows_range_mut(rows);
        if beta.is_constant_zero() { part.fill(T::zero()) } else { part *= beta }
    }
}

/// [`scale_triangle`] in a rule, where C is what moves.
pub(crate) fn scale_triangle_moving<T: Scalar>(
    triangle: Triangle,
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    if is_bounded_number(&beta) {
        return scale_triangle(triangle, beta, c);
    }
    for j in 0..c.ncols() {
        for i in rows_of(triangle, Diagonal::General, c.nrows(), j) {
            c[(i, j)] = along_factor(c[(i, j)], beta);
        }
    }
}

/// One triangle of C <- alpha op(A) op(B) + C, without a unit diagonal; the rest of C is not touched.
pub(crate) fn add_to_triangle<T: Scalar>(
    (triangle, diagonal): (Triangle, Diagonal),
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    c: &mut DMatrixViewMut<'_, T>,
) {
    let size = c.nrows();
    let inner = if operation_a == Operation::None { a.ncols() } else { a.nrows() };
    if size == 0 || inner == 0 || alpha.is_constant_zero() {
        return;
    }
    if !T::Real::BASE {
        // Numbers with tangents are multiplied where they are, all at once.
        let mut product = DMatrix::zeros(size, size);
        let factors = ((operation_a, a), (operation_b, b));
        gemm_again(T::one(), factors.0, factors.1, T::zero(), &mut product.as_view_mut());
        for j in 0..size {
            for i in rows_of(triangle, diagonal, size, j) {
                c[(i, j)] += alpha * product[(i, j)];
            }
        }
        return;
    }
    if inner <= FEW {
        for j in 0..size {
            let rows = rows_of(triangle, diagonal, size, j);
            let mut column = c.column_mut(j);
            let part = &mut column.as_mut_slice()[rows.clone()];
            for k in 0..inner {
                let factor = alpha * entry(operation_b, b, k, j);
                if operation_a == Operation::None {
                    let column = a.column(k);
                    let terms = &column.as_slice()[rows.clone()];
                    part.iter_mut().zip(terms).for_each(|(c, &a)| *c += factor * a);
                } else {
                    let terms = part.iter_mut().zip(rows.clone());
                    terms.for_each(|(c, i)| *c += factor * entry(operation_a, a, i, k));
                }
            }
        }
        return;
    }
    if size <= BLOCK {
        add_small_to_triangle((triangle, diagonal), alpha, (operation_a, a), (operation_b, b), c);
        return;
    }
    let half = size / 2;
    let rest = size - half;
    let rows = |first, count| match operation_a {
        Operation::None => a.rows(first, count),
        _ => a.columns(first, count),
    };
    let columns = |first, count| match operation_b {
        Operation::None => b.columns(first, count),
        _ => b.rows(first, count),
    };
    let (a1, a2) = ((operation_a, rows(0, half)), (operation_a, rows(half, rest)));
    let (b1, b2) = ((operation_b, columns(0, half)), (operation_b, columns(half, rest)));
    let of = (triangle, diagonal);
    add_to_triangle(of, alpha, a1, b1, &mut c.view_mut((0, 0), (half, half)));
    let (left, right, mut between) = match triangle {
        Triangle::Lower => (a2, b1, c.view_mut((half, 0), (rest, half))),
        Triangle::Upper => (a1, b2, c.view_mut((0, half), (half, rest))),
    };
    gemm(left.0, right.0, alpha, &left.1, &right.1, T::one(), &mut between).expect(FIT);
    add_to_triangle(of, alpha, a2, b2, &mut c.view_mut((half, half), (rest, rest)));
}

/// What a triangular A has of the cotangent of op(A), factor W X^H on the left, factor X^H W on the right: its
/// triangle, without a unit diagonal, of that, of its transpose or of its adjoint. W is what moves.
pub(crate) fn add_operand<T: Scalar>(
    part: (Triangle, Diagonal),
    operation: Operation,
    side: Side,
    factor: T,
    w: DMatrixView<'_, T>,
    x: DMatrixView<'_, T>,
    a_bar: &mut DMatrixViewMut<'_, T>,
) {
    let (plain, adjoint) = (Operation::None, Operation::Adjoint);
    let (first, second) = (Moving::First, Moving::Second);
    let turned = |a_bar: &mut DMatrixViewMut<'_, T>| {
        let factor = factor.conjugate();
        match side {
            Side::Left => add_moving(part, factor, (plain, x), (adjoint, w), second, a_bar),
            Side::Right => add_moving(part, factor, (adjoint, w), (plain, x), first, a_bar),
        }
    };
    match (operation, side) {
        (Operation::None, Side::Left) => {
            add_moving(part, factor, (plain, w), (adjoint, x), first, a_bar);
        }
        (Operation::None, Side::Right) => {
            add_moving(part, factor, (adjoint, x), (plain, w), second, a_bar);
        }
        (Operation::Adjoint, _) => turned(a_bar),
        (Operation::Transpose, _) => conjugated(a_bar, turned),
    }
}

/// [`add_to_triangle`] in a rule, where A or B is what moves.
pub(crate) fn add_moving<T: Scalar>(
    part: (Triangle, Diagonal),
    alpha: T,
    a: (Operation, DMatrixView<'_, T>),
    b: (Operation, DMatrixView<'_, T>),
    moving: Moving,
    c: &mut DMatrixViewMut<'_, T>,
) {
    if !add_to_triangle_strongly(part, alpha, a, b, moving, c) {
        add_to_triangle(part, alpha, a, b, c);
    }
}

/// [`add_to_triangle`] of a size up to [`BLOCK`]: both triangles at once are faster than one by loops.
fn add_small_to_triangle<T: Scalar>(
    (triangle, diagonal): (Triangle, Diagonal),
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    c: &mut DMatrixViewMut<'_, T>,
) {
    let size = c.nrows();
    let mut memory = [T::zero(); BLOCK * BLOCK];
    let mut both = DMatrixViewMut::from_slice(&mut memory[..size * size], size, size);
    gemm(operation_a, operation_b, alpha, &a, &b, T::zero(), &mut both).expect(FIT);
    for j in 0..size {
        for i in rows_of(triangle, diagonal, size, j) {
            c[(i, j)] += both[(i, j)];
        }
    }
}

/// An entry of op(A).
fn entry<T: Scalar>(operation: Operation, a: DMatrixView<'_, T>, i: usize, j: usize) -> T {
    match operation {
        Operation::None => a[(i, j)],
        Operation::Transpose => a[(j, i)],
        Operation::Adjoint => a[(j, i)].conjugate(),
    }
}

/// The sum, over all entries or those of one triangle, of what a term makes of an entry of a matrix and that of
/// op(A) op(B): by blocks of the product, which is not formed.
pub(crate) fn sum_with_product<T: Scalar>(
    part: Option<(Triangle, Diagonal)>,
    matrix: DMatrixView<'_, T>,
    a: (Operation, DMatrixView<'_, T>),
    b: (Operation, DMatrixView<'_, T>),
    term: impl Fn(T, T) -> T,
) -> T {
    if T::Real::BASE {
        return sum_by_blocks(part, matrix, a, b, term);
    }
    let (rows, columns) = matrix.shape();
    let mut product = DMatrix::zeros(rows, columns);
    gemm_again(T::one(), a, b, T::zero(), &mut product.as_view_mut());
    let mut sum = T::zero();
    for j in 0..columns {
        let counted =
            part.map_or(0..rows, |(triangle, diagonal)| rows_of(triangle, diagonal, rows, j));
        for i in counted {
            sum += term(matrix[(i, j)], product[(i, j)]);
        }
    }
    sum
}

/// [`sum_with_product`] of plain numbers, apart: numbers with many tangents are too large for blocks on the stack.
#[inline(never)]
fn sum_by_blocks<T: Scalar>(
    part: Option<(Triangle, Diagonal)>,
    matrix: DMatrixView<'_, T>,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    term: impl Fn(T, T) -> T,
) -> T {
    let (rows, columns) = matrix.shape();
    let mut memory = [T::zero(); BLOCK * BLOCK];
    let mut sum = T::zero();
    for j in (0..columns).step_by(BLOCK) {
        let width = BLOCK.min(columns - j);
        let b = match operation_b {
            Operation::None => b.columns(j, width),
            _ => b.rows(j, width),
        };
        let blocks = match part {
            None => 0..rows,
            Some((Triangle::Lower, _)) => j..rows,
            Some((Triangle::Upper, _)) => 0..j + width,
        };
        for i in blocks.step_by(BLOCK) {
            let height = BLOCK.min(rows - i);
            let a = match operation_a {
                Operation::None => a.rows(i, height),
                _ => a.columns(i, height),
            };
            let mut product =
                DMatrixViewMut::from_slice(&mut memory[..height * width], height, width);
            gemm(operation_a, operation_b, T::one(), &a, &b, T::zero(), &mut product).expect(FIT);
            for l in 0..width {
                let counted = match part.filter(|_| i == j) {
                    None => 0..height,
                    Some((triangle, diagonal)) => rows_of(triangle, diagonal, height, l),
                };
                for k in counted {
                    sum += term(matrix[(i + k, j + l)], product[(k, l)]);
                }
            }
        }
    }
    sum
}

/// A cotangent times the conjugate of a factor, in the derivative by a number that multiplies it, as in [`pairing_by`].
pub(crate) fn paired_by<T: Scalar>(number: T) -> impl Fn(T, T) -> T {
    let hidden = number.is_constant_zero();
    move |cotangent, factor: T| {
        let factor = factor.conjugate();
        if hidden { chain(cotangent, factor) } else { along_factor(cotangent, factor) }
    }
}

/// Conjugates all entries; what does not move stays so.
pub(crate) fn conjugate<T: Scalar>(matrix: &mut DMatrixViewMut<'_, T>) {
    if !<T::Kind as Kind>::REAL {
        matrix.apply(|x| *x = if is_still(x) { *x } else { moved(x.conjugate()) });
    }
}

/// Does something while all entries are conjugated: M <- conj(f(conj(M))).
pub(crate) fn conjugated<T: Scalar>(
    matrix: &mut DMatrixViewMut<'_, T>,
    f: impl FnOnce(&mut DMatrixViewMut<'_, T>),
) {
    conjugate(matrix);
    f(matrix);
    conjugate(matrix);
}

/// Lends a matrix of any storage as one of contiguous columns: itself, or a copy.
pub(crate) fn with_columns<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>, Out>(
    matrix: &Matrix<T, R, C, S>,
    f: impl FnOnce(DMatrixView<'_, T>) -> Out,
) -> Out
where
    DefaultAllocator: Allocator<R, C>,
{
    match column_major_view(matrix) {
        Some(view) => f(view),
        None => f(block(&matrix.clone_owned())),
    }
}

/// Lends a matrix of any storage as one of contiguous columns, to be changed.
pub(crate) fn change_columns<T: Scalar, R: Dim, C: Dim, S: StorageMut<T, R, C>>(
    matrix: &mut Matrix<T, R, C, S>,
    f: impl FnOnce(&mut DMatrixViewMut<'_, T>),
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some(mut view) = column_major_view_mut(matrix) {
        f(&mut view);
        return;
    }
    let mut owned: OMatrix<T, R, C> = matrix.clone_owned();
    f(&mut block_mut(&mut owned));
    matrix.copy_from(&owned);
}
