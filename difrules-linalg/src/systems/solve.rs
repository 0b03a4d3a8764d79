use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::algebra::lu::lu_solve_in_place;
use crate::blas::options::Operation;
use crate::block::{
    FIT, add_cotangent, block, block_mut, buffer, keep_resting, multiply, rests, varies,
};
use crate::decomposition::lu::{Lu, lu};
use crate::error::{Error, finite, shape, square};

/// A^-1 B by elimination with partial pivoting. For A^-T B and A^-H B, or several of these:
/// [`lu`](fn@crate::lu) and [`lu_solve`](fn@crate::lu_solve).
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a pivot is zero or the solution overflows.
///
/// # Derivation
/// A X = B gives A dX = dB - dA X. So with W = A^-H X_bar, in the pairing Re tr(X_bar^H dX):
/// B_bar = W and A_bar = -W X^H. Both rules use the factors of the primal, and the reverse rule turns
/// X_bar into W where it is. With m right-hand sides each takes 2 n^2 m multiplications and additions
/// for the solve and 2 n^2 m for the product, beside the primal's 2/3 n^3 + 2 n^2 m.
///
/// ```
/// use difrules_linalg::solve;
/// use nalgebra::{dmatrix, dvector};
///
/// let x = solve(&dmatrix![0.0, 2.0; 4.0, 1.0], &dvector![6.0, 7.0])?;
/// assert_eq!(x, dvector![1.0, 3.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = solve_forward,
    reverse = solve_reverse,
    saves = solve_and_factors -> Lu<T, D, D>,
    reads(return),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn solve<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    solve_and_factors(a, b).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn solve_and_factors<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<(OMatrix<T, D, C>, Lu<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    square("a", a.shape())?;
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    let factors = lu(a)?;
    finite("b", b)?;
    let mut x = b.copied();
    factors.solve(Operation::None, &mut x)?;
    factors.solved(&x)?;
    Ok((x, factors))
}

fn solve_forward<T: Scalar, D: Dim, C: Dim>(
    x: &OMatrix<T, D, C>,
    factors: &Lu<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let mut x_dot = b_dot.copied();
    if varies(a_dot) {
        let product = ((block(a_dot), false), (block(x), false));
        multiply(-T::one(), product.0, product.1, T::one(), &mut block_mut(&mut x_dot));
    }
    factors.solve(Operation::None, &mut x_dot).expect(FIT);
    let resting = rests(a_dot.iter());
    keep_resting(&mut x_dot, |_| resting, |j| rests(b_dot.column(j).iter()));
    x_dot
}

fn solve_reverse<T: Scalar, D: Dim, C: Dim>(
    x: &OMatrix<T, D, C>,
    factors: &Lu<T, D, D>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let mut w = buffer(&mut x_bar);
    lu_solve_in_place(Operation::Adjoint, factors.block(), factors.swaps(), &mut w).expect(FIT);
    if let Some(mut a_bar) = a_bar.buffer() {
        let factors = ((w.as_view(), false), (block(x), true));
        multiply(-T::one(), factors.0, factors.1, T::one(), &mut buffer(&mut a_bar));
    }
    add_cotangent(&x_bar, b_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    (random.matrix(size, size), random.matrix(size, columns))
}
