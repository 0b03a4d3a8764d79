use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Matrix, OMatrix, Storage, StorageMut};

use crate::block::{add_scaled, along_factor, pairing_by};
use crate::error::{Error, shape};

/// y <- a x + y, in place; for vectors and matrices of any storage.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `y` does not have the shape of `x`.
///
/// # Derivation
/// y' = a x + y, so dy' = da x + a dx + dy. In the pairing Re tr(Y_bar^H dY), with y_bar the
/// cotangent of the new y: a_bar = sum_i y_bar_i conj(x_i), x_bar = conj(a) y_bar, and y_bar itself
/// is the cotangent of the old y.
///
/// ```
/// use difrules_linalg::axpy;
/// use nalgebra::dvector;
///
/// let mut y = dvector![1.0, 2.0];
/// axpy(3.0, &dvector![1.0, -1.0], &mut y)?;
/// assert_eq!(y, dvector![4.0, -1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = axpy_forward,
    reverse = axpy_reverse,
    reads(a, x),
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
pub fn axpy<T: Scalar, R: Dim, C: Dim, SX: Storage<T, R, C>, SY: StorageMut<T, R, C>>(
    a: T,
    x: &Matrix<T, R, C, SX>,
    y: &mut Matrix<T, R, C, SY>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("y", y.shape(), x.shape())?;
    y.zip_apply(x, |y, x| *y += a * x);
    Ok(())
}

fn axpy_forward<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: &OMatrix<T, R, C>,
    a_dot: T,
    x_dot: &OMatrix<T, R, C>,
    y_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    for ((y_dot, &x), &x_dot) in y_dot.iter_mut().zip(x.iter()).zip(x_dot.iter()) {
        *y_dot += along_factor(x_dot, a) + along_factor(a_dot, x);
    }
}

fn axpy_reverse<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: &OMatrix<T, R, C>,
    a_bar: Slot<'_, T>,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
    y_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    a_bar.add(|| pairing_by(a, &y_bar, x));
    add_scaled(&y_bar, a.conjugate(), x_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 3));
    (random.normal(), random.matrix(rows, columns), random.matrix(rows, columns))
}
