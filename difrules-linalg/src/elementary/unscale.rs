use difrules_core::contract::Kind;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use super::component_div::{along_quotient, are_factors, is_factor, is_near, quotient};
use crate::blas::strong::is_bounded;
use crate::block::{add_scaled, add_term, along_factor, block, chain, kept, pairing, zip_map};

/// X / a, every entry of a matrix over a number.
///
/// Where the square of a complex number overflows or underflows the quotients are those of [`math::div`](fn@difrules_core::math::div).
///
/// # Derivation
/// With Y = X / a: dY = (dX - da Y) / a. In the pairing Re tr(Y_bar^H dY): X_bar = Y_bar / conj(a) and
/// a_bar = -sum_ij Y_bar_ij conj(Y_ij) / conj(a). Where 1 / a or one of its derivatives, Y / a or the sum overflows or
/// underflows, each entry is divided, as in [`component_div`](fn@crate::component_div).
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
    if is_divisor(a) { x.map(|x| x / a) } else { x.map(|x| quotient(x, a)) }
}

/// Whether the operator divides by a number: by a complex one it does if its square is far from the ends of the numbers.
fn is_divisor<T: Scalar>(a: T) -> bool {
    <T::Kind as Kind>::REAL || is_near(a)
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
    if !is_near(a) || !are_factors(y.as_slice().iter().map(|&y| (y, a))) {
        return zip_map(y, x_dot, |y, x_dot| {
            kept(x_dot, |x_dot| quotient(x_dot, a)) + along_quotient(a_dot, -y, a)
        });
    }
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
    let (is_moderate, bar) = (is_near(a), a.conjugate());
    a_bar.add(|| {
        if is_moderate && is_bounded(&block(y)) {
            let sum = pairing(&y_bar, y);
            if is_factor(sum, T::one()) {
                return -chain(sum, T::one() / bar);
            }
        }
        // The cotangent says which zeros are strong.
        let terms = y_bar.iter().zip(y.iter());
        let term = |(&y_bar, &y): (&T, &T)| along_quotient(y_bar, -y.conjugate(), bar);
        terms.map(term).fold(T::zero(), |sum, x| sum + x)
    });
    if is_moderate {
        add_scaled(&y_bar, T::one() / bar, x_bar);
    } else {
        add_term(&y_bar, x_bar, |_, y_bar| kept(y_bar, |y_bar| quotient(y_bar, bar)));
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    let a: T = random.normal();
    (a + a.signum().scale(nalgebra::convert(0.5)), random.matrix(rows, columns))
}
