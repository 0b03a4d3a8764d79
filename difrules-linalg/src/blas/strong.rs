//! Products in rules, where a tangent or a cotangent meets a factor that is infinite or NaN: what does not move
//! contributes nothing to them, whatever it is multiplied with.
//!
//! Products of finite numbers are left to the kernels; all that they cost beside is a look at the smaller part of the
//! numbers. Tangents say by the sign of their zeros what does not move, and so do the cotangents of a product that is not
//! finite (see [`infinities`](difrules_core::infinities)).

use difrules_core::__private::Number;
use difrules_core::Scalar;
use difrules_core::kernel::{column_major_slice, vectorised};
use nalgebra::{DMatrixView, DMatrixViewMut};

use crate::blas::blocked::{Stored, Symmetry, rows_of};
use crate::blas::gemm::{gemm_again, shape_of_operation};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{along_factor, is_still, kept, moved, rests, still, varies};

/// Which factor of a product is a tangent or a cotangent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Moving {
    First,
    Second,
}

impl Moving {
    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    /// Where the first is multiplied from this side: from the right it is the second.
    pub(crate) fn seen_from(self, side: Side) -> Self {
        if side == Side::Left { self } else { self.other() }
    }

    /// What moves, and what it is multiplied with.
    pub(crate) fn split<X>(self, first: X, second: X) -> (X, X) {
        if self == Self::First { (first, second) } else { (second, first) }
    }
}

/// Whether something holds for all entries, which a function says of some that lie together.
#[inline(always)]
pub(crate) fn holds<T: Scalar>(
    matrix: &DMatrixView<'_, T>,
    of_some: impl Fn(&[T]) -> bool,
) -> bool {
    match column_major_slice(matrix) {
        Some(all) if all.len() < 64 => of_some(all),
        Some(all) => vectorised(|| of_some(all)),
        None => matrix.column_iter().all(|column| of_some(column.as_slice())),
    }
}

/// Whether all parts of all entries are finite.
pub(crate) fn is_bounded<T: Scalar>(matrix: &DMatrixView<'_, T>) -> bool {
    // Without a branch, so that the loop has vector instructions.
    holds(matrix, |x| T::parts_of(x).iter().fold(true, |all, part| all & part.is_bounded()))
}

/// Whether all parts of a number are finite.
pub(crate) fn is_bounded_number<T: Scalar>(x: &T) -> bool {
    T::parts_of(std::slice::from_ref(x)).iter().all(Number::is_bounded)
}

/// Whether an entry does not move.
pub(crate) fn rests_somewhere<T: Scalar>(matrix: &DMatrixView<'_, T>) -> bool {
    // Where no part is zero, the sign of it need not be looked at.
    let none_zero =
        |x: &[T]| T::parts_of(x).iter().fold(true, |none, part| none & (part.plain() != 0.0));
    !holds(matrix, |x| none_zero(x) || x.iter().fold(true, |none, x| none & !is_still(x)))
}

/// Whether a tangent has a part in its product with a factor: one that came out as zero has, where the factor is not finite.
pub(crate) fn has_part<M: Scalar, F: Scalar>(
    moving: &DMatrixView<'_, M>,
    factor: &DMatrixView<'_, F>,
) -> bool {
    varies(moving) || !rests(moving.iter()) && !is_bounded(factor)
}

/// Whether a part of what moves does not, beside a factor that is not finite.
#[inline(never)]
pub(crate) fn clashes<M: Scalar, F: Scalar>(
    moving: &DMatrixView<'_, M>,
    factor: &DMatrixView<'_, F>,
) -> bool {
    // The smaller one first, which says mostly that there is nothing to look for in the other.
    let factor_first = factor.len() < moving.len();
    if factor_first && is_bounded(factor) {
        return false;
    }
    rests_somewhere(moving) && (factor_first || !is_bounded(factor))
}

/// An entry of op(A); that of what does not move stays so.
pub(crate) fn entry<T: Scalar>(
    operation: Operation,
    a: &DMatrixView<'_, T>,
    (i, j): (usize, usize),
) -> T {
    match operation {
        Operation::None => a[(i, j)],
        Operation::Transpose => a[(j, i)],
        Operation::Adjoint => kept(a[(j, i)], T::conjugate),
    }
}

