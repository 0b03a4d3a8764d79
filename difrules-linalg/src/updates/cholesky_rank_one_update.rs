use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DMatrix, DMatrixView, DMatrixViewMut, DVector, DVectorView, DefaultAllocator,
    Dim, OMatrix, OVector,
};

use crate::algebra::modulus::phase;
use crate::algebra::scaling::{exponent, is_single, times_power};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{block, block_mut, buffer, solve, solve_again};
use crate::error::{Error, finite, finite_triangle, overflow, shape, square};
use crate::tolerance::{Gap, gap_of, plain};

/// The Cholesky factor of A + s x x^H from the factor L of A, of which only the lower triangle is read, by operations of
/// the order of n^2: an update for a positive s, a downdate for a negative one.
///
/// The diagonal of the result has the signs of that of L.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::NotPositiveDefinite`] with the first pivot that a downdate leaves not positive, but for rounding;
/// [`Error::Singular`] if a diagonal entry of L is zero; [`Error::Overflow`].
///
/// # Derivation
/// A large update, of a positive s with s |L^-1 x|^2 above 1, is [L y] with y = sqrt(s) x times a rotation of the column j of L
/// and y, for each j, that leaves a zero in y (Gill, Golub, Murray and Saunders 1974, "Methods for modifying matrix
/// factorizations", section 3): with r = hypot(|L_jj|, |y_j|), c = |L_jj| / r and t = conj(y_j) L_jj / (|L_jj| r)
///
/// L'_j = c L_j + t y, y' = c y - conj(t) L_j.
///
/// The tangent of a rotation is one from the right, of L' and y', that keeps the zero and the phase of L'_jj: with
/// w = (c dy_j - conj(t) dL_jj) / L'_jj and a = Im(dL_jj / L_jj - (c dL_jj + t dy_j) / L'_jj), which is zero for real numbers,
///
/// dL'_j = c dL_j + t dy + conj(w) y' + i a L'_j, dy' = c dy - conj(t) dL_j - w L'_j - i a y'.
///
/// So no digit is lost, however far s x x^H is above A.
///
/// Else, with p = L^-1 x, it is L M, where M M^H = 1 + s p p^H:
/// with b_j = 1 + s (|p_0|^2 + .. + |p_(j-1)|^2) M has
///
/// M_jj = sqrt(b_(j+1) / b_j), M_ij = p_i h_j for i > j, h_j = s conj(p_j) / sqrt(b_j b_(j+1)).
///
/// For a negative s the b_j are summed from the last, so that nothing cancels but in that: as stable as LINPACK's downdate
/// (Stewart 1979, "The effects of rounding error on an algorithm for downdating a Cholesky factorization"). Column j of
/// L M is M_jj L_j + h_j u_j with the sum u_j of the p_i L_i, i > j, so d(L M) and its adjoint are sums over columns too,
/// from the last and from the first, and dp = L^-1 (dx - dL p). Each rule takes some 3 n^2 multiplications and additions
/// for the columns and n^2 for the solves, beside the primal's 3/2 n^2.
///
/// ```
/// use difrules_linalg::{Error, cholesky_rank_one_update};
/// use nalgebra::{dmatrix, dvector};
///
/// let l = dmatrix![2.0_f64, 0.0; 1.0, 2.0];
/// let up = cholesky_rank_one_update(&l, &dvector![2.0, 1.0], 3.0)?;
/// assert!((&up - dmatrix![4.0, 0.0; 2.0, 2.0]).norm() < 1e-15);
/// let down = cholesky_rank_one_update(&up, &dvector![2.0, 1.0], -3.0)?;
/// assert!((down - l).norm() < 1e-15);
///
/// let lost = cholesky_rank_one_update(&up, &dvector![2.0, 1.0], -4.0);
/// assert!(matches!(lost, Err(Error::NotPositiveDefinite { pivot: 0, .. })));
/// # Ok::<(), Error>(())
/// ```
#[primitive(
    forward = cholesky_rank_one_update_forward,
    reverse = cholesky_rank_one_update_reverse,
    reads(l, x, s),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn cholesky_rank_one_update<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OVector<T, D>,
    s: T::Real,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let size = square("l", l.shape())?;
    shape("x", x.shape(), (size, 1))?;
    finite_triangle("l", Triangle::Lower, Diagonal::General, l)?;
    finite("x", x)?;
    if !s.is_finite() {
        return Err(Error::NotFinite { argument: "s", row: 0, column: 0 });
    }
    let mut p = x.clone();
    let (l_block, lower) = (block(l), Triangle::Lower);
    solve(Side::Left, lower, Operation::None, l_block, &mut block_mut(&mut p))?;
    let update = Update::new(p.as_slice(), s);
    let (rows, columns) = l.shape_generic();
    let mut updated = OMatrix::zeros_generic(rows, columns);
    if update.is_large(s) {
        let mut y = scaled(x.as_slice(), s);
        for j in 0..size {
            let rotation = Rotation::new(l[(j, j)], y[j]);
            updated[(j, j)] = rotation.pivot;
            for i in j + 1..size {
                (updated[(i, j)], y[i]) = rotation.turn(l[(i, j)], y[i]);
            }
        }
        overflow("l", updated.as_slice())?;
        return Ok(updated);
    }
    if s < nalgebra::zero() && is_lost(update.b[size], size) {
        return Err(update.lost(l_block, p.as_slice(), s));
    }
    update.each_column(l_block, p.as_slice(), |j, u, l_j| {
        for i in j..size {
            updated[(i, j)] = l_j[i].scale(update.m[j]) + update.h[j] * u[i];
        }
    });
    overflow("l", updated.as_slice())?;
    Ok(updated)
}

