use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::blas::trsm::{Diagonal, Operation, Side, Triangle};
use crate::block::{block, block_mut, buffer, multiply, solve, solve_again, varies};
use crate::error::{Error, shape, square};
use crate::sample;
use crate::triangle::{active, add_outer};

/// L^-1 B for a lower triangular L, of which only the lower triangle is read.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::Singular`] if a diagonal entry is zero or not finite.
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
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample::lower_and_right_side
)]
pub fn solve_lower_triangular<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    square("l", l.shape())?;
    shape("b", b.shape(), (l.nrows(), b.ncols()))?;
    let mut x = b.clone();
    solve(Side::Left, Triangle::Lower, Operation::None, block(l), &mut block_mut(&mut x))?;
    Ok(x)
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
    forward(Triangle::Lower, l, x, l_dot, b_dot)
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
    reverse(Triangle::Lower, l, x, x_bar, l_bar, b_bar);
}

/// U^-1 B for an upper triangular U, of which only the upper triangle is read.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::Singular`] if a diagonal entry is zero or not finite.
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
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = upper_and_right_side
)]
pub fn solve_upper_triangular<T: Scalar, D: Dim, C: Dim>(
    u: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    square("u", u.shape())?;
    shape("b", b.shape(), (u.nrows(), b.ncols()))?;
    let mut x = b.clone();
    solve(Side::Left, Triangle::Upper, Operation::None, block(u), &mut block_mut(&mut x))?;
    Ok(x)
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
    forward(Triangle::Upper, u, x, u_dot, b_dot)
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
    reverse(Triangle::Upper, u, x, x_bar, u_bar, b_bar);
}

/// A^-1 (dB - dA X).
fn forward<T: Scalar, D: Dim, C: Dim>(
    triangle: Triangle,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut x_dot = b_dot.clone();
    if varies(a_dot) {
        let a_dot = active(triangle, Diagonal::General, block(a_dot));
        let product = ((a_dot.as_view(), false), (block(x), false));
        multiply(-T::one(), product.0, product.1, T::one(), &mut block_mut(&mut x_dot));
    }
    solve_again(Side::Left, triangle, Operation::None, block(a), &mut block_mut(&mut x_dot));
    x_dot
}

/// W = A^-H X_bar, B_bar += W, A_bar -= the triangle of W X^H.
fn reverse<T: Scalar, D: Dim, C: Dim>(
    triangle: Triangle,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut w = buffer(&mut x_bar);
    solve_again(Side::Left, triangle, Operation::Adjoint, block(a), &mut w);
    if let Some(mut a_bar) = a_bar.buffer() {
        add_outer(triangle, -T::one(), w.as_view(), block(x), &mut buffer(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar += x_bar;
    }
}

fn upper_and_right_side<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (lower, right_side) = sample::lower_and_right_side(random);
    (lower.transpose(), right_side)
}
