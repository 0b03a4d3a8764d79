use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, U1};

use crate::algebra::hermitian_eigen::size_of;
use crate::algebra::rank::{Ranges, condition_of_ranges};
use crate::algebra::scaling::{of_smaller_rows, sizes_of_columns, sizes_of_rows};
use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, overflow};
use crate::sample;
use crate::tolerance::{Gap, asks, gap_of, plain};

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
/// is zero, or both; 1 - A Y and 1 - Y A are 1 - U U^H and 1 - V V^H, of which less is rounding. A direction of which (1 - A Y) dA (1 - Y A) is not zero changes the rank: `src/algebra/rank.rs`.
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
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
{
    pseudo_inverse_and_factors(a).map(|(y, _)| y)
}

/// The factors with zeros for the singular values that count as zero, and their vectors.
#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn pseudo_inverse_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, C, R>, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, R> + Allocator<R, R> + Allocator<C, C>,
{
    let kept = |mut svd: Svd<T, R, C>| {
        let size = size_of(svd.singular_values.as_slice());
        let count = a.nrows().max(a.ncols());
        let is_zero = |s: T::Real| gap_of::<T::Real>(s.to_f64(), size, count) == Gap::Nothing;
        for k in 0..svd.singular_values.len() {
            if is_zero(svd.singular_values[k]) {
                svd.u.column_mut(k).fill(T::zero());
                svd.v_t.row_mut(k).fill(T::zero());
                svd.singular_values[k] = nalgebra::zero();
            }
        }
        svd
    };
    let told = |svd: Svd<T, R, C>| {
        jumps("pseudo_inverse", lacks_rank(&svd));
        svd
    };
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((pseudo_inverse(a)?, told(kept(svd(&a.map(plain))?))));
    }
    let svd = kept(svd(a)?);
    let mut scaled = svd.u.copied();
    for (mut column, &s) in scaled.column_iter_mut().zip(svd.singular_values.iter()) {
        column.apply(|x| *x = if s == nalgebra::zero() { T::zero() } else { x.unscale(s) });
    }
    // A^+ = (U S^+ V^H)^H
    let mut adjoint = a.copied();
    let factors = ((block(&scaled), false), (block(&svd.v_t), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut adjoint));
    overflow("y", adjoint.as_slice())?;
    Ok((adjoint.adjoint(), told(svd)))
}

fn rank<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> usize
where
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    svd.singular_values.iter().take_while(|&&s| s > nalgebra::zero()).count()
}

/// Whether the rank is less than it may be.
fn lacks_rank<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> bool
where
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    rank(svd) < svd.singular_values.len()
}

