use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::block::pass_on;
use crate::error::Error;

/// The same entries, column by column, in this shape.
///
/// # Errors
/// [`Error::DimensionMismatch`] if that is another number of entries.
///
/// # Derivation
/// dY are the entries of dA, and A_bar those of Y_bar, in the other shape.
///
/// ```
/// use difrules_linalg::reshape;
/// use nalgebra::{Dyn, dmatrix};
///
/// let a = dmatrix![1.0, 3.0, 5.0; 2.0, 4.0, 6.0];
/// assert_eq!(reshape(&a, (Dyn(3), Dyn(2)))?, dmatrix![1.0, 4.0; 2.0, 5.0; 3.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = reshape_forward,
    reverse = reshape_reverse,
    reads(shape),
    constant(shape),
    direct,
    resting,
    pattern(places, linear),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn reshape<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R, C>,
    shape: (R2, C2),
) -> Result<OMatrix<T, R2, C2>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    let expected = (shape.0.value(), shape.1.value());
    if expected.0.checked_mul(expected.1) != Some(a.len()) {
        return Err(Error::DimensionMismatch { argument: "a", expected, found: a.shape() });
    }
    Ok(reshape_forward(shape, a))
}

fn reshape_forward<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    shape: (R2, C2),
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R2, C2>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    OMatrix::from_iterator_generic(shape.0, shape.1, a_dot.as_slice().iter().copied())
}

fn reshape_reverse<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    _: (R2, C2),
    y_bar: Cotangent<'_, OMatrix<T, R2, C2>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    pass_on(&y_bar, a_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, (Dyn, Dyn)) {
    let (rows, columns) = (random.size(0, 3), random.size(0, 3));
    let shape = random.choose(&[(columns, rows), (rows * columns, 1), (1, rows * columns)]);
    (random.matrix(rows, columns), (Dyn(shape.0), Dyn(shape.1)))
}
