//! The shared mathematics of A V = V diag(w) for a general A, with complex w and V.

use std::cell::LazyCell;
use std::cmp::Ordering;

use approx::AbsDiffEq;
use difrules_core::diagnostic::Diagnostic;
use difrules_core::{Real, Scalar, diagnosed, report};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, ComplexField, DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, DimDiff,
    DimSub, Dyn, OMatrix, OVector, U1,
};

use crate::algebra::hermitian_eigen::turn;
use crate::algebra::modulus::{largest_modulus, phase};
use crate::algebra::reduction::rescaled;
use crate::algebra::resolvent::{Bordered, apart};
use crate::algebra::scaling::binade;
use crate::algebra::schur::{blocks, rounding_sizes, standard_factors};
use crate::blas::nrm2::nrm2;
use crate::block::{block, block_mut, is_still, multiply, product, rests, still};
use crate::decomposition::complex_eigenvalues::complex_eigenvalues;
use crate::error::{Error, finite, square};
use crate::systems::inverse::inverse;
use crate::tolerance::{
    ComplexSize, ComplexSizes, Gap, Quotients, asks, least_gap, moduli, plain, undefined,
    undefined_of,
};

/// A number as a complex one.
pub(crate) fn lift<T: Scalar>(x: T) -> Complex<T::Real> {
    Complex::new(x.real(), x.imaginary())
}

/// What a complex number is in T: its real part, if T is real.
pub(crate) fn lower<T: Scalar>(x: Complex<T::Real>) -> T {
    let mut y = T::zero();
    for (part, x) in y.parts_mut().iter_mut().zip([x.re, x.im]) {
        *part = x;
    }
    y
}

/// Eigenvalues in the order of their real parts, then of their imaginary parts, and eigenvectors of norm 1
/// whose largest entry is real and positive.
///
/// From the Schur form, whose blocks of two rows are made triangular: [a x; -y a] has the eigenvector
/// (x, i sqrt(x y)) for a + i sqrt(x y). The eigenvectors of a triangular T follow by substitution. Where two
/// eigenvalues are the same, the rounding of T takes the place of their difference, as in LAPACK's `trevc`.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::NotFinite`], which name `a`; [`Error::NoConvergence`].
#[expect(clippy::type_complexity, reason = "values and vectors, or an error")]
pub(crate) fn eigenvectors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OVector<Complex<T::Real>, D>, OMatrix<Complex<T::Real>, D, D>), Error>
where
    DefaultAllocator:
        Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, DimDiff<D, U1>>,
{
    let count = square("a", a.shape())?;
    finite("a", a)?;
    let (size, _) = a.shape_generic();
    let (q, t) = standard_factors(a)?;
    let (mut q, mut upper) = (q.map(lift), t.map(lift));
    let mut pairs = OVector::<bool, D>::from_element_generic(size, U1, false);
    for rows in blocks(block(&t)).filter(|rows| rows.len() == 2) {
        pairs[rows.start] = true;
        triangular(rows.start, &mut block_mut(&mut q), &mut block_mut(&mut upper));
    }
    // Complex quotients overflow where squares do.
    let (mut upper, scale) = rescaled(&upper);
    let (smallest, least) = (T::Real::default_epsilon() * upper.camax(), least_gap::<T::Real>());
    // A difference below that is what is left of sums of these: of a triangle that is given, of its diagonal.
    let sizes = LazyCell::new(|| rounding_sizes(Some(block(&q)), block(&upper)));
    let mut x = OMatrix::<Complex<T::Real>, D, D>::identity_generic(size, size);
    for k in 0..count {
        for i in (0..k).rev() {
            let mut sum = nalgebra::zero::<Complex<T::Real>>();
            (i + 1..=k).for_each(|l| sum += upper[(i, l)] * x[(l, k)]);
            if sum.norm1() == nalgebra::zero() {
                continue;
            }
            let difference = upper[(i, i)] - upper[(k, k)];
            let small = difference.norm1() < smallest && {
                let rounding = T::Real::default_epsilon().to_f64() * sizes[i].max(sizes[k]);
                let gap = difference.norm1().to_f64();
                gap < rounding || gap <= least * upper.camax().to_f64()
            };
            let divisor = if small { Complex::new(smallest, nalgebra::zero()) } else { difference };
            x[(i, k)] = -sum / divisor;
            // Long chains of one eigenvalue grow without bound.
            let length = x[(i, k)].modulus();
            if length > nalgebra::convert(1e15) {
                x.view_range_mut(i..k + 1, k).apply(|x| *x = x.unscale(length));
            }
        }
    }
    let mut vectors = OMatrix::<Complex<T::Real>, D, D>::zeros_generic(size, size);
    let (one, zero) = (Complex::from_real(nalgebra::one()), nalgebra::zero());
    multiply(one, (block(&q), false), (block(&x), false), zero, &mut block_mut(&mut vectors));
    for mut vector in vectors.column_iter_mut() {
        let length = nrm2(&vector.clone_owned());
        vector.apply(|x| *x = x.unscale(length));
    }
    turn(block_mut(&mut vectors));
    let real = a.iter().all(|x| x.try_real().is_some());
    for k in 0..count {
        // A real A has real vectors and pairs of conjugates, but for rounding.
        if k > 0 && pairs[k - 1] {
            let conjugate = vectors.column(k - 1).conjugate();
            vectors.set_column(k, &conjugate);
            upper[(k, k)] = upper[(k - 1, k - 1)].conjugate();
        } else if real && !pairs[k] {
            vectors.column_mut(k).apply(|x| x.im = nalgebra::zero());
            upper[(k, k)].im = nalgebra::zero();
        }
    }
    let mut order = OVector::<usize, D>::from_fn_generic(size, U1, |i, _| i);
    let key = |i: &usize| (upper[(*i, *i)].re, upper[(*i, *i)].im);
    let compare = |i: &usize, j: &usize| key(i).partial_cmp(&key(j)).unwrap_or(Ordering::Equal);
    order.as_mut_slice().sort_by(compare);
    let values =
        OVector::from_fn_generic(size, U1, |i, _| upper[(order[i], order[i])].scale(scale));
    let vectors = OMatrix::from_fn_generic(size, size, |i, j| vectors[(i, order[j])]);
    Ok((values, vectors))
}

