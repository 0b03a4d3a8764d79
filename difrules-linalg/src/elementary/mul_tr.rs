use difrules_core::contract::Kind;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::blas::gemm::gemm_again;
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer, keep_resting, multiply, rests, varies};
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
    add_product(block(a), block(b), &mut block_mut(&mut y));
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
    let mut y_dot = OMatrix::zeros_generic(a.shape_generic().0, b.shape_generic().0);
    let mut sum = block_mut(&mut y_dot);
    if let Some(a_dot) = a_dot.filter(|a_dot| varies(a_dot)) {
        add_product(block(a_dot), block(b), &mut sum);
    }
    if let Some(b_dot) = b_dot.filter(|b_dot| varies(b_dot)) {
        add_product(block(a), block(b_dot), &mut sum);
    }
    keep_resting(
        &mut y_dot,
        |i| a_dot.is_none_or(|a_dot| rests(a_dot.row(i).iter())),
        |j| b_dot.is_none_or(|b_dot| rests(b_dot.row(j).iter())),
    );
    y_dot
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
    let y_bar = buffer(&mut y_bar);
    if let Some(mut a_bar) = a_bar.buffer() {
        let y_bar = (y_bar.as_view(), false);
        with_conjugate(block(b), |b| {
            multiply(T::one(), y_bar, (b, false), T::one(), &mut buffer(&mut a_bar));
        });
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        // Y_bar^T conj(A) = conj(Y_bar)^H conj(A).
        with_conjugate(y_bar.as_view(), |y_bar| {
            with_conjugate(block(a), |a| {
                multiply(T::one(), (y_bar, true), (a, false), T::one(), &mut buffer(&mut b_bar));
            });
        });
    }
}

/// Calls `f` with the conjugate; a real matrix is its own.
fn with_conjugate<T: Scalar>(matrix: DMatrixView<'_, T>, f: impl FnOnce(DMatrixView<'_, T>)) {
    if <T::Kind as Kind>::REAL {
        f(matrix);
    } else {
        f(matrix.map(|x| x.conjugate()).as_view());
    }
}

/// C <- A B^T + C. The shapes fit.
fn add_product<T: Scalar>(
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    gemm_again(T::one(), (Operation::None, a), (Operation::Transpose, b), T::one(), c);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(rows, inner), random.matrix(columns, inner))
}
