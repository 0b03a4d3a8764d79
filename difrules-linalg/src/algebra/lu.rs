//! The shared mathematics of triangular factors of a general matrix: recursions on panels of columns
//! that end in small loops and do the rest by `gemm` and `trsm`, which every derivative mode
//! intercepts.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::householder::add_scaled;
use crate::algebra::modulus::{largest_modulus, largest_norm1, quotient};
use crate::algebra::scaling::Level;
use crate::algebra::triangular_part::{active, add_strict_outer};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{block, multiply, solve, solve_unit};
use crate::error::{Error, overflow};
use crate::tolerance::{Quotients, asks, undefined, undefined_of};

/// The number of columns at which a recursion on panels ends.
const SMALL: usize = 8;

/// B <- op(L)^-1 B for a unit lower triangular L, of which only what is below the diagonal is read.
pub(crate) fn solve_unit_lower<T: Scalar>(
    operation: Operation,
    l: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) {
    solve_unit(Side::Left, Triangle::Lower, operation, l, b);
}

/// Swaps row i with row `pivots[i]`, for each i in turn.
pub(crate) fn permute_rows<T: Scalar>(pivots: &[usize], b: &mut DMatrixViewMut<'_, T>) {
    // Column by column, since a column fits into the processor's memory where rows do not.
    for mut column in b.column_iter_mut() {
        pivots.iter().enumerate().for_each(|(i, &pivot)| column.swap_rows(i, pivot));
    }
}

/// Undoes [`permute_rows`].
pub(crate) fn permute_rows_back<T: Scalar>(pivots: &[usize], b: &mut DMatrixViewMut<'_, T>) {
    for mut column in b.column_iter_mut() {
        pivots.iter().enumerate().rev().for_each(|(i, &pivot)| column.swap_rows(i, pivot));
    }
}

/// Replaces A by L and U of P A = L U, packed; `pivots` has a place for each column of L and is
/// given the rows that P swaps. Each pivot is the largest entry of what is left of its column; where
/// all are zero, so is the pivot, and nothing is divided by it.
///
/// Toledo 1997, "Locality of reference in LU decomposition with partial pivoting".
#[inline(never)]
pub(crate) fn lu_in_place<T: Scalar>(a: &mut DMatrixViewMut<'_, T>, pivots: &mut [usize]) {
    let (rows, columns) = a.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in 0..size {
            let pivot = k + a.view_range(k.., k).icamax();
            pivots[k] = pivot;
            a.swap_rows(k, pivot);
            if a[(k, k)].norm1() != nalgebra::zero() {
                eliminate(a, k, |_| ());
            }
        }
        return;
    }
    let half = size / 2;
    let (first, last) = pivots.split_at_mut(half);
    let (mut left, mut right) = a.columns_range_pair_mut(..half, half..);
    lu_in_place(&mut left, first);
    permute_rows(first, &mut right);
    let (l11, mut below) = left.rows_range_pair_mut(..half, half..);
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    solve_unit_lower(Operation::None, l11.as_view(), &mut upper);
    let factors = ((below.as_view(), false), (upper.as_view(), false));
    multiply(-T::one(), factors.0, factors.1, T::one(), &mut rest);
    lu_in_place(&mut rest, last);
    permute_rows(last, &mut below);
    for pivot in last {
        *pivot += half;
    }
}

/// Multiplies U of packed factors.
///
/// # Errors
/// [`Error::Overflow`], also if the factors did before.
pub(crate) fn scale_upper<T: Scalar>(
    scale: T::Real,
    packed: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    if scale != nalgebra::one() {
        for (j, mut column) in packed.column_iter_mut().enumerate() {
            let count = column.len().min(j + 1);
            column.rows_mut(0, count).apply(|x| *x = x.scale(scale));
        }
    }
    packed.column_iter().try_for_each(|column| overflow("packed", column.as_slice()))
}

/// Eliminates up to `steps` columns of A with full pivoting, in place; row i of what is eliminated is
/// row `rows[i]` of A, column j is column `columns[j]`. Stops where nothing but zeros is left. Returns
/// how many steps were done, and whether the number of swaps is odd.
#[inline(never)]
pub(crate) fn full_piv_lu_in_place<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    steps: usize,
    rows: &mut [usize],
    columns: &mut [usize],
) -> (usize, bool) {
    let mut odd = false;
    let mut next = Largest::none();
    a.column_iter().for_each(|column| next.see(column.as_slice()));
    for k in 0..steps {
        if next.size == nalgebra::zero() {
            return (k, odd);
        }
        let column = k + next.column;
        let row = (k..).find(|&i| a[(i, column)].norm1() == next.size).expect("it was seen");
        rows.swap(k, row);
        columns.swap(k, column);
        odd ^= (k != row) ^ (k != column);
        a.swap_rows(k, row);
        a.swap_columns(k, column);
        next = Largest::none();
        eliminate(a, k, |column| next.see(column));
    }
    (steps, odd)
}

