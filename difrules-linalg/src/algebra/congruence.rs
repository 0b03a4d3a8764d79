//! The shared mathematics of A = T B T^H for a Hermitian A, with a unit triangular T and a Hermitian B of
//! blocks of one or two rows on its diagonal.

use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix, OVector, U1,
};

use crate::algebra::modulus::{largest, largest_modulus};
use crate::algebra::triangular_part::{active, add_strict_outer};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{FIT, block, block_mut, multiply, solve_unit};
use crate::error::{Error, is_finite, singular};
use crate::tolerance::{Gap, Quotients, asks, gap_of, undefined_of, undetermined};

/// The factors.
pub(crate) struct Congruence<'a, T: Scalar, D: Dim>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// Which triangle T has.
    pub(crate) triangle: Triangle,
    /// T, its ones and zeros stored.
    pub(crate) factor: &'a OMatrix<T, D, D>,
    /// The diagonal of B.
    pub(crate) diagonal: &'a [T::Real],
    /// What B has below its diagonal, read within blocks alone.
    pub(crate) off_diagonal: &'a [T],
    /// The size of the block of each row: 1 or 2.
    pub(crate) blocks: &'a [usize],
}

/// One block of B.
enum Block<T: Scalar> {
    One(T::Real),
    Two(T::Real, T, T::Real),
}

fn largest_part<T: Scalar>(first: T::Real, below: T, last: T::Real) -> T::Real {
    largest([ComplexField::abs(first), ComplexField::abs(last), below.norm1()].into_iter()).1
}

impl<T: Scalar> Block<T> {
    /// The inverse of two rows by their entries, scaled so that no product of two overflows or underflows; of
    /// one row none is made. None if the block is singular.
    fn inverse(&self) -> Option<Self> {
        match *self {
            Self::One(b) => (b != nalgebra::zero()).then_some(Self::One(b)),
            Self::Two(first, below, last) => {
                let size = largest_part(first, below, last);
                if size == nalgebra::zero() {
                    return None;
                }
                let (first, below, last) = (first / size, below.unscale(size), last / size);
                let determinant = first * last - below.modulus_squared();
                let over = |x: T::Real| x / determinant / size;
                let inverse =
                    Self::Two(over(last), -below.unscale(determinant).unscale(size), over(first));
                (determinant != nalgebra::zero()).then_some(inverse)
            }
        }
    }

    /// Multiplies the rows from k on by it.
    fn multiply(&self, k: usize, y: &mut DMatrixViewMut<'_, T>) {
        for j in 0..y.ncols() {
            match *self {
                Self::One(b) => y[(k, j)] = y[(k, j)].scale(b),
                Self::Two(first, below, last) => {
                    let (top, bottom) = (y[(k, j)], y[(k + 1, j)]);
                    y[(k, j)] = top.scale(first) + below.conjugate() * bottom;
                    y[(k + 1, j)] = below * top + bottom.scale(last);
                }
            }
        }
    }

    /// About the smallest singular value.
    fn smallest(&self) -> T::Real {
        match *self {
            Self::One(b) => b,
            Self::Two(first, below, last) => {
                let size = largest_part(first, below, last);
                (first / size) * last - below.unscale(size).modulus() * below.modulus()
            }
        }
    }
}

