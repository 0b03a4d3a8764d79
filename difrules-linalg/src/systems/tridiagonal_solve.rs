use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::algebra::modulus::quotient;
use crate::block::{FIT, add_cotangent, block_mut, buffer};
use crate::error::{Error, finite, shape, solved};

/// A^-1 B for a tridiagonal A, given by three vectors of the same length: row i of A has `lower[i]`,
/// `diagonal[i]` and `upper[i]` beside each other. `lower[0]` and the last of `upper` are not read.
///
/// By elimination with partial pivoting (LAPACK's `gttrf` and `gttrs`), in time and memory proportional to the
/// number of rows.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the lengths do not fit, [`Error::NotFinite`], [`Error::Singular`]
/// if a pivot is zero or the solution overflows.
///
/// # Derivation
/// As for [`solve`](fn@crate::solve): A dX = dB - dA X, and with W = A^-H X_bar, B_bar = W and
/// A_bar = -W X^H, of which three diagonals count. Both rules take the elimination once more and are as
/// cheap as the primal.
///
/// ```
/// use difrules_linalg::tridiagonal_solve;
/// use nalgebra::dvector;
///
/// let (lower, upper) = (dvector![0.0, 1.0, 1.0], dvector![1.0, 1.0, 0.0]);
/// let x = tridiagonal_solve(&lower, &dvector![2.0, 2.0, 2.0], &upper, &dvector![3.0, 4.0, 3.0])?;
/// assert!((x - dvector![1.0, 1.0, 1.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = tridiagonal_solve_forward,
    reverse = tridiagonal_solve_reverse,
    reads(lower, diagonal, upper, return),
    structure(lower = diagonal, diagonal = diagonal, upper = diagonal),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn tridiagonal_solve<T: Scalar, D: Dim, C: Dim>(
    lower: &OVector<T, D>,
    diagonal: &OVector<T, D>,
    upper: &OVector<T, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = diagonal.len();
    shape("lower", lower.shape(), (size, 1))?;
    shape("upper", upper.shape(), (size, 1))?;
    shape("b", b.shape(), (size, b.ncols()))?;
    finite("diagonal", diagonal)?;
    finite("b", b)?;
    // Of these two the entries that are not read may be anything.
    let part = |name, vector: &OVector<T, D>, first: usize| {
        let found = finite(name, &vector.rows(first, size.saturating_sub(1)));
        found.map_err(|error| match error {
            Error::NotFinite { argument, row, column } => {
                Error::NotFinite { argument, row: row + first, column }
            }
            other => other,
        })
    };
    if size > 0 {
        part("lower", lower, 1)?;
        part("upper", upper, 0)?;
    }
    let mut x = b.clone();
    Factors::new(lower, diagonal, upper)?.solve(&mut block_mut(&mut x));
    solved(&x, diagonal.iter().copied())?;
    Ok(x)
}

/// The elimination: step i takes a multiple of row i off the next one, of which the two may have been swapped before, and
/// leaves a triangle of three diagonals.
struct Factors<T: Scalar, D: Dim>
where
    DefaultAllocator: Allocator<D>,
{
    swapped: OVector<bool, D>,
    multiples: OVector<T, D>,
    diagonal: OVector<T, D>,
    upper: OVector<T, D>,
    /// What a swap puts two columns beside the diagonal.
    beyond: OVector<T, D>,
}

