use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::logarithm::LogarithmSteps;
use crate::algebra::matrix_function::{add_adjoint_derivative, along, value_of};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// The principal logarithm of A: X with exp(X) = A whose eigenvalues have imaginary parts between -pi and pi. For a
/// real A it is real.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::OutsideDomain`] with an eigenvalue on the closed negative axis,
/// but for rounding; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// By inverse scaling and squaring of the Schur form, real for a real A: ln A = 2^s r(A^(1/2^s) - 1) with s roots, as
/// many as the norms of powers demand, and the diagonal Pade approximant r of ln(1 + X) in partial fractions
/// (Al-Mohy and Higham 2012, "Improved inverse scaling and squaring algorithms for the matrix logarithm"). The
/// derivative L(A, E) is that of the algorithm: for each root X one equation X dX + dX X = dA with the same factors, and
/// of the fractions products with what the primal saves (Al-Mohy, Higham and Relton 2013, "Computing the Frechet
/// derivative of the matrix logarithm and estimating the condition number"). A_bar = L(A^H, Y_bar) = L(A, Y_bar^H)^H. The Schur
/// form is that of D^-1 A D, where a diagonal D of powers of two makes that of one size, and what is between eigenvalues of
/// different sizes is taken off it (`src/algebra/basis.rs`).
///
/// ```
/// use difrules_linalg::{exp, ln};
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 2.0; -3.0, 4.0];
/// assert!((exp(&ln(&a)?)? - a).norm() < 1e-13);
/// assert_eq!(ln(&dmatrix![1.0, 5.0; 0.0, 1.0])?, dmatrix![0.0, 5.0; 0.0, 0.0]);
/// assert!(ln(&dmatrix![-1.0, 0.0; 0.0, 1.0]).is_err());
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ln_forward,
    reverse = ln_reverse,
    saves = ln_and_steps -> LogarithmSteps<T>,
    reads(),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::principal
)]
pub fn ln<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    ln_and_steps(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
pub(super) fn ln_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, LogarithmSteps<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let (y, steps) = LogarithmSteps::new(block(a))?;
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, ln)?;
    Ok((y, steps))
}

fn ln_forward<T: Scalar, D: Dim>(
    steps: &LogarithmSteps<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(a_dot.shape_generic(), &along(block(a_dot), |e| steps.derivative(e)))
}

fn ln_reverse<T: Scalar, D: Dim>(
    steps: &LogarithmSteps<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(e));
}