/// The vectors of the singular values that are not zero.
fn ranges<T: Scalar, R: DimMin<C>, C: Dim>(a: &OMatrix<T, R, C>, svd: &Svd<T, R, C>) -> Ranges<T>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let rank = rank(svd);
    Ranges::new(
        block(&svd.u).columns(0, rank).into_owned(),
        block(&svd.v_t).rows(0, rank).into_owned(),
        condition_of_ranges(block(a), rank),
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

/// A Y, or Y A as A^H Y^H with the sizes of the rows of A or A^H: the value is U U^H and V V^H, of which less is rounding.
fn onto<T: Scalar, R: Dim>(
    vectors: (DMatrixView<'_, T>, bool),
    (product, sizes): ([(DMatrixView<'_, T>, bool); 2], impl FnOnce() -> Vec<f64>),
    size: R,
) -> OMatrix<T, R, R>
where
    DefaultAllocator: Allocator<R, R>,
{
    let (one, zero) = (T::one(), T::zero());
    let mut onto = OMatrix::zeros_generic(size, size);
    if !<T::Real as Real>::BASE {
        multiply(one, product[0], product[1], zero, &mut block_mut(&mut onto));
        onto = of_smaller_rows(&sizes(), &onto);
        onto.apply(|x| *x -= plain(*x));
    }
    let (first, second) = ((vectors.0, vectors.1), (vectors.0, !vectors.1));
    multiply(one, first, second, one, &mut block_mut(&mut onto));
    onto
}

/// Takes off what a projection leaves of the columns of X, or else of its rows; and again of what that leaves, as the
/// rounding within the range is multiplied by the inverse of A twice.
fn take_off<T: Scalar, R: Dim, C: Dim, D: Dim>(
    onto: &OMatrix<T, D, D>,
    columns: bool,
    x: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    for _ in 0..2 {
        let before = x.copied();
        let (onto, before) = ((block(onto), false), (block(&before), false));
        let (first, second) = if columns { (onto, before) } else { (before, onto) };
        multiply(-T::one(), first, second, T::one(), &mut block_mut(x));
    }
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
    let rank = rank(svd);
    let inside: OMatrix<T, C, C> = product((y, false), a_dot, columns);
    let mut y_dot: OMatrix<T, C, R> = product((&-&inside, false), y, columns);
    if rank < rows.value() {
        // Y Y^H dA^H (1 - A Y)
        let onto_u = onto(
            (block(&svd.u), false),
            ([(block(a), false), (block(y), false)], || sizes_of_rows(a)),
            rows,
        );
        let mut outside = a_dot.copied();
        take_off(&onto_u, true, &mut outside);
        let moved: OMatrix<T, R, R> = product((&outside, false), y, rows);
        let first: OMatrix<T, C, R> = product((y, false), &moved.adjoint(), columns);
        y_dot += first;
    }
    if rank < columns.value() {
        // (1 - Y A) dA^H Y^H Y
        let onto_v = onto(
            (block(&svd.v_t), true),
            ([(block(a), true), (block(y), true)], || sizes_of_columns(a)),
            columns,
        );
        let mut outside = a_dot.copied();
        take_off(&onto_v, false, &mut outside);
        let moved: OMatrix<T, C, C> = product((y, false), &outside, columns);
        let last: OMatrix<T, C, R> = product((&moved, true), y, columns);
        y_dot += last;
    }
    if lacks_rank(svd) {
        ranges(a, svd).along("pseudo_inverse", block(a), block(a_dot), &mut block_mut(&mut y_dot));
    }
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
    let (rank, one) = (rank(svd), T::one());
    let y_bar = buffer(&mut y_bar);
    // Y^H Y_bar and Y_bar^H Y.
    let mut left = OMatrix::<T, R, R>::zeros_generic(rows, rows);
    let (y_block, bar) = (block(y), y_bar.as_view());
    multiply(one, (y_block, true), (bar, false), T::zero(), &mut block_mut(&mut left));
    let mut a_bar = buffer(&mut a_bar);
    multiply(-one, (block(&left), false), (y_block, true), one, &mut a_bar);
    if rank < rows.value() {
        // (1 - A Y) Y_bar^H Y Y^H, with Y_bar^H Y = (Y^H Y_bar)^H.
        let mut left: OMatrix<T, R, R> = left.adjoint();
        let onto_u = onto(
            (block(&svd.u), false),
            ([(block(a), false), (block(y), false)], || sizes_of_rows(a)),
            rows,
        );
        take_off(&onto_u, true, &mut left);
        multiply(one, (block(&left), false), (y_block, true), one, &mut a_bar);
    }
    if rank < columns.value() {
        // Y^H (Y Y_bar^H) (1 - Y A)
        let mut right = OMatrix::<T, C, C>::zeros_generic(columns, columns);
        multiply(one, (bar, false), (y_block, true), T::zero(), &mut block_mut(&mut right));
        let mut right: OMatrix<T, C, C> = right.adjoint();
        let onto_v = onto(
            (block(&svd.v_t), true),
            ([(block(a), true), (block(y), true)], || sizes_of_columns(a)),
            columns,
        );
        take_off(&onto_v, false, &mut right);
        multiply(one, (y_block, true), (block(&right), false), one, &mut a_bar);
    }
    if lacks_rank(svd) && asks(y_bar.iter()) {
        ranges(a, svd).by_entries("pseudo_inverse", &mut a_bar);
    }
}
