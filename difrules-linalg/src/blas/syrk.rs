use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::blas::blocked::{Symmetry, change_columns, with_columns};
use crate::blas::options::{Operation, Triangle};
use crate::blas::rank_update::{RankUpdate, fits, to_slot};
use crate::block::{block, block_mut, buffer};
use crate::error::Error;

/// The triangle of C <- alpha op(A) op(A)^T + beta C, in place; the other triangle of C is neither read nor written.
/// For matrices of any storage. With op(A)^H: [`herk`](fn@crate::herk).
///
/// BLAS has it for A and A^T; here A^H is allowed too.
///
/// Where `beta` is zero, what is in the triangle of C does not matter, and where `alpha` is, what is in A; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] if C is not, [`Error::DimensionMismatch`] if the shape of `a` does not fit.
///
/// # Derivation
/// dC' = dalpha P P^T + alpha (dP P^T + P dP^T) + dbeta C + beta dC with P = op(A), of which the triangle counts. With
/// C_bar the cotangent of the new C and M the sum of its triangle and the transpose of that,
/// P_bar = conj(alpha) M conj(P): one symm, and the diagonal once more. alpha_bar is the sum over the triangle of
/// C_bar_ij conj((P P^T)_ij), beta_bar that with C, and conj(beta) C_bar is the cotangent of the old triangle, which
/// is kept only where beta varies. The cotangent of the other triangle passes through.
///
/// ```
/// use difrules_linalg::{Operation, Triangle, syrk};
/// use nalgebra::dmatrix;
///
/// let mut c = dmatrix![1.0, 7.0; 1.0, 1.0];
/// syrk(Triangle::Lower, Operation::None, 1.0, &dmatrix![1.0; 2.0], 2.0, &mut c)?;
/// assert_eq!(c, dmatrix![3.0, 7.0; 4.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = syrk_forward,
    reverse = syrk_reverse,
    reads(triangle, operation, alpha, a, beta, c for beta),
    optional(a),
    constant(triangle, operation),
    structure(c = symmetric(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn syrk<T: Scalar, R: Dim, C: Dim, D: Dim, SA: Storage<T, R, C>, SC: StorageMut<T, D, D>>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &Matrix<T, R, C, SA>,
    beta: T,
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
    alpha: T,
    a: DMatrixView<'_, T>,
    beta: T,
) -> RankUpdate<'_, T> {
    let symmetry = Symmetry::Symmetric;

    RankUpdate { triangle, symmetry, operation, alpha, a, beta }
}

#[allow(clippy::too_many_arguments)] // The arguments of syrk, and their tangents.
fn syrk_forward<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, D, D>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, R, C>>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, D, D>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let tangents = (alpha_dot, a_dot.map(block), beta_dot);
    let update = update(triangle, operation, alpha, block(a), beta);
    update.push(c.map(block), tangents, &mut block_mut(c_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of syrk, and their slots.
fn syrk_reverse<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, D, D>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let mut a_bar = a_bar.buffer();
    let a_bar = a_bar.as_mut().map(buffer);
    let (alpha_bar, beta_bar) = (to_slot(alpha_bar), to_slot(beta_bar));
    let update = update(triangle, operation, alpha, block(a), beta);
    update.pull(c.map(block), alpha_bar, a_bar, beta_bar, &mut buffer(&mut c_bar));
}

type Sample<T> = (Triangle, Operation, T, DMatrix<T>, T, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let (size, inner) = (random.choose(&[0, 1, 3, 6]), random.size(0, 6));
    let (rows, columns) = if operation == Operation::None { (size, inner) } else { (inner, size) };
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, c) = (random.matrix(rows, columns), random.matrix(size, size));
    (triangle, operation, alpha, a, beta, c)
}
