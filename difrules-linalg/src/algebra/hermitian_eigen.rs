//! The shared mathematics of A = V diag(w) V^H for a Hermitian A: order, phases, and eigenvalues that
//! repeat.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::ops::Range;

use approx::AbsDiffEq;
use difrules_core::contract::Kind;
use difrules_core::diagnostic::Diagnostic;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, diagnosed, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DVector, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix,
    OVector, U1,
};

use crate::algebra::implicit_qr::diagonalise_tridiagonal;
use crate::algebra::modulus::{self, largest_modulus, phase};
use crate::algebra::resolvent::{Modes, apart, only, take};
use crate::algebra::scaling::times_quotient;
use crate::algebra::triangular_part::{SMALL, add_outer};
use crate::algebra::unitary::tridiagonal_factors;
#[cfg(feature = "faer")]
use crate::algebra::with_faer;
use crate::blas::options::Triangle;
use crate::block::{FIT, block, block_mut, in_basis, multiply, out_of_basis, product};
use crate::decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
use crate::error::{Error, overflow, shape};
use crate::known::{Known, next};
use crate::sample;
use crate::tolerance::{
    Gap, Quotients, Sizes, asked_columns, held, jumping, plain, rounding_of, undefined,
    undetermined,
};

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
    let (found, values) = unordered(a)?;
    overflow("eigenvalues", values.as_slice())?;
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

/// Eigenvectors and eigenvalues, in no order.
#[expect(clippy::type_complexity, reason = "vectors and values")]
fn unordered<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, OVector<T::Real, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    #[cfg(feature = "faer")]
    if let Some(found) = with_faer::hermitian_eigen(a) {
        return Ok(found);
    }
    let (mut found, mut values, mut off_diagonal, scale) = tridiagonal_factors(a);
    let numbers = (values.as_mut_slice(), off_diagonal.as_mut_slice());
    diagonalise_tridiagonal(numbers.0, numbers.1, &mut block_mut(&mut found))?;
    Ok((found, values * scale))
}

/// The place of the first of the largest entries.
pub(crate) fn largest<'a, T: Scalar>(entries: impl Iterator<Item = &'a T>) -> usize {
    modulus::largest(entries.map(|x| x.modulus_squared())).0.unwrap_or(0)
}

/// The largest of the values.
pub(crate) fn size_of<S: Real>(values: &[S]) -> f64 {
    largest_modulus(values)
}

/// The size of cotangents of vectors and of values times the values: of one unit, however A is scaled.
pub(crate) fn size_of_bars<S: Real>(vectors_bar: f64, values_bar: &[S], values: &[S]) -> f64 {
    vectors_bar.max((size_of(values_bar) * size_of(values)).min(f64::MAX))
}

/// The tangents of eigenvalues and eigenvectors.
///
/// With H = V^H dA V, dw_i = H_ii and dV = V (F o H), F_ij = 1 / (w_j - w_i): A V = V diag(w) gives
/// H + diag(w) X = X diag(w) + diag(dw) for X = V^H dV, which is skew-Hermitian. Its diagonal is a
/// choice of phase; it follows from the largest entry of each eigenvector staying real.
///
/// Where an eigenvalue repeats, H splits it: see [`split_values`]. In a derivative mode a vector whose eigenvalue is
/// apart from all others is differentiated by itself: see [`Modes`].
pub(crate) fn hermitian_eigen_forward<T: Scalar, D: Dim>(
    primitive: &'static str,
    values: &OVector<T::Real, D>,
    vectors: &OMatrix<T, D, D>,
    (a, a_dot): (&OMatrix<T, D, D>, &OMatrix<T, D, D>),
) -> (OVector<T::Real, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (size, _) = vectors.shape_generic();
    let (one, zero, v) = (T::one(), T::zero(), block(vectors));
    let sizes = Sizes::of_eigenvalues(values.as_slice(), v);
    let mut vectors_dot = OMatrix::zeros_generic(size, size);
    let chosen = apart_of(values.as_slice(), &sizes);
    let alone = chosen.as_ref().map(|chosen| {
        let vectors = only(chosen, v);
        let a = evenly(a);
        let modes = Modes::of(&a, None, values, &vectors);
        let right = product((block(a_dot), false), (block(&vectors), false));
        let value_dot = |j: usize| vectors.column(j).dotc(&right.column(j)).real();
        let values_dot = OVector::from_fn_generic(size, U1, |j, _| value_dot(j));
        (chosen, values_dot, modes.resolve(&right, chosen))
    });
    let mut turned = in_basis(vectors, block(a_dot));
    let mut values_dot = OVector::from_fn_generic(size, U1, |i, _| turned[(i, i)].real());
    let all = largest_modulus(turned.iter());
    let clusters = |range: Range<usize>| part(&turned, range);
    let again = second_order(a, values, vectors, a_dot);
    let (order, blocks) = (Order::Increasing, (clusters, again));
    split_values(&sizes, values.as_slice(), all, order, blocks, values_dot.as_mut_slice());
    over_gaps(primitive, &sizes, values.as_slice(), &mut block_mut(&mut turned));
    multiply(one, (v, false), (block(&turned), false), zero, &mut block_mut(&mut vectors_dot));
    if let Some((chosen, alone_dot, moved)) = &alone {
        let mut vectors_dot = block_mut(&mut vectors_dot);
        for j in (0..values.len()).filter(|&j| chosen[j]) {
            values_dot[j] = alone_dot[j];
            vectors_dot.column_mut(j).copy_from(&moved.column(j));
        }
    }
    keep_phases(v, &mut block_mut(&mut vectors_dot));
    (values_dot, vectors_dot)
}

