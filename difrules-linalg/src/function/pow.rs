use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::matrix_function::{
    add_adjoint_derivative, along, derivative_of_product, times, value_of,
};
use crate::block::{block, shaped};
use crate::error::{Error, finite, overflow, square};
use crate::systems::inverse::inverse;

/// A^p for an integer p: 1 for zero, and a power of the inverse for a negative one. To a real exponent:
/// [`powf`](fn@crate::powf).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Singular`] where p is negative; [`Error::Overflow`].
///
/// # Derivation
/// By squares and products with B = A or A^-1, from the highest binary digit of |p| on. The derivative is that of these
/// steps, d(X X) = dX X + X dX and d(X B) = dX B + X dB with dB = dA or -B dA B, and
/// A_bar = L(A^H, Y_bar) = L(A, Y_bar^H)^H. Each rule takes twice the products of the primal.
///
/// ```
/// use difrules_linalg::pow;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 1.0; 0.0, 2.0];
/// assert_eq!(pow(&a, 3)?, dmatrix![1.0, 7.0; 0.0, 8.0]);
/// assert_eq!(pow(&a, -1)?, dmatrix![1.0, -0.5; 0.0, 0.5]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = pow_forward,
    reverse = pow_reverse,
    saves = pow_and_steps -> PowSteps<T>,
    reads(p),
    constant(p),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn pow<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>, p: i32) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    pow_and_steps(a, p).map(|(y, _)| y)
}

/// What a power was made of: A or its inverse, and what was multiplied by itself or, where the flag says so, by that.
pub struct PowSteps<T: Scalar> {
    base: DMatrix<T>,
    steps: Vec<(bool, DMatrix<T>)>,
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
pub(super) fn pow_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    p: i32,
) -> Result<(OMatrix<T, D, D>, PowSteps<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let mut base = block(a).into_owned();
    if p < 0 {
        base = inverse::<T, Dyn>(&base)?;
    }
    let (mut steps, digits) = (Vec::new(), p.unsigned_abs());
    let mut y = base.clone();
    if p == 0 {
        y.fill_with_identity();
    }
    for digit in (0..digits.checked_ilog2().unwrap_or(0)).rev() {
        let next = times(&y, &y);
        steps.push((false, std::mem::replace(&mut y, next)));
        if digits >> digit & 1 == 1 {
            let next = times(&y, &base);
            steps.push((true, std::mem::replace(&mut y, next)));
        }
    }
    overflow("y", y.as_slice())?;
    let y = value_of(a, &y, |a| pow(a, p))?;
    Ok((y, PowSteps { base, steps }))
}

impl<T: Scalar> PowSteps<T> {
    pub(super) fn derivative(&self, p: i32, e: DMatrixView<'_, T>) -> DMatrix<T> {
        let Self { base, steps } = self;
        let mut base_dot = e.into_owned();
        if p == 0 {
            base_dot.fill(T::zero());
        }
        if p < 0 {
            base_dot = -times(base, &times(&base_dot, base));
        }
        let mut y_dot = base_dot.clone();
        for (by_base, y) in steps {
            let factor = if *by_base { (base, &base_dot) } else { (y, &y_dot) };
            y_dot = derivative_of_product((y, &y_dot), factor);
        }
        y_dot
    }
}

fn pow_forward<T: Scalar, D: Dim>(
    p: i32,
    steps: &PowSteps<T>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    shaped(a_dot.shape_generic(), &along(block(a_dot), |e| steps.derivative(p, e)))
}

fn pow_reverse<T: Scalar, D: Dim>(
    p: i32,
    steps: &PowSteps<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    add_adjoint_derivative(&mut y_bar, a_bar, |e| steps.derivative(p, e));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, i32) {
    let size = random.choose(&[0, 1, 2, 3, 5]);
    let mut a: DMatrix<T> = random.matrix(size, size).map(|x: T| x.scale(nalgebra::convert(0.4)));
    (0..size).for_each(|i| a[(i, i)] += T::one());
    (a, random.choose(&[-3, -2, -1, 0, 1, 2, 3, 5]))
}
