use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, OMatrix, OVector, U1};

use crate::sample;

/// The diagonal entries as a vector, of a rectangular matrix too.
///
/// # Derivation
/// dy_i = dA_ii, so A_bar_ii = y_bar_i, and zero elsewhere.
///
/// ```
/// use difrules_linalg::diagonal;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(diagonal(&dmatrix![1.0, 2.0; 3.0, 4.0]), dvector![1.0, 4.0]);
/// ```
#[primitive(
    forward = diagonal_forward,
    reverse = diagonal_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn diagonal<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> OVector<T, DimMinimum<R, C>>
where
    DefaultAllocator: Allocator<R, C> + Allocator<DimMinimum<R, C>>,
{
    entries(a)
}

fn diagonal_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
) -> OVector<T, DimMinimum<R, C>>
where
    DefaultAllocator: Allocator<R, C> + Allocator<DimMinimum<R, C>>,
{
    entries(a_dot)
}

fn diagonal_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    y_bar: Cotangent<'_, OVector<T, DimMinimum<R, C>>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<DimMinimum<R, C>>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (i, &y_bar) in y_bar.iter().enumerate() {
            a_bar[(i, i)] += y_bar;
        }
    }
}

fn entries<T: Scalar, R: DimMin<C>, C: Dim>(a: &OMatrix<T, R, C>) -> OVector<T, DimMinimum<R, C>>
where
    DefaultAllocator: Allocator<R, C> + Allocator<DimMinimum<R, C>>,
{
    let (rows, columns) = a.shape_generic();
    OVector::from_fn_generic(rows.min(columns), U1, |i, _| a[(i, i)])
}
