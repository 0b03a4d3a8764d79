use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, U1};

use crate::algebra::schur::{schur_factors, schur_forward, schur_jumps, schur_reverse};
use crate::block::{block, buffer};
use crate::error::{Error, finite, square};
use crate::sample;

/// (Q, T) of A = Q T Q^H: Q unitary and T upper triangular, with the eigenvalues of A on its diagonal, in
/// the order of their real parts, then of their imaginary parts. For a real A all is real, and T
/// quasi-triangular: each pair of complex eigenvalues a + bi, a - bi is a block [a x; -y a] of two rows,
/// with x >= y > 0 and x y = b^2.
///
/// The first of the largest entries of each column of Q is real and positive, but for the second column
/// of a block, whose sign is given by that x and y are positive.
///
/// Where an eigenvalue repeats, or a block has x = y, the vectors are a choice: what is not determined is NaN and
/// [reported](difrules_core::report). Vectors of other eigenvalues, before or behind those that are close, have derivatives
/// that lose nothing by how close these are.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// dT = Q^H dA Q - X T + T X with a skew-Hermitian X = Q^H dQ; that dT is zero below the blocks is a
/// triangular Sylvester equation for X there: `src/algebra/schur.rs`, also for the phases and the rotations
/// within blocks (as for Hermitian A, but for a triangular in place of a diagonal T; Konstantinov, Petkov
/// and Christov 1994, "Nonlocal perturbation analysis of the Schur system of a matrix", section 3, have
/// the equation for X). Each rule takes five to seven products, 10 to 14 n^3 multiplications and additions, and
/// 2/3 n^3 for the equation, beside some 25 n^3 of the primal.
///
/// ```
/// use difrules_linalg::schur;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 3.0; -2.0, 1.0];
/// let (q, t) = schur(&a)?;
/// assert!((&q * &t * q.transpose() - &a).norm() < 1e-14);
/// assert!((t - a).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = schur_tangent,
    reverse = schur_cotangent,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
#[expect(clippy::type_complexity, reason = "two factors or an error")]
pub fn schur<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    square("a", a.shape())?;
    finite("a", a)?;
    let (q, t) = schur_factors(a)?;
    jumps("schur", schur_jumps(block(&q), block(&t)));
    Ok((q, t))
}

fn schur_tangent<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    (q, t): &(OMatrix<T, D, D>, OMatrix<T, D, D>),
    a_dot: &OMatrix<T, D, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D>,
{
    schur_forward("schur", (a, q, t), a_dot)
}

fn schur_cotangent<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    (q, t): &(OMatrix<T, D, D>, OMatrix<T, D, D>),
    (mut q_bar, mut t_bar): Cotangent<'_, (OMatrix<T, D, D>, OMatrix<T, D, D>)>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let (mut q_bar, mut t_bar) = (buffer(&mut q_bar), buffer(&mut t_bar));
    a_bar.add(|| schur_reverse("schur", (a, q, t), &mut q_bar, &mut t_bar));
}
