use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::block::{add_scaled, along_factor, pairing_by, zip_map};

/// a X, a number times a matrix.
///
/// # Derivation
/// dY = da X + a dX. In the pairing Re tr(Y_bar^H dY): a_bar = sum_ij Y_bar_ij conj(X_ij) and
/// X_bar = conj(a) Y_bar.
///
/// ```
/// use difrules_linalg::scale;
/// use nalgebra::dvector;
///
/// assert_eq!(scale(2.0, &dvector![1.0, -2.0]), dvector![2.0, -4.0]);
/// ```
#[primitive(
    forward = scale_forward,
    reverse = scale_reverse,
    reads(a, x),
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
pub fn scale<T: Scalar, R: Dim, C: Dim>(a: T, x: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    x.map(|x| x * a)
}

fn scale_forward<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: &OMatrix<T, R, C>,
    a_dot: T,
    x_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    zip_map(x, x_dot, |x, x_dot| along_factor(x_dot, a) + along_factor(a_dot, x))
}

fn scale_reverse<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, T>,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    a_bar.add(|| pairing_by(a, &y_bar, x));
    add_scaled(&y_bar, a.conjugate(), x_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    (random.normal(), random.matrix(rows, columns))
}
