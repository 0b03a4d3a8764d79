//! The rules of updates of one triangle by products: of `syrk`, `herk`, `syr`, `her`, `syr2k` and `her2k`.

use difrules_core::{Scalar, Slot};
use nalgebra::{DMatrixView, DMatrixViewMut};

use crate::blas::blocked::{
    Stored, Symmetry, add_moving, add_to_triangle, conjugate, conjugated, paired_by, rows_of,
    scale_triangle, scale_triangle_moving, sum_with_product,
};
use crate::blas::gemm::shape_of_operation;
use crate::blas::her2k::her2k;
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{Moving, Resting, clashes, has_part, is_bounded_number, row_rests};
use crate::blas::symmetric_product::add;
use crate::blas::syr2k::syr2k;
use crate::block::{FIT, along_factor, kept, moved, rests, still};
use crate::error::{Error, shape, square};

/// The triangle of C <- alpha P P^T + beta C, or with P^H, where P = op(A).
#[derive(Clone, Copy)]
pub(crate) struct RankUpdate<'a, T: Scalar> {
    pub(crate) triangle: Triangle,
    pub(crate) symmetry: Symmetry,
    pub(crate) operation: Operation,
    /// A real number where the update is Hermitian, and so is beta.
    pub(crate) alpha: T,
    pub(crate) a: DMatrixView<'a, T>,
    pub(crate) beta: T,
}