/// Which eigenvectors are [apart](fn@apart).
pub(crate) fn apart_of<S: Real>(values: &[S], sizes: &Sizes) -> Option<Vec<bool>> {
    apart::<S>(values.len(), |i, j| {
        let gap = values[j] - values[i];
        let found = if i == j { Gap::Apart } else { sizes.difference(i, j, gap) };
        (if i == j { f64::INFINITY } else { gap.to_f64().abs() }, found)
    })
}

/// The order of values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Increasing,
    Decreasing,
}

/// How a direction splits a value that repeats: the eigenvalues of the Hermitian part of its block of
/// V^H dA V, in the order of the values, and the basis of eigenvectors in which that is diagonal; None if it
/// is as it stands. `all` is the size of the whole.
///
/// The values of A + t dA for a small positive t are those of A plus t times these, in this order; and symmetric
/// functions of the values have the derivatives that they give.
pub(crate) fn split<T: Scalar>(
    block: &DMatrix<T>,
    all: f64,
    order: Order,
) -> Option<(DVector<T::Real>, DMatrix<T>)> {
    let hermitian = hermitian(block);
    let mut beside = hermitian.copied();
    beside.fill_diagonal(T::zero());
    let before = |pair: (&T, &T)| {
        let step = (pair.1.real() - pair.0.real()).to_f64();
        if order == Order::Increasing { step >= 0.0 } else { step <= 0.0 }
    };
    let diagonal = hermitian.diagonal();
    if largest_modulus(beside.iter()) <= rounding_of::<T::Real>(all)
        && diagonal.iter().zip(diagonal.iter().skip(1)).all(before)
    {
        return None;
    }
    // What is not finite splits into nothing better.
    let undefined = || {
        let count = block.nrows();
        let not_a_number = DVector::from_element(count, nalgebra::convert(f64::NAN));
        (not_a_number, DMatrix::identity(count, count))
    };
    // The derivatives of the basis are asked for by nobody, so nobody is told that they may be undefined.
    let (found, _) = diagnosed(|| symmetric_eigen(&hermitian));
    let (mut values, mut basis) =
        found.map_or_else(|_| undefined(), |found| (found.eigenvalues, found.eigenvectors));
    if order == Order::Decreasing {
        values.as_mut_slice().reverse();
        let count = basis.ncols();
        (0..count / 2).for_each(|j| basis.swap_columns(j, count - 1 - j));
    }
    Some((values, basis))
}

/// Puts in place of the tangents of values that repeat, the diagonal of their block of V^H dA V, those of the
/// values that the direction [splits](split) them into.
///
/// Their own derivatives, in a further direction, are those of another split if that splits the values too. They are
/// those of [`split_along`](fn@split_along), where its arguments are known.
pub(crate) fn split_values<T: Scalar>(
    sizes: &Sizes,
    values: &[T::Real],
    all: f64,
    order: Order,
    (block, again): (
        impl Fn(Range<usize>) -> DMatrix<T>,
        impl Fn(Range<usize>) -> Option<(DMatrix<T>, DMatrix<T>)>,
    ),
    values_dot: &mut [T::Real],
) {
    for range in sizes.repeated() {
        let arguments = if T::Real::BASE { None } else { again(range.clone()) };
        if let Some((moved, direction)) = arguments {
            let (split, _) = split(&block(range.clone()).map(plain), all, order).unzip();
            let Ok(mut again) = split_along(&moved, &direction) else { continue };
            if order == Order::Decreasing {
                again.as_mut_slice().reverse();
            }
            for (k, i) in range.enumerate() {
                let value = split.as_ref().map_or(values_dot[i], |split| split[k]);
                values_dot[i] = plain(value) + (again[k] - plain(again[k]));
            }
            continue;
        }
        let Some((split, _)) = split(&block(range.clone()), all, order) else { continue };
        let open = range.clone().fold(nalgebra::zero(), |open: T::Real, i| {
            open + jumping(values[i] - values[range.start])
        });
        range.zip(split.iter()).for_each(|(i, &split)| values_dot[i] = split + open);
    }
}