/// The sum of the products of a row of the first factor with a column of the second, times alpha; a factor says for
/// which terms it has an entry.
fn sum<T: Scalar>(alpha: T, terms: impl Iterator<Item = (T, T)>, moving: Moving) -> T {
    let times_alpha = |x: T| if alpha.is_constant_one() { x } else { along_factor(x, alpha) };
    terms.fold(still(), |sum: T, (x, y)| {
        let (moving, factor) = moving.split(x, y);
        sum + along_factor(times_alpha(moving), factor)
    })
}

/// C <- alpha op(A) op(B) + beta C in a rule, where A or B is what moves. The shapes fit.
#[inline(never)]
pub(crate) fn gemm_moving<T: Scalar>(
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    moving: Moving,
    beta: T,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let (moves, factor) = moving.split(&a, &b);
    if alpha.is_constant_zero() || is_bounded_number(&alpha) && !clashes(moves, factor) {
        gemm_again(alpha, (operation_a, a), (operation_b, b), beta, c);
        return;
    }
    let (_, inner) = shape_of_operation(operation_a, a.shape());
    for (i, j) in places(c.shape()) {
        let terms =
            (0..inner).map(|k| (entry(operation_a, &a, (i, k)), entry(operation_b, &b, (k, j))));
        let kept = if beta.is_constant_zero() { beta } else { c[(i, j)] * beta };
        c[(i, j)] = sum(alpha, terms, moving) + kept;
    }
}

/// The places of a matrix, column by column.
fn places((rows, columns): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |j| (0..rows).map(move |i| (i, j)))
}

/// C <- alpha op(A) B + C, or alpha B op(A) + C, in a rule, where one triangle of A is read, and A, or B, is what moves;
/// if a number is not finite. Returns whether it is so: else nothing is changed.
pub(crate) fn add_stored_strongly<T: Scalar>(
    side: Side,
    stored: Stored<'_, T>,
    moving: Moving,
    alpha: T,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) -> bool {
    if alpha.is_constant_zero() || is_bounded_number(&alpha) && !stored.clashes(moving, &b) {
        return false;
    }
    add_stored(side, stored, moving, alpha, b, c);
    true
}

/// [`add_stored_strongly`], without a look at the numbers.
pub(crate) fn add_stored<T: Scalar>(
    side: Side,
    stored: Stored<'_, T>,
    moving: Moving,
    alpha: T,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let order = moving.seen_from(side);
    let size = stored.a.nrows();
    for (i, j) in places(c.shape()) {
        let terms = (0..size).filter_map(|k| match side {
            Side::Left => stored.entry(i, k).map(|a| (a, b[(k, j)])),
            Side::Right => stored.entry(k, j).map(|a| (b[(i, k)], a)),
        });
        c[(i, j)] += sum(alpha, terms, order);
    }
}

/// One triangle of C <- alpha op(A) op(B) + C in a rule, without a unit diagonal, where A or B is what moves; if a number
/// is not finite. Returns whether it is so: else nothing is changed.
pub(crate) fn add_to_triangle_strongly<T: Scalar>(
    (triangle, diagonal): (Triangle, Diagonal),
    alpha: T,
    (operation_a, a): (Operation, DMatrixView<'_, T>),
    (operation_b, b): (Operation, DMatrixView<'_, T>),
    moving: Moving,
    c: &mut DMatrixViewMut<'_, T>,
) -> bool {
    let (moves, factor) = moving.split(&a, &b);
    if alpha.is_constant_zero() || is_bounded_number(&alpha) && !clashes(moves, factor) {
        return false;
    }
    let (_, inner) = shape_of_operation(operation_a, a.shape());
    for j in 0..c.ncols() {
        for i in rows_of(triangle, diagonal, c.nrows(), j) {
            let terms = (0..inner)
                .map(|k| (entry(operation_a, &a, (i, k)), entry(operation_b, &b, (k, j))));
            c[(i, j)] += sum(alpha, terms, moving);
        }
    }
    true
}

/// Which entries of a matrix that is overwritten did not move before.
pub(crate) enum Resting {
    All,
    None,
    /// Column by column, and how many rows there are.
    Some(Vec<bool>, usize),
}

impl Resting {
    /// Of a tangent that beta multiplies: where that is zero, what was there does not matter.
    pub(crate) fn of<T: Scalar>(beta: T, c_dot: &DMatrixView<'_, T>) -> Self {
        if beta.is_constant_zero() || rests(c_dot.iter()) {
            Self::All
        } else if !rests_somewhere(c_dot) {
            Self::None
        } else {
            Self::Some(c_dot.iter().map(is_still).collect(), c_dot.nrows())
        }
    }

    /// Whether it was so of an entry.
    pub(crate) fn is(&self, (i, j): (usize, usize)) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Some(entries, rows) => entries[i + j * rows],
        }
    }

    /// Makes those entries of the new tangent rest that did and that nothing is added to: if the row and the column of what
    /// is added say so.
    pub(crate) fn keep<T: Scalar>(
        &self,
        row: impl Fn(usize) -> bool,
        column: impl Fn(usize) -> bool,
        c_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        self.keep_where(c_dot, row, |i, j| self.is((i, j)) && column(j));
    }

    /// The same, by row and by entry.
    pub(crate) fn keep_where<T: Scalar>(
        &self,
        c_dot: &mut DMatrixViewMut<'_, T>,
        row: impl Fn(usize) -> bool,
        entry: impl Fn(usize, usize) -> bool,
    ) {
        c_dot.apply(|x| *x = moved(*x));
        if matches!(self, Self::None) {
            return;
        }
        for i in (0..c_dot.nrows()).filter(|&i| row(i)) {
            for j in (0..c_dot.ncols()).filter(|&j| entry(i, j)) {
                c_dot[(i, j)] = still();
            }
        }
    }
}

