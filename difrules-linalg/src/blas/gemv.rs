use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage, StorageMut, U1,
};

use crate::blas::gemm::{Product, gemm, shape_of_operation};
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer};
use crate::error::{Error, shape};

/// y <- alpha op(A) x + beta y, in place, with an operation for A as in BLAS; for matrices and vectors of any
/// storage.
///
/// Where `beta` is zero, what is in `y` does not matter, and where `alpha` is, what is in A and x; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied, but a complex matrix that is used
/// transposed and is not small.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shapes of `x` or `y` do not fit.
///
/// # Derivation
/// It is a product of one column: with y_bar the cotangent of the new y and P = op(A),
/// x_bar = conj(alpha) P^H y_bar, P_bar = conj(alpha) y_bar x^H, alpha_bar = (P x)^H y_bar,
/// beta_bar = y^H y_bar, and conj(beta) y_bar is the cotangent of the old y, which is kept only where beta varies.
///
/// ```
/// use difrules_linalg::{Operation, gemv};
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// let mut y = dvector![1.0, 1.0];
/// gemv(Operation::Transpose, 2.0, &a, &dvector![1.0, 0.0], -1.0, &mut y)?;
/// assert_eq!(y, dvector![1.0, 3.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = gemv_forward,
    reverse = gemv_reverse,
    reads(operation, alpha, a, x, beta, y for beta),
    optional(a, x),
    constant(operation),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn gemv<
    T: Scalar,
    RA: Dim,
    CA: Dim,
    DX: Dim,
    DY: Dim,
    SA: Storage<T, RA, CA>,
    SX: Storage<T, DX, U1>,
    SY: StorageMut<T, DY, U1>,
>(
    operation: Operation,
    alpha: T,
    a: &Matrix<T, RA, CA, SA>,
    x: &Matrix<T, DX, U1, SX>,
    beta: T,
    y: &mut Matrix<T, DY, U1, SY>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<RA, CA> + Allocator<DX> + Allocator<DY>,
{
    let (rows, columns) = shape_of_operation(operation, a.shape());
    shape("x", x.shape(), (columns, 1))?;
    shape("y", y.shape(), (rows, 1))?;
    gemm(operation, Operation::None, alpha, a, x, beta, y)
}

#[allow(clippy::too_many_arguments)] // The arguments of gemv, and their tangents.
fn gemv_forward<T: Scalar, RA: Dim, CA: Dim, DX: Dim, DY: Dim>(
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, RA, CA>,
    x: &OVector<T, DX>,
    beta: T,
    y: Option<&OVector<T, DY>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, RA, CA>>,
    x_dot: Option<&OVector<T, DX>>,
    beta_dot: T,
    y_dot: &mut OVector<T, DY>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<DX> + Allocator<DY>,
{
    let tangents = (alpha_dot, a_dot.map(block), x_dot.map(block), beta_dot);
    product(operation, alpha, a, x, beta).push(y.map(block), tangents, &mut block_mut(y_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of gemv, and their slots.
fn gemv_reverse<T: Scalar, RA: Dim, CA: Dim, DX: Dim, DY: Dim>(
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, RA, CA>,
    x: &OVector<T, DX>,
    beta: T,
    y: Option<&OVector<T, DY>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, RA, CA>>,
    x_bar: Slot<'_, OVector<T, DX>>,
    beta_bar: Slot<'_, T>,
    mut y_bar: Adjoint<'_, OVector<T, DY>>,
) where
    DefaultAllocator: Allocator<RA, CA> + Allocator<DX> + Allocator<DY>,
{
    let by_factors = (Some(alpha_bar), Some(beta_bar));
    let product = product(operation, alpha, a, x, beta);
    product.pull(y.map(block), by_factors, a_bar, x_bar, &mut buffer(&mut y_bar));
}

fn product<'a, T: Scalar, RA: Dim, CA: Dim, DX: Dim>(
    operation: Operation,
    alpha: T,
    a: &'a OMatrix<T, RA, CA>,
    x: &'a OVector<T, DX>,
    beta: T,
) -> Product<'a, T>
where
    DefaultAllocator: Allocator<RA, CA> + Allocator<DX>,
{
    let (operation_a, operation_b) = (operation, Operation::None);
    Product { operation_a, operation_b, alpha, a: block(a), b: block(x), beta }
}

type Sample<T> = (Operation, T, DMatrix<T>, DVector<T>, T, DVector<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let (rows, columns) = (random.size(0, 7), random.size(0, 7));
    let (alpha, beta) = (random.normal(), random.normal());
    let shape = shape_of_operation(operation, (rows, columns));
    let a = random.matrix(shape.0, shape.1);
    (operation, alpha, a, random.vector(columns), beta, random.vector(rows))
}