/// The largest entry of columns that are seen one after the other.
struct Largest<S> {
    size: S,
    /// The first column that has one of this size.
    column: usize,
    seen: usize,
}

impl<S: Real> Largest<S> {
    fn none() -> Self {
        Self { size: nalgebra::zero(), column: 0, seen: 0 }
    }

    fn see<T: Scalar<Real = S>>(&mut self, column: &[T]) {
        let size = largest_norm1(column);
        if size > self.size {
            (self.size, self.column) = (size, self.seen);
        }
        self.seen += 1;
    }
}

/// One step of the elimination, with the pivot in its place. What is left of each column after it is shown to a function.
#[inline(always)]
fn eliminate<T: Scalar>(a: &mut DMatrixViewMut<'_, T>, k: usize, mut left_over: impl FnMut(&[T])) {
    let divisor = a[(k, k)];
    let (mut left, mut right) = a.columns_range_pair_mut(k..k + 1, k + 1..);
    let mut left = left.column_mut(0);
    let below = &mut left.as_mut_slice()[k + 1..];
    below.iter_mut().for_each(|x| *x = quotient(*x, divisor));
    for mut column in right.column_iter_mut() {
        let column = column.as_mut_slice();
        add_scaled(-column[k], below, &mut column[k + 1..]);
        left_over(&column[k + 1..]);
    }
}

/// The packed factors with zeros for pivots that are zero within the rounding of their own making, if
/// there are such pivots with rows below them; and the first.
///
/// Where a column depends on those before it, what is left of it is rounding, so its factors are noise
/// and have no derivative. A pivot is what is left of an entry of P A after the products L_kl U_lk, l < k,
/// are taken off, each of which is rounded by a part of itself: so these are what it is measured by, and
/// the scales of rows and columns do not matter.
fn dependent<T: Scalar, R: Dim, C: Dim>(lu: &OMatrix<T, R, C>) -> Option<(OMatrix<T, R, C>, usize)>
where
    DefaultAllocator: Allocator<R, C>,
{
    let epsilon = T::Real::default_epsilon().to_f64();
    let count = lu.ncols().min(lu.nrows().saturating_sub(1));
    let is_zero = |&k: &usize| {
        let size = lu[(k, k)].modulus().to_f64();
        // No modulus in L is larger than the root of two, so this is more than what is looked for, and it is quick to find.
        let above = &lu.as_slice()[k * lu.nrows()..][..k];
        let most = 2.0 * above.iter().map(|x| x.modulus().to_f64()).sum::<f64>();
        if size > epsilon * lu.nrows() as f64 * most {
            return false;
        }
        let taken = |l: usize| (lu[(k, l)].modulus() * lu[(l, k)].modulus()).to_f64();
        size <= epsilon * lu.nrows() as f64 * (0..k).map(taken).sum::<f64>()
    };
    let first = (0..count).find(is_zero)?;
    let mut cleaned = lu.clone();
    (first..count).filter(is_zero).for_each(|k| cleaned[(k, k)] = T::zero());
    Some((cleaned, first))
}

/// Whether L jumps, since a pivot with rows below it is zero.
pub(crate) fn lu_jumps<T: Scalar, R: Dim, C: Dim>(lu: &OMatrix<T, R, C>) -> bool
where
    DefaultAllocator: Allocator<R, C>,
{
    dependent(lu).is_some()
}

/// Divides by a pivot. What is not zero over one that is, is undefined.
fn over_pivot<T: Scalar>(x: T, pivot: T, quotients: &mut Quotients) -> T {
    if pivot.norm1() == nalgebra::zero() { quotients.over_nothing(x) } else { quotient(x, pivot) }
}

fn report_lost(quotients: Quotients, pivot: usize) {
    quotients.report(|| format!("pivot {pivot} is zero, counting from 0, and has rows below it"));
}

