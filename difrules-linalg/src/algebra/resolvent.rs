//! Derivatives of eigenvectors and singular vectors in a derivative mode, of each by itself.
//!
//! The rules of a decomposition put the tangent of a vector together from all the others. What these make of it depends
//! on the space alone that those have in common that belong to values that are close, but each of them moves by one over
//! their gap, so that in a derivative of that sum the digits of this gap are lost, or all if the values are one. Here
//! nothing but the vector itself moves: the equation that it satisfies is solved by the plain factors, as constants, and
//! again for what that leaves, which is zero but for its derivatives, of one order more each time.

use difrules_core::{Real, Scalar, diagnosed};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, ComplexField, DMatrix, DMatrixView, DMatrixViewMut, DVector, DVectorView,
    DefaultAllocator, Dim, OMatrix, OVector,
};

use crate::algebra::scaling::binade;
use crate::algebra::svd::{mixed, take_off_range};
use crate::block::{block, block_mut, multiply, product, still};
use crate::systems::inverse::inverse;
use crate::tolerance::{Gap, plain};

/// How often a mode is within another: derivatives of the rules of this order are asked for.
pub(crate) fn order<S: Real>() -> usize {
    if S::BASE { 0 } else { 1 + order::<S::Inner>() }
}

/// Of which values the vectors are differentiated by themselves: those that are apart from all others, where others are
/// closer than they are by far. None if there is none, or on plain numbers, where nothing but values moves. `distance`
/// is that of two values, with how far it is from zero.
///
/// What the other rules lose is the digits of the smallest gap, where these lose those of the vector's own gap squared, as
/// both do; and what cancels among vectors that are close does so to the last digit there.
pub(crate) fn apart<S: Real>(
    count: usize,
    distance: impl Fn(usize, usize) -> (f64, Gap),
) -> Option<Vec<bool>> {
    const FAR: f64 = 8.0;
    if S::BASE || count < 2 {
        return None;
    }
    let own = |j: usize| {
        let all = (0..count).map(|i| distance(i, j));
        let own = all.fold((f64::INFINITY, true), |(least, apart), (distance, gap)| {
            (least.min(distance), apart && gap == Gap::Apart)
        });
        if own.1 { own.0 } else { 0.0 }
    };
    let own: Vec<f64> = (0..count).map(own).collect();
    let least = own.iter().fold(f64::INFINITY, |least, &own| least.min(own));
    let chosen: Vec<bool> = own.iter().map(|&own| own > 0.0 && own > FAR * least).collect();
    chosen.contains(&true).then_some(chosen)
}

/// An eigenvector v of a general A for the eigenvalue w, and how both move: the equation that they satisfy,
///
/// (w - A) x + v m = r, c^H x = 0
///
/// for x the tangent of v up to a multiple of v, m that of w, r = dA v and c the plain v. Its matrix is singular only where
/// w is another eigenvalue too, however close those are to each other or how nearly their vectors depend on each other.
pub(crate) struct Bordered<S: Real> {
    /// The matrix of the equation, of A and w over `scale`.
    matrix: DMatrix<Complex<S>>,
    /// Its inverse, a constant.
    inverse: DMatrix<Complex<S>>,
    /// How much larger a solution may be than what it is of, A and w having the size one.
    growth: f64,
    scale: S,
}

impl<S: Real> Bordered<S> {
    /// None if it is singular.
    pub(crate) fn new(
        a: DMatrixView<'_, Complex<S>>,
        value: Complex<S>,
        vector: DVectorView<'_, Complex<S>>,
    ) -> Option<Self> {
        let size = a.nrows();
        let scale = binade(a.iter());
        let mut matrix = DMatrix::zeros(size + 1, size + 1);
        for j in 0..size {
            (0..size).for_each(|i| matrix[(i, j)] = -a[(i, j)].unscale(scale));
            matrix[(j, j)] += value.unscale(scale);
            matrix[(j, size)] = vector[j];
            matrix[(size, j)] = plain(vector[j]).conjugate();
        }
        let constant = |x: &Complex<S>| Complex::new(x.re.to_f64(), x.im.to_f64());
        let inverse = diagnosed(|| inverse(&matrix.map(|x| constant(&x)))).0.ok()?;
        let growth = inverse.norm();
        let lift = |x: Complex<f64>| Complex::new(nalgebra::convert(x.re), nalgebra::convert(x.im));
        Some(Self { matrix, inverse: inverse.map(lift), growth, scale })
    }

