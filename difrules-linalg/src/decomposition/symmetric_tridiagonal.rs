use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::algebra::hessenberg::{hessenberg_forward, hessenberg_jump, hessenberg_reverse};
use crate::algebra::unitary::tridiagonal_factors;
use crate::blas::options::{Diagonal, Triangle};
use crate::block::{FIT, block_mut, buffer};
use crate::elementary::symmetric_part::symmetric_part;
use crate::error::{Error, finite_triangle, overflow, square};
use crate::sample;

/// The factors of [`symmetric_tridiagonal`](fn@symmetric_tridiagonal): A = Q T Q^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct SymmetricTridiagonal<T, D>
where
    T: Scalar,
    D: DimSub<U1>,
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    /// Q, unitary, with Q e1 = e1.
    pub q: OMatrix<T, D, D>,
    /// The diagonal of T.
    pub diagonal: OVector<T::Real, D>,
    /// What T has below and above its diagonal, not negative.
    pub off_diagonal: OVector<T::Real, DimDiff<D, U1>>,
}

/// A = Q T Q^H for a Hermitian A, of which only the lower triangle is read: Q unitary with Q e1 = e1, T
/// real and tridiagonal, with numbers beside its diagonal that are not negative.
///
/// A is Hermitian by contract, so its cotangent is. Where a number beside the diagonal is zero, what
/// comes after it is a choice: what has no derivative is NaN and
/// [reported](difrules_core::report). Along a direction that keeps the zero the choice is kept too.
///
/// The last vector of a real A has a sign alone: where the number that leads to it is zero, the derivatives are those of
/// the factors that keep the sign, with a number that passes through zero.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// That of [`hessenberg`](fn@crate::hessenberg), whose H is T for a Hermitian A. As T has three
/// diagonals the recursion takes 10 n^2 multiplications and additions, and each rule is three products,
/// 6 n^3, beside 8/3 n^3 of the primal.
///
/// ```
/// use difrules_linalg::symmetric_tridiagonal;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0_f64, 3.0, 4.0; 3.0, 2.0, 0.0; 4.0, 0.0, 2.0];
/// let factors = symmetric_tridiagonal(&a)?;
/// assert!((factors.diagonal - dvector![1.0, 2.0, 2.0]).norm() < 1e-14);
/// assert!((factors.off_diagonal - dvector![5.0, 0.0]).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symmetric_tridiagonal_forward,
    reverse = symmetric_tridiagonal_reverse,
    reads(return),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::hermitian
)]
pub fn symmetric_tridiagonal<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<SymmetricTridiagonal<T, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    square("a", a.shape())?;
    finite_triangle("a", Triangle::Lower, Diagonal::General, a)?;
    if a.is_empty() {
        return Ok(SymmetricTridiagonal {
            q: a.copied(),
            diagonal: OVector::zeros_generic(a.shape_generic().0, U1),
            off_diagonal: OVector::zeros_generic(Dim::from_usize(0), U1),
        });
    }
    let (q, diagonal, off_diagonal, scale) = tridiagonal_factors(a);
    let (diagonal, off_diagonal) = (diagonal * scale, off_diagonal * scale);
    overflow("t", diagonal.iter().chain(off_diagonal.iter()))?;
    let factors = SymmetricTridiagonal { q, diagonal, off_diagonal };
    let jump = hessenberg_jump(&factors.q, &tridiagonal(&factors));
    jumps("symmetric_tridiagonal", jump.is_some());
    Ok(factors)
}

/// T.
fn tridiagonal<T: Scalar, D: DimSub<U1>>(factors: &SymmetricTridiagonal<T, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let (size, _) = factors.q.shape_generic();
    let mut t = OMatrix::zeros_generic(size, size);
    for (i, &x) in factors.diagonal.iter().enumerate() {
        t[(i, i)] = T::from_real(x);
    }
    for (i, &x) in factors.off_diagonal.iter().enumerate() {
        t[(i + 1, i)] = T::from_real(x);
        t[(i, i + 1)] = T::from_real(x);
    }
    t
}

fn symmetric_tridiagonal_forward<T: Scalar, D: DimSub<U1>>(
    factors: &SymmetricTridiagonal<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> SymmetricTridiagonal<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let t = tridiagonal(factors);
    let (q, t_dot) = hessenberg_forward("symmetric_tridiagonal", &factors.q, &t, 1, a_dot);
    let mut tangent = factors.clone();
    tangent.q = q;
    for (i, x) in tangent.diagonal.iter_mut().enumerate() {
        *x = t_dot[(i, i)].real();
    }
    for (i, x) in tangent.off_diagonal.iter_mut().enumerate() {
        *x = t_dot[(i + 1, i)].real();
    }
    tangent
}

fn symmetric_tridiagonal_reverse<T: Scalar, D: DimSub<U1>>(
    factors: &SymmetricTridiagonal<T, D>,
    (mut q_bar, diagonal_bar, off_diagonal_bar): Cotangent<'_, SymmetricTridiagonal<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    // What is beside the diagonal is read below it: the part of the cotangent that is left over for
    // matrices that are not Hermitian goes with the Hermitian part.
    let mut t_bar = tridiagonal(factors);
    for (i, &x) in diagonal_bar.iter().enumerate() {
        t_bar[(i, i)] = T::from_real(x);
    }
    for (i, &x) in off_diagonal_bar.iter().enumerate() {
        t_bar[(i + 1, i)] = T::from_real(x);
        t_bar[(i, i + 1)] = T::zero();
    }
    a_bar.add(|| {
        let bars = (&buffer(&mut q_bar), &block_mut(&mut t_bar));
        let t = tridiagonal(factors);
        let bar = hessenberg_reverse("symmetric_tridiagonal", &factors.q, &t, 1, bars.0, bars.1);
        symmetric_part(&bar).expect(FIT)
    });
}
