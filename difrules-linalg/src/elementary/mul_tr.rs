use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::blas::gemm::{Product, gemm_again};
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer};
use crate::error::{Error, shape};

/// A B^T without forming B^T: transposed, not conjugated.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// dY = dA B^T + A dB^T. In the pairing Re tr(Y_bar^H dY): A_bar = Y_bar conj(B), and from
/// Re tr(Y_bar^H A dB^T) = Re tr(dB (Y_bar^H A)^T) follows B_bar = Y_bar^T conj(A).
/// Each takes one product, 2 m n k multiplications and additions as the primal's.
///
/// ```
/// use difrules_linalg::mul_tr;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(mul_tr(&a, &dmatrix![1.0, -1.0])?, dmatrix![-1.0; -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = mul_tr_forward,
    reverse = mul_tr_reverse,
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
pub fn mul_tr<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, C, K>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<C, K> + Allocator<R, C>,
{
    shape("b", b.shape(), (b.nrows(), a.ncols()))?;
    let mut y = OMatrix::zeros_generic(a.shape_generic().0, b.shape_generic().0);
    let (a, b) = ((Operation::None, block(a)), (Operation::Transpose, block(b)));
    gemm_again(T::one(), a, b, T::one(), &mut block_mut(&mut y));
    Ok(y)
}

fn mul_tr_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, C, K>,
    a_dot: Option<&OMatrix<T, R, K>>,
    b_dot: Option<&OMatrix<T, C, K>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<C, K> + Allocator<R, C>,
{
    let shape = (a.shape_generic().0, b.shape_generic().0);
    product(a, b).push_alone(shape, a_dot.map(block), b_dot.map(block))
}

fn mul_tr_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, C, K>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
    b_bar: Slot<'_, OMatrix<T, C, K>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<C, K> + Allocator<R, C>,
{
    product(a, b).pull(None, (None, None), a_bar, b_bar, &mut buffer(&mut y_bar));
}

fn product<'a, T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &'a OMatrix<T, R, K>,
    b: &'a OMatrix<T, C, K>,
) -> Product<'a, T>
where
    DefaultAllocator: Allocator<R, K> + Allocator<C, K>,
{
    Product::of((Operation::None, block(a)), (Operation::Transpose, block(b)))
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(rows, inner), random.matrix(columns, inner))
}
