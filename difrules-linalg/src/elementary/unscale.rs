use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::blas::strong::is_bounded;
use crate::block::{add_scaled, along_factor, block, chain, pairing, zip_map};

/// X / a, every entry of a matrix over a number.
///
/// # Derivation
/// With Y = X / a: dY = (dX - da Y) / a. In the pairing Re tr(Y_bar^H dY): X_bar = Y_bar / conj(a) and
/// a_bar = -sum_ij Y_bar_ij conj(Y_ij) / conj(a).
///
/// ```
/// use difrules_linalg::unscale;
/// use nalgebra::dvector;
///
/// assert_eq!(unscale(2.0, &dvector![1.0, -2.0]), dvector![0.5, -1.0]);
/// ```
#[primitive(
    forward = unscale_forward,
    reverse = unscale_reverse,
    reads(a, return),
    direct,
    resting,
    pattern(places),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn unscale<T: Scalar, R: Dim, C: Dim>(a: T, x: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    x.map(|x| x / a)
}

fn unscale_forward<T: Scalar, R: Dim, C: Dim>(
    a: T,
    y: &OMatrix<T, R, C>,
    a_dot: T,
    x_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let inverse = T::one() / a;
    zip_map(y, x_dot, |y, x_dot| along_factor(x_dot, inverse) + along_factor(a_dot, -(y * inverse)))
}

fn unscale_reverse<T: Scalar, R: Dim, C: Dim>(
    a: T,
    y: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, T>,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let inverse = T::one() / a;
    a_bar.add(|| {
        if is_bounded(&block(y)) {
            return -chain(pairing(&y_bar, y), inverse.conjugate());
        }
        // The cotangent says which zeros are strong.
        let terms = y_bar.iter().zip(y.iter());
        terms.fold(T::zero(), |sum, (&y_bar, &y)| {
            sum + along_factor(y_bar, -(y * inverse).conjugate())
        })
    });
    add_scaled(&y_bar, inverse.conjugate(), x_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    let a: T = random.normal();
    (a + a.signum().scale(nalgebra::convert(0.5)), random.matrix(rows, columns))
}
