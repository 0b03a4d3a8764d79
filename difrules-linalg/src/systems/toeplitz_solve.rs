use approx::AbsDiffEq;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::lu::{lu_in_place, lu_solve_in_place};
use crate::algebra::modulus::quotient;
use crate::algebra::scaling::binade;
use crate::blas::options::Operation;
use crate::block::block_mut;
use crate::error::{Error, finite, shape};
use crate::tolerance::{plain, report_nearly_singular};

/// A^-1 B for a Toeplitz A, which is constant along its diagonals: given by its first column and its first
/// row, A_ij = `column[i - j]` on and below the diagonal and `row[j - i]` above it. `row[0]` is not read.
///
/// By Levinson's recursion over the leading blocks, in time proportional to the square of the number of
/// rows and in memory proportional to it, with steps of refinement; where leading blocks are singular, or so
/// badly conditioned that these do not suffice, by elimination of the whole.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the lengths do not fit, [`Error::NotFinite`],
/// [`Error::SingularBlock`] of one row if `column[0]` is zero, with which the recursion cannot begin, also where
/// A is not singular; of all rows if A is singular or the solution overflows.
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
    refined(column, row, &mut x)?;
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
/// Loan 2013, section 4.7). Returns how large p q or s became, nothing where a leading block is singular but for rounding.
fn levinson<T: Scalar, D: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    b: &mut DMatrixViewMut<'_, T>,
) -> Option<f64>
where
    DefaultAllocator: Allocator<D>,
{
    let mut growth = 1.0_f64;
    let (size, (dimension, _)) = (column.len(), column.shape_generic());
    if size == 0 {
        return Some(growth);
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
            return None;
        }
        let s = quotient(T::one(), rest);
        growth = growth.max((p * q).norm1().to_f64()).max(s.norm1().to_f64());
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
    Some(growth)
}

/// B <- T^-1 B: by [`levinson`], which is not stable where leading blocks are nearly singular; so what it leaves
/// of B is solved for again while that helps, and where it does not help enough T is eliminated with pivoting. That each entry
/// is small beside the sum that it is left of (Oettli and Prager 1964, "Compatibility of approximate solution of linear
/// equations with given error bounds for coefficients and right-hand sides") makes the solution as good where rows,
/// columns or unknowns are of different sizes.
///
/// # Errors
/// [`Error::SingularBlock`] if T is singular, or its first entry is zero.
fn refined<T: Scalar, D: Dim, C: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    b: &mut OMatrix<T, D, C>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = column.len();
    if size > 0 && column[0].norm1() == nalgebra::zero() {
        return Err(Error::SingularBlock { rows: 1 });
    }
    let entry = |i: usize, j: usize| if i >= j { column[i - j] } else { row[j - i] };
    // The reciprocal of the largest number is none with all digits.
    let scale = binade(column.iter().chain(row.iter().skip(1)));
    let (mut over_column, mut over_row) = (column.clone(), row.clone());
    over_column.apply(|x| *x = x.unscale(scale));
    over_row.apply(|x| *x = x.unscale(scale));
    let entry = |i: usize, j: usize| entry(i, j).unscale(scale);
    let rounding = T::Real::default_epsilon().to_f64() * size as f64;
    let right = b.clone();
    // Where values come out right derivatives need not. What overflows is not to be recorded.
    let is_stable = T::Real::BASE || {
        let [column, row] = [&over_column, &over_row].map(|x| x.map(plain));
        let growth = levinson(&column, &row, &mut block_mut(&mut right.map(plain)));
        growth.is_some_and(|growth| growth <= GROWTH)
    };
    let (mut before, mut steps) = (f64::INFINITY, 0);
    let good = is_stable
        && levinson(&over_column, &over_row, &mut block_mut(b)).is_some()
        && loop {
            // What is left of B, as a part of what each of its entries is made of.
            let (mut rest, mut most) = (right.clone(), 0.0_f64);
            for (k, mut rest) in rest.column_iter_mut().enumerate() {
                for j in 0..size {
                    (0..size).for_each(|i| rest[i] -= entry(i, j) * b[(j, k)]);
                }
                let size_of = |x: T| x.modulus().to_f64();
                for i in 0..size {
                    let left = size_of(rest[i]);
                    let mut made = size_of(right[(i, k)]) + size_of(entry(i, i) * b[(i, k)]);
                    if left > rounding * made || left.is_nan() {
                        made = size_of(right[(i, k)]);
                        made += (0..size).map(|j| size_of(entry(i, j) * b[(j, k)])).sum::<f64>();
                    }
                    let part = if left == 0.0 { left } else { left / made };
                    // A NaN is not small.
                    most = if most.is_nan() || part <= most { most } else { part };
                }
            }
            if most <= rounding {
                break true;
            }
            // Not if it does not become less.
            if steps == REFINEMENTS || most >= 0.5 * before || most.is_nan() {
                break false;
            }
            (before, steps) = (most, steps + 1);
            levinson(&over_column, &over_row, &mut block_mut(&mut rest));
            b.zip_apply(&rest, |b, change| *b += change);
        };
    if !good {
        let mut dense = DMatrix::from_fn(size, size, entry);
        let mut pivots = vec![0; size];
        lu_in_place(&mut dense.as_view_mut(), &mut pivots);
        b.copy_from(&right);
        let solved =
            lu_solve_in_place(Operation::None, dense.as_view(), &pivots, &mut block_mut(b));
        solved.map_err(|_| Error::SingularBlock { rows: size })?;
    }
    b.apply(|x| *x = x.unscale(scale));
    Ok(())
}

/// How large the numbers of the recursion may become in a derivative mode.
const GROWTH: f64 = 1e3;

/// How often a solution is improved at most.
const REFINEMENTS: usize = 4;

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
    if refined(column, row, &mut x_dot).is_err() {
        report_nearly_singular("toeplitz_solve", &mut block_mut(&mut x_dot));
    }
    x_dot
}

fn toeplitz_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    column: &OVector<T, D>,
    row: &OVector<T, D>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
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
    let mut w: OMatrix<T, D, C> = x_bar.into_owned();
    if refined(&first_column, &first_row, &mut w).is_err() {
        report_nearly_singular("toeplitz_solve", &mut block_mut(&mut w));
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
        b_bar += w;
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
