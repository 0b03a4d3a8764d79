use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::error::Error;

/// The block of these sizes whose first entry is in row `start.0` and column `start.1`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `a` does not have it.
///
/// # Derivation
/// dY is the block of dA; Y_bar is added to the block of A_bar.
///
/// ```
/// use difrules_linalg::view;
/// use nalgebra::{Dyn, dmatrix};
///
/// let a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// assert_eq!(view(&a, (0, 1), (Dyn(2), Dyn(1)))?, dmatrix![2.0; 5.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = view_forward,
    reverse = view_reverse,
    reads(start, shape),
    constant(start, shape),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = view_sample
)]
pub fn view<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R, C>,
    start: (usize, usize),
    shape: (R2, C2),
) -> Result<OMatrix<T, R2, C2>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    let least = (start.0.saturating_add(shape.0.value()), start.1.saturating_add(shape.1.value()));
    if least.0 > a.nrows() || least.1 > a.ncols() {
        return Err(Error::DimensionMismatch { argument: "a", expected: least, found: a.shape() });
    }
    Ok(a.generic_view(start, shape).map(|x| x))
}

fn view_forward<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    start: (usize, usize),
    shape: (R2, C2),
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R2, C2>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    a_dot.generic_view(start, shape).map(|x| x)
}

fn view_reverse<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    start: (usize, usize),
    shape: (R2, C2),
    y_bar: Cotangent<'_, OMatrix<T, R2, C2>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        let mut block = a_bar.generic_view_mut(start, shape);
        block += &y_bar;
    }
}

fn view_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, (usize, usize), (Dyn, Dyn)) {
    let start = (random.size(0, 2), random.size(0, 2));
    let shape = (random.size(0, 3), random.size(0, 3));
    let (below, beside) = (random.size(0, 2), random.size(0, 2));
    let a = random.matrix(start.0 + shape.0 + below, start.1 + shape.1 + beside);
    (a, start, (Dyn(shape.0), Dyn(shape.1)))
}
