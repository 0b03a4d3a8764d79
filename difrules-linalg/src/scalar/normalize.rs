use difrules_core::{Cotangent, Diagnostic, Scalar, Slot, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::nrm2::nrm2;
use crate::error::{Error, finite};
use crate::sample;

/// A / |A| with the Frobenius norm, without overflow or underflow: for a vector, the unit vector of
/// its direction. What is zero stays zero.
///
/// # Errors
/// [`Error::NotFinite`].
///
/// # Derivation
/// With n = |A| and Y = A / n, dn = Re tr(Y^H dA), so dY = (dA - Y Re tr(Y^H dA)) / n. That is
/// self-adjoint: A_bar = (Y_bar - Y Re tr(Y^H Y_bar)) / n. At A = 0 there is no derivative; the rules
/// take 0 and [report](difrules_core::report) it.
///
/// ```
/// use difrules_linalg::normalize;
/// use nalgebra::dvector;
///
/// let y = normalize(&dvector![3e200_f64, -4e200])?;
/// assert!((y - dvector![0.6, -0.8]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = normalize_forward,
    reverse = normalize_reverse,
    saves = normalize_and_norm -> T::Real,
    reads(return),
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample::matrix
)]
pub fn normalize<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    normalize_and_norm(a).map(|(y, _)| y)
}

fn normalize_and_norm<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, C>, T::Real), Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    finite("a", a)?;
    let norm = nrm2(a);
    let y = if norm == nalgebra::zero() { a.clone() } else { a.map(|x| x.unscale(norm)) };
    Ok((y, norm))
}

/// What is left of a direction without its part along Y, over the norm.
fn tangential<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    norm: T::Real,
    mut direction: OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    if norm == nalgebra::zero() {
        if !direction.is_empty() {
            report(Diagnostic::undefined("normalize", "zero has no direction"));
        }
        direction.fill(T::zero());
        return direction;
    }
    let along = y.dotc(&direction).real();
    direction.zip_apply(y, |x, y| *x = (*x - y.scale(along)).unscale(norm));
    direction
}

fn normalize_forward<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    &norm: &T::Real,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    tangential(y, norm, a_dot.clone())
}

fn normalize_reverse<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    &norm: &T::Real,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    a_bar.add(|| tangential(y, norm, y_bar.into_owned()));
}
