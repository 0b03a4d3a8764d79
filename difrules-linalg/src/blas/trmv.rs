use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, Matrix, OMatrix, OVector, Storage, StorageMut, U1,
};

use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::trmm::{TriangularProduct, trmm};
use crate::block::{block, block_mut, buffer, still};
use crate::error::{Error, shape, square};

/// x <- op(A) x, in place, for a triangular matrix A.
///
/// The other triangle of A is not read, nor is a unit diagonal. Matrices and vectors are of any storage; where
/// columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// That of [`trmm`](fn@crate::trmm) with one column: with x_bar the cotangent of the new x, op(A)^H x_bar is that of
/// the old one, and op(A)_bar is the triangle of x_bar x^H. The old x is kept only where A varies.
///
/// ```
/// use difrules_linalg::{Diagonal, Operation, Triangle, trmv};
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0, f64::NAN; 1.0, 4.0];
/// let mut x = dvector![1.0, 2.0];
/// trmv(Triangle::Lower, Operation::Transpose, Diagonal::Unit, &l, &mut x)?;
/// assert_eq!(x, dvector![3.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = trmv_forward,
    reverse = trmv_reverse,
    reads(triangle, operation, diagonal, a, x for a),
    constant(triangle, operation, diagonal),
    structure(a = triangular(triangle, diagonal)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn trmv<T: Scalar, D: Dim, SA: Storage<T, D, D>, SX: StorageMut<T, D, U1>>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &Matrix<T, D, D, SA>,
    x: &mut Matrix<T, D, U1, SX>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let size = square("a", a.shape())?;
    shape("x", x.shape(), (size, 1))?;
    trmm(Side::Left, triangle, operation, diagonal, T::one(), a, x)
}

fn product<'a, T: Scalar, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &'a OMatrix<T, D, D>,
    x: Option<&'a OVector<T, D>>,
) -> TriangularProduct<'a, T>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (side, alpha, a, b) = (Side::Left, T::one(), block(a), x.map(block));
    TriangularProduct { side, triangle, operation, diagonal, alpha, a, b }
}

fn trmv_forward<T: Scalar, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &OMatrix<T, D, D>,
    x: Option<&OVector<T, D>>,
    a_dot: &OMatrix<T, D, D>,
    x_dot: &mut OVector<T, D>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let product = product(triangle, operation, diagonal, a, x);
    product.push((still(), block(a_dot)), &mut block_mut(x_dot));
}

fn trmv_reverse<T: Scalar, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &OMatrix<T, D, D>,
    x: Option<&OVector<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    mut x_bar: Adjoint<'_, OVector<T, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let mut a_bar = a_bar.buffer();
    let product = product(triangle, operation, diagonal, a, x);
    product.pull(None, a_bar.as_mut().map(buffer), &mut buffer(&mut x_bar));
}

type Sample<T> = (Triangle, Operation, Diagonal, DMatrix<T>, DVector<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let diagonal = random.choose(&[Diagonal::General, Diagonal::Unit]);
    let size = random.choose(&[0, 1, 3, 7]);
    (triangle, operation, diagonal, random.matrix(size, size), random.vector(size))
}