/// Whether what is left of one after a downdate is not positive, but for rounding.
fn is_lost<S: Real>(last: S, size: usize) -> bool {
    let last = last.to_f64();
    last <= 0.0 || gap_of::<S>(last, 1.0, size) == Gap::Nothing
}

/// What M is made of.
struct Update<T: Scalar> {
    b: Vec<T::Real>,
    /// The diagonal.
    m: Vec<T::Real>,
    h: Vec<T>,
}

impl<T: Scalar> Update<T> {
    fn new(p: &[T], s: T::Real) -> Self {
        let size = p.len();
        let one: T::Real = nalgebra::one();
        let mut b = vec![one; size + 1];
        let part = |j: usize| s * p[j].modulus_squared();
        (0..size).for_each(|j| b[j + 1] = b[j] + part(j));
        if s < nalgebra::zero() {
            // What a b varies with is what comes before it: its value alone is summed from the last.
            let mut value = (0..size).fold(one, |sum, j| sum + plain(part(j)));
            for j in (0..=size).rev() {
                b[j] = value + (b[j] - plain(b[j]));
                if j > 0 {
                    value -= plain(part(j - 1));
                }
            }
        }
        let root = |x: T::Real| ComplexField::sqrt(x);
        let m = (0..size).map(|j| root(b[j + 1] / b[j])).collect();
        let h = |j: usize| p[j].conjugate().scale(s / (root(b[j]) * root(b[j + 1])));
        Self { m, h: (0..size).map(h).collect(), b }
    }

    /// Whether the update is so large that differences of the b lose digits: it is made by rotations.
    fn is_large(&self, s: T::Real) -> bool {
        let last = self.b[self.b.len() - 1].to_f64();
        s > nalgebra::zero() && (last > 2.0 || last.is_nan())
    }

    /// The pivot at which a downdate ends.
    fn lost(&self, l: DMatrixView<'_, T>, p: &[T], s: T::Real) -> Error {
        let mut left = 1.0;
        for (pivot, p) in p.iter().enumerate() {
            let next = left + (s * p.modulus_squared()).to_f64();
            if next <= 0.0 || pivot + 1 == l.nrows() {
                let value = l[(pivot, pivot)].modulus_squared().to_f64() * next / left;
                return Error::NotPositiveDefinite { pivot, value };
            }
            left = next;
        }
        Error::NotPositiveDefinite { pivot: 0, value: f64::NAN }
    }

