use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, U1};

use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::svd::svd;
use crate::error::{Error, overflow};
use crate::sample;
use crate::singular::inverses;

/// The Moore-Penrose inverse A^+ of an A of any shape and rank, by its singular values: those below
/// the rounding of the largest, max(R, C) epsilon of it, count as zero.
///
/// It is discontinuous where the rank changes. The rules take it for constant: along a direction that
/// changes it there is no derivative, and the part of the direction that does is left out.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With Y = A^+, dY = -Y dA Y + Y Y^H dA^H (1 - A Y) + (1 - Y A) dA^H Y^H Y (Golub and Pereyra 1973,
/// "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
/// separate", eq. 4.12). So in the pairing Re tr(Y_bar^H dY),
/// A_bar = -Y^H Y_bar Y^H + (1 - A Y) Y_bar^H Y Y^H + Y^H Y Y_bar^H (1 - Y A).
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
    let svd = svd(a)?;
    let mut scaled = svd.u.clone();
    let inverses = inverses(&svd.singular_values, a.nrows().max(a.ncols()));
    for (mut column, &s) in scaled.column_iter_mut().zip(inverses.iter()) {
        column.apply(|x| *x = x.scale(s));
    }
    // A^+ = (U S^+ V^H)^H
    let mut adjoint = a.clone();
    let factors = ((block(&scaled), false), (block(&svd.v_t), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut adjoint));
    overflow("y", adjoint.iter())?;
    Ok(adjoint.adjoint())
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

fn pseudo_inverse_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, C, R>,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, C, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
{
    let (rows, columns) = a.shape_generic();
    // Y Y^H dA^H (1 - A Y) - Y dA Y = Y (Y^H dA^H - Y^H dA^H A Y - dA Y), from the right.
    let turned: OMatrix<T, R, R> = product((y, true), &a_dot.adjoint(), rows);
    let inside: OMatrix<T, R, C> = product((&turned, false), a, rows);
    let moved: OMatrix<T, R, R> = product((a_dot, false), y, rows);
    let first = &turned - product((&inside, false), y, rows) - moved;
    let mut y_dot: OMatrix<T, C, R> = product((y, false), &first, columns);
    // (1 - Y A) dA^H Y^H Y
    let squared: OMatrix<T, R, R> = product((y, true), y, rows);
    let last: OMatrix<T, C, R> = product((a_dot, true), &squared, columns);
    let along: OMatrix<T, R, R> = product((a, false), &last, rows);
    y_dot += &last - product((y, false), &along, columns);
    y_dot
}

fn pseudo_inverse_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OMatrix<T, C, R>,
    mut y_bar: Cotangent<'_, OMatrix<T, C, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (rows, columns) = a.shape_generic();
    let one = T::one();
    let y_bar = buffer(&mut y_bar);
    // Y^H Y_bar and Y_bar^H Y.
    let mut left = OMatrix::<T, R, R>::zeros_generic(rows, rows);
    let (y_block, bar) = (block(y), y_bar.as_view());
    multiply(one, (y_block, true), (bar, false), T::zero(), &mut block_mut(&mut left));
    let mut a_bar = buffer(&mut a_bar);
    multiply(-one, (block(&left), false), (y_block, true), one, &mut a_bar);
    // (1 - A Y) Y_bar^H Y Y^H, with Y_bar^H Y = (Y^H Y_bar)^H.
    let left: OMatrix<T, R, R> = left.adjoint();
    let inside: OMatrix<T, C, R> = product((y, false), &left, columns);
    let outside: OMatrix<T, R, R> = &left - product((a, false), &inside, rows);
    multiply(one, (block(&outside), false), (y_block, true), one, &mut a_bar);
    // Y^H (Y Y_bar^H) (1 - Y A)
    let mut right = OMatrix::<T, C, C>::zeros_generic(columns, columns);
    multiply(one, (bar, false), (y_block, true), T::zero(), &mut block_mut(&mut right));
    let right: OMatrix<T, C, C> = right.adjoint();
    let inside: OMatrix<T, C, R> = product((&right, false), y, columns);
    let outside: OMatrix<T, C, C> = &right - product((&inside, false), a, columns);
    multiply(one, (y_block, true), (block(&outside), false), one, &mut a_bar);
}