    /// Whether derivatives have digits that are not rounding.
    pub(crate) fn is_known(&self) -> bool {
        let rounding = S::default_epsilon().to_f64();
        let unit = if S::BASE { 100.0 * rounding } else { rounding.cbrt() };
        unit * self.growth < 1.0
    }

    /// How much larger a solution may be than what it is of.
    pub(crate) fn growth(&self) -> f64 {
        self.growth
    }

    /// What w is a sum of, |y|^T |A| |v| for the left vector y with y^H v = 1: for moduli of A and of v.
    pub(crate) fn size(&self, a: &DMatrix<f64>, vector: &[f64]) -> f64 {
        let count = vector.len();
        let left = |i: usize| self.inverse[(count, i)].modulus().to_f64();
        let along = |i: usize| (0..count).map(|k| a[(i, k)] * vector[k]).sum::<f64>();
        (0..count).map(|i| left(i) * along(i)).sum()
    }

    /// The solution, or that of the adjoint equation, by the plain inverse, and again for what that leaves: of one order of
    /// derivatives less each time, and of rounding.
    fn solve(&self, right: DVector<Complex<S>>, adjoint: bool) -> DVector<Complex<S>> {
        let one = Complex::from_real(S::one());
        let (mut left, mut x) = (right, DVector::zeros(self.matrix.nrows()));
        for _ in 0..order::<S>() + 2 {
            let step = product((block(&self.inverse), adjoint), (block(&left), false));
            multiply(
                -one,
                (block(&self.matrix), adjoint),
                (block(&step), false),
                one,
                &mut block_mut(&mut left),
            );
            x += step.column(0);
        }
        x
    }

    /// The tangents of v, up to a multiple of it, and of w from dA v.
    pub(crate) fn tangent(
        &self,
        moved: DVectorView<'_, Complex<S>>,
    ) -> (DVector<Complex<S>>, Complex<S>) {
        let size = moved.nrows();
        let right =
            |i: usize| if i < size { moved[i].unscale(self.scale) } else { nalgebra::zero() };
        let x = self.solve(DVector::from_fn(size + 1, |i, _| right(i)), false);
        (x.rows(0, size).into_owned(), x[size].scale(self.scale))
    }

    /// The adjoint: the cotangent of dA v from those of v and w, of which the first asks for nothing along v.
    pub(crate) fn cotangent(
        &self,
        vector_bar: DVectorView<'_, Complex<S>>,
        value_bar: Complex<S>,
    ) -> DVector<Complex<S>> {
        let size = vector_bar.nrows();
        let right = |i: usize| if i < size { vector_bar[i] } else { value_bar.scale(self.scale) };
        let z = self.solve(DVector::from_fn(size + 1, |i, _| right(i)), true);
        z.rows(0, size).map(|z| z.unscale(self.scale))
    }
}

/// The columns that are chosen, and the others as constants.
pub(crate) fn only<T: Scalar>(chosen: &[bool], vectors: DMatrixView<'_, T>) -> DMatrix<T> {
    let mut only = vectors.into_owned();
    for j in (0..chosen.len()).filter(|&j| !chosen[j]) {
        only.column_mut(j).apply(|x| *x = plain(*x));
    }
    only
}

/// Takes the columns that are chosen out of a cotangent, which then does not ask for them.
pub(crate) fn take<T: Scalar>(chosen: &[bool], bars: &mut DMatrixViewMut<'_, T>) -> DMatrix<T> {
    let mut taken = DMatrix::zeros(bars.nrows(), bars.ncols());
    for j in (0..chosen.len()).filter(|&j| chosen[j]) {
        taken.column_mut(j).copy_from(&bars.column(j));
        bars.column_mut(j).fill(still());
    }
    taken
}

/// The eigenvectors V of a pencil A V = B V diag(w), with V^H B V = 1; B is 1 where none is given. Those that are not
/// chosen are constants.
pub(crate) struct Modes<'a, T: Scalar> {
    a: DMatrixView<'a, T>,
    b: Option<DMatrixView<'a, T>>,
    values: &'a [T::Real],
    vectors: DMatrixView<'a, T>,
}