/// Demands that the shapes fit.
pub(crate) fn fits(
    operation: Operation,
    a: (usize, usize),
    (name_c, c): (&'static str, (usize, usize)),
) -> Result<(), Error> {
    let size = square(name_c, c)?;
    let (_, columns) = shape_of_operation(operation, a);
    shape("a", a, shape_of_operation(operation, (size, columns)))
}

/// Makes the diagonal of a Hermitian matrix real.
pub(crate) fn make_diagonal_real<T: Scalar>(symmetry: Symmetry, c: &mut DMatrixViewMut<'_, T>) {
    if symmetry == Symmetry::Hermitian {
        (0..c.nrows()).for_each(|i| c[(i, i)] = kept(c[(i, i)], |x| T::from_real(x.real())));
    }
}

/// Whether P P^T, or P P^H, is the conjugate of what products without conjugation of single factors give, which are
/// those of A^T conj(A) and A^H conj(A).
pub(crate) fn is_conjugate(symmetry: Symmetry, operation: Operation) -> bool {
    match symmetry {
        Symmetry::Hermitian => operation == Operation::Transpose,
        _ => operation == Operation::Adjoint,
    }
}

/// The operations on A and B whose product is P Q^T, or P Q^H, or its conjugate.
pub(crate) fn operations(symmetry: Symmetry, operation: Operation) -> (Operation, Operation) {
    let turned = match symmetry {
        Symmetry::Hermitian => Operation::Adjoint,
        _ => Operation::Transpose,
    };
    if operation == Operation::None { (operation, turned) } else { (turned, Operation::None) }
}

/// What an adjoint of A gets of an update whose triangle has this cotangent: with M the sum of the triangle and its
/// transpose, or adjoint, P_bar = factor M conj(Q), or factor M Q.
///
/// M is the symmetric matrix that the triangle stores, and its diagonal once more.
pub(crate) fn add_by_symmetric<T: Scalar>(
    (triangle, symmetry): (Triangle, Symmetry),
    operation: Operation,
    factor: T,
    c_bar: &mut DMatrixViewMut<'_, T>,
    q: DMatrixView<'_, T>,
    a_bar: &mut DMatrixViewMut<'_, T>,
) {
    let side = if operation == Operation::None { Side::Left } else { Side::Right };
    let hermitian = symmetry == Symmetry::Hermitian;
    let add_by = |factor: T, c_bar: DMatrixView<'_, T>, a_bar: &mut DMatrixViewMut<'_, T>| {
        let stored = Stored::new(triangle, symmetry, c_bar);
        add(side, stored, Some(Moving::First), factor, q, a_bar);
        let weight = |i: usize| {
            let x = c_bar[(i, i)];
            let x = if hermitian { kept(x, |x| T::from_real(x.real())) } else { x };
            kept(x, |x| factor * x)
        };
        add_by_diagonal(side, weight, q, a_bar);
    };
    match (hermitian, operation) {
        (true, Operation::None) => add_by(factor, c_bar.as_view(), a_bar),
        (true, Operation::Adjoint) => add_by(factor.conjugate(), c_bar.as_view(), a_bar),
        // factor B conj(M).
        (true, Operation::Transpose) => {
            conjugated(c_bar, |c_bar| add_by(factor, c_bar.as_view(), a_bar));
        }
        // factor M conj(B), or factor conj(B) M, is the conjugate of conj(factor) conj(M) B, or of that with B first.
        (false, Operation::None | Operation::Transpose) => {
            conjugated(c_bar, |c_bar| {
                conjugated(a_bar, |a_bar| add_by(factor.conjugate(), c_bar.as_view(), a_bar));
            });
        }
        // conj(factor) conj(B) conj(M).
        (false, Operation::Adjoint) => {
            conjugated(a_bar, |a_bar| add_by(factor, c_bar.as_view(), a_bar));
        }
    }
}

/// C <- D B + C or B D + C for a diagonal matrix D.
fn add_by_diagonal<T: Scalar>(
    side: Side,
    weight: impl Fn(usize) -> T,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    /// How many weights are beside each other at once.
    const PART: usize = 32;
    let (rows, columns) = c.shape();
    if side == Side::Right {
        for j in 0..columns {
            let (weight, b, mut c) = (weight(j), b.column(j), c.column_mut(j));
            let terms = c.as_mut_slice().iter_mut().zip(b.as_slice());
            terms.for_each(|(c, &b)| *c += along_factor(weight, b));
        }
        return;
    }
    for first in (0..rows).step_by(PART) {
        let part = first..rows.min(first + PART);
        let mut weights = [T::zero(); PART];
        weights.iter_mut().zip(part.clone()).for_each(|(x, i)| *x = weight(i));
        for j in 0..columns {
            let (b, mut c) = (b.column(j), c.column_mut(j));
            let terms = c.as_mut_slice()[part.clone()].iter_mut().zip(&b.as_slice()[part.clone()]);
            terms.zip(&weights).for_each(|((c, &b), &weight)| *c += along_factor(weight, b));
        }
    }
}

/// The sum over one triangle of C_bar times the conjugate of P Q^T, or of P Q^H.
pub(crate) fn pairing_with_update<T: Scalar>(
    (triangle, symmetry): (Triangle, Symmetry),
    operation: Operation,
    alpha: T,
    c_bar: DMatrixView<'_, T>,
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
) -> T {
    let (operation_a, operation_b) = operations(symmetry, operation);
    let part = Some((triangle, Diagonal::General));
    let factors = ((operation_a, a), (operation_b, b));
    let paired = paired_by(alpha);
    if is_conjugate(symmetry, operation) {
        sum_with_product(part, c_bar, factors.0, factors.1, |c_bar, x| paired(c_bar, x.conjugate()))
    } else {
        sum_with_product(part, c_bar, factors.0, factors.1, paired)
    }
}

/// The sum over one triangle of C_bar times the conjugate of C; of a Hermitian matrix the diagonal is real.
pub(crate) fn pairing_of_triangles<T: Scalar>(
    (triangle, symmetry): (Triangle, Symmetry),
    beta: T,
    c_bar: DMatrixView<'_, T>,
    c: DMatrixView<'_, T>,
) -> T {
    let (mut sum, paired) = (T::zero(), paired_by(beta));
    for j in 0..c.ncols() {
        for i in rows_of(triangle, Diagonal::General, c.nrows(), j) {
            let real = i == j && symmetry == Symmetry::Hermitian;
            let x = if real { T::from_real(c[(i, i)].real()) } else { c[(i, j)] };
            sum += paired(c_bar[(i, j)], x);
        }
    }
    sum
}

/// Adds to the tangent of one triangle that of beta times C.
pub(crate) fn add_by_beta<T: Scalar>(
    triangle: Triangle,
    beta_dot: T,
    c: Option<DMatrixView<'_, T>>,
    c_dot: &mut DMatrixViewMut<'_, T>,
) {
    let Some(c) = c.filter(|_| !beta_dot.is_constant_zero()) else { return };
    for j in 0..c.ncols() {
        for i in rows_of(triangle, Diagonal::General, c.nrows(), j) {
            c_dot[(i, j)] += along_factor(beta_dot, c[(i, j)]);
        }
    }
}

/// The triangle of C <- alpha P Q^T + C, or with Q^H; the diagonal of that is left as it comes.
pub(crate) fn add_update<T: Scalar>(
    (triangle, symmetry): (Triangle, Symmetry),
    operation: Operation,
    alpha: T,
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let (operation_a, operation_b) = operations(symmetry, operation);
    let part = (triangle, Diagonal::General);
    if is_conjugate(symmetry, operation) {
        conjugate_triangle(triangle, c);
        let alpha = alpha.conjugate();
        add_to_triangle(part, alpha, (operation_a, a), (operation_b, b), c);
        conjugate_triangle(triangle, c);
    } else {
        add_to_triangle(part, alpha, (operation_a, a), (operation_b, b), c);
    }
}

/// The triangle of C <- alpha P Q^T + alpha Q P^T + C, or with adjoints, in any mode, where A is what moves, or B is, or
/// none of them.
pub(crate) fn add_rank_2<T: Scalar>(
    (triangle, symmetry): (Triangle, Symmetry),
    operation: Operation,
    moving: Option<Moving>,
    alpha: T,
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let clashing = moving.is_some_and(|moving| {
        let (moves, factor) = moving.split(&a, &b);
        !is_bounded_number(&alpha) || clashes(moves, factor)
    });
    if let Some(moving) = moving.filter(|_| clashing) {
        let (operation_a, operation_b) = operations(symmetry, operation);
        let hermitian = symmetry == Symmetry::Hermitian;
        let other = if hermitian { alpha.conjugate() } else { alpha };
        let part = (triangle, Diagonal::General);
        let add = |alpha: T, other: T, c: &mut DMatrixViewMut<'_, T>| {
            add_moving(part, alpha, (operation_a, a), (operation_b, b), moving, c);
            add_moving(part, other, (operation_a, b), (operation_b, a), moving.other(), c);
        };
        if is_conjugate(symmetry, operation) {
            conjugate_triangle(triangle, c);
            add(alpha.conjugate(), other.conjugate(), c);
            conjugate_triangle(triangle, c);
        } else {
            add(alpha, other, c);
        }
        return;
    }
    let added = match symmetry {
        Symmetry::Hermitian => her2k(triangle, operation, alpha, &a, &b, nalgebra::one(), c),
        _ => syr2k(triangle, operation, alpha, &a, &b, T::one(), c),
    };
    added.expect(FIT);
}

