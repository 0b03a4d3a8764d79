use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DefaultAllocator, Dim, OMatrix};

use crate::algebra::cholesky::cholesky_reverse_hermitian;
use crate::block::{block, block_mut};
use crate::decomposition::cholesky::{cholesky, cholesky_forward};
use crate::error::Error;
use crate::sample;

/// The logarithm of the determinant of a Hermitian positive definite matrix, by its Cholesky factor;
/// only the lower triangle is read.
///
/// # Errors
/// As [`cholesky`](fn@crate::cholesky).
///
/// # Derivation
/// ln det A = 2 sum_i ln L_ii. So dy = 2 sum_i dL_ii / L_ii with dL the tangent of the factor, and
/// A_bar is the cotangent that the rule of `cholesky` gives for L_bar = diag(2 y_bar / L_ii), which
/// is y_bar A^-1 (Petersen and Pedersen, The Matrix Cookbook, eq. 57): 2/3 n^3 multiplications and
/// additions, no triangular inverse on the way. The factor is saved by the primal.
///
/// ```
/// use difrules_linalg::ln_determinant;
/// use nalgebra::dmatrix;
///
/// let y = ln_determinant(&dmatrix![4.0_f64, 2.0; 2.0, 5.0])?;
/// assert!((y - 16.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ln_determinant_forward,
    reverse = ln_determinant_reverse,
    saves = ln_determinant_and_factor -> OMatrix<T, D, D>,
    reads(),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::positive_definite
)]
pub fn ln_determinant<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<T::Real, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    ln_determinant_and_factor(a).map(|(y, _)| y)
}

/// The value and the Cholesky factor.
fn ln_determinant_and_factor<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(T::Real, OMatrix<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    let l = cholesky(a)?;
    let half: T::Real = (0..l.nrows())
        .fold(nalgebra::zero(), |sum: T::Real, i| sum + ComplexField::ln(l[(i, i)].real()));
    Ok((half + half, l))
}

fn ln_determinant_forward<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> T::Real
where
    DefaultAllocator: Allocator<D, D>,
{
    let l_dot = cholesky_forward(l, a_dot);
    let half = (0..l.nrows())
        .fold(nalgebra::zero(), |sum: T::Real, i| sum + l_dot[(i, i)].real() / l[(i, i)].real());
    half + half
}

fn ln_determinant_reverse<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (size, _) = l.shape_generic();
    let mut l_bar = OMatrix::zeros_generic(size, size);
    for i in 0..l.nrows() {
        l_bar[(i, i)] = T::from_real((y_bar + y_bar) / l[(i, i)].real());
    }
    cholesky_reverse_hermitian(block(l), &mut block_mut(&mut l_bar));
    a_bar += l_bar;
}
