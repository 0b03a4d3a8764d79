use difrules_core::contract::Kind;
use difrules_core::diagnostic::{Diagnostic, jumps};
use difrules_core::kernel::vectorised;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DefaultAllocator, Dim, Matrix, OMatrix, Storage};

use crate::blas::nrm2::nrm2;
use crate::blas::strong::is_bounded;
use crate::block::{along_factor, numbers, numbers_mut, zip_map};
use crate::error::{Error, finite, overflow};
use crate::sample;
use crate::tolerance::undefined_with;

/// A / |A| with the Frobenius norm, without overflow or underflow: for a vector, the unit vector of
/// its direction. What is zero stays zero.
///
/// # Errors
/// [`Error::NotFinite`].
///
/// # Derivation
/// With n = |A| and Y = A / n, dn = Re tr(Y^H dA), so dY = (dA - Y Re tr(Y^H dA)) / n. That is
/// self-adjoint: A_bar = (Y_bar - Y Re tr(Y^H Y_bar)) / n. At A = 0 there is no derivative: it
/// is NaN and [reported](difrules_core::report).
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
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
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
    overflow("norm", [&norm])?;
    let is_zero = norm == nalgebra::zero();
    let y = if is_zero { a.copied() } else { a.map(|x| x.unscale(norm)) };
    jumps("normalize", is_zero && !a.is_empty());
    Ok((y, norm))
}

/// The part of a direction along Y; None, which is reported, if Y has no direction.
fn along<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(
    y: &OMatrix<T, R, C>,
    norm: T::Real,
    direction: &Matrix<T, R, C, S>,
) -> Option<T::Real>
where
    DefaultAllocator: Allocator<R, C>,
{
    if norm != nalgebra::zero() {
        return Some(y.dotc(direction).real());
    }
    if !direction.is_empty() {
        report(Diagnostic::undefined("normalize", "zero has no direction"));
    }
    None
}

/// Whether a direction is infinite or NaN in an entry, so that the entries have to be told apart: of real numbers.
fn by_entries<T: Scalar>(direction: &[T]) -> bool {
    let direction = DMatrixView::from_slice(direction, direction.len(), 1);
    <T::Kind as Kind>::REAL && !is_bounded(&direction)
}

/// An entry of (I - y y^T) times a direction over the norm, a sum over its entries.
fn by_entry<T: Scalar, R: Dim, C: Dim, S: Storage<T, R, C>>(
    y: &OMatrix<T, R, C>,
    norm: T::Real,
    direction: &Matrix<T, R, C, S>,
    i: usize,
) -> T
where
    DefaultAllocator: Allocator<R, C>,
{
    direction.iter().enumerate().fold(T::zero(), |sum, (j, &x)| {
        let of_identity = if i == j { T::one() } else { T::zero() };
        sum + along_factor(x, (of_identity - y[i] * y[j]).unscale(norm))
    })
}

fn normalize_forward<T: Scalar, R: Dim, C: Dim>(
    y: &OMatrix<T, R, C>,
    &norm: &T::Real,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = a_dot.shape_generic();
    match along(y, norm, a_dot) {
        Some(_) if by_entries(a_dot.as_slice()) => {
            let entries = (0..a_dot.len()).map(|i| by_entry(y, norm, a_dot, i));
            OMatrix::from_iterator_generic(rows, columns, entries)
        }
        Some(along) => zip_map(a_dot, y, |x, y| (x - y.scale(along)).unscale(norm)),
        None => {
            let nothing = undefined_with(y.iter().chain(a_dot.iter()));
            OMatrix::repeat_generic(rows, columns, nothing)
        }
    }
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
    match along(y, norm, &y_bar) {
        Some(_) if by_entries(numbers(&y_bar)) => {
            let sums = a_bar.iter_mut().enumerate();
            sums.for_each(|(i, a_bar)| *a_bar += by_entry(y, norm, &y_bar, i));
        }
        Some(along) => {
            let pairs = y.as_slice().iter().zip(numbers(&y_bar));
            let all = numbers_mut(&mut a_bar).iter_mut().zip(pairs);
            vectorised(|| {
                all.for_each(|(a_bar, (y, &y_bar))| {
                    *a_bar += (y_bar - y.scale(along)).unscale(norm);
                });
            });
        }
        None => {
            let nothing = undefined_with(y.iter().chain(numbers(&y_bar)));
            a_bar.apply(|a_bar| *a_bar += nothing);
        }
    }
}
