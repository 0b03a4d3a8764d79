use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::blas::gemm::{Product, gemm_again};
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer};
use crate::error::{Error, shape};

/// A^T B without forming A^T, as nalgebra's `tr_mul`: transposed, not conjugated.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// dY = dA^T B + A^T dB. In the pairing Re tr(Y_bar^H dY): B_bar = conj(A) Y_bar, and from
/// Re tr(Y_bar^H dA^T B) = Re tr(dA (B Y_bar^H)^T) follows A_bar = conj(B) Y_bar^T.
/// Each takes one product, 2 m n k multiplications and additions as the primal's.
///
/// ```
/// use difrules_linalg::tr_mul;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(tr_mul(&a, &dvector![1.0, -1.0])?, dvector![-2.0, -2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = tr_mul_forward,
    reverse = tr_mul_reverse,
    reads(a, b),
    optional(a, b),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn tr_mul<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, K, R>,
    b: &OMatrix<T, K, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<K, R> + Allocator<K, C> + Allocator<R, C>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    let mut y = OMatrix::zeros_generic(a.shape_generic().1, b.shape_generic().1);
    let (a, b) = ((Operation::Transpose, block(a)), (Operation::None, block(b)));
    gemm_again(T::one(), a, b, T::one(), &mut block_mut(&mut y));
    Ok(y)
}

fn tr_mul_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, K, R>,
    b: &OMatrix<T, K, C>,
    a_dot: Option<&OMatrix<T, K, R>>,
    b_dot: Option<&OMatrix<T, K, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<K, R> + Allocator<K, C> + Allocator<R, C>,
{
    let shape = (a.shape_generic().1, b.shape_generic().1);
    product(a, b).push_alone(shape, a_dot.map(block), b_dot.map(block))
}

fn tr_mul_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, K, R>,
    b: &OMatrix<T, K, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, K, R>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
) where
    DefaultAllocator: Allocator<K, R> + Allocator<K, C> + Allocator<R, C>,
{
    product(a, b).pull(None, (None, None), a_bar, b_bar, &mut buffer(&mut y_bar));
}

fn product<'a, T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &'a OMatrix<T, K, R>,
    b: &'a OMatrix<T, K, C>,
) -> Product<'a, T>
where
    DefaultAllocator: Allocator<K, R> + Allocator<K, C>,
{
    Product::of((Operation::Transpose, block(a)), (Operation::None, block(b)))
}

pub(super) fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(inner, rows), random.matrix(inner, columns))
}
