use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::error::{Error, indices};

/// The columns of these numbers, in this order; one may stand there several times.
///
/// # Errors
/// [`Error::IndexOutOfRange`] if `a` has no such column.
///
/// # Derivation
/// dY has the columns of dA. A column of A_bar is the sum of those columns of Y_bar that it stands in.
///
/// ```
/// use difrules_linalg::select_columns;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(select_columns(&a, &[1, 1])?, dmatrix![2.0, 2.0; 4.0, 4.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = select_columns_forward,
    reverse = select_columns_reverse,
    reads(columns),
    constant(columns),
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
pub fn select_columns<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    columns: &[usize],
) -> Result<OMatrix<T, R, Dyn>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, Dyn>,
{
    indices("columns", columns, a.ncols())?;
    Ok(selected(a, columns))
}

fn selected<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    columns: &[usize],
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, Dyn>,
{
    let (rows, _) = a.shape_generic();
    OMatrix::from_fn_generic(rows, Dyn(columns.len()), |i, j| a[(i, columns[j])])
}

fn select_columns_forward<T: Scalar, R: Dim, C: Dim>(
    columns: &[usize],
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, Dyn>,
{
    selected(a_dot, columns)
}

fn select_columns_reverse<T: Scalar, R: Dim, C: Dim>(
    columns: &[usize],
    y_bar: Cotangent<'_, OMatrix<T, R, Dyn>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R, Dyn>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (j, &of_a) in columns.iter().enumerate() {
            let mut column = a_bar.column_mut(of_a);
            column += y_bar.column(j);
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, Vec<usize>) {
    let (rows, columns) = (random.size(0, 4), random.size(0, 4));
    let count = if columns == 0 { 0 } else { random.size(0, 6) };
    let chosen = (0..count).map(|_| random.size(0, columns - 1)).collect();
    (random.matrix(rows, columns), chosen)
}
