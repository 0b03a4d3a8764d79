use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::exponential::Exponential;
use crate::algebra::logarithm::LogarithmSteps;
use crate::algebra::matrix_function::of_size_of;
use crate::block::{block, buffer, pairing, varies};
use crate::error::{Error, finite, overflow, square};
use crate::function::ln::ln_and_steps;
use crate::sample;

/// A^p = exp(p ln A), the principal power of A to a real exponent. For a real A it is real. To an integer one of any
/// A: [`pow`](fn@crate::pow).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`], of `a` or of `p`; [`Error::OutsideDomain`] with an eigenvalue on the
/// closed negative axis, but for rounding; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// dY = L_exp(p X, p L_ln(A, dA) + X dp) with X = ln A, by the derivatives of [`exp`](fn@crate::exp) and
/// [`ln`](fn@crate::ln); backwards M_bar = L_exp((p X)^H, Y_bar), p_bar = Re tr(X^H M_bar), and
/// A_bar = L_ln(A^H, p M_bar).
///
/// ```
/// use difrules_linalg::powf;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 4.0; 0.0, 1.0];
/// assert!((powf(&a, 0.25)? - dmatrix![1.0, 1.0; 0.0, 1.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = powf_forward,
    reverse = powf_reverse,
    saves = powf_and_steps -> PowerSteps<T>,
    reads(p, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn powf<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>, p: T::Real) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    powf_and_steps(a, p).map(|(y, _)| y)
}

/// The logarithm, what it was made of, and what its exponential was.
pub struct PowerSteps<T: Scalar> {
    logarithm: DMatrix<T>,
    of_logarithm: LogarithmSteps<T>,
    of_exponential: Exponential<T>,
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn powf_and_steps<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    p: T::Real,
) -> Result<(OMatrix<T, D, D>, PowerSteps<T>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    if !p.to_f64().is_finite() {
        return Err(Error::NotFinite { argument: "p", row: 0, column: 0 });
    }
    let (logarithm, of_logarithm) =
        ln_and_steps::<T, Dyn>(&block(a).into_owned()).map_err(named)?;
    let (y, of_exponential) = Exponential::new(block(&logarithm.map(|x| x.scale(p))))?;
    overflow("y", y.iter())?;
    // In a mode it is the same primitive, one mode further in.
    let y = if <T::Real as Real>::BASE { of_size_of(a, &y) } else { powf(a, p)? };
    Ok((y, PowerSteps { logarithm, of_logarithm, of_exponential }))
}

/// What the logarithm says, of the power.
fn named(error: Error) -> Error {
    match error {
        Error::OutsideDomain { eigenvalue, .. } => {
            Error::OutsideDomain { function: "powf", eigenvalue }
        }
        other => other,
    }
}

fn powf_forward<T: Scalar, D: Dim>(
    p: T::Real,
    y: &OMatrix<T, D, D>,
    steps: &PowerSteps<T>,
    a_dot: &OMatrix<T, D, D>,
    p_dot: T::Real,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut e = DMatrix::zeros(y.nrows(), y.ncols());
    if varies(a_dot) {
        e = steps.of_logarithm.derivative(block(a_dot)).map(|x| x.scale(p));
    }
    if !p_dot.is_constant_zero() {
        e.zip_apply(&steps.logarithm, |e, x| *e += x.scale(p_dot));
    }
    of_size_of(y, &steps.of_exponential.derivative(block(y), block(&e)))
}

fn powf_reverse<T: Scalar, D: Dim>(
    p: T::Real,
    y: &OMatrix<T, D, D>,
    steps: &PowerSteps<T>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    p_bar: Slot<'_, T::Real>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    // The adjoint of M_bar.
    let e = steps.of_exponential.derivative(block(y), block(&buffer(&mut y_bar).adjoint()));
    p_bar.add(|| pairing(&e.adjoint(), &steps.logarithm).real());
    if let Some(mut a_bar) = a_bar.buffer() {
        let found = steps.of_logarithm.derivative(block(&e)).adjoint();
        buffer(&mut a_bar).zip_apply(&found, |bar, x| *bar += x.scale(p));
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, T::Real) {
    (sample::principal(random), random.between(-2.0, 3.0))
}
