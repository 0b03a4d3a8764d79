use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::block::{block, block_mut, buffer, is_small, multiply, varies};
use crate::error::{Error, shape};

/// A B, for rectangular matrices and vectors.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// dY = dA B + A dB. In the pairing Re tr(Y_bar^H dY): A_bar = Y_bar B^H and B_bar = A^H Y_bar. Each
/// takes one product, 2 m n k multiplications and additions as the primal's; neither rule takes a
/// product for an argument that is constant.
///
/// ```
/// use difrules_linalg::matmul;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(matmul(&a, &dvector![1.0, -1.0])?, dvector![-1.0, -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = matmul_forward,
    reverse = matmul_reverse,
    reads(a, b),
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample
)]
pub fn matmul<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    shape("b", b.shape(), (a.ncols(), b.ncols()))?;
    Ok(a * b)
}

fn matmul_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    a_dot: &OMatrix<T, R, K>,
    b_dot: &OMatrix<T, K, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let shape = (a.shape_generic().0, b.shape_generic().1);
    let mut y_dot = OMatrix::zeros_generic(shape.0, shape.1);
    let mut sum = block_mut(&mut y_dot);
    if varies(a_dot) {
        multiply(T::one(), (block(a_dot), false), (block(b), false), T::one(), &mut sum);
    }
    if varies(b_dot) {
        multiply(T::one(), (block(a), false), (block(b_dot), false), T::one(), &mut sum);
    }
    y_dot
}

fn matmul_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    if is_small::<R>() && is_small::<K>() && is_small::<C>() {
        // The compiler unrolls these loops.
        if let Some(mut a_bar) = a_bar.buffer() {
            for (k, j) in (0..a.ncols()).flat_map(|k| (0..b.ncols()).map(move |j| (k, j))) {
                let factor = b[(k, j)].conjugate();
                for i in 0..a.nrows() {
                    a_bar[(i, k)] += y_bar[(i, j)] * factor;
                }
            }
        }
        if let Some(mut b_bar) = b_bar.buffer() {
            for (j, k) in (0..b.ncols()).flat_map(|j| (0..a.ncols()).map(move |k| (j, k))) {
                let mut sum = T::zero();
                for i in 0..a.nrows() {
                    sum += a[(i, k)].conjugate() * y_bar[(i, j)];
                }
                b_bar[(k, j)] += sum;
            }
        }
        return;
    }
    let y_bar = buffer(&mut y_bar);
    if let Some(mut a_bar) = a_bar.buffer() {
        let factors = ((y_bar.as_view(), false), (block(b), true));
        multiply(T::one(), factors.0, factors.1, T::one(), &mut buffer(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let factors = ((block(a), true), (y_bar.as_view(), false));
        multiply(T::one(), factors.0, factors.1, T::one(), &mut buffer(&mut b_bar));
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(rows, inner), random.matrix(inner, columns))
}
