use std::cell::LazyCell;

use difrules_core::diagnostic::jumps;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixViewMut, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::hermitian_eigen::{
    Order, divide_by_gaps, evenly, gradient_of_eigenvalues, hermitian, hermitian_eigen,
    keep_phases, keep_phases_adjoint, over_gaps, part, second_order, size_of_bars, split_values,
    turn,
};
use crate::algebra::modulus::largest_modulus;
use crate::algebra::resolvent::{Modes, only, take};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{
    FIT, block, block_mut, buffer, in_basis, multiply, out_of_basis, product, solve_again, varies,
};
use crate::decomposition::cholesky::cholesky;
use crate::decomposition::symmetric_eigen::SymmetricEigen;
use crate::error::{Error, finite_triangle, shape, solved, square};
use crate::sample;
use crate::tolerance::{Gap, Sizes, asked_columns, asks, plain};

/// The eigenvalues and eigenvectors of a pencil, A V = B V diag(w), with a Hermitian A and a Hermitian
/// positive definite B, of which only the lower triangles are read: the values in increasing order,
/// the vectors with V^H B V = 1, and the first of their largest entries real and positive.
///
/// A and B are Hermitian by contract, so their cotangents are.
///
/// By the eigenvalues of L^-1 A L^-H for B = L L^H, as LAPACK's `sygv`: the error of a value is a rounding of the largest
/// times the condition number of B, where B over the roots of its diagonal on both sides counts. Of a badly conditioned
/// B the small values have less digits.
///
/// Where eigenvalues repeat it is as in [`symmetric_eigen`](fn@crate::symmetric_eigen): what is not determined is
/// NaN and [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::NotPositiveDefinite`] if B is not, [`Error::Singular`] if it is so near to it that
/// eigenvalues overflow, [`Error::NoConvergence`].
///
/// # Derivation
/// With X = V^-1 dV and S = V^H dB V, V^H B V = 1 gives X + X^H = -S, so X = W - S / 2 with a
/// skew-Hermitian W; and A V = B V diag(w), from the left by V^H, gives
/// V^H dA V - S diag(w) = X diag(w) - diag(w) X + diag(dw). So dw_i = H_ii and W = F o H with
/// F_ij = 1 / (w_j - w_i), for the Hermitian
///
/// H = V^H dA V - (S diag(w) + diag(w) S) / 2
///
/// (de Leeuw 2007, "Derivatives of generalized eigen systems with applications", for real pencils). So W
/// follows from H as the eigenvectors of one Hermitian matrix do, also where eigenvalues repeat:
/// `algebra/hermitian_eigen.rs`. Where w_i and w_j are far from each other, what is left of the two parts of X is
/// X_ij = (V^H dA V - S diag(w))_ij / (w_j - w_i), of which nothing cancels. Backwards, with M the cotangent of H and
/// G = V^H V_bar, A_bar = V M V^H and B_bar = -V (M diag(w) + diag(w) M + (G + G^H) / 2) V^H / 2, but for the entries
/// of values that are far from each other: -(w_j G_ij - w_i conj(G_ji)) / (2 (w_j - w_i)). Forward takes five products, 10 n^3
/// multiplications and additions, reverse as many, beside some 13 n^3 of the primal.
///
/// ```
/// use difrules_linalg::generalized_symmetric_eigen;
/// use nalgebra::{dmatrix, dvector};
///
/// let (stiffness, mass) = (dmatrix![3.0_f64, -1.0; -1.0, 3.0], dmatrix![1.0, 0.0; 0.0, 1.0]);
/// let modes = generalized_symmetric_eigen(&stiffness, &(mass * 2.0))?;
/// assert!((modes.eigenvalues - dvector![1.0, 2.0]).norm() < 1e-14);
/// assert!((modes.eigenvectors.column(0) - dvector![0.5, 0.5]).norm() < 1e-14);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = generalized_symmetric_eigen_forward,
    reverse = generalized_symmetric_eigen_reverse,
    reads(a, b, return),
    structure(a = hermitian, b = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn generalized_symmetric_eigen<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
) -> Result<SymmetricEigen<T, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let size = square("a", a.shape())?;
    square("b", b.shape())?;
    shape("b", b.shape(), (size, size))?;
    finite_triangle("a", Triangle::Lower, Diagonal::General, a)?;
    finite_triangle("b", Triangle::Lower, Diagonal::General, b)?;
    let l = cholesky(b)?;
    let (adjoint, lower) = (Operation::Adjoint, Triangle::Lower);
    let c = reduced(a, &l);
    let pivots = || (0..size).map(|i| l[(i, i)]);
    solved(&c, pivots())?;
    let (eigenvalues, mut eigenvectors) = hermitian_eigen(&c)?;
    solve_again(Side::Left, lower, adjoint, block(&l), &mut block_mut(&mut eigenvectors));
    solved(&eigenvectors, pivots())?;
    turn(block_mut(&mut eigenvectors));
    let repeat = sizes(&eigenvalues, &eigenvectors, b).differences_vanish(eigenvalues.as_slice());
    jumps("generalized_symmetric_eigen", repeat);
    Ok(SymmetricEigen { eigenvalues, eigenvectors })
}

