use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, U1};

use crate::blas::trsm::Side;
use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::svd::{Svd, svd};
use crate::error::{Error, overflow};
use crate::rank::Ranges;
use crate::sample;
use crate::spectral::size_of;
use crate::tolerance::{Gap, gap_of, plain};

/// The Moore-Penrose inverse A^+ of an A of any shape and rank, by its singular values: those below
/// the rounding of the largest, max(R, C) epsilon of it, count as zero.
///
/// It is discontinuous where the rank changes: where it is less than R and C there is no derivative along a
/// direction that changes it, nor by an entry that does. That is NaN and [reported](difrules_core::report).
/// [Left out](difrules_core::leaving_out_undefined) it is what is right as long as the rank is constant, as for a
/// product of two factors of fewer columns and rows.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With Y = A^+, dY = -Y dA Y + Y Y^H dA^H (1 - A Y) + (1 - Y A) dA^H Y^H Y (Golub and Pereyra 1973,
/// "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
/// separate", eq. 4.12). So in the pairing Re tr(Y_bar^H dY),
/// A_bar = -Y^H Y_bar Y^H + (1 - A Y) Y_bar^H Y Y^H + Y^H Y Y_bar^H (1 - Y A). Of a full rank one of the last two
/// is zero, or both; 1 - A Y and 1 - Y A are 1 - U U^H and 1 - V V^H, of which less is rounding. A direction of which (1 - A Y) dA (1 - Y A) is not zero changes the rank: `src/rank.rs`.
///
/// ```
/// use difrules_linalg::pseudo_inverse;
/// use nalgebra::dmatrix;
///
/// let y = pseudo_inverse(&dmatrix![2.0_f64, 0.0; 0.0, 0.0; 0.0, 0.0])?;
/// assert!((y - dmatrix![0.5, 0.0, 0.0; 0.0, 0.0, 0.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = pseudo_inverse_forward,
    reverse = pseudo_inverse_reverse,
    saves = pseudo_inverse_and_factors -> Svd<T, R, C>,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn pseudo_inverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, C, R>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, R>
        + Allocator<C, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    pseudo_inverse_and_factors(a).map(|(y, _)| y)
}

/// The factors with zeros for the singular values that count as zero.
#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn pseudo_inverse_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, C, R>, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, R>
        + Allocator<C, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    let kept = |mut svd: Svd<T, R, C>| {
        let size = size_of(svd.singular_values.as_slice());
        let count = a.nrows().max(a.ncols());
        let is_zero = |s: T::Real| gap_of::<T::Real>(s.to_f64(), size, count) == Gap::Nothing;
        svd.singular_values.apply(|s| *s = if is_zero(*s) { nalgebra::zero() } else { *s });
        svd
    };
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((pseudo_inverse(a)?, kept(svd(&a.map(plain))?)));
    }
    let svd = kept(svd(a)?);
    let mut scaled = svd.u.clone();
    for (mut column, &s) in scaled.column_iter_mut().zip(svd.singular_values.iter()) {
        column.apply(|x| *x = if s == nalgebra::zero() { T::zero() } else { x.unscale(s) });
    }
    // A^+ = (U S^+ V^H)^H
    let mut adjoint = a.clone();
    let factors = ((block(&scaled), false), (block(&svd.v_t), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut adjoint));
    overflow("y", adjoint.iter())?;
    Ok((adjoint.adjoint(), svd))
}

/// The vectors of the singular values that are not zero.
fn ranges<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> Ranges<T>
where
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let values = svd.singular_values.as_slice();
    let rank = values.iter().take_while(|&&s| s > nalgebra::zero()).count();
    let condition = if rank == 0 { 1.0 } else { values[0].to_f64() / values[rank - 1].to_f64() };
    Ranges::new(
        block(&svd.u).columns(0, rank).into_owned(),
        block(&svd.v_t).rows(0, rank).into_owned(),
        condition,
    )
}

