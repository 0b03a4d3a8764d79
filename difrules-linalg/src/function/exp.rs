use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::exponential::Exponential;
use crate::algebra::matrix_function::{add_adjoint_derivative, along, value_of};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// exp(A) = 1 + A + A^2 / 2 + ..., of any square A: no eigenvalues are involved.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// Scaling and squaring, exp(A) = r(2^-s A)^(2^s) with a diagonal Pade approximant r, whose order and s follow from
/// the one-norms of powers of A, not of A alone, so that s is not too large where A is far from normal (Al-Mohy and
/// Higham 2009, "A new scaling and squaring algorithm for the matrix exponential"). The derivative L(A, E) is that of
/// the algorithm, with its powers and its factors (Al-Mohy and Higham 2009, "Computing the Frechet derivative of
/// the matrix exponential"), and A_bar = L(A^H, Y_bar) = L(A, Y_bar^H)^H. All of it is of D^-1 A D, where a diagonal D of powers
/// of two makes that of one size (`src/algebra/basis.rs`). At a one-norm of two the primal takes 13 n^3
/// multiplications and additions, and each rule twice as many.
///
/// ```
/// use difrules_linalg::exp;
/// use nalgebra::dmatrix;
///
/// assert_eq!(exp(&dmatrix![0.0, 1.0; 0.0, 0.0])?, dmatrix![1.0, 1.0; 0.0, 1.0]);
/// let turn = exp(&dmatrix![0.0, -1.0; 1.0, 0.0])?;
/// assert!((turn[(0, 0)] - 1.0_f64.cos()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = exp_forward,
    reverse = exp_reverse,
    saves = exp_and_steps -> Exponential<T>,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn exp<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    exp_and_steps(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn exp_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Exponential<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let (y, steps) = Exponential::new(block(a))?;
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, exp)?;
    Ok((y, steps))
}

fn exp_forward<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    steps: &Exponential<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(y.shape_generic(), &along(block(a_dot), |e| steps.derivative(block(y), e)))
}

fn exp_reverse<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    steps: &Exponential<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(block(y), e));
}
