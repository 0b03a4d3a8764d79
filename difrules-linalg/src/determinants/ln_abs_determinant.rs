use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DefaultAllocator, Dim, OMatrix};

use crate::blas::options::Operation;
use crate::block::FIT;
use crate::decomposition::lu::{Lu, lu};
use crate::error::{Error, square};
use crate::sample;

/// ln |det A|, and the sign det A / |det A|, which is 1 or -1 for a real A and a phase for a complex
/// one, by elimination with partial pivoting. It neither overflows nor underflows where det A does.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Singular`] if a pivot is zero.
///
/// # Derivation
/// With z = tr(A^-1 dA), d ln det A = z (Petersen and Pedersen, The Matrix Cookbook, eq. 43), so for
/// y = ln |det A| and the sign s, dy = Re z and ds = i s Im z. In the pairing,
/// y_bar Re z + Re(conj(s_bar) i s Im z) = Re(conj(w) z) with w = y_bar + i Im(s_bar conj(s)), and
/// A_bar = w A^-H: 8/3 n^3 multiplications and additions by the factors of the primal, whose own are
/// 2/3 n^3.
///
/// ```
/// use difrules_linalg::ln_abs_determinant;
/// use nalgebra::dmatrix;
///
/// let (y, sign) = ln_abs_determinant(&dmatrix![1.0_f64, 3.0; 2.0, 2.0])?;
/// assert!((y - 4.0_f64.ln()).abs() < 1e-15 && sign == -1.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ln_abs_determinant_forward,
    reverse = ln_abs_determinant_reverse,
    saves = ln_abs_determinant_and_factors -> Lu<T, D, D>,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn ln_abs_determinant<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<(T::Real, T), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    ln_abs_determinant_and_factors(a).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn ln_abs_determinant_and_factors<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<((T::Real, T), Lu<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    square("a", a.shape())?;
    let factors = lu(a)?;
    let (mut y, mut sign) = (nalgebra::zero::<T::Real>(), T::one());
    for (k, &pivot) in factors.swaps().iter().enumerate() {
        let entry = factors.packed[(k, k)];
        let size = entry.modulus();
        if size == nalgebra::zero() {
            return Err(Error::Singular { pivot: k, reciprocal_condition: 0.0 });
        }
        y += ComplexField::ln(size);
        sign *= if k == pivot { entry } else { -entry }.unscale(size);
    }
    Ok(((y, sign), factors))
}

/// A^-H.
fn inverse_adjoint<T: Scalar, D: Dim>(factors: &Lu<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (rows, columns) = factors.packed.shape_generic();
    let mut inverse = OMatrix::identity_generic(rows, columns);
    factors.solve(Operation::Adjoint, &mut inverse).expect(FIT);
    inverse
}

fn ln_abs_determinant_forward<T: Scalar, D: Dim>(
    &(_, sign): &(T::Real, T),
    factors: &Lu<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> (T::Real, T)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let trace = inverse_adjoint(factors).dotc(a_dot);
    let real = trace.real();
    (real, sign * (trace - T::from_real(real)))
}

fn ln_abs_determinant_reverse<T: Scalar, D: Dim>(
    &(_, sign): &(T::Real, T),
    factors: &Lu<T, D, D>,
    (y_bar, sign_bar): Cotangent<'_, (T::Real, T)>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let turned = sign_bar * sign.conjugate();
    let factor = T::from_real(y_bar - turned.real()) + turned;
    a_bar.add(|| inverse_adjoint(factors) * factor);
}