/// The arguments of [`split_along`](fn@split_along) for a range of values of A that are one.
///
/// A moves the vectors of the range by X = sum over the others of v_k (v_k^H A v_j) / (w_j - w_k), of which only the
/// derivatives are not zero; so the block of V^H dA V is v_i^H dA v_j and what X and X^H make of that.
pub(crate) fn second_order<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<T::Real, D>,
    vectors: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> impl Fn(Range<usize>) -> Option<(DMatrix<T>, DMatrix<T>)>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    // The same for each range, and of no use where there is none.
    let turned = LazyCell::new(move || {
        let v = vectors.map(plain);
        (in_basis(&v, block(&evenly(a))), in_basis(&v, block(&hermitian(a_dot))))
    });
    move |range| {
        let (turned, turned_dot) = &*turned;
        let moving = |k: usize, j: usize| turned[(k, j)] - plain(turned[(k, j)]);
        let mut direction = part(turned_dot, range.clone());
        for k in (0..values.len()).filter(|k| !range.contains(k)) {
            let gap = plain(values[range.start] - values[k]);
            for (l, j) in range.clone().enumerate() {
                for (m, i) in range.clone().enumerate() {
                    let both = moving(k, i).conjugate() * turned_dot[(k, j)]
                        + turned_dot[(k, i)].conjugate() * moving(k, j);
                    direction[(m, l)] += both.unscale(gap);
                }
            }
        }
        Some((part(turned, range), direction))
    }
}

/// The lower triangle on both sides, which vary as the two triangles of a Hermitian matrix do.
pub(crate) fn evenly<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let half: T::Real = nalgebra::convert(0.5);
    let moved = |x: T| if x.is_finite() { x - plain(x) } else { T::zero() };
    let (size, _) = a.shape_generic();
    OMatrix::from_fn_generic(size, size, |i, j| {
        let value = if i >= j { plain(a[(i, j)]) } else { plain(a[(j, i)].conjugate()) };
        value + (moved(a[(i, j)]) + moved(a[(j, i)]).conjugate()).scale(half)
    })
}

/// Replaces V^H dA V by V^H dV, F o (V^H dA V), but for the phases. Where an eigenvalue repeats and the
/// direction splits it into others than V has, or in another order, that is undefined.
pub(crate) fn over_gaps<T: Scalar>(
    primitive: &'static str,
    sizes: &Sizes,
    values: &[T::Real],
    turned: &mut DMatrixViewMut<'_, T>,
) {
    let mut quotients = Quotients::new::<T::Real>(primitive, largest_modulus(turned.iter()));
    for j in 0..values.len() {
        for i in (0..values.len()).filter(|&i| i != j) {
            let gap = values[j] - values[i];
            let (first, last) = (i.min(j), i.max(j));
            let disorder = turned[(first, first)].real() - turned[(last, last)].real();
            let found = sizes.difference(i, j, gap);
            turned[(i, j)] = quotients.over_difference(turned[(i, j)], gap, found, disorder);
        }
    }
    for i in 0..values.len() {
        turned[(i, i)] = T::zero();
    }
    quotients.report(|| {
        "an eigenvalue repeats and this direction splits it: its eigenvectors have no derivative along it"
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
/// A_bar = V M V^H with M_ii = w_bar_i and M_ij = (G - G^H)_ij / (2 (w_j - w_i)): see [`divide_by_gaps`].
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
    let sizes = Sizes::of_eigenvalues(values.as_slice(), v);
    let jump = sizes.differences_vanish(values.as_slice());
    let asked = asked_columns(jump, vectors_bar.as_view());
    keep_phases_adjoint(v, vectors_bar);
    let (size, _) = vectors.shape_generic();
    let mut g = OMatrix::<T, D, D>::zeros_generic(size, size);
    let bars = (vectors_bar.as_view(), false);
    multiply(T::one(), (v, true), bars, T::zero(), &mut block_mut(&mut g));
    let all = size_of_bars(largest_modulus(g.iter()), values_bar, values.as_slice());
    let bars = (values_bar, &asked[..]);
    divide_by_gaps(primitive, &sizes, values.as_slice(), bars, &mut block_mut(&mut g), all);
    hermitian_out_of_basis(vectors, &g)
}

/// What the vectors whose eigenvalues are apart from all others add to the cotangent of A in a derivative mode, the adjoint
/// of what [`hermitian_eigen_forward`] does with them. It takes their cotangents out of those of all.
pub(crate) fn vectors_alone_reverse<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<T::Real, D>,
    vectors: &OMatrix<T, D, D>,
    vectors_bar: &mut DMatrixViewMut<'_, T>,
) -> Option<OMatrix<T, D, D>>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let sizes = Sizes::of_eigenvalues(values.as_slice(), block(vectors));
    let chosen = apart_of(values.as_slice(), &sizes)?;
    let vectors = only(&chosen, block(vectors));
    let mut right = take(&chosen, vectors_bar);
    keep_phases_adjoint(block(&vectors), &mut block_mut(&mut right));
    let a = evenly(a);
    let modes = Modes::of(&a, None, values, &vectors);
    let x = modes.resolve(&right, &chosen);
    let mut bar = a.copied();
    let factors = ((block(&x), false), (block(&vectors), true));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut bar));
    Some(hermitian(&bar))
}

