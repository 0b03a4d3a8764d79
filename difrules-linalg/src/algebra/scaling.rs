//! Scaling by powers of two, and products that neither overflow nor underflow on the way.

use difrules_core::contract::Kind;
use difrules_core::{Differentiable, Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::{largest_modulus, largest_norm1};
use crate::block::kept;

/// Whether numbers have single precision, and its range.
pub(crate) fn is_single<S: Real>() -> bool {
    S::SINGLE
}

/// The largest of the parts of numbers.
fn largest_part<'a, T: Scalar>(entries: impl IntoIterator<Item = &'a T>) -> f64 {
    // Several in turn, as a comparison has to wait for the one before.
    let mut most = [0.0; 4];
    let mut entries = entries.into_iter();
    'all: loop {
        for most in &mut most {
            let Some(x) = entries.next() else { break 'all };
            let count = if <T::Kind as Kind>::REAL { 1 } else { 2 };
            for part in [x.real(), x.imaginary()].into_iter().take(count) {
                let size = ComplexField::abs(part).to_f64();
                *most = if size > *most { size } else { *most };
            }
        }
    }
    most.into_iter().fold(0.0, f64::max)
}

/// The exponent of a power of two next to the largest of the parts of numbers, zero for zeros alone.
pub(crate) fn exponent<'a, T: Scalar>(entries: impl IntoIterator<Item = &'a T>) -> f64 {
    let most = largest_part(entries);
    if most.is_normal() {
        return (most.to_bits() >> 52) as f64 - 1023.0;
    }
    if most > 0.0 && most.is_finite() { most.log2().floor() } else { 0.0 }
}

/// A power of two next to the largest of the parts of numbers, one for zeros alone.
pub(crate) fn binade<'a, T: Scalar>(entries: impl IntoIterator<Item = &'a T>) -> T::Real {
    let most = largest_part(entries);
    // Its exponent alone.
    let normal = f64::from_bits(most.to_bits() & 0xfff0_0000_0000_0000);
    nalgebra::convert(match most {
        _ if most.is_normal() => normal,
        _ if most > 0.0 && most.is_finite() => most.log2().floor().exp2(),
        _ => 1.0,
    })
}

/// x times a power of two, which may be none of the numbers.
#[inline]
pub(crate) fn times_power<T: Scalar>(mut x: T, exponent: f64) -> T {
    // Each step is exact as long as the number does not leave the range for good.
    let mut left = exponent;
    while left.abs() > 100.0 && !x.is_constant_zero() {
        let step = left.clamp(-100.0, 100.0);
        x = x.scale(power_of_two(step));
        left -= step;
    }
    x.scale(power_of_two(left.clamp(-100.0, 100.0)))
}

/// Of its bits, since `exp2` takes several times as long as a product.
#[inline]
fn power_of_two<S: Real>(exponent: f64) -> S {
    debug_assert_eq!(exponent, exponent.trunc());
    nalgebra::convert(f64::from_bits(((1023 + exponent as i64) as u64) << 52))
}

/// The product of numbers, which overflows or underflows only if it is too large or too small itself: powers of
/// two are kept aside.
pub(crate) fn product<T: Scalar>(factors: impl Iterator<Item = T>) -> T {
    let (x, exponent) = factors.fold((T::one(), 0.0), |(x, sum), factor| {
        let own = exponent([&factor]);
        let x = x * times_power(factor, -own);
        let moved = exponent([&x]);
        (times_power(x, -moved), sum + own + moved)
    });
    times_power(x, exponent)
}

/// x w / v, also where the quotient of the two numbers is too large for a number, or too small.
pub(crate) fn times_quotient<T: Scalar>(x: T, w: T::Real, v: T::Real) -> T {
    let quotient = w / v;
    let size = quotient.to_f64().abs();
    let most = if is_single::<T::Real>() { 1e30 } else { 1e290 };
    if w.to_f64() == 0.0 || size < most && size > 1.0 / most {
        x.scale(quotient)
    } else {
        x.unscale(v).scale(w)
    }
}

