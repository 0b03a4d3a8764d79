use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix, OVector, U1};

use crate::algebra::qr::{qr_forward, qr_jumps, qr_reverse};
use crate::algebra::unitary::qr_factors;
use crate::block::{block_mut, buffer};
use crate::error::{Error, finite};
use crate::sample;

/// The factors of [`col_piv_qr`](fn@col_piv_qr): A P = Q R.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct ColPivQr<T, R, C>
where
    T: Scalar,
    R: DimMin<C>,
    C: Dim,
    DefaultAllocator:
        Allocator<R, DimMinimum<R, C>> + Allocator<DimMinimum<R, C>, C> + Allocator<C>,
{
    /// Q, of min(R, C) orthonormal columns.
    pub q: OMatrix<T, R, DimMinimum<R, C>>,
    /// R, upper triangular with a diagonal that is not negative.
    pub r: OMatrix<T, DimMinimum<R, C>, C>,
    /// Column j of A P is column `columns[j]` of A.
    #[constant]
    pub columns: OVector<usize, C>,
}

/// A P = Q R, for an A of any shape: as [`qr`](fn@crate::qr), with the columns in an order that puts
/// those that depend on others last. Each step takes the column with the largest entry of what is
/// left.
///
/// The rules take P for constant. What is determined, and what is reported, is as in
/// [`qr`](fn@crate::qr).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// That of [`qr`](fn@crate::qr), for A P.
///
/// ```
/// use difrules_linalg::col_piv_qr;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = col_piv_qr(&dmatrix![0.0_f64, 2.0; -1.0, 0.0])?;
/// assert_eq!(factors.columns, dvector![1, 0]);
/// assert!((factors.r - dmatrix![2.0, 0.0; 0.0, 1.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = col_piv_qr_tangent,
    reverse = col_piv_qr_cotangent,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn col_piv_qr<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<ColPivQr<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R>
        + Allocator<C>
        + Allocator<nalgebra::U1, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    finite("a", a)?;
    let mut columns = OVector::from_fn_generic(a.shape_generic().1, U1, |j, _| j);
    let (q, r) = qr_factors(a, Some(columns.as_mut_slice()))?;
    jumps("col_piv_qr", qr_jumps(&q, &r));
    Ok(ColPivQr { q, r, columns })
}

fn col_piv_qr_tangent<T: Scalar, R: DimMin<C>, C: Dim>(
    factors: &ColPivQr<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> ColPivQr<T, R, C>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let ColPivQr { q, r, columns } = factors;
    let (rows, count) = a_dot.shape_generic();
    let a_dot = OMatrix::from_fn_generic(rows, count, |i, j| a_dot[(i, columns[j])]);
    let (q, r) = qr_forward("col_piv_qr", q, r, &a_dot);
    ColPivQr { q, r, columns: columns.clone() }
}

fn col_piv_qr_cotangent<T: Scalar, R: DimMin<C>, C: Dim>(
    factors: &ColPivQr<T, R, C>,
    (mut q_bar, mut r_bar): Cotangent<'_, ColPivQr<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let ColPivQr { q, r, columns } = factors;
    let ((rows, _), (_, count)) = (q.shape_generic(), r.shape_generic());
    let mut ap_bar = OMatrix::<T, R, C>::zeros_generic(rows, count);
    let bars = (&mut buffer(&mut q_bar), &mut buffer(&mut r_bar));
    qr_reverse("col_piv_qr", q, r, bars.0, bars.1, &mut block_mut(&mut ap_bar));
    for (j, &column) in columns.iter().enumerate() {
        let mut a_bar = a_bar.column_mut(column);
        a_bar += ap_bar.column(j);
    }
}