/// Makes a block [a x; -y a] triangular, by the unitary [x, iz; iz, x] / sqrt(x^2 + z^2), z = sqrt(x y).
fn triangular<S: Real>(
    k: usize,
    q: &mut DMatrixViewMut<'_, Complex<S>>,
    t: &mut DMatrixViewMut<'_, Complex<S>>,
) {
    let next = k + 1;
    let (above, below) = (t[(k, next)].re, -t[(next, k)].re);
    // x and z in proportion, without overflow.
    let ratio = ComplexField::sqrt(below / above);
    let length = ComplexField::sqrt(S::one() + ratio * ratio);
    let cosine = Complex::new(S::one() / length, S::zero());
    let sine = Complex::new(S::zero(), ratio / length);
    for i in 0..q.nrows() {
        let rotate =
            |first, second| (cosine * first + sine * second, sine * first + cosine * second);
        (q[(i, k)], q[(i, next)]) = rotate(q[(i, k)], q[(i, next)]);
        (t[(i, k)], t[(i, next)]) = rotate(t[(i, k)], t[(i, next)]);
    }
    for j in 0..q.nrows() {
        let (first, second) = (t[(k, j)], t[(next, j)]);
        (t[(k, j)], t[(next, j)]) =
            (cosine * first - sine * second, cosine * second - sine * first);
    }
    t[(next, k)] = nalgebra::zero();
}

/// Whether eigenvectors jump, since an eigenvalue repeats.
pub(crate) fn vectors_jump<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<Complex<T::Real>, D>,
    vectors: &OMatrix<Complex<T::Real>, D, D>,
) -> bool
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    are_close(a, values, vectors)
        && diagnosed(|| Left::new(a, values, vectors)).0.is_none_or(|left| left.repeats())
}

/// Whether some two eigenvalues may be one. Those that are far apart need no inverse.
fn are_close<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    values: &OVector<Complex<T::Real>, D>,
    vectors: &OMatrix<Complex<T::Real>, D, D>,
) -> bool
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (count, epsilon) = (values.len(), T::Real::default_epsilon().to_f64());
    let all = largest_modulus(a.iter());
    let near = f64::max(1e-3, 10.0 * epsilon.cbrt());
    // The rounding of a value that repeats k times with one vector is a root of degree k, and so is how far its vectors are
    // from each other.
    let wide = 10.0 * epsilon.powf(1.0 / count.clamp(2, 8) as f64);
    let is_close = |i: usize, j: usize| {
        let gap = (values[i] - values[j]).modulus().to_f64();
        gap <= near * all
            || gap <= wide * all && {
                let pair = vectors.column(i).dotc(&vectors.column(j));
                pair.modulus().to_f64() > 0.5
            }
    };
    (0..count).any(|j| (0..j).any(|i| is_close(i, j)))
}

