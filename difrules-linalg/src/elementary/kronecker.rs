use std::ops::Range;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, DimMul, DimProd, OMatrix};

use crate::blas::strong::{is_bounded, rests_somewhere};
use crate::block::{along_factor, block, is_plain, moved, numbers, numbers_mut, still};

/// The Kronecker product: A_ij B in place of each entry of A.
///
/// # Derivation
/// The block of Y in the place of A_ij is Y_ij = A_ij B, so dY_ij = dA_ij B + A_ij dB. In the pairing Re tr(Y_bar^H dY):
/// A_bar_ij is the sum of the entries of Y_bar_ij o conj(B), and B_bar = sum_ij conj(A_ij) Y_bar_ij.
///
/// ```
/// use difrules_linalg::kronecker;
/// use nalgebra::dmatrix;
///
/// let y = kronecker(&dmatrix![1.0, 2.0], &dmatrix![3.0; 4.0]);
/// assert_eq!(y, dmatrix![3.0, 6.0; 4.0, 8.0]);
/// ```
#[primitive(
    forward = kronecker_forward,
    reverse = kronecker_reverse,
    reads(a, b),
    optional(a, b),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn kronecker<T: Scalar, R1: DimMul<R2>, C1: DimMul<C2>, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R1, C1>,
    b: &OMatrix<T, R2, C2>,
) -> OMatrix<T, DimProd<R1, R2>, DimProd<C1, C2>>
where
    DefaultAllocator:
        Allocator<R1, C1> + Allocator<R2, C2> + Allocator<DimProd<R1, R2>, DimProd<C1, C2>>,
{
    let ((rows_a, columns_a), (rows_b, columns_b)) = (a.shape_generic(), b.shape_generic());
    let mut y = OMatrix::zeros_generic(rows_a.mul(rows_b), columns_a.mul(columns_b));
    let (shapes, a, b) = ((a.shape(), b.shape()), a.as_slice(), b.as_slice());
    fill(y.as_mut_slice(), shapes, (a, a), (b, b), |a, b| a.0 * b.0);
    y
}

/// Calls `f` for each column of each block of the product, in their order in memory, with the numbers of its entries, that of
/// the entry of A, and those of the entries of B, which they are the products of.
#[inline(always)]
fn each(
    (rows_a, columns_a): (usize, usize),
    (rows_b, columns_b): (usize, usize),
    mut f: impl FnMut(Range<usize>, usize, Range<usize>),
) {
    let mut start = 0;
    for first_a in (0..columns_a).map(|j| j * rows_a) {
        for first_b in (0..columns_b).map(|j| j * rows_b) {
            for of_a in first_a..first_a + rows_a {
                f(start..start + rows_b, of_a, first_b..first_b + rows_b);
                start += rows_b;
            }
        }
    }
}

fn kronecker_forward<T: Scalar, R1: DimMul<R2>, C1: DimMul<C2>, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R1, C1>,
    b: &OMatrix<T, R2, C2>,
    a_dot: Option<&OMatrix<T, R1, C1>>,
    b_dot: Option<&OMatrix<T, R2, C2>>,
) -> OMatrix<T, DimProd<R1, R2>, DimProd<C1, C2>>
where
    DefaultAllocator:
        Allocator<R1, C1> + Allocator<R2, C2> + Allocator<DimProd<R1, R2>, DimProd<C1, C2>>,
{
    let ((rows_a, columns_a), (rows_b, columns_b)) = (a.shape_generic(), b.shape_generic());
    let mut y_dot = OMatrix::zeros_generic(rows_a.mul(rows_b), columns_a.mul(columns_b));
    let (shapes, y): (_, &mut [T]) = ((a.shape(), b.shape()), y_dot.as_mut_slice());
    // Where nothing is infinite and everything moves, no product needs to be looked at.
    let is_finite = |m: &DMatrixView<'_, T>| is_plain::<T>() && is_bounded(m);
    let moves = |m: DMatrixView<'_, T>| is_finite(&m) && !rests_somewhere(&m);
    let simple = a_dot.is_some_and(|a_dot| moves(block(a_dot)))
        && b_dot.is_some_and(|b_dot| moves(block(b_dot)))
        && is_finite(&block(a))
        && is_finite(&block(b));
    let (a, b) = (a.as_slice(), b.as_slice());
    match (a_dot.map(OMatrix::as_slice), b_dot.map(OMatrix::as_slice)) {
        (Some(a_dot), Some(b_dot)) if simple => {
            fill(y, shapes, (a, a_dot), (b, b_dot), |a, b| moved(a.1 * b.0 + b.1 * a.0))
        }
        (Some(a_dot), Some(b_dot)) => fill(y, shapes, (a, a_dot), (b, b_dot), |a, b| {
            // As a sum that begins at rest: what rests twice does.
            still::<T>() + along_factor(a.1, b.0) + along_factor(b.1, a.0)
        }),
        (Some(a_dot), None) => fill(y, shapes, (a, a_dot), (b, b), |a, b| along_factor(a.1, b.0)),
        (None, Some(b_dot)) => fill(y, shapes, (a, a), (b, b_dot), |a, b| along_factor(b.1, a.0)),
        (None, None) => y.fill(still()),
    }
    y_dot
}

