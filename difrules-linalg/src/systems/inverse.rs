use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::blas::options::Operation;
use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::lu::lu;
use crate::error::{Error, square};
use crate::sample;

/// A^-1, by elimination with partial pivoting. A product with it is better left to
/// [`solve`](fn@crate::solve).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Singular`] if a pivot is zero or the
/// inverse overflows.
///
/// # Derivation
/// A Y = 1 gives dY = -Y dA Y, so in the pairing Re tr(Y_bar^H dY), A_bar = -Y^H Y_bar Y^H: two
/// products, 4 n^3 multiplications and additions, beside the primal's 8/3 n^3.
///
/// ```
/// use difrules_linalg::inverse;
/// use nalgebra::dmatrix;
///
/// assert_eq!(inverse(&dmatrix![0.0, 2.0; 4.0, 0.0])?, dmatrix![0.0, 0.25; 0.5, 0.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = inverse_forward,
    reverse = inverse_reverse,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn inverse<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    square("a", a.shape())?;
    let (rows, columns) = a.shape_generic();
    let mut y = OMatrix::identity_generic(rows, columns);
    let factors = lu(a)?;
    factors.solve(Operation::None, &mut y)?;
    factors.solved(&y)?;
    Ok(y)
}

fn inverse_forward<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (rows, columns) = y.shape_generic();
    let (mut product, mut y_dot) = [(); 2].map(|()| OMatrix::zeros_generic(rows, columns)).into();
    let factors = ((block(a_dot), false), (block(y), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let factors = ((block(y), false), (block(&product), false));
    multiply(-T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut y_dot));
    y_dot
}

fn inverse_reverse<T: Scalar, D: Dim>(
    y: &OMatrix<T, D, D>,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (rows, columns) = y.shape_generic();
    let mut product = OMatrix::zeros_generic(rows, columns);
    let y_bar = buffer(&mut y_bar);
    let factors = ((block(y), true), (y_bar.as_view(), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let factors = ((block(&product), false), (block(y), true));
    multiply(-T::one(), factors.0, factors.1, T::one(), &mut buffer(&mut a_bar));
}
