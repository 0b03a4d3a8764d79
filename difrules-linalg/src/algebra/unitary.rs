//! What decompositions by unitary factors return, from the reflections of [`householder`](crate::algebra::householder) and
//! the iterations of [`implicit_qr`](crate::algebra::implicit_qr), in memory of the factors' own shapes.

use difrules_core::{Differentiable, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::householder::{
    eliminate, form, swap_back, to_bidiagonal, to_hessenberg, to_triangular, to_tridiagonal,
};
use crate::algebra::implicit_qr::diagonalise_bidiagonal;
use crate::algebra::reduction::rescaled;
use crate::algebra::scaling::binade;
use crate::algebra::weighted::{has_graded_columns, has_graded_rows};
#[cfg(feature = "faer")]
use crate::algebra::with_faer;
#[cfg(feature = "faer")]
use crate::block::transposed;
use crate::block::{block, block_mut, workspace};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, overflow};

/// Q and R of A P = Q R, with a diagonal of R that is not negative. Where `order` is given it begins as that of
/// the columns of A and becomes that of A P, of which each step takes the column with the largest entry of what
/// is left.
///
/// Each column is scaled by a power of two of its own, which Q does not depend on.
///
/// # Errors
/// [`Error::Overflow`].
#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
pub(crate) fn qr_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    mut order: Option<&mut [usize]>,
) -> Result<(OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>), Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>,
{
    let (rows, columns) = a.shape_generic();
    let size = rows.min(columns);
    let mut packed = a.copied();
    let high = rows.value();
    let scale = |j: usize| binade(&a.as_slice()[j * high..(j + 1) * high]);
    for j in 0..columns.value() {
        let scale = scale(j);
        let column = &mut packed.as_mut_slice()[j * high..(j + 1) * high];
        column.iter_mut().for_each(|x| *x = x.unscale(scale));
    }
    let mut taus = OVector::<T, DimMinimum<R, C>>::zeros_generic(size, U1);
    let mut swaps = OVector::<usize, DimMinimum<R, C>>::zeros_generic(size, U1);
    if order.is_none() {
        to_triangular(&mut block_mut(&mut packed), taus.as_mut_slice(), swaps.as_mut_slice());
    }
    if let Some(order) = order.as_deref_mut() {
        let largest = binade(a.iter());
        for k in 0..size.value() {
            let left = |j: usize| {
                let sizes = packed.column(j).rows_range(k..).iter().fold(
                    nalgebra::zero(),
                    |most: T::Real, x| {
                        let size = x.norm1();
                        if size > most { size } else { most }
                    },
                );
                sizes * (scale(order[j]) / largest)
            };
            let mut found = (k, left(k));
            for j in k + 1..columns.value() {
                let size = left(j);
                if size > found.1 {
                    found = (j, size);
                }
            }
            order.swap(k, found.0);
            packed.swap_columns(k, found.0);
            (taus[k], swaps[k]) = eliminate(&mut block_mut(&mut packed), k);
        }
    }
    let mut q = OMatrix::zeros_generic(rows, size);
    form(block(&packed), taus.as_slice(), 0, &mut block_mut(&mut q));
    swap_back(swaps.as_slice(), 0, &mut block_mut(&mut q));
    // The signs of the rows of R, which Q has too.
    for (i, sign) in taus.iter_mut().enumerate() {
        let negative = packed[(i, i)].real() < nalgebra::zero();
        *sign = if negative { -T::one() } else { T::one() };
        if negative {
            q.column_mut(i).neg_mut();
        }
    }
    let mut r = OMatrix::zeros_generic(size, columns);
    for j in 0..columns.value() {
        let scale = scale(order.as_deref().map_or(j, |order| order[j]));
        let column = &mut r.as_mut_slice()[j * size.value()..(j + 1) * size.value()];
        let packed = &packed.as_slice()[j * high..(j + 1) * high];
        let entries = column.iter_mut().zip(packed).zip(taus.as_slice()).take(j + 1);
        entries.for_each(|((r, &entry), &sign)| *r = entry.scale(scale).scale(sign.real()));
    }
    overflow("r", r.as_slice())?;
    Ok((q, r))
}

