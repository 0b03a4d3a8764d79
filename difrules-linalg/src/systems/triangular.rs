use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, OMatrix};

use crate::algebra::triangular_part::{active, add_outer, add_strict_outer};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::trsm::{adjoint_solve, trsm};
use crate::block::{FIT, add_cotangent, block, block_mut, buffer, multiply, varies};
use crate::error::{Error, finite, finite_triangle, shape, solved, square};
use crate::sample;

/// What a triangular matrix is, and how it is used.
type Form = (Triangle, Operation, Diagonal);

const LOWER: Form = (Triangle::Lower, Operation::None, Diagonal::General);
const UPPER: Form = (Triangle::Upper, Operation::None, Diagonal::General);

/// L^-1 B for a lower triangular L, of which only the lower triangle is read. For L^T, L^H and a unit
/// diagonal: [`solve_triangular`](fn@solve_triangular).
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a diagonal entry is zero or the solution overflows.
///
/// # Derivation
/// L X = B gives L dX = dB - dL X. So with W = L^-H X_bar, in the pairing Re tr(X_bar^H dX):
/// B_bar = W and L_bar = -W X^H, of which the lower triangle counts. The reverse rule turns X_bar
/// into W where it is. With m right-hand sides each rule takes n^2 m multiplications and additions
/// for the solve; forward 2 n^2 m for the product and reverse n^2 m, beside the primal's n^2 m.
///
/// ```
/// use difrules_linalg::solve_lower_triangular;
/// use nalgebra::{dmatrix, dvector};
///
/// let x = solve_lower_triangular(&dmatrix![2.0, 0.0; 1.0, 4.0], &dvector![2.0, 9.0])?;
/// assert_eq!(x, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = solve_lower_triangular_forward,
    reverse = solve_lower_triangular_reverse,
    reads(l, return),
    structure(l = lower),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::lower_and_right_side
)]
pub fn solve_lower_triangular<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    primal("l", LOWER, l, b)
}

fn solve_lower_triangular_forward<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    l_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    forward(LOWER, l, x, l_dot, b_dot)
}

fn solve_lower_triangular_reverse<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    l_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    reverse(LOWER, l, x, x_bar, l_bar, b_bar);
}

/// U^-1 B for an upper triangular U, of which only the upper triangle is read. For U^T, U^H and a unit
/// diagonal: [`solve_triangular`](fn@solve_triangular).
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a diagonal entry is zero or the solution overflows.
///
/// # Derivation
/// U X = B gives U dX = dB - dU X. So with W = U^-H X_bar, in the pairing Re tr(X_bar^H dX):
/// B_bar = W and U_bar = -W X^H, of which the upper triangle counts. The reverse rule turns X_bar
/// into W where it is. With m right-hand sides each rule takes n^2 m multiplications and additions
/// for the solve; forward 2 n^2 m for the product and reverse n^2 m, beside the primal's n^2 m.
///
/// ```
/// use difrules_linalg::solve_upper_triangular;
/// use nalgebra::{dmatrix, dvector};
///
/// let x = solve_upper_triangular(&dmatrix![2.0, -4.0; 0.0, 4.5], &dvector![2.0, 9.0])?;
/// assert_eq!(x, dvector![5.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = solve_upper_triangular_forward,
    reverse = solve_upper_triangular_reverse,
    reads(u, return),
    structure(u = upper),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = upper_and_right_side
)]
pub fn solve_upper_triangular<T: Scalar, D: Dim, C: Dim>(
    u: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    primal("u", UPPER, u, b)
}

fn solve_upper_triangular_forward<T: Scalar, D: Dim, C: Dim>(
    u: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    u_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    forward(UPPER, u, x, u_dot, b_dot)
}

fn solve_upper_triangular_reverse<T: Scalar, D: Dim, C: Dim>(
    u: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    u_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    reverse(UPPER, u, x, x_bar, u_bar, b_bar);
}

