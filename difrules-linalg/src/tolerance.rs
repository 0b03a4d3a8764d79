//! The one place that decides whether two numbers are one but for rounding, and what becomes of a quotient
//! whose divisor, the difference of the two, then is nothing. Forward and reverse rules ask it alike.
//!
//! What a rule divides by such a difference has to be zero too, or the function has no derivative along
//! the direction, and depends on a choice where it is the cotangent that is divided. The quotient of zero
//! by zero is no number either: what multiplies it does not matter to first order, so it is taken for
//! zero, but if dividend or divisor vary, how it varies is not determined.

use std::borrow::Cow;

use difrules_core::diagnostic::{Defect, Diagnostic, OF_JUMP, leaves_out_undefined};
use difrules_core::{Real, Scalar, report};
use nalgebra::{Complex, ComplexField, DMatrix, DMatrixView, DMatrixViewMut};

use crate::algebra::scaling::is_single;
use crate::block::rests;

/// How far a divisor is from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Far enough.
    Apart,
    /// So near that a derivative of the quotient, which divides twice, may be all rounding.
    Near,
    /// It is zero but for rounding.
    Nothing,
}

/// The sizes of the numbers that each value of a spectrum is a sum of, and so how much of it is rounding.
///
/// With A = X diag(w) Y^H, where X and Y are each other's inverse adjoints or have orthonormal columns, a
/// relative change epsilon of the entries of A moves w_i by up to epsilon times
///
/// |y_i|^T |A| |x_i| <= sum_k |w_k| (|y_i|^T |x_k|) (|y_k|^T |x_i|).
///
/// That is |w_i| for a diagonal A and about the largest |w_k| for one whose vectors have no small entries:
/// two eigenvalues of diag(1, 2, 1e20) are two, and those that a rotation of diag(1, 1, 1e20) has beside
/// 1e20 are one. Values that a chain of such gaps links are one.
pub(crate) struct Sizes {
    /// Nothing where all divisors are far from zero.
    local: Option<Local>,
}

struct Local {
    sizes: Vec<f64>,
    /// The number of the cluster that each value is in.
    clusters: Vec<usize>,
    rounding: f64,
    near: f64,
}

impl Sizes {
    /// The sizes of values in order, increasing or not; `smallest` is the smallest divisor, and `overlaps`
    /// are the matrices |y_i|^T |x_k| and |y_k|^T |x_i|, asked for only where that is small.
    fn new<S: Real>(
        values: &[S],
        dimension: usize,
        smallest: f64,
        overlaps: impl FnOnce() -> (DMatrix<f64>, DMatrix<f64>),
    ) -> Self {
        let epsilon = S::default_epsilon().to_f64();
        let rounding = epsilon * dimension as f64;
        // The rounding of a second derivative is epsilon / gap^2.
        let near = if S::BASE { 0.0 } else { epsilon.cbrt() };
        let modulus = |i: usize| values[i].to_f64().abs();
        let all: f64 = (0..values.len()).map(modulus).sum();
        if smallest > rounding.max(near) * all || smallest.is_nan() {
            return Self { local: None };
        }
        let (left, right) = overlaps();
        let size = |i: usize| {
            (0..values.len()).map(|k| modulus(k) * left[(i, k)] * right[(k, i)]).sum::<f64>()
        };
        let sizes: Vec<f64> = (0..values.len()).map(size).collect();
        let mut clusters = vec![0; values.len()];
        for i in 1..values.len() {
            let gap = (values[i] - values[i - 1]).to_f64().abs();
            let apart = gap > rounding * sizes[i].max(sizes[i - 1]);
            clusters[i] = clusters[i - 1] + usize::from(apart);
        }
        Self { local: Some(Local { sizes, clusters, rounding, near }) }
    }

    /// Of the eigenvalues of a Hermitian matrix with these vectors.
    #[inline(never)]
    pub(crate) fn of_eigenvalues<T: Scalar>(
        values: &[T::Real],
        vectors: DMatrixView<'_, T>,
    ) -> Self {
        Self::new(values, values.len(), smallest_gap(values), || {
            let moduli = moduli(vectors);
            let overlaps = moduli.tr_mul(&moduli);
            (overlaps.clone(), overlaps)
        })
    }

