use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, OMatrix, OVector};

use crate::algebra::modulus::quotient;
use crate::block::{FIT, add_cotangent, block_mut, buffer};
use crate::error::{Error, finite, shape, solved};
use crate::tolerance::report_nearly_singular;

/// A^-1 B for a tridiagonal A, given by three vectors of the same length: row i of A has `lower[i]`,
/// `diagonal[i]` and `upper[i]` beside each other. `lower[0]` and the last of `upper` are not read.
///
/// By elimination with partial pivoting (LAPACK's `gtsv`), in time and memory proportional to the
/// number of rows.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the lengths do not fit, [`Error::NotFinite`], [`Error::Singular`]
/// if a pivot is zero or the solution overflows.
///
/// # Derivation
/// As for [`solve`](fn@crate::solve): A dX = dB - dA X, and with W = A^-H X_bar, B_bar = W and
/// A_bar = -W X^H, of which three diagonals count. Both rules take one more elimination and are as
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
    let diagonals = [lower.clone(), diagonal.clone(), upper.clone()];
    gtsv(diagonals, &mut block_mut(&mut x))?;
    solved(&x, diagonal.iter().copied())?;
    Ok(x)
}

/// B <- A^-1 B.
///
/// # Errors
/// [`Error::Singular`] if a pivot is zero.
fn gtsv<T: Scalar, D: Dim>(
    [mut lower, mut diagonal, mut upper]: [OVector<T, D>; 3],
    b: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error>
where
    DefaultAllocator: Allocator<D>,
{
    let size = diagonal.len();
    let zero = |x: T| x.norm1() == nalgebra::zero();
    for i in 0..size.saturating_sub(1) {
        // What a swap puts two columns beside the diagonal takes the place of what it eliminates.
        let below = lower[i + 1];
        lower[i + 1] = T::zero();
        if diagonal[i].norm1() < below.norm1() {
            let factor = quotient(diagonal[i], below);
            diagonal[i] = below;
            let beside = upper[i];
            upper[i] = diagonal[i + 1];
            diagonal[i + 1] = beside - factor * upper[i];
            if i + 2 < size {
                lower[i + 1] = upper[i + 1];
                upper[i + 1] = -(factor * lower[i + 1]);
            }
            for mut column in b.column_iter_mut() {
                let (above, next) = (column[i + 1], column[i]);
                column[i] = above;
                column[i + 1] = next - factor * above;
            }
        } else if zero(diagonal[i]) {
            return Err(Error::Singular { pivot: i, reciprocal_condition: 0.0 });
        } else {
            let factor = quotient(below, diagonal[i]);
            diagonal[i + 1] -= factor * upper[i];
            for mut column in b.column_iter_mut() {
                let change = factor * column[i];
                column[i + 1] -= change;
            }
        }
    }
    if size > 0 && zero(diagonal[size - 1]) {
        return Err(Error::Singular { pivot: size - 1, reciprocal_condition: 0.0 });
    }
    for mut column in b.column_iter_mut() {
        for i in (0..size).rev() {
            let mut rest = column[i];
            if i + 1 < size {
                rest -= upper[i] * column[i + 1];
            }
            if i + 2 < size {
                rest -= lower[i + 1] * column[i + 2];
            }
            column[i] = quotient(rest, diagonal[i]);
        }
    }
    Ok(())
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
    let diagonals = [lower.clone(), diagonal.clone(), upper.clone()];
    gtsv(diagonals, &mut block_mut(&mut x_dot)).expect(FIT);
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
    let (dimension, one) = diagonal.shape_generic();
    // A^H: what is beside the diagonal changes sides.
    let adjoint = [
        OVector::from_fn_generic(dimension, one, |i, _| match i {
            0 => T::zero(),
            _ => upper[i - 1].conjugate(),
        }),
        diagonal.map(|x| x.conjugate()),
        OVector::from_fn_generic(dimension, one, |i, _| match i + 1 {
            next if next < size => lower[next].conjugate(),
            _ => T::zero(),
        }),
    ];
    let mut w = buffer(&mut x_bar);
    if gtsv(adjoint, &mut w).is_err() {
        report_nearly_singular("tridiagonal_solve", &mut w);
    }
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
