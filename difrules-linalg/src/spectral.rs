//! The shared mathematics of A = V diag(w) V^H for a Hermitian A: order, phases, and eigenvalues that
//! repeat.

use std::cmp::Ordering;

use difrules_core::{Kind, Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1,
};

use crate::block::{block, block_mut, in_basis, multiply, out_of_basis};
use crate::defects::{report_gauge, report_undefined, tolerance};
use crate::error::{Error, overflow};
use crate::implicit_qr::diagonalise_tridiagonal;
use crate::modulus::{self, largest_modulus, phase};
use crate::unitary::tridiagonal_factors;

/// The eigenvalues in increasing order, and eigenvectors whose largest entry is real and positive.
///
/// # Errors
/// [`Error::NoConvergence`], [`Error::Overflow`].
pub(crate) fn hermitian_eigen<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OVector<T::Real, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let (size, _) = a.shape_generic();
    if a.is_empty() {
        return Ok((OVector::zeros_generic(size, U1), OMatrix::zeros_generic(size, size)));
    }
    let (mut found, mut values, mut off_diagonal, scale) = tridiagonal_factors(a);
    let numbers = (values.as_mut_slice(), off_diagonal.as_mut_slice());
    diagonalise_tridiagonal(numbers.0, numbers.1, &mut block_mut(&mut found))?;
    values *= scale;
    overflow("eigenvalues", values.iter())?;
    let mut order = OVector::<usize, D>::from_fn_generic(size, U1, |i, _| i);
    let compare = |i: &usize, j: &usize| values[*i].partial_cmp(&values[*j]);
    order.as_mut_slice().sort_by(|i, j| compare(i, j).unwrap_or(Ordering::Equal));
    let sorted = OVector::from_fn_generic(size, U1, |i, _| values[order[i]]);
    let mut vectors = OMatrix::zeros_generic(size, size);
    for (j, &i) in order.iter().enumerate() {
        vectors.column_mut(j).copy_from(&found.column(i));
    }
    turn(block_mut(&mut vectors));
    Ok((sorted, vectors))
}

/// The place of the first of the largest entries.
pub(crate) fn largest<'a, T: Scalar>(entries: impl Iterator<Item = &'a T>) -> usize {
    modulus::largest(entries.map(|x| x.modulus_squared())).0.unwrap_or(0)
}

/// A gap below which two eigenvalues of numbers of this size are taken for one that repeats, and one
/// below which the difference of two is mostly rounding.
pub(crate) fn gaps<S: Real>(size: f64, count: usize) -> (f64, f64) {
    let epsilon = S::default_epsilon().to_f64();
    (epsilon.sqrt() * size, epsilon * size * count as f64)
}

pub(crate) fn size_of<S: Real>(values: &[S]) -> f64 {
    largest_modulus(values)
}