impl<'a, T: Scalar> Modes<'a, T> {
    pub(crate) fn of<D: Dim>(
        a: &'a OMatrix<T, D, D>,
        b: Option<&'a OMatrix<T, D, D>>,
        values: &'a OVector<T::Real, D>,
        vectors: &'a DMatrix<T>,
    ) -> Self
    where
        DefaultAllocator: Allocator<D, D> + Allocator<D>,
    {
        let (values, vectors) = (values.as_slice(), block(vectors));
        Self { a: block(a), b: b.map(block), values, vectors }
    }

    fn by_b(&self, x: DMatrixView<'_, T>) -> DMatrix<T> {
        self.b.map_or_else(|| x.into_owned(), |b| product((b, false), (x, false)))
    }

    /// X with (w_j B - A) x_j = (1 - B v_j v_j^H) r_j and v_j^H B x_j = 0 in the columns that are chosen, and zero in the
    /// others.
    ///
    /// From A v_j = w_j B v_j, the tangent of v_j is that of r_j = (dA - w_j dB) v_j less v_j^H dB v_j / 2 times v_j. The
    /// map is its own adjoint: the cotangent of A is the Hermitian part of the sum of x_j v_j^H for r_j that of v_j.
    pub(crate) fn resolve(&self, right: &DMatrix<T>, chosen: &[bool]) -> DMatrix<T> {
        let v = self.vectors.map(plain);
        let columns = || (0..chosen.len()).filter(|&j| chosen[j]);
        let b_v = self.by_b(self.vectors);
        let mut left = right.clone();
        for (j, &chosen) in chosen.iter().enumerate() {
            if chosen {
                let along = self.vectors.column(j).dotc(&left.column(j));
                left.column_mut(j).axpy(-along, &b_v.column(j), T::one());
            } else {
                left.column_mut(j).fill(T::zero());
            }
        }
        let mut x = DMatrix::zeros(v.nrows(), v.ncols());
        let last = order::<T::Real>();
        for pass in 0..=last {
            let mut turned = product((block(&v), true), (block(&left), false));
            for j in columns() {
                for i in 0..v.ncols() {
                    let gap = plain(self.values[j]) - plain(self.values[i]);
                    turned[(i, j)] = if i == j { T::zero() } else { turned[(i, j)].unscale(gap) };
                }
            }
            let mut step = product((block(&v), false), (block(&turned), false));
            for j in columns() {
                let along = b_v.column(j).dotc(&step.column(j));
                step.column_mut(j).axpy(-along, &self.vectors.column(j), T::one());
            }
            if pass < last {
                let mut moved = self.by_b(block(&step));
                for j in columns() {
                    moved.column_mut(j).apply(|x| *x = x.scale(self.values[j]));
                }
                left -= moved;
                multiply(
                    T::one(),
                    (self.a, false),
                    (block(&step), false),
                    T::one(),
                    &mut block_mut(&mut left),
                );
                // Of the values it leaves rounding.
                left.apply(|x| *x -= plain(*x));
            }
            x += step;
        }
        x
    }
}

/// The singular vectors of A V = U diag(s), A^H U = V diag(s). Those that are not chosen are constants.
pub(crate) struct Pairs<'a, T: Scalar> {
    pub(crate) a: DMatrixView<'a, T>,
    /// Whether no singular value is zero.
    pub(crate) is_full: bool,
    pub(crate) u: DMatrixView<'a, T>,
    pub(crate) values: &'a [T::Real],
    pub(crate) v: DMatrixView<'a, T>,
}

