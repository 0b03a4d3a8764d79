use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::gemm::Product;
use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer, multiply};
use crate::elementary::tr_mul;
use crate::error::{Error, shape};

/// A^H B without forming A^H, as nalgebra's `ad_mul`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` does not fit `a`.
///
/// # Derivation
/// dY = dA^H B + A^H dB. In the pairing Re tr(Y_bar^H dY): B_bar = A Y_bar, and from
/// Re tr(Y_bar^H dA^H B) = Re tr((B Y_bar^H dA^H)^H) = Re tr((B Y_bar^H)^H dA) follows A_bar = B Y_bar^H.
/// Each takes one product, 2 m n k multiplications and additions as the primal's.
///
/// ```
/// use difrules_linalg::ad_mul;
/// use nalgebra::{Complex, dmatrix, dvector};
///
/// let a = dmatrix![Complex::new(1.0, 2.0); Complex::new(0.0, 1.0)];
/// let b = dvector![Complex::new(1.0, 0.0), Complex::new(2.0, 0.0)];
/// assert_eq!(ad_mul(&a, &b)?, dvector![Complex::new(1.0, -4.0)]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = ad_mul_forward,
    reverse = ad_mul_reverse,
    reads(a, b),
    optional(a, b),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = tr_mul::sample
)]
pub fn ad_mul<T: Scalar, R: Dim, K: Dim, C: Dim>(
    a: &OMatrix<T, K, R>,
    b: &OMatrix<T, K, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<K, R> + Allocator<K, C> + Allocator<R, C>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    let mut y = OMatrix::zeros_generic(a.shape_generic().1, b.shape_generic().1);
    let factors = ((block(a), true), (block(b), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut y));
    Ok(y)
}

fn ad_mul_forward<T: Scalar, R: Dim, K: Dim, C: Dim>(
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

fn ad_mul_reverse<T: Scalar, R: Dim, K: Dim, C: Dim>(
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
    Product::of((Operation::Adjoint, block(a)), (Operation::None, block(b)))
}
