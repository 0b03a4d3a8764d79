//! Products with matrices of plain numbers, which nothing is differentiated by: in no mode are they made of
//! its numbers, and the other factor is not kept.

use std::any::TypeId;
use std::borrow::Cow;

use difrules_core::__private::same_ref;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::strong::{Moving, clashes, has_part, is_bounded};
use crate::block::{
    FIT, add_parts, block, block_mut, buffer, keep_resting, multiply_moving, rests,
};
use crate::elementary::matmul::{augmented, matmul, sample};
use crate::error::Error;

/// The constant as a matrix of these numbers.
fn lifted<T: Scalar, R: Dim, C: Dim>(constant: &OMatrix<f64, R, C>) -> Cow<'_, OMatrix<T, R, C>>
where
    DefaultAllocator: Allocator<R, C>,
{
    if TypeId::of::<T>() == TypeId::of::<f64>() {
        return Cow::Borrowed(same_ref(constant));
    }
    Cow::Owned(constant.map(nalgebra::convert))
}

/// A B with a matrix A of plain numbers: what [`Matrix`](crate::Matrix) calls for `a * b`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// It is linear: dY = A dB, so B_bar = A^T Y_bar.
///
/// ```
/// use difrules_linalg::constant_matmul;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(constant_matmul(&a, &dvector![1.0, -1.0])?, dvector![-1.0, -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = constant_matmul_forward,
    reverse = constant_matmul_reverse,
    saves = constant_matmul_augmented -> (),
    reads(a),
    constant(a),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn constant_matmul<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<f64, R, K>,
    b: &OMatrix<T, K, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    matmul(&*lifted(a), b)
}

fn constant_matmul_augmented<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<f64, R, K>,
    b: &OMatrix<T, K, C>,
) -> Result<(OMatrix<T, R, C>, ()), Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    augmented(a, b, || constant_matmul(a, b))
}

fn constant_matmul_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<f64, R, K>,
    (): &(),
    b_dot: &OMatrix<T, K, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let mut y_dot = if has_part(&block(b_dot), &block(a)) {
        constant_matmul_augmented(a, b_dot).expect(FIT).0
    } else {
        OMatrix::zeros_generic(a.shape_generic().0, b_dot.shape_generic().1)
    };
    if !is_bounded(&block(&y_dot)) {
        let (a, y_dot) = (lifted::<T, _, _>(a), &mut block_mut(&mut y_dot));
        let factors = ((block(&*a), false), (block(b_dot), false));
        multiply_moving(T::one(), factors.0, factors.1, Moving::Second, T::zero(), y_dot);
    }
    keep_resting(&mut y_dot, |_| true, |j| rests(b_dot.column(j).iter()));
    y_dot
}

fn constant_matmul_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<f64, R, K>,
    (): &(),
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let Some((mut b_bar, untouched)) = b_bar.uncleared() else { return };
    let y_bar = buffer(&mut y_bar);
    let (y_bar, mut sum) = ((y_bar.as_view(), false), buffer(&mut b_bar));
    let clashes = clashes(&y_bar.0, &block(a));
    if clashes || !add_parts((block(a), true), y_bar, untouched, &mut sum) {
        let a = lifted::<T, _, _>(a);
        if untouched {
            sum.fill(T::zero());
        }
        let one = T::one();
        multiply_moving(one, (block(&*a), true), y_bar, Moving::Second, one, &mut sum);
    }
}

/// A B with a matrix B of plain numbers: what [`Matrix`](crate::Matrix) calls for `a * b`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// It is linear: dY = dA B, so A_bar = Y_bar B^T.
///
/// ```
/// use difrules_linalg::matmul_constant;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(matmul_constant(&a, &dvector![1.0, -1.0])?, dvector![-1.0, -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = matmul_constant_forward,
    reverse = matmul_constant_reverse,
    saves = matmul_constant_augmented -> (),
    reads(b),
    constant(b),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn matmul_constant<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<f64, K, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    matmul(a, &*lifted(b))
}

fn matmul_constant_augmented<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<f64, K, C>,
) -> Result<(OMatrix<T, R, C>, ()), Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    augmented(a, b, || matmul_constant(a, b))
}

fn matmul_constant_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    b: &OMatrix<f64, K, C>,
    (): &(),
    a_dot: &OMatrix<T, R, K>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let mut y_dot = if has_part(&block(a_dot), &block(b)) {
        matmul_constant_augmented(a_dot, b).expect(FIT).0
    } else {
        OMatrix::zeros_generic(a_dot.shape_generic().0, b.shape_generic().1)
    };
    if !is_bounded(&block(&y_dot)) {
        let (b, y_dot) = (lifted::<T, _, _>(b), &mut block_mut(&mut y_dot));
        let factors = ((block(a_dot), false), (block(&*b), false));
        multiply_moving(T::one(), factors.0, factors.1, Moving::First, T::zero(), y_dot);
    }
    keep_resting(&mut y_dot, |i| rests(a_dot.row(i).iter()), |_| true);
    y_dot
}

fn matmul_constant_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    b: &OMatrix<f64, K, C>,
    (): &(),
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let Some((mut a_bar, untouched)) = a_bar.uncleared() else { return };
    let y_bar = buffer(&mut y_bar);
    let (y_bar, mut sum) = ((y_bar.as_view(), false), buffer(&mut a_bar));
    let clashes = clashes(&y_bar.0, &block(b));
    if clashes || !add_parts(y_bar, (block(b), true), untouched, &mut sum) {
        let b = lifted::<T, _, _>(b);
        if untouched {
            sum.fill(T::zero());
        }
        let one = T::one();
        multiply_moving(one, y_bar, (block(&*b), true), Moving::First, one, &mut sum);
    }
}
