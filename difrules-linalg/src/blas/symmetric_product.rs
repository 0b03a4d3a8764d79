//! The rules of products with symmetric and Hermitian matrices: of `symm`, `hemm`, `symv` and `hemv`.

use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use crate::blas::blocked::{Stored, Symmetry, add_moving, conjugated, sum_with_product};
use crate::blas::gemm::add_by_factor;
use crate::blas::hemm::hemm;
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::strong::{
    Moving, Resting, add_stored_strongly, column_rests, has_part, is_bounded, row_rests,
};
use crate::blas::symm::symm;
use crate::block::{
    FIT, along_factor, block_mut, chain, is_still, kept, pairing_by, rests, scale_by, scale_moving,
    still,
};
use crate::error::{Error, shape, square};

/// The arguments of C <- alpha A B + beta C or alpha B A + beta C.
pub(crate) struct SymmetricProduct<'a, T: Scalar> {
    pub(crate) side: Side,
    pub(crate) stored: Stored<'a, T>,
    pub(crate) alpha: T,
    pub(crate) b: DMatrixView<'a, T>,
    pub(crate) beta: T,
}

/// The adjoints of the arguments that are wanted.
pub(crate) struct SymmetricSlots<'a, 'b, 'c, T: Scalar> {
    pub(crate) alpha: Slot<'a, T>,
    pub(crate) a: Option<DMatrixViewMut<'b, T>>,
    pub(crate) b: Option<DMatrixViewMut<'b, T>>,
    pub(crate) beta: Slot<'c, T>,
}

/// Demands that the shapes fit.
pub(crate) fn fits(
    side: Side,
    a: (usize, usize),
    (name_b, b): (&'static str, (usize, usize)),
    (name_c, c): (&'static str, (usize, usize)),
) -> Result<(), Error> {
    let size = square("a", a)?;
    let wanted = if side == Side::Left { (size, b.1) } else { (b.0, size) };
    shape(name_b, b, wanted)?;
    shape(name_c, c, b)
}

/// C <- alpha A B + C or alpha B A + C, in any mode, where A is what moves, or B is, or none of them.
pub(crate) fn add<T: Scalar>(
    side: Side,
    stored: Stored<'_, T>,
    moving: Option<Moving>,
    alpha: T,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    if moving.is_some_and(|moving| add_stored_strongly(side, stored, moving, alpha, b, c)) {
        return;
    }
    let Stored { triangle, symmetry, a, .. } = stored;
    let added = match symmetry {
        Symmetry::Hermitian => hemm(side, triangle, alpha, &a, &b, T::one(), c),
        _ => symm(side, triangle, alpha, &a, &b, T::one(), c),
    };
    added.expect(FIT);
}

impl<T: Scalar> SymmetricProduct<'_, T> {
    /// The value.
    pub(crate) fn compute(&self, c: &mut DMatrixViewMut<'_, T>) {
        scale_by(self.beta, c);
        if !self.alpha.is_constant_zero() {
            self.stored.add_product(self.side, self.alpha, self.b, c);
        }
    }

    /// The forward rule: turns the tangent of C into that of the new C.
    pub(crate) fn push(
        &self,
        c: Option<DMatrixView<'_, T>>,
        (alpha_dot, a_dot, b_dot, beta_dot): (
            T,
            Option<DMatrixView<'_, T>>,
            Option<DMatrixView<'_, T>>,
            T,
        ),
        c_dot: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, stored, alpha, b, beta } = *self;
        let resting = Resting::of(beta, &c_dot.as_view());
        scale_moving(beta, c_dot);
        if let Some(a) = a_dot.filter(|a_dot| has_part(a_dot, &b)) {
            add(side, Stored { a, ..stored }, Some(Moving::First), alpha, b, c_dot);
        }
        if let Some(b_dot) = b_dot.filter(|b_dot| has_part(b_dot, &stored.a)) {
            add(side, stored, Some(Moving::Second), alpha, b_dot, c_dot);
        }
        if !alpha_dot.is_constant_zero() {
            add(side, stored, None, alpha_dot, b, c_dot);
        }
        add_by_factor(beta_dot, c, c_dot);
        let alone = rests(&[alpha_dot, beta_dot]);
        let symmetric = |i: usize| {
            let entries =
                |a| (0..stored.a.nrows()).filter_map(move |k| Stored { a, ..stored }.entry(i, k));
            a_dot.is_none_or(|a_dot| entries(a_dot).all(|x| is_still(&x)))
        };
        let (row, column) = (
            |i| row_rests(Operation::None, b_dot.as_ref(), i),
            |j| column_rests(Operation::None, b_dot.as_ref(), j),
        );
        match side {
            Side::Left => resting.keep(|i| alone && symmetric(i), column, c_dot),
            Side::Right => resting.keep(|i| alone && row(i), symmetric, c_dot),
        }
    }

    /// The reverse rule: adds to the adjoints and turns that of the new C into that of C.
    pub(crate) fn pull(
        &self,
        c: Option<DMatrixView<'_, T>>,
        slots: SymmetricSlots<'_, '_, '_, T>,
        c_bar: &mut DMatrixViewMut<'_, T>,
    ) {
        let Self { side, stored, alpha, b, beta } = *self;
        let hermitian = stored.symmetry == Symmetry::Hermitian;
        if let Some(c) = c {
            slots.beta.add(|| pairing_by(beta, c_bar, &c));
        }
        slots.alpha.add(|| self.by_alpha(c_bar.as_view()));
        if let Some(mut a_bar) = slots.a.filter(|_| !alpha.is_constant_zero()) {
            let (first, second) = factors(side, c_bar.as_view(), b);
            let in_first = Moving::First.seen_from(side);
            let in_second = in_first.other();
            let (strict, general) =
                ((stored.triangle, Diagonal::Unit), (stored.triangle, Diagonal::General));
            if hermitian {
                add_moving(strict, alpha.conjugate(), first.0, first.1, in_first, &mut a_bar);
                add_moving(strict, alpha, second.0, second.1, in_second, &mut a_bar);
                for i in 0..a_bar.nrows() {
                    let sum = on_diagonal(side, c_bar.as_view(), b, i);
                    a_bar[(i, i)] +=
                        kept(sum, |sum| T::from_real((alpha.conjugate() * sum).real()));
                }
            } else {
                add_moving(general, alpha.conjugate(), first.0, first.1, in_first, &mut a_bar);
                conjugated(&mut a_bar, |a_bar| {
                    add_moving(strict, alpha, second.0, second.1, in_second, a_bar);
                });
            }
        }
        if let Some(mut b_bar) = slots.b {
            if hermitian {
                let (alpha, moving) = (alpha.conjugate(), Some(Moving::Second));
                add(side, stored, moving, alpha, c_bar.as_view(), &mut b_bar);
            } else {
                // conj(alpha) conj(A) C_bar is the conjugate of alpha A conj(C_bar).
                conjugated(c_bar, |c_bar| {
                    conjugated(&mut b_bar, |b_bar| {
                        let moving = Some(Moving::Second);
                        add(side, stored, moving, alpha, c_bar.as_view(), b_bar);
                    });
                });
            }
        }
        scale_moving(beta.conjugate(), c_bar);
    }

    /// The pairing of C_bar with A B: a sum over the triangle of A with that of G = C_bar B^H and the other one.
    fn by_alpha(&self, c_bar: DMatrixView<'_, T>) -> T {
        let Self { side, stored, b, .. } = *self;
        let Stored { triangle, symmetry, a, .. } = stored;
        if !is_bounded(&a) || !is_bounded(&b) {
            // With regard to what does not move: A B itself.
            let mut product = DMatrix::zeros(b.nrows(), b.ncols());
            add(side, stored, None, T::one(), b, &mut block_mut(&mut product));
            return pairing_by(self.alpha, &c_bar, &product);
        }
        let (first, second) = factors(side, c_bar, b);
        let (strict, general) = ((triangle, Diagonal::Unit), (triangle, Diagonal::General));
        let with = |part, (p, q), term: fn(T, T) -> T| sum_with_product(Some(part), a, p, q, term);
        // conj(A_ij) G_ij, and conj(A_ji) G_ji with G_ji the conjugate of what the second product has.
        let by_first = |a: T, g: T| chain(g, a.conjugate());
        if symmetry != Symmetry::Hermitian {
            let by_second = |a: T, g: T| chain(g.conjugate(), a.conjugate());
            return with(general, first, by_first) + with(strict, second, by_second);
        }
        let by_second = |a: T, g: T| chain(g.conjugate(), a);
        let sum = with(strict, first, by_first) + with(strict, second, by_second);
        (0..a.nrows()).fold(sum, |sum, i| {
            sum + chain(on_diagonal(side, c_bar, b, i), T::from_real(a[(i, i)].real()))
        })
    }
}