/// Q and H of A = Q H Q^H, with a subdiagonal of H that is real and not negative, and the first column of Q
/// that of the identity; and what H has to be multiplied by.
pub(crate) fn hessenberg_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>, T::Real)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let (mut h, scale) = rescaled(a);
    let (size, _) = a.shape_generic();
    let mut q = OMatrix::identity_generic(size, size);
    if a.is_empty() {
        return (q, h, scale);
    }
    let mut taus = OVector::<T, DimDiff<D, U1>>::zeros_generic(size.sub(U1), U1);
    let mut swaps = OVector::<usize, DimDiff<D, U1>>::zeros_generic(size.sub(U1), U1);
    let mut memory = OVector::<T, D>::zeros_generic(size, U1);
    to_hessenberg(
        &mut block_mut(&mut h),
        taus.as_mut_slice(),
        swaps.as_mut_slice(),
        memory.as_mut_slice(),
    );
    form(block(&h), taus.as_slice(), 1, &mut block_mut(&mut q));
    swap_back(swaps.as_slice(), 1, &mut block_mut(&mut q));
    h.fill_lower_triangle(T::zero(), 2);
    for k in 1..a.nrows() {
        if h[(k, k - 1)].real() < nalgebra::zero() {
            q.column_mut(k).neg_mut();
            h.column_mut(k).neg_mut();
            h.row_mut(k).neg_mut();
        }
    }
    (q, h, scale)
}

/// Q, the diagonal and what is beside it, not negative, of A = Q T Q^H for a Hermitian A, of which the lower
/// triangle is read; and what T has to be multiplied by. The first column of Q is that of the identity.
#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
pub(crate) fn tridiagonal_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OVector<T::Real, D>, OVector<T::Real, DimDiff<D, U1>>, T::Real)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let mut lower = a.copied();
    lower.fill_upper_triangle(T::zero(), 1);
    let (mut lower, scale) = rescaled(&lower);
    let (size, _) = a.shape_generic();
    let less = size.sub(U1);
    let mut q = OMatrix::identity_generic(size, size);
    let mut diagonal = OVector::zeros_generic(size, U1);
    let mut off_diagonal = OVector::<T::Real, DimDiff<D, U1>>::zeros_generic(less, U1);
    let mut taus = OVector::<T, DimDiff<D, U1>>::zeros_generic(less, U1);
    let mut swaps = OVector::<usize, DimDiff<D, U1>>::zeros_generic(less, U1);
    let mut memory = OVector::<T, D>::zeros_generic(size, U1);
    to_tridiagonal(
        &mut block_mut(&mut lower),
        taus.as_mut_slice(),
        swaps.as_mut_slice(),
        diagonal.as_mut_slice(),
        off_diagonal.as_mut_slice(),
        memory.as_mut_slice(),
    );
    form(block(&lower), taus.as_slice(), 1, &mut block_mut(&mut q));
    swap_back(swaps.as_slice(), 1, &mut block_mut(&mut q));
    let mut negative = false;
    for (k, x) in off_diagonal.iter_mut().enumerate() {
        negative ^= *x < nalgebra::zero();
        *x = ComplexField::abs(*x);
        if negative {
            q.column_mut(k + 1).neg_mut();
        }
    }
    (q, diagonal, off_diagonal, scale)
}

/// The factors of A = U B V^H, or of A = U diag(s) V^H.
pub(crate) struct TwoSided<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    pub(crate) u: OMatrix<T, R, DimMinimum<R, C>>,
    pub(crate) diagonal: OVector<T::Real, DimMinimum<R, C>>,
    /// Of B alone.
    pub(crate) off_diagonal: OVector<T::Real, DimDiff<DimMinimum<R, C>, U1>>,
    pub(crate) v_t: OMatrix<T, DimMinimum<R, C>, C>,
}

