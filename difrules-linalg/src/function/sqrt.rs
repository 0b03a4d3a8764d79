use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::matrix_function::{add_adjoint_derivative, along, on_plain};
use crate::algebra::square_root::{SquareRoot, derivative_of_root};
use crate::block::{block, out_of_basis, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// The principal square root of A: X with X^2 = A whose eigenvalues have positive real parts. For a real A it is real.
///
/// A singular A has a root if zero is no more defective than simple; it has no derivative there, since matrices next to it
/// have no root: that is NaN and [reported](difrules_core::report), in both modes and along any direction, those too that keep
/// the zero.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::OutsideDomain`] with an eigenvalue on the negative axis, or
/// with zeros that have no root; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// By the Schur form A = Q T Q^H, real for a real A (Bjorck and Hammarling 1983, "A Schur method for the square root
/// of a matrix"; Higham 1987, "Computing real square roots of a real matrix"; by recursion on halves). X dX + dX X = dA is
/// a triangular equation in the basis Q, with the same factors; A_bar solves X^H A_bar + A_bar X^H = Y_bar. Each rule
/// takes four products and 2 n^3 multiplications and additions for the equation, beside some 30 n^3 of the primal.
///
/// ```
/// use difrules_linalg::sqrt;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 1.0; 0.0, 1.0];
/// assert_eq!(sqrt(&a)?, dmatrix![1.0, 0.5; 0.0, 1.0]);
/// assert!(sqrt(&dmatrix![0.0, 1.0; 0.0, 0.0]).is_err());
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = sqrt_forward,
    reverse = sqrt_reverse,
    saves = sqrt_and_factors -> (DMatrix<T>, DMatrix<T>),
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::principal
)]
pub fn sqrt<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    sqrt_and_factors(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn sqrt_and_factors<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, (DMatrix<T>, DMatrix<T>)), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let mut found = on_plain::<SquareRoot, T>(block(a))?.into_iter();
    let [q, r] = [(); 2].map(|()| found.next().expect("two matrices"));
    let y = if <T::Real as Real>::BASE {
        shaped(a.shape_generic(), &out_of_basis::<T, Dyn>(&q, &r))
    } else {
        sqrt(a)?
    };
    overflow("y", y.as_slice())?;
    Ok((y, (q, r)))
}

fn sqrt_forward<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    (q, r): &(DMatrix<T>, DMatrix<T>),
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(y.shape_generic(), &along(block(a_dot), |e| derivative_of_root(block(y), q, r, e)))
}

fn sqrt_reverse<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    (q, r): &(DMatrix<T>, DMatrix<T>),
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| derivative_of_root(block(y), q, r, e));
}
