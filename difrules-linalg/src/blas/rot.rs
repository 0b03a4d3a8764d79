use difrules_core::contract::Adjoint;
use difrules_core::kernel::column_major_slice_mut;
use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrix, DefaultAllocator, Dim, Matrix, OMatrix, StorageMut};

use crate::blas::blocked::paired_by;
use crate::block::{along_factor, difference, from_real_tangent, kept, numbers_mut, pairing_by};
use crate::error::{Error, shape};

/// (x, y) <- (c x + s y, c y - conj(s) x), in place: a plane rotation where c^2 + |s|^2 = 1, which is not asked
/// for; for vectors and matrices of any storage.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `y` does not have the shape of `x`.
///
/// # Derivation
/// dx' = c dx + s dy + dc x + ds y and dy' = c dy - conj(s) dx + dc y - conj(ds) x. With x_bar and y_bar the
/// cotangents of the new ones, those of the old ones are c x_bar - s y_bar and c y_bar + conj(s) x_bar, the
/// rotation back; c_bar = Re sum_i (x_bar_i conj(x_i) + y_bar_i conj(y_i)) and
/// s_bar = sum_i (x_bar_i conj(y_i) - conj(y_bar_i) x_i). What x and y were is kept only where c or s varies.
///
/// ```
/// use difrules_linalg::rot;
/// use nalgebra::dvector;
///
/// let (mut x, mut y) = (dvector![1.0, 2.0], dvector![3.0, 4.0]);
/// rot(&mut x, &mut y, 0.0, 1.0)?;
/// assert_eq!((x, y), (dvector![3.0, 4.0], dvector![-1.0, -2.0]));
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = rot_forward,
    reverse = rot_reverse,
    reads(x for (c, s), y for (c, s), c, s),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn rot<T: Scalar, R: Dim, C: Dim, SX: StorageMut<T, R, C>, SY: StorageMut<T, R, C>>(
    x: &mut Matrix<T, R, C, SX>,
    y: &mut Matrix<T, R, C, SY>,
    c: T::Real,
    s: T,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    shape("y", y.shape(), x.shape())?;
    let turn = |(x, y): (&mut T, &mut T)| {
        (*x, *y) = (x.scale(c) + s * *y, y.scale(c) - s.conjugate() * *x);
    };
    if let (Some(x), Some(y)) = (column_major_slice_mut(x), column_major_slice_mut(y)) {
        x.iter_mut().zip(y).for_each(turn);
        return Ok(());
    }
    x.iter_mut().zip(y.iter_mut()).for_each(turn);
    Ok(())
}

#[allow(clippy::too_many_arguments)] // The arguments of rot, and their tangents.
fn rot_forward<T: Scalar, R: Dim, C: Dim>(
    x: Option<&OMatrix<T, R, C>>,
    y: Option<&OMatrix<T, R, C>>,
    c: T::Real,
    s: T,
    x_dot: &mut OMatrix<T, R, C>,
    y_dot: &mut OMatrix<T, R, C>,
    c_dot: T::Real,
    s_dot: T,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let (c, c_dot) = (T::from_real(c), from_real_tangent::<T>(c_dot));
    for (x_dot, y_dot) in x_dot.iter_mut().zip(y_dot.iter_mut()) {
        let (x, y) = (*x_dot, *y_dot);
        *x_dot = along_factor(x, c) + along_factor(y, s);
        *y_dot = difference(along_factor(y, c), along_factor(x, s.conjugate()));
    }
    let (Some(x), Some(y)) = (x, y) else { return };
    let pairs = x.iter().zip(y.iter());
    for ((x_dot, y_dot), (&x, &y)) in x_dot.iter_mut().zip(y_dot.iter_mut()).zip(pairs) {
        *x_dot += along_factor(c_dot, x) + along_factor(s_dot, y);
        let by_s = along_factor(kept(s_dot, T::conjugate), x);
        *y_dot = difference(*y_dot + along_factor(c_dot, y), by_s);
    }
}

#[allow(clippy::too_many_arguments)] // The arguments of rot, and their slots.
fn rot_reverse<T: Scalar, R: Dim, C: Dim>(
    x: Option<&OMatrix<T, R, C>>,
    y: Option<&OMatrix<T, R, C>>,
    c: T::Real,
    s: T,
    mut x_bar: Adjoint<'_, OMatrix<T, R, C>>,
    mut y_bar: Adjoint<'_, OMatrix<T, R, C>>,
    c_bar: Slot<'_, T::Real>,
    s_bar: Slot<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let (Some(x), Some(y)) = (x, y) {
        let by_c = T::from_real(c);
        c_bar.add(|| (pairing_by(by_c, &x_bar, x) + pairing_by(by_c, &y_bar, y)).real());
        s_bar.add(|| {
            let term = paired_by(s.conjugate());
            let terms = y_bar
                .iter()
                .zip(x.iter())
                .map(|(&y_bar, x)| term(kept(y_bar, T::conjugate), x.conjugate()));
            pairing_by(s, &x_bar, y) - terms.sum::<T>()
        });
    }
    let pairs = numbers_mut(&mut x_bar).iter_mut().zip(numbers_mut(&mut y_bar));
    if T::Real::BASE && c.is_finite() && s.is_finite() {
        // Of finite factors a cotangent that is zero makes nothing anyway.
        pairs.for_each(|(x, y)| (*x, *y) = (x.scale(c) - s * *y, y.scale(c) + s.conjugate() * *x));
        return;
    }
    let c = T::from_real(c);
    for (x_bar, y_bar) in pairs {
        let (x, y) = (*x_bar, *y_bar);
        *x_bar = along_factor(x, c) - along_factor(y, s);
        *y_bar = along_factor(y, c) + along_factor(x, s.conjugate());
    }
}

type Sample<T> = (DMatrix<T>, DMatrix<T>, <T as Scalar>::Real, T);

fn sample<T: Scalar>(random: &mut Sampler) -> Sample<T> {
    let (rows, columns) = (random.size(0, 5), random.size(0, 3));
    let (x, y) = (random.matrix(rows, columns), random.matrix(rows, columns));
    (x, y, random.normal(), random.normal())
}