/// A power of two that a rule multiplies a tangent with, and its inverse, which it multiplies what it computes with. A rule is
/// linear in its tangents. But in a mode of a mode a tangent has derivatives itself, and those of its quotients by very large or
/// very small numbers underflow or overflow though what these are multiplied with next makes up for it, unless the tangent is
/// of about the size of the numbers.
pub(crate) struct Level<S> {
    up: S,
    down: S,
}

impl<S: Real> Level<S> {
    /// That of these numbers and this tangent; none where there is nothing to do.
    pub(crate) fn of<'a, T: Scalar<Real = S>, U: Scalar<Real = S>>(
        numbers: impl IntoIterator<Item = &'a T>,
        tangent: impl IntoIterator<Item = &'a U>,
    ) -> Option<Self> {
        if S::BASE {
            return None;
        }
        let exponent = exponent(numbers) - exponent(tangent);
        let (usual, most) = if is_single::<S>() { (40.0, 120.0) } else { (300.0, 1000.0) };
        if exponent.abs() < usual {
            return None;
        }
        let power = |exponent: f64| nalgebra::convert(exponent.clamp(-most, most).exp2());
        Some(Self { up: power(exponent), down: power(-exponent) })
    }

    /// A tangent of the size of the numbers.
    pub(crate) fn raised<T: Scalar<Real = S>, R: Dim, C: Dim>(
        &self,
        tangent: &OMatrix<T, R, C>,
    ) -> OMatrix<T, R, C>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        tangent.map(|x| kept(x, |x| x.scale(self.up)))
    }

    /// What comes of it.
    pub(crate) fn lowered<T: Scalar<Real = S>, R: Dim, C: Dim>(
        &self,
        tangent: OMatrix<T, R, C>,
    ) -> OMatrix<T, R, C>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        tangent.map(|x| kept(x, |x| x.scale(self.down)))
    }

    /// Calls a rule that turns a tangent into another in place.
    pub(crate) fn at<T: Scalar<Real = S>>(
        &self,
        tangent: &mut DMatrixViewMut<'_, T>,
        rule: impl FnOnce(&mut DMatrixViewMut<'_, T>),
    ) {
        tangent.apply(|x| *x = kept(*x, |x| x.scale(self.up)));
        rule(tangent);
        tangent.apply(|x| *x = kept(*x, |x| x.scale(self.down)));
    }
}

/// A copy of A, over a power of two if sums of a few of its entries may overflow, and that.
pub(crate) fn lowered<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, T::Real)
where
    DefaultAllocator: Allocator<R, C>,
{
    let most: f64 = if is_single::<T::Real>() { 1e30 } else { 1e295 };
    if largest_norm1(a.as_slice()).to_f64() < most {
        return (a.copied(), nalgebra::one());
    }
    let scale: T::Real = nalgebra::convert(64.0_f64.exp2());
    (a.map(|x| x.unscale(scale)), scale)
}

/// The sizes of the rows.
pub(crate) fn sizes_of_rows<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Vec<f64>
where
    DefaultAllocator: Allocator<R, C>,
{
    a.row_iter().map(|row| largest_modulus(row.iter())).collect()
}

/// The sizes of the columns.
pub(crate) fn sizes_of_columns<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Vec<f64>
where
    DefaultAllocator: Allocator<R, C>,
{
    a.column_iter().map(|column| largest_modulus(column.iter())).collect()
}

/// A Hermitian matrix that is a product whose first factor has rows of these sizes: of each two entries the one in the
/// smaller row, as its rounding is of that size.
pub(crate) fn of_smaller_rows<T: Scalar, D: Dim>(
    sizes: &[f64],
    p: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = p.shape_generic();
    OMatrix::from_fn_generic(size, size, |i, j| match i == j {
        true => T::from_real(p[(i, i)].real()),
        false if sizes[i] <= sizes[j] => p[(i, j)],
        false => p[(j, i)].conjugate(),
    })
}
