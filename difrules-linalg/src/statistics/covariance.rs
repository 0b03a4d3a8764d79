use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::algebra::hermitian_eigen::hermitian;
use crate::block::{block, block_mut, buffer, multiply};
use crate::error::{Error, finite, overflow, shape};

/// The sample covariance of the columns: each column is an observation and each row a variable, as nalgebra's `column_mean`
/// has it and `cov` of NumPy, JAX and PyTorch. (X - m) (X - m)^H / (n - 1) with the mean m of the n columns; Hermitian,
/// exactly. Of observations in rows it is that of the transpose.
///
/// # Errors
/// [`Error::DimensionMismatch`] if there are less than two columns; [`Error::NotFinite`]; [`Error::Overflow`].
///
/// # Derivation
/// The columns of Z = X - m add up to zero, so dm drops out: dC = (dX Z^H + Z dX^H) / (n - 1), and in the pairing
/// Re tr(C_bar^H dC) X_bar = (C_bar + C_bar^H) Z / (n - 1). With r rows forward takes r^2 n multiplications and additions,
/// and reverse as many, beside the primal's r^2 n.
///
/// ```
/// use difrules_linalg::covariance;
/// use nalgebra::dmatrix;
///
/// let c = covariance(&dmatrix![1.0, 2.0, 3.0; 2.0, 0.0, -2.0])?;
/// assert_eq!(c, dmatrix![1.0, -2.0; -2.0, 4.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = covariance_forward,
    reverse = covariance_reverse,
    reads(x),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn covariance<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, R>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, R>,
{
    let (rows, columns) = x.shape();
    shape("x", (rows, columns), (rows, columns.max(2)))?;
    finite("x", x)?;
    let z = centred(x);
    let c = over_freedom(&z, &z);
    overflow("c", c.as_slice())?;
    Ok(hermitian(&c))
}

fn freedom<T: Scalar>(columns: usize) -> T::Real {
    nalgebra::convert((columns - 1) as f64)
}

/// X - m.
fn centred<T: Scalar, R: Dim, C: Dim>(x: &OMatrix<T, R, C>) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    let count: T::Real = nalgebra::convert(x.ncols() as f64);
    let mut z = x.copied();
    for mut row in z.row_iter_mut() {
        // The first is taken off, so that a mean far from zero costs no digits but those of the entries.
        let first = row[0];
        let sum = row.iter().fold(T::zero(), |sum, &x| sum + (x - first));
        let mean = first + sum.unscale(count);
        row.apply(|x| *x -= mean);
    }
    z
}

/// A B^H / (n - 1).
fn over_freedom<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    b: &OMatrix<T, R, C>,
) -> OMatrix<T, R, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, R>,
{
    let (rows, columns) = a.shape_generic();
    let mut product = OMatrix::zeros_generic(rows, rows);
    let factors = ((block(a), false), (block(b), true));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let freedom = freedom::<T>(columns.value());
    product.map(|x| x.unscale(freedom))
}

fn covariance_forward<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    x_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R, R>,
{
    let c_dot = over_freedom(x_dot, &centred(x));
    &c_dot + c_dot.adjoint()
}

fn covariance_reverse<T: Scalar, R: Dim, C: Dim>(
    x: &OMatrix<T, R, C>,
    c_bar: Cotangent<'_, OMatrix<T, R, R>>,
    x_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R, R>,
{
    let Some(mut x_bar) = x_bar.buffer() else { return };
    let c_bar: OMatrix<T, R, R> = c_bar.into_owned();
    let factor = T::one().unscale(freedom::<T>(x.ncols()));
    let symmetric = &c_bar + c_bar.adjoint();
    let z = centred(x);
    multiply(
        factor,
        (block(&symmetric), false),
        (block(&z), false),
        T::one(),
        &mut buffer(&mut x_bar),
    );
}

fn sample<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let (rows, columns) = (random.size(0, 4), random.choose(&[2, 3, 7]));
    random.matrix(rows, columns)
}
