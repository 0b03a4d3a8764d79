use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage, StorageMut, U1,
};

use crate::blas::blocked::{Stored, Symmetry, change_columns, with_columns};
use crate::blas::options::{Side, Triangle};
use crate::blas::symmetric_product::{SymmetricProduct, SymmetricSlots, fits};
use crate::block::{block, block_mut, buffer};
use crate::error::Error;

/// y <- alpha A x + beta y, in place, for a symmetric matrix A, A = A^T, of which one triangle is read; for matrices and
/// vectors of any storage. As nalgebra's `sygemv`. A
/// complex matrix that is Hermitian: [`hemv`](fn@crate::hemv).
///
/// Where `beta` is zero, what is in y does not matter, and where `alpha` is, what is in A and x; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// That of [`symm`](fn@crate::symm) with one column: the cotangent of A is the stored triangle of a sum of two
/// outer products.
///
/// ```
/// use difrules_linalg::{Triangle, symv};
/// use nalgebra::{dmatrix, dvector};
///
/// // What is below the diagonal is not read.
/// let a = dmatrix![1.0, 2.0; f64::NAN, 3.0];
/// let mut y = dvector![0.0, 1.0];
/// symv(Triangle::Upper, 1.0, &a, &dvector![1.0, 1.0], 2.0, &mut y)?;
/// assert_eq!(y, dvector![3.0, 7.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symv_forward,
    reverse = symv_reverse,
    reads(triangle, alpha, a, x, beta, y for beta),
    optional(a, x),
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
pub fn symv<
    T: Scalar,
    D: Dim,
    SA: Storage<T, D, D>,
    SX: Storage<T, D, U1>,
    SY: StorageMut<T, D, U1>,
>(
    triangle: Triangle,
    alpha: T,
    a: &Matrix<T, D, D, SA>,
    x: &Matrix<T, D, U1, SX>,
    beta: T,
    y: &mut Matrix<T, D, U1, SY>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    fits(Side::Left, a.shape(), ("x", x.shape()), ("y", y.shape()))?;
    with_columns(a, |a| {
        with_columns(x, |b| {
            let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Symmetric, a));
            change_columns(y, |y| SymmetricProduct { side, stored, alpha, b, beta }.compute(y));
        });
    });
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of symv, and their tangents.
fn symv_forward<T: Scalar, D: Dim>(
    triangle: Triangle,
    alpha: T,
    a: &OMatrix<T, D, D>,
    x: &OVector<T, D>,
    beta: T,
    y: Option<&OVector<T, D>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, D, D>>,
    x_dot: Option<&OVector<T, D>>,
    beta_dot: T,
    y_dot: &mut OVector<T, D>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Symmetric, block(a)));
    let product = SymmetricProduct { side, stored, alpha, b: block(x), beta };
    let tangents = (alpha_dot, a_dot.map(block), x_dot.map(block), beta_dot);
    product.push(y.map(block), tangents, &mut block_mut(y_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of symv, and their slots.
fn symv_reverse<T: Scalar, D: Dim>(
    triangle: Triangle,
    alpha: T,
    a: &OMatrix<T, D, D>,
    x: &OVector<T, D>,
    beta: T,
    y: Option<&OVector<T, D>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    x_bar: Slot<'_, OVector<T, D>>,
    beta_bar: Slot<'_, T>,
    mut y_bar: Adjoint<'_, OVector<T, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Symmetric, block(a)));
    let product = SymmetricProduct { side, stored, alpha, b: block(x), beta };
    let (mut a_bar, mut x_bar) = (a_bar.buffer(), x_bar.buffer());
    let slots = SymmetricSlots {
        alpha: alpha_bar,
        a: a_bar.as_mut().map(buffer),
        b: x_bar.as_mut().map(buffer),
        beta: beta_bar,
    };
    product.pull(y.map(block), slots, &mut buffer(&mut y_bar));
}

pub(crate) type Sample<T> = (Triangle, T, DMatrix<T>, DVector<T>, T, DVector<T>);

pub(crate) fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let size = random.choose(&[0, 1, 3, 7]);
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, x) = (random.matrix(size, size), random.vector(size));
    (triangle, alpha, a, x, beta, random.vector(size))
}
