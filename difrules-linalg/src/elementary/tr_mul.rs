use difrules_core::contract::Kind;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::blas::gemm::gemm_again;
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer, keep_resting, multiply, rests, varies};
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
    add_transposed_product(block(a), block(b), &mut block_mut(&mut y));
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
    let mut y_dot = OMatrix::zeros_generic(shape.0, shape.1);
    let mut sum = block_mut(&mut y_dot);
    if let Some(a_dot) = a_dot.filter(|a_dot| varies(a_dot)) {
        add_transposed_product(block(a_dot), block(b), &mut sum);
    }
    if let Some(b_dot) = b_dot.filter(|b_dot| varies(b_dot)) {
        add_transposed_product(block(a), block(b_dot), &mut sum);
    }
    keep_resting(
        &mut y_dot,
        |i| a_dot.is_none_or(|a_dot| rests(a_dot.column(i).iter())),
        |j| b_dot.is_none_or(|b_dot| rests(b_dot.column(j).iter())),
    );
    y_dot
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
    let y_bar = buffer(&mut y_bar);
    // conj(M) for the factors of the two sums; a real matrix is its own conjugate.
    let conjugated = |matrix: DMatrixView<'_, T>| matrix.map(|x| x.conjugate());
    let real = <T::Kind as Kind>::REAL;
    if let Some(mut a_bar) = a_bar.buffer() {
        // conj(B) Y_bar^T = conj(B) (conj(Y_bar))^H.
        let mut sum = buffer(&mut a_bar);
        let (b, y_bar) = (block(b), y_bar.as_view());
        if real {
            multiply(T::one(), (b, false), (y_bar, true), T::one(), &mut sum);
        } else {
            let (b, y_bar) = (conjugated(b), conjugated(y_bar));
            multiply(T::one(), (b.as_view(), false), (y_bar.as_view(), true), T::one(), &mut sum);
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let mut sum = buffer(&mut b_bar);
        let (a, y_bar) = (block(a), (y_bar.as_view(), false));
        if real {
            multiply(T::one(), (a, false), y_bar, T::one(), &mut sum);
        } else {
            multiply(T::one(), (conjugated(a).as_view(), false), y_bar, T::one(), &mut sum);
        }
    }
}

/// C <- A^T B + C. The shapes fit.
fn add_transposed_product<T: Scalar>(
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    gemm_again(T::one(), (Operation::Transpose, a), (Operation::None, b), T::one(), c);
}

pub(super) fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(inner, rows), random.matrix(inner, columns))
}
