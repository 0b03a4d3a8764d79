use difrules_core::{Scalar, Slot, diagnosed, primitive};
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, OMatrix, OVector, U1};

use crate::algebra::svd::gradient_of_values;
use crate::block::{along_slopes, block};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::{Error, overflow};
use crate::sample;
use crate::tolerance::{Gap, Sizes};

/// The sum of the singular values of A. At a singular value that is zero there is a kink; the rules take the subgradient that leaves it out.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// dy = sum_i ds_i with ds_i = Re(u_i^H dA v_i), so A_bar = y_bar U V^H over the singular values that are
/// not zero (Watson 1992, "Characterization of the subdifferential of some matrix norms", theorem 2).
/// The factors A = U diag(s) V^H are saved by the primal.
///
/// ```
/// use difrules_linalg::nuclear_norm;
/// use nalgebra::dmatrix;
///
/// assert!((nuclear_norm(&dmatrix![0.0_f64, 2.0; -3.0, 0.0])? - 5.0).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = nuclear_norm_forward,
    reverse = nuclear_norm_reverse,
    saves = nuclear_norm_and_factors -> Svd<T, R, C>,
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
pub fn nuclear_norm<T: Scalar, R: DimMin<C>, C: Dim>(a: &OMatrix<T, R, C>) -> Result<T::Real, Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    nuclear_norm_and_factors(a).map(|(y, _)| y)
}

fn nuclear_norm_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(T::Real, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C>,
{
    let svd = diagnosed(|| svd(a)).0?;
    let y = svd.singular_values.iter().fold(nalgebra::zero(), |sum: T::Real, &s| sum + s);
    overflow("y", [&y])?;
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
    let Svd { u, singular_values, v_t } = svd;
    let sizes = Sizes::of_singular_values(singular_values.as_slice(), block(u), block(v_t));
    let (size, _) = singular_values.shape_generic();
    OVector::from_fn_generic(size, U1, |i, _| {
        let zero = sizes.gap(i, i, singular_values[i]) == Gap::Nothing;
        if zero { nalgebra::zero() } else { nalgebra::one() }
    })
}

fn nuclear_norm_forward<T: Scalar, R: DimMin<C>, C: Dim>(
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

fn nuclear_norm_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
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
