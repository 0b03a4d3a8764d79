use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::matrix_function::{add_adjoint_derivative, along, on_plain};
use crate::algebra::sign::{Sign, derivative_of_sign};
use crate::block::{block, out_of_basis, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// The sign of A: S with S^2 = 1, S A = A S, whose eigenvalue is 1 where that of A has a positive real part, and -1
/// where that is negative. For a real A it is real.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::OutsideDomain`] with an eigenvalue on the imaginary axis, but for
/// rounding; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// By the Schur form (Higham 2008, Functions of Matrices, algorithm 5.5), real for a real A. With N = S A, the root of
/// A^2, S^2 = 1 and S A = A S have N dS + dS N = dA - S dA S (theorem 5.7 there), and A_bar is the same of the adjoints:
/// an equation that is triangular in the same basis. Each rule takes eight products and 2 n^3 multiplications and
/// additions for the equation, beside some 30 n^3 of the primal.
///
/// ```
/// use difrules_linalg::sign;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![2.0, 3.0; 0.0, -1.0];
/// assert_eq!(sign(&a)?, dmatrix![1.0, 2.0; 0.0, -1.0]);
/// assert!(sign(&dmatrix![0.0, 1.0; -1.0, 0.0]).is_err());
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = sign_forward,
    reverse = sign_reverse,
    saves = sign_and_factors -> [DMatrix<T>; 3],
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sign<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    sign_and_factors(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn sign_and_factors<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, [DMatrix<T>; 3]), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let mut found = on_plain::<Sign, T>(block(a))?.into_iter();
    let factors = [(); 3].map(|()| found.next().expect("three matrices"));
    let [q, u, _] = &factors;
    let y = if <T::Real as Real>::BASE {
        shaped(a.shape_generic(), &out_of_basis::<T, Dyn>(q, u))
    } else {
        sign(a)?
    };
    overflow("y", y.as_slice())?;
    Ok((y, factors))
}

fn sign_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    y: &OMatrix<T, D, D>,
    factors: &[DMatrix<T>; 3],
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let derivative = |e: DMatrixView<'_, T>| derivative_of_sign(block(a), block(y), factors, e);
    shaped(y.shape_generic(), &along(block(a_dot), derivative))
}

fn sign_reverse<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    y: &OMatrix<T, D, D>,
    factors: &[DMatrix<T>; 3],
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| {
        derivative_of_sign(block(a), block(y), factors, e)
    });
}

/// Eigenvalues on both sides of the imaginary axis.
fn sample<T: Scalar>(random: &mut difrules_core::testing::Sampler) -> DMatrix<T> {
    let mut a = sample::principal(random);
    let half = a.nrows() / 2;
    a.rows_mut(0, half).neg_mut();
    a
}
