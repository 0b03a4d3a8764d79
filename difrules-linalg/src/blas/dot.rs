use difrules_core::kernel::column_major_slice;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::block::{
    add_fixed_multiple, add_or_write, add_products, along_factor, is_plain, is_still, numbers_mut,
    rests, still, with_tangents, with_zeros,
};
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
    resting,
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
    match by_parts(a, b) {
        Some(y) => Ok((y, ())),
        None => dot(a, b).map(|y| (y, ())),
    }
}

/// The call at numbers with tangents, in one pass over them; nothing where a number is infinite.
fn by_parts<T: Scalar, R: Dim, C: Dim, SA: Storage<T, R, C>, SB: Storage<T, R, C>>(
    a: &Matrix<T, R, C, SA>,
    b: &Matrix<T, R, C, SB>,
) -> Option<T>
where
    DefaultAllocator: Allocator<R, C>,
{
    let first = with_tangents(column_major_slice(a)?)?;
    let second = with_tangents(column_major_slice(b)?)?;
    let values = |x: T| x.real().inner();
    let mut y = <T::Real>::from_inner(a.map(values).dot(&b.map(values)));
    y.tangents_mut().fill(nalgebra::zero());
    add_products(first, second, &mut y);
    add_products(second, first, &mut y);
    with_zeros(y, &[first, second]).map(T::from_real)
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
        terms.fold(T::zero(), |sum, (&tangent, &factor)| sum + along_factor(tangent, factor))
    };
    let moving = [a_dot, b_dot].into_iter().flatten();
    let resting = moving.into_iter().all(|tangent| rests(tangent.iter()));
    if resting { still() } else { products(a_dot, b) + products(b_dot, a) }
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
    if let Some((mut a_bar, untouched)) = a_bar.uncleared() {
        add_multiple(y_bar, b.as_slice(), (numbers_mut(&mut a_bar), untouched));
    }
    if let Some((mut b_bar, untouched)) = b_bar.uncleared() {
        add_multiple(y_bar, a.as_slice(), (numbers_mut(&mut b_bar), untouched));
    }
}

/// Adds to an adjoint the cotangent times the conjugate of a factor; writes where nothing was added before.
fn add_multiple<T: Scalar>(y_bar: T, factor: &[T], (x_bar, untouched): (&mut [T], bool)) {
    if is_plain::<T>() {
        // Whether it is strong is asked once.
        if !is_still(&y_bar) {
            add_or_write(factor, (x_bar, untouched), |_, factor| y_bar * factor);
        } else if untouched {
            x_bar.fill(T::zero());
        }
        return;
    }
    let by_parts = |y_bar| add_fixed_multiple(y_bar, factor, (&mut *x_bar, untouched));
    if !y_bar.try_real().is_some_and(by_parts) {
        let term = |_, factor: T| along_factor(y_bar, factor.conjugate());
        add_or_write(factor, (x_bar, untouched), term);
    }
}