/// C = L^-1 A L^-H with A's lower triangle on both sides.
fn reduced<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>, l: &OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut c = a.clone();
    for j in 0..a.nrows() {
        c[(j, j)] = T::from_real(a[(j, j)].real());
        for i in j + 1..a.nrows() {
            c[(j, i)] = a[(i, j)].conjugate();
        }
    }
    let lower = Triangle::Lower;
    solve_again(Side::Left, lower, Operation::None, block(l), &mut block_mut(&mut c));
    solve_again(Side::Right, lower, Operation::Adjoint, block(l), &mut block_mut(&mut c));
    c
}

/// The gradients V diag(g) V^H by A and -V diag(w g) V^H by B of a function of the eigenvalues alone, by way of those of
/// C = U diag(w) U^H, with U = L^H V: where values repeat their own derivatives are those of the primitive for these.
fn gradients_of_values<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    values_bar: &OVector<T::Real, D>,
) -> (OMatrix<T, D, D>, OMatrix<T, D, D>)
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let l = cholesky(&evenly(b)).expect(FIT);
    let c = reduced(&evenly(a), &l);
    let eigenvalues = eigen.eigenvalues.clone();
    let mut eigenvectors = eigen.eigenvectors.clone();
    let factors = ((block(&l), true), (block(&eigen.eigenvectors), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut eigenvectors));
    let of_c = SymmetricEigen { eigenvalues, eigenvectors };
    let lower = Triangle::Lower;
    let gradient = |weights: &OVector<T::Real, D>| {
        let mut bar = gradient_of_eigenvalues(&c, &of_c, weights);
        solve_again(Side::Left, lower, Operation::Adjoint, block(&l), &mut block_mut(&mut bar));
        solve_again(Side::Right, lower, Operation::None, block(&l), &mut block_mut(&mut bar));
        bar
    };
    let by_b = values_bar.zip_map(&of_c.eigenvalues, |g, w| -(g * w));
    (gradient(values_bar), gradient(&by_b))
}

/// The sizes of the eigenvalues of C = U diag(w) U^H, with U = L^H V for B = L L^H. Those of B^-1 A are larger by the
/// condition of B, but that matrix is never made.
fn sizes<T: Scalar, D: Dim>(
    w: &OVector<T::Real, D>,
    v: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
) -> Sizes
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    Sizes::of_pencil(w.as_slice(), || {
        let l = diagnosed(|| cholesky(&b.map(plain))).0.ok()?;
        Some(product((block(&l), true), (block(&v.map(plain)), false)))
    })
}

/// Whether two eigenvalues are so far from each other that their sum is no larger than a few times the difference.
fn are_far<S: Real, D: Dim>(w: &OVector<S, D>, sizes: &Sizes, (i, j): (usize, usize)) -> bool
where
    DefaultAllocator: Allocator<D>,
{
    let (first, last) = (w[i].to_f64(), w[j].to_f64());
    let far = (first - last).abs() > 0.5 * first.abs().max(last.abs());
    far && sizes.difference(i, j, w[j] - w[i]) == Gap::Apart
}

/// Which vectors are differentiated by themselves in a derivative mode: all whose eigenvalues are apart from all others.
/// Where B is graded so are the vectors, and what they make of each other cancels.
fn apart_of<S: Real, D: Dim>(w: &OVector<S, D>, sizes: &Sizes) -> Option<Vec<bool>>
where
    DefaultAllocator: Allocator<D>,
{
    if S::BASE {
        return None;
    }
    let apart = |i: usize, j: usize| sizes.difference(i, j, w[j] - w[i]) == Gap::Apart;
    let chosen = (0..w.len()).map(|j| (0..w.len()).all(|i| i == j || apart(i, j)));
    let chosen: Vec<bool> = chosen.collect();
    chosen.contains(&true).then_some(chosen)
}

