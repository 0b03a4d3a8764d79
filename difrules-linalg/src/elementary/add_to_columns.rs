use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::block::pass_on;
use crate::error::{Error, shape};
use crate::sample;

/// v added to every column of A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `v` has another number of rows.
///
/// # Derivation
/// dY_ij = dA_ij + dv_i, so A_bar = Y_bar and v_bar is the sum of the columns of Y_bar.
///
/// ```
/// use difrules_linalg::add_to_columns;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(add_to_columns(&dmatrix![1.0; 2.0], &dvector![3.0, 4.0])?, dmatrix![4.0; 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = add_to_columns_forward,
    reverse = add_to_columns_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_to_columns_sample
)]
pub fn add_to_columns<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    v: &OVector<T, R>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    shape("v", v.shape(), (a.nrows(), 1))?;
    Ok(add_to_columns_forward(a, v))
}

fn add_to_columns_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    v_dot: &OVector<T, R>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let mut y_dot = a_dot.copied();
    for mut column in y_dot.column_iter_mut() {
        column += v_dot;
    }
    y_dot
}

fn add_to_columns_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    v_bar: Slot<'_, OVector<T, R>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    if let Some(mut v_bar) = v_bar.buffer() {
        for column in y_bar.column_iter() {
            v_bar += column;
        }
    }
    pass_on(&y_bar, a_bar);
}

fn add_to_columns_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T>) {
    let a: DMatrix<T> = sample::matrix(random);
    let v = random.vector(a.nrows());
    (a, v)
}
