use difrules_core::__private::Number;
use difrules_core::{
    PlainProduct, Real, Scalar, Slot, add_product_of_parts, column_major_slice, primitive,
};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::block::{add_to, chain, has_parts, numbers_mut};
use crate::error::{Error, shape};
use crate::sample;

/// The sum of a_i b_i over all entries, without conjugation, as nalgebra's `dot`; for vectors and matrices
/// of any storage.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not have the shape of `a`.
///
/// # Derivation
/// dy = sum_i da_i b_i + a_i db_i, so a_bar = y_bar conj(b) and b_bar = y_bar conj(a).
///
/// ```
/// use difrules_linalg::dot;
/// use nalgebra::dvector;
///
/// assert_eq!(dot(&dvector![1.0, 2.0], &dvector![3.0, 4.0])?, 11.0);
/// assert_eq!(dot(&dvector![1.0, 2.0, 3.0].rows(1, 2), &dvector![3.0, 4.0])?, 18.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = dot_forward,
    reverse = dot_reverse,
    saves = dot_augmented -> (),
    reads(a, b),
    optional(a, b),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::two
)]
pub fn dot<T: Scalar, R: Dim, C: Dim, SA: Storage<T, R, C>, SB: Storage<T, R, C>>(
    a: &Matrix<T, R, C, SA>,
    b: &Matrix<T, R, C, SB>,
) -> Result<T, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    Ok(a.dot(b))
}

/// The call under a mode: numbers with tangents are multiplied where they are.
fn dot_augmented<T: Scalar, R: Dim, C: Dim, SA: Storage<T, R, C>, SB: Storage<T, R, C>>(
    a: &Matrix<T, R, C, SA>,
    b: &Matrix<T, R, C, SB>,
) -> Result<(T, ()), Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    if let (true, Some(row), Some(second)) =
        (has_parts::<T>(), column_major_slice(a), column_major_slice(b))
    {
        let mut y = [T::zero()];
        let factors = ((column(row), true), (column(second), false));
        let sum = &mut DMatrixViewMut::from_slice(&mut y, 1, 1);
        // Where a number is infinite, the call looks at each entry.
        if add_product_of_parts::<Dots, T, T, T>(factors.0, factors.1, sum) && is_bounded(&y) {
            return Ok((y[0], ()));
        }
    }
    dot(a, b).map(|y| (y, ()))
}

/// The numbers as a column.
fn column<T: Scalar>(numbers: &[T]) -> DMatrixView<'_, T> {
    DMatrixView::from_slice(numbers, numbers.len(), 1)
}

/// Whether all are finite, in every part.
fn is_bounded<T: Scalar>(numbers: &[T]) -> bool {
    T::parts_of(numbers).iter().all(Number::is_bounded)
}

/// The product of a row and a column as [`dot`] computes it, and multiples of a column.
struct Dots;

impl PlainProduct for Dots {
    fn add<S: Real>(
        a: (DMatrixView<'_, S>, bool),
        b: (DMatrixView<'_, S>, bool),
        c: &mut DMatrixViewMut<'_, S>,
    ) {
        c[0] += a.0.dot(&b.0);
    }

    fn is_native(_: usize, inner: usize, _: usize) -> bool {
        inner == 1
    }
}

fn dot_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    (): &(),
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    let products = |tangent: Option<&OMatrix<T, R, C>>, factor: &OMatrix<T, R, C>| {
        let Some(tangent) = tangent else { return T::zero() };
        let terms = tangent.as_slice().iter().zip(factor.as_slice());
        terms.fold(T::zero(), |sum, (&tangent, &factor)| sum + chain(tangent, factor))
    };
    products(a_dot, b) + products(b_dot, a)
}

fn dot_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    (): &(),
    y_bar: T,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        add_multiple(y_bar, b.as_slice(), numbers_mut(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        add_multiple(y_bar, a.as_slice(), numbers_mut(&mut b_bar));
    }
}

/// Adds to an adjoint the cotangent times the conjugate of a factor.
fn add_multiple<T: Scalar>(y_bar: T, factor: &[T], x_bar: &mut [T]) {
    let one = [y_bar];
    if has_parts::<T>() && is_bounded(&one) && is_bounded(factor) {
        let (count, one) = (x_bar.len(), (column(&one), false));
        let x_bar = &mut DMatrixViewMut::from_slice(x_bar, count, 1);
        if add_product_of_parts::<Dots, T, T, T>((column(factor), false), one, x_bar) {
            return;
        }
    }
    add_to(factor, x_bar, |_, factor| chain(y_bar, factor.conjugate()));
}
