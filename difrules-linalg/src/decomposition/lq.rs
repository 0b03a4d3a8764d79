use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix};

use crate::algebra::qr::{qr_forward, qr_jumps, qr_reverse};
use crate::algebra::unitary::qr_factors;
use crate::block::{block_mut, buffer, kept};
use crate::error::{Error, finite};
use crate::sample;

/// (L, Q) with A = L Q, for an A of any shape: L is lower triangular with a diagonal that is not
/// negative, Q has min(R, C) orthonormal rows. By Householder reflections of A^H.
///
/// What is determined, and what is reported, is as in [`qr`](fn@crate::qr), with rows for columns.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// A^H = Q^H L^H is the QR decomposition of A^H, so the rules are those of [`qr`](fn@crate::qr) for
/// the adjoints: in the pairing Re tr(Y_bar^H Y_dot) the cotangent of an adjoint is the adjoint.
///
/// ```
/// use difrules_linalg::lq;
/// use nalgebra::dmatrix;
///
/// let (l, q) = lq(&dmatrix![0.0_f64, -3.0; 2.0, 1.0])?;
/// assert!((l - dmatrix![3.0, 0.0; -1.0, 2.0]).norm() < 1e-15);
/// assert!((q - dmatrix![0.0, -1.0; 1.0, 0.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lq_tangent,
    reverse = lq_cotangent,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
pub fn lq<T: Scalar, R: Dim, C: DimMin<R>>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, DimMinimum<C, R>>, OMatrix<T, DimMinimum<C, R>, C>), Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<C>
        + Allocator<DimMinimum<C, R>>
        + Allocator<R, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, C>
        + Allocator<C, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, R>
        + Allocator<DimMinimum<C, R>, DimMinimum<C, R>>,
{
    finite("a", a)?;
    let (q, r) = qr_factors(&a.adjoint(), None)?;
    jumps("lq", qr_jumps(&q, &r));
    Ok((r.adjoint(), q.adjoint()))
}

#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
fn lq_tangent<T: Scalar, R: Dim, C: DimMin<R>>(
    (l, q): &(OMatrix<T, R, DimMinimum<C, R>>, OMatrix<T, DimMinimum<C, R>, C>),
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, DimMinimum<C, R>>, OMatrix<T, DimMinimum<C, R>, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, C>
        + Allocator<C, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, R>
        + Allocator<DimMinimum<C, R>, DimMinimum<C, R>>,
{
    let (q_dot, r_dot) = qr_forward("lq", &q.adjoint(), &l.adjoint(), &a_dot.adjoint());
    (r_dot.adjoint(), q_dot.adjoint())
}

#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
fn lq_cotangent<T: Scalar, R: Dim, C: DimMin<R>>(
    (l, q): &(OMatrix<T, R, DimMinimum<C, R>>, OMatrix<T, DimMinimum<C, R>, C>),
    (l_bar, q_bar): Cotangent<
        '_,
        (OMatrix<T, R, DimMinimum<C, R>>, OMatrix<T, DimMinimum<C, R>, C>),
    >,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, R>
        + Allocator<R, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, C>
        + Allocator<C, DimMinimum<C, R>>
        + Allocator<DimMinimum<C, R>, R>
        + Allocator<DimMinimum<C, R>, DimMinimum<C, R>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let mut a_bar = buffer(&mut a_bar);
    let (_, columns) = q.shape_generic();
    let (rows, _) = l.shape_generic();
    let mut adjoint_bar = OMatrix::<T, C, R>::zeros_generic(columns, rows);
    // The conjugate of a strong zero is none by its sign.
    let adjoint = |bar: T| kept(bar, T::conjugate);
    let (mut q_bar, mut r_bar) = (q_bar.transpose().map(adjoint), l_bar.adjoint());
    qr_reverse(
        "lq",
        &q.adjoint(),
        &l.adjoint(),
        &mut block_mut(&mut q_bar),
        &mut block_mut(&mut r_bar),
        &mut block_mut(&mut adjoint_bar),
    );
    for j in 0..a_bar.ncols() {
        for i in 0..a_bar.nrows() {
            a_bar[(i, j)] += adjoint_bar[(j, i)].conjugate();
        }
    }
}