impl<T: Scalar, D: Dim> Congruence<'_, T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    fn size(&self) -> usize {
        self.factor.nrows()
    }

    /// The blocks with their first rows.
    fn blocks(&self) -> impl Iterator<Item = (usize, Block<T>)> {
        let next = |&k: &usize| Some(k + self.width(k));
        let starts = std::iter::successors(Some(0), next).take_while(|&k| k < self.size());
        starts.map(|k| (k, self.block(k)))
    }

    fn width(&self, k: usize) -> usize {
        self.blocks.get(k).copied().unwrap_or(1)
    }

    fn block(&self, k: usize) -> Block<T> {
        match self.width(k) {
            1 => Block::One(self.diagonal[k]),
            _ => Block::Two(self.diagonal[k], self.off_diagonal[k], self.diagonal[k + 1]),
        }
    }

    /// The rows of T beside a block that are not zero by shape.
    fn beside(&self, k: usize) -> std::ops::Range<usize> {
        match self.triangle {
            Triangle::Lower => k + self.width(k)..self.size(),
            Triangle::Upper => 0..k,
        }
    }

    /// X <- op(T)^-1 X or X op(T)^-1.
    fn solve_factor(&self, side: Side, operation: Operation, x: &mut DMatrixViewMut<'_, T>) {
        solve_unit(side, self.triangle, operation, block(self.factor), x);
    }

    /// Whether a block is singular but for the rounding of what it is made of, (|T| |B| |T|^H)_kk: rows and columns of
    /// any scale have their own.
    fn is_singular(&self, k: usize, block: &Block<T>) -> bool {
        let size = |i: usize, m: usize| self.factor[(i, m)].modulus().to_f64();
        let made = |i: usize, j: usize| {
            let of_block = |(m, block): (usize, Block<T>)| match block {
                Block::One(b) => size(i, m) * b.to_f64().abs() * size(j, m),
                Block::Two(first, below, last) => {
                    let (first, last) = (first.to_f64().abs(), last.to_f64().abs());
                    let (below, n) = (below.modulus().to_f64(), m + 1);
                    size(i, m) * (first * size(j, m) + below * size(j, n))
                        + size(i, n) * (below * size(j, m) + last * size(j, n))
                }
            };
            self.blocks().map(of_block).sum::<f64>()
        };
        let nothing = |x: f64, size| gap_of::<T::Real>(x.abs(), size, self.size()) == Gap::Nothing;
        match *block {
            Block::One(b) => nothing(b.to_f64(), made(k, k)),
            Block::Two(first, below, last) => {
                // Over a number that keeps products among the numbers.
                let scale = largest_part(first, below, last).to_f64();
                let [first, last] = [first, last].map(|b| b.to_f64() / scale);
                let below = below.modulus().to_f64() / scale;
                let [a, b, c] =
                    [(k, k), (k + 1, k), (k + 1, k + 1)].map(|(i, j)| made(i, j) / scale);
                let products = first.abs() * c + last.abs() * a + 2.0 * below * b;
                let determinant = first * last - below * below;
                determinant.is_nan() || nothing(determinant, products)
            }
        }
    }

    /// The inverse of a block; None if it is singular but for rounding, or if no row is beside it.
    fn inverse(&self, k: usize, block: &Block<T>) -> Option<Block<T>> {
        if self.beside(k).is_empty() || self.is_singular(k, block) { None } else { block.inverse() }
    }

    /// Whether T jumps, since a block with rows beside it is singular.
    pub(crate) fn jumps(&self) -> bool {
        let is_lost = |(k, block): (usize, Block<T>)| self.inverse(k, &block).is_none();
        self.blocks().any(|(k, block)| !self.beside(k).is_empty() && is_lost((k, block)))
    }

    /// Rows times B^-1, in place: of what has one number a row in `first`, and in `second` if the block has
    /// two. Where the block is singular, what is not zero is undefined.
    fn over_block(
        &self,
        inverse: Option<&Block<T>>,
        rows: std::ops::Range<usize>,
        first: &mut OVector<T, D>,
        second: &mut OVector<T, D>,
        quotients: &mut Quotients,
    ) {
        let Some(inverse) = inverse else {
            for i in rows {
                (first[i], second[i]) =
                    (quotients.over_nothing(first[i]), quotients.over_nothing(second[i]));
            }
            return;
        };
        for i in rows {
            match *inverse {
                Block::One(b) => first[i] = first[i].unscale(b),
                Block::Two(b, below, last) => {
                    let (x, y) = (first[i], second[i]);
                    first[i] = x.scale(b) + y * below;
                    second[i] = y.scale(last) + x * below.conjugate();
                }
            }
        }
    }

    /// The first rows of the blocks in the order of the elimination, and how many there are.
    fn order(&self) -> (OVector<usize, D>, usize) {
        let mut starts = OVector::zeros_generic(self.factor.shape_generic().0, U1);
        let mut count = 0;
        for (k, _) in self.blocks() {
            starts[count] = k;
            count += 1;
        }
        if self.triangle == Triangle::Upper {
            starts.as_mut_slice()[..count].reverse();
        }
        (starts, count)
    }

    /// The rows of a column in the triangle, of those that are left.
    fn part(&self, j: usize, rows: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        match self.triangle {
            Triangle::Lower => j..rows.end,
            Triangle::Upper => rows.start..j + 1,
        }
    }

    /// Y <- B Y.
    fn multiply_blocks(&self, y: &mut DMatrixViewMut<'_, T>) {
        self.blocks().for_each(|(k, block)| block.multiply(k, y));
    }

    /// X <- A^-1 X.
    ///
    /// # Errors
    /// [`Error::Singular`] if a block of B is.
    pub(crate) fn solve(&self, x: &mut DMatrixViewMut<'_, T>) -> Result<(), Error> {
        self.solve_factor(Side::Left, Operation::None, x);
        self.solve_blocks(x)?;
        self.solve_factor(Side::Left, Operation::Adjoint, x);
        Ok(())
    }

    /// X <- B^-1 X.
    ///
    /// # Errors
    /// [`Error::Singular`] if a block of B is.
    fn solve_blocks(&self, x: &mut DMatrixViewMut<'_, T>) -> Result<(), Error> {
        for (k, block) in self.blocks() {
            let Some(inverse) = block.inverse() else { return Err(self.singular()) };
            match inverse {
                Block::One(b) => x.row_mut(k).apply(|x| *x = x.unscale(b)),
                Block::Two(..) => inverse.multiply(k, x),
            }
        }
        Ok(())
    }

    /// Demands that a solution is finite.
    pub(crate) fn solved<C: Dim>(&self, x: &OMatrix<T, D, C>) -> Result<(), Error>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        if is_finite(x) { Ok(()) } else { Err(self.singular()) }
    }

    /// [`Error::Singular`], with the pivots of one row and what stands for them in blocks of two.
    fn singular(&self) -> Error {
        let rows = self.blocks().flat_map(|(k, block)| {
            std::iter::repeat_n(T::from_real(block.smallest()), self.width(k))
        });
        singular(rows)
    }

    /// The tangents of T, and of B on and below the diagonal, from that of A, of which one triangle is read and
    /// overwritten.
    ///
    /// Differentiating the elimination, block by block: with A = [A1, .; A2, A3], B1 = A1, L2 = A2 B1^-1 and
    /// S = A3 - L2 B1 L2^H for what is left,
    ///
    /// dL2 = (dA2 - L2 dB1) B1^-1 and dS = dA3 - E L2^H - L2 E^H, with E = dA2 - L2 dB1 / 2.
    ///
    /// Where B1 is singular, L2 B1 L2^H is a quotient of what moves by nothing too: of two rows that do, S is undefined.
    ///
    /// It takes twice the multiplications and additions of the elimination.
    pub(crate) fn forward(
        &self,
        primitive: &'static str,
        a_dot: &mut OMatrix<T, D, D>,
        diagonal_dot: &mut [T::Real],
        off_diagonal_dot: &mut [T],
    ) -> OMatrix<T, D, D> {
        let (size, _) = a_dot.shape_generic();
        let half: T::Real = nalgebra::convert(0.5);
        let zeros = || OVector::<T, D>::zeros_generic(size, U1);
        let (mut first, mut second) = (zeros(), zeros());
        let mut factor_dot = OMatrix::<T, D, D>::zeros_generic(size, size);
        off_diagonal_dot.fill(T::zero());
        let mut quotients = Quotients::new::<T::Real>(primitive, largest_modulus(a_dot.iter()));
        let (starts, count) = self.order();
        for &k in &starts.as_slice()[..count] {
            let (rows, block) = (self.beside(k), self.block(k));
            diagonal_dot[k] = a_dot[(k, k)].real();
            let l = |i: usize| self.factor[(i, k)];
            // L2 dB1 / 2, which is taken off twice.
            let halves = match block {
                Block::One(_) => [T::from_real(diagonal_dot[k] * half), T::zero(), T::zero()],
                Block::Two(..) => {
                    diagonal_dot[k + 1] = a_dot[(k + 1, k + 1)].real();
                    off_diagonal_dot[k] = a_dot[(k + 1, k)];
                    let [b1, b2] = [diagonal_dot[k], diagonal_dot[k + 1]].map(|b| b * half);
                    [T::from_real(b1), off_diagonal_dot[k].scale(half), T::from_real(b2)]
                }
            };
            let two = matches!(block, Block::Two(..));
            let half_product = |i: usize| match two {
                false => (l(i) * halves[0], T::zero()),
                true => {
                    let (x, y) = (l(i), self.factor[(i, k + 1)]);
                    (x * halves[0] + y * halves[1], x * halves[1].conjugate() + y * halves[2])
                }
            };
            for i in rows.clone() {
                let (x, y) = half_product(i);
                first[i] = a_dot[(i, k)] - x;
                second[i] = if two { a_dot[(i, k + 1)] - y } else { T::zero() };
            }
            for j in rows.clone() {
                let part = self.part(j, &rows);
                let mut column = a_dot.view_range_mut(part.clone(), j);
                let columns = [(k, &first), (k + 1, &second)];
                for (k, e) in &columns[..1 + usize::from(two)] {
                    let l = self.factor.view_range(part.clone(), *k);
                    let (by_l, by_e) = (-self.factor[(j, *k)].conjugate(), -e[j].conjugate());
                    column.axpy(by_l, &e.rows_range(part.clone()), T::one());
                    column.axpy(by_e, &l, T::one());
                }
            }
            for i in rows.clone() {
                let (x, y) = half_product(i);
                first[i] -= x;
                second[i] -= y;
            }
            let inverse = self.inverse(k, &block);
            if inverse.is_none() {
                let moving = [&first, &second];
                for &column in &moving[..1 + usize::from(two)] {
                    for j in rows.clone() {
                        for i in self.part(j, &rows) {
                            let pair = [column[i], column[j]].map(|x| x.modulus().to_f64());
                            let both = column[i] * column[j].conjugate();
                            a_dot[(i, j)] += if pair.iter().any(|&x| quotients.is_rounding(x)) {
                                undetermined(both)
                            } else {
                                undefined_of(both)
                            };
                        }
                    }
                }
            }
            let (first, second) = (&mut first, &mut second);
            self.over_block(inverse.as_ref(), rows.clone(), first, second, &mut quotients);
            for i in rows {
                factor_dot[(i, k)] = first[i];
                if two {
                    factor_dot[(i, k + 1)] = second[i];
                }
            }
        }
        quotients.report(|| SINGULAR);
        factor_dot
    }

    /// The Hermitian cotangent of A from those of T and of B; what T has by its shape is not read.
    ///
    /// The elimination of [`Congruence::forward`], backwards: with M the Hermitian cotangent of S, found first,
    /// G = -2 M L2 is that of E, and H = L2_bar B1^-1 that of dA2 - L2 dB1. So A2_bar = G + H, and the
    /// Hermitian part of L2^H (G / 2 + H) is taken off B1_bar. Where B1 is singular, A2_bar is undefined in the rows in
    /// which something asks for L2 or for S.
    pub(crate) fn reverse(
        &self,
        primitive: &'static str,
        factor_bar: DMatrixView<'_, T>,
        diagonal_bar: &[T::Real],
        off_diagonal_bar: &[T],
    ) -> OMatrix<T, D, D> {
        let (size, _) = self.factor.shape_generic();
        let half: T::Real = nalgebra::convert(0.5);
        let zeros = || OVector::<T, D>::zeros_generic(size, U1);
        let [mut g1, mut g2, mut h1, mut h2] = [zeros(), zeros(), zeros(), zeros()];
        let mut m = OMatrix::<T, D, D>::zeros_generic(size, size);
        // A cotangent of B times B has the unit of one of T.
        let all = largest_modulus(diagonal_bar).max(largest_modulus(off_diagonal_bar));
        let most = largest_modulus(self.diagonal).max(largest_modulus(self.off_diagonal));
        let all = largest_modulus(factor_bar.iter()).max((all * most).min(f64::MAX));
        let mut quotients = Quotients::new::<T::Real>(primitive, all);
        let (starts, count) = self.order();
        for &k in starts.as_slice()[..count].iter().rev() {
            let (rows, block) = (self.beside(k), self.block(k));
            let two = matches!(block, Block::Two(..));
            let minus_two = -(T::one() + T::one());
            for (j, g) in [(k, &mut g1), (k + 1, &mut g2)].into_iter().take(1 + usize::from(two)) {
                let mut g = g.rows_range_mut(rows.clone());
                g.fill(T::zero());
                for i in rows.clone() {
                    let factor = minus_two * self.factor[(i, j)];
                    g.axpy(factor, &m.view_range(rows.clone(), i), T::one());
                }
            }
            for i in rows.clone() {
                h1[i] = factor_bar[(i, k)];
                h2[i] = if two { factor_bar[(i, k + 1)] } else { T::zero() };
            }
            let inverse = self.inverse(k, &block);
            self.over_block(inverse.as_ref(), rows.clone(), &mut h1, &mut h2, &mut quotients);
            // L^H (G / 2 + H), entry by entry.
            let product = |left: usize, g: &OVector<T, D>, h: &OVector<T, D>| {
                rows.clone().fold(T::zero(), |sum, i| {
                    sum + self.factor[(i, left)].conjugate() * (g[i].scale(half) + h[i])
                })
            };
            m[(k, k)] = T::from_real(diagonal_bar[k] - product(k, &g1, &h1).real());
            if two {
                let next = k + 1;
                m[(next, next)] = T::from_real(diagonal_bar[next] - product(next, &g2, &h2).real());
                let both = product(next, &g1, &h1) + product(k, &g2, &h2).conjugate();
                let entry = (off_diagonal_bar[k] - both).scale(half);
                m[(next, k)] = entry;
                m[(k, next)] = entry.conjugate();
            }
            let is_asked = |i: usize, m: &OMatrix<T, D, D>| {
                let own = factor_bar.view_range(i, k..k + self.width(k));
                asks(own.iter())
                    || asks([&T::from_real(diagonal_bar[i])])
                    || rows.clone().any(|j| m[(i, j)].norm1() != nalgebra::zero())
            };
            for i in rows.clone() {
                let mut columns = [(k, g1[i] + h1[i]), (k + 1, g2[i] + h2[i])];
                let open = inverse.is_none() && is_asked(i, &m);
                for (j, x) in &mut columns[..1 + usize::from(two)] {
                    if open {
                        quotients.lose(1.0);
                        *x += undefined_of(rows.clone().fold(*x, |sum, l| sum + m[(i, l)]));
                        if self.factor[(i, *j)].norm1() != nalgebra::zero() {
                            m[(*j, *j)] += *x;
                        }
                    }
                    m[(i, *j)] = x.scale(half);
                    m[(*j, i)] = m[(i, *j)].conjugate();
                }
            }
        }
        quotients.report(|| SINGULAR);
        m
    }

    /// T without its ones.
    fn strict(&self) -> OMatrix<T, D, D> {
        active(self.triangle, Diagonal::Unit, self.factor)
    }

    /// T^-1 R, and B^-1 times that.
    fn halves<C: Dim>(&self, right: &OMatrix<T, D, C>) -> [OMatrix<T, D, C>; 2]
    where
        DefaultAllocator: Allocator<D, C>,
    {
        let mut z = right.clone();
        self.solve_factor(Side::Left, Operation::None, &mut block_mut(&mut z));
        let mut v = z.clone();
        self.solve_blocks(&mut block_mut(&mut v)).expect(FIT);
        [z, v]
    }

    /// Turns the tangent of the right-hand side R into that of X = A^-1 R, for tangents of the same shape as the factors:
    /// with Z = T^-1 R and V = B^-1 Z it is dZ = T^-1 (dR - dT Z), dV = B^-1 (dZ - dB V), dX = T^-H (dV - dT^H X).
    pub(crate) fn solve_forward<C: Dim>(
        &self,
        tangent: &Self,
        (right, x): (&OMatrix<T, D, C>, &OMatrix<T, D, C>),
        dot: &mut OMatrix<T, D, C>,
    ) where
        DefaultAllocator: Allocator<D, C>,
    {
        let factor_dot = tangent.strict();
        let take_off = |adjoint, x: &OMatrix<T, D, C>, dot: &mut OMatrix<T, D, C>| {
            let factors = ((block(&factor_dot), adjoint), (block(x), false));
            multiply(-T::one(), factors.0, factors.1, T::one(), &mut block_mut(dot));
        };
        let [z, mut v] = self.halves(right);
        take_off(false, &z, dot);
        self.solve_factor(Side::Left, Operation::None, &mut block_mut(dot));
        tangent.multiply_blocks(&mut block_mut(&mut v));
        *dot -= v;
        self.solve_blocks(&mut block_mut(dot)).expect(FIT);
        take_off(true, x, dot);
        self.solve_factor(Side::Left, Operation::Adjoint, &mut block_mut(dot));
    }

    /// Turns X_bar into W = A^-1 X_bar, and adds the cotangents of T, and of B on and below the diagonal, to what is there.
    ///
    /// With Y = T^-1 X_bar, Q = B^-1 Y, and Z and V of the right-hand side, T_bar = -W Z^H - X Y^H beside the diagonal, and
    /// B_bar = -Q V^H in the blocks, of which what is above the diagonal goes to its adjoint below.
    pub(crate) fn solve_reverse<C: Dim>(
        &self,
        (right, x): (&OMatrix<T, D, C>, &OMatrix<T, D, C>),
        w: &mut OMatrix<T, D, C>,
        bar: (&mut DMatrixViewMut<'_, T>, &mut [T::Real], &mut [T]),
    ) where
        DefaultAllocator: Allocator<D, C>,
    {
        let (factor_bar, diagonal_bar, off_diagonal_bar) = bar;
        let [z, v] = self.halves(right);
        self.solve_factor(Side::Left, Operation::None, &mut block_mut(w));
        add_strict_outer(self.triangle, -T::one(), block(x), block(w), factor_bar);
        self.solve_blocks(&mut block_mut(w)).expect(FIT);
        let entry = |i: usize, j: usize| {
            (0..v.ncols()).fold(T::zero(), |sum, k| sum + w[(i, k)] * v[(j, k)].conjugate())
        };
        for (k, block) in self.blocks() {
            diagonal_bar[k] -= entry(k, k).real();
            if let Block::Two(..) = block {
                diagonal_bar[k + 1] -= entry(k + 1, k + 1).real();
                off_diagonal_bar[k] -= entry(k + 1, k) + entry(k, k + 1).conjugate();
            }
        }
        self.solve_factor(Side::Left, Operation::Adjoint, &mut block_mut(w));
        add_strict_outer(self.triangle, -T::one(), block(w), block(&z), factor_bar);
    }
}

const SINGULAR: &str = "a block of the diagonal factor is singular: the triangular factor beside it has no \
                        derivative along this direction";
