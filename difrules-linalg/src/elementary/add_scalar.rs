use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::block::pass_on;
use crate::sample;

/// x added to every entry of A.
///
/// # Derivation
/// dY_ij = dA_ij + dx, so A_bar = Y_bar and x_bar is the sum of the entries of Y_bar.
///
/// ```
/// use difrules_linalg::add_scalar;
/// use nalgebra::dmatrix;
///
/// assert_eq!(add_scalar(&dmatrix![1.0, 2.0], 3.0), dmatrix![4.0, 5.0]);
/// ```
#[primitive(
    forward = add_scalar_forward,
    reverse = add_scalar_reverse,
    reads(),
    direct,
    resting,
    pattern(places, linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_scalar_sample
)]
pub fn add_scalar<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>, x: T) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    // nalgebra's method goes through a copy number by number.
    a.map(|a| a + x)
}

fn add_scalar_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    x_dot: T,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    a_dot.map(|a_dot| a_dot + x_dot)
}

fn add_scalar_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    x_bar: Slot<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    x_bar.add(|| y_bar.sum());
    pass_on(&y_bar, a_bar);
}

fn add_scalar_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, T) {
    (sample::matrix(random), random.normal())
}
