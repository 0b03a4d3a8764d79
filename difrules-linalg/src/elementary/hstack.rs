use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::error::{Error, shape};

/// B beside A: [A B].
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` has another number of rows.
///
/// # Derivation
/// dY = [dA dB], so A_bar and B_bar are the parts of Y_bar.
///
/// ```
/// use difrules_linalg::hstack;
/// use nalgebra::dmatrix;
///
/// let y = hstack(&dmatrix![1.0; 2.0], &dmatrix![3.0, 4.0; 5.0, 6.0])?;
/// assert_eq!(y, dmatrix![1.0, 3.0, 4.0; 2.0, 5.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = hstack_forward,
    reverse = hstack_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = hstack_sample
)]
pub fn hstack<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a: &OMatrix<T, R, C1>,
    b: &OMatrix<T, R, C2>,
) -> Result<OMatrix<T, R, Dyn>, Error>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    Ok(beside(a, b))
}

fn beside<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a: &OMatrix<T, R, C1>,
    b: &OMatrix<T, R, C2>,
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    let entries = a.as_slice().iter().chain(b.as_slice()).copied();
    OMatrix::from_iterator_generic(a.shape_generic().0, Dyn(a.ncols() + b.ncols()), entries)
}

fn hstack_forward<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a_dot: &OMatrix<T, R, C1>,
    b_dot: &OMatrix<T, R, C2>,
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    beside(a_dot, b_dot)
}

fn hstack_reverse<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, Dyn>>,
    a_bar: Slot<'_, OMatrix<T, R, C1>>,
    b_bar: Slot<'_, OMatrix<T, R, C2>>,
) where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    add_parts(y_bar, a_bar, b_bar);
}

fn hstack_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, first, second) = (random.size(0, 3), random.size(0, 3), random.size(0, 3));
    (random.matrix(rows, first), random.matrix(rows, second))
}

/// Adds the parts of the cotangent of two matrices that are put together: what is A's is at its start, what
/// is B's at its end.
pub(super) fn add_parts<T: Scalar, R: Dim, C: Dim, R1: Dim, C1: Dim, R2: Dim, C2: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R1, C1>>,
    b_bar: Slot<'_, OMatrix<T, R2, C2>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R1, C1> + Allocator<R2, C2>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        a_bar += y_bar.generic_view((0, 0), a_bar.shape_generic());
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let first = (y_bar.nrows() - b_bar.nrows(), y_bar.ncols() - b_bar.ncols());
        b_bar += y_bar.generic_view(first, b_bar.shape_generic());
    }
}
