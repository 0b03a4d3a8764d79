use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, U1};

use crate::algebra::hessenberg::{hessenberg_forward, hessenberg_jump, hessenberg_reverse};
use crate::algebra::unitary::hessenberg_factors;
use crate::block::buffer;
use crate::error::{Error, finite, overflow, square};
use crate::sample;

/// (Q, H) of A = Q H Q^H: Q unitary with Q e1 = e1, H zero below its subdiagonal, which is real and not
/// negative.
///
/// The first column of Q is fixed, and determines all the rest as long as no entry of the subdiagonal is
/// zero. Where one is, what comes after it is a choice: what has no derivative is NaN and
/// [reported](difrules_core::report). Along a direction that keeps the zero the choice is kept too.
///
/// The last vector of a real A has a sign alone: where the number that leads to it is zero, the derivatives are those of
/// the factors that keep the sign, with a number that passes through zero.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// Of the reduction itself, column by column, dH = Q^H dA Q - X H + H X with a skew-Hermitian
/// X = Q^H dQ whose first column is zero: `src/algebra/hessenberg.rs`. Each rule takes three products and 2 n^3
/// multiplications and additions in the recursion, 8 n^3, beside 14/3 n^3 of the primal.
///
/// ```
/// use difrules_linalg::hessenberg;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 2.0, 3.0; -3.0, 4.0, 1.0; 4.0, 0.0, 2.0];
/// let (q, h) = hessenberg(&a)?;
/// assert!((h[(1, 0)] - 5.0).abs() < 1e-14 && h[(2, 0)] == 0.0);
/// assert!((&q * h * q.transpose() - a).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = hessenberg_tangent,
    reverse = hessenberg_cotangent,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
#[expect(clippy::type_complexity, reason = "two factors or an error")]
pub fn hessenberg<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    if a.is_empty() {
        return Ok((a.clone(), a.clone()));
    }
    let (q, mut h, scale) = hessenberg_factors(a);
    h.apply(|x| *x = x.scale(scale));
    overflow("h", h.as_slice())?;
    jumps("hessenberg", hessenberg_jump(&q, &h).is_some());
    Ok((q, h))
}

fn hessenberg_tangent<T: Scalar, D: Dim>(
    (q, h): &(OMatrix<T, D, D>, OMatrix<T, D, D>),
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    hessenberg_forward("hessenberg", q, h, q.nrows(), a_dot)
}

fn hessenberg_cotangent<T: Scalar, D: Dim>(
    (q, h): &(OMatrix<T, D, D>, OMatrix<T, D, D>),
    (mut q_bar, mut h_bar): Cotangent<'_, (OMatrix<T, D, D>, OMatrix<T, D, D>)>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let bars = (&buffer(&mut q_bar), &buffer(&mut h_bar));
    a_bar.add(|| hessenberg_reverse("hessenberg", q, h, q.nrows(), bars.0, bars.1));
}