/// Puts to each entry of the product what a function says of the entry of A and the tangent there, and of those of B.
#[inline(always)]
fn fill<T: Scalar>(
    y: &mut [T],
    ((rows_a, _), (rows_b, columns_b)): ((usize, usize), (usize, usize)),
    a: (&[T], &[T]),
    b: (&[T], &[T]),
    of: impl Fn((T, T), (T, T)) -> T,
) {
    if y.is_empty() {
        return;
    }
    for (j, column) in y.chunks_exact_mut(rows_a * rows_b).enumerate() {
        let (first_a, first_b) = (j / columns_b * rows_a, j % columns_b * rows_b);
        let a = (&a.0[first_a..][..rows_a], &a.1[first_a..][..rows_a]);
        let b = (&b.0[first_b..][..rows_b], &b.1[first_b..][..rows_b]);
        match rows_b {
            1 => fill_short::<T, 1>(column, a, b, &of),
            2 => fill_short::<T, 2>(column, a, b, &of),
            3 => fill_short::<T, 3>(column, a, b, &of),
            4 => fill_short::<T, 4>(column, a, b, &of),
            _ => {
                for (y, (&a, &a_dot)) in column.chunks_exact_mut(rows_b).zip(a.0.iter().zip(a.1)) {
                    for (y, (&b, &b_dot)) in y.iter_mut().zip(b.0.iter().zip(b.1)) {
                        *y = of((a, a_dot), (b, b_dot));
                    }
                }
            }
        }
    }
}

/// A column of the product with a column of B that is so short that only the loop over A pays.
#[inline(always)]
fn fill_short<T: Scalar, const ROWS: usize>(
    column: &mut [T],
    a: (&[T], &[T]),
    b: (&[T], &[T]),
    of: &impl Fn((T, T), (T, T)) -> T,
) {
    let b: [_; ROWS] = std::array::from_fn(|k| (b.0[k], b.1[k]));
    let blocks = column.as_chunks_mut::<ROWS>().0;
    for (y, (&a, &a_dot)) in blocks.iter_mut().zip(a.0.iter().zip(a.1)) {
        *y = b.map(|b| of((a, a_dot), b));
    }
}

fn kronecker_reverse<T: Scalar, R1: DimMul<R2>, C1: DimMul<C2>, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R1, C1>,
    b: &OMatrix<T, R2, C2>,
    y_bar: Cotangent<'_, OMatrix<T, DimProd<R1, R2>, DimProd<C1, C2>>>,
    a_bar: Slot<'_, OMatrix<T, R1, C1>>,
    b_bar: Slot<'_, OMatrix<T, R2, C2>>,
) where
    DefaultAllocator:
        Allocator<R1, C1> + Allocator<R2, C2> + Allocator<DimProd<R1, R2>, DimProd<C1, C2>>,
{
    let (shapes, y_bar) = ((a.shape(), b.shape()), numbers(&y_bar));
    let (a, b) = (a.as_slice(), b.as_slice());
    if let Some(mut a_bar) = a_bar.buffer() {
        let a_bar = numbers_mut(&mut a_bar);
        each(shapes.0, shapes.1, |of_y, i, of_b| {
            let pairs = y_bar[of_y].iter().zip(&b[of_b]);
            pairs.for_each(|(&y_bar, b)| a_bar[i] += along_factor(y_bar, b.conjugate()));
        });
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let b_bar = numbers_mut(&mut b_bar);
        each(shapes.0, shapes.1, |of_y, i, of_b| {
            let pairs = y_bar[of_y].iter().zip(&mut b_bar[of_b]);
            pairs.for_each(|(&y_bar, b_bar)| *b_bar += along_factor(y_bar, a[i].conjugate()));
        });
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 3), random.size(0, 3));
    let (rows_b, columns_b) = (random.size(0, 2), random.size(0, 3));
    (random.matrix(rows, columns), random.matrix(rows_b, columns_b))
}
