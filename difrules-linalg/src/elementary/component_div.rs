use difrules_core::contract::Kind;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, math, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::block::{add_to_both, along, along_factor, kept, moved, numbers_mut, zip_map};
use crate::error::{Error, shape};
use crate::sample;

/// A / B, the quotient entry by entry.
///
/// Complex quotients are those of [`math::div`](fn@difrules_core::math::div): they neither overflow nor underflow on the
/// way, as their operator does. What is divided by zero is infinite, and NaN where it is zero too.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not have the shape of `a`.
///
/// # Derivation
/// With Y = A / B, entry by entry: A = Y o B, so dA = dY o B + Y o dB and dY = dA / B - dB o (Y / B). In the pairing
/// Re tr(Y_bar^H dY): A_bar = Y_bar / conj(B) and B_bar = -Y_bar o conj(Y / B).
///
/// ```
/// use difrules_linalg::component_div;
/// use nalgebra::dvector;
///
/// assert_eq!(component_div(&dvector![1.0, 6.0], &dvector![2.0, 3.0])?, dvector![0.5, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = component_div_forward,
    reverse = component_div_reverse,
    reads(b, return),
    optional(a, b),
    entrywise,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn component_div<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), a.shape())?;
    Ok(zip_map(a, b, quotient))
}

fn component_div_forward<T: Scalar, R: Dim, C: Dim>(
    b: &OMatrix<T, R, C>,
    y: &OMatrix<T, R, C>,
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let by_a = |a_dot| zip_map(a_dot, b, |a_dot, b| kept(a_dot, |a_dot| quotient(a_dot, b)));
    let by_b =
        |b_dot| zip_map(b_dot, &zip_map(y, b, quotient), |x, factor| along_factor(x, -factor));
    match (a_dot, b_dot) {
        (Some(a_dot), Some(b_dot)) => by_a(a_dot) + by_b(b_dot),
        (Some(a_dot), None) => by_a(a_dot),
        (None, Some(b_dot)) => by_b(b_dot),
        (None, None) => unreachable!("some argument varies"),
    }
}

fn component_div_reverse<T: Scalar, R: Dim, C: Dim>(
    b: &OMatrix<T, R, C>,
    y: &OMatrix<T, R, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let y_bar = numbers_mut(&mut y_bar);
    let (b, y) = (&b.as_slice()[..y_bar.len()], &y.as_slice()[..y_bar.len()]);
    add_to_both(
        y_bar,
        (a_bar, |k, y_bar| kept(y_bar, |y_bar| quotient(y_bar, b[k].conjugate()))),
        (b_bar, |k, y_bar| along(moved(-quotient(y[k], b[k]).conjugate()), y_bar)),
    );
}

/// The quotient of two numbers.
fn quotient<T: Scalar>(x: T, y: T) -> T {
    if <T::Kind as Kind>::REAL { x / y } else { math::div(x, y) }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (a, b): (DMatrix<T>, DMatrix<T>) = sample::two(random);
    // Away from zero, where it has no value.
    (a, b.map(|b| b + b.signum().scale(nalgebra::convert(0.5))))
}
