//! The shared mathematics of A = T B T^H for a Hermitian A, with a unit triangular T and a Hermitian B of
//! blocks of one or two rows on its diagonal.

use difrules_core::{Diagnostic, Scalar, gauge_tolerance, report};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::blas::trsm::{Diagonal, Operation, Side, Triangle, trsm};
use crate::block::{FIT, block, block_mut, multiply};
use crate::error::{Error, singular};
use crate::modulus::largest_modulus;
use crate::triangle::{active, add_strict_outer};

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

impl<T: Scalar> Block<T> {
    fn determinant(&self) -> T::Real {
        match *self {
            Self::One(b) => b,
            Self::Two(first, below, last) => first * last - below.modulus_squared(),
        }
    }
}

impl<T: Scalar, D: Dim> Congruence<'_, T, D>
where
    DefaultAllocator: Allocator<D, D>,
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

    /// Replaces what a matrix has where T is not given by its shape by its product with B^-1 from the
    /// right, and the rest by zero. Returns what could not be divided, since a block of B is singular.
    fn over_blocks(&self, x: &mut DMatrixViewMut<'_, T>) -> f64 {
        let mut lost = 0.0_f64;
        for (k, block) in self.blocks() {
            let (rows, width) = (self.beside(k), self.width(k));
            for j in k..k + width {
                let mut column = x.column_mut(j);
                column.rows_range_mut(..rows.start).fill(T::zero());
                column.rows_range_mut(rows.end..).fill(T::zero());
            }
            let determinant = block.determinant();
            if determinant == nalgebra::zero() {
                for j in k..k + width {
                    let mut column = x.column_mut(j);
                    let mut column = column.rows_range_mut(rows.clone());
                    lost = lost.max(largest_modulus(column.iter()));
                    column.fill(T::zero());
                }
                continue;
            }
            for i in rows {
                match block {
                    Block::One(b) => x[(i, k)] = x[(i, k)].unscale(b),
                    Block::Two(first, below, last) => {
                        let (left, right) = (x[(i, k)], x[(i, k + 1)]);
                        x[(i, k)] = (left.scale(last) - right * below).unscale(determinant);
                        x[(i, k + 1)] =
                            (right.scale(first) - left * below.conjugate()).unscale(determinant);
                    }
                }
            }
        }
        lost
    }

    /// Y <- B Y.
    fn multiply_blocks(&self, y: &mut DMatrixViewMut<'_, T>) {
        for (k, block) in self.blocks() {
            for j in 0..y.ncols() {
                match block {
                    Block::One(b) => y[(k, j)] = y[(k, j)].scale(b),
                    Block::Two(first, below, last) => {
                        let (top, bottom) = (y[(k, j)], y[(k + 1, j)]);
                        y[(k, j)] = top.scale(first) + below.conjugate() * bottom;
                        y[(k + 1, j)] = below * top + bottom.scale(last);
                    }
                }
            }
        }
    }

    /// X <- A^-1 X.
    ///
    /// # Errors
    /// [`Error::Singular`] if a block of B is.
    pub(crate) fn solve(&self, x: &mut DMatrixViewMut<'_, T>) -> Result<(), Error> {
        self.solve_factor(Side::Left, Operation::None, x);
        for (k, block) in self.blocks() {
            let determinant = block.determinant();
            if determinant == nalgebra::zero() {
                return Err(Error::Singular { pivot: k, reciprocal_condition: 0.0 });
            }
            for j in 0..x.ncols() {
                match block {
                    Block::One(b) => x[(k, j)] = x[(k, j)].unscale(b),
                    Block::Two(first, below, last) => {
                        let (top, bottom) = (x[(k, j)], x[(k + 1, j)]);
                        x[(k, j)] =
                            (top.scale(last) - below.conjugate() * bottom).unscale(determinant);
                        x[(k + 1, j)] = (bottom.scale(first) - below * top).unscale(determinant);
                    }
                }
            }
        }
        self.solve_factor(Side::Left, Operation::Adjoint, x);
        if x.iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        Err(singular(self.blocks().map(|(_, block)| block.determinant())))
    }

    /// The tangents of T, and of B on and below the diagonal, from that of A, which is overwritten.
    ///
    /// With F = T^-1 dA T^-H, A = T B T^H gives F = X B + dB + B X^H for X = T^-1 dT, which is zero where
    /// T is given by its shape: in the blocks of B and on the other side. So dB is F in the blocks, and
    /// X is F B^-1 beside them; dT = T X. It takes 4 n^3 multiplications and additions.
    pub(crate) fn forward(
        &self,
        primitive: &'static str,
        a_dot: &mut OMatrix<T, D, D>,
        diagonal_dot: &mut [T::Real],
        off_diagonal_dot: &mut [T],
    ) -> OMatrix<T, D, D> {
        let (size, _) = a_dot.shape_generic();
        let mut f = block_mut(a_dot);
        let all = largest_modulus(f.iter());
        self.solve_factor(Side::Left, Operation::None, &mut f);
        self.solve_factor(Side::Right, Operation::Adjoint, &mut f);
        for (i, x) in diagonal_dot.iter_mut().enumerate() {
            *x = f[(i, i)].real();
        }
        off_diagonal_dot.fill(T::zero());
        for (k, block) in self.blocks() {
            if let Block::Two(..) = block {
                off_diagonal_dot[k] = f[(k + 1, k)];
            }
        }
        let lost = self.over_blocks(&mut f);
        report_lost(primitive, lost, all);
        let mut factor_dot = OMatrix::zeros_generic(size, size);
        let product = ((block(self.factor), false), (f.as_view(), false));
        multiply(T::one(), product.0, product.1, T::zero(), &mut block_mut(&mut factor_dot));
        factor_dot
    }

    /// The Hermitian cotangent of A from those of T and of B.
    ///
    /// The adjoint of [`Congruence::forward`]: A_bar is the Hermitian part of T^-H M T^-1, where M is
    /// B_bar in the blocks and T^H T_bar B^-1 beside them.
    pub(crate) fn reverse(
        &self,
        primitive: &'static str,
        factor_bar: DMatrixView<'_, T>,
        diagonal_bar: &[T::Real],
        off_diagonal_bar: &[T],
    ) -> OMatrix<T, D, D> {
        let (size, _) = self.factor.shape_generic();
        // What T has by its shape is not read.
        let mut masked = OMatrix::<T, D, D>::zeros_generic(size, size);
        for (k, _) in self.blocks() {
            for j in k..k + self.width(k) {
                self.beside(k).for_each(|i| masked[(i, j)] = factor_bar[(i, j)]);
            }
        }
        let all = largest_modulus(masked.iter()).max(largest_modulus(diagonal_bar));
        let mut a_bar = OMatrix::<T, D, D>::zeros_generic(size, size);
        let product = ((block(self.factor), true), (block(&masked), false));
        let mut m = block_mut(&mut a_bar);
        multiply(T::one(), product.0, product.1, T::zero(), &mut m);
        let lost = self.over_blocks(&mut m);
        report_lost(primitive, lost, all);
        for (k, block) in self.blocks() {
            m[(k, k)] = T::from_real(diagonal_bar[k]);
            if let Block::Two(..) = block {
                m[(k + 1, k)] = off_diagonal_bar[k];
                m[(k + 1, k + 1)] = T::from_real(diagonal_bar[k + 1]);
            }
        }
        self.solve_factor(Side::Left, Operation::Adjoint, &mut m);
        self.solve_factor(Side::Right, Operation::None, &mut m);
        let half: T::Real = nalgebra::convert(0.5);
        for j in 0..m.ncols() {
            for i in 0..=j {
                let entry = (m[(i, j)] + m[(j, i)].conjugate()).scale(half);
                m[(i, j)] = entry;
                m[(j, i)] = entry.conjugate();
            }
        }
        a_bar
    }

    /// T without its ones.
    fn strict(&self) -> OMatrix<T, D, D> {
        active(self.triangle, Diagonal::Unit, self.factor)
    }

    /// Turns the tangent of the right-hand side into that of X = A^-1 B: A^-1 (dB - dA X) with
    /// dA X = dT B T^H X + T (dB T^H X + B dT^H X), for tangents of the same shape as the factors.
    pub(crate) fn solve_forward<C: Dim>(
        &self,
        tangent: &Self,
        x: &OMatrix<T, D, C>,
        b_dot: &mut OMatrix<T, D, C>,
    ) where
        DefaultAllocator: Allocator<D, C>,
    {
        let one = T::one();
        let (factor, factor_dot) = (self.strict(), tangent.strict());
        let mut inside = x.clone();
        add_product(one, (&factor, true), x, &mut inside);
        let mut scaled = inside.clone();
        self.multiply_blocks(&mut block_mut(&mut scaled));
        add_product(-one, (&factor_dot, false), &scaled, b_dot);
        tangent.multiply_blocks(&mut block_mut(&mut inside));
        let mut other = x.clone();
        other.fill(T::zero());
        add_product(one, (&factor_dot, true), x, &mut other);
        self.multiply_blocks(&mut block_mut(&mut other));
        inside += other;
        *b_dot -= &inside;
        add_product(-one, (&factor, false), &inside, b_dot);
        self.solve(&mut block_mut(b_dot)).expect(FIT);
    }

    /// Adds the cotangents of the factors to what is there, for X = A^-1 B and W = A^-1 X_bar.
    ///
    /// A_bar = -W X^H, so with Y = T^H W and Z = T^H X, T_bar = -W (B Z)^H - X (B Y)^H beside the
    /// diagonal, and B_bar = -Y Z^H in the blocks, of which what is above the diagonal goes to its adjoint
    /// below.
    pub(crate) fn solve_reverse<C: Dim>(
        &self,
        x: &OMatrix<T, D, C>,
        w: &OMatrix<T, D, C>,
        factor_bar: &mut DMatrixViewMut<'_, T>,
        diagonal_bar: &mut [T::Real],
        off_diagonal_bar: &mut [T],
    ) where
        DefaultAllocator: Allocator<D, C>,
    {
        let factor = self.strict();
        let (mut y, mut z) = (w.clone(), x.clone());
        add_product(T::one(), (&factor, true), w, &mut y);
        add_product(T::one(), (&factor, true), x, &mut z);
        let entry = |i: usize, j: usize| {
            (0..y.ncols()).fold(T::zero(), |sum, k| sum + y[(i, k)] * z[(j, k)].conjugate())
        };
        for (k, block) in self.blocks() {
            diagonal_bar[k] -= entry(k, k).real();
            if let Block::Two(..) = block {
                diagonal_bar[k + 1] -= entry(k + 1, k + 1).real();
                off_diagonal_bar[k] -= entry(k + 1, k) + entry(k, k + 1).conjugate();
            }
        }
        self.multiply_blocks(&mut block_mut(&mut y));
        self.multiply_blocks(&mut block_mut(&mut z));
        add_strict_outer(self.triangle, -T::one(), block(w), block(&z), factor_bar);
        add_strict_outer(self.triangle, -T::one(), block(x), block(&y), factor_bar);
    }
}

/// X <- op(T)^-1 X or X op(T)^-1.
fn solve_unit<T: Scalar>(
    side: Side,
    triangle: Triangle,
    operation: Operation,
    factor: DMatrixView<'_, T>,
    x: &mut DMatrixViewMut<'_, T>,
) {
    trsm(side, triangle, operation, Diagonal::Unit, T::one(), &factor, x).expect(FIT);
}

/// Y <- Y + alpha T X, or Y + alpha T^H X.
fn add_product<T: Scalar, D: Dim, C: Dim>(
    alpha: T,
    (factor, adjoint): (&OMatrix<T, D, D>, bool),
    x: &OMatrix<T, D, C>,
    y: &mut OMatrix<T, D, C>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    multiply(alpha, (block(factor), adjoint), (block(x), false), T::one(), &mut block_mut(y));
}

fn report_lost(primitive: &'static str, lost: f64, all: f64) {
    if lost > gauge_tolerance() * all {
        let reason = "a block of the diagonal factor is singular: the triangular factor beside it has \
                      no derivative along this direction, which is left out";
        report(Diagnostic::undefined(primitive, reason));
    }
}
