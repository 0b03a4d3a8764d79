use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::matrix_function::{add_adjoint_derivative, along, value_of};
use crate::algebra::trigonometric::{Pair, Part, Trigonometric};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// cosh(A) = 1 + A^2 / 2 + ..., of any square A.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// As that of [`sinh`](fn@crate::sinh), of which it is the other half.
///
/// ```
/// use difrules_linalg::cosh;
/// use nalgebra::dmatrix;
///
/// let y = cosh(&dmatrix![0.0_f64, 1.0; -1.0, 0.0])?;
/// assert!((y[(0, 0)] - 1.0_f64.cos()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = cosh_forward,
    reverse = cosh_reverse,
    saves = cosh_and_steps -> Trigonometric<T>,
    reads(),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn cosh<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    cosh_and_steps(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn cosh_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Trigonometric<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let ([_, y], steps) = Trigonometric::new(Pair::Hyperbolic, block(a));
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, cosh)?;
    Ok((y, steps))
}

fn cosh_forward<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(a_dot.shape_generic(), &along(block(a_dot), |e| steps.derivative(Part::Cosine, e)))
}

fn cosh_reverse<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(Part::Cosine, e));
}
