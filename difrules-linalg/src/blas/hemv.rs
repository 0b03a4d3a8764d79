use difrules_core::contract::Adjoint;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage, StorageMut, U1};

use crate::blas::blocked::{Stored, Symmetry, change_columns, with_columns};
use crate::blas::options::{Side, Triangle};
use crate::blas::symmetric_product::{SymmetricProduct, SymmetricSlots, fits};
use crate::blas::symv::sample;
use crate::block::{block, block_mut, buffer};
use crate::error::Error;

/// y <- alpha A x + beta y, in place, for a Hermitian matrix A, A = A^H, of which one triangle is read; for matrices and
/// vectors of any storage. The imaginary parts of
/// its diagonal are not read. As nalgebra's `hegemv`; of real numbers it is [`symv`](fn@crate::symv).
///
/// Where `beta` is zero, what is in y does not matter, and where `alpha` is, what is in A and x; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// That of [`hemm`](fn@crate::hemm) with one column: the cotangent of A is the stored triangle of a sum of two
/// outer products.
///
/// ```
/// use difrules_linalg::{Triangle, hemv};
/// use nalgebra::{Complex, dmatrix, dvector};
///
/// let (one, i) = (Complex::new(1.0, 0.0), Complex::new(0.0, 1.0));
/// let a = dmatrix![one, one; i, one];
/// let mut y = dvector![one, one];
/// hemv(Triangle::Lower, one, &a, &dvector![one, one], 0.0 * one, &mut y)?;
/// assert_eq!(y, dvector![one - i, one + i]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = hemv_forward,
    reverse = hemv_reverse,
    reads(triangle, alpha, a, x, beta, y for beta),
    optional(a, x),
    constant(triangle),
    structure(a = hermitian(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn hemv<
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
            let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Hermitian, a));
            change_columns(y, |y| SymmetricProduct { side, stored, alpha, b, beta }.compute(y));
        });
    });
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of hemv, and their tangents.
fn hemv_forward<T: Scalar, D: Dim>(
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
    let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Hermitian, block(a)));
    let product = SymmetricProduct { side, stored, alpha, b: block(x), beta };
    let tangents = (alpha_dot, a_dot.map(block), x_dot.map(block), beta_dot);
    product.push(y.map(block), tangents, &mut block_mut(y_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of hemv, and their slots.
fn hemv_reverse<T: Scalar, D: Dim>(
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
    let (side, stored) = (Side::Left, Stored::new(triangle, Symmetry::Hermitian, block(a)));
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
