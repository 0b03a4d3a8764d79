use difrules_core::contract::Kind;
use difrules_core::kernel::vectorised;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, math, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::algebra::scaling::is_single;
use crate::block::{add_to_both, along_factor, kept, numbers_mut, zip_map};
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
/// Re tr(Y_bar^H dY): A_bar = Y_bar / conj(B) and B_bar = -Y_bar o conj(Y / B). Where Y / B overflows or underflows, it is
/// dB or Y_bar that is divided by B: of x w / v no more than one of the two quotients is beyond the numbers unless the
/// result is.
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
    let by_a = |a_dot| zip_map(a_dot, b, over);
    let by_b = |b_dot| along_quotients(b_dot, y, b);
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
    if are_factors(y.iter().copied().zip(b.iter().copied())) {
        add_to_both(
            y_bar,
            (a_bar, |k, y_bar| over(y_bar, b[k].conjugate())),
            (b_bar, |k, y_bar| along_factor(y_bar, quotient(-y[k].conjugate(), b[k].conjugate()))),
        );
    } else {
        add_to_both(
            y_bar,
            (a_bar, |k, y_bar| over(y_bar, b[k].conjugate())),
            (b_bar, |k, y_bar| along_quotient(y_bar, -y[k].conjugate(), b[k].conjugate())),
        );
    }
}

/// A tangent over a number.
#[inline(always)]
fn over<T: Scalar>(moving: T, v: T) -> T {
    kept(moving, |moving| quotient(moving, v))
}

/// The quotient of two numbers.
#[inline(always)]
pub(super) fn quotient<T: Scalar>(x: T, y: T) -> T {
    if <T::Kind as Kind>::REAL { x / y } else { math::div(x, y) }
}

/// -X o (W / V) for a tangent X.
fn along_quotients<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    w: &OMatrix<T, R, C>,
    v: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = x.shape_generic();
    let mut y = OMatrix::<T, R, C>::zeros_generic(rows, columns);
    let (x, w, v) = (x.as_slice(), &w.as_slice()[..x.len()], &v.as_slice()[..x.len()]);
    let all = y.as_mut_slice().iter_mut().zip(x).zip(w.iter().zip(v));
    if are_factors(w.iter().copied().zip(v.iter().copied())) {
        vectorised(|| all.for_each(|((y, &x), (&w, &v))| *y = along_factor(x, -quotient(w, v))));
    } else {
        all.for_each(|((y, &x), (&w, &v))| *y = along_quotient(x, -w, v));
    }
    y
}

/// Whether each w / v [can be multiplied by](is_factor), as is seen by comparisons of w and of v alone.
#[inline(always)]
pub(super) fn are_factors<T: Scalar>(pairs: impl Iterator<Item = (T, T)>) -> bool {
    let near = largest::<T>().cbrt();
    let far = near * near;
    vectorised(|| {
        pairs.fold(true, |all, (w, v)| {
            let w = size(w);
            all & within(size(v), near) & (w < far) & ((w > 1.0 / far) | (w == 0.0))
        })
    })
}

/// Whether one over v, and its derivatives to second order, neither overflow nor underflow.
#[inline(always)]
pub(super) fn is_near<T: Scalar>(v: T) -> bool {
    within(size(v), largest::<T>().cbrt())
}

/// A tangent times a quotient w / v, also where that is too large for a number or too small: then the tangent is divided.
#[inline(always)]
pub(super) fn along_quotient<T: Scalar>(moving: T, w: T, v: T) -> T {
    if is_factor(w, v) { along_factor(moving, quotient(w, v)) } else { along_divided(moving, w, v) }
}

#[cold]
fn along_divided<T: Scalar>(moving: T, w: T, v: T) -> T {
    // A zero stays one.
    if size(w) == 0.0 && size(moving) / size(v) > largest::<T>() {
        return along_factor(moving, quotient(w, v));
    }
    along_factor(over(moving, v), w)
}

/// Whether w / v can be multiplied by: it does not underflow or overflow, nor do its derivatives as long as these are of the
/// size of the numbers. In a mode it is not formed for that, as what is recorded is looked at in a sweep.
#[inline(always)]
pub(super) fn is_factor<T: Scalar>(w: T, v: T) -> bool {
    let w = size(w);
    if w == 0.0 && !T::Real::BASE {
        return is_near(v);
    }
    within(w / size(v), largest::<T>()) | (w == 0.0)
}

#[inline(always)]
fn within(x: f64, most: f64) -> bool {
    (x < most) & (x > 1.0 / most)
}

/// Quotients up to that, and down to its inverse, are far from the ends of the numbers.
#[inline(always)]
fn largest<T: Scalar>() -> f64 {
    if is_single::<T::Real>() { 1e30 } else { 1e290 }
}

/// The larger of the parts of a number.
#[inline(always)]
fn size<T: Scalar>(x: T) -> f64 {
    let re = x.real().to_f64().abs();
    if <T::Kind as Kind>::REAL { re } else { re.max(x.imaginary().to_f64().abs()) }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (a, b): (DMatrix<T>, DMatrix<T>) = sample::two(random);
    // Away from zero, where it has no value.
    (a, b.map(|b| b + b.signum().scale(nalgebra::convert(0.5))))
}
