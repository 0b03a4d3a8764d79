use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::lu::{full_piv_lu_in_place, lu_forward, lu_jumps, lu_reverse, scale_upper};
use crate::algebra::scaling::lowered;
use crate::block::{block_mut, buffer};
use crate::error::{Error, finite};
use crate::sample;

/// The factors of [`full_piv_lu`](fn@full_piv_lu): P A Q = L U.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct FullPivLu<T, R, C>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    /// L below the diagonal, whose own diagonal of ones is not stored, and U on and above it.
    pub packed: OMatrix<T, R, C>,
    /// Row i of P A Q is of row `rows[i]` of A.
    #[constant]
    pub rows: OVector<usize, R>,
    /// Column j of P A Q is of column `columns[j]` of A.
    #[constant]
    pub columns: OVector<usize, C>,
}

/// P A Q = L U by elimination with full pivoting, for an A of any shape: as [`lu`](fn@crate::lu), with
/// each pivot the largest entry of all that is left (of complex ones by |Re| + |Im|), so that where nothing but zeros is left it stays
/// as it is.
///
/// The rules take P and Q for constant. At rank r the first r columns of L and rows of U have
/// derivatives along changes that keep the rank; what has none is NaN and
/// [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// That of [`lu`](fn@crate::lu), for P A Q.
///
/// ```
/// use difrules_linalg::full_piv_lu;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = full_piv_lu(&dmatrix![1.0, 2.0; 3.0, 4.0])?;
/// assert_eq!((factors.rows, factors.columns), (dvector![1, 0], dvector![1, 0]));
/// assert_eq!(factors.packed, dmatrix![4.0, 3.0; 0.5, -0.5]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = full_piv_lu_forward,
    reverse = full_piv_lu_reverse,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn full_piv_lu<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<FullPivLu<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    finite("a", a)?;
    let (row_count, column_count) = a.shape_generic();
    let (mut packed, scale) = lowered(a);
    let mut rows = OVector::from_fn_generic(row_count, U1, |i, _| i);
    let mut columns = OVector::from_fn_generic(column_count, U1, |j, _| j);
    let steps = a.nrows().min(a.ncols());
    let orders = (rows.as_mut_slice(), columns.as_mut_slice());
    full_piv_lu_in_place(&mut block_mut(&mut packed), steps, orders.0, orders.1);
    scale_upper(scale, &mut block_mut(&mut packed))?;
    jumps("full_piv_lu", lu_jumps(&packed));
    Ok(FullPivLu { packed, rows, columns })
}

fn full_piv_lu_forward<T: Scalar, R: Dim, C: Dim>(
    factors: &FullPivLu<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> FullPivLu<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let FullPivLu { packed, rows, columns } = factors;
    let (row_count, column_count) = a_dot.shape_generic();
    let permuted = |i: usize, j: usize| a_dot[(rows[i], columns[j])];
    let mut packed_dot = OMatrix::from_fn_generic(row_count, column_count, permuted);
    lu_forward("full_piv_lu", packed, &mut block_mut(&mut packed_dot));
    FullPivLu { packed: packed_dot, rows: rows.clone(), columns: columns.clone() }
}

fn full_piv_lu_reverse<T: Scalar, R: Dim, C: Dim>(
    factors: &FullPivLu<T, R, C>,
    (mut bar,): Cotangent<'_, FullPivLu<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    lu_reverse("full_piv_lu", &factors.packed, &mut buffer(&mut bar));
    for (j, &column) in factors.columns.iter().enumerate() {
        for (i, &row) in factors.rows.iter().enumerate() {
            a_bar[(row, column)] += bar[(i, j)];
        }
    }
}