/// op(A)^-1 B for a triangular A, of which only the one triangle is read, and of that not a unit diagonal:
/// plain, transposed or adjoint. In place, and from the right: [`trsm`](fn@crate::trsm).
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a diagonal entry is zero or the solution overflows.
///
/// # Derivation
/// op(A) X = B gives op(A) dX = dB - op(dA) X. So with W = op(A)^-H X_bar, in the pairing
/// Re tr(X_bar^H dX): B_bar = W and op(A)_bar = -W X^H, that is A_bar = -W X^H, -(W X^H)^T or -X W^H for A,
/// A^T and A^H, of which the triangle counts. The costs are those of
/// [`solve_lower_triangular`](fn@solve_lower_triangular).
///
/// ```
/// use difrules_linalg::{Diagonal, Operation, Triangle, solve_triangular};
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0, 0.0; 1.0, 4.0];
/// let (lower, general) = (Triangle::Lower, Diagonal::General);
/// let x = solve_triangular(lower, Operation::Transpose, general, &l, &dvector![4.0, 8.0])?;
/// assert_eq!(x, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = solve_triangular_forward,
    reverse = solve_triangular_reverse,
    reads(triangle, operation, diagonal, a, return),
    constant(triangle, operation, diagonal),
    structure(a = triangular(triangle, diagonal)),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = any_and_right_side
)]
pub fn solve_triangular<T: Scalar, D: Dim, C: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    primal("a", (triangle, operation, diagonal), a, b)
}

fn solve_triangular_forward<T: Scalar, D: Dim, C: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    forward((triangle, operation, diagonal), a, x, a_dot, b_dot)
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn solve_triangular_reverse<T: Scalar, D: Dim, C: Dim>(
    triangle: Triangle,
    operation: Operation,
    diagonal: Diagonal,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    reverse((triangle, operation, diagonal), a, x, x_bar, a_bar, b_bar);
}

fn primal<T: Scalar, D: Dim, C: Dim>(
    argument: &'static str,
    (triangle, operation, diagonal): Form,
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let size = square(argument, a.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    finite_triangle(argument, triangle, diagonal, a)?;
    finite("b", b)?;
    let mut x = b.copied();
    let one = T::one();
    trsm(Side::Left, triangle, operation, diagonal, one, a, &mut x)?;
    let pivot = |i| if diagonal == Diagonal::Unit { one } else { a[(i, i)] };
    solved(&x, (0..size).map(pivot))?;
    Ok(x)
}

/// op(A)^-1 (dB - op(dA) X).
fn forward<T: Scalar, D: Dim, C: Dim>(
    (triangle, operation, diagonal): Form,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut x_dot = b_dot.copied();
    if varies(a_dot) {
        let mut a_dot = active(triangle, diagonal, a_dot);
        if operation == Operation::Transpose {
            a_dot.conjugate_mut();
        }
        let product = ((block(&a_dot), operation != Operation::None), (block(x), false));
        multiply(-T::one(), product.0, product.1, T::one(), &mut block_mut(&mut x_dot));
    }
    trsm(Side::Left, triangle, operation, diagonal, T::one(), a, &mut x_dot).expect(FIT);
    x_dot
}

/// W = op(A)^-H X_bar is B_bar, and A_bar the triangle of -op(W X^H).
fn reverse<T: Scalar, D: Dim, C: Dim>(
    (triangle, operation, diagonal): Form,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut w = buffer(&mut x_bar);
    adjoint_solve(Side::Left, triangle, operation, diagonal, block(a), &mut w);
    if let Some(mut a_bar) = a_bar.buffer() {
        let mut a_bar = buffer(&mut a_bar);
        let mut add = |left: DMatrixView<'_, T>, right: DMatrixView<'_, T>| match diagonal {
            Diagonal::General => add_outer(triangle, -T::one(), left, right, &mut a_bar),
            Diagonal::Unit => add_strict_outer(triangle, -T::one(), left, right, &mut a_bar),
        };
        match operation {
            Operation::None => add(w.as_view(), block(x)),
            Operation::Adjoint => add(block(x), w.as_view()),
            Operation::Transpose => {
                let (rows, columns) = x.shape_generic();
                let conjugate = |i, j| T::conjugate(w[(i, j)]);
                let w = OMatrix::<T, D, C>::from_fn_generic(rows, columns, conjugate);
                add(block(&x.conjugate()), block(&w));
            }
        }
    }
    add_cotangent(&x_bar, b_bar);
}

fn upper_and_right_side<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (l, b) = sample::lower_and_right_side(random);
    (l.transpose(), b)
}

type Sample<T> = (Triangle, Operation, Diagonal, DMatrix<T>, DMatrix<T>);

fn any_and_right_side<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let triangle = random.choose(&[Triangle::Lower, Triangle::Upper]);
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let diagonal = random.choose(&[Diagonal::General, Diagonal::Unit]);
    let (l, b) = sample::lower_and_right_side(random);
    (triangle, operation, diagonal, if triangle == Triangle::Lower { l } else { l.transpose() }, b)
}