/// Eigenvalues that are one, but for rounding.
struct Cluster {
    members: Vec<usize>,
    /// Whether there are too few eigenvectors.
    defective: bool,
}

/// What the rules know beside V and w.
pub(crate) struct Left<S: Real, D: Dim>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// V^-1, whose rows are the left eigenvectors.
    pub(crate) inverse: OMatrix<Complex<S>, D, D>,
    /// The condition numbers of the eigenvalues, the norms of these rows.
    conditions: OVector<f64, D>,
    sizes: ComplexSizes,
    /// Values that a chain of gaps that are nothing links; nothing if there are none.
    clusters: Vec<Cluster>,
    /// Which are differentiated by themselves, and are one with no other; nothing if none are.
    alone: Vec<bool>,
}

impl<S: Real, D: Dim> Left<S, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// None if the eigenvectors depend on each other.
    pub(crate) fn new<T: Scalar<Real = S>>(
        a: &OMatrix<T, D, D>,
        values: &OVector<Complex<S>, D>,
        vectors: &OMatrix<Complex<S>, D, D>,
    ) -> Option<Self> {
        let inverse = inverse(vectors).ok()?;
        let (size, _) = vectors.shape_generic();
        let conditions = OVector::from_fn_generic(size, U1, |i, _| length(inverse.row(i).iter()));
        let scale = binade(a.iter()).to_f64();
        let all = length(a.iter()) / scale;
        let bound = |i: usize| conditions[i] * all;
        let sizes = ComplexSizes::new(values.as_slice(), scale, bound, || {
            let left = moduli(block(&inverse)) * (moduli(block(a)) / scale);
            let right = moduli(block(vectors));
            let own = |i: usize| (0..right.nrows()).map(|k| left[(i, k)] * right[(k, i)]).sum();
            (0..right.nrows()).map(own).collect()
        });
        let mut left = Self { inverse, conditions, sizes, clusters: Vec::new(), alone: Vec::new() };
        if left.sizes.are_close() {
            left.clusters = left.find_clusters(a, values, vectors);
        }
        Some(left)
    }

    fn find_clusters<T: Scalar<Real = S>>(
        &self,
        a: &OMatrix<T, D, D>,
        values: &OVector<Complex<S>, D>,
        vectors: &OMatrix<Complex<S>, D, D>,
    ) -> Vec<Cluster> {
        let (count, mut clusters) = (values.len(), Vec::new());
        let mut seen = vec![false; count];
        for first in 0..count {
            let mut members = vec![first];
            let mut next = 0;
            while let Some(&i) = members.get(next).filter(|_| !seen[first]) {
                let is_one = |j: usize| self.gap(values, i, j) == Gap::Nothing;
                let joined = (first + 1..count).filter(|j| !members.contains(j) && is_one(*j));
                members.extend(joined.collect::<Vec<_>>());
                next += 1;
            }
            members.iter().for_each(|&i| seen[i] = true);
            members.sort_unstable();
            if members.len() > 1 {
                let defective = self.lacks_vectors(a, vectors, &members);
                clusters.push(Cluster { members, defective });
            }
        }
        clusters
    }

    /// Whether eigenvalues that are one have too few eigenvectors.
    ///
    /// With orthonormal bases U and W of what their right and left vectors span, and Y^H = (W^H U)^-1 W^H, A is Y^H A U on
    /// that space. If it is a multiple of the identity there, but for the rounding |Y|^T |A| |U|, there are enough.
    fn lacks_vectors<T: Scalar<Real = S>>(
        &self,
        a: &OMatrix<T, D, D>,
        vectors: &OMatrix<Complex<S>, D, D>,
        members: &[usize],
    ) -> bool {
        let plain = |x: Complex<S>| Complex::new(x.re.to_f64(), x.im.to_f64());
        let scale = binade(a.iter());
        let a =
            DMatrix::from_fn(a.nrows(), a.ncols(), |i, j| plain(lift(a[(i, j)].unscale(scale))));
        let (rows, count) = (a.nrows(), members.len());
        let u = DMatrix::from_fn(rows, count, |i, k| plain(vectors[(i, members[k])])).qr().q();
        let left = |i: usize, k: usize| {
            let member = members[k];
            plain(self.inverse[(member, i)].conjugate()) / self.conditions[member]
        };
        let w = DMatrix::from_fn(rows, count, left);
        if !w.iter().all(|x| x.is_finite()) {
            return true;
        }
        let w = w.qr().q();
        let Ok(overlap) = inverse::<Complex<f64>, Dyn>(&w.ad_mul(&u)) else { return true };
        let y = overlap * w.adjoint();
        let on_space = &y * (&a * &u);
        let sizes = moduli(block(&y)) * moduli(block(&a)) * moduli(block(&u));
        let is_more =
            |i: usize, j: usize| self.sizes.is_more(on_space[(i, j)].norm(), sizes[(i, j)]);
        (0..count).any(|j| (0..count).any(|i| i != j && is_more(i, j)))
    }

    /// How far the difference of two eigenvalues is from zero.
    fn gap(&self, values: &OVector<Complex<S>, D>, i: usize, j: usize) -> Gap {
        self.sizes.difference(i, j, values[i] - values[j])
    }

    fn is_alone(&self, i: usize) -> bool {
        self.alone.get(i) == Some(&true)
    }

    /// The members of clusters that are not differentiated by themselves.
    fn clusters(&self) -> impl Iterator<Item = (Vec<usize>, bool)> {
        let of = move |cluster: &Cluster| {
            let members = cluster.members.iter().copied().filter(|&i| !self.is_alone(i));
            (members.collect::<Vec<_>>(), cluster.defective)
        };
        self.clusters.iter().map(of).filter(|(members, _)| members.len() > 1)
    }

    /// Whether two eigenvalues are one, but for rounding.
    fn repeat(&self, i: usize, j: usize) -> bool {
        let both = |cluster: &Cluster| [i, j].iter().all(|k| cluster.members.contains(k));
        !self.is_alone(i) && !self.is_alone(j) && self.clusters.iter().any(both)
    }

    /// Whether some two eigenvalues are one.
    pub(crate) fn repeats(&self) -> bool {
        self.clusters().next().is_some()
    }

    /// Which are [apart](fn@apart) from all others in a derivative mode.
    fn apart(&self, values: &OVector<Complex<S>, D>) -> Option<Vec<bool>> {
        apart::<S>(values.len(), |i, j| {
            if i == j {
                return (f64::INFINITY, Gap::Apart);
            }
            let gap = values[j] - values[i];
            (gap.modulus().to_f64(), self.sizes.own_difference(i, j, gap))
        })
    }

    /// V with constants in place of the vectors that nobody asks for, here too: how they move may not be known.
    pub(crate) fn with_constants(
        &mut self,
        vectors: &OMatrix<Complex<S>, D, D>,
        rests: impl Fn(usize) -> bool,
    ) -> OMatrix<Complex<S>, D, D> {
        let mut vectors = vectors.clone();
        for j in (0..vectors.ncols()).filter(|&j| !S::BASE && rests(j)) {
            vectors.column_mut(j).apply(|x| *x = plain(*x));
            self.inverse.row_mut(j).apply(|x| *x = plain(*x));
        }
        vectors
    }

    /// The eigenvalues that repeat with too few eigenvectors.
    pub(crate) fn defective(&self) -> impl Iterator<Item = usize> {
        self.clusters().filter(|&(_, defective)| defective).flat_map(|(members, _)| members)
    }

    /// Makes undefined the cotangents of eigenvalues that have no derivative, those that [ask](asks) for it by zeros too.
    pub(crate) fn without_defective(
        &self,
        primitive: &'static str,
        values_bar: &mut OVector<Complex<S>, D>,
    ) {
        let mut quotients = Quotients::new::<S>(primitive, 0.0);
        for i in self.defective() {
            if asks([&values_bar[i]]) {
                values_bar[i] = undefined_of(values_bar[i]);
                quotients.lose(1.0);
            }
        }
        quotients.report(|| DEFECTIVE);
    }

    /// Makes undefined the cotangents of eigenvalues that are one, where they are not the same: which of the
    /// values has which is a choice.
    pub(crate) fn settle(&self, primitive: &'static str, values_bar: &mut OVector<Complex<S>, D>) {
        let mut quotients = Quotients::new::<S>(primitive, largest_modulus(values_bar.iter()));
        let given = values_bar.clone();
        for (members, _) in self.clusters() {
            for (k, &i) in members.iter().enumerate() {
                for &j in &members[..k] {
                    values_bar[i] += quotients.over_nothing(given[i] - given[j]);
                }
            }
        }
        quotients.report(|| {
            "an eigenvalue repeats, and the result depends on which of the same it is: there it has a kink"
        });
    }

    /// The tangents of eigenvalues that are one: those of the values that the direction splits them into, in their order,
    /// which are the eigenvalues of the block of P = V^-1 dA V; none where there are too few vectors. The size of dA V is
    /// given. Returns which of their vectors have no derivative: those that change places where the block is diagonal, and
    /// not in order, and those of which there are too few.
    pub(crate) fn split(
        &self,
        primitive: &'static str,
        moved: f64,
        p: impl Fn(usize, usize) -> Complex<S>,
        values_dot: &mut OVector<Complex<S>, D>,
    ) -> Vec<usize> {
        let mut lost = Vec::new();
        let mut lacking = Quotients::new::<S>(primitive, 0.0);
        for (cluster, defective) in self.clusters() {
            if defective {
                if moved > 0.0 {
                    cluster.iter().for_each(|&i| values_dot[i] = undefined_of(values_dot[i]));
                    lost.extend(cluster);
                    lacking.lose(1.0);
                }
                continue;
            }
            let size = cluster.len();
            let block = DMatrix::from_fn(size, size, |i, j| match i == j {
                true => values_dot[cluster[i]],
                false => p(cluster[i], cluster[j]),
            });
            let condition = cluster.iter().fold(0.0, |x: f64, &i| x.max(self.conditions[i]));
            let quotients = Quotients::new::<S>(primitive, moved * condition);
            let rounding = |x: Complex<S>| quotients.is_rounding(x.modulus().to_f64());
            let beside = |k: usize| k / size != k % size;
            if (0..size * size).filter(|&k| beside(k)).all(|k| rounding(block[k])) {
                let diagonal = block.diagonal();
                let key = |i: &usize| (diagonal[*i].re, diagonal[*i].im);
                let compare =
                    |i: &usize, j: &usize| key(i).partial_cmp(&key(j)).unwrap_or(Ordering::Equal);
                let mut order: Vec<_> = (0..size).collect();
                order.sort_by(compare);
                let moved = |&i: &usize| !rounding(diagonal[order[i]] - diagonal[i]);
                for i in (0..size).filter(moved) {
                    values_dot[cluster[i]] = diagonal[order[i]];
                    lost.push(cluster[i]);
                }
                continue;
            }
            let split = values_of(&block);
            for (k, &i) in cluster.iter().enumerate() {
                values_dot[i] = split.as_ref().map_or_else(undefined, |split| split[k]);
            }
        }
        lacking.report(|| DEFECTIVE);
        lost
    }

    /// Makes undefined in a matrix in the basis of the eigenvectors what has no derivative: backwards, its diagonal for
    /// defective eigenvalues; and divides the rest of it by the differences of eigenvalues w_j - w_i, or
    /// their conjugates, where what is not zero over nothing is undefined. Returns whether something is.
    pub(crate) fn over_gaps(
        &self,
        primitive: &'static str,
        values: &OVector<Complex<S>, D>,
        conjugate: bool,
        m: &mut OMatrix<Complex<S>, D, D>,
    ) -> bool {
        // A row of V^-1 dA V has the size of that of V^-1; cotangents of the values times these have the unit of those of
        // the vectors.
        let of_values = largest_modulus(m.diagonal().iter());
        let row = |i: usize| if conjugate { 1.0 } else { self.conditions[i] };
        let all = match conjugate {
            false => largest_modulus_over(m, row, true),
            true => {
                let of_vectors = largest_modulus_over(m, row, false);
                of_vectors.max((of_values * largest_modulus(values.iter())).min(f64::MAX))
            }
        };
        let mut split = Quotients::new::<S>(primitive, all);
        let mut defective = Quotients::new::<S>(primitive, 0.0);
        if conjugate {
            for i in self.defective() {
                m[(i, i)] = defective.over_nothing(m[(i, i)]);
            }
        }
        for j in 0..values.len() {
            for i in 0..values.len() {
                // The second is what nobody asks for.
                if i == j || m[(i, j)].is_constant_zero() {
                    continue;
                }
                let found = if self.repeat(i, j) { Gap::Nothing } else { self.gap(values, i, j) };
                m[(i, j)] = if found == Gap::Nothing {
                    split.over_nothing(m[(i, j)].unscale(nalgebra::convert(row(i))))
                } else {
                    let gap = values[j] - values[i];
                    let (size, turn) = (gap.modulus(), phase(gap));
                    let turn = if conjugate { turn } else { turn.conjugate() };
                    split.over(m[(i, j)] * turn, size, found)
                };
            }
        }
        let lost = defective.is_lost() || split.is_lost();
        if defective.is_lost() {
            defective.report(|| DEFECTIVE);
        } else {
            split.report(|| {
                "an eigenvalue repeats: its eigenvectors have no derivative along this direction"
            });
        }
        lost
    }

    /// Makes undefined the cotangents of eigenvalues that are one with another, where they come with those of
    /// eigenvectors, or where these are asked for: a function of V f(w) V^-1 does not depend on the choice of these,
    /// so that their cotangents are zero, but how it changes along directions that split the eigenvalue they do not
    /// tell. It is reported unless it is `known` that there is no derivative.
    pub(crate) fn open(
        &self,
        primitive: &'static str,
        (asked, known): (&[bool], bool),
        m: &mut OMatrix<Complex<S>, D, D>,
    ) {
        let of_values = largest_modulus(m.diagonal().iter());
        let mut quotients = Quotients::new::<S>(primitive, of_values);
        for i in self.clusters().flat_map(|(members, _)| members) {
            m[(i, i)] = quotients.over_nothing(m[(i, i)]);
            if asked.get(i) == Some(&true) {
                quotients.lose(1.0);
                m[(i, i)] += undefined::<Complex<S>>();
            }
        }
        if !known {
            quotients.report(|| {
                "an eigenvalue repeats, and the cotangents do not tell how the result changes along \
                 directions that split it"
            });
        }
    }
}

