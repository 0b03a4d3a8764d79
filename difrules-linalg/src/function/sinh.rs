use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::matrix_function::{add_adjoint_derivative, along, value_of};
use crate::algebra::trigonometric::{Pair, Part, Trigonometric};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// sinh(A) = A + A^3 / 6 + ..., of any square A.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// With the sine and the cosine of 2^-s A as [`sin`](fn@crate::sin) has them, without the signs:
/// sinh 2X = 2 sinh X cosh X and cosh 2X = cosh^2 X + sinh^2 X. Each rule takes twice the products of the primal.
///
/// ```
/// use difrules_linalg::sinh;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![0.0_f64, 1.0; 0.0, 0.0];
/// assert_eq!(sinh(&a)?, a);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = sinh_forward,
    reverse = sinh_reverse,
    saves = sinh_and_steps -> Trigonometric<T>,
    reads(),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn sinh<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    sinh_and_steps(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn sinh_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Trigonometric<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let ([y, _], steps) = Trigonometric::new(Pair::Hyperbolic, block(a));
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, sinh)?;
    Ok((y, steps))
}

fn sinh_forward<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(a_dot.shape_generic(), &along(block(a_dot), |e| steps.derivative(Part::Sine, e)))
}

fn sinh_reverse<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(Part::Sine, e));
}
