use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::algebra::matrix_function::{add_adjoint_derivative, along, value_of};
use crate::algebra::trigonometric::{Pair, Part, Trigonometric};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// sin(A) = A - A^3 / 6 + ..., of any square A.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// With the sine and the cosine of 2^-s A, Taylor polynomials, whose degree and s follow from the one-norms of powers
/// of A; then sin 2X = 2 sin X cos X and cos 2X = cos^2 X - sin^2 X, which is the squaring of exp(iX) in numbers of the
/// kind of A (for other ways: Al-Mohy, Higham and Relton 2015, "New algorithms for computing the matrix sine and cosine
/// separately or simultaneously"). The derivative L(A, E) is that of the algorithm, with what the primal saves, and
/// A_bar = L(A^H, Y_bar) = L(A, Y_bar^H)^H. Each rule takes twice the products of the primal.
///
/// ```
/// use difrules_linalg::sin;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![0.0_f64, 1.0; 0.0, 0.0];
/// assert_eq!(sin(&a)?, a);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = sin_forward,
    reverse = sin_reverse,
    saves = sin_and_steps -> Trigonometric<T>,
    reads(),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn sin<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    sin_and_steps(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn sin_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Trigonometric<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let ([y, _], steps) = Trigonometric::new(Pair::Circular, block(a));
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, sin)?;
    Ok((y, steps))
}

fn sin_forward<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(a_dot.shape_generic(), &along(block(a_dot), |e| steps.derivative(Part::Sine, e)))
}

fn sin_reverse<T: Scalar, D: Dim>(
    steps: &Trigonometric<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(Part::Sine, e));
}