/// The equations of those eigenvalues and vectors that are differentiated by themselves, if there are any: that are
/// [apart](Left::apart) from all others, or that have an equation with a condition of its own where vectors nearly depend on
/// each other, and V^-1 has the condition of these.
pub(crate) struct Alone<S: Real>(Vec<Option<Bordered<S>>>);

impl<S: Real> Alone<S> {
    pub(crate) fn new<T: Scalar<Real = S>, D: Dim>(
        left: &mut Option<Left<S, D>>,
        a: &OMatrix<T, D, D>,
        values: &OVector<Complex<S>, D>,
        vectors: &OMatrix<Complex<S>, D, D>,
    ) -> Option<Self>
    where
        DefaultAllocator: Allocator<D, D> + Allocator<D>,
    {
        let worst = |left: &Left<S, D>| left.conditions.iter().fold(1.0, |x: f64, &y| x.max(y));
        let worst = left.as_ref().map_or(f64::INFINITY, worst);
        let apart = left.as_ref().and_then(|left| left.apart(values));
        // Up to here half of what V^-1 loses of the digits is the other half of them.
        let depend = worst > S::default_epsilon().to_f64().powf(-0.25);
        if apart.is_none() && !depend {
            return None;
        }
        let lifted = a.map(lift);
        let scale = binade(a.iter()).to_f64();
        let all = moduli(block(a)) / scale;
        let sizes = ComplexSizes::far::<S>(values.len(), scale);
        let equation = |j: usize| {
            let is_apart = apart.as_ref().is_some_and(|apart| apart[j]);
            if !is_apart && !depend {
                return None;
            }
            let vector = block(vectors).column(j).into_owned();
            let found = Bordered::new(block(&lifted), values[j], vector.as_view());
            let better = |found: &Bordered<S>| {
                found.is_known() && found.growth() < worst && {
                    let own = found.size(&all, moduli(vector.as_view()).as_slice());
                    let size = ComplexSize::new(values[j].modulus().to_f64() / scale, own);
                    let gap = |i: usize| sizes.beside(values[j] - values[i], size);
                    (0..values.len()).all(|i| i == j || gap(i) != Gap::Nothing)
                }
            };
            found.filter(|found| is_apart || better(found))
        };
        let equations: Vec<_> = (0..values.len()).map(equation).collect();
        if let Some(left) = left {
            left.alone = equations.iter().map(Option::is_some).collect();
        }
        equations.iter().any(Option::is_some).then_some(Self(equations))
    }