/// V M V^H for a Hermitian M: one triangle, for large ones, and the other from it.
fn hermitian_out_of_basis<T: Scalar, D: Dim>(
    v: &OMatrix<T, D, D>,
    m: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let count = v.nrows();
    if !<T::Real as Real>::BASE || count <= 2 * SMALL {
        return out_of_basis(v, m);
    }
    let (size, _) = v.shape_generic();
    let mut turned = OMatrix::zeros_generic(size, size);
    let product = product((block(v), false), (block(m), false));
    add_outer(Triangle::Lower, T::one(), block(&product), block(v), &mut block_mut(&mut turned));
    for j in 0..count {
        turned[(j, j)] = T::from_real(turned[(j, j)].real());
        for i in j + 1..count {
            turned[(j, i)] = turned[(i, j)].conjugate();
        }
    }
    turned
}

/// Replaces G, the cotangent of a basis in that basis, by the Hermitian M of
/// [`hermitian_eigen_reverse`], for values in order, increasing or not.
///
/// Where w_i and w_j are one eigenvalue that repeats, the function may depend on the choice of a basis, and then
/// has no gradient. If it does not, (G - G^H)_ij is zero, but M_ij is not determined by that: for a function of
/// V f(w) V^H it is f' S_ij, where G_ij is 2 f S_ij and w_bar_i is f' S_ii, and nobody knows f, which may be zero. So M
/// is defined only if nothing [asks] for these vectors, and all w_bar are equal: M_ij is zero then. The cotangents of
/// the values come with which vectors are asked for.
pub(crate) fn divide_by_gaps<T: Scalar>(
    primitive: &'static str,
    sizes: &Sizes,
    values: &[T::Real],
    (values_bar, asked): (&[T::Real], &[bool]),
    g: &mut DMatrixViewMut<'_, T>,
    all: f64,
) {
    let half: T::Real = nalgebra::convert(0.5);
    let mut gauge = Quotients::new::<T::Real>(primitive, all);
    let mut open = Quotients::new::<T::Real>(primitive, all);
    let mut weights = Quotients::new::<T::Real>(primitive, size_of(values_bar));
    let bars = settled_weights::<T::Real>(&mut weights, sizes, values_bar);
    for j in 0..values.len() {
        for i in 0..j {
            let (upper, lower) = (g[(i, j)], g[(j, i)].conjugate());
            let skew = (upper - lower).scale(half);
            let gap = values[j] - values[i];
            let entry = match sizes.difference(i, j, gap) {
                Gap::Apart => skew.unscale(gap),
                // A part of G that cancels has its rounding divided twice, one that does not has its own
                // digits.
                Gap::Near => {
                    let size = upper.modulus().to_f64() + lower.modulus().to_f64();
                    let cancels = skew.modulus().to_f64()
                        <= T::Real::default_epsilon().to_f64().cbrt() * size;
                    if cancels { held(skew.unscale(gap)) } else { skew.unscale(gap) }
                }
                Gap::Nothing => {
                    let mut entry = gauge.over_nothing(skew);
                    if asked[i] || asked[j] {
                        open.lose(1.0);
                        entry += undefined();
                    }
                    entry + undetermined(T::from_real(values_bar[i] - values_bar[j]))
                }
            };
            g[(i, j)] = entry;
            g[(j, i)] = entry.conjugate();
        }
    }
    if weights.is_lost() {
        open.lose(all);
    }
    if gauge.is_lost() {
        gauge.report_gauge();
    } else {
        open.report(|| {
            "an eigenvalue repeats, and the cotangents do not tell how the result changes along directions \
             that split it"
        });
    }
    for (i, value_bar) in bars.enumerate() {
        g[(i, i)] = T::from_real(value_bar);
    }
}