    /// Of the eigenvalues of a pencil, with the vectors of the Hermitian matrix that has them.
    pub(crate) fn of_pencil<T: Scalar>(
        values: &[T::Real],
        vectors: impl FnOnce() -> Option<DMatrix<T>>,
    ) -> Self {
        Self::new(values, values.len(), smallest_gap(values), || {
            let count = values.len();
            let none = || DMatrix::from_element(count, count, f64::INFINITY);
            let moduli = vectors().map(|vectors| moduli(vectors.as_view()));
            let overlaps = moduli.map_or_else(none, |moduli| moduli.tr_mul(&moduli));
            (overlaps.clone(), overlaps)
        })
    }

    /// Of singular values with these vectors.
    pub(crate) fn of_singular_values<T: Scalar>(
        values: &[T::Real],
        u: DMatrixView<'_, T>,
        v_t: DMatrixView<'_, T>,
    ) -> Self {
        let last = values.last().map_or(f64::INFINITY, |s| s.to_f64());
        let dimension = u.nrows().max(v_t.ncols());
        Self::new(values, dimension, smallest_gap(values).min(last), || {
            let (u, v_t) = (moduli(u), moduli(v_t));
            (u.tr_mul(&u), &v_t * v_t.transpose())
        })
    }

    /// How far from zero a divisor is that is a sum or a difference of values i and j, or one of them.
    pub(crate) fn gap<S: Real>(&self, i: usize, j: usize, divisor: S) -> Gap {
        let Some(local) = &self.local else { return Gap::Apart };
        judge(
            divisor.to_f64().abs(),
            local.sizes[i].max(local.sizes[j]),
            local.rounding,
            local.near,
        )
    }

    /// How far from zero the difference of values i and j is.
    pub(crate) fn difference<S: Real>(&self, i: usize, j: usize, difference: S) -> Gap {
        if self.are_one(i, j) { Gap::Nothing } else { self.gap(i, j, difference) }
    }

    /// Whether two values are one.
    pub(crate) fn are_one(&self, i: usize, j: usize) -> bool {
        self.local.as_ref().is_some_and(|local| local.clusters[i] == local.clusters[j])
    }

    /// Whether a value is one with another.
    pub(crate) fn repeats(&self, i: usize) -> bool {
        self.repeated().any(|range| range.contains(&i))
    }

    /// The sizes of the first values, the others being none of them.
    pub(crate) fn up_to(&self, count: usize) -> Self {
        let local = self.local.as_ref().map(|local| Local {
            sizes: local.sizes[..count].to_vec(),
            clusters: local.clusters[..count].to_vec(),
            ..*local
        });
        Self { local }
    }

    /// Whether the difference of two of the values is nothing.
    pub(crate) fn differences_vanish<S: Real>(&self, values: &[S]) -> bool {
        let vanishes =
            |i: usize, j: usize| self.difference(i, j, values[j] - values[i]) == Gap::Nothing;
        self.local.is_some() && (0..values.len()).any(|j| (0..j).any(|i| vanishes(i, j)))
    }

    /// Whether the sum of two of the values is nothing, or of one with itself.
    pub(crate) fn sums_vanish<S: Real>(&self, values: &[S]) -> bool {
        let vanishes = |i: usize, j: usize| self.gap(i, j, values[j] + values[i]) == Gap::Nothing;
        self.local.is_some() && (0..values.len()).any(|j| (0..=j).any(|i| vanishes(i, j)))
    }

    /// Whether none of the values, of which the last is the smallest, is nothing.
    pub(crate) fn are_positive<S: Real>(&self, values: &[S]) -> bool {
        let last = values.len().saturating_sub(1);
        values.is_empty() || self.gap(last, last, values[last]) != Gap::Nothing
    }

    /// The ranges of more than one value that are one.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let clusters = self.local.as_ref().map_or(&[][..], |local| &local.clusters);
        clusters
            .chunk_by(|a, b| a == b)
            .scan(0, |start, chunk| {
                *start += chunk.len();
                Some(*start - chunk.len()..*start)
            })
            .filter(|range| range.len() > 1)
    }
}

/// How far the differences of complex eigenvalues are from zero: [`Sizes`] of values in no order of which it is
/// clear what is next to what.
///
/// Of vectors that nearly depend on each other the sum over k there is far above |y_i|^T |A| |x_i|, which is taken here.
pub(crate) struct ComplexSizes {
    /// Nothing where all differences are far from zero.
    sizes: Option<Vec<ComplexSize>>,
    scale: f64,
    rounding: f64,
    near: f64,
    least: f64,
}