    pub(crate) fn contains(&self, j: usize) -> bool {
        self.0[j].is_some()
    }

    fn equations(&self) -> impl Iterator<Item = (usize, &Bordered<S>)> {
        self.0.iter().enumerate().filter_map(|(j, equation)| Some((j, equation.as_ref()?)))
    }

    /// Gives the tangents of the eigenvalues and of the eigenvectors, up to multiples of these.
    pub(crate) fn forward<T: Scalar<Real = S>, D: Dim>(
        &self,
        a_dot: &OMatrix<T, D, D>,
        vectors: &OMatrix<Complex<S>, D, D>,
        mut put: impl FnMut(usize, Complex<S>, DVector<Complex<S>>),
    ) where
        DefaultAllocator: Allocator<D, D>,
    {
        let moved = product((block(&a_dot.map(lift)), false), (block(vectors), false));
        for (j, equation) in self.equations() {
            let (vector_dot, value_dot) = equation.tangent(moved.column(j).as_view());
            put(j, value_dot, vector_dot);
        }
    }

    /// The adjoint: adds to the cotangent of A what these give, and takes their cotangents out of those of all.
    pub(crate) fn reverse<T: Scalar<Real = S>, D: Dim>(
        &self,
        vectors: &OMatrix<Complex<S>, D, D>,
        values_bar: &mut [Complex<S>],
        mut vectors_bar: Option<&mut DMatrixViewMut<'_, Complex<S>>>,
        a_bar: &mut DMatrixViewMut<'_, T>,
    ) where
        DefaultAllocator: Allocator<D, D>,
    {
        let mut outer = DMatrix::zeros(vectors.nrows(), vectors.nrows());
        for (j, equation) in self.equations() {
            let value_bar = std::mem::replace(&mut values_bar[j], still());
            let mut vector_bar = DVector::from_element(vectors.nrows(), still());
            if let Some(bars) = &mut vectors_bar {
                vector_bar.copy_from(&bars.column(j));
                bars.column_mut(j).fill(still());
            }
            if rests(&vector_bar) && is_still(&value_bar) {
                continue;
            }
            let vector = block(vectors).column(j).into_owned();
            let bar = equation.cotangent(vector_bar.as_view(), value_bar);
            let one = Complex::from_real(nalgebra::one());
            multiply(
                one,
                (block(&bar), false),
                (block(&vector), true),
                one,
                &mut block_mut(&mut outer),
            );
        }
        a_bar.zip_apply(&outer, |bar, x| *bar += lower::<T>(x));
    }
}