/// Cotangents of values, of which those of one that repeats have to be equal: the values are in order, and
/// which of them moves how is a choice of the basis. If they are not, that is undefined; left out, each is their
/// mean.
pub(crate) fn settled_weights<'a, S: Real>(
    open: &mut Quotients,
    sizes: &Sizes,
    weights: &'a [S],
) -> impl Iterator<Item = S> + use<'a, S> {
    let mut settled: Vec<(Range<usize>, S)> = Vec::new();
    for range in sizes.repeated() {
        let differences = range.clone().map(|i| weights[i] - weights[range.start]);
        let largest = largest_modulus(&differences.collect::<Vec<_>>());
        if !open.is_rounding(largest) {
            open.lose(largest);
            let count: S = nalgebra::convert(range.len() as f64);
            let sum = range.clone().fold(S::zero(), |sum, i| sum + weights[i]);
            settled.push((range, sum / count + undefined::<S>()));
        }
    }
    weights.iter().enumerate().map(move |(i, &weight)| {
        let found = settled.iter().find(|(range, _)| range.contains(&i));
        found.map_or(weight, |(_, weight)| *weight)
    })
}

/// Two weights w of values v, of which the direction moves them by `moved`, w first, if it moves the weights too.
pub(crate) struct Pair<S> {
    weights: S,
    gap: S,
    moved: Option<(S, S)>,
}

impl<S: Real> Pair<S> {
    /// Those at j less those at i, with how far the direction moves the values apart.
    pub(crate) fn of(
        (i, j): (usize, usize),
        weights: &[S],
        weights_dot: Option<&[S]>,
        (gap, gap_dot): (S, S),
    ) -> Self {
        let moved = weights_dot.map(|weights_dot| (weights_dot[j] - weights_dot[i], gap_dot));
        Self { weights: weights[j] - weights[i], gap, moved }
    }
}

/// x (w_j - w_i) / (v_j - v_i) for weights w of values v, with their differences.
///
/// What is left of two weights that are nearly the same may be rounding. Those that are the derivatives by the values of a
/// function symmetric in these move with them by the same quotient, but for the size of the gap: where the other's digits
/// are fewer and its rounding has room for this, it is taken. Else it is not determined.
pub(crate) fn slope<T: Scalar>(
    quotients: &mut Quotients,
    x: T,
    pair: &Pair<T::Real>,
    (most, size): (f64, f64),
    found: Gap,
) -> T {
    if found == Gap::Nothing {
        return undetermined(x);
    }
    let Pair { weights, gap, moved } = *pair;
    let (differ, apart) = (weights.to_f64().abs(), gap.to_f64().abs());
    let lost = differ > 0.0 && differ <= 10.0 * rounding_of::<T::Real>(most);
    let epsilon = T::Real::default_epsilon().to_f64();
    if let Some((weights_dot, values_dot)) = moved.filter(|_| apart < epsilon.sqrt() * size) {
        let quotient = weights_dot / values_dot;
        let (along, other) = (quotient.to_f64(), (weights / gap).to_f64());
        let rounding =
            if lost { 10.0 * rounding_of::<T::Real>(most) } else { 4.0 * epsilon * most };
        let own = along.abs() * apart / size + 4.0 * epsilon * most / values_dot.to_f64().abs();
        if (along - other).abs() <= rounding / apart && own < rounding / apart {
            return held(x.scale(quotient));
        }
    }
    if lost {
        if !quotients.is_rounding(x.modulus().to_f64()) {
            quotients.lose(x.modulus().to_f64());
            return undefined();
        }
        return T::zero();
    }
    let moved = times_quotient(x, weights, gap);
    if found == Gap::Near { held(moved) } else { moved }
}

/// Adds R diag(w_dot) R^H to the block of values that are one, for the basis R in which a direction splits them,
/// which is given with their tangents where it is not that of the block.
///
/// Where it does not split two of them, their w_dot have to be equal.
pub(crate) fn add_split<T: Scalar>(
    quotients: &mut Quotients,
    range: Range<usize>,
    split: Option<(DVector<T::Real>, DMatrix<T>)>,
    values_dot: impl Fn(usize) -> T::Real,
    weights_dot: &[T::Real],
    m: &mut DMatrixViewMut<'_, T>,
) {
    let count = range.len();
    let unsplit = || {
        let values = DVector::from_fn(count, |i, _| values_dot(range.start + i));
        (values, DMatrix::identity(count, count))
    };
    let (values, basis) = split.unwrap_or_else(unsplit);
    let all = size_of(weights_dot);
    let mut weights = DVector::from_fn(count, |i, _| weights_dot[range.start + i]);
    for i in 0..count {
        for j in 0..i {
            let gap = (values[i] - values[j]).to_f64().abs();
            let differ =
                (weights_dot[range.start + i] - weights_dot[range.start + j]).to_f64().abs();
            if quotients.is_rounding(gap) && differ > rounding_of::<T::Real>(all) {
                quotients.lose(differ);
                weights[i] = undefined();
            }
        }
    }
    let mut scaled = basis.copied();
    for (mut column, &weight) in scaled.column_iter_mut().zip(weights.iter()) {
        column.apply(|x| *x = x.scale(weight));
    }
    let added = product((block(&scaled), false), (block(&basis), true));
    for (j, column) in added.column_iter().enumerate() {
        for (i, &x) in column.iter().enumerate() {
            m[(range.start + i, range.start + j)] += x;
        }
    }
}