/// What an eigenvalue is a sum of, over a scale.
#[derive(Clone, Copy)]
pub(crate) struct ComplexSize {
    own: f64,
    /// That whose rounding is the value's: what is above its modulus is multiplied by what an iteration makes of the
    /// rounding of the entries. The derivative of a value whose gap is not above that has no digit.
    rounded: f64,
}

impl ComplexSize {
    /// Of an eigenvalue w of A, for |w| and |y|^T |A| |x|.
    pub(crate) fn new(modulus: f64, own: f64) -> Self {
        Self { own, rounded: modulus + ComplexSizes::ITERATION * (own - modulus).max(0.0) }
    }
}

impl ComplexSizes {
    /// What the rounding of an iteration is above that of the entries.
    const ITERATION: f64 = 32.0;

    /// Of so many values that are far from each other, of a matrix over `scale`.
    pub(crate) fn far<S: Real>(count: usize, scale: f64) -> Self {
        let epsilon = S::default_epsilon().to_f64();
        let near = if S::BASE { 0.0 } else { epsilon.cbrt() };
        Self { sizes: None, scale, rounding: epsilon * count as f64, near, least: least_gap::<S>() }
    }

    /// Of eigenvalues of a matrix over `scale`, with bounds of |y_i|^T |A| |x_i|; these are asked for over `scale` only where a
    /// difference is small beside the bounds.
    pub(crate) fn new<S: Real>(
        values: &[Complex<S>],
        scale: f64,
        bounds: impl Fn(usize) -> f64,
        own: impl FnOnce() -> Vec<f64>,
    ) -> Self {
        let mut found = Self::far::<S>(values.len(), scale);
        let part = found.near.max(Self::ITERATION * found.rounding);
        let gap = |i: usize, j: usize| (values[i] - values[j]).modulus().to_f64() / scale;
        // A bound that is NaN is none.
        let is_far = |i: usize, j: usize| gap(i, j) > part * bounds(i).max(bounds(j));
        if (0..values.len()).any(|j| (0..j).any(|i| !is_far(i, j))) {
            let modulus = |w: &Complex<S>| w.modulus().to_f64() / scale;
            let sizes = values.iter().zip(own());
            let sizes = sizes.map(|(w, own)| ComplexSize::new(modulus(w), own));
            found.sizes = Some(sizes.collect());
        }
        found
    }

    /// How far the difference of two is from zero.
    pub(crate) fn difference<S: Real>(&self, i: usize, j: usize, difference: Complex<S>) -> Gap {
        let Some(sizes) = &self.sizes else { return Gap::Apart };
        let (x, y) = (sizes[i], sizes[j]);
        let both = ComplexSize { own: x.own.max(y.own), rounded: x.rounded.max(y.rounded) };
        self.beside(difference, both)
    }

    /// How far it is from zero beside what the second of the two is a sum of, whatever the rounding of the first, unless that
    /// is all there is.
    pub(crate) fn own_difference<S: Real>(
        &self,
        i: usize,
        j: usize,
        difference: Complex<S>,
    ) -> Gap {
        match (self.difference(i, j, difference), &self.sizes) {
            (Gap::Near, Some(sizes)) => self.beside(difference, sizes[j]),
            (both, _) => both,
        }
    }

    /// How far a difference is from zero beside a size.
    pub(crate) fn beside<S: Real>(&self, difference: Complex<S>, size: ComplexSize) -> Gap {
        let gap = difference.modulus().to_f64() / self.scale;
        if gap > self.rounding * size.rounded && gap > self.least {
            judge(gap, size.own, 0.0, self.near)
        } else {
            Gap::Nothing
        }
    }

    /// Whether some differences may be nothing.
    pub(crate) fn are_close(&self) -> bool {
        self.sizes.is_some()
    }

    /// Whether a number is more than what an iteration makes of the rounding of one of this size; NaN is.
    pub(crate) fn is_more(&self, x: f64, size: f64) -> bool {
        x.is_nan() || x > Self::ITERATION * self.rounding * size
    }
}