    /// Calls a function with each column of L, from the last, and the sum of those after it times what p has there.
    fn each_column(
        &self,
        l: DMatrixView<'_, T>,
        p: &[T],
        mut f: impl FnMut(usize, &[T], DVectorView<'_, T>),
    ) {
        let size = p.len();
        let mut u = vec![T::zero(); size];
        for j in (0..size).rev() {
            let column = l.column(j);
            f(j, &u, column);
            (j..size).for_each(|i| u[i] += column[i] * p[j]);
        }
    }
}

/// sqrt(s) x.
fn scaled<T: Scalar>(x: &[T], s: T::Real) -> Vec<T> {
    let root = ComplexField::sqrt(s);
    x.iter().map(|x| x.scale(root)).collect()
}

/// The rotation of a column of L and of y that leaves a zero in place of an entry of y.
#[derive(Clone, Copy)]
struct Rotation<T: Scalar> {
    cosine: T::Real,
    sine: T,
    /// What is in place of the diagonal entry of L.
    pivot: T,
}

impl<T: Scalar> Rotation<T> {
    fn new(diagonal: T, entry: T) -> Self {
        let one: T::Real = nalgebra::one();
        let (size, turn) = (diagonal.modulus(), phase(diagonal));
        // The smaller over the larger, which is not zero and so has a modulus with derivatives.
        if entry.norm1() > size {
            let length = entry.modulus();
            let ratio = size / length;
            let root = ComplexField::sqrt(one + ratio * ratio);
            let sine = phase(entry).conjugate().unscale(root) * turn;
            Self { cosine: ratio / root, sine, pivot: turn.scale(length * root) }
        } else {
            let ratio = entry.unscale(size);
            let root = ComplexField::sqrt(one + ratio.modulus_squared());
            let sine = ratio.conjugate().unscale(root) * turn;
            Self { cosine: one / root, sine, pivot: diagonal.scale(root) }
        }
    }

    /// A row of [L y] times the rotation.
    fn turn(&self, l: T, y: T) -> (T, T) {
        (l.scale(self.cosine) + self.sine * y, y.scale(self.cosine) - self.sine.conjugate() * l)
    }