/// V diag(w) V^H, whose weights are real.
pub(crate) fn weighted<T: Scalar, D: Dim>(
    vectors: &OMatrix<T, D, D>,
    weights: impl Iterator<Item = T::Real>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut scaled = vectors.copied();
    for (mut column, weight) in scaled.column_iter_mut().zip(weights) {
        column.apply(|x| *x = x.scale(weight));
    }
    let mut sum = scaled.copied();
    let factors = ((block(&scaled), false), (block(vectors), true));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut sum));
    sum
}

/// The gradient V diag(w) V^H of a function of the eigenvalues of a Hermitian A by these weights, its derivatives by
/// them; `eigen` are the factors of A. At a plain number it is that product; its own derivatives are those of
/// [`eigenvalue_gradient`](fn@eigenvalue_gradient).
pub(crate) fn gradient_of_eigenvalues<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    weights: &OVector<T::Real, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    if !<T::Real as Real>::BASE && !a.is_empty() {
        return eigenvalue_gradient(a, weights, &Known::eigen(eigen)).expect(FIT);
    }
    settled_gradient(eigen, weights)
}

fn settled_gradient<T: Scalar, D: Dim>(
    eigen: &SymmetricEigen<T, D>,
    weights: &OVector<T::Real, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let SymmetricEigen { eigenvalues, eigenvectors } = eigen;
    let sizes = Sizes::of_eigenvalues(eigenvalues.as_slice(), block(eigenvectors));
    let all = size_of(weights.as_slice());
    let mut open = Quotients::new::<T::Real>("symmetric_eigenvalues", all);
    let settled = settled_weights(&mut open, &sizes, weights.as_slice());
    open.report(|| {
        "an eigenvalue repeats, and the result depends on which of the same it is: there it has a kink"
    });
    weighted(eigenvectors, settled)
}

/// V diag(w) V^H for the eigenvectors of a Hermitian A and any weights: the gradient of a function of the eigenvalues,
/// for whose derivatives the rules of [`symmetric_eigenvalues`](fn@crate::symmetric_eigenvalues) call it.
///
/// `known` are the factors of A, if the caller has them.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With H = V^H dA V, V^H dV = F o H gives V M V^H with M_ij = H_ij (w_j - w_i) / (v_j - v_i) beside the
/// diagonal and M_ii = dw_i. By A it is its own adjoint.
///
/// Where an eigenvalue v repeats, the weights are equal, or the function has no gradient; the basis is then the one
/// in which the direction splits the value, and dw belongs to its vectors, since the tangents of the eigenvalues
/// are sorted so. For a function that is symmetric in the values this is its second derivative (Lewis and Sendov
/// 2001, "Twice differentiable spectral functions", theorem 3.3, in that basis).
#[primitive(
    forward = eigenvalue_gradient_forward,
    reverse = eigenvalue_gradient_reverse,
    saves = eigenvalue_gradient_and_factors -> SymmetricEigen<T, D>,
    reads(weights),
    constant(known),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub(crate) fn eigenvalue_gradient<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    weights: &OVector<T::Real, D>,
    known: &Known,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    eigenvalue_gradient_and_factors(a, weights, known).map(|(gradient, _)| gradient)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn eigenvalue_gradient_and_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    weights: &OVector<T::Real, D>,
    known: &Known,
) -> Result<(OMatrix<T, D, D>, SymmetricEigen<T, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    shape("weights", (weights.nrows(), 1), (a.nrows(), 1))?;
    let (size, _) = a.shape_generic();
    let eigen = match known.reals() {
        Some(mut reals) if <T::Real as Real>::BASE => SymmetricEigen {
            eigenvalues: OVector::from_fn_generic(size, U1, |_, _| next(&mut reals)),
            eigenvectors: OMatrix::from_fn_generic(size, size, |_, _| next(&mut reals)),
        },
        _ => symmetric_eigen(a)?,
    };
    Ok((settled_gradient(&eigen, weights), eigen))
}

