use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::blas::blocked::{
    Symmetry, change_columns, scale_triangle, scale_triangle_moving, with_columns,
};
use crate::blas::options::{Operation, Triangle};
use crate::blas::rank_update::{
    add_by_beta, add_by_symmetric, add_rank_2, add_update, fits, keep_triangle_resting,
    pairing_of_triangles, pairing_with_update,
};
use crate::blas::strong::{Moving, Resting, row_rests};
use crate::block::{block, block_mut, buffer, is_still, varies};
use crate::error::{Error, shape};

/// The triangle of C <- alpha (op(A) op(B)^T + op(B) op(A)^T) + beta C, in place; the other triangle of C is neither
/// read nor written. For matrices of any storage. With adjoints: [`her2k`](fn@crate::her2k).
///
/// BLAS has it for A and A^T; here A^H is allowed too.
///
/// Where `beta` is zero, what is in the triangle of C does not matter, and where `alpha` is, what is in A and B; see
/// [`gemm`](fn@crate::gemm). Where columns are contiguous nothing is copied.
///
/// # Errors
/// [`Error::NotSquare`] if C is not, [`Error::DimensionMismatch`] if the shapes of `a` or `b` do not fit.
///
/// # Derivation
/// With P = op(A), Q = op(B), C_bar the cotangent of the new C and M the sum of its triangle and the transpose of that,
/// P_bar = conj(alpha) M conj(Q) and Q_bar = conj(alpha) M conj(P): two symm, and the diagonal once more each.
/// alpha_bar is the sum over the triangle of C_bar_ij conj((P Q^T + Q P^T)_ij), beta_bar that of C_bar_ij conj(C_ij),
/// and conj(beta) C_bar is the cotangent of the old triangle, which is kept only where beta varies. The cotangent of
/// the other triangle passes through.
///
/// ```
/// use difrules_linalg::{Operation, Triangle, syr2k};
/// use nalgebra::dmatrix;
///
/// let (a, b) = (dmatrix![1.0; 2.0], dmatrix![3.0; 4.0]);
/// let mut c = dmatrix![1.0, 7.0; 1.0, 1.0];
/// syr2k(Triangle::Lower, Operation::None, 1.0, &a, &b, 1.0, &mut c)?;
/// assert_eq!(c, dmatrix![7.0, 7.0; 11.0, 17.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = syr2k_forward,
    reverse = syr2k_reverse,
    reads(triangle, operation, alpha, a, b, beta, c for beta),
    optional(a, b),
    constant(triangle, operation),
    structure(c = symmetric(triangle)),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn syr2k<
    T: Scalar,
    R: Dim,
    C: Dim,
    D: Dim,
    SA: Storage<T, R, C>,
    SB: Storage<T, R, C>,
    SC: StorageMut<T, D, D>,
>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &Matrix<T, R, C, SA>,
    b: &Matrix<T, R, C, SB>,
    beta: T,
    c: &mut Matrix<T, D, D, SC>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    fits(operation, a.shape(), ("c", c.shape()))?;
    shape("b", b.shape(), a.shape())?;
    let of = (triangle, Symmetry::Symmetric);
    with_columns(a, |a| {
        with_columns(b, |b| {
            change_columns(c, |c| {
                scale_triangle(triangle, beta, c);
                if !alpha.is_constant_zero() {
                    add_update(of, operation, alpha, a, b, c);
                    add_update(of, operation, alpha, b, a, c);
                }
            });
        });
    });
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of syr2k, and their tangents.
fn syr2k_forward<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, D, D>>,
    alpha_dot: T,
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
    beta_dot: T,
    c_dot: &mut OMatrix<T, D, D>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let mut c_dot = block_mut(c_dot);
    let (a, b, of) = (block(a), block(b), (triangle, Symmetry::Symmetric));
    let resting = Resting::of(T::one(), &c_dot.as_view());
    scale_triangle_moving(triangle, beta, &mut c_dot);
    if let Some(a_dot) = a_dot.map(block).filter(varies) {
        add_rank_2(of, operation, Some(Moving::First), alpha, a_dot, b, &mut c_dot);
    }
    if let Some(b_dot) = b_dot.map(block).filter(varies) {
        add_rank_2(of, operation, Some(Moving::Second), alpha, a, b_dot, &mut c_dot);
    }
    if !alpha_dot.is_constant_zero() {
        add_rank_2(of, operation, None, alpha_dot, a, b, &mut c_dot);
    }
    add_by_beta(triangle, beta_dot, c.map(block), &mut c_dot);
    let (a_dot, b_dot) = (a_dot.map(block), b_dot.map(block));
    let alone = is_still(&alpha_dot) && is_still(&beta_dot);
    let row = |i| {
        alone && row_rests(operation, a_dot.as_ref(), i) && row_rests(operation, b_dot.as_ref(), i)
    };
    keep_triangle_resting(&resting, (triangle, beta), row, &mut c_dot);
}

#[allow(clippy::too_many_arguments)] // The arguments of syr2k, and their slots.
fn syr2k_reverse<T: Scalar, R: Dim, C: Dim, D: Dim>(
    triangle: Triangle,
    operation: Operation,
    alpha: T,
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    beta: T,
    c: Option<&OMatrix<T, D, D>>,
    alpha_bar: Slot<'_, T>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
    beta_bar: Slot<'_, T>,
    mut c_bar: Adjoint<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<D, D>,
{
    let of = (triangle, Symmetry::Symmetric);
    let (a, b, mut c_bar) = (block(a), block(b), buffer(&mut c_bar));
    if let Some(c) = c {
        beta_bar.add(|| pairing_of_triangles(of, beta, c_bar.as_view(), block(c)));
    }
    alpha_bar.add(|| {
        pairing_with_update(of, operation, alpha, c_bar.as_view(), a, b)
            + pairing_with_update(of, operation, alpha, c_bar.as_view(), b, a)
    });
    if !alpha.is_constant_zero() {
        if let Some(mut a_bar) = a_bar.buffer() {
            add_by_symmetric(
                of,
                operation,
                alpha.conjugate(),
                &mut c_bar,
                b,
                &mut buffer(&mut a_bar),
            );
        }
        if let Some(mut b_bar) = b_bar.buffer() {
            add_by_symmetric(
                of,
                operation,
                alpha.conjugate(),
                &mut c_bar,
                a,
                &mut buffer(&mut b_bar),
            );
        }
    }
    scale_triangle_moving(triangle, beta.conjugate(), &mut c_bar);
}

type Sample<T> = (Triangle, Operation, T, DMatrix<T>, DMatrix<T>, T, DMatrix<T>);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let (size, inner) = (random.choose(&[0, 1, 3, 6]), random.size(0, 6));
    let (rows, columns) = if operation == Operation::None { (size, inner) } else { (inner, size) };
    let (alpha, beta) = (random.normal(), random.normal());
    let (a, b) = (random.matrix(rows, columns), random.matrix(rows, columns));
    (triangle, operation, alpha, a, b, beta, random.matrix(size, size))
}