/// Whether a row of op(A) does not move; nothing does where there is no tangent.
pub(crate) fn row_rests<T: Scalar>(
    operation: Operation,
    a_dot: Option<&DMatrixView<'_, T>>,
    i: usize,
) -> bool {
    a_dot.is_none_or(|a_dot| match operation {
        Operation::None => rests(a_dot.row(i).iter()),
        _ => rests(a_dot.column(i).iter()),
    })
}

/// Whether a column of op(A) does not move.
pub(crate) fn column_rests<T: Scalar>(
    operation: Operation,
    a_dot: Option<&DMatrixView<'_, T>>,
    j: usize,
) -> bool {
    let turned = if operation == Operation::None { Operation::Transpose } else { Operation::None };
    row_rests(turned, a_dot, j)
}

/// Which entries do not move of what is multiplied with a triangular matrix, or solved with one: an entry depends on those
/// before it, or behind it, and on the rows, or columns, of the matrix up to its own.
pub(crate) struct TriangularResting {
    side: Side,
    /// Whether an entry depends on those before it.
    before: bool,
    /// Whether it depends on their lines of the matrix, too.
    solves: bool,
    resting: Resting,
    /// Whether the rows of the matrix, or the columns, rest.
    lines: Vec<bool>,
}

impl TriangularResting {
    pub(crate) fn of<T: Scalar>(
        side: Side,
        stored: Stored<'_, T>,
        solves: bool,
        a_dot: &DMatrixView<'_, T>,
        b_dot: &DMatrixViewMut<'_, T>,
    ) -> Self {
        let resting = Resting::of(T::one(), &b_dot.as_view());
        let before = stored.is_lower() == (side == Side::Left);
        let symmetry = match stored.symmetry {
            Symmetry::Triangular(diagonal) => Symmetry::TriangularTangent(diagonal),
            symmetry => symmetry,
        };
        let (tangent, size) = (Stored { a: *a_dot, symmetry, ..stored }, a_dot.nrows());
        let place = |i, k| if side == Side::Left { (i, k) } else { (k, i) };
        let line = |i: usize| {
            let mut entries = (0..size).filter_map(|k| {
                let (row, column) = place(i, k);
                tangent.entry(row, column)
            });
            entries.all(|x| is_still(&x))
        };
        let none = matches!(resting, Resting::None);
        let lines = if none { Vec::new() } else { (0..size).map(line).collect() };
        Self { side, before, solves, resting, lines }
    }

    /// Makes what rests so, if alpha does.
    pub(crate) fn keep<T: Scalar>(&self, alpha: bool, b_dot: &mut DMatrixViewMut<'_, T>) {
        b_dot.apply(|x| *x = moved(*x));
        if !alpha || matches!(self.resting, Resting::None) {
            return;
        }
        let (size, left) = (self.lines.len(), self.side == Side::Left);
        let others = if left { b_dot.ncols() } else { b_dot.nrows() };
        for other in 0..others {
            for k in 0..size {
                let i = if self.before { k } else { size - 1 - k };
                let place = if left { (i, other) } else { (other, i) };
                // What comes then depends on this.
                if !self.resting.is(place) || self.solves && !self.lines[i] {
                    break;
                }
                if self.lines[i] {
                    b_dot[place] = still();
                }
            }
        }
    }
}