/// Numbers over a gap that is smaller than this, beside one, may be none.
pub(crate) fn least_gap<S: Real>() -> f64 {
    if is_single::<S>() { 1e-18 } else { 1e-153 }
}

fn judge(divisor: f64, size: f64, rounding: f64, near: f64) -> Gap {
    if divisor <= rounding * size {
        Gap::Nothing
    } else if divisor <= near * size {
        Gap::Near
    } else {
        Gap::Apart
    }
}

fn smallest_gap<S: Real>(values: &[S]) -> f64 {
    let gaps = values.windows(2).map(|pair| (pair[1] - pair[0]).to_f64().abs());
    gaps.fold(f64::INFINITY, f64::min)
}

/// The moduli of the entries, as plain numbers.
pub(crate) fn moduli<T: Scalar>(m: DMatrixView<'_, T>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)].modulus().to_f64())
}

/// How far from zero a divisor is that is made of numbers of this size, `count` of them.
pub(crate) fn gap_of<S: Real>(divisor: f64, size: f64, count: usize) -> Gap {
    let epsilon = S::default_epsilon().to_f64();
    let near = if S::BASE { 0.0 } else { epsilon.cbrt() };
    judge(divisor, size, epsilon * count as f64, near)
}

/// What is undefined: NaN, unless the setting leaves it out.
pub(crate) fn undefined<T: Scalar>() -> T {
    let mut x = T::zero();
    if !leaves_out_undefined() {
        x.parts_mut().fill(nalgebra::convert(OF_JUMP));
    }
    x
}

/// Whether a cotangent asks for results that [jump](difrules_core::diagnostic::jumps): not with strong zeros, but with zeros that
/// came out so, as that of V ln(w) V^H where all w are one.
pub(crate) fn asks<'a, T: Scalar>(bars: impl IntoIterator<Item = &'a T>) -> bool {
    !rests(bars)
}

/// Which columns of a matrix a cotangent [asks] for, if some of them jump; else nothing, which takes no memory.
pub(crate) fn asked_columns<T: Scalar>(jump: bool, bars: DMatrixView<'_, T>) -> Vec<bool> {
    let asked = |column: usize| asks(bars.column(column).iter());
    if jump { (0..bars.ncols()).map(asked).collect() } else { Vec::new() }
}

/// Makes all of an adjoint undefined, and how it varies with numbers that do where the argument does, and reports it,
/// where a cotangent asked for what jumps.
pub(crate) fn lose_all<'a, T: Scalar>(
    primitive: &'static str,
    reason: &'static str,
    bar: &mut DMatrixViewMut<'_, T>,
    moving: impl IntoIterator<Item = &'a T>,
) {
    report(Diagnostic::undefined(primitive, reason));
    let nothing = undefined_with(moving);
    bar.apply(|x| *x += nothing);
}

/// What is undefined, and so is how it varies with these.
pub(crate) fn undefined_with<'a, T: Scalar>(moving: impl IntoIterator<Item = &'a T>) -> T {
    if T::Real::BASE {
        return undefined();
    }
    undefined_of(moving.into_iter().fold(T::zero(), |sum, &x| sum + x))
}

/// What is undefined in place of x, and so is how it varies with x.
pub(crate) fn undefined_of<T: Scalar>(x: T) -> T {
    let nothing = if leaves_out_undefined() { 0.0 } else { OF_JUMP };
    x.scale(nalgebra::convert(nothing))
}

/// A zero that varies with x, nobody knows how: where x has a tangent or an adjoint asks for one, it is NaN.
///
/// It is the sum of the roots of x - c and c - x, for the constant c that x is: a function of one point.
pub(crate) fn undetermined<T: Scalar>(mut x: T) -> T {
    if T::Real::BASE || leaves_out_undefined() {
        return T::zero();
    }
    for part in x.parts_mut() {
        let away = *part - nalgebra::convert(part.to_f64());
        *part = if away.is_constant_zero() {
            nalgebra::zero()
        } else {
            ComplexField::sqrt(away) + ComplexField::sqrt(-away)
        };
    }
    x
}

/// A zero that jumps where x moves: no factor that is zero makes it continuous, as it would
/// what is [`undetermined`].
pub(crate) fn jumping<T: Real>(x: T) -> T {
    if T::BASE || leaves_out_undefined() {
        return T::zero();
    }
    let away = x - nalgebra::convert(x.to_f64());
    if away.is_constant_zero() { T::zero() } else { undefined_of(away).at_zero() }
}

