use difrules_core::kernel::vectorised;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::blas::strong::Moving;
use crate::block::{along_factor, block, buffer, kept, multiply_moving, still};

/// The outer product x y^H; of real vectors x y^T.
///
/// # Derivation
/// dA = dx y^H + x dy^H. In the pairing Re tr(A_bar^H dA): x_bar = A_bar y and y_bar = A_bar^H x.
///
/// ```
/// use difrules_linalg::outer;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(outer(&dvector![1.0, 2.0], &dvector![3.0, 4.0]), dmatrix![3.0, 4.0; 6.0, 8.0]);
/// ```
#[primitive(
    forward = outer_forward,
    reverse = outer_reverse,
    reads(x, y),
    optional(x, y),
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
pub fn outer<T: Scalar, R: Dim, C: Dim>(x: &OVector<T, R>, y: &OVector<T, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let (rows, columns) = (x.shape_generic().0, y.shape_generic().0);
    OMatrix::from_fn_generic(rows, columns, |i, j| x[i] * y[j].conjugate())
}

fn outer_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    x_dot: Option<&OVector<T, R>>,
    y_dot: Option<&OVector<T, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let (rows, columns) = (x.shape_generic().0, y.shape_generic().0);
    let mut z_dot = OMatrix::repeat_generic(rows, columns, still());
    for (j, column) in z_dot.as_mut_slice().chunks_exact_mut(x.len().max(1)).enumerate() {
        if let Some(x_dot) = x_dot {
            let (both, y) = (column.iter_mut().zip(x_dot.as_slice()), y[j].conjugate());
            vectorised(|| both.for_each(|(z_dot, &x_dot)| *z_dot += along_factor(x_dot, y)));
        }
        if let Some(y_dot) = y_dot {
            let (both, y_dot) = (column.iter_mut().zip(x.as_slice()), kept(y_dot[j], T::conjugate));
            vectorised(|| both.for_each(|(z_dot, &x)| *z_dot += along_factor(y_dot, x)));
        }
    }
    z_dot
}

fn outer_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    y: &OVector<T, C>,
    mut a_bar: Cotangent<'_, OMatrix<T, R, C>>,
    x_bar: Slot<'_, OVector<T, R>>,
    y_bar: Slot<'_, OVector<T, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let a_bar = buffer(&mut a_bar);
    if let Some(mut x_bar) = x_bar.buffer() {
        let factors = ((a_bar.as_view(), false), (block(y), false));
        let (one, sum) = (T::one(), &mut buffer(&mut x_bar));
        multiply_moving(one, factors.0, factors.1, Moving::First, one, sum);
    }
    if let Some(mut y_bar) = y_bar.buffer() {
        let factors = ((a_bar.as_view(), true), (block(x), false));
        let (one, sum) = (T::one(), &mut buffer(&mut y_bar));
        multiply_moving(one, factors.0, factors.1, Moving::First, one, sum);
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DVector<T>, DVector<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    (random.vector(rows), random.vector(columns))
}
