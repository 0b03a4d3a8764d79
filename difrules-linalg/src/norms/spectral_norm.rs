use difrules_core::{Scalar, Slot, diagnosed, primitive};
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1};

use crate::algebra::svd::gradient_of_values;
use crate::block::along_slopes;
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::Error;
use crate::sample;

/// The largest singular value of A. Where it repeats there is a kink; the rules take the subgradient of the first pair of singular
/// vectors that the primal found, and 0 at A = 0.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// dy = Re(u_1^H dA v_1), so A_bar = y_bar u_1 v_1^H (Watson 1992, "Characterization of the
/// subdifferential of some matrix norms", theorem 2).
/// The factors A = U diag(s) V^H are saved by the primal.
///
/// ```
/// use difrules_linalg::spectral_norm;
/// use nalgebra::dmatrix;
///
/// assert!((spectral_norm(&dmatrix![0.0_f64, 2.0; -3.0, 0.0])? - 3.0).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = spectral_norm_forward,
    reverse = spectral_norm_reverse,
    saves = spectral_norm_and_factors -> Svd<T, R, C>,
    reads(a),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn spectral_norm<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<T::Real, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    spectral_norm_and_factors(a).map(|(y, _)| y)
}

fn spectral_norm_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(T::Real, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let svd = diagnosed(|| svd(a)).0?;
    let y = svd.singular_values.iter().next().copied().unwrap_or_else(nalgebra::zero);
    Ok((y, svd))
}

/// The weights of the singular values: 1 for those that count.
fn weights<T: Scalar, R: DimMin<C>, C: Dim>(
    svd: &Svd<T, R, C>,
) -> OVector<T::Real, DimMinimum<R, C>>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let values = &svd.singular_values;
    OVector::from_fn_generic(values.shape_generic().0, U1, |i, _| {
        if i == 0 && values[i] != nalgebra::zero() { nalgebra::one() } else { nalgebra::zero() }
    })
}

fn spectral_norm_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let slopes = gradient_of_values(a, svd, &weights(svd));
    along_slopes(slopes.as_slice(), a_dot.as_slice(), |slope| slope)
}

fn spectral_norm_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    a_bar.add(|| gradient_of_values(a, svd, &weights(svd)).map(|x| x.scale(y_bar)));
}
