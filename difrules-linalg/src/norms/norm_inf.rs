use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::{largest, phase};
use crate::block::along_some;
use crate::error::{Error, finite};
use crate::sample;

/// The largest modulus of an entry: for a vector its maximum norm. That of no entries is 0.
///
/// # Errors
/// [`Error::NotFinite`].
///
/// # Derivation
/// For the entry a of the largest modulus, dy = Re(conj(s) da) with its phase s = a / |a|: a_bar is
/// y_bar s there and zero elsewhere. Of several that are as large the first is taken, column by column,
/// which is a subgradient; so is the phase 0 of zero.
///
/// ```
/// use difrules_linalg::norm_inf;
/// use nalgebra::dmatrix;
///
/// assert_eq!(norm_inf(&dmatrix![1.0_f64, -3.0; 2.0, 2.0])?, 3.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = norm_inf_forward,
    reverse = norm_inf_reverse,
    reads(a),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn norm_inf<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Result<T::Real, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    finite("a", a)?;
    Ok(largest(a.as_slice().iter().map(|x| x.modulus())).1)
}

/// Which entries count, and the slope by each: the first of the largest, or all where they are zero.
fn slopes<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> impl Iterator<Item = (usize, T)> + Clone
where
    DefaultAllocator: Allocator<R, C>,
{
    let (first, most) = largest(a.as_slice().iter().map(|x| x.modulus()));
    let counts = move |i: usize| most == nalgebra::zero() || first == Some(i);
    a.as_slice().iter().enumerate().filter(move |&(i, _)| counts(i)).map(|(i, &x)| (i, phase(x)))
}

fn norm_inf_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    along_some(slopes(a).map(|(k, slope)| (slope, &a_dot[k])))
}

fn norm_inf_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    slopes(a).for_each(|(k, slope)| a_bar[k] += slope.scale(y_bar));
}
