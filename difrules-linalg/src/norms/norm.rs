use difrules_core::{Scalar, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::nrm2::{nrm2, nrm2_forward, nrm2_reverse};
use crate::sample;

/// The Frobenius norm of a matrix, sqrt(tr(A^H A)), without overflow or underflow: that of all entries
/// as one vector, [`nrm2`](fn@crate::nrm2), of which it has the conventions and the rules.
///
/// # Derivation
/// That of [`nrm2`](fn@crate::nrm2). At A = 0 there is no derivative; the rules take the subgradient 0.
///
/// ```
/// use difrules_linalg::norm;
/// use nalgebra::dmatrix;
///
/// assert_eq!(norm(&dmatrix![1.0, 2.0; 4.0, 2.0]), 5.0);
/// ```
#[primitive(
    forward = nrm2_forward,
    reverse = nrm2_reverse,
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
pub fn norm<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    nrm2(a)
}