impl<T: Scalar, D: Dim> Factors<T, D>
where
    DefaultAllocator: Allocator<D>,
{
    /// # Errors
    /// [`Error::Singular`] if a pivot is zero.
    fn new(
        lower: &OVector<T, D>,
        diagonal: &OVector<T, D>,
        upper: &OVector<T, D>,
    ) -> Result<Self, Error> {
        let (size, zeros) = (diagonal.len(), diagonal.map(|_| T::zero()));
        let mut factors = Self {
            swapped: diagonal.map(|_| false),
            multiples: zeros.clone(),
            diagonal: diagonal.clone(),
            upper: upper.clone(),
            beyond: zeros,
        };
        let Self { swapped, multiples, diagonal, upper, beyond } = &mut factors;
        let singular = |pivot| Error::Singular { pivot, reciprocal_condition: 0.0 };
        for i in 0..size.saturating_sub(1) {
            let below = lower[i + 1];
            if diagonal[i].norm1() < below.norm1() {
                swapped[i] = true;
                multiples[i] = quotient(diagonal[i], below);
                diagonal[i] = below;
                let beside = upper[i];
                upper[i] = diagonal[i + 1];
                diagonal[i + 1] = beside - multiples[i] * upper[i];
                if i + 2 < size {
                    beyond[i] = upper[i + 1];
                    upper[i + 1] = -(multiples[i] * beyond[i]);
                }
            } else if diagonal[i].norm1() == nalgebra::zero() {
                return Err(singular(i));
            } else {
                multiples[i] = quotient(below, diagonal[i]);
                let change = multiples[i] * upper[i];
                diagonal[i + 1] -= change;
            }
        }
        if diagonal.iter().last().is_some_and(|last| last.norm1() == nalgebra::zero()) {
            return Err(singular(size - 1));
        }
        Ok(factors)
    }

    /// B <- A^-1 B.
    fn solve(&self, b: &mut DMatrixViewMut<'_, T>) {
        let size = self.diagonal.len();
        for mut column in b.column_iter_mut() {
            for i in 0..size.saturating_sub(1) {
                if self.swapped[i] {
                    column.swap_rows(i, i + 1);
                }
                let change = self.multiples[i] * column[i];
                column[i + 1] -= change;
            }
            for i in (0..size).rev() {
                let mut rest = column[i];
                if i + 1 < size {
                    rest -= self.upper[i] * column[i + 1];
                }
                if i + 2 < size && self.swapped[i] {
                    rest -= self.beyond[i] * column[i + 2];
                }
                column[i] = quotient(rest, self.diagonal[i]);
            }
        }
    }

    /// B <- A^-H B, by the adjoints of the same steps: an elimination of A^H has other pivots, which need not suit its rows.
    fn solve_adjoint(&self, b: &mut DMatrixViewMut<'_, T>) {
        let size = self.diagonal.len();
        for mut column in b.column_iter_mut() {
            for i in 0..size {
                let mut rest = column[i];
                if i > 0 {
                    rest -= self.upper[i - 1].conjugate() * column[i - 1];
                }
                if i > 1 && self.swapped[i - 2] {
                    rest -= self.beyond[i - 2].conjugate() * column[i - 2];
                }
                column[i] = quotient(rest, self.diagonal[i].conjugate());
            }
            for i in (0..size.saturating_sub(1)).rev() {
                let change = self.multiples[i].conjugate() * column[i + 1];
                column[i] -= change;
                if self.swapped[i] {
                    column.swap_rows(i, i + 1);
                }
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "what is read and a tangent for each argument")]
fn tridiagonal_solve_forward<T: Scalar, D: Dim, C: Dim>(
    lower: &OVector<T, D>,
    diagonal: &OVector<T, D>,
    upper: &OVector<T, D>,
    x: &OMatrix<T, D, C>,
    lower_dot: &OVector<T, D>,
    diagonal_dot: &OVector<T, D>,
    upper_dot: &OVector<T, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let mut x_dot = b_dot.clone();
    let size = diagonal.len();
    for j in 0..x.ncols() {
        for i in 0..size {
            x_dot[(i, j)] -= diagonal_dot[i] * x[(i, j)];
            if i > 0 {
                x_dot[(i, j)] -= lower_dot[i] * x[(i - 1, j)];
            }
            if i + 1 < size {
                x_dot[(i, j)] -= upper_dot[i] * x[(i + 1, j)];
            }
        }
    }
    Factors::new(lower, diagonal, upper).expect(FIT).solve(&mut block_mut(&mut x_dot));
    x_dot
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn tridiagonal_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    lower: &OVector<T, D>,
    diagonal: &OVector<T, D>,
    upper: &OVector<T, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    lower_bar: Slot<'_, OVector<T, D>>,
    diagonal_bar: Slot<'_, OVector<T, D>>,
    upper_bar: Slot<'_, OVector<T, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D> + Allocator<D, C>,
{
    let size = diagonal.len();
    let mut w = buffer(&mut x_bar);
    Factors::new(lower, diagonal, upper).expect(FIT).solve_adjoint(&mut w);
    // -(W X^H) at (i, k).
    let entry = |i: usize, k: usize| {
        (0..x.ncols()).fold(T::zero(), |sum, j| sum - w[(i, j)] * x[(k, j)].conjugate())
    };
    if let Some(mut bar) = lower_bar.buffer() {
        (1..size).for_each(|i| bar[i] += entry(i, i - 1));
    }
    if let Some(mut bar) = diagonal_bar.buffer() {
        (0..size).for_each(|i| bar[i] += entry(i, i));
    }
    if let Some(mut bar) = upper_bar.buffer() {
        (1..size).for_each(|i| bar[i - 1] += entry(i - 1, i));
    }
    add_cotangent(&x_bar, b_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DVector<T>, DVector<T>, DVector<T>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 2, 3, 7]), random.size(0, 3));
    let mut vector = || random.vector(size);
    let (lower, diagonal, upper) = (vector(), vector(), vector());
    (lower, diagonal, upper, random.matrix(size, columns))
}
