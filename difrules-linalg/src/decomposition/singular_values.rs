use difrules_core::{Cotangent, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1};

use crate::algebra::svd::{derivatives, gradient_of_values, settled};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::Error;
use crate::sample;

/// The min(R, C) singular values of A, in decreasing order.
///
/// Symmetric functions of singular values that repeat, as their sum, have derivatives, which are right, second
/// derivatives too by forward over reverse mode, as `hvp` and `hessian` take them, and by forward over forward mode
/// where one basis splits a value that is not zero along both directions, as it does along the same twice. By reverse
/// over either mode these are NaN. Each alone has a kink there, and at zero: its tangents are those of
/// the values that the direction splits it into, in their order, and a cotangent that is not the same for all that
/// are one, or not zero where they are zero, gives NaN and is [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// With A = U diag(s) V^H, which is saved for the rules, ds_i = Re(u_i^H dA v_i), so
/// A_bar = U diag(s_bar) V^H (Giles 2008, "Collected matrix derivative results", section 3.2): one
/// product each.
///
/// ```
/// use difrules_linalg::singular_values;
/// use nalgebra::{dmatrix, dvector};
///
/// let s = singular_values(&dmatrix![0.0_f64, 2.0; -3.0, 0.0])?;
/// assert!((s - dvector![3.0, 2.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = singular_values_forward,
    reverse = singular_values_reverse,
    saves = values_and_factors -> Svd<T, R, C>,
    reads(a),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn singular_values<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<OVector<T::Real, DimMinimum<R, C>>, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    values_and_factors(a).map(|(values, _)| values)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn values_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OVector<T::Real, DimMinimum<R, C>>, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    // Derivatives of the vectors are asked for by nobody.
    let svd = diagnosed(|| svd(a)).0?;
    Ok((svd.singular_values.clone(), svd))
}

fn singular_values_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> OVector<T::Real, DimMinimum<R, C>>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    derivatives(&svd.u, &svd.singular_values, &svd.v_t, (Some(a), a_dot))
}

fn singular_values_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    values_bar: Cotangent<'_, OVector<T::Real, DimMinimum<R, C>>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    a_bar.add(|| {
        let Svd { u, singular_values, v_t } = svd;
        let weights = settled(u, singular_values, v_t, &values_bar.into_owned());
        gradient_of_values(a, svd, &weights)
    });
}
