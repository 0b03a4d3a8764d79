use difrules_core::testing::Sampler;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::scaling::{exponent, is_single, times_power};
use crate::blas::strong::Moving;
use crate::block::{
    along_factor, block, block_mut, buffer, is_plain, keep_resting, moved, multiply,
    multiply_moving, rests, still, sum_of,
};
use crate::error::{Error, shape};

/// x^T A y, of any A. Without conjugation, as [`dot`](fn@crate::dot): the Hermitian form x^H A y is that of the
/// conjugate of x.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `x` or `y` does not fit `a`.
///
/// # Derivation
/// dz = dx^T A y + x^T dA y + x^T A dy. In the pairing Re(conj(z_bar) dz): x_bar = z_bar conj(A y),
/// A_bar = z_bar conj(x) y^H and y_bar = z_bar conj(A^T x) = z_bar A^H conj(x). The product A y is saved; the
/// reverse rule takes one more, 2 m n multiplications and additions, and as many to add to A_bar.
///
/// ```
/// use difrules_linalg::quadratic_form;
/// use nalgebra::{dmatrix, dvector};
///
/// let a = dmatrix![1.0, 2.0; 3.0, 4.0];
/// assert_eq!(quadratic_form(&dvector![1.0, 0.0], &a, &dvector![3.0, 5.0])?, 13.0);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = quadratic_form_forward,
    reverse = quadratic_form_reverse,
    saves = quadratic_form_and_product -> OVector<T, R>,
    reads(x, a, y),
    optional(x, a, y),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn quadratic_form<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
) -> Result<T, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    quadratic_form_and_product(x, a, y).map(|(z, _)| z)
}

fn quadratic_form_and_product<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
) -> Result<(T, OVector<T, R>), Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    shape("x", x.shape(), (a.nrows(), 1))?;
    shape("y", y.shape(), (a.ncols(), 1))?;
    let mut product = OVector::zeros_generic(a.shape_generic().0, U1);
    let factors = ((block(a), false), (block(y), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let z = x.dot(&product);
    let z = if is_lost(x, z) { scaled(x, a, y).unwrap_or(z) } else { z };
    Ok((z, product))
}

/// Whether A y may have overflowed where the form does not, or lost what x makes large.
fn is_lost<T: Scalar, R: Dim>(x: &OVector<T, R>, z: T) -> bool
where
    DefaultAllocator: Allocator<R>,
{
    let size = z.norm1().to_f64();
    let least = if is_single::<T::Real>() { -126.0 } else { -1022.0 };
    // The next powers of two are 64 from the rounding of the form.
    !size.is_finite() || size == 0.0 || exponent(x.iter()) + least > exponent([&z]) - 64.0
}

/// The form of factors whose powers of two are kept aside; nothing if one is not finite.
fn scaled<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
) -> Option<T>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let is_finite = |x: &T| x.norm1().to_f64().is_finite();
    if !(x.iter().all(is_finite) && a.iter().all(is_finite) && y.iter().all(is_finite)) {
        return None;
    }
    let powers = [exponent(x.iter()), exponent(a.iter()), exponent(y.iter())];
    let x = x.map(|x| times_power(x, -powers[0]));
    let a = a.map(|a| times_power(a, -powers[1]));
    let y = y.map(|y| times_power(y, -powers[2]));
    Some(times_power(x.dot(&(a * y)), powers.iter().sum()))
}

/// A y, where A is a tangent, or y is.
fn times<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
    moving: Moving,
) -> OVector<T, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let mut product = OVector::zeros_generic(a.shape_generic().0, U1);
    let (factors, sum) = (((block(a), false), (block(y), false)), &mut block_mut(&mut product));
    multiply_moving(T::one(), factors.0, factors.1, moving, T::zero(), sum);
    keep_resting(
        &mut product,
        |i| if moving == Moving::First { rests(a.row(i).iter()) } else { rests(y.iter()) },
        |_| true,
    );
    product
}

fn quadratic_form_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
    product: &OVector<T, R>,
    x_dot: Option<&OVector<T, R>>,
    a_dot: Option<&OMatrix<T, R, C>>,
    y_dot: Option<&OVector<T, C>>,
) -> T
where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    let resting = x_dot.is_none_or(|x_dot| rests(x_dot.iter()))
        && a_dot.is_none_or(|a_dot| rests(a_dot.iter()))
        && y_dot.is_none_or(|y_dot| rests(y_dot.iter()));
    if resting {
        return still();
    }
    if is_plain::<T>() {
        // Products in the order of the reverse rule, so that those that underflow there underflow here.
        let (x, rows) = (x.as_slice(), x.len().max(1));
        let dot = |a: &[T], b: &[T]| sum_of(a, b, |a, b| a * b);
        let by_x = x_dot.map_or(T::zero(), |x_dot| dot(x_dot.as_slice(), product.as_slice()));
        let by_a = a_dot.map_or(T::zero(), |a_dot| {
            let columns = a_dot.as_slice().chunks_exact(rows).zip(y.iter());
            columns.fold(T::zero(), |sum, (a_dot, &y)| {
                sum + sum_of(x, a_dot, |x, a_dot| y * x * a_dot)
            })
        });
        let by_y = y_dot.map_or(T::zero(), |y_dot| {
            let columns = a.as_slice().chunks_exact(rows).zip(y_dot.iter());
            columns.fold(T::zero(), |sum, (a, &y_dot)| sum + dot(a, x) * y_dot)
        });
        let z_dot = by_x + by_a + by_y;
        // No zero has met an infinity then.
        if z_dot.is_finite() {
            return moved(z_dot);
        }
    }
    let along = |moving: &OVector<T, R>, factor: &OVector<T, R>| {
        sum_of(moving.as_slice(), factor.as_slice(), along_factor)
    };
    let by_x = x_dot.map_or(T::zero(), |x_dot| along(x_dot, product));
    let by_a = a_dot.map_or(T::zero(), |a_dot| along(&times(a_dot, y, Moving::First), x));
    let by_y = y_dot.map_or(T::zero(), |y_dot| along(&times(a, y_dot, Moving::Second), x));
    moved(by_x + by_a + by_y)
}

#[expect(clippy::too_many_arguments, reason = "a slot an argument")]
fn quadratic_form_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OVector<T, R>,
    a: &OMatrix<T, R, C>,
    y: &OVector<T, C>,
    product: &OVector<T, R>,
    z_bar: T,
    x_bar: Slot<'_, OVector<T, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    y_bar: Slot<'_, OVector<T, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R> + Allocator<C>,
{
    if let Some(mut x_bar) = x_bar.buffer() {
        x_bar.zip_apply(product, |x_bar, product| {
            *x_bar += along_factor(z_bar, product.conjugate())
        });
    }
    if let Some(mut a_bar) = a_bar.buffer() {
        for (mut column, y) in a_bar.column_iter_mut().zip(y.iter()) {
            let factor = along_factor(z_bar, y.conjugate());
            column.zip_apply(x, |a_bar, x| *a_bar += along_factor(factor, x.conjugate()));
        }
    }
    if let Some(mut y_bar) = y_bar.buffer() {
        let x = x.map(|x| x.conjugate());
        let factors = ((block(a), true), (block(&x), false));
        multiply(z_bar, factors.0, factors.1, T::one(), &mut buffer(&mut y_bar));
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DVector<T>, DMatrix<T>, DVector<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    (random.vector(rows), random.matrix(rows, columns), random.vector(columns))
}
