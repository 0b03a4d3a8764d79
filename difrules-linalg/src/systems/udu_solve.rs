use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::blas::options::{Diagonal, Triangle};
use crate::block::{FIT, block_mut, buffer};
use crate::decomposition::udu::Udu;
use crate::error::{Error, finite, finite_triangle, shape, square};

/// A^-1 B from the factors of [`udu`](fn@crate::udu), A = U diag(d) U^H. What U has on and below its
/// diagonal is not read.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit, [`Error::NotFinite`],
/// [`Error::Singular`] if a d_j is zero or the solution overflows.
///
/// # Derivation
/// With Z = U^-1 B, D = diag(d) and V = D^-1 Z the solution is U^-H V, so dZ = U^-1 (dB - dU Z), dV = D^-1 (dZ - dD V) and
/// dX = U^-H (dV - dU^H X). In the pairing Re tr(X_bar^H dX), Y = U^-1 X_bar, Q = D^-1 Y and W = U^-H Q: B_bar = W,
/// U_bar = -W Z^H - X Y^H above the diagonal and d_bar = -Re diag(Q V^H). Z and V are not products with X, where d has
/// numbers of all sizes: these would be differences of large ones. With m right-hand sides forward takes 5 n^2 m
/// multiplications and additions for the products and for Z, and reverse 3 n^2 m, beside the 2 n^2 m of the solves, which
/// the primal takes too.
///
/// ```
/// use difrules_linalg::{udu, udu_solve};
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = udu(&dmatrix![7.0, 2.0; 2.0, 4.0])?;
/// assert_eq!(udu_solve(&factors, &dvector![11.0, 10.0])?, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = udu_solve_forward,
    reverse = udu_solve_reverse,
    reads(factors, b, return),
    structure(factors.u = unit_upper, factors.d = diagonal),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn udu_solve<T: Scalar, D: Dim, C: Dim>(
    factors: &Udu<T, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<D, C>,
{
    let size = square("factors", factors.u.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    shape("factors", factors.d.shape(), (size, 1))?;
    finite_triangle("factors", Triangle::Upper, Diagonal::Unit, &factors.u)?;
    finite("factors", &factors.d)?;
    finite("b", b)?;
    let mut x = b.copied();
    factors.congruence().solve(&mut block_mut(&mut x))?;
    factors.congruence().solved(&x)?;
    Ok(x)
}

fn udu_solve_forward<T: Scalar, D: Dim, C: Dim>(
    factors: &Udu<T, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    factors_dot: &Udu<T, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<D, C>,
{
    let mut x_dot = b_dot.copied();
    factors.congruence().solve_forward(&factors_dot.congruence(), (b, x), &mut x_dot);
    x_dot
}

fn udu_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    factors: &Udu<T, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    factors_bar: Slot<'_, Udu<T, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<D, C>,
{
    let mut w: OMatrix<T, D, C> = x_bar.into_owned();
    let factors_bar: Option<Adjoint<'_, Udu<T, D>>> = factors_bar.buffer();
    if let Some((mut u_bar, mut d_bar)) = factors_bar {
        let bar = (&mut buffer(&mut u_bar), d_bar.as_mut_slice(), &mut [][..]);
        factors.congruence().solve_reverse((b, x), &mut w, bar);
    } else {
        factors.congruence().solve(&mut block_mut(&mut w)).expect(FIT);
    }
    b_bar.add(|| w);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Udu<T, Dyn>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    let u = random.lower_triangular::<T>(size).transpose();
    let d = DVector::from_fn(size, |_, _| random.between(0.5, 2.0));
    (Udu { u, d }, random.matrix(size, columns))
}
