use difrules_core::kernel::column_major_slice;
use difrules_core::{Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{
    add_fixed_multiple, add_or_write, add_products, chain, numbers_mut, sum_of, with_tangents,
    with_zeros,
};
use crate::sample;

/// The sum of the squared moduli of all entries, the square of the Frobenius [`norm`](fn@crate::norm), as
/// nalgebra's `norm_squared`. Unlike the norm it has derivatives at zero, and no root is taken.
///
/// # Derivation
/// y = sum_i conj(x_i) x_i, so dy = 2 Re sum_i conj(x_i) dx_i and x_bar = 2 y_bar x.
///
/// ```
/// use difrules_linalg::norm_squared;
/// use nalgebra::dmatrix;
///
/// assert_eq!(norm_squared(&dmatrix![1.0, 2.0; 4.0, 2.0]), 25.0);
/// ```
#[primitive(
    forward = norm_squared_forward,
    reverse = norm_squared_reverse,
    saves = norm_squared_augmented -> (),
    reads(x),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn norm_squared<T: Scalar, R: Dim, C: Dim>(x: &OMatrix<T, R, C>) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    x.norm_squared()
}

/// The call under a mode: numbers with tangents are multiplied where they are.
fn norm_squared_augmented<T: Scalar, R: Dim, C: Dim>(x: &OMatrix<T, R, C>) -> (T::Real, ())
where
    DefaultAllocator: Allocator<R, C>,
{
    (by_parts(x).unwrap_or_else(|| norm_squared(x)), ())
}

/// The call at numbers with tangents, in one pass over them; nothing where a number is infinite.
fn by_parts<T: Scalar, R: Dim, C: Dim>(x: &OMatrix<T, R, C>) -> Option<T::Real>
where
    DefaultAllocator: Allocator<R, C>,
{
    let numbers = with_tangents(column_major_slice(x)?)?;
    let mut y = <T::Real>::from_inner(x.map(|x| x.real().inner()).norm_squared());
    y.tangents_mut().fill(nalgebra::zero());
    add_products(numbers, numbers, &mut y);
    y.tangents_mut().iter_mut().for_each(|half| *half += *half);
    with_zeros(y, &[numbers])
}

fn norm_squared_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    (): &(),
    x_dot: &OMatrix<T, R, C>,
) -> T::Real
where
    DefaultAllocator: Allocator<R, C>,
{
    let term = |x: T, x_dot| chain(x_dot, x.conjugate()).real();
    let half = sum_of(x.as_slice(), x_dot.as_slice(), term);
    half + half
}

fn norm_squared_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    (): &(),
    y_bar: T::Real,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let Some((mut x_bar, untouched)) = x_bar.uncleared() else { return };
    let (twice, x, x_bar) = (y_bar + y_bar, x.as_slice(), numbers_mut(&mut x_bar));
    if twice.is_constant_zero() {
        if untouched {
            x_bar.fill(T::zero());
        }
    } else if !add_fixed_multiple(twice, x, (&mut *x_bar, untouched)) {
        add_or_write(x, (x_bar, untouched), |_, x| x.scale(twice));
    }
}