/// V M V^H for a direction, with tangents of the weights or without.
fn along<T: Scalar, D: Dim>(
    eigen: &SymmetricEigen<T, D>,
    weights: &OVector<T::Real, D>,
    weights_dot: Option<&OVector<T::Real, D>>,
    h: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let SymmetricEigen { eigenvalues: values, eigenvectors } = eigen;
    let sizes = Sizes::of_eigenvalues(values.as_slice(), block(eigenvectors));
    let all = largest_modulus(h.iter());
    let mut quotients = Quotients::new::<T::Real>("symmetric_eigenvalues", all);
    let mut m = h.copied();
    let (most, size) = (size_of(weights.as_slice()), size_of(values.as_slice()));
    for j in 0..values.len() {
        for i in 0..values.len() {
            m[(i, j)] = if sizes.are_one(i, j) || i == j {
                let kink = (weights[i] - weights[j]).to_f64().abs();
                if (kink.is_nan() || kink > rounding_of::<T::Real>(most)) && i != j {
                    quotients.lose(most);
                    undefined()
                } else {
                    T::zero()
                }
            } else {
                let gap = values[j] - values[i];
                let found = sizes.difference(i, j, gap);
                let gap_dot = (h[(j, j)] - h[(i, i)]).real();
                let weights_dot = weights_dot.map(OVector::as_slice);
                let pair = Pair::of((i, j), weights.as_slice(), weights_dot, (gap, gap_dot));
                slope(&mut quotients, h[(i, j)], &pair, (most, size), found)
            };
        }
    }
    if let Some(weights_dot) = weights_dot {
        for i in (0..values.len()).filter(|&i| !sizes.repeats(i)) {
            m[(i, i)] = T::from_real(weights_dot[i]);
        }
        for range in sizes.repeated() {
            let split = split(&part(h, range.clone()), all, Order::Increasing);
            let values_dot = |i: usize| h[(i, i)].real();
            let m = &mut block_mut(&mut m);
            add_split(&mut quotients, range, split, values_dot, weights_dot.as_slice(), m);
        }
    }
    quotients.report(|| {
        "an eigenvalue repeats or nearly so, and the direction does not tell how weights that differ belong to its \
         vectors"
    });
    out_of_basis(eigenvectors, &m)
}

fn eigenvalue_gradient_forward<T: Scalar, D: Dim>(
    weights: &OVector<T::Real, D>,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
    weights_dot: &OVector<T::Real, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    along(
        eigen,
        weights,
        Some(weights_dot),
        &in_basis(&eigen.eigenvectors, block(&hermitian(a_dot))),
    )
}

/// What is Hermitian of a matrix.
pub(crate) fn hermitian<T: Scalar, D: Dim>(m: &OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let half: T::Real = nalgebra::convert(0.5);
    (m + m.adjoint()).map(|x| x.scale(half))
}

fn eigenvalue_gradient_reverse<T: Scalar, D: Dim>(
    weights: &OVector<T::Real, D>,
    eigen: &SymmetricEigen<T, D>,
    y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    weights_bar: Slot<'_, OVector<T::Real, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let h = in_basis(&eigen.eigenvectors, block(&hermitian(&y_bar.into_owned())));
    weights_bar.add(|| {
        let (size, _) = h.shape_generic();
        let mut bar = OVector::from_fn_generic(size, U1, |i, _| h[(i, i)].real());
        let values = eigen.eigenvalues.as_slice();
        let sizes = Sizes::of_eigenvalues(values, block(&eigen.eigenvectors));
        let all = largest_modulus(h.iter());
        split_values(
            &sizes,
            values,
            all,
            Order::Increasing,
            (|range| part(&h, range), |_| None),
            bar.as_mut_slice(),
        );
        bar
    });
    a_bar.add(|| along(eigen, weights, None, &h));
}

/// The eigenvalues of a Hermitian direction, in increasing order: the derivatives along it of those of a Hermitian
/// block that is a multiple of one, on whose value they do not depend.
///
/// It is there for its derivatives, the second derivatives of the eigenvalues of the block.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// Where the block moves, it splits itself, and the eigenvalues are those of the split: they have derivatives along the
/// direction only if a basis R makes both diagonal, and both in order. These move by the diagonal of R^H dE R. If there is
/// no such basis, which eigenvalue moves how is not determined, also for functions symmetric in them.
#[primitive(
    forward = split_along_forward,
    reverse = split_along_reverse,
    reads(direction),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample_of_split
)]
pub(crate) fn split_along<T: Scalar, D: DimSub<U1>>(
    block: &OMatrix<T, D, D>,
    direction: &OMatrix<T, D, D>,
) -> Result<OVector<T::Real, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    shape("block", block.shape(), direction.shape())?;
    diagnosed(|| symmetric_eigen(direction)).0.map(|eigen| eigen.eigenvalues)
}

