use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix};

use crate::algebra::qr::{qr_forward, qr_jumps, qr_reverse};
use crate::algebra::unitary::qr_factors;
use crate::block::buffer;
use crate::error::{Error, finite};
use crate::sample;

/// (Q, R) with A = Q R, for an A of any shape: Q has min(R, C) orthonormal columns, R is upper
/// triangular with a diagonal that is not negative. By Householder reflections.
///
/// The factors are determined, and have derivatives, where the first min(R, C) columns of A are
/// independent; the others may depend on them. Where fewer are, the rules give what is determined; the
/// rest is NaN and [reported](difrules_core::report): of a gradient that asks for it, and of a tangent along a direction that
/// changes which columns depend on others. Along one that does not, what is a choice is kept, and turns with the rest only.
/// A sign is no choice: where the diagonal of R ends with zero, and
/// A is real and square, the derivatives are those of the factors whose last column of Q keeps its sign, with an end
/// of R that passes through zero. The results themselves turn the sign there.
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// For square or tall A of full rank, Walter and Lehmann 2010, "Algorithmic differentiation of linear
/// algebra functions", section 4; for wide A, Roberts and Roberts 2020, "QR and LQ decomposition
/// matrix backpropagation algorithms", arXiv:2009.10071. All shapes at once, with the derivation:
/// `qr_forward` and `qr_reverse` in `src/algebra/qr.rs`. For a square A each takes about 7 n^3
/// multiplications and additions in matrix products, beside the 8/3 n^3 of the primal.
///
/// ```
/// use difrules_linalg::qr;
/// use nalgebra::dmatrix;
///
/// let (q, r) = qr(&dmatrix![0.0_f64, 2.0; -3.0, 1.0])?;
/// assert!((q - dmatrix![0.0, 1.0; -1.0, 0.0]).norm() < 1e-15);
/// assert!((r - dmatrix![3.0, -1.0; 0.0, 2.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = qr_tangent,
    reverse = qr_cotangent,
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
pub fn qr<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>), Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    finite("a", a)?;
    let (q, r) = qr_factors(a, None)?;
    jumps("qr", qr_jumps(&q, &r));
    Ok((q, r))
}

#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
fn qr_tangent<T: Scalar, R: DimMin<C>, C: Dim>(
    (q, r): &(OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>),
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    qr_forward("qr", q, r, a_dot)
}

#[expect(clippy::type_complexity, reason = "the dimensions of the factors")]
fn qr_cotangent<T: Scalar, R: DimMin<C>, C: Dim>(
    (q, r): &(OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>),
    (mut q_bar, mut r_bar): Cotangent<
        '_,
        (OMatrix<T, R, DimMinimum<R, C>>, OMatrix<T, DimMinimum<R, C>, C>),
    >,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        let bars = (&mut buffer(&mut q_bar), &mut buffer(&mut r_bar));
        qr_reverse("qr", q, r, bars.0, bars.1, &mut buffer(&mut a_bar));
    }
}
