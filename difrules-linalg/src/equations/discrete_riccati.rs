use std::sync::Arc;

use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{dynamic, shaped};
use crate::equations::riccati::{Solved, regulator, riccati_and_factors, sample};
use crate::error::Error;

/// The stabilising solution X of A^H X A - X - A^H X B (R + B^H X B)^-1 B^H X A + Q = 0: that with the eigenvalues of
/// A - B K in the unit circle, K = (R + B^H X B)^-1 B^H X A. So u = -K x regulates x' = A x + B u at the least cost, the sum
/// of x^H Q x + u^H R u, which is x^H X x. The covariance that a Kalman filter predicts in the long run is that of A^H and
/// the adjoint of what is observed.
///
/// By an invariant subspace of the symplectic pencil, from an ordered Schur form, refined by Newton's method. A may be
/// singular.
///
/// Q and R are Hermitian by contract: of each only the lower triangle is read, and their cotangents are Hermitian. R has
/// to be positive definite; Q need not. X is Hermitian, exactly, so of its cotangent the Hermitian part counts.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::NotPositiveDefinite`] if R is not; [`Error::NoStabilizingSolution`] where an eigenvalue of the pencil is on the unit circle,
/// but for rounding, or A cannot be stabilised by B; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// The terms with dK cancel, as K is the best: with A_c = A - B K and M = dQ + A_c^H X (dA - dB K) + (dA - dB K)^H X A_c +
/// K^H dR K it is dX - A_c^H dX A_c = M, Lyapunov's equation. So with the W of W - A_c W A_c^H = X_bar, in the pairing
/// Re tr(X_bar^H dX): Q_bar = W, A_bar = 2 X A_c W, B_bar = -2 X A_c W K^H and R_bar = K W K^H (Kao and Hennequin 2020,
/// "Automatic differentiation of Sylvester, Lyapunov, and algebraic Riccati equations", arXiv:2011.11430). Both rules use
/// the Schur form of A_c, saved by the primal. Each takes some 14 n^3 multiplications and additions, beside the primal's
/// 250 n^3.
///
/// ```
/// use difrules_linalg::discrete_riccati;
/// use nalgebra::dmatrix;
///
/// // x' = x + u at the cost x^2 + u^2: X^2 = X + 1.
/// let one = dmatrix![1.0_f64];
/// let x = discrete_riccati(&one, &one, &one, &one)?;
/// assert!((x[(0, 0)] - (1.0 + 5.0_f64.sqrt()) / 2.0).abs() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = discrete_riccati_forward,
    reverse = discrete_riccati_reverse,
    saves = discrete_riccati_and_factors -> Arc<[f64]>,
    reads(a, b, r, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = |random| sample(true, random)
)]
pub fn discrete_riccati<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    q: &OMatrix<T, D, D>,
    r: &OMatrix<T, C, C>,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<C, C>,
{
    discrete_riccati_and_factors(a, b, q, r).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn discrete_riccati_and_factors<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    q: &OMatrix<T, D, D>,
    r: &OMatrix<T, C, C>,
) -> Result<(OMatrix<T, D, D>, Arc<[f64]>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<C, C>,
{
    let (x, factors) = riccati_and_factors(&regulator(true, a, b, q, r))?;
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((discrete_riccati(a, b, q, r)?, factors));
    }
    Ok((shaped(a.shape_generic(), &x), factors))
}

#[expect(clippy::too_many_arguments, reason = "what is read and a tangent for each argument")]
fn discrete_riccati_forward<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    r: &OMatrix<T, C, C>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
    q_dot: &OMatrix<T, D, D>,
    r_dot: &OMatrix<T, C, C>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<C, C>,
{
    // Q is not read: X stands in its place.
    let solved = Solved::new(regulator(true, a, b, x, r), dynamic(x), factors);
    shaped(x.shape_generic(), &solved.forward(&regulator(true, a_dot, b_dot, q_dot, r_dot)))
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn discrete_riccati_reverse<T: Scalar, D: Dim, C: Dim>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, C>,
    r: &OMatrix<T, C, C>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    x_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
    q_bar: Slot<'_, OMatrix<T, D, D>>,
    r_bar: Slot<'_, OMatrix<T, C, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<C, C>,
{
    let x_bar: OMatrix<T, D, D> = x_bar.into_owned();
    let bars =
        Solved::new(regulator(true, a, b, x, r), dynamic(x), factors).reverse(&dynamic(&x_bar));
    a_bar.add(|| shaped(a.shape_generic(), &bars.a));
    b_bar.add(|| shaped(b.shape_generic(), &bars.b));
    q_bar.add(|| shaped(a.shape_generic(), &bars.q));
    r_bar.add(|| shaped(r.shape_generic(), &bars.r));
}
