use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimMin, DimMinimum, DimSub, OMatrix, U1};

use crate::block::buffer;
use crate::decomposition::svd::{Svd, svd};
use crate::error::{Error, overflow};
use crate::sample;
use crate::singular::{add_weighted, weighted};
use crate::spectral::{gaps, size_of};

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
    reads(),
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
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    nuclear_norm_and_factors(a).map(|(y, _)| y)
}

fn nuclear_norm_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(T::Real, Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>
        + Allocator<DimDiff<DimMinimum<R, C>, U1>>,
{
    let svd = svd(a)?;
    let y = svd.singular_values.iter().fold(nalgebra::zero(), |sum: T::Real, &s| sum + s);
    overflow("y", [&y].into_iter())?;
    Ok((y, svd))
}

/// The weights of the singular values: 1 for those that count.
fn weights<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> impl Fn(usize) -> T::Real
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let size = svd.u.nrows().max(svd.v_t.ncols());
    let (_, smallest) = gaps::<T::Real>(size_of(svd.singular_values.as_slice()), size);
    move |i| {
        if svd.singular_values[i].to_f64() > smallest { nalgebra::one() } else { nalgebra::zero() }
    }
}

fn nuclear_norm_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    weighted(&svd.u, &svd.v_t, weights(svd), a_dot)
}

fn nuclear_norm_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    svd: &Svd<T, R, C>,
    y_bar: T::Real,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let weights = weights(svd);
    add_weighted(&svd.u, &svd.v_t, |i| weights(i) * y_bar, &mut buffer(&mut a_bar));
}
