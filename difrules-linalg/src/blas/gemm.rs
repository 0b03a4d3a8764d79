use std::any::TypeId;

use difrules_core::testing::Sampler;
use difrules_core::{Adjoint, Scalar, Slot, primitive, transpose_view};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, Matrix, OMatrix, Storage, StorageMut};

use crate::block::{block, block_mut, buffer, chain, multiply, pairing, scale_by, varies};
use crate::error::{Error, shape};

/// C <- alpha A B + beta C, in place; for matrices of any storage, so that `op(A)` is a view of `A`
/// (see [`transpose_view`](difrules_core::transpose_view)).
///
/// Where `beta` is zero, what is in `C` does not matter, NaN or not.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shapes of `b` or `c` do not fit.
///
/// # Derivation
/// dC' = dalpha A B + alpha (dA B + A dB) + dbeta C + beta dC. In the pairing Re tr(C_bar^H dC'),
/// with C_bar the cotangent of the new C:
/// A_bar = conj(alpha) C_bar B^H, B_bar = conj(alpha) A^H C_bar, beta_bar = tr(C^H C_bar),
/// alpha_bar = tr((A B)^H C_bar) = tr(B^H (A^H C_bar)), and conj(beta) C_bar is the cotangent of the
/// old C.
///
/// The rule for A and B takes two products, 4 m n k multiplications and additions beside the
/// primal's 2 m n k.
///
/// ```
/// use difrules_linalg::gemm;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// let mut c = dmatrix![1.0, 0.0; 0.0, 1.0];
/// gemm(2.0, &a, &a, -1.0, &mut c)?;
/// assert_eq!(c, dmatrix![13.0, 20.0; 30.0, 43.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = gemm_forward,
    reverse = gemm_reverse,
    reads(alpha, a, b, beta, c),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn gemm<
    T: Scalar,
    R: Dim,
    K: Dim,
    C: Dim,
    SA: Storage<T, R, K>,
    SB: Storage<T, K, C>,
    SC: StorageMut<T, R, C>,
>(
    alpha: T,
    a: &Matrix<T, R, K, SA>,
    b: &Matrix<T, K, C, SB>,
    beta: T,
    c: &mut Matrix<T, R, C, SC>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    shape("b", b.shape(), (a.ncols(), b.ncols()))?;
    shape("c", c.shape(), (a.nrows(), b.ncols()))?;
    if a.strides().0 == 1 || packs(a, b) {
        c.gemm(alpha, a, b, beta);
    } else if b.ncols() <= PACKED && a.strides().1 == 1 {
        // Few columns: the rows of A are contiguous, so each entry is a product of two vectors.
        for (mut c, b) in c.column_iter_mut().zip(b.column_iter()) {
            c.gemv_tr(alpha, &transpose_view(a), &b, beta);
        }
    } else {
        c.gemm(alpha, &a.clone_owned(), b, beta);
    }
    Ok(())
}

/// The size up to which nalgebra multiplies column by column.
const PACKED: usize = 5;

/// Whether nalgebra multiplies by way of matrixmultiply, which packs its operands whatever their
/// strides. Otherwise it goes through the columns of A, for which nalgebra 0.35 computes wrong bounds
/// where a column is not contiguous (`axcpy_uninit` takes the length of the strided slice for the
/// number of entries).
fn packs<T: Scalar, R: Dim, K: Dim, C: Dim, SA: Storage<T, R, K>, SB: Storage<T, K, C>>(
    a: &Matrix<T, R, K, SA>,
    b: &Matrix<T, K, C, SB>,
) -> bool {
    let dynamic = R::is::<Dyn>() || K::is::<Dyn>() || C::is::<Dyn>();
    let native = [TypeId::of::<f32>(), TypeId::of::<f64>()].contains(&TypeId::of::<T>());
    let large = a.nrows().min(a.ncols()).min(b.ncols()) > PACKED;
    dynamic && native && large
}

#[allow(clippy::too_many_arguments)] // The arguments of gemm, and their tangents.
fn gemm_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    alpha: T,
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    beta: T,
    c: &OMatrix<T, R, C>,
    alpha_dot: T,
    a_dot: &OMatrix<T, R, K>,
    b_dot: &OMatrix<T, K, C>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let (a, b, mut c_dot) = (block(a), block(b), block_mut(c_dot));
    let mut beta = beta;
    if varies(a_dot) {
        multiply(alpha, (block(a_dot), false), (b, false), beta, &mut c_dot);
        beta = T::one();
    }
    if varies(b_dot) {
        multiply(alpha, (a, false), (block(b_dot), false), beta, &mut c_dot);
        beta = T::one();
    }
    if !alpha_dot.is_zero() {
        multiply(alpha_dot, (a, false), (b, false), beta, &mut c_dot);
        beta = T::one();
    }
    scale_by(beta, &mut c_dot);
    if !beta_dot.is_zero() {
        c_dot.zip_apply(&block(c), |c_dot, c| *c_dot += chain(beta_dot, c));
    }
}

#[allow(clippy::too_many_arguments)] // The arguments of gemm, and their slots.
fn gemm_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    alpha: T,
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    beta: T,
    c: &OMatrix<T, R, C>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    beta_bar.add(|| pairing(&c_bar, c));
    let (a, b) = (block(a), block(b));
    alpha_bar.add(|| {
        let mut product = DMatrix::zeros(b.nrows(), b.ncols());
        let c_bar = buffer(&mut c_bar);
        multiply(
            T::one(),
            (a, true),
            (c_bar.as_view(), false),
            T::zero(),
            &mut product.as_view_mut(),
        );
        pairing(&product, &b)
    });
    let alpha = alpha.conjugate();
    if let Some(mut a_bar) = a_bar.buffer() {
        let c_bar = buffer(&mut c_bar);
        multiply(alpha, (c_bar.as_view(), false), (b, true), T::one(), &mut buffer(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let c_bar = buffer(&mut c_bar);
        multiply(alpha, (a, true), (c_bar.as_view(), false), T::one(), &mut buffer(&mut b_bar));
    }
    scale_by(beta.conjugate(), &mut buffer(&mut c_bar));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>, DMatrix<T>, T, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 5), random.size(0, 5), random.size(0, 5));
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, b) = (random.matrix(rows, inner), random.matrix(inner, columns));
    (alpha, a, b, beta, random.matrix(rows, columns))
}