/// The value of x, which varies with it, nobody knows how.
pub(crate) fn held<T: Scalar>(x: T) -> T {
    if T::Real::BASE {
        return x;
    }
    plain(x) + undetermined(x)
}

/// The value of x, which does not vary.
pub(crate) fn plain<T: Scalar>(mut x: T) -> T {
    for part in x.parts_mut() {
        *part = nalgebra::convert(part.to_f64());
    }
    x
}

/// The quotients of one rule, some of which may have nothing for divisor.
pub(crate) struct Quotients {
    primitive: &'static str,
    all: f64,
    /// Dividends up to this are zero but for rounding.
    small: f64,
    lost: f64,
}

impl Quotients {
    /// For dividends that are sums of numbers of this size.
    pub(crate) fn new<S: Real>(primitive: &'static str, all: f64) -> Self {
        Self { primitive, all, small: rounding_of::<S>(all), lost: 0.0 }
    }

    /// x over a divisor.
    pub(crate) fn over<T: Scalar>(&mut self, x: T, divisor: T::Real, gap: Gap) -> T {
        match gap {
            Gap::Apart => x.unscale(divisor),
            Gap::Near => held(x.unscale(divisor)),
            Gap::Nothing => self.over_zero(x, divisor),
        }
    }

    /// x over the difference of two values of a decomposition that sorts them. `disorder` is how far the direction moves
    /// them out of order: where they are one, it exchanges their vectors if that is not nothing.
    pub(crate) fn over_difference<T: Scalar>(
        &mut self,
        x: T,
        divisor: T::Real,
        gap: Gap,
        disorder: T::Real,
    ) -> T {
        let size = disorder.to_f64();
        let exchanges = size > x.modulus().to_f64() && !self.is_rounding(size);
        let x = if gap == Gap::Nothing && exchanges { T::from_real(disorder) } else { x };
        self.over(x, divisor, gap)
    }

    /// x over what is zero but for rounding.
    pub(crate) fn over_nothing<T: Scalar>(&mut self, x: T) -> T {
        let size = x.modulus().to_f64();
        if self.is_rounding(size) {
            return undetermined(x);
        }
        self.lose(size);
        undefined_of(x)
    }

    /// x over a divisor that is zero but for rounding: where that is undefined, so is how it varies with the divisor.
    pub(crate) fn over_zero<T: Scalar>(&mut self, x: T, divisor: T::Real) -> T {
        let quotient = self.over_nothing(x);
        if T::Real::BASE || self.is_rounding(x.modulus().to_f64()) {
            return quotient;
        }
        quotient + T::from_real(undefined_of(divisor))
    }

    /// Whether a dividend of this size is zero but for rounding.
    pub(crate) fn is_rounding(&self, size: f64) -> bool {
        size <= self.small
    }

    /// Notes that a dividend of this size is lost.
    pub(crate) fn lose(&mut self, size: f64) {
        self.lost = self.lost.max(size);
    }

    /// Whether something was divided by nothing that is not zero.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost > 0.0
    }

    /// Reports what has no derivative.
    pub(crate) fn report<Reason: Into<Cow<'static, str>>>(self, reason: impl FnOnce() -> Reason) {
        if self.is_lost() {
            report(Diagnostic::undefined(self.primitive, reason()));
        }
    }

    /// Reports what depends on a choice.
    pub(crate) fn report_gauge(self) {
        if self.is_lost() {
            let defect = Defect::Gauge { size: self.lost / self.all };
            report(Diagnostic { primitive: self.primitive, defect });
        }
    }
}

/// The part of a sum of numbers of this size that is taken for rounding.
pub(crate) fn rounding_of<S: Real>(all: f64) -> f64 {
    100.0 * S::default_epsilon().to_f64() * all
}

/// Reports that a rule's own elimination met a pivot of zero where that of the call did not: what it was for is
/// undefined.
pub(crate) fn report_nearly_singular<T: Scalar>(
    primitive: &'static str,
    x: &mut DMatrixViewMut<'_, T>,
) {
    report(Diagnostic::undefined(primitive, "the matrix is singular but for rounding"));
    x.fill(undefined());
}