/// B <- A^-1 B or A^-H B from the packed factors of P A = L U.
///
/// # Errors
/// [`Error::Singular`] if a pivot is zero.
#[inline(never)]
pub(crate) fn lu_solve_in_place<T: Scalar>(
    operation: Operation,
    lu: DMatrixView<'_, T>,
    pivots: &[usize],
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    if operation == Operation::None {
        permute_rows(pivots, b);
        solve_unit_lower(operation, lu, b);
        return solve(Side::Left, Triangle::Upper, operation, lu, b);
    }
    solve(Side::Left, Triangle::Upper, operation, lu, b)?;
    solve_unit_lower(operation, lu, b);
    permute_rows_back(pivots, b);
    Ok(())
}

/// Replaces the tangent of P A by that of its packed factors.
///
/// Differentiating the recursion: with P A = [A11 A12; A21 A22], L21 and U12 beside the first panel,
///
/// L11 U12 = A12 gives dU12 = L11^-1 (dA12 - dL11 U12), and what is left,
/// A22 - L21 U12 = L22 U22, has the tangent dA22 - dL21 U12 - L21 dU12. For one column,
/// du = da1 and dl = (da2 - l du) / u.
///
/// So only pivots with rows below them are divided by: the factors of a square matrix of rank n - 1
/// whose last pivot is the zero one have derivatives. What would be divided by another that is zero
/// is undefined.
pub(crate) fn lu_forward<T: Scalar, R: Dim, C: Dim>(
    primitive: &'static str,
    lu: &OMatrix<T, R, C>,
    a_dot: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    // Columns of any size: the largest entries of U and of the tangent are in the same ones.
    let rows = lu.nrows();
    let upper = (0..lu.ncols()).flat_map(|j| &lu.as_slice()[j * rows..][..rows.min(j + 1)]);
    if let Some(level) = Level::of(upper, a_dot.iter()) {
        return level.at(a_dot, |a_dot| lu_forward_at_level(primitive, lu, a_dot));
    }
    lu_forward_at_level(primitive, lu, a_dot);
}

fn lu_forward_at_level<T: Scalar, R: Dim, C: Dim>(
    primitive: &'static str,
    lu: &OMatrix<T, R, C>,
    a_dot: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((cleaned, pivot)) = dependent(lu) else {
        return forward(block(lu), a_dot, &mut Quotients::new::<T::Real>(primitive, 0.0));
    };
    let mut quotients = Quotients::new::<T::Real>(primitive, largest_modulus(a_dot.iter()));
    forward(block(&cleaned), a_dot, &mut quotients);
    report_lost(quotients, pivot);
}

fn forward<T: Scalar>(
    lu: DMatrixView<'_, T>,
    a_dot: &mut DMatrixViewMut<'_, T>,
    quotients: &mut Quotients,
) {
    let (rows, columns) = lu.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in 0..size {
            let (mut left, mut right) = a_dot.columns_range_pair_mut(k..k + 1, k + 1..);
            let (factors, mut left) = (lu.column(k), left.column_mut(0));
            let (pivot, below) = (factors[k], &factors.as_slice()[k + 1..]);
            let (pivot_dot, below_dot) = left.as_mut_slice()[k..].split_at_mut(1);
            for (x, &l) in below_dot.iter_mut().zip(below) {
                *x = over_pivot(*x - l * pivot_dot[0], pivot, quotients);
            }
            for (j, mut column) in right.column_iter_mut().enumerate() {
                let u = lu[(k, k + 1 + j)];
                let (u_dot, rest_dot) = column.as_mut_slice()[k..].split_at_mut(1);
                let factors = below_dot.iter().zip(below);
                for (x, (&l_dot, &l)) in rest_dot.iter_mut().zip(factors) {
                    *x -= l_dot * u + l * u_dot[0];
                }
            }
        }
        return;
    }
    let half = size / 2;
    let (rows, columns) = (rows - half, columns - half);
    let l11 = lu.view((0, 0), (half, half));
    let (l21, u12) = (lu.view((half, 0), (rows, half)), lu.view((0, half), (half, columns)));
    let (mut left, mut right) = a_dot.columns_range_pair_mut(..half, half..);
    forward(lu.columns(0, half), &mut left, quotients);
    let (l11_dot, l21_dot) = left.rows_range_pair_mut(..half, half..);
    let l11_dot = active(Triangle::Lower, Diagonal::Unit, &l11_dot);
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    multiply(-T::one(), (l11_dot.as_view(), false), (u12, false), T::one(), &mut upper);
    solve_unit_lower(Operation::None, l11, &mut upper);
    multiply(-T::one(), (l21_dot.as_view(), false), (u12, false), T::one(), &mut rest);
    multiply(-T::one(), (l21, false), (upper.as_view(), false), T::one(), &mut rest);
    forward(lu.view((half, half), (rows, columns)), &mut rest, quotients);
}

