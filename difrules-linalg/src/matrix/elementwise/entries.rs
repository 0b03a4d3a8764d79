//! What is done to each entry.

use std::marker::PhantomData;

use difrules_core::__private::same;
use difrules_core::contract::Kept;
use difrules_core::{Cotangent, Scalar, Slot};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use super::formula::Formula;
use crate::block::{add_last, add_or_write, add_to, along, moved, numbers_mut, still};

/// The entries of an argument, and how far it is from one row, and from one column, to the next: nothing
/// where there is one for all.
pub(crate) struct Entries<'a, T> {
    entries: &'a [T],
    row_step: usize,
    column_step: usize,
}

impl<'a, T: Scalar> Entries<'a, T> {
    pub(crate) fn new<R: Dim, C: Dim>(matrix: &'a OMatrix<T, R, C>) -> Self
    where
        DefaultAllocator: Allocator<R, C>,
    {
        let (rows, columns) = matrix.shape();
        Self {
            entries: matrix.as_slice(),
            row_step: usize::from(rows != 1),
            column_step: if columns == 1 { 0 } else { rows },
        }
    }
}

/// Calls `f` with the number of each entry of a matrix of this shape, in order, and with the numbers in its
/// place.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "functions of arrays are more to compile")]
fn each<T: Scalar, const N: usize>(
    (rows, columns): (usize, usize),
    all: &[Entries<'_, T>; N],
    mut f: impl FnMut(usize, [T; N]),
) {
    let count = rows * columns;
    let mut x = [T::zero(); N];
    if all.iter().all(|one| one.entries.len() == count) {
        // The slices are known to be long enough, so that the loop has no branch.
        let mut slices: [&[T]; N] = [&[]; N];
        for n in 0..N {
            slices[n] = &all[n].entries[..count];
        }
        for k in 0..count {
            for n in 0..N {
                x[n] = slices[n][k];
            }
            f(k, x);
        }
        return;
    }
    for j in 0..columns {
        for i in 0..rows {
            for n in 0..N {
                let one = &all[n];
                x[n] = one.entries[j * one.column_step + i * one.row_step];
            }
            f(i + j * rows, x);
        }
    }
}

/// The partial derivatives of a function at each entry, a matrix for each of its numbers.
pub struct Slopes<F, X: 'static, const N: usize> {
    by: [Kept<X>; N],
    of: PhantomData<fn() -> F>,
}

/// The function of each entry.
#[inline(always)]
pub(crate) fn values<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    shape: (R, C),
    all: [Entries<'_, T>; N],
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = OMatrix::zeros_generic(shape.0, shape.1);
    let entries: &mut [T] = y.as_mut_slice();
    each((shape.0.value(), shape.1.value()), &all, |k, x| {
        entries[k] = same(F::value::<T::Real>(same(x)));
    });
    y
}

/// The function of each entry, and the slopes there.
#[inline(always)]
pub(crate) fn values_and_slopes<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    shape: (R, C),
    all: [Entries<'_, T>; N],
) -> (OMatrix<T, R, C>, Slopes<F, OMatrix<T, R, C>, N>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y = OMatrix::zeros_generic(shape.0, shape.1);
    let mut slopes: [OMatrix<T, R, C>; N] =
        std::array::from_fn(|_| OMatrix::zeros_generic(shape.0, shape.1));
    {
        let count = shape.0.value() * shape.1.value();
        let entries: &mut [T] = &mut y.as_mut_slice()[..count];
        let mut slopes = slopes.each_mut().map(|slopes| &mut slopes.as_mut_slice()[..count]);
        each((shape.0.value(), shape.1.value()), &all, |k, x| {
            let (value, by) = F::value_and_slopes::<T::Real>(same(x));
            let by: [T; N] = same(by);
            entries[k] = same(value);
            for n in 0..N {
                slopes[n][k] = if F::KNOWS_OFF { by[n] } else { moved(by[n]) };
            }
        });
    }
    (y, Slopes { by: slopes.map(Kept::new), of: PhantomData })
}

/// Panics if somebody asks for a derivative that nobody knows.
fn ask<F: Formula<N>, const N: usize>(argument: usize, varies: impl FnOnce() -> bool) {
    if let Err(unknown) = F::known(argument)
        && varies()
    {
        panic!("{unknown}");
    }
}

/// The tangent: the sum of the slopes times the tangents.
#[inline(always)]
pub(crate) fn push<T: Scalar, F: Formula<N>, R: Dim, C: Dim, const N: usize>(
    slopes: &Slopes<F, OMatrix<T, R, C>, N>,
    all: [Entries<'_, T>; N],
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    for (argument, tangents) in all.iter().enumerate() {
        ask::<F, N>(argument, || tangents.entries.iter().any(|x| !x.is_constant_zero()));
    }
    let slopes = &slopes.by;
    let shape = slopes[0].shape_generic();
    let mut y_dot = OMatrix::zeros_generic(shape.0, shape.1);
    let entries: &mut [T] = y_dot.as_mut_slice();
    each(slopes[0].shape(), &all, |k, x_dot| {
        let terms = slopes.iter().zip(x_dot);
        entries[k] =
            terms.fold(still(), |sum, (slopes, x_dot)| sum + along(slopes.as_slice()[k], x_dot));
    });
    y_dot
}

/// Adds the cotangent times the conjugate slope to an adjoint; over all places that one entry stands in.
pub(crate) fn pull<T: Scalar, F: Formula<N>, R: Dim, C: Dim, R1: Dim, C1: Dim, const N: usize>(
    argument: usize,
    slopes: &Slopes<F, OMatrix<T, R, C>, N>,
    y_bar: &mut Cotangent<'_, OMatrix<T, R, C>>,
    x_bar: Slot<'_, OMatrix<T, R1, C1>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R1, C1>,
{
    if !x_bar.is_wanted() {
        return;
    }
    ask::<F, N>(argument, || y_bar.iter().any(|y_bar| !y_bar.is_constant_zero()));
    let slopes = slopes.by[argument].as_slice();
    let ((rows, columns), y_bar) = (y_bar.shape(), numbers_mut(y_bar));
    if argument + 1 == N && x_bar.is_exchangeable() {
        // Nobody reads the cotangent after the last one.
        let slopes = &slopes[..y_bar.len()];
        return add_last(y_bar, x_bar, |k, y_bar| along(slopes[k].conjugate(), y_bar));
    }
    let Some((mut x_bar, untouched)) = x_bar.uncleared() else { return };
    let (shape, x_bar) = (x_bar.shape(), numbers_mut(&mut x_bar));
    if shape == (rows, columns) {
        let slopes = &slopes[..y_bar.len()];
        let term = |k: usize, y_bar| along(slopes[k].conjugate(), y_bar);
        return add_or_write(y_bar, (x_bar, untouched), term);
    }
    if untouched {
        x_bar.fill(T::zero());
    }
    for j in 0..columns {
        let column = j * rows..(j + 1) * rows;
        let (y_bar, slopes) = (&y_bar[column.clone()], &slopes[column]);
        let x_bar = if shape.1 == 1 { &mut *x_bar } else { &mut x_bar[j * shape.0..][..shape.0] };
        if let [x_bar] = x_bar {
            for (&y_bar, slope) in y_bar.iter().zip(slopes) {
                *x_bar += along(slope.conjugate(), y_bar);
            }
        } else {
            add_to(y_bar, x_bar, |i, y_bar| along(slopes[i].conjugate(), y_bar));
        }
    }
}
