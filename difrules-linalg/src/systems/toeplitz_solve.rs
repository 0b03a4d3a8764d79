use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::block::{FIT, block_mut, buffer};
use crate::defects::report_nearly_singular;
use crate::error::{Error, finite, shape};
use crate::modulus::quotient;

/// A^-1 B for a Toeplitz A, which is constant along its diagonals: given by its first column and its first
/// row, A_ij = `column[i - j]` on and below the diagonal and `row[j - i]` above it. `row[0]` is not read.
///
/// By Levinson's recursion over the leading blocks, in time proportional to the square of the number of
/// rows and in memory proportional to it. It is as accurate as the worst conditioned of the leading
/// blocks allows: for a positive definite A as elimination.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the lengths do not fit, [`Error::NotFinite`],
/// [`Error::SingularBlock`] if a leading block is singular, also where A is not, or the solution overflows.
///
/// # Derivation
/// As for [`solve`](fn@crate::solve): A dX = dB - dA X, and with W = A^-H X_bar, B_bar = W and
/// A_bar = -W X^H, of which the sum along each diagonal counts. A^H is Toeplitz too, with the conjugates
/// of row and column exchanged, so each rule takes another recursion, 5 n^2 multiplications and additions
/// and 2 n^2 for each right-hand side, as the primal does, and 2 n^2 more for each for the sums.
///
/// ```
/// use difrules_linalg::toeplitz_solve;
/// use nalgebra::dvector;
///
/// let (column, row) = (dvector![2.0, 1.0, 0.0], dvector![2.0, 0.0, 0.0]);
/// let x = toeplitz_solve(&column, &row, &dvector![2.0, 3.0, 3.0])?;
/// assert_eq!(x, dvector![1.0, 1.0, 1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = toeplitz_solve_forward,
    reverse = toeplitz_solve_reverse,
    reads(column, row, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn toeplitz_solve<T: Scalar, D: Dim, C: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = column.len();
    shape("row", row.shape(), (size, 1))?;
    shape("b", b.shape(), (size, b.ncols()))?;
    finite("column", column)?;
    if let Some(i) = (1..size).find(|&i| !row[i].is_finite()) {
        return Err(Error::NotFinite { argument: "row", row: i, column: 0 });
    }
    finite("b", b)?;
    let mut x = b.clone();
    levinson(column, row, &mut block_mut(&mut x))?;
    if x.iter().any(|x| !x.is_finite()) {
        return Err(Error::SingularBlock { rows: size });
    }
    Ok(x)
}

/// B <- A^-1 B.
///
/// For the leading block of k rows, A_k f = e_1 and A_k g = e_k give those of k + 1 rows: [f; 0] leaves a
/// last entry p and [0; g] a first entry q, so with s = 1 / (1 - p q), f' = s ([f; 0] - p [0; g]) and
/// g' = s ([0; g] - q [f; 0]); and [x; 0] lacks the last entry of b by a number times g' (Golub and Van
/// Loan 2013, section 4.7).
fn levinson<T: Scalar, D: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D>,
{
    let (size, (dimension, _)) = (column.len(), column.shape_generic());
    if size == 0 {
        return Ok(());
    }
    let at = |k| Error::SingularBlock { rows: k + 1 };
    if column[0].norm1() == nalgebra::zero() {
        return Err(at(0));
    }
    let mut f = OVector::<T, D>::zeros_generic(dimension, U1);
    let mut g = f.clone();
    f[0] = quotient(T::one(), column[0]);
    g[0] = f[0];
    for mut x in b.column_iter_mut() {
        x[0] *= f[0];
    }
    for k in 1..size {
        let (mut p, mut q) = (T::zero(), T::zero());
        for i in 0..k {
            p += column[k - i] * f[i];
            q += row[i + 1] * g[i];
        }
        let rest = T::one() - p * q;
        if rest.norm1() == nalgebra::zero() {
            return Err(at(k));
        }
        let s = quotient(T::one(), rest);
        for i in (0..=k).rev() {
            let (first, last) = (f[i], if i > 0 { g[i - 1] } else { T::zero() });
            f[i] = (first - p * last) * s;
            g[i] = (last - q * first) * s;
        }
        for mut x in b.column_iter_mut() {
            let known = (0..k).fold(T::zero(), |sum, i| sum + column[k - i] * x[i]);
            let lack = x[k] - known;
            x[k] = T::zero();
            for i in 0..=k {
                x[i] += g[i] * lack;
            }
        }
    }
    Ok(())
}

fn toeplitz_solve_forward<T: Scalar, D: Dim, C: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    x: &OMatrix<T, D, C>,
    column_dot: &OVector<T, D>,
    row_dot: &OVector<T, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = column.len();
    let mut x_dot = b_dot.clone();
    for (mut x_dot, x) in x_dot.column_iter_mut().zip(x.column_iter()) {
        for j in 0..size {
            for i in 0..size {
                let entry = if i >= j { column_dot[i - j] } else { row_dot[j - i] };
                x_dot[i] -= entry * x[j];
            }
        }
    }
    levinson(column, row, &mut block_mut(&mut x_dot)).expect(FIT);
    x_dot
}

fn toeplitz_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    column_bar: Slot<'_, OVector<T, D>>,
    row_bar: Slot<'_, OVector<T, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = column.len();
    let (mut first_column, mut first_row) = (row.conjugate(), column.conjugate());
    if size > 0 {
        first_column[0] = column[0].conjugate();
        first_row[0] = first_column[0];
    }
    let mut w = buffer(&mut x_bar);
    if levinson(&first_column, &first_row, &mut w).is_err() {
        report_nearly_singular("toeplitz_solve", &mut w);
    }
    // -(W X^H) summed along the diagonal that many rows below, or above, the first.
    let below = |k: usize| {
        let mut sum = T::zero();
        for j in 0..x.ncols() {
            (k..size).for_each(|i| sum -= w[(i, j)] * x[(i - k, j)].conjugate());
        }
        sum
    };
    let above = |k: usize| {
        let mut sum = T::zero();
        for j in 0..x.ncols() {
            (k..size).for_each(|i| sum -= w[(i - k, j)] * x[(i, j)].conjugate());
        }
        sum
    };
    if let Some(mut bar) = column_bar.buffer() {
        (0..size).for_each(|k| bar[k] += below(k));
    }
    if let Some(mut bar) = row_bar.buffer() {
        (1..size).for_each(|k| bar[k] += above(k));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar += x_bar;
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DVector<T>, DVector<T>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 2, 3, 7]), random.size(0, 3));
    let (mut column, row): (DVector<T>, DVector<T>) = (random.vector(size), random.vector(size));
    if size > 0 {
        // The leading blocks are well conditioned.
        column[0] += nalgebra::convert::<f64, T>(6.0);
    }
    (column, row, random.matrix(size, columns))
}