fn half<T: Scalar>() -> T::Real {
    nalgebra::convert(0.5)
}

/// The tangent of C = L^-1 A L^-H: with K the lower triangle of L^-1 dB L^-H and half of its diagonal, dL = L K, and so
/// dC = L^-1 dA L^-H - K C - C K^H.
fn reduced_along<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    c: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (mut moved, mut k) = (reduced(&hermitian(a_dot), l), reduced(&hermitian(b_dot), l));
    for j in 0..k.ncols() {
        k[(j, j)] = k[(j, j)].scale(half::<T>());
        (0..j).for_each(|i| k[(i, j)] = T::zero());
    }
    let one = T::one();
    let (k, c) = (block(&k), block(c));
    multiply(-one, (k, false), (c, false), one, &mut block_mut(&mut moved));
    multiply(-one, (c, false), (k, true), one, &mut block_mut(&mut moved));
    moved
}

fn generalized_symmetric_eigen_forward<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
    b_dot: &OMatrix<T, D, D>,
) -> SymmetricEigen<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let SymmetricEigen { eigenvalues: w, eigenvectors: v } = eigen;
    let s = in_basis(v, block(b_dot));
    let mut h = in_basis(v, block(a_dot));
    let sizes = sizes(w, v, b);
    for j in 0..w.len() {
        for i in 0..w.len() {
            let far = are_far(w, &sizes, (i, j));
            let by = if far { w[j] } else { (w[i] + w[j]) * half::<T>() };
            h[(i, j)] -= s[(i, j)].scale(by);
        }
    }
    let size = v.shape_generic().0;
    let mut eigenvalues = OVector::from_fn_generic(size, U1, |i, _| h[(i, i)].real());
    let (all, order) = (largest_modulus(h.iter()), Order::Increasing);
    let clusters = |range| part(&h, range);
    // As the eigenvalues of C = U diag(w) U^H, with U = L^H V.
    let moving = LazyCell::new(|| {
        let l = cholesky(&evenly(b)).ok()?;
        let c = reduced(&evenly(a), &l);
        let c_dot = reduced_along(&l, &c, a_dot, b_dot);
        let mut u = v.clone();
        let factors = ((block(&l), true), (block(v), false));
        multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut u));
        Some((c, u, c_dot))
    });
    let again = |range| {
        let (c, u, c_dot) = moving.as_ref()?;
        second_order(c, w, u, c_dot)(range)
    };
    let values = w.as_slice();
    split_values(&sizes, values, all, order, (clusters, again), eigenvalues.as_mut_slice());
    over_gaps("generalized_symmetric_eigen", &sizes, w.as_slice(), &mut block_mut(&mut h));
    for j in 0..w.len() {
        for i in (0..w.len()).filter(|&i| !are_far(w, &sizes, (i, j))) {
            h[(i, j)] -= s[(i, j)].scale(half::<T>());
        }
    }
    let mut eigenvectors = OMatrix::zeros_generic(size, size);
    let factors = ((block(v), false), (block(&h), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut eigenvectors));
    if let Some(chosen) = apart_of(w, &sizes) {
        let vectors = only(&chosen, block(v));
        let moved = product((block(b_dot), false), (block(&vectors), false));
        let mut right = product((block(a_dot), false), (block(&vectors), false));
        for j in 0..w.len() {
            right.column_mut(j).zip_apply(&moved.column(j), |x, y| *x -= y.scale(w[j]));
        }
        let (a, b) = (evenly(a), evenly(b));
        let x = Modes::of(&a, Some(&b), w, &vectors).resolve(&right, &chosen);
        let mut eigenvectors = block_mut(&mut eigenvectors);
        for j in (0..w.len()).filter(|&j| chosen[j]) {
            let v = vectors.column(j);
            let along = v.dotc(&moved.column(j)).scale(half::<T>());
            eigenvectors.column_mut(j).copy_from(&x.column(j));
            eigenvectors.column_mut(j).axpy(-along, &v, T::one());
        }
    }
    keep_phases(block(v), &mut block_mut(&mut eigenvectors));
    SymmetricEigen { eigenvalues, eigenvectors }
}

