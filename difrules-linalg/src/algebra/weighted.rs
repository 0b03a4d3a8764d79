//! Least squares where rows have sizes of their own, of full column rank: by as many rows as there are columns, chosen
//! by elimination.
//!
//! With these rows first, A = [A1; A2] and L = A2 A1^-1, whose entries are small where rows of A2 are, and G = 1 + L^H L,
//! A^H A is A1^H G A1. So A^+ = A1^-1 G^-1 [1 L^H], and the residual of B is [-Z; V - L Z] with V = B2 - L B1 and
//! Z = G^-1 L^H V (Peters and Wilkinson 1970, "The least squares problem and pseudo-inverses"). Nothing in it is a small
//! difference of large rows, as the residual of large rows in B - A X is, nor are the derivatives of its steps, which are
//! solutions and products.
//!
//! Of the A of full row rank whose columns have sizes of their own it is A^H that is so: A^+ is the adjoint of (A^H)^+, and
//! what A maps to nothing is the residual of that.

use difrules_core::Scalar;
use nalgebra::allocator::Allocator;
use nalgebra::storage::RawStorage;
use nalgebra::{DMatrix, DMatrixView, DefaultAllocator, Dim, Dyn, Matrix, OMatrix};

use crate::algebra::modulus::largest_modulus;
use crate::blas::options::Operation;
use crate::block::{block, block_mut, multiply, product, shaped};
use crate::decomposition::cholesky::cholesky;
use crate::decomposition::full_piv_lu::full_piv_lu;
use crate::decomposition::lu::{Lu, lu};
use crate::error::Error;
use crate::systems::cholesky_solve::cholesky_solve;
use crate::systems::lu_solve::lu_solve;
use crate::tolerance::plain;

/// The parts of A.
pub(crate) struct Weighted<T: Scalar> {
    /// The rows of A in the order of A1 and A2.
    rows: Vec<usize>,
    /// The factors of A1.
    first: Lu<T, Dyn, Dyn>,
    /// L.
    l: DMatrix<T>,
    /// The Cholesky factor of G.
    root: DMatrix<T>,
}

impl<T: Scalar> Weighted<T> {
    /// None where rows are of about one size, or there are no more than columns.
    pub(crate) fn new(a: DMatrixView<'_, T>) -> Option<Self> {
        let (rows, columns) = a.shape();
        if rows > columns && columns > 0 && has_graded_rows(&a) {
            Self::of_graded(a).ok()
        } else {
            None
        }
    }

    /// That of A^H: none where columns of A are of about one size, or there are no more than rows.
    pub(crate) fn of_adjoint(a: DMatrixView<'_, T>) -> Option<Self> {
        let (rows, columns) = a.shape();
        if columns > rows && rows > 0 && has_graded_columns(&a) {
            Self::of_graded(block(&a.adjoint())).ok()
        } else {
            None
        }
    }

    /// Whatever the sizes of the rows are.
    pub(crate) fn of_graded(a: DMatrixView<'_, T>) -> Result<Self, Error> {
        // Columns of any scale are the same to the choice of rows.
        let mut over = a.map(plain);
        for mut column in over.column_iter_mut() {
            let size = nalgebra::convert(largest_modulus(column.iter()));
            column.apply(|x| *x = x.unscale(size));
        }
        let rows = full_piv_lu::<T, Dyn, Dyn>(&over)?.rows.as_slice().to_vec();
        let (columns, count) = (a.ncols(), a.nrows());
        let a = DMatrix::from_fn(count, columns, |i, j| a[(rows[i], j)]);
        let first = lu::<T, Dyn, Dyn>(&a.rows(0, columns).into_owned())?;
        let beside = a.rows(columns, count - columns).adjoint();
        let l = lu_solve::<T, Dyn, Dyn>(Operation::Adjoint, &first, &beside)?.adjoint();
        let mut g = DMatrix::identity(columns, columns);
        multiply(T::one(), (block(&l), true), (block(&l), false), T::one(), &mut block_mut(&mut g));
        Ok(Self { rows, first, root: cholesky::<T, Dyn>(&g)?, l })
    }

