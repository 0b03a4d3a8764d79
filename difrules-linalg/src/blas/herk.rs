use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::blas::blocked::{Symmetry, change_columns, with_columns};
use crate::blas::options::{Operation, Triangle};
use crate::blas::rank_update::{RankUpdate, fits, to_real_slot};
use crate::block::{block, block_mut, buffer, from_real_tangent};
use crate::error::Error;

/// The triangle of C <- alpha op(A) op(A)^H + beta C, in place, for real alpha and beta; the other triangle of C is
/// neither read nor written. For matrices of any storage. Of real numbers it is [`syrk`](fn@crate::syrk).
///
/// BLAS has it for A and A^H; here A^T is allowed too. The imaginary parts of the diagonal of C are not read, and
/// are zero afterwards.
///
/// Where `beta` is zero, what is in the triangle of C does not matter, and where `alpha` is, what is in A; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] if C is not, [`Error::DimensionMismatch`] if the shape of `a` does not fit.
///
/// # Derivation
/// dC' = dalpha P P^H + alpha (dP P^H + P dP^H) + dbeta C + beta dC with P = op(A), of which the triangle counts. With
/// C_bar the cotangent of the new C, real on the diagonal, and M the sum of its triangle and the adjoint of that,
/// P_bar = alpha M P: one hemm, and the diagonal once more. alpha_bar is the real part of the sum over the triangle of
/// C_bar_ij conj((P P^H)_ij), beta_bar that with C, and beta C_bar is the cotangent of the old triangle, which is
/// kept only where beta varies. The cotangent of the other triangle passes through.
///
/// ```
/// use difrules_linalg::{Operation, Triangle, herk};
/// use nalgebra::{Complex, dmatrix};
///
/// let (one, i) = (Complex::new(1.0, 0.0), Complex::new(0.0, 1.0));
/// let mut c = dmatrix![0.0 * one, 7.0 * one; 0.0 * one, 0.0 * one];
/// herk(Triangle::Lower, Operation::None, 1.0, &dmatrix![one; i], 0.0, &mut c)?;
/// assert_eq!(c, dmatrix![one, 7.0 * one; i, one]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = herk_forward,
    reverse = herk_reverse,
    reads(triangle, operation, alpha, a, beta, c for beta),
    optional(a),
    constant(triangle, operation),
    structure(c = hermitian(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn herk<T: Scalar, R: Dim, C: Dim, D: Dim, SA: Storage<T, R, C>, SC: StorageMut<T, D, D>>(
    triangle: Triangle,
    operation: Operation,
    alpha: T::Real,
    a: &Matrix<T, R, C, SA>,
    beta: T::Real,
    c: &mut Matrix<T, D, D, SC>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    fits(operation, a.shape(), ("c", c.shape()))?;
    with_columns(a, |a| {
        let update = self::update(triangle, operation, alpha, a, beta);
        change_columns(c, |c| update.compute(c));
    });
    Ok(())
}

fn update<T: Scalar>(
    triangle: Triangle,
    operation: Operation,
    alpha: T::Real,
    a: DMatrixView<'_, T>,
    beta: T::Real,
) -> RankUpdate<'_, T> {
    let symmetry = Symmetry::Hermitian;
    let (alpha, beta) = (T::from_real(alpha), T::from_real(beta));
    RankUpdate { triangle, symmetry, operation, alpha, a, beta }
}

#[allow(clippy::too_many_arguments)] // The arguments of herk, and their tangents.
fn herk_forward<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T::Real,
    a: &OMatrix<T, R, C>,
    beta: T::Real,
    c: Option<&OMatrix<T, D, D>>,
    alpha_dot: T::Real,
    a_dot: Option<&OMatrix<T, R, C>>,
    beta_dot: T::Real,
    c_dot: &mut OMatrix<T, D, D>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let tangents = (from_real_tangent(alpha_dot), a_dot.map(block), from_real_tangent(beta_dot));
    let update = update(triangle, operation, alpha, block(a), beta);
    update.push(c.map(block), tangents, &mut block_mut(c_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of herk, and their slots.
fn herk_reverse<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T::Real,
    a: &OMatrix<T, R, C>,
    beta: T::Real,
    c: Option<&OMatrix<T, D, D>>,
    alpha_bar: Slot<'_, T::Real>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    beta_bar: Slot<'_, T::Real>,
    mut c_bar: Adjoint<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let mut a_bar = a_bar.buffer();
    let a_bar = a_bar.as_mut().map(buffer);
    let (alpha_bar, beta_bar) = (to_real_slot(alpha_bar), to_real_slot(beta_bar));
    let update = update(triangle, operation, alpha, block(a), beta);
    update.pull(c.map(block), alpha_bar, a_bar, beta_bar, &mut buffer(&mut c_bar));
}

type Sample<T> =
    (Triangle, Operation, <T as Scalar>::Real, DMatrix<T>, <T as Scalar>::Real, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let (size, inner) = (random.choose(&[0, 1, 3, 6]), random.size(0, 6));
    let (rows, columns) = if operation == Operation::None { (size, inner) } else { (inner, size) };
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, c) = (random.matrix(rows, columns), random.matrix(size, size));
    (triangle, operation, alpha, a, beta, c)
}
