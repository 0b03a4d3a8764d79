use difrules_core::contract::Adjoint;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::blas::blocked::{Stored, Symmetry, change_columns, with_columns};
use crate::blas::options::{Side, Triangle};
use crate::blas::symmetric_product::{SymmetricProduct, SymmetricSlots, fits, sample};
use crate::block::{block, block_mut, buffer};
use crate::error::Error;

/// C <- alpha A B + beta C or alpha B A + beta C, in place, for a Hermitian matrix A, A = A^H, of which one triangle is
/// read; for matrices of any storage. The
/// imaginary parts of its diagonal are not read. Of real numbers it is [`symm`](fn@crate::symm).
///
/// Where `beta` is zero, what is in C does not matter, and where `alpha` is, what is in A and B; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit.
///
/// # Derivation
/// With C_bar the cotangent of the new C and G = C_bar B^H, from the left, or B^H C_bar, from the right: an entry
/// that is stored stands in A, and its conjugate in another place, so it has conj(alpha) G_ij + alpha conj(G_ji),
/// one on the diagonal, which is real, Re(conj(alpha) G_ii). These are two products of which the triangle is formed
/// and no more. B_bar = conj(alpha) A C_bar, or conj(alpha) C_bar A, by hemm; alpha_bar is the pairing of C_bar
/// with A B, as a sum over the triangle, beta_bar = tr(C^H C_bar), and conj(beta) C_bar is the cotangent of the old
/// C, which is kept only where beta varies.
///
/// ```
/// use difrules_linalg::{Side, Triangle, hemm};
/// use nalgebra::{Complex, dmatrix};
///
/// let (one, i) = (Complex::new(1.0, 0.0), Complex::new(0.0, 1.0));
/// let (a, b) = (dmatrix![one, one; i, one], dmatrix![one; one]);
/// let mut c = dmatrix![one; one];
/// hemm(Side::Left, Triangle::Lower, one, &a, &b, 0.0 * one, &mut c)?;
/// assert_eq!(c, dmatrix![one - i; one + i]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = hemm_forward,
    reverse = hemm_reverse,
    reads(side, triangle, alpha, a, b, beta, c for beta),
    optional(a, b),
    constant(side, triangle),
    structure(a = hermitian(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn hemm<
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
            let stored = Stored::new(triangle, Symmetry::Hermitian, a);
            change_columns(c, |c| SymmetricProduct { side, stored, alpha, b, beta }.compute(c));
        });
    });
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of hemm, and their tangents.
fn hemm_forward<T: Scalar, D: Dim, R: Dim, C: Dim>(
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
    let stored = Stored::new(triangle, Symmetry::Hermitian, block(a));
    let product = SymmetricProduct { side, stored, alpha, b: block(b), beta };
    let tangents = (alpha_dot, a_dot.map(block), b_dot.map(block), beta_dot);
    product.push(c.map(block), tangents, &mut block_mut(c_dot));
}

#[allow(clippy::too_many_arguments)] // The arguments of hemm, and their slots.
fn hemm_reverse<T: Scalar, D: Dim, R: Dim, C: Dim>(
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
    let stored = Stored::new(triangle, Symmetry::Hermitian, block(a));
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