/// The factors of A = U B V^H, which is not empty, with an upper bidiagonal B of numbers that are not negative
/// and the first column of V that of the identity, for a wide A those of A^H; or if `diagonalise` the singular
/// value decomposition, in decreasing order, whose vectors keep what is small in them where rows have sizes of their own, or
/// columns.
///
/// # Errors
/// [`Error::NoConvergence`].
pub(crate) fn two_sided<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    diagonalise: bool,
) -> Result<TwoSided<T, R, C>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let (rows, columns) = a.shape_generic();
    let size = rows.min(columns);
    let less = size.sub(U1);
    // A, or A^H if that is the tall one, in the memory of A.
    let tall = (rows.value().max(columns.value()), size.value());
    let (scaled, scale) = rescaled(a);
    #[cfg(feature = "faer")]
    if diagonalise && let Some((u, values, v)) = with_faer::singular_values(&scaled) {
        let off_diagonal = OVector::zeros_generic(less, U1);
        let v_t = transposed(v.as_slice(), (columns, size), T::conjugate);
        return Ok(TwoSided { u, diagonal: values * scale, off_diagonal, v_t });
    }
    // Reflections take large rows before small ones, and so are those of A^H where it is columns that are large and small.
    let by_columns = || has_graded_columns(a) && !has_graded_rows(a);
    let wide = rows.value() < columns.value()
        || diagonalise && rows.value() == columns.value() && by_columns();
    let mut memory = scaled.copied();
    if wide {
        workspace(&mut memory, tall).tr_copy_from(&block(&scaled));
        memory.conjugate_mut();
    }
    let zeros = || OVector::zeros_generic(size, U1);
    let square = || OMatrix::<T, DimMinimum<R, C>, DimMinimum<R, C>>::zeros_generic(size, size);
    let (mut diagonal, mut taus): (OVector<T::Real, DimMinimum<R, C>>, _) =
        (OVector::zeros_generic(size, U1), zeros());
    let mut off_diagonal = OVector::<T::Real, _>::zeros_generic(less, U1);
    let mut right_taus = OVector::<T, _>::zeros_generic(less, U1);
    let mut swaps = OVector::<usize, DimMinimum<R, C>>::zeros_generic(size, U1);
    let mut right_swaps = OVector::<usize, _>::zeros_generic(less, U1);
    let (mut vectors, mut v) = (square(), square());
    let (mut by_row, mut by_column) =
        (OVector::<T, R>::zeros_generic(rows, U1), OVector::<T, C>::zeros_generic(columns, U1));
    to_bidiagonal(
        &mut workspace(&mut memory, tall),
        (taus.as_mut_slice(), swaps.as_mut_slice()),
        &mut block_mut(&mut vectors),
        (right_taus.as_mut_slice(), right_swaps.as_mut_slice()),
        diagonal.as_mut_slice(),
        off_diagonal.as_mut_slice(),
        if wide { by_column.as_mut_slice() } else { by_row.as_mut_slice() },
    );
    let mut u = OMatrix::<T, R, DimMinimum<R, C>>::zeros_generic(rows, size);
    let mut v_t = OMatrix::<T, DimMinimum<R, C>, C>::zeros_generic(size, columns);
    let mut long = if wide { workspace(&mut v_t, tall) } else { block_mut(&mut u) };
    form(workspace(&mut memory, tall).as_view(), taus.as_slice(), 0, &mut long);
    swap_back(swaps.as_slice(), 0, &mut long);
    form(block(&vectors), right_taus.as_slice(), 1, &mut block_mut(&mut v));
    swap_back(right_swaps.as_slice(), 1, &mut block_mut(&mut v));
    let (d, e) = (diagonal.as_mut_slice(), off_diagonal.as_mut_slice());
    if diagonalise {
        diagonalise_bidiagonal(d, e, &mut long, &mut block_mut(&mut v))?;
    } else {
        // The signs of a row of B go to U, those of a column to V.
        let mut negative = false;
        for k in 0..size.value() {
            negative ^= d[k] < nalgebra::zero();
            d[k] = ComplexField::abs(d[k]);
            if negative {
                long.column_mut(k).neg_mut();
            }
            if k + 1 < size.value() {
                negative ^= e[k] < nalgebra::zero();
                e[k] = ComplexField::abs(e[k]);
                if negative {
                    v.column_mut(k + 1).neg_mut();
                }
            }
        }
    }
    if wide {
        block_mut(&mut u).copy_from(&block(&v));
        memory.as_mut_slice().copy_from_slice(v_t.as_slice());
        block_mut(&mut v_t).tr_copy_from(&workspace(&mut memory, tall));
    } else {
        block_mut(&mut v_t).tr_copy_from(&block(&v));
    }
    v_t.conjugate_mut();
    diagonal *= scale;
    off_diagonal *= scale;
    Ok(TwoSided { u, diagonal, off_diagonal, v_t })
}
