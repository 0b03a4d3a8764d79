use difrules_core::__private::Number;
use difrules_core::kernel::column_major_slice;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DefaultAllocator, Dim, Matrix, OMatrix, RealField, Storage};
use num_traits::Zero;

use crate::algebra::householder::{is_moderate, squares};
use crate::block::along_slopes;
use crate::sample;

/// The Euclidean norm of all entries, sqrt(sum_i |x_i|^2), without overflow or underflow; for vectors and
/// matrices of any storage.
///
/// It is infinite if an entry is, else NaN if one is; the norm of no entries is 0.
///
/// # Derivation
/// y^2 = sum_i |x_i|^2, so y dy = Re sum_i conj(x_i) dx_i: x_bar = y_bar x / y. At x = 0 there is no
/// derivative; the rules take the subgradient 0.
///
/// ```
/// use difrules_linalg::nrm2;
/// use nalgebra::dvector;
///
/// assert_eq!(nrm2(&dvector![3.0, 4.0]), 5.0);
/// assert_eq!(nrm2(&dvector![12.0, 3.0, 4.0].rows(1, 2)), 5.0);
/// assert!((nrm2(&dvector![3e200_f64, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
/// ```
#[primitive(
    forward = nrm2_forward,
    reverse = nrm2_reverse,
    reads(x, return),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn nrm2<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(x: &Matrix<T, R, C, S>) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let square = match column_major_slice(x) {
        Some(x) => squares(x),
        None => squares(x.clone_owned().as_slice()),
    };
    if is_moderate(square) {
        return ComplexField::sqrt(square);
    }
    // A NaN is not larger than anything.
    let largest = x.iter().fold(<T::Real>::zero(), |largest: T::Real, x| {
        let size = ComplexField::abs(x.real()).max(ComplexField::abs(x.imaginary()));
        if size > largest { size } else { largest }
    });
    if largest == nalgebra::zero() {
        return square;
    }
    if !ComplexField::is_finite(&largest) {
        return largest;
    }
    let scaled =
        x.iter().fold(<T::Real>::zero(), |sum, x| sum + x.unscale(largest).modulus_squared());
    largest * ComplexField::sqrt(scaled)
}

/// Whether numbers may be divided by the norm after they are multiplied: no product overflows then or
/// loses digits.
fn divides_last<S: Real>(norm: S) -> bool {
    (1e-12..1e12).contains(&norm.to_f64())
}

pub(crate) fn nrm2_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    y: T::Real,
    x_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let (x, x_dot) = (x.as_slice(), x_dot.as_slice());
    if y == nalgebra::zero() {
        // The subgradient 0 is a factor of each, in reverse too.
        return along_slopes(x, x_dot, |_| T::zero());
    }
    if divides_last(y) {
        let sum = along_slopes(x, x_dot, |x| x);
        return if sum.is_still() { sum } else { (sum / y).moved() };
    }
    along_slopes(x, x_dot, |x| x.unscale(y))
}

pub(crate) fn nrm2_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    y: T::Real,
    y_bar: T::Real,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut x_bar) = x_bar.buffer() else { return };
    if y == nalgebra::zero() {
        let term = T::zero().scale(y_bar);
        x_bar.apply(|x_bar| *x_bar += term);
        return;
    }
    if divides_last(y) {
        let factor = y_bar / y;
        x_bar.zip_apply(x, |x_bar, x| *x_bar += x.scale(factor));
    } else {
        x_bar.zip_apply(x, |x_bar, x| *x_bar += x.unscale(y).scale(y_bar));
    }
}
