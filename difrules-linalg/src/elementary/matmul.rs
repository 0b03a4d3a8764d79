use difrules_core::kernel::column_major_view;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::blas::gemm::{Product, is_native, product};
use crate::blas::options::Operation;
use crate::blas::strong::{Moving, clashes};
use crate::block::{
    SMALL, add_product, block, block_mut, buffer, is_plain, is_small, numbers, numbers_mut,
    product_of_parts,
};
use crate::error::{Error, shape};

/// A B, for rectangular matrices and vectors, of any storage.
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
/// assert_eq!(matmul(&a.row(1), &a.column(0))?[0], 3.0 * 1.0 + 4.0 * 3.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = matmul_forward,
    reverse = matmul_reverse,
    saves = matmul_augmented -> (),
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
pub fn matmul<T: Scalar, R: Dim, K: Dim, C: Dim, SA: Storage<T, R, K>, SB: Storage<T, K, C>>(
    a: &Matrix<T, R, K, SA>,
    b: &Matrix<T, K, C, SB>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    shape("b", b.shape(), (a.ncols(), b.ncols()))?;
    let (rows, columns) = (a.shape_generic().0, b.shape_generic().1);
    match (column_major_view(a), column_major_view(b)) {
        (Some(left), Some(right)) if is_native::<T>(left.shape(), right.ncols()) => {
            let mut y = OMatrix::zeros_generic(rows, columns);
            let (left, right) = ((Operation::None, left), (Operation::None, right));
            product(T::one(), left, right, T::zero(), &mut block_mut(&mut y));
            Ok(y)
        }
        // As in `gemm`, nalgebra is given matrices of contiguous columns alone.
        (Some(_), Some(_)) => Ok(a * b),
        _ => Ok(a.clone_owned() * b.clone_owned()),
    }
}

/// The call under a mode: numbers with tangents are multiplied where they are.
fn matmul_augmented<T: Scalar, R: Dim, K: Dim, C: Dim, SA: Storage<T, R, K>, SB: Storage<T, K, C>>(
    a: &Matrix<T, R, K, SA>,
    b: &Matrix<T, K, C, SB>,
) -> Result<(OMatrix<T, R, C>, ()), Error>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    augmented(a, b, || matmul(a, b))
}

/// The product of two matrices, one of which may be of plain numbers, by `call` or under a mode, where
/// numbers with tangents are multiplied where they are.
pub(crate) fn augmented<A: Scalar, B: Scalar, T: Scalar, R: Dim, K: Dim, C: Dim, SA, SB>(
    a: &Matrix<A, R, K, SA>,
    b: &Matrix<B, K, C, SB>,
    call: impl FnOnce() -> Result<OMatrix<T, R, C>, Error>,
) -> Result<(OMatrix<T, R, C>, ()), Error>
where
    SA: Storage<A, R, K>,
    SB: Storage<B, K, C>,
    DefaultAllocator: Allocator<R, C>,
{
    shape("b", b.shape(), (a.ncols(), b.ncols()))?;
    let views = column_major_view(a).zip(column_major_view(b));
    let shape = (a.shape_generic().0, b.shape_generic().1);
    let y = views.and_then(|(a, b)| product_of_parts(shape, a, b));
    y.map_or_else(call, Ok).map(|y| (y, ()))
}

fn matmul_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    (): &(),
    a_dot: Option<&OMatrix<T, R, K>>,
    b_dot: Option<&OMatrix<T, K, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let shape = (a.shape_generic().0, b.shape_generic().1);
    let product = Product::of((Operation::None, block(a)), (Operation::None, block(b)));
    product.push_alone(shape, a_dot.map(block), b_dot.map(block))
}

fn matmul_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    (): &(),
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    // Numbers with derivatives have one product of matrices for all of them.
    let known = is_small::<R>() && is_small::<K>() && is_small::<C>();
    let most = a.nrows().max(a.ncols()).max(b.ncols());
    if (known || is_plain::<T>() && most <= SMALL) && {
        let y_bar = buffer(&mut y_bar);
        !clashes(&y_bar.as_view(), &block(a)) && !clashes(&y_bar.as_view(), &block(b))
    } {
        return if most <= 4 {
            small_reverse::<4, _, _, _, _>(a, b, &y_bar, a_bar, b_bar)
        } else {
            small_reverse::<SMALL, _, _, _, _>(a, b, &y_bar, a_bar, b_bar)
        };
    }
    let y_bar = buffer(&mut y_bar);
    add_product((y_bar.as_view(), false), (block(b), true), Moving::First, a_bar);
    add_product((block(a), true), (y_bar.as_view(), false), Moving::Second, b_bar);
}

/// The reverse rule of matrices of at most so many rows and columns: loops, unrolled. Where numbers are plain, columns are
/// filled up with zeros, so that the loops have no ends to look for.
fn small_reverse<const MOST: usize, T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, R, K>,
    b: &OMatrix<T, K, C>,
    y_bar: &Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, K>>,
    b_bar: Slot<'_, OMatrix<T, K, C>>,
) where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let (rows, inner, columns) = (a.nrows(), a.ncols(), b.ncols());
    let (a, b, y_bar) = (a.as_slice(), b.as_slice(), numbers(y_bar));
    let mut filled = [[T::zero(); MOST]; MOST];
    let y = if rows == MOST {
        y_bar.as_chunks().0
    } else {
        for (j, column) in filled[..columns].iter_mut().enumerate() {
            let from = &y_bar[j * rows..][..rows];
            *column = std::array::from_fn(|i| from.get(i).copied().unwrap_or_else(T::zero));
        }
        &filled[..columns]
    };
    let add = |sums: &mut [T; MOST], count: usize, column: &[T; MOST], factor: T| {
        let count = if is_plain::<T>() { MOST } else { count };
        sums[..count].iter_mut().zip(column).for_each(|(sum, &x)| *sum += x * factor);
    };
    let put = |bar: &mut [T], sums: [T; MOST]| {
        bar.iter_mut().zip(sums).for_each(|(bar, sum)| *bar += sum);
    };
    if let Some(mut a_bar) = a_bar.buffer() {
        let a_bar = numbers_mut(&mut a_bar);
        for k in 0..inner {
            let mut sums = [T::zero(); MOST];
            for (j, column) in y.iter().enumerate() {
                add(&mut sums, rows, column, b[k + j * inner].conjugate());
            }
            put(&mut a_bar[k * rows..][..rows], sums);
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let b_bar = numbers_mut(&mut b_bar);
        // Transposed, so that the sums of a column are next to each other.
        let mut adjoint = [[T::zero(); MOST]; MOST];
        for (i, row) in adjoint[..rows].iter_mut().enumerate() {
            row[..inner].iter_mut().enumerate().for_each(|(k, x)| *x = a[i + k * rows].conjugate());
        }
        for (j, column) in y.iter().enumerate() {
            let mut sums = [T::zero(); MOST];
            for (row, &factor) in adjoint[..rows].iter().zip(column) {
                add(&mut sums, inner, row, factor);
            }
            put(&mut b_bar[j * inner..][..inner], sums);
        }
    }
}

pub(crate) fn sample<A: Scalar, B: Scalar>(random: &mut Sampler) -> (DMatrix<A>, DMatrix<B>) {
    let (rows, inner, columns) = (random.size(0, 7), random.size(0, 7), random.size(0, 7));
    (random.matrix(rows, inner), random.matrix(inner, columns))
}
