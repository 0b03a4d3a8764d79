use difrules_core::math;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Dyn, OMatrix};

use crate::matrix::{By, Entries, Formula, Slopes, pull, push, values, values_and_slopes};
use crate::sample;

/// A function of numbers, of the type `F`, done to each entry: a registered primitive [`By`] its name, one's own
/// too, or another [`Formula`]. [`Matrix::map`](crate::Matrix::map) calls it, and
/// [`elementwise!`](crate::elementwise!) of one matrix.
///
/// # Derivation
/// With y_ij = f(a_ij): dy_ij = f'(a_ij) da_ij with the derivatives that the first pass keeps, and
/// a_bar_ij = y_bar_ij conj(f'(a_ij)).
///
/// ```
/// use difrules_core::math::tanh;
/// use difrules_linalg::{By, map};
/// use nalgebra::dvector;
///
/// let y = map::<_, By<tanh, f64>, _, _>(&dvector![0.5, -1.0]);
/// assert_eq!(y, dvector![tanh(0.5), tanh(-1.0)]);
/// ```
#[primitive(
    forward = map_forward,
    reverse = map_reverse,
    saves = map_and_slopes -> Slopes<F, OMatrix<T, R, C>, 1>,
    reads(),
    entrywise,
    instances(
        #[cfg(feature = "f32")] <f32, By<math::tanh, f64>, Dyn, Dyn>,
        <f64, By<math::tanh, f64>, Dyn, Dyn>,
        #[cfg(all(feature = "f32", feature = "complex"))]
        <nalgebra::Complex<f32>, By<math::exp, nalgebra::Complex<f64>>, Dyn, Dyn>,
        #[cfg(feature = "complex")]
        <nalgebra::Complex<f64>, By<math::exp, nalgebra::Complex<f64>>, Dyn, Dyn>,
    ),
    sample = sample::matrix,
    alias("elementwise_1")
)]
pub fn map<T: Scalar, F: Formula<1>, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    values::<T, F, R, C, 1>(a.shape_generic(), [Entries::new(a)])
}

fn map_and_slopes<T: Scalar, F: Formula<1>, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, Slopes<F, OMatrix<T, R, C>, 1>)
where
    DefaultAllocator: Allocator<R, C>,
{
    values_and_slopes(a.shape_generic(), [Entries::new(a)])
}

fn map_forward<T: Scalar, F: Formula<1>, R: Dim, C: Dim>(
    slopes: &Slopes<F, OMatrix<T, R, C>, 1>,
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    push(slopes, [Entries::new(a_dot)])
}

fn map_reverse<T: Scalar, F: Formula<1>, R: Dim, C: Dim>(
    slopes: &Slopes<F, OMatrix<T, R, C>, 1>,
    mut y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    pull(0, slopes, &mut y_bar, a_bar);
}