impl<T: Scalar> Pairs<'_, T> {
    /// X and Y with s_j x_j - A y_j = r_j - c_j u_j, s_j y_j - A^H x_j = q_j - c_j v_j for c_j half of
    /// u_j^H r_j + v_j^H q_j, and u_j^H x_j + v_j^H y_j = 0, in the columns that are chosen; the others are zero.
    ///
    /// The tangents of u_j and v_j are those of dA v_j and dA^H u_j. It is [`Modes::resolve`] of the Hermitian matrix
    /// with A and A^H beside its diagonal, whose eigenvectors u_j above v_j are, so its own adjoint too: the
    /// cotangent of A is the sum of x_j v_j^H + u_j y_j^H for those of u_j and v_j. With P = U^H R and S = V^H Q,
    ///
    /// X + Y = (P + S)_ij / (s_j - s_i), X - Y = (P - S)_ij / (s_j + s_i)
    ///
    /// in the bases U and V, which is to be [`mixed`], and what is outside of them is divided by s_j.
    pub(crate) fn resolve(
        &self,
        (right_u, right_v): (&DMatrix<T>, &DMatrix<T>),
        chosen: &[bool],
    ) -> (DMatrix<T>, DMatrix<T>) {
        let (a, u, v) = (self.a.map(plain), self.u.map(plain), self.v.map(plain));
        let columns = || (0..chosen.len()).filter(|&j| chosen[j]);
        let half: T::Real = nalgebra::convert(0.5);
        let (mut r, mut q) = (right_u.clone(), right_v.clone());
        for (j, &chosen) in chosen.iter().enumerate() {
            if chosen {
                self.take_off(j, &mut r, &mut q);
            } else {
                r.column_mut(j).fill(T::zero());
                q.column_mut(j).fill(T::zero());
            }
        }
        let mut x = DMatrix::zeros(u.nrows(), u.ncols());
        let mut y = DMatrix::zeros(v.nrows(), v.ncols());
        let last = order::<T::Real>();
        for pass in 0..=last {
            let mut p = product((block(&u), true), (block(&r), false));
            let mut s = product((block(&v), true), (block(&q), false));
            // What is outside, over s.
            let one = T::one();
            let outside = |a: DMatrixView<'_, T>, q: &DMatrix<T>, r: &DMatrix<T>| {
                let (mut rest, mut along) = (r.clone(), p.clone());
                // Of a square matrix nothing is.
                if q.nrows() > q.ncols() {
                    let off = (&mut block_mut(&mut along), &mut block_mut(&mut rest));
                    take_off_range((a, self.is_full), (block(q), false), off.0, off.1);
                } else {
                    rest.fill(T::zero());
                }
                rest
            };
            let mut x_step = outside(block(&a), &u, &r);
            let mut y_step = outside(block(&a.adjoint()), &v, &q);
            for j in columns() {
                let value = plain(self.values[j]);
                x_step.column_mut(j).apply(|x| *x = x.unscale(value));
                y_step.column_mut(j).apply(|y| *y = y.unscale(value));
                for i in 0..u.ncols() {
                    let parts = (p[(i, j)], s[(i, j)]);
                    (p[(i, j)], s[(i, j)]) = if i == j {
                        let half = (parts.0 - parts.1).scale(half).unscale(value + value);
                        (half, -half)
                    } else {
                        mixed(parts, (plain(self.values[i]), value))
                    };
                }
            }
            let inside = (block(&u), false);
            multiply(one, inside, (block(&p), false), one, &mut block_mut(&mut x_step));
            let inside = (block(&v), false);
            multiply(one, inside, (block(&s), false), one, &mut block_mut(&mut y_step));
            for j in columns() {
                self.take_off(j, &mut x_step, &mut y_step);
            }
            if pass < last {
                for j in columns() {
                    let value = self.values[j];
                    r.column_mut(j).zip_apply(&x_step.column(j), |r, x| *r -= x.scale(value));
                    q.column_mut(j).zip_apply(&y_step.column(j), |q, y| *q -= y.scale(value));
                }
                multiply(
                    one,
                    (self.a, false),
                    (block(&y_step), false),
                    one,
                    &mut block_mut(&mut r),
                );
                multiply(one, (self.a, true), (block(&x_step), false), one, &mut block_mut(&mut q));
                // Of the values it leaves rounding.
                r.apply(|r| *r -= plain(*r));
                q.apply(|q| *q -= plain(*q));
            }
            x += x_step;
            y += y_step;
        }
        (x, y)
    }

    /// Takes off what is along u_j above v_j.
    fn take_off(&self, j: usize, x: &mut DMatrix<T>, y: &mut DMatrix<T>) {
        let (u, v) = (self.u.column(j), self.v.column(j));
        let half: T::Real = nalgebra::convert(0.5);
        let along = (u.dotc(&x.column(j)) + v.dotc(&y.column(j))).scale(half);
        x.column_mut(j).axpy(-along, &u, T::one());
        y.column_mut(j).axpy(-along, &v, T::one());
    }
}
