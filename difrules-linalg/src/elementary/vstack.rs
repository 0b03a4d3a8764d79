use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use super::hstack::add_parts;
use crate::error::{Error, shape};

/// B below A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` has another number of columns.
///
/// # Derivation
/// dY is dB below dA, so A_bar and B_bar are the parts of Y_bar.
///
/// ```
/// use difrules_linalg::vstack;
/// use nalgebra::dmatrix;
///
/// let y = vstack(&dmatrix![1.0, 2.0], &dmatrix![3.0, 4.0; 5.0, 6.0])?;
/// assert_eq!(y, dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = vstack_forward,
    reverse = vstack_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = vstack_sample
)]
pub fn vstack<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a: &OMatrix<T, R1, C>,
    b: &OMatrix<T, R2, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    shape("b", b.shape(), (b.nrows(), a.ncols()))?;
    Ok(above(a, b))
}

fn above<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a: &OMatrix<T, R1, C>,
    b: &OMatrix<T, R2, C>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    let (rows, columns) = (Dyn(a.nrows() + b.nrows()), a.shape_generic().1);
    let mut y = OMatrix::zeros_generic(rows, columns);
    for (j, column) in y.as_mut_slice().chunks_exact_mut(rows.0.max(1)).enumerate() {
        let (upper, lower) = column.split_at_mut(a.nrows());
        upper.copy_from_slice(&a.as_slice()[j * upper.len()..][..upper.len()]);
        lower.copy_from_slice(&b.as_slice()[j * lower.len()..][..lower.len()]);
    }
    y
}

fn vstack_forward<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a_dot: &OMatrix<T, R1, C>,
    b_dot: &OMatrix<T, R2, C>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    above(a_dot, b_dot)
}

fn vstack_reverse<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    a_bar: Slot<'_, OMatrix<T, R1, C>>,
    b_bar: Slot<'_, OMatrix<T, R2, C>>,
) where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    add_parts(y_bar, a_bar, b_bar);
}

fn vstack_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (columns, first, second) = (random.size(0, 3), random.size(0, 3), random.size(0, 3));
    (random.matrix(first, columns), random.matrix(second, columns))
}
