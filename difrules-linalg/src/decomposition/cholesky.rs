use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::cholesky::{
    cholesky_forward_lower, cholesky_lower, cholesky_reverse_hermitian,
};
use crate::blas::options::{Diagonal, Triangle};
use crate::block::{add_cotangent, block, block_mut, buffer};
use crate::error::{Error, finite_triangle, square};
use crate::sample;

/// The lower triangular L with a real positive diagonal and A = L L^H, for a Hermitian positive
/// definite A, of which only the lower triangle is read.
///
/// A is Hermitian by contract, so its tangent is taken to be (the lower triangle is read) and its
/// cotangent is: whichever triangle the primal reads, both get their half.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NotPositiveDefinite`] with the first pivot that is
/// not positive.
///
/// # Derivation
/// Forward and reverse differentiate the factorisation block by block, so that all work is in matrix
/// products: dL2 = (dA2 - L2 dL1^H) L1^-H for the blocks below the diagonal, backwards
/// L2_bar -= 2 S3 L2, A2_bar = L2_bar L1^-1, L1_bar -= tril(A2_bar^H L2), with S3 the cotangent of
/// the last block (Murray 2016, "Differentiation of the Cholesky decomposition", arXiv:1602.07527,
/// sections 3 and 4.2). Beside the primal's n^3/3 multiplications and additions forward takes
/// 5/6 n^3 and reverse 2/3 n^3. The reverse rule works in the cotangent's own memory.
///
/// ```
/// use difrules_linalg::{Error, cholesky};
/// use nalgebra::dmatrix;
///
/// assert_eq!(cholesky(&dmatrix![4.0, 2.0; 2.0, 5.0])?, dmatrix![2.0, 0.0; 1.0, 2.0]);
/// let error = cholesky(&dmatrix![1.0, 2.0; 2.0, 1.0]).unwrap_err();
/// assert_eq!(error, Error::NotPositiveDefinite { pivot: 1, value: -3.0 });
/// # Ok::<(), Error>(())
/// ```
#[primitive(
    forward = cholesky_forward,
    reverse = cholesky_reverse,
    reads(return),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::positive_definite
)]
pub fn cholesky<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite_triangle("a", Triangle::Lower, Diagonal::General, a)?;
    let mut l = a.copied();
    cholesky_lower(&mut block_mut(&mut l))
        .map_err(|(pivot, value)| Error::NotPositiveDefinite { pivot, value: value.to_f64() })?;
    l.fill_upper_triangle(T::zero(), 1);
    Ok(l)
}

pub(crate) fn cholesky_forward<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut l_dot = a_dot.copied();
    cholesky_forward_lower(block(l), &mut block_mut(&mut l_dot));
    l_dot.fill_upper_triangle(T::zero(), 1);
    l_dot
}

fn cholesky_reverse<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    mut l_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    if a_bar.is_wanted() {
        cholesky_reverse_hermitian(block(l), &mut buffer(&mut l_bar));
        add_cotangent(&l_bar, a_bar);
    }
}
