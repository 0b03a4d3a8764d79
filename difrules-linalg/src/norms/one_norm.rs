use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::modulus::{largest, phase, sum_of_moduli};
use crate::block::along_some;
use crate::error::{Error, finite};
use crate::sample;

/// The largest sum of the moduli of a column, which is the operator norm for vectors measured by the
/// sum of their moduli. No columns have the norm 0.
///
/// # Errors
/// [`Error::NotFinite`].
///
/// # Derivation
/// For the column whose sum is the largest, dy = Re sum conj(s_i) da_i with the phases s_i = a_i / |a_i|:
/// a_bar = y_bar s, and zero for all others. Of several that are as large the first is taken, which is
/// a subgradient; so is the phase 0 of an entry that is zero.
///
/// ```
/// use difrules_linalg::one_norm;
/// use nalgebra::dmatrix;
///
/// assert_eq!(one_norm(&dmatrix![1.0_f64, -3.0; 2.0, 4.0])?, 7.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = one_norm_forward,
    reverse = one_norm_reverse,
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
pub fn one_norm<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Result<T::Real, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    finite("a", a)?;
    Ok(largest(a.column_iter().map(|line| sum_of_moduli(line.iter()))).1)
}

/// Which entries count, and the slope by each: those of the first of the largest columns, or all where they are zero.
fn slopes<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> impl Iterator<Item = (usize, T)> + Clone
where
    DefaultAllocator: Allocator<R, C>,
{
    let (line, most) = largest(a.column_iter().map(|line| sum_of_moduli(line.iter())));
    let rows = a.nrows().max(1);
    let counts = move |i: usize| most == nalgebra::zero() || line == Some(i / rows);
    a.as_slice().iter().enumerate().filter(move |&(i, _)| counts(i)).map(|(i, &x)| (i, phase(x)))
}

fn one_norm_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    along_some(slopes(a).map(|(k, slope)| (slope, &a_dot[k])))
}

fn one_norm_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    slopes(a).for_each(|(k, slope)| a_bar[k] += slope.scale(y_bar));
}
