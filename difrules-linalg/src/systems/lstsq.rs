use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, U1};

use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::svd::{Svd, svd};
use crate::error::{Error, finite, shape};
use crate::singular::{solve_by_values, solve_by_values_adjoint};

/// The X of least norm among those that make the norm of A X - B least, for an A of any shape and
/// rank, by its singular values: those below the rounding of the largest, max(R, C) epsilon of it,
/// count as zero.
///
/// It is discontinuous where the rank changes. The rules take it for constant, as in
/// [`pseudo_inverse`](fn@crate::pseudo_inverse).
///
/// # Errors
/// [`Error::DimensionMismatch`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// X = Y B with Y = A^+ and the residual r = B - A X. From the derivative of Y (Golub and Pereyra 1973,
/// eq. 4.12), dX = Y (dB - dA X) + Y Y^H dA^H r + (1 - Y A) dA^H Y^H X. So with W = Y^H X_bar, in the
/// pairing Re tr(X_bar^H dX), B_bar = W and
/// A_bar = -W X^H + r (Y W)^H + (Y^H X) (X_bar - A^H W)^H. Y is never formed: its products are by the
/// factors of the primal.
///
/// ```
/// use difrules_linalg::lstsq;
/// use nalgebra::{dmatrix, dvector};
///
/// // A line through three points.
/// let x = lstsq(&dmatrix![1.0_f64, 0.0; 1.0, 1.0; 1.0, 2.0], &dvector![1.0, 3.0, 5.0])?;
/// assert!((x - dvector![1.0, 2.0]).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lstsq_forward,
    reverse = lstsq_reverse,
    saves = lstsq_and_factors -> Svd<T, R, C>,
    reads(a, b, return),
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample
)]
pub fn lstsq<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
) -> Result<OMatrix<T, C, N>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    lstsq_and_factors(a, b).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn lstsq_and_factors<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
) -> Result<(OMatrix<T, C, N>, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    let svd = svd(a)?;
    finite("b", b)?;
    Ok((solve_by_values(&svd.u, &svd.singular_values, &svd.v_t, b), svd))
}

fn lstsq_forward<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
    x: &OMatrix<T, C, N>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
    b_dot: &OMatrix<T, R, N>,
) -> OMatrix<T, C, N>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let (one, zero) = (T::one(), T::zero());
    let solve = |b: &OMatrix<T, R, N>| solve_by_values(&svd.u, &svd.singular_values, &svd.v_t, b);
    let adjoint =
        |x: &OMatrix<T, C, N>| solve_by_values_adjoint(&svd.u, &svd.singular_values, &svd.v_t, x);
    let residual = residual(a, b, x);
    // Y (dB - dA X + Y^H dA^H r)
    let mut turned = x.clone();
    let factors = ((block(a_dot), true), (block(&residual), false));
    multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut turned));
    let mut moved = b_dot + adjoint(&turned);
    let factors = ((block(a_dot), false), (block(x), false));
    multiply(-one, factors.0, factors.1, one, &mut block_mut(&mut moved));
    // (1 - Y A) dA^H Y^H X = dA^H Y^H X - Y (A dA^H Y^H X)
    let through = adjoint(x);
    let factors = ((block(a_dot), true), (block(&through), false));
    multiply(one, factors.0, factors.1, zero, &mut block_mut(&mut turned));
    let factors = ((block(a), false), (block(&turned), false));
    multiply(-one, factors.0, factors.1, one, &mut block_mut(&mut moved));
    turned + solve(&moved)
}

/// B - A X.
fn residual<T: Scalar, R: Dim, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
    x: &OMatrix<T, C, N>,
) -> OMatrix<T, R, N>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, N> + Allocator<C, N>,
{
    let mut residual = b.clone();
    let factors = ((block(a), false), (block(x), false));
    multiply(-T::one(), factors.0, factors.1, T::one(), &mut block_mut(&mut residual));
    residual
}

fn lstsq_reverse<T: Scalar, R: DimMin<C>, C: Dim, N: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, N>,
    x: &OMatrix<T, C, N>,
    svd: &Svd<T, R, C>,
    x_bar: Cotangent<'_, OMatrix<T, C, N>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, N>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, N>
        + Allocator<C, N>
        + Allocator<DimMinimum<R, C>, N>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let one = T::one();
    let adjoint =
        |x: &OMatrix<T, C, N>| solve_by_values_adjoint(&svd.u, &svd.singular_values, &svd.v_t, x);
    let mut outside: OMatrix<T, C, N> = x_bar.into_owned();
    let w = adjoint(&outside);
    if let Some(mut a_bar) = a_bar.buffer() {
        let mut a_bar = buffer(&mut a_bar);
        multiply(-one, (block(&w), false), (block(x), true), one, &mut a_bar);
        let residual = residual(a, b, x);
        let through = solve_by_values(&svd.u, &svd.singular_values, &svd.v_t, &w);
        multiply(one, (block(&residual), false), (block(&through), true), one, &mut a_bar);
        let factors = ((block(a), true), (block(&w), false));
        multiply(-one, factors.0, factors.1, one, &mut block_mut(&mut outside));
        multiply(one, (block(&adjoint(x)), false), (block(&outside), true), one, &mut a_bar);
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar += w;
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    let sides = random.size(0, 3);
    (random.matrix(rows, columns), random.matrix(rows, sides))
}