/// The factors of G = C_bar B^H, or B^H C_bar, and of G^H.
fn factors<'a, T: Scalar>(
    side: Side,
    c_bar: DMatrixView<'a, T>,
    b: DMatrixView<'a, T>,
) -> (
    ((Operation, DMatrixView<'a, T>), (Operation, DMatrixView<'a, T>)),
    ((Operation, DMatrixView<'a, T>), (Operation, DMatrixView<'a, T>)),
) {
    let (plain, adjoint) = (Operation::None, Operation::Adjoint);
    match side {
        Side::Left => (((plain, c_bar), (adjoint, b)), ((plain, b), (adjoint, c_bar))),
        Side::Right => (((adjoint, b), (plain, c_bar)), ((adjoint, c_bar), (plain, b))),
    }
}

/// An entry on the diagonal of G.
fn on_diagonal<T: Scalar>(
    side: Side,
    c_bar: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    i: usize,
) -> T {
    let place = |k| if side == Side::Left { (i, k) } else { (k, i) };
    let count = if side == Side::Left { b.ncols() } else { b.nrows() };
    (0..count)
        .fold(still(), |sum: T, k| sum + along_factor(c_bar[place(k)], b[place(k)].conjugate()))
}

pub(crate) type Sample<T> = (Side, Triangle, T, DMatrix<T>, DMatrix<T>, T, DMatrix<T>);

pub(crate) fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let side = random.choose(&[Side::Left, Side::Right]);
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let (size, others) = (random.choose(&[0, 1, 3, 6]), random.size(0, 5));
    let (rows, columns) = if side == Side::Left { (size, others) } else { (others, size) };
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, b) = (random.matrix(size, size), random.matrix(rows, columns));
    (side, triangle, alpha, a, b, beta, random.matrix(rows, columns))
}
