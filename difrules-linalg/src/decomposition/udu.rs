use approx::AbsDiffEq;
use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::congruence::Congruence;
use crate::blas::options::{Diagonal, Triangle};
use crate::block::buffer;
use crate::error::{Error, finite_triangle, is_finite, singular, square};
use crate::sample;

/// The factors of [`udu`](fn@udu): A = U diag(d) U^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Udu<T, D>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// U, unit upper triangular.
    pub u: OMatrix<T, D, D>,
    /// d.
    pub d: OVector<T::Real, D>,
}

impl<T, D> Udu<T, D>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    pub(crate) fn congruence(&self) -> Congruence<'_, T, D> {
        Congruence {
            triangle: Triangle::Upper,
            factor: &self.u,
            diagonal: self.d.as_slice(),
            off_diagonal: &[],
            blocks: &[],
        }
    }
}

/// A = U diag(d) U^H for a Hermitian A, of which only the upper triangle is read: U unit upper triangular.
/// d is positive if A is positive definite; it need not be.
///
/// A is Hermitian by contract, so its cotangent is. A d_j that is zero within rounding is no error if the
/// column above it is zero too, as in a positive semidefinite A: both are set to zero. What has no derivative
/// then is NaN and [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::SingularBlock`] if another d_j is zero: there is no
/// such factorisation; [`Error::Singular`] if U overflows.
///
/// # Derivation
/// Of the elimination itself, column by column from the last, in which d_j is what is left of A_jj,
/// u_j = a_j / d_j, and d_j u_j u_j^H is taken off what is left: `src/algebra/congruence.rs`. The result is
/// dd = diag(F) and dU = U striu(F) diag(d)^-1 with F = U^-1 dA U^-H (as for L D L^H: de Hoog, Anderssen and
/// Lukas 2011, "Differentiation of matrix functionals using triangular factorization"). Each rule takes
/// 2/3 n^3 multiplications and additions, beside n^3 / 3 of the primal.
///
/// ```
/// use difrules_linalg::udu;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = udu(&dmatrix![7.0, 2.0; 2.0, 4.0])?;
/// assert_eq!((factors.u, factors.d), (dmatrix![1.0, 0.5; 0.0, 1.0], dvector![6.0, 4.0]));
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = udu_forward,
    reverse = udu_reverse,
    reads(return),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::positive_definite
)]
pub fn udu<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<Udu<T, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let size = square("a", a.shape())?;
    finite_triangle("a", Triangle::Upper, Diagonal::General, a)?;
    let mut u = a.clone();
    let mut d = OVector::zeros_generic(a.shape_generic().0, U1);
    for j in (0..size).rev() {
        let pivot = u[(j, j)].real();
        d[j] = pivot;
        let (mut left, mut right) = u.columns_range_pair_mut(..j, j..);
        let mut column = right.column_mut(0);
        let mut above = column.rows_range_mut(..j);
        // What is left of a column of a semidefinite matrix that depends on others is rounding.
        let rounding = T::Real::default_epsilon().to_f64() * size as f64;
        let length = |i: usize| a[(i, i)].modulus().to_f64().sqrt();
        let small = |i: usize, x: &T| x.modulus().to_f64() <= rounding * length(i) * length(j);
        let depends =
            small(j, &T::from_real(pivot)) && above.iter().enumerate().all(|(i, x)| small(i, x));
        if depends {
            d[j] = nalgebra::zero();
            above.fill(T::zero());
        } else if pivot == nalgebra::zero() {
            return Err(Error::SingularBlock { rows: size - j });
        } else {
            for k in 0..j {
                // A - d u u^H, with d u still in place of u.
                let factor = -above[k].conjugate().unscale(pivot);
                let mut part = left.view_range_mut(..k + 1, k);
                part.axpy(factor, &above.rows_range(..k + 1), T::one());
            }
            above.apply(|x| *x = x.unscale(pivot));
        }
        column[j] = T::one();
        column.rows_range_mut(j + 1..).fill(T::zero());
    }
    if is_finite(&u) {
        let factors = Udu { u, d };
        jumps("udu", factors.congruence().jumps());
        return Ok(factors);
    }
    Err(singular(d.iter().map(|&x| T::from_real(x))))
}

fn udu_forward<T: Scalar, D: Dim>(factors: &Udu<T, D>, a_dot: &OMatrix<T, D, D>) -> Udu<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (mut a_dot, mut d) = (a_dot.clone(), factors.d.clone());
    let u = factors.congruence().forward("udu", &mut a_dot, d.as_mut_slice(), &mut []);
    Udu { u, d }
}

fn udu_reverse<T: Scalar, D: Dim>(
    factors: &Udu<T, D>,
    (mut u_bar, d_bar): Cotangent<'_, Udu<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    a_bar.add(|| {
        let u_bar = buffer(&mut u_bar);
        factors.congruence().reverse("udu", u_bar.as_view(), d_bar.as_slice(), &[])
    });
}