    fn columns(&self) -> usize {
        self.l.ncols()
    }

    /// B1 and B2.
    fn parts(&self, b: DMatrixView<'_, T>) -> (DMatrix<T>, DMatrix<T>) {
        let part = |rows: &[usize]| DMatrix::from_fn(rows.len(), b.ncols(), |i, j| b[(rows[i], j)]);
        let (first, second) = self.rows.split_at(self.columns());
        (part(first), part(second))
    }

    /// [X1; X2], in the order of the rows of A.
    fn joined(&self, first: &DMatrix<T>, second: &DMatrix<T>) -> DMatrix<T> {
        let mut x = DMatrix::zeros(self.rows.len(), first.ncols());
        for (i, &row) in self.rows.iter().enumerate() {
            let columns = self.columns();
            let part = if i < columns { first.row(i) } else { second.row(i - columns) };
            x.row_mut(row).copy_from(&part);
        }
        x
    }

    /// G^-1 X.
    fn over_gram(&self, x: &DMatrix<T>) -> Result<DMatrix<T>, Error> {
        cholesky_solve::<T, Dyn, Dyn>(&self.root, x)
    }

    /// A^+ B.
    pub(crate) fn solve<R: Dim, C: Dim, N: Dim>(
        &self,
        shape: (C, N),
        b: &OMatrix<T, R, N>,
    ) -> Option<OMatrix<T, C, N>>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N>,
    {
        let (mut sum, second) = self.parts(block(b));
        let (l, one) = ((block(&self.l), true), T::one());
        multiply(one, l, (block(&second), false), one, &mut block_mut(&mut sum));
        let along = self.over_gram(&sum).ok()?;
        let x = lu_solve::<T, Dyn, Dyn>(Operation::None, &self.first, &along).ok()?;
        Some(shaped(shape, &x))
    }

    /// A^+H X.
    pub(crate) fn solve_adjoint<R: Dim, C: Dim, N: Dim>(
        &self,
        shape: (R, N),
        x: &OMatrix<T, C, N>,
    ) -> Option<OMatrix<T, R, N>>
    where
        DefaultAllocator: Allocator<R, N> + Allocator<C, N>,
    {
        let x = block(x).into_owned();
        let first = lu_solve::<T, Dyn, Dyn>(Operation::Adjoint, &self.first, &x).ok()?;
        let first = self.over_gram(&first).ok()?;
        let second = product((block(&self.l), false), (block(&first), false));
        Some(shaped(shape, &self.joined(&first, &second)))
    }

    /// B - A A^+ B.
    pub(crate) fn residual<R: Dim, N: Dim>(&self, b: &OMatrix<T, R, N>) -> Option<OMatrix<T, R, N>>
    where
        DefaultAllocator: Allocator<R, N>,
    {
        let (first, mut v) = self.parts(block(b));
        let (one, l) = (T::one(), block(&self.l));
        multiply(-one, (l, false), (block(&first), false), one, &mut block_mut(&mut v));
        let z = self.over_gram(&product((l, true), (block(&v), false))).ok()?;
        multiply(-one, (l, false), (block(&z), false), one, &mut block_mut(&mut v));
        Some(shaped(b.shape_generic(), &self.joined(&-z, &v)))
    }
}

/// Whether rows have sizes of their own.
pub(crate) fn has_graded_rows<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    a: &Matrix<T, R, C, S>,
) -> bool {
    are_graded(a.row_iter().map(|row| largest_modulus(row.iter())))
}

/// Whether columns have sizes of their own.
pub(crate) fn has_graded_columns<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>>(
    a: &Matrix<T, R, C, S>,
) -> bool {
    are_graded(a.column_iter().map(|column| largest_modulus(column.iter())))
}

/// Whether sizes that are not zero are far apart.
fn are_graded(sizes: impl Iterator<Item = f64>) -> bool {
    let (least, most) = sizes
        .filter(|&size| size > 0.0)
        .fold((f64::INFINITY, 0.0_f64), |(least, most), x| (least.min(x), most.max(x)));
    most > 100.0 * least
}