fn generalized_symmetric_eigen_reverse<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    b: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    (values_bar, mut vectors_bar): Cotangent<'_, SymmetricEigen<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let SymmetricEigen { eigenvalues: w, eigenvectors: v } = eigen;
    let alone = if !<T::Real as Real>::BASE && varies(&vectors_bar) {
        vectors_alone_reverse((a, b), w, v, &mut buffer(&mut vectors_bar))
    } else {
        None
    };
    let (alone_a, alone_b) = alone.unzip();
    let with = |bar: OMatrix<T, D, D>, alone: Option<OMatrix<T, D, D>>| match alone {
        Some(alone) => bar + alone,
        None => bar,
    };
    let asked = || {
        varies(&vectors_bar)
            || asks(vectors_bar.iter()) && sizes(w, v, b).differences_vanish(w.as_slice())
    };
    if !<T::Real as Real>::BASE && !asked() {
        let (of_a, of_b) = gradients_of_values(a, b, eigen, &values_bar.into_owned());
        a_bar.add(|| with(of_a, alone_a));
        b_bar.add(|| with(of_b, alone_b));
        return;
    }
    let mut vectors_bar = buffer(&mut vectors_bar);
    let sizes = sizes(w, v, b);
    let asked = asked_columns(sizes.differences_vanish(w.as_slice()), vectors_bar.as_view());
    keep_phases_adjoint(block(v), &mut vectors_bar);
    let size = v.shape_generic().0;
    let mut m = OMatrix::<T, D, D>::zeros_generic(size, size);
    let product = ((block(v), true), (vectors_bar.as_view(), false));
    multiply(T::one(), product.0, product.1, T::zero(), &mut block_mut(&mut m));
    let mut s_bar = m.clone();
    let all = size_of_bars(largest_modulus(m.iter()), values_bar.as_slice(), w.as_slice());
    let name = "generalized_symmetric_eigen";
    let bars = (values_bar.as_slice(), &asked[..]);
    divide_by_gaps(name, &sizes, w.as_slice(), bars, &mut block_mut(&mut m), all);
    for j in 0..w.len() {
        for i in 0..=j {
            let (upper, lower) = (s_bar[(i, j)], s_bar[(j, i)].conjugate());
            let entry = if are_far(w, &sizes, (i, j)) {
                let gap = w[j] - w[i];
                lower.scale(w[i] / gap) - upper.scale(w[j] / gap)
            } else {
                let symmetric = (upper + lower).scale(half::<T>());
                -(m[(i, j)].scale(w[i] + w[j]) + symmetric)
            };
            let entry = entry.scale(half::<T>());
            s_bar[(i, j)] = entry;
            s_bar[(j, i)] = entry.conjugate();
        }
    }
    a_bar.add(|| with(hermitian(&out_of_basis(v, &m)), alone_a));
    b_bar.add(|| with(hermitian(&out_of_basis(v, &s_bar)), alone_b));
}

/// What the vectors whose eigenvalues are apart from all others add to the cotangents of A and of B in a derivative mode,
/// the adjoint of what the forward rule does with them: with x_j from [`Modes::resolve`], the Hermitian parts of the
/// sums of x_j v_j^H and of -(w_j x_j + v_j (v_j^H v_bar_j) / 2) v_j^H. It takes their cotangents out of those of all.
#[expect(clippy::type_complexity, reason = "two cotangents")]
fn vectors_alone_reverse<T: Scalar, D: Dim>(
    (a, b): (&OMatrix<T, D, D>, &OMatrix<T, D, D>),
    w: &OVector<T::Real, D>,
    v: &OMatrix<T, D, D>,
    vectors_bar: &mut DMatrixViewMut<'_, T>,
) -> Option<(OMatrix<T, D, D>, OMatrix<T, D, D>)>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let chosen = apart_of(w, &sizes(w, v, b))?;
    let vectors = only(&chosen, block(v));
    let mut right = take(&chosen, vectors_bar);
    keep_phases_adjoint(block(&vectors), &mut block_mut(&mut right));
    let (a, b) = (evenly(a), evenly(b));
    let mut x = Modes::of(&a, Some(&b), w, &vectors).resolve(&right, &chosen);
    let outer = |x: &DMatrix<T>| {
        let mut bar = a.clone();
        let factors = ((block(x), false), (block(&vectors), true));
        multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut bar));
        hermitian(&bar)
    };
    let of_a = outer(&x);
    for j in (0..w.len()).filter(|&j| chosen[j]) {
        let v = vectors.column(j);
        let along = v.dotc(&right.column(j)).scale(half::<T>());
        x.column_mut(j).apply(|x| *x = -x.scale(w[j]));
        x.column_mut(j).axpy(-along, &v, T::one());
    }
    Some((of_a, outer(&x)))
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let a = sample::hermitian(random);
    let b = random.positive_definite(a.nrows());
    (a, b)
}
