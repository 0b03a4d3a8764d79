use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::block::{along_factor, difference, numbers, numbers_mut, still};
use crate::error::{Error, shape};

/// The cross product a x b of two vectors, or rows, of three numbers; without conjugation, as nalgebra's.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `a` has not three numbers, or `b` not the shape of `a`.
///
/// # Derivation
/// dy = da x b + a x db. The cross product by a vector is antisymmetric, and a triple product is the same in any cyclic
/// order: a_bar = conj(b) x y_bar and b_bar = y_bar x conj(a).
///
/// ```
/// use difrules_linalg::cross;
/// use nalgebra::vector;
///
/// assert_eq!(cross(&vector![1.0, 0.0, 0.0], &vector![0.0, 1.0, 0.0])?, vector![0.0, 0.0, 1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = cross_forward,
    reverse = cross_reverse,
    reads(a, b),
    optional(a, b),
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
pub fn cross<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C>,
{
    if a.shape() != (1, 3) {
        shape("a", a.shape(), (3, 1))?;
    }
    shape("b", b.shape(), a.shape())?;
    let (rows, columns) = a.shape_generic();
    let (a, b) = (a.as_slice(), b.as_slice());
    let y = PLACES.map(|(i, j)| a[i] * b[j] - a[j] * b[i]);
    Ok(OMatrix::from_iterator_generic(rows, columns, y))
}

/// The places of the factors of each entry, of which the product in the other order is subtracted.
const PLACES: [(usize, usize); 3] = [(1, 2), (2, 0), (0, 1)];

fn cross_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    a_dot: Option<&OMatrix<T, R, C>>,
    b_dot: Option<&OMatrix<T, R, C>>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let (rows, columns) = a.shape_generic();
    let y_dot = PLACES.map(|(i, j)| {
        // In the order of the text, so that its own derivatives are these in every digit.
        let product = |i: usize, j: usize| {
            let by_a = a_dot.map_or_else(still, |a_dot| along_factor(a_dot[i], b[j]));
            by_a + b_dot.map_or_else(still, |b_dot| along_factor(b_dot[j], a[i]))
        };
        difference(product(i, j), product(j, i))
    });
    OMatrix::from_iterator_generic(rows, columns, y_dot)
}

fn cross_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    b_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    let y_bar = numbers(&y_bar);
    let term = |k: usize, factor: T| along_factor(y_bar[k], factor.conjugate());
    if let Some(mut a_bar) = a_bar.buffer() {
        let (a_bar, b) = (numbers_mut(&mut a_bar), b.as_slice());
        for (k, (i, j)) in PLACES.into_iter().enumerate() {
            a_bar[k] += term(j, b[i]) - term(i, b[j]);
        }
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let (b_bar, a) = (numbers_mut(&mut b_bar), a.as_slice());
        for (k, (i, j)) in PLACES.into_iter().enumerate() {
            b_bar[k] += term(i, a[j]) - term(j, a[i]);
        }
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = random.choose(&[(3, 1), (1, 3)]);
    (random.matrix(rows, columns), random.matrix(rows, columns))
}