    /// A row of cotangents times its adjoint.
    fn turn_back(&self, l_bar: T, y_bar: T) -> (T, T) {
        (
            l_bar.scale(self.cosine) - self.sine * y_bar,
            y_bar.scale(self.cosine) + self.sine.conjugate() * l_bar,
        )
    }
}

/// i x times a real number; zero for real numbers.
fn times_i<T: Scalar>(mut x: T, by: T::Real) -> T {
    let (real, imaginary) = (x.real(), x.imaginary());
    x = T::zero();
    if let [first, second] = x.parts_mut() {
        (*first, *second) = (-imaginary * by, real * by);
    }
    x
}

/// The tangent of a large update.
fn forward_by_rotations<T: Scalar>(
    (l, x, s): Triple<'_, T>,
    (l_dot, x_dot, s_dot): Triple<'_, T>,
    mut put: impl FnMut(usize, usize, T),
) {
    let mut y = scaled(x, s);
    let root = ComplexField::sqrt(s);
    let by_s = s_dot / (root + root);
    let moved = |(x, x_dot): (&T, &T)| x_dot.scale(root) + x.scale(by_s);
    let mut y_dot: Vec<T> = x.iter().zip(x_dot).map(moved).collect();
    for j in 0..x.len() {
        let rotation = Rotation::new(l[(j, j)], y[j]);
        let (along, across) = rotation.turn(l_dot[(j, j)], y_dot[j]);
        let w = across / rotation.pivot;
        let turned = l_dot[(j, j)] / l[(j, j)] - along / rotation.pivot;
        let angle = turned.imaginary();
        put(j, j, along + times_i(rotation.pivot, angle));
        for i in j + 1..x.len() {
            let (column, rest) = rotation.turn(l[(i, j)], y[i]);
            let (column_dot, rest_dot) = rotation.turn(l_dot[(i, j)], y_dot[i]);
            put(i, j, column_dot + w.conjugate() * rest + times_i(column, angle));
            (y[i], y_dot[i]) = (rest, rest_dot - w * column - times_i(rest, angle));
        }
    }
}

/// The cotangents of x and of s of a large update; that of L is added. With those g of L'_j and k of y' below the diagonal,
/// that of w is v, the sum of the conj(g_i) y'_i - k_i conj(L'_ij), and that of the angle a the sum of the
/// Im(conj(k_i) y'_i) - Im(conj(g_i) L'_ij), also on the diagonal.
fn reverse_by_rotations<T: Scalar>(
    (l, x, s): Triple<'_, T>,
    y_bar: DMatrixView<'_, T>,
    mut l_bar: Option<&mut DMatrixViewMut<'_, T>>,
) -> (Vec<T>, T::Real) {
    let size = x.len();
    // What each rotation has, as the next ones are taken back first.
    let mut left = vec![scaled(x, s)];
    for j in 0..size {
        let mut y = left[j].clone();
        let rotation = Rotation::new(l[(j, j)], y[j]);
        (j + 1..size).for_each(|i| y[i] = rotation.turn(l[(i, j)], y[i]).1);
        left.push(y);
    }
    let mut add = |i: usize, j: usize, x: T| {
        if let Some(l_bar) = &mut l_bar {
            l_bar[(i, j)] += x;
        }
    };
    let mut bar = vec![T::zero(); size];
    for j in (0..size).rev() {
        let y = &left[j];
        let rotation = Rotation::new(l[(j, j)], y[j]);
        let pivot = rotation.pivot;
        let mut across_bar = T::zero();
        let mut angle_bar = -(y_bar[(j, j)].conjugate() * pivot).imaginary();
        for i in j + 1..size {
            let (column, rest) = rotation.turn(l[(i, j)], y[i]);
            let (g, k) = (y_bar[(i, j)].conjugate(), bar[i]);
            across_bar += g * rest - k * column.conjugate();
            angle_bar += (k.conjugate() * rest - g * column).imaginary();
            let (of_l, of_y) = rotation.turn_back(y_bar[(i, j)], k);
            add(i, j, of_l);
            bar[i] = of_y;
        }
        let along_bar = y_bar[(j, j)] - times_i(T::one() / pivot.conjugate(), angle_bar);
        let (of_l, of_y) = rotation.turn_back(along_bar, across_bar / pivot.conjugate());
        add(j, j, of_l + times_i(T::one() / l[(j, j)].conjugate(), angle_bar));
        bar[j] = of_y;
    }
    let root = ComplexField::sqrt(s);
    let sum = bar
        .iter()
        .zip(x)
        .fold(nalgebra::zero(), |sum: T::Real, (bar, x)| sum + (bar.conjugate() * *x).real());
    (bar.into_iter().map(|x| x.scale(root)).collect(), sum / (root + root))
}

/// L^-1 x.
fn solved<T: Scalar>(l: DMatrixView<'_, T>, x: &[T], operation: Operation) -> Vec<T> {
    let mut p = DVector::from_column_slice(x);
    solve_again(Side::Left, Triangle::Lower, operation, l, &mut block_mut(&mut p));
    p.as_slice().to_vec()
}

fn cholesky_rank_one_update_forward<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OVector<T, D>,
    s: T::Real,
    l_dot: &OMatrix<T, D, D>,
    x_dot: &OVector<T, D>,
    s_dot: T::Real,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (rows, columns) = l.shape_generic();
    let mut y_dot = OMatrix::zeros_generic(rows, columns);
    forward((block(l), x.as_slice(), s), (block(l_dot), x_dot.as_slice(), s_dot), |i, j, x| {
        y_dot[(i, j)] = x;
    });
    y_dot
}

/// The arguments, or what is along them.
type Triple<'a, T> = (DMatrixView<'a, T>, &'a [T], <T as Scalar>::Real);