fn split_along_forward<T: Scalar, D: DimSub<U1>>(
    direction: &OMatrix<T, D, D>,
    block_dot: &OMatrix<T, D, D>,
    direction_dot: &OMatrix<T, D, D>,
) -> OVector<T::Real, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let (size, _) = direction.shape_generic();
    let undefined = || OVector::from_element_generic(size, U1, undefined());
    let Ok(eigen) = diagnosed(|| symmetric_eigen(direction)).0 else { return undefined() };
    let SymmetricEigen { eigenvalues, eigenvectors: mut basis } = eigen;
    let sizes = Sizes::of_eigenvalues(eigenvalues.as_slice(), block(&basis));
    // What is the same along the direction is split by how the block moves, then by how the direction does.
    let mut same: Vec<_> = sizes.repeated().collect();
    for moved in [block_dot, direction_dot] {
        let turned = in_basis(&basis, block(moved));
        let all = largest_modulus(moved.iter());
        let rounding = rounding_of::<T::Real>(all);
        let mut left = Vec::new();
        for range in same {
            let found = split(&part(&turned, range.clone()), all, Order::Increasing);
            let diagonal = || range.clone().map(|i| turned[(i, i)].real()).collect();
            let values: Vec<T::Real> = found
                .as_ref()
                .map_or_else(diagonal, |(values, _)| values.iter().copied().collect());
            if let Some((_, turn)) = found {
                let columns = block(&basis).columns_range(range.clone()).into_owned();
                let columns = product((block(&columns), false), (block(&turn), false));
                block_mut(&mut basis).columns_range_mut(range.clone()).copy_from(&columns);
            }
            let mut start = 0;
            for i in 1..=values.len() {
                if i == values.len() || (values[i] - values[i - 1]).to_f64() > rounding {
                    left.push(range.start + start..range.start + i);
                    start = i;
                }
            }
        }
        same = left.into_iter().filter(|range| range.len() > 1).collect();
    }
    let (moved, rounding) = (
        in_basis(&basis, block(block_dot)),
        rounding_of::<T::Real>(largest_modulus(block_dot.iter())),
    );
    for j in 0..size.value() {
        for i in 0..j {
            let beside = moved[(i, j)].modulus().to_f64();
            let step = (moved[(j, j)].real() - moved[(i, i)].real()).to_f64();
            if beside > rounding || step < -rounding {
                report(Diagnostic::undefined("symmetric_eigenvalues", APART));
                return undefined();
            }
        }
    }
    let turned = in_basis(&basis, block(direction_dot));
    OVector::from_fn_generic(size, U1, |i, _| {
        let moved = turned[(i, i)].real();
        // Third derivatives would take how R moves.
        if size.value() > 1 { held(moved) } else { moved }
    })
}

const APART: &str = "an eigenvalue repeats, and two directions split it by different vectors: how it moves along both \
                     is not determined";

fn split_along_reverse<T: Scalar, D: DimSub<U1>>(
    direction: &OMatrix<T, D, D>,
    y_bar: Cotangent<'_, OVector<T::Real, D>>,
    block_bar: Slot<'_, OMatrix<T, D, D>>,
    direction_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let y_bar = y_bar.into_owned();
    let (size, _) = direction.shape_generic();
    let undefined = || OMatrix::from_element_generic(size, size, undefined());
    let mut open = Quotients::new::<T::Real>("symmetric_eigenvalues", size_of(y_bar.as_slice()));
    for i in 1..size.value() {
        let _ = open.over_nothing(y_bar[i] - y_bar[0]);
    }
    let lost = open.is_lost();
    open.report(|| APART);
    // Their sum does not ask how the block splits.
    if lost {
        block_bar.add(undefined);
    }
    direction_bar.add(|| match diagnosed(|| symmetric_eigen(direction)).0 {
        Ok(eigen) => gradient_of_eigenvalues(direction, &eigen, &y_bar),
        Err(_) => undefined(),
    });
}

fn sample_of_split<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    // Of more than one row it is a formal device.
    (random.matrix(1, 1), DMatrix::from_element(1, 1, T::from_real(random.normal())))
}

/// A block on the diagonal.
pub(crate) fn part<T: Scalar, D: Dim>(h: &OMatrix<T, D, D>, range: Range<usize>) -> DMatrix<T>
where
    DefaultAllocator: Allocator<D, D>,
{
    block(h).view((range.start, range.start), (range.len(), range.len())).into_owned()
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T::Real>, Known) {
    let a: DMatrix<T> = sample::hermitian(random);
    let weights = random.vector(a.nrows());
    (a, weights, Known::default())
}
