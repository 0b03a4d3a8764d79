use difrules_core::testing::Sampler;
use difrules_core::{Real, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{ComplexField, DMatrix, DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::algebra::scaling::binade;
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{block, block_mut, solve_again};
use crate::error::{Error, finite, finite_triangle, overflow, shape, square};

/// The logarithm of the density at x of the normal distribution of the mean mu and the covariance L L^T, from a Cholesky
/// factor L, of which only the lower triangle is read:
///
/// -|L^-1 (x - mu)|^2 / 2 - sum of ln L_ii - n / 2 ln(2 pi).
///
/// For real numbers: the densities of complex ones have conventions of their own, and are those of their real and
/// imaginary parts.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::NotPositiveDefinite`] with the square of the first diagonal entry of L that is not positive;
/// [`Error::Overflow`].
///
/// # Derivation
/// With z = L^-1 (x - mu), dz = L^-1 (dx - dmu - dL z) and w = L^-T z: dy = -w^T (dx - dmu - dL z) - sum of dL_ii / L_ii. So
/// for y_bar = 1 the cotangent of x is -w, that of mu w, and that of L the lower triangle of w z^T - diag(1 / L_ii). Each
/// rule takes n^2 multiplications and additions, and another n^2 / 2 for L, beside the primal's n^2 / 2.
///
/// ```
/// use difrules_linalg::mvn_ln_pdf;
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0_f64, 0.0; 1.0, 1.0];
/// let y = mvn_ln_pdf(&dvector![2.0, 0.0], &dvector![0.0, 0.0], &l)?;
/// assert!((y + 1.0 + 2.0_f64.ln() + (2.0 * std::f64::consts::PI).ln()).abs() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = mvn_ln_pdf_forward,
    reverse = mvn_ln_pdf_reverse,
    reads(x, mu, l),
    instances(#[cfg(feature = "f32")] f32, f64),
    sample = sample
)]
pub fn mvn_ln_pdf<T: Real, D: Dim>(
    x: &OVector<T, D>,
    mu: &OVector<T, D>,
    l: &OMatrix<T, D, D>,
) -> Result<T, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let size = square("l", l.shape())?;
    shape("x", x.shape(), (size, 1))?;
    shape("mu", mu.shape(), (size, 1))?;
    finite("x", x)?;
    finite("mu", mu)?;
    finite_triangle("l", Triangle::Lower, Diagonal::General, l)?;
    if let Some(pivot) = (0..size).find(|&i| l[(i, i)] <= nalgebra::zero()) {
        let root = l[(pivot, pivot)].to_f64();
        return Err(Error::NotPositiveDefinite { pivot, value: root * root.abs() });
    }
    let half: T = nalgebra::convert(0.5);
    let z = whitened(x, mu, l);
    let squares = z.iter().fold(T::zero(), |sum, &z| sum + z * z);
    let logarithms = (0..size).fold(T::zero(), |sum, i| sum + ComplexField::ln(l[(i, i)]));
    let constant = 0.5 * size as f64 * std::f64::consts::TAU.ln();
    let y = -(squares * half) - logarithms - nalgebra::convert(constant);
    overflow("y", std::iter::once(&y))?;
    Ok(y)
}

/// L^-1 (x - mu).
fn whitened<T: Real, D: Dim>(
    x: &OVector<T, D>,
    mu: &OVector<T, D>,
    l: &OMatrix<T, D, D>,
) -> OVector<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let mut z = x - mu;
    let lower = Triangle::Lower;
    solve_again(Side::Left, lower, Operation::None, block(l), &mut block_mut(&mut z));
    z
}

/// z and L^-T z.
fn solved<T: Real, D: Dim>(
    x: &OVector<T, D>,
    mu: &OVector<T, D>,
    l: &OMatrix<T, D, D>,
) -> (OVector<T, D>, OVector<T, D>)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let z = whitened(x, mu, l);
    let mut w = z.clone();
    let lower = Triangle::Lower;
    solve_again(Side::Left, lower, Operation::Transpose, block(l), &mut block_mut(&mut w));
    (z, w)
}

fn mvn_ln_pdf_forward<T: Real, D: Dim>(
    x: &OVector<T, D>,
    mu: &OVector<T, D>,
    l: &OMatrix<T, D, D>,
    x_dot: &OVector<T, D>,
    mu_dot: &OVector<T, D>,
    l_dot: &OMatrix<T, D, D>,
) -> T
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (z, w) = solved(x, mu, l);
    let mut moved = x_dot - mu_dot;
    let mut y_dot = T::zero();
    for j in 0..z.len() {
        y_dot -= l_dot[(j, j)] / l[(j, j)];
        for i in j..z.len() {
            moved[i] -= l_dot[(i, j)] * z[j];
        }
    }
    moved.iter().zip(w.iter()).fold(y_dot, |sum, (&moved, &w)| sum - w * moved)
}

fn mvn_ln_pdf_reverse<T: Real, D: Dim>(
    x: &OVector<T, D>,
    mu: &OVector<T, D>,
    l: &OMatrix<T, D, D>,
    y_bar: T,
    x_bar: Slot<'_, OVector<T, D>>,
    mu_bar: Slot<'_, OVector<T, D>>,
    l_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (z, mut w) = solved(x, mu, l);
    w *= y_bar;
    if let Some(mut x_bar) = x_bar.buffer() {
        x_bar -= &w;
    }
    if let Some(mut mu_bar) = mu_bar.buffer() {
        mu_bar += &w;
    }
    if let Some(mut l_bar) = l_bar.buffer() {
        for j in 0..z.len() {
            (j + 1..z.len()).for_each(|i| l_bar[(i, j)] += w[i] * z[j]);
            // One quotient by what is next to one, so that neither it nor its derivatives leave the numbers on the way.
            let pivot = l[(j, j)];
            let scale = binade([&pivot]);
            l_bar[(j, j)] += (w[j] * pivot * z[j] - y_bar) / (pivot / scale) / scale;
        }
    }
}

fn sample<T: Real>(random: &mut Sampler) -> (DVector<T>, DVector<T>, DMatrix<T>) {
    let size = random.choose(&[0, 1, 2, 5, 20]);
    let vector = |random: &mut Sampler| -> DVector<T> {
        let column: DMatrix<T> = random.matrix(size, 1);
        column.column(0).into_owned()
    };
    let (x, mu) = (vector(random), vector(random));
    (x, mu, random.lower_triangular(size))
}
