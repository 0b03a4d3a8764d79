use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage, StorageMut, U1,
};

use crate::blas::gemm::{Product, gemm};
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer, still};
use crate::error::{Error, shape};

/// A <- alpha x y^T + A, in place and without conjugation, as nalgebra's `ger` and BLAS's `geru`; for matrices and
/// vectors of any storage. With y^H: [`gerc`](fn@crate::gerc).
///
/// Where `alpha` is zero, what is in x and y does not matter.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shape of `a` does not fit.
///
/// # Derivation
/// dA' = dalpha x y^T + alpha (dx y^T + x dy^T) + dA. So with A_bar the cotangent of the new A, which is that of the
/// old one too, x_bar = conj(alpha) A_bar conj(y), y_bar = conj(alpha) A_bar^T conj(x) and
/// alpha_bar = x^H A_bar conj(y). Nothing of A is kept.
///
/// ```
/// use difrules_linalg::ger;
/// use nalgebra::{dmatrix, dvector};
///
/// let mut a = dmatrix![1.0, 0.0; 0.0, 1.0];
/// ger(2.0, &dvector![1.0, 2.0], &dvector![3.0, 4.0], &mut a)?;
/// assert_eq!(a, dmatrix![7.0, 8.0; 12.0, 17.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ger_forward,
    reverse = ger_reverse,
    reads(alpha, x, y),
    optional(x, y),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample,
    alias("geru")
)]
pub fn ger<
    T: Scalar,
    R: Dim,
    C: Dim,
    SX: Storage<T, R, U1>,
    SY: Storage<T, C, U1>,
    SA: StorageMut<T, R, C>,
>(
    alpha: T,
    x: &Matrix<T, R, U1, SX>,
    y: &Matrix<T, C, U1, SY>,
    a: &mut Matrix<T, R, C, SA>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    shape("a", a.shape(), (x.nrows(), y.nrows()))?;
    gemm(Operation::None, Operation::Transpose, alpha, x, y, T::one(), a)
}

fn ger_forward<T: Scalar, R: Dim, C: Dim>(
    alpha: T,
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    alpha_dot: T,
    x_dot: Option<&OVector<T, R>>,
    y_dot: Option<&OVector<T, C>>,
    a_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    let tangents = (alpha_dot, x_dot.map(block), y_dot.map(block), still());
    outer(Operation::Transpose, alpha, x, y).push(None, tangents, &mut block_mut(a_dot));
}

fn ger_reverse<T: Scalar, R: Dim, C: Dim>(
    alpha: T,
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    alpha_bar: Slot<'_, T>,
    x_bar: Slot<'_, OVector<T, R>>,
    y_bar: Slot<'_, OVector<T, C>>,
    a_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    reverse(outer(Operation::Transpose, alpha, x, y), alpha_bar, x_bar, y_bar, a_bar);
}

/// A <- alpha x y^H + A, in place, as nalgebra's and BLAS's `gerc`; for matrices and vectors of any storage. Of real
/// numbers it is [`ger`](fn@crate::ger).
///
/// Where `alpha` is zero, what is in x and y does not matter.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shape of `a` does not fit.
///
/// # Derivation
/// dA' = dalpha x y^H + alpha (dx y^H + x dy^H) + dA. So with A_bar the cotangent of the new A, which is that of the
/// old one too, x_bar = conj(alpha) A_bar y, y_bar = alpha A_bar^H x and alpha_bar = x^H A_bar y. Nothing of A is
/// kept.
///
/// ```
/// use difrules_linalg::gerc;
/// use nalgebra::{Complex, dmatrix, dvector};
///
/// let i = Complex::new(0.0, 1.0);
/// let mut a = dmatrix![Complex::new(1.0, 0.0)];
/// gerc(i, &dvector![i], &dvector![i], &mut a)?;
/// assert_eq!(a[0], 1.0 + i);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = gerc_forward,
    reverse = gerc_reverse,
    reads(alpha, x, y),
    optional(x, y),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn gerc<
    T: Scalar,
    R: Dim,
    C: Dim,
    SX: Storage<T, R, U1>,
    SY: Storage<T, C, U1>,
    SA: StorageMut<T, R, C>,
>(
    alpha: T,
    x: &Matrix<T, R, U1, SX>,
    y: &Matrix<T, C, U1, SY>,
    a: &mut Matrix<T, R, C, SA>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    shape("a", a.shape(), (x.nrows(), y.nrows()))?;
    gemm(Operation::None, Operation::Adjoint, alpha, x, y, T::one(), a)
}

fn gerc_forward<T: Scalar, R: Dim, C: Dim>(
    alpha: T,
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    alpha_dot: T,
    x_dot: Option<&OVector<T, R>>,
    y_dot: Option<&OVector<T, C>>,
    a_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    let tangents = (alpha_dot, x_dot.map(block), y_dot.map(block), still());
    outer(Operation::Adjoint, alpha, x, y).push(None, tangents, &mut block_mut(a_dot));
}

fn gerc_reverse<T: Scalar, R: Dim, C: Dim>(
    alpha: T,
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    alpha_bar: Slot<'_, T>,
    x_bar: Slot<'_, OVector<T, R>>,
    y_bar: Slot<'_, OVector<T, C>>,
    a_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    reverse(outer(Operation::Adjoint, alpha, x, y), alpha_bar, x_bar, y_bar, a_bar);
}

/// The rank-one update as a product.
fn outer<'a, T: Scalar, R: Dim, C: Dim>(
    operation_b: Operation,
    alpha: T,
    x: &'a OVector<T, R>,
    y: &'a OVector<T, C>,
) -> Product<'a, T>
where
    DefaultAllocator: Allocator<R> + Allocator<C>,
{
    let operation_a = Operation::None;
    Product { operation_a, operation_b, alpha, a: block(x), b: block(y), beta: T::one() }
}

fn reverse<T: Scalar, R: Dim, C: Dim>(
    product: Product<'_, T>,
    alpha_bar: Slot<'_, T>,
    x_bar: Slot<'_, OVector<T, R>>,
    y_bar: Slot<'_, OVector<T, C>>,
    mut a_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R> + Allocator<C> + Allocator<R, C>,
{
    product.pull(None, (Some(alpha_bar), None), x_bar, y_bar, &mut buffer(&mut a_bar));
}

type Sample<T> = (T, DVector<T>, DVector<T>, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let (rows, columns) = (random.size(0, 7), random.size(0, 7));
    let (x, y) = (random.vector(rows), random.vector(columns));
    (random.normal(), x, y, random.matrix(rows, columns))
}
