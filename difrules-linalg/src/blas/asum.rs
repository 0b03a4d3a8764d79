use difrules_core::contract::Kind;
use difrules_core::kernel::vectorised;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DefaultAllocator, Dim, Matrix, OMatrix, Storage};
use num_traits::Zero;

use crate::block::{along_slopes, numbers_mut};
use crate::sample;

/// The sum of the absolute values of all entries, sum_i |x_i|; for vectors and matrices of any storage.
///
/// Of complex numbers it is what BLAS sums, |Re x_i| + |Im x_i|; the sum of their moduli is
/// [`lp_norm`](fn@crate::lp_norm) with p = 1.
///
/// # Derivation
/// d|t| = sign(t) dt for each real part t, so its adjoint is y_bar sign(t). At t = 0 there is no derivative; the
/// rules take the subgradient 0.
///
/// ```
/// use difrules_linalg::asum;
/// use nalgebra::dvector;
///
/// assert_eq!(asum(&dvector![3.0, -4.0]), 7.0);
/// ```
#[primitive(
    forward = asum_forward,
    reverse = asum_reverse,
    reads(x),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn asum<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(x: &Matrix<T, R, C, S>) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    x.iter().fold(<T::Real>::zero(), |sum, x| sum + x.norm1())
}

/// The derivative of the absolute value; NaN of NaN.
fn sign<S: Real>(x: S) -> S {
    if S::BASE {
        // Without a branch, so that loops have vector instructions.
        return if ComplexField::abs(x) > S::zero() { S::one().copysign(x) } else { x };
    }
    if x > S::zero() {
        S::one()
    } else if x < S::zero() {
        -S::one()
    } else if x == S::zero() {
        S::zero()
    } else {
        x
    }
}

fn asum_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    x_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    along_slopes(T::parts_of(x.as_slice()), T::parts_of(x_dot.as_slice()), sign)
}

fn asum_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    y_bar: T::Real,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut x_bar) = x_bar.buffer() else { return };
    let both = numbers_mut(&mut x_bar).iter_mut().zip(x.as_slice());
    vectorised(|| {
        for (x_bar, &x) in both {
            if <T::Kind as Kind>::REAL {
                *x_bar += T::from_real(sign(x.real()) * y_bar);
            } else {
                let mut slope = x;
                slope.parts_mut().iter_mut().for_each(|part| *part = sign(*part) * y_bar);
                *x_bar += slope;
            }
        }
    });
}
