use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix, RowDVector, RowOVector, U1};

use crate::block::pass_on;
use crate::error::{Error, shape};
use crate::sample;

/// r added to every row of A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `r` has another number of columns.
///
/// # Derivation
/// dY_ij = dA_ij + dr_j, so A_bar = Y_bar and r_bar is the sum of the rows of Y_bar.
///
/// ```
/// use difrules_linalg::add_to_rows;
/// use nalgebra::{RowDVector, dmatrix};
///
/// let row = RowDVector::from_vec(vec![3.0, 4.0]);
/// assert_eq!(add_to_rows(&dmatrix![1.0, 2.0], &row)?, dmatrix![4.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = add_to_rows_forward,
    reverse = add_to_rows_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_to_rows_sample
)]
pub fn add_to_rows<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    r: &RowOVector<T, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    shape("r", r.shape(), (1, a.ncols()))?;
    Ok(add_to_rows_forward(a, r))
}

fn add_to_rows_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    r_dot: &RowOVector<T, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let mut y_dot = a_dot.copied();
    let rows = y_dot.nrows().max(1);
    for (column, &r_dot) in y_dot.as_mut_slice().chunks_exact_mut(rows).zip(r_dot.iter()) {
        column.iter_mut().for_each(|y_dot| *y_dot += r_dot);
    }
    y_dot
}

fn add_to_rows_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    r_bar: Slot<'_, RowOVector<T, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    if let Some(mut r_bar) = r_bar.buffer() {
        for (r_bar, column) in r_bar.iter_mut().zip(y_bar.column_iter()) {
            *r_bar += column.sum();
        }
    }
    pass_on(&y_bar, a_bar);
}

fn add_to_rows_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, RowDVector<T>) {
    let a: DMatrix<T> = sample::matrix(random);
    let r = random.vector(a.ncols()).transpose();
    (a, r)
}
