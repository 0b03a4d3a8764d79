use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::equations::linear::{lyapunov_and_factors, lyapunov_forward, lyapunov_reverse, stable};
use crate::error::Error;

/// The X with A X A^H - X = -Q, Lyapunov's equation in discrete time, or Stein's: of x' = A x + w with the covariance Q of
/// the noise X is that of the state.
///
/// By the Schur form of A. Q is read whole, and its cotangent is whole; the X of a Hermitian Q is Hermitian, exactly.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::SingularEquation`] where an eigenvalue of A and the conjugate of one have the product one, but for
/// rounding, as on the unit circle; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// dX - A dX A^H = dQ + dA X A^H + A X dA^H has the same coefficients. So with the W of W - A^H W A = X_bar, in the
/// pairing Re tr(X_bar^H dX): Q_bar = W and A_bar = W A X^H + W^H A X. Both rules use the Schur form of the primal. Each
/// takes 3 n^3 multiplications and additions for the equation, 4 n^3 to come into the basis and back, and 4 n^3 for the
/// products, beside the primal's 25 n^3.
///
/// ```
/// use difrules_linalg::discrete_lyapunov;
/// use nalgebra::dmatrix;
///
/// let x = discrete_lyapunov(&dmatrix![0.5, 0.0; 0.0, 0.0], &dmatrix![3.0, 1.0; 1.0, 2.0])?;
/// assert_eq!(x, dmatrix![4.0, 1.0; 1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = discrete_lyapunov_forward,
    reverse = discrete_lyapunov_reverse,
    saves = discrete_lyapunov_and_factors -> Arc<[f64]>,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn discrete_lyapunov<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    q: &OMatrix<T, D, D>,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    discrete_lyapunov_and_factors(a, q).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn discrete_lyapunov_and_factors<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    q: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Arc<[f64]>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    lyapunov_and_factors(true, a, q)
}

fn discrete_lyapunov_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    a_dot: &OMatrix<T, D, D>,
    q_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    lyapunov_forward(true, a, x, factors, a_dot, q_dot)
}

fn discrete_lyapunov_reverse<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    x_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    q_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    lyapunov_reverse(true, a, x, factors, x_bar, (a_bar, q_bar));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let size = random.choose(&[0, 1, 2, 3, 5]);
    (stable(random, size, true), random.matrix(size, size))
}
