use difrules_core::{Cotangent, Diagnostic, Scalar, Slot, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Matrix, OMatrix, Storage};

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

/// What is left of a direction without its part along Y, over the norm, entry by entry.
fn tangential<'a, T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(
    y: &'a OMatrix<T, R, C>,
    norm: T::Real,
    direction: &'a Matrix<T, R, C, S>,
) -> impl Iterator<Item = T>
where
    DefaultAllocator: Allocator<R, C>,
{
    let zero = norm == nalgebra::zero();
    if zero && !direction.is_empty() {
        report(Diagnostic::undefined("normalize", "zero has no direction"));
    }
    let along = y.dotc(direction).real();
    y.iter()
        .zip(direction.iter())
        .map(move |(y, &x)| if zero { T::zero() } else { (x - y.scale(along)).unscale(norm) })
}

fn normalize_forward<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    &norm: &T::Real,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let mut y_dot = a_dot.clone();
    y_dot.iter_mut().zip(tangential(y, norm, a_dot)).for_each(|(y_dot, x)| *y_dot = x);
    y_dot
}

fn normalize_reverse<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    &norm: &T::Real,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    a_bar.iter_mut().zip(tangential(y, norm, &y_bar)).for_each(|(a_bar, x)| *a_bar += x);
}
