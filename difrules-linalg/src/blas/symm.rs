use difrules_core::contract::Adjoint;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::blas::blocked::{Stored, Symmetry, change_columns, with_columns};
use crate::blas::options::{Side, Triangle};
use crate::blas::symmetric_product::{SymmetricProduct, SymmetricSlots, fits, sample};
use crate::block::{block, block_mut, buffer};
use crate::error::Error;

/// C <- alpha A B + beta C or alpha B A + beta C, in place, for a symmetric matrix A, A = A^T, of which one triangle is
/// read; for matrices of any storage. A complex
/// matrix that is Hermitian: [`hemm`](fn@crate::hemm).
///
/// Where `beta` is zero, what is in C does not matter, and where `alpha` is, what is in A and B; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// With C_bar the cotangent of the new C and G = C_bar B^H, from the left, or B^H C_bar, from the right: each entry
/// that is stored stands in two places of A, so it has conj(alpha) (G_ij + G_ji), one on the diagonal
/// conj(alpha) G_ii. These are two products of which the triangle is formed and no more, as in syr2k.
/// B_bar = conj(alpha) conj(A) C_bar, or conj(alpha) C_bar conj(A), by symm; alpha_bar is the sum over the triangle
/// of conj(A_ij) times what its cotangent has without alpha, beta_bar = tr(C^H C_bar), and conj(beta) C_bar is the
/// cotangent of the old C, which is kept only where beta varies.
///
/// ```
/// use difrules_linalg::{Side, Triangle, symm};
/// use nalgebra::{dmatrix, dvector};
///
/// // What is above the diagonal is not read.
/// let a = dmatrix![1.0, f64::NAN; 2.0, 3.0];
/// let mut c = dvector![0.0, 1.0];
/// symm(Side::Left, Triangle::Lower, 1.0, &a, &dvector![1.0, 1.0], 2.0, &mut c)?;
/// assert_eq!(c, dvector![3.0, 7.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symm_forward,
    reverse = symm_reverse,
    reads(side, triangle, alpha, a, b, beta, c for beta),
    optional(a, b),
    constant(side, triangle),
    structure(a = symmetric(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn symm<
    T: Scalar,
    D: Dim,
    R: Dim,
    C: Dim,
    SA: Storage<T, D, D>,
    SB: Storage<T, R, C>,
    SC: StorageMut<T, R, C>,
>(
    side: Side,
    triangle: Triangle,
    alpha: T,
    a: &Matrix<T, D, D, SA>,
    b: &Matrix<T, R, C, SB>,
    beta: T,
    c: &mut Matrix<T, R, C, SC>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    fits(side, a.shape(), ("b", b.shape()), ("c", c.shape()))?;
    with_columns(a, |a| {
        with_columns(b, |b| {
            let stored = Stored::new(triangle, Symmetry::Symmetric, a);
            change_columns(c, |c| SymmetricProduct { side, stored, alpha, b, beta }.compute(c));
        });
    });
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of symm, and their tangents.
fn symm_forward<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, R, C>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, D, D>>,
    b_dot: Option<&OMatrix<T, R, C>>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let stored = Stored::new(triangle, Symmetry::Symmetric, block(a));
    let product = SymmetricProduct { side, stored, alpha, b: block(b), beta };
    let tangents = (alpha_dot, a_dot.map(block), b_dot.map(block), beta_dot);
    product.push(c.map(block), tangents, &mut block_mut(c_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of symm, and their slots.
fn symm_reverse<T: Scalar, D: Dim, R: Dim, C: Dim>(
    side: Side,
    triangle: Triangle,
    alpha: T,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, R, C>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<R, C>,
{
    let stored = Stored::new(triangle, Symmetry::Symmetric, block(a));
    let product = SymmetricProduct { side, stored, alpha, b: block(b), beta };
    let (mut a_bar, mut b_bar) = (a_bar.buffer(), b_bar.buffer());
    let slots = SymmetricSlots {
        alpha: alpha_bar,
        a: a_bar.as_mut().map(buffer),
        b: b_bar.as_mut().map(buffer),
        beta: beta_bar,
    };
    product.pull(c.map(block), slots, &mut buffer(&mut c_bar));
}
