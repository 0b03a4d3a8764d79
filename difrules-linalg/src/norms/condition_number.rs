use difrules_core::__private::Number;
use difrules_core::{Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1};
use num_traits::One;

use crate::algebra::scaling::times_quotient;
use crate::algebra::svd::gradient_of_values;
use crate::block::{along_slopes, block, kept};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, overflow};
use crate::sample;
use crate::tolerance::Sizes;

/// The largest singular value of A over the smallest: its condition number in the 2-norm. That of a
/// matrix without entries is 0.
///
/// # Errors
/// [`Error::RankDeficient`] if the smallest singular value is zero, where the condition number is
/// infinite; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// y = s_1 / s_n with ds_i = Re(u_i^H dA v_i), so dy = (ds_1 - y ds_n) / s_n and
/// A_bar = y_bar y / s_n (u_1 v_1^H / y - u_n v_n^H), so that no product is larger than the result (Magnus and Neudecker
/// 2019, "Matrix differential calculus", section 8.12, for the values). Where the largest or the smallest singular value repeats
/// there is a kink; the rules take the first of the largest and the last of the smallest, and if these
/// are one another (A is unitary but for a factor) there is a minimum, of which they take the
/// subgradient 0.
///
/// ```
/// use difrules_linalg::condition_number;
/// use nalgebra::dmatrix;
///
/// assert!((condition_number(&dmatrix![0.0_f64, 2.0; -3.0, 0.0])? - 1.5).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = condition_number_forward,
    reverse = condition_number_reverse,
    saves = condition_number_and_factors -> Svd<T, R, C>,
    reads(a, return),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn condition_number<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<T::Real, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    condition_number_and_factors(a).map(|(y, _)| y)
}

fn condition_number_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(T::Real, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let svd = diagnosed(|| svd(a)).0?;
    let values = &svd.singular_values;
    let Some(last) = values.len().checked_sub(1) else { return Ok((nalgebra::zero(), svd)) };
    let zero = |s: &T::Real| *s == nalgebra::zero();
    if let Some(rank) = values.iter().position(zero) {
        return Err(Error::RankDeficient { argument: "a", rank, expected: last + 1 });
    }
    let y = values[0] / values[last];
    overflow("y", [&y])?;
    Ok((y, svd))
}

/// The weights of the tangents of the singular values, times s_n / y.
fn weights<T: Scalar, R: DimMin<C>, C: Dim>(
    svd: &Svd<T, R, C>,
) -> OVector<T::Real, DimMinimum<R, C>>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let Svd { u, singular_values, v_t } = svd;
    let count = singular_values.len();
    let ratio = singular_values[count - 1] / singular_values[0];
    let sizes = Sizes::of_singular_values(singular_values.as_slice(), block(u), block(v_t));
    let one = sizes.are_one(0, count - 1);
    OVector::from_fn_generic(singular_values.shape_generic().0, U1, |i, _| {
        let first = if i == 0 && !one { ratio } else { nalgebra::zero() };
        let last = if i + 1 == count && !one { <T::Real>::one() } else { nalgebra::zero() };
        first - last
    })
}

fn smallest<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> T::Real
where
    DefaultAllocator: Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    svd.singular_values[svd.singular_values.len() - 1]
}

fn condition_number_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: T::Real,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    if a_dot.is_empty() {
        return Number::still();
    }
    let slopes = gradient_of_values(a, svd, &weights(svd));
    let along = along_slopes(slopes.as_slice(), a_dot.as_slice(), |slope| slope);
    kept(along, |along| times_quotient(along, y, smallest(svd)))
}

fn condition_number_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: T::Real,
    svd: &Svd<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    if !a.is_empty() {
        let slopes = || gradient_of_values(a, svd, &weights(svd));
        // Of the size of what y is a part of, whatever that of y is.
        let part = y_bar * y;
        a_bar.add(|| slopes().map(|x| x.scale(part).unscale(smallest(svd))));
    }
}