/// The exponent of a power of two that tangents are multiplied with to be of the size of the arguments, zero where they are.
fn level<T: Scalar>((l, x, s): Triple<'_, T>, (l_dot, x_dot, s_dot): Triple<'_, T>) -> f64 {
    fn lower<'a, T: Scalar>(m: &'a DMatrixView<'_, T>) -> impl Iterator<Item = &'a T> {
        m.iter().enumerate().filter(move |(k, _)| k % m.nrows() >= k / m.nrows()).map(|(_, x)| x)
    }
    let dot = exponent(lower(&l_dot).chain(x_dot));
    let by_s = exponent([&s_dot]) - exponent([&s]) + exponent(x);
    let dot = if s_dot.is_constant_zero() { dot } else { dot.max(by_s) };
    let level = exponent(lower(&l).chain(x)) - dot;
    if level.abs() < if is_single::<T::Real>() { 40.0 } else { 300.0 } { 0.0 } else { level }
}

fn forward<T: Scalar>(
    (l, x, s): Triple<'_, T>,
    (l_dot, x_dot, s_dot): Triple<'_, T>,
    mut put: impl FnMut(usize, usize, T),
) {
    let (size, half) = (x.len(), nalgebra::convert::<f64, T::Real>(0.5));
    let p = solved(l, x, Operation::None);
    let update = Update::new(&p, s);
    if update.is_large(s) {
        return forward_by_rotations((l, x, s), (l_dot, x_dot, s_dot), put);
    }
    // Where x is small beside L, what it moves is |p|^2 times L: that is a number where a tangent is of the size of L.
    let level = level((l, x, s), (l_dot, x_dot, s_dot));
    let raised = |x: &T| times_power(*x, level);
    let (l_dot, s_dot) = (l_dot.map(|x| raised(&x)), times_power(s_dot, level));
    let x_dot: Vec<T> = x_dot.iter().map(raised).collect();
    let mut put = |i: usize, j: usize, x: T| put(i, j, times_power(x, -level));
    let mut moved = x_dot;
    for j in 0..size {
        (j..size).for_each(|i| moved[i] -= l_dot[(i, j)] * p[j]);
    }
    let p_dot = solved(l, &moved, Operation::None);
    // The tangents of b over b, of the sums in it as the primal has them.
    let mut sum: T::Real = nalgebra::zero();
    let mut along = vec![sum; size + 1];
    for j in 0..size {
        let by_p = (p[j].conjugate() * p_dot[j]).real();
        let by_s = (p[j].scale(s_dot).conjugate() * p[j]).real();
        sum += by_s + s * (by_p + by_p);
        along[j + 1] = sum / update.b[j + 1];
    }
    let mut u_dot = vec![T::zero(); size];
    update.each_column(l, &p, |j, u, column| {
        let (before, after) = (along[j], along[j + 1]);
        let m_dot = update.m[j] * (after - before) * half;
        let root = ComplexField::sqrt(update.b[j]) * ComplexField::sqrt(update.b[j + 1]);
        let by_p = (p[j].conjugate().scale(s_dot) + p_dot[j].conjugate().scale(s)).unscale(root);
        let h_dot = by_p - update.h[j].scale((before + after) * half);
        for i in j..size {
            let by_m = column[i].scale(m_dot) + l_dot[(i, j)].scale(update.m[j]);
            put(i, j, by_m + h_dot * u[i] + update.h[j] * u_dot[i]);
        }
        (j..size).for_each(|i| u_dot[i] += l_dot[(i, j)] * p[j] + column[i] * p_dot[j]);
    });
}

fn cholesky_rank_one_update_reverse<T: Scalar, D: Dim>(
    l: &OMatrix<T, D, D>,
    x: &OVector<T, D>,
    s: T::Real,
    mut y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    l_bar: Slot<'_, OMatrix<T, D, D>>,
    x_bar: Slot<'_, OVector<T, D>>,
    s_bar: Slot<'_, T::Real>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let mut l_bar = l_bar.buffer();
    let mut l_bar = l_bar.as_mut().map(buffer);
    let y_bar = buffer(&mut y_bar);
    let (w, by_s) = reverse((block(l), x.as_slice(), s), y_bar.as_view(), l_bar.as_mut());
    s_bar.add(|| by_s);
    if let Some(mut x_bar) = x_bar.buffer() {
        x_bar.iter_mut().zip(w).for_each(|(x_bar, w)| *x_bar += w);
    }
}

