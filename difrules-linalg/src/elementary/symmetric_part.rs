use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::block::{add_or_write, is_still, moved, numbers, numbers_mut, still, transposed};
use crate::error::{Error, square};
use crate::sample;

/// (A + A^H) / 2, which is exactly Hermitian.
///
/// # Errors
/// [`Error::NotSquare`].
///
/// # Derivation
/// dY = (dA + dA^H) / 2, a projection that is its own adjoint: A_bar = (Y_bar + Y_bar^H) / 2.
///
/// ```
/// use difrules_linalg::symmetric_part;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0, 2.0; 4.0, 5.0];
/// assert_eq!(symmetric_part(&a)?, dmatrix![1.0, 3.0; 3.0, 5.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symmetric_part_forward,
    reverse = symmetric_part_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn symmetric_part<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    square("a", a.shape())?;
    Ok(symmetrized(a.as_slice(), a.shape_generic()))
}

fn symmetric_part_forward<T: Scalar, D: Dim>(a_dot: &OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut y_dot = symmetrized(a_dot.as_slice(), a_dot.shape_generic());
    for j in 0..y_dot.ncols() {
        for i in 0..y_dot.nrows() {
            y_dot[(i, j)] = if is_still(&a_dot[(i, j)]) && is_still(&a_dot[(j, i)]) {
                still()
            } else {
                moved(y_dot[(i, j)])
            };
        }
    }
    y_dot
}

fn symmetric_part_reverse<T: Scalar, D: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let terms = symmetrized(numbers(&y_bar), y_bar.shape_generic());
    if let Some((mut a_bar, untouched)) = a_bar.uncleared() {
        add_or_write(terms.as_slice(), (numbers_mut(&mut a_bar), untouched), |_, term| term);
    }
}

fn symmetrized<T: Scalar, D: Dim>(a: &[T], shape: (D, D)) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let half = nalgebra::convert::<f64, T::Real>(0.5);
    let mut y = transposed(a, shape, T::conjugate);
    y.as_mut_slice().iter_mut().zip(a).for_each(|(y, a)| *y = (*a + *y).scale(half));
    y
}