/// The tangents of eigenvalues and eigenvectors.
///
/// With H = V^H dA V, dw_i = H_ii and dV = V (F o H), F_ij = 1 / (w_j - w_i): A V = V diag(w) gives
/// H + diag(w) X = X diag(w) + diag(dw) for X = V^H dV, which is skew-Hermitian. Its diagonal is a
/// choice of phase; it follows from the largest entry of each eigenvector staying real.
pub(crate) fn hermitian_eigen_forward<T: Scalar, D: Dim>(
    primitive: &'static str,
    values: &OVector<T::Real, D>,
    vectors: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> (OVector<T::Real, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (size, _) = vectors.shape_generic();
    let (one, zero, v) = (T::one(), T::zero(), block(vectors));
    let mut turned = in_basis(vectors, a_dot);
    let mut vectors_dot = OMatrix::zeros_generic(size, size);
    let values_dot = OVector::from_fn_generic(size, U1, |i, _| turned[(i, i)].real());
    over_gaps(primitive, values.as_slice(), &mut block_mut(&mut turned));
    multiply(one, (v, false), (block(&turned), false), zero, &mut block_mut(&mut vectors_dot));
    keep_phases(v, &mut block_mut(&mut vectors_dot));
    (values_dot, vectors_dot)
}

/// Replaces V^H dA V by V^H dV, F o (V^H dA V), but for the phases. Where an eigenvalue repeats it is
/// left zero, and reported if it is not.
pub(crate) fn over_gaps<T: Scalar>(
    primitive: &'static str,
    values: &[T::Real],
    turned: &mut DMatrixViewMut<'_, T>,
) {
    let (_, rounding) = gaps::<T::Real>(size_of(values), values.len());
    let all = largest_modulus(turned.iter());
    let mut lost = 0.0;
    for j in 0..values.len() {
        for i in 0..values.len() {
            let gap = values[j] - values[i];
            if i == j {
                turned[(i, j)] = T::zero();
            } else if gap.to_f64().abs() <= rounding {
                lost = turned[(i, j)].modulus().to_f64().max(lost);
                turned[(i, j)] = T::zero();
            } else {
                turned[(i, j)] = turned[(i, j)].unscale(gap);
            }
        }
    }
    report_undefined::<T::Real, _>(primitive, lost, all, || {
        "an eigenvalue repeats and this direction splits it: its eigenvectors have no derivative along \
         it, which is left out"
    });
}

/// Adds to tangents of columns what keeps their largest entries real, a change of their phases.
pub(crate) fn keep_phases<T: Scalar>(
    vectors: DMatrixView<'_, T>,
    vectors_dot: &mut DMatrixViewMut<'_, T>,
) {
    if <T::Kind as Kind>::REAL {
        return;
    }
    for j in 0..vectors.ncols() {
        let vector = vectors.column(j);
        let k = largest(vector.iter());
        let moved = vectors_dot[(k, j)];
        let phase = (moved - T::from_real(moved.real())) / vector[k];
        vectors_dot.column_mut(j).zip_apply(&vector, |x, v| *x -= phase * v);
    }
}

/// The adjoint of [`keep_phases`].
pub(crate) fn keep_phases_adjoint<T: Scalar>(
    vectors: DMatrixView<'_, T>,
    vectors_bar: &mut DMatrixViewMut<'_, T>,
) {
    if <T::Kind as Kind>::REAL {
        return;
    }
    for j in 0..vectors.ncols() {
        let vector = vectors.column(j);
        let k = largest(vector.iter());
        let along = vectors_bar.column(j).dotc(&vector);
        vectors_bar[(k, j)] += (along - T::from_real(along.real())) / vector[k];
    }
}

/// Turns each column so that its largest entry is real and positive.
pub(crate) fn turn<T: Scalar>(mut vectors: DMatrixViewMut<'_, T>) {
    for mut vector in vectors.column_iter_mut() {
        let turn = phase(vector[largest(vector.iter())]).conjugate();
        vector.apply(|x| *x *= turn);
    }
}

/// The cotangent of A from those of eigenvalues and eigenvectors, which are overwritten.
///
/// The adjoint of [`hermitian_eigen_forward`] in the pairing Re tr(Y_bar^H Y_dot): the phase adds
/// i Im(v_bar^H v) / v_k to the entry k of v_bar that stays real; then, with G = V^H V_bar,
/// A_bar = V M V^H with M_ii = w_bar_i and M_ij = (G - G^H)_ij / (2 (w_j - w_i)).
///
/// Where w_i and w_j are one eigenvalue that repeats, the numerator has to be zero too, or the function
/// depends on the choice of a basis and has no gradient, which is reported. If it depends on V f(w) V^H
/// alone, with any f, G is 2 f S there for the Hermitian S = V^H f(A)_bar V, and w_bar is f' times the
/// diagonal of S: so M = f' S is r (G + G^H) / 2 for the one number r that takes the diagonal of that to
/// w_bar. This is used where there is such an r. It is exact where the eigenvalue repeats, and its error
/// is as small as the gap where that is small.
pub(crate) fn hermitian_eigen_reverse<T: Scalar, D: Dim>(
    primitive: &'static str,
    values: &OVector<T::Real, D>,
    vectors: &OMatrix<T, D, D>,
    values_bar: &[T::Real],
    vectors_bar: &mut DMatrixViewMut<'_, T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let v = block(vectors);
    keep_phases_adjoint(v, vectors_bar);
    let (size, _) = vectors.shape_generic();
    let mut g = OMatrix::<T, D, D>::zeros_generic(size, size);
    let bars = (vectors_bar.as_view(), false);
    multiply(T::one(), (v, true), bars, T::zero(), &mut block_mut(&mut g));
    let all = largest_modulus(g.iter()).max(size_of(values_bar));
    divide_by_gaps(primitive, values.as_slice(), values_bar, &mut block_mut(&mut g), all);
    out_of_basis(vectors, &g)
}

/// Replaces G, the cotangent of a basis in that basis, by the Hermitian M of
/// [`hermitian_eigen_reverse`], for values in order, increasing or not.
pub(crate) fn divide_by_gaps<T: Scalar>(
    primitive: &'static str,
    values: &[T::Real],
    values_bar: &[T::Real],
    g: &mut DMatrixViewMut<'_, T>,
    all: f64,
) {
    let count = values.len();
    let (close, rounding) = gaps::<T::Real>(size_of(values), count);
    let zero = T::zero();
    let half: T::Real = nalgebra::convert(0.5);
    let (mut gauge, mut open) = (0.0_f64, 0.0_f64);
    let mut first = 0;
    while first < count {
        // The eigenvalues that are one with this.
        let apart = |i: &usize| (values[*i] - values[*i - 1]).to_f64().abs() > close;
        let end = (first + 1..count).find(apart).unwrap_or(count);
        let ratio = ratio(g, values_bar, first..end, all);
        for j in first..end {
            for i in first..j {
                let (upper, lower) = (g[(i, j)], g[(j, i)].conjugate());
                let (skew, hermitian) = ((upper - lower).scale(half), (upper + lower).scale(half));
                let gap = values[j] - values[i];
                let entry = if gap.to_f64().abs() <= rounding {
                    gauge = skew.modulus().to_f64().max(gauge);
                    match ratio {
                        Ratio::Of(ratio) => hermitian.scale(ratio),
                        Ratio::Any | Ratio::None => {
                            let differ = (values_bar[j] - values_bar[i]).to_f64().abs();
                            let left = hermitian.modulus().to_f64().max(differ);
                            open = open.max(left);
                            zero
                        }
                    }
                } else if let Ratio::Of(ratio) = ratio {
                    hermitian.scale(ratio)
                } else {
                    skew.unscale(gap)
                };
                g[(i, j)] = entry;
                g[(j, i)] = entry.conjugate();
            }
        }
        for j in end..count {
            for i in first..end {
                let skew = (g[(i, j)] - g[(j, i)].conjugate()).scale(half);
                let entry = skew.unscale(values[j] - values[i]);
                g[(i, j)] = entry;
                g[(j, i)] = entry.conjugate();
            }
        }
        first = end;
    }
    if !report_gauge::<T::Real>(primitive, gauge, all) {
        report_undefined::<T::Real, _>(primitive, open, all, || {
            "an eigenvalue repeats, and the cotangents do not tell what changes with directions that \
             split it, which is left out"
        });
    }
    for (i, &value_bar) in values_bar.iter().enumerate() {
        g[(i, i)] = T::from_real(value_bar);
    }
}

/// How the cotangents of eigenvalues relate to the diagonal of that of their eigenvectors.
#[derive(Clone, Copy)]
enum Ratio<S> {
    /// By this factor.
    Of(S),
    /// By any, since both are zero.
    Any,
    /// By none.
    None,
}

fn ratio<T: Scalar>(
    g: &DMatrixViewMut<'_, T>,
    values_bar: &[T::Real],
    cluster: std::ops::Range<usize>,
    all: f64,
) -> Ratio<T::Real> {
    let zero: T::Real = nalgebra::zero();
    let diagonal = |i: usize| g[(i, i)].real();
    let (mut squares, mut products) = (zero, zero);
    for i in cluster.clone() {
        squares += diagonal(i) * diagonal(i);
        products += diagonal(i) * values_bar[i];
    }
    let small = tolerance::<T::Real>() * all;
    if squares.to_f64().sqrt() <= small {
        let none = cluster.clone().any(|i| values_bar[i].to_f64().abs() > small);
        return if none { Ratio::None } else { Ratio::Any };
    }
    let ratio = products / squares;
    let fits = cluster.clone().all(|i| {
        // Eigenvalues that are nearly one fit nearly.
        (values_bar[i] - ratio * diagonal(i)).to_f64().abs() <= 100.0 * tolerance::<T::Real>() * all
    });
    if fits { Ratio::Of(ratio) } else { Ratio::None }
}
