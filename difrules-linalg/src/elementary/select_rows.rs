use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::error::{Error, indices};

/// The rows of these numbers, in this order; one may stand there several times.
///
/// # Errors
/// [`Error::IndexOutOfRange`] if `a` has no such row.
///
/// # Derivation
/// dY has the rows of dA. A row of A_bar is the sum of those rows of Y_bar that it stands in.
///
/// ```
/// use difrules_linalg::select_rows;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(select_rows(&a, &[1, 1])?, dmatrix![3.0, 4.0; 3.0, 4.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = select_rows_forward,
    reverse = select_rows_reverse,
    reads(rows),
    constant(rows),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn select_rows<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    rows: &[usize],
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn, C>,
{
    indices("rows", rows, a.nrows())?;
    Ok(selected(a, rows))
}

fn selected<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>, rows: &[usize]) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn, C>,
{
    let (_, columns) = a.shape_generic();
    OMatrix::from_fn_generic(Dyn(rows.len()), columns, |i, j| a[(rows[i], j)])
}

fn select_rows_forward<T: Scalar, R: Dim, C: Dim>(
    rows: &[usize],
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn, C>,
{
    selected(a_dot, rows)
}

fn select_rows_reverse<T: Scalar, R: Dim, C: Dim>(
    rows: &[usize],
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<Dyn, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (mut a_bar, y_bar) in a_bar.column_iter_mut().zip(y_bar.column_iter()) {
            for (&of_a, &y_bar) in rows.iter().zip(y_bar.iter()) {
                a_bar[of_a] += y_bar;
            }
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, Vec<usize>) {
    let (rows, columns) = (random.size(0, 4), random.size(0, 4));
    let count = if rows == 0 { 0 } else { random.size(0, 6) };
    let chosen = (0..count).map(|_| random.size(0, rows - 1)).collect();
    (random.matrix(rows, columns), chosen)
}
