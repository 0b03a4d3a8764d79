use difrules_core::contract::Adjoint;
use difrules_core::kernel::vectorised;
use difrules_core::testing::Sampler;
use difrules_core::{Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, Matrix, OMatrix, StorageMut};

use crate::block::{along_factor, numbers_mut, pairing_by};

/// x <- a x, in place; for vectors and matrices of any storage.
///
/// It multiplies where `a` is zero too, as BLAS does: NaN stays NaN.
///
/// # Derivation
/// dx' = da x + a dx. With x_bar the cotangent of the new x, a_bar = sum_i x_bar_i conj(x_i) and conj(a) x_bar is
/// the cotangent of the old x, which is kept only where a varies.
///
/// ```
/// use difrules_linalg::scal;
/// use nalgebra::dvector;
///
/// let mut x = dvector![1.0, -2.0];
/// scal(3.0, &mut x);
/// assert_eq!(x, dvector![3.0, -6.0]);
/// ```
#[primitive(
    forward = scal_forward,
    reverse = scal_reverse,
    reads(a, x for a),
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
pub fn scal<T: Scalar, R: Dim, C: Dim, S: StorageMut<T, R, C>>(a: T, x: &mut Matrix<T, R, C, S>)
where
    DefaultAllocator: Allocator<R, C>,
{
    x.apply(|x| *x *= a);
}

fn scal_forward<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: Option<&OMatrix<T, R, C>>,
    a_dot: T,
    x_dot: &mut OMatrix<T, R, C>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    x_dot.apply(|x_dot| *x_dot = along_factor(*x_dot, a));
    if let Some(x) = x {
        x_dot.zip_apply(x, |x_dot, x| *x_dot += along_factor(a_dot, x));
    }
}

fn scal_reverse<T: Scalar, R: Dim, C: Dim>(
    a: T,
    x: Option<&OMatrix<T, R, C>>,
    a_bar: Slot<'_, T>,
    mut x_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    if let Some(x) = x {
        a_bar.add(|| pairing_by(a, &x_bar, x));
    }
    let (a, x_bar) = (a.conjugate(), numbers_mut(&mut x_bar));
    vectorised(|| x_bar.iter_mut().for_each(|x_bar| *x_bar = along_factor(*x_bar, a)));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (T, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 3));
    (random.normal(), random.matrix(rows, columns))
}