/// The eigenvalues of a small matrix. Of a real one pairs are conjugates exactly, which tells their order.
fn values_of<S: Real>(block: &DMatrix<Complex<S>>) -> Option<DVector<Complex<S>>> {
    if block.iter().all(|x| x.im == nalgebra::zero()) {
        complex_eigenvalues(&block.map(|x| x.re)).ok()
    } else {
        complex_eigenvalues(block).ok()
    }
}

/// The largest modulus of entries over sizes of their rows, with the diagonal or beside it.
fn largest_modulus_over<S: Real, D: Dim>(
    m: &OMatrix<Complex<S>, D, D>,
    row: impl Fn(usize) -> f64,
    diagonal: bool,
) -> f64
where
    DefaultAllocator: Allocator<D, D>,
{
    let mut most = 0.0_f64;
    for j in 0..m.ncols() {
        for i in (0..m.nrows()).filter(|&i| diagonal || i != j) {
            let size = m[(i, j)].modulus().to_f64() / row(i);
            most = if size > most { size } else { most };
        }
    }
    most
}

/// The Euclidean norm of numbers, as a plain number.
fn length<'a, T: Scalar>(entries: impl Iterator<Item = &'a T> + Clone) -> f64 {
    let most = largest_modulus(entries.clone());
    if most == 0.0 {
        return 0.0;
    }
    let square = |x: &T| (x.modulus().to_f64() / most).powi(2);
    most * entries.map(square).sum::<f64>().sqrt()
}

const DEFECTIVE: &str = "the matrix is defective: an eigenvalue repeats with too few eigenvectors, and has no \
                         derivative";

pub(crate) fn report_defective(primitive: &'static str) {
    report(Diagnostic::undefined(primitive, DEFECTIVE));
}