/// Replaces the cotangent of the packed factors by that of P A.
///
/// The recursion of [`lu_forward`], backwards: with S the cotangent of A22 - L21 U12, found first,
///
/// U12_bar -= L21^H S; L21_bar -= S U12^H; A12_bar = L11^-H U12_bar;
/// L11_bar -= stril(A12_bar U12^H),
///
/// and then the first panel. For one column, a2_bar = l_bar / conj(u), a1_bar = u_bar - l^H a2_bar.
/// It takes twice the multiplications and additions of the factorisation, nearly all in matrix
/// products, in the memory of the cotangent.
pub(crate) fn lu_reverse<T: Scalar, R: Dim, C: Dim>(
    primitive: &'static str,
    lu: &OMatrix<T, R, C>,
    bar: &mut DMatrixViewMut<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((cleaned, pivot)) = dependent(lu) else {
        return reverse(block(lu), bar, &mut Quotients::new::<T::Real>(primitive, 0.0));
    };
    let mut quotients = Quotients::new::<T::Real>(primitive, largest_modulus(bar.iter()));
    // Below such a pivot L jumps.
    let count = lu.ncols().min(lu.nrows().saturating_sub(1));
    let asked = (pivot..count).any(|k| {
        cleaned[(k, k)].norm1() == nalgebra::zero()
            && asks(bar.column(k).rows_range(k + 1..).iter())
    });
    reverse(block(&cleaned), bar, &mut quotients);
    if asked && !quotients.is_lost() {
        quotients.lose(1.0);
        bar.apply(|x| *x += undefined::<T>());
    }
    report_lost(quotients, pivot);
}

fn reverse<T: Scalar>(
    lu: DMatrixView<'_, T>,
    bar: &mut DMatrixViewMut<'_, T>,
    quotients: &mut Quotients,
) {
    let (rows, columns) = lu.shape();
    let size = rows.min(columns);
    if size <= SMALL {
        for k in (0..size).rev() {
            let (mut left, mut right) = bar.columns_range_pair_mut(k..k + 1, k + 1..);
            let (mut pivot_bar, mut below_bar) = left.rows_range_pair_mut(k..k + 1, k + 1..);
            let mut below_bar = below_bar.column_mut(0);
            let factors = lu.column(k);
            let factors = factors.rows_range(k + 1..);
            for (j, mut column) in right.column_iter_mut().enumerate() {
                let rest_bar = column.rows_range(k + 1..);
                below_bar.axpy(-lu[(k, k + 1 + j)].conjugate(), &rest_bar, T::one());
                let sum = factors.dotc(&rest_bar);
                column[k] -= sum;
            }
            let divisor = lu[(k, k)].conjugate();
            if divisor.norm1() == nalgebra::zero() {
                // L is undefined, and so is what it takes off where the pivot's row is zero too.
                for (i, bar) in below_bar.iter_mut().enumerate() {
                    let sum = right.column_iter().fold(*bar, |sum, column| sum + column[k + 1 + i]);
                    *bar = quotients.over_nothing(*bar);
                    if right
                        .column_iter()
                        .any(|column| column[k + 1 + i].norm1() != nalgebra::zero())
                    {
                        quotients.lose(1.0);
                        *bar += undefined_of(sum);
                    }
                }
            } else {
                below_bar.apply(|x| *x = quotient(*x, divisor));
            }
            pivot_bar[0] -= factors.dotc(&below_bar);
        }
        return;
    }
    let half = size / 2;
    let (rows, columns) = (rows - half, columns - half);
    let l11 = lu.view((0, 0), (half, half));
    let (l21, u12) = (lu.view((half, 0), (rows, half)), lu.view((0, half), (half, columns)));
    let (mut left, mut right) = bar.columns_range_pair_mut(..half, half..);
    let (mut upper, mut rest) = right.rows_range_pair_mut(..half, half..);
    reverse(lu.view((half, half), (rows, columns)), &mut rest, quotients);
    multiply(-T::one(), (l21, true), (rest.as_view(), false), T::one(), &mut upper);
    let mut l21_bar = left.rows_mut(half, rows);
    multiply(-T::one(), (rest.as_view(), false), (u12, true), T::one(), &mut l21_bar);
    solve_unit_lower(Operation::Adjoint, l11, &mut upper);
    add_strict_outer(Triangle::Lower, -T::one(), upper.as_view(), u12, &mut left.rows_mut(0, half));
    reverse(lu.columns(0, half), &mut left, quotients);
}