/// The cotangents of x and of s; that of L is added. With those of M_jj and h_j, L_j^H Y_bar_j and u_j^H Y_bar_j, and the
/// sum v_j of the conj(h_i) Y_bar_i, i < j, the cotangent of p has L_j^H v_j, and that of L_j M_jj Y_bar_j + conj(p_j) v_j.
fn reverse<T: Scalar>(
    (l, x, s): Triple<'_, T>,
    y_bar: DMatrixView<'_, T>,
    mut l_bar: Option<&mut DMatrixViewMut<'_, T>>,
) -> (Vec<T>, T::Real) {
    let (size, half) = (x.len(), nalgebra::convert::<f64, T::Real>(0.5));
    let zero: T::Real = nalgebra::zero();
    let p = solved(l, x, Operation::None);
    let update = Update::new(&p, s);
    if update.is_large(s) {
        return reverse_by_rotations((l, x, s), y_bar, l_bar);
    }
    let mut p_bar = vec![T::zero(); size];
    // The cotangents of the b, each times b.
    let (mut along, mut s_bar) = (vec![zero; size + 1], zero);
    update.each_column(l, &p, |j, u, column| {
        let (mut m_bar, mut h_bar) = (zero, T::zero());
        for i in j..size {
            m_bar += (column[i].conjugate() * y_bar[(i, j)]).real();
            h_bar += u[i].conjugate() * y_bar[(i, j)];
        }
        let by_m = m_bar * update.m[j] * half;
        let by_h = (h_bar.conjugate() * update.h[j]).real() * half;
        along[j] -= by_m + by_h;
        along[j + 1] += by_m - by_h;
        let root = ComplexField::sqrt(update.b[j]) * ComplexField::sqrt(update.b[j + 1]);
        let h_bar = h_bar.conjugate().unscale(root);
        s_bar += (h_bar * p[j].conjugate()).real();
        p_bar[j] = h_bar.scale(s);
    });
    // b_j has |p_k|^2 for all k < j.
    let mut after = zero;
    for k in (0..size).rev() {
        after += along[k + 1] / update.b[k + 1];
        // No product of two entries of p need be a number, nor one of an entry and of a cotangent of p.
        let moved = p[k].scale(after);
        s_bar += (moved.conjugate() * p[k]).real();
        p_bar[k] += moved.scale(s + s);
    }
    let mut v = vec![T::zero(); size];
    for j in 0..size {
        for i in j..size {
            p_bar[j] += l[(i, j)].conjugate() * v[i];
            if let Some(l_bar) = &mut l_bar {
                l_bar[(i, j)] += y_bar[(i, j)].scale(update.m[j]) + p[j].conjugate() * v[i];
            }
            v[i] += update.h[j].conjugate() * y_bar[(i, j)];
        }
    }
    let w = solved(l, &p_bar, Operation::Adjoint);
    if let Some(l_bar) = l_bar {
        for j in 0..size {
            (j..size).for_each(|i| l_bar[(i, j)] -= w[i] * p[j].conjugate());
        }
    }
    (w, s_bar)
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T>, T::Real) {
    let size = random.choose(&[0, 1, 2, 5, 12]);
    let l: DMatrix<T> = random.lower_triangular(size);
    let x: DMatrix<T> = random.matrix(size, 1);
    // Downdates that leave something, and large updates.
    let (size, least) = random.choose(&[(0.3, -2.0), (3.0, 1.0)]);
    let scale = nalgebra::convert(size / (1.0 + l.nrows() as f64).sqrt());
    let x = (&l * x).map(|x| x.scale(scale));
    (l, x.column(0).into_owned(), random.between(least, 4.0))
}
