use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DVector, DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage,
    StorageMut, U1,
};

use crate::blas::blocked::{Symmetry, change_columns, with_columns};
use crate::blas::options::{Operation, Triangle};
use crate::blas::rank_update::{RankUpdate, to_slot};
use crate::block::{block, block_mut, buffer, still};
use crate::error::{Error, shape, square};

/// The triangle of A <- alpha x x^T + A, in place; the other triangle of A is neither read nor written. For matrices
/// and vectors of any storage. With x^H: [`her`](fn@crate::her).
///
/// Where `alpha` is zero, what is in x does not matter.
///
/// # Errors
/// [`Error::NotSquare`] if A is not, [`Error::DimensionMismatch`] if the shape of `x` does not fit.
///
/// # Derivation
/// That of [`syrk`](fn@crate::syrk) with one column and beta = 1: with M the sum of the triangle of A_bar and the
/// transpose of that, x_bar = conj(alpha) M conj(x). Nothing of A is kept.
///
/// ```
/// use difrules_linalg::{Triangle, syr};
/// use nalgebra::{dmatrix, dvector};
///
/// let mut a = dmatrix![1.0, 7.0; 1.0, 1.0];
/// syr(Triangle::Lower, 2.0, &dvector![1.0, 2.0], &mut a)?;
/// assert_eq!(a, dmatrix![3.0, 7.0; 5.0, 9.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = syr_forward,
    reverse = syr_reverse,
    reads(triangle, alpha, x),
    optional(x),
    constant(triangle),
    structure(a = symmetric(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn syr<T: Scalar, D: Dim, SX: Storage<T, D, U1>, SA: StorageMut<T, D, D>>(
    triangle: Triangle,
    alpha: T,
    x: &Matrix<T, D, U1, SX>,
    a: &mut Matrix<T, D, D, SA>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    let size = square("a", a.shape())?;
    shape("x", x.shape(), (size, 1))?;
    with_columns(x, |x| change_columns(a, |a| update(triangle, alpha, x).compute(a)));
    Ok(())
}

fn update<T: Scalar>(triangle: Triangle, alpha: T, a: DMatrixView<'_, T>) -> RankUpdate<'_, T> {
    let (symmetry, operation) = (Symmetry::Symmetric, Operation::None);
    RankUpdate { triangle, symmetry, operation, alpha, a, beta: T::one() }
}

fn syr_forward<T: Scalar, D: Dim>(
    triangle: Triangle,
    alpha: T,
    x: &OVector<T, D>,
    alpha_dot: T,
    x_dot: Option<&OVector<T, D>>,
    a_dot: &mut OMatrix<T, D, D>,
) where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    let tangents = (alpha_dot, x_dot.map(block), still());
    update(triangle, alpha, block(x)).push(None, tangents, &mut block_mut(a_dot));
}

fn syr_reverse<T: Scalar, D: Dim>(
    triangle: Triangle,
    alpha: T,
    x: &OVector<T, D>,
    alpha_bar: Slot<'_, T>,
    x_bar: Slot<'_, OVector<T, D>>,
    mut a_bar: Adjoint<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D> + Allocator<D, D>,
{
    let mut x_bar = x_bar.buffer();
    let x_bar = x_bar.as_mut().map(buffer);
    let update = update(triangle, alpha, block(x));
    update.pull(None, to_slot(alpha_bar), x_bar, |_| {}, &mut buffer(&mut a_bar));
}

type Sample<T> = (Triangle, T, DVector<T>, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let size = random.choose(&[0, 1, 3, 7]);
    (triangle, random.normal(), random.vector(size), random.matrix(size, size))
}