/// Conjugates what one triangle has.
fn conjugate_triangle<T: Scalar>(triangle: Triangle, c: &mut DMatrixViewMut<'_, T>) {
    let size = c.nrows();
    for j in 0..size {
        let rows = rows_of(triangle, Diagonal::General, size, j);
        conjugate(&mut c.view_range_mut(rows, j..j + 1));
    }
}

/// Makes the entries of the tangent of an update rest that did, as far as beta does not make that matter not, and whose
/// rows of the factors do.
pub(crate) fn keep_triangle_resting<T: Scalar>(
    resting: &Resting,
    (triangle, beta): (Triangle, T),
    row: impl Fn(usize) -> bool,
    c_dot: &mut DMatrixViewMut<'_, T>,
) {
    let overwritten = beta.is_constant_zero();
    c_dot.apply(|x| *x = moved(*x));
    for j in 0..c_dot.ncols() {
        let stored = rows_of(triangle, Diagonal::General, c_dot.nrows(), j);
        let column = row(j);
        for i in 0..c_dot.nrows() {
            let updated = stored.contains(&i);
            let before = resting.is((i, j)) || updated && overwritten;
            if before && (!updated || column && row(i)) {
                c_dot[(i, j)] = still();
            }
        }
    }
}

impl<T: Scalar> RankUpdate<'_, T> {
    /// The value.
    pub(crate) fn compute(&self, c: &mut DMatrixViewMut<'_, T>) {
        let Self { triangle, symmetry, operation, alpha, a, beta } = *self;
        scale_triangle(triangle, beta, c);
        if !alpha.is_constant_zero() {
            add_update((triangle, symmetry), operation, alpha, a, a, c);
        }
        make_diagonal_real(symmetry, c);
    }

    /// The forward rule: turns the tangent of C into that of the new C.
    pub(crate) fn push(
        &self,
        c: Option<DMatrixView<'_, T>>,
        (alpha_dot, a_dot, beta_dot): (T, Option<DMatrixView<'_, T>>, T),
        c_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { triangle, symmetry, operation, alpha, a, beta } = *self;
        let of = (triangle, symmetry);
        let resting = Resting::of(T::one(), &c_dot.as_view());
        scale_triangle_moving(triangle, beta, c_dot);
        if let Some(a_dot) = a_dot.filter(|a_dot| has_part(a_dot, &a)) {
            add_rank_2(of, operation, Some(Moving::First), alpha, a_dot, a, c_dot);
        }
        if !alpha_dot.is_constant_zero() {
            // Half of twice the product.
            let half = alpha_dot.scale(nalgebra::convert(0.5));
            add_rank_2(of, operation, None, half, a, a, c_dot);
        }
        add_by_beta(triangle, beta_dot, c, c_dot);
        make_diagonal_real(symmetry, c_dot);
        let alone = rests(&[alpha_dot, beta_dot]);
        let row = |i| alone && row_rests(operation, a_dot.as_ref(), i);
        keep_triangle_resting(&resting, (triangle, beta), row, c_dot);
    }

    /// The reverse rule: adds to the adjoints and turns that of the new C into that of C.
    pub(crate) fn pull(
        &self,
        c: Option<DMatrixView<'_, T>>,
        alpha_bar: impl FnOnce(&dyn Fn() -> T),
        mut a_bar: Option<DMatrixViewMut<'_, T>>,
        beta_bar: impl FnOnce(&dyn Fn() -> T),
        c_bar: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { triangle, symmetry, operation, alpha, a, beta } = *self;
        let of = (triangle, symmetry);
        make_diagonal_real(symmetry, c_bar);
        if let Some(c) = c {
            beta_bar(&|| pairing_of_triangles(of, beta, c_bar.as_view(), c));
        }
        alpha_bar(&|| pairing_with_update(of, operation, alpha, c_bar.as_view(), a, a));
        if let Some(a_bar) = a_bar.as_mut().filter(|_| !alpha.is_constant_zero()) {
            add_by_symmetric(of, operation, alpha.conjugate(), c_bar, a, a_bar);
        }
        scale_triangle_moving(triangle, beta.conjugate(), c_bar);
    }
}

/// What adds to the slot of a number.
pub(crate) fn to_slot<T: Scalar>(slot: Slot<'_, T>) -> impl FnOnce(&dyn Fn() -> T) {
    move |contribution| slot.add(contribution)
}

/// What adds to the slot of a real number.
pub(crate) fn to_real_slot<T: Scalar>(slot: Slot<'_, T::Real>) -> impl FnOnce(&dyn Fn() -> T) {
    move |contribution| slot.add(|| contribution().real())
}
