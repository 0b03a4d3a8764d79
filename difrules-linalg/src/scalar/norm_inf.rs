use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::error::{Error, finite};
use crate::modulus::{largest, phase, sum_of_moduli, turned};
use crate::sample;

/// The largest sum of the moduli of a row, which is the operator norm for vectors measured by their
/// largest modulus. No rows have the norm 0.
///
/// # Errors
/// [`Error::NotFinite`].
///
/// # Derivation
/// For the row whose sum is the largest, dy = Re sum conj(s_i) da_i with the phases s_i = a_i / |a_i|:
/// a_bar = y_bar s, and zero for all others. Of several that are as large the first is taken, which is
/// a subgradient; so is the phase 0 of an entry that is zero.
///
/// ```
/// use difrules_linalg::norm_inf;
/// use nalgebra::dmatrix;
///
/// assert_eq!(norm_inf(&dmatrix![1.0_f64, -3.0; 2.0, 4.0])?, 6.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = norm_inf_forward,
    reverse = norm_inf_reverse,
    reads(a),
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample::matrix
)]
pub fn norm_inf<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Result<T::Real, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    finite("a", a)?;
    Ok(largest(a.row_iter().map(|line| sum_of_moduli(line.iter()))).1)
}

fn norm_inf_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(line) = largest(a.row_iter().map(|line| sum_of_moduli(line.iter()))).0 else {
        return nalgebra::zero();
    };
    turned(a.row(line).iter().zip(a_dot.row(line).iter()))
}

fn norm_inf_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    if let Some(line) = largest(a.row_iter().map(|line| sum_of_moduli(line.iter()))).0 {
        let mut a_bar = a_bar.row_mut(line);
        a_bar.zip_apply(&a.row(line), |a_bar, a| *a_bar += phase(a).scale(y_bar));
    }
}