/// A B, or A^H B.
fn product<T: Scalar, R: Dim, K: Dim, C: Dim, RA: Dim, CA: Dim>(
    (a, adjoint): (&OMatrix<T, RA, CA>, bool),
    b: &OMatrix<T, K, C>,
    rows: R,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<RA, CA> + Allocator<K, C> + Allocator<R, C>,
{
    let mut product = OMatrix::zeros_generic(rows, b.shape_generic().1);
    let factors = ((block(a), adjoint), (block(b), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    product
}

/// A matrix of this shape.
fn owned<T: Scalar, R: Dim, C: Dim>(like: &OMatrix<T, R, C>, m: DMatrix<T>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = like.shape_generic();
    OMatrix::from_fn_generic(rows, columns, |i, j| m[(i, j)])
}

fn pseudo_inverse_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, C, R>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, R>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let (rows, columns) = a.shape_generic();
    let (ranges, plain) = (ranges(svd), <T::Real as Real>::BASE);
    let inside: OMatrix<T, C, C> = product((y, false), a_dot, columns);
    let mut y_dot: OMatrix<T, C, R> = product((&-&inside, false), y, columns);
    if ranges.rank() < rows.value() {
        // Y Y^H dA^H (1 - A Y)
        let moved: OMatrix<T, R, R> = product((a_dot, false), y, rows);
        let mut first: OMatrix<T, C, R> = product((y, false), &moved.adjoint(), columns);
        if plain {
            first = owned(&first, ranges.outside_u(Side::Right, block(&first)));
        } else {
            let along: OMatrix<T, C, C> = product((&first, false), a, columns);
            first -= product((&along, false), y, columns);
        }
        y_dot += first;
    }
    if ranges.rank() < columns.value() {
        // (1 - Y A) dA^H Y^H Y
        let mut last: OMatrix<T, C, R> = product((&inside, true), y, columns);
        if plain {
            last = owned(&last, ranges.outside_v(Side::Left, block(&last)));
        } else {
            let along: OMatrix<T, R, R> = product((a, false), &last, rows);
            last -= product((y, false), &along, columns);
        }
        y_dot += last;
    }
    ranges.along("pseudo_inverse", block(a_dot), &mut block_mut(&mut y_dot));
    y_dot
}

fn pseudo_inverse_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, C, R>,
    svd: &Svd<T, R, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, R>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (rows, columns) = a.shape_generic();
    let (ranges, plain, one) = (ranges(svd), <T::Real as Real>::BASE, T::one());
    let y_bar = buffer(&mut y_bar);
    // Y^H Y_bar and Y_bar^H Y.
    let mut left = OMatrix::<T, R, R>::zeros_generic(rows, rows);
    let (y_block, bar) = (block(y), y_bar.as_view());
    multiply(one, (y_block, true), (bar, false), T::zero(), &mut block_mut(&mut left));
    let mut a_bar = buffer(&mut a_bar);
    multiply(-one, (block(&left), false), (y_block, true), one, &mut a_bar);
    if ranges.rank() < rows.value() {
        // (1 - A Y) Y_bar^H Y Y^H, with Y_bar^H Y = (Y^H Y_bar)^H.
        let mut left: OMatrix<T, R, R> = left.adjoint();
        if plain {
            left = owned(&left, ranges.outside_u(Side::Left, block(&left)));
        } else {
            let inside: OMatrix<T, C, R> = product((y, false), &left, columns);
            left -= product((a, false), &inside, rows);
        }
        multiply(one, (block(&left), false), (y_block, true), one, &mut a_bar);
    }
    if ranges.rank() < columns.value() {
        // Y^H (Y Y_bar^H) (1 - Y A)
        let mut right = OMatrix::<T, C, C>::zeros_generic(columns, columns);
        multiply(one, (bar, false), (y_block, true), T::zero(), &mut block_mut(&mut right));
        let mut right: OMatrix<T, C, C> = right.adjoint();
        if plain {
            right = owned(&right, ranges.outside_v(Side::Right, block(&right)));
        } else {
            let inside: OMatrix<T, C, R> = product((&right, false), y, columns);
            right -= product((&inside, false), a, columns);
        }
        multiply(one, (y_block, true), (block(&right), false), one, &mut a_bar);
    }
    if y_bar.iter().any(|x| x.modulus().to_f64() != 0.0) {
        ranges.by_entries("pseudo_inverse", &mut a_bar);
    }
}
