use std::ops::Range;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimMul, DimProd, OMatrix};

use crate::block::{along_factor, numbers, numbers_mut, still};

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
    a.kronecker(b)
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
    let mut y_dot =
        OMatrix::repeat_generic(rows_a.mul(rows_b), columns_a.mul(columns_b), still::<T>());
    let (shapes, sums): (_, &mut [T]) = ((a.shape(), b.shape()), y_dot.as_mut_slice());
    let (a, b) = (a.as_slice(), b.as_slice());
    if let Some(a_dot) = a_dot.map(|a_dot| a_dot.as_slice()) {
        each(shapes.0, shapes.1, |of_y, i, of_b| {
            let pairs = sums[of_y].iter_mut().zip(&b[of_b]);
            pairs.for_each(|(sum, &b)| *sum += along_factor(a_dot[i], b));
        });
    }
    if let Some(b_dot) = b_dot.map(|b_dot| b_dot.as_slice()) {
        each(shapes.0, shapes.1, |of_y, i, of_b| {
            let pairs = sums[of_y].iter_mut().zip(&b_dot[of_b]);
            pairs.for_each(|(sum, &b_dot)| *sum += along_factor(b_dot, a[i]));
        });
    }
    y_dot
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
