use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::triangular_part::{active, add_outer};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{FIT, add_cotangent, block, block_mut, buffer, multiply, solve, varies};
use crate::error::{Error, finite, finite_triangle, shape, solved, square};
use crate::sample;

/// (L L^H)^-1 B from a Cholesky factor L, of which only the lower triangle is read.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a diagonal entry is zero or the solution overflows.
///
/// # Derivation
/// With S = L L^H: S X = B gives S dX = dB - dS X, dS = dL L^H + L dL^H. So with W = S^-1 X_bar, in
/// the pairing Re tr(X_bar^H dX): B_bar = W, S_bar = -W X^H, and from dS
/// L_bar = (S_bar + S_bar^H) L = -W (L^H X)^H - X (L^H W)^H, of which the lower triangle counts.
/// With m right-hand sides forward takes 8 n^2 m multiplications and additions for the products and
/// reverse 6 n^2 m, beside the 2 n^2 m of the solves, which the primal takes too.
///
/// ```
/// use difrules_linalg::cholesky_solve;
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0, 0.0; 1.0, 2.0];
/// let x = cholesky_solve(&l, &dvector![8.0, 12.0])?;
/// assert_eq!(&l * l.transpose() * x, dvector![8.0, 12.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = cholesky_solve_forward,
    reverse = cholesky_solve_reverse,
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
pub fn cholesky_solve<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    square("l", l.shape())?;
    shape("b", b.shape(), (l.nrows(), b.ncols()))?;
    finite_triangle("l", Triangle::Lower, Diagonal::General, l)?;
    finite("b", b)?;
    let mut x = b.clone();
    solve_both(block(l), &mut block_mut(&mut x))?;
    solved(&x, (0..l.nrows()).map(|i| l[(i, i)]))?;
    Ok(x)
}

/// B <- (L L^H)^-1 B.
fn solve_both<T: Scalar>(
    l: DMatrixView<'_, T>,
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    solve(Side::Left, Triangle::Lower, Operation::None, l, b)?;
    solve(Side::Left, Triangle::Lower, Operation::Adjoint, l, b)
}

/// L^H X.
fn adjoint_product<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    x: DMatrixView<'_, T>,
    columns: C,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut product = OMatrix::zeros_generic(l.shape_generic().0, columns);
    multiply(T::one(), (block(l), true), (x, false), T::zero(), &mut block_mut(&mut product));
    product
}

fn cholesky_solve_forward<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    l_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut x_dot = b_dot.clone();
    let mut solved = block_mut(&mut x_dot);
    if varies(l_dot) {
        let lower = |l| active(Triangle::Lower, Diagonal::General, l);
        let (l_dot, l) = (lower(l_dot), lower(l));
        for (left, right) in [(&l_dot, &l), (&l, &l_dot)] {
            let product = adjoint_product(right, block(x), x.shape_generic().1);
            let factors = ((block(left), false), (block(&product), false));
            multiply(-T::one(), factors.0, factors.1, T::one(), &mut solved);
        }
    }
    solve_both(block(l), &mut solved).expect(FIT);
    x_dot
}

fn cholesky_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    l_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let mut w = buffer(&mut x_bar);
    solve_both(block(l), &mut w).expect(FIT);
    if let Some(mut l_bar) = l_bar.buffer() {
        let l = active(Triangle::Lower, Diagonal::General, l);
        let (sides, x, w) = (x.shape_generic().1, block(x), w.as_view());
        let mut l_bar = buffer(&mut l_bar);
        for (left, right) in [(w, x), (x, w)] {
            let product = adjoint_product(&l, right, sides);
            add_outer(Triangle::Lower, -T::one(), left, block(&product), &mut l_bar);
        }
    }
    add_cotangent(&x_bar, b_bar);
}
