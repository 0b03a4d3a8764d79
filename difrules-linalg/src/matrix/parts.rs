//! Parts of matrices in one piece, and matrices put together.

use difrules_core::{Differentiable, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{Const, DefaultAllocator, Dim, Dyn, OMatrix, U1};

use super::failure::{MatrixError, named};
use super::{Matrix, RowVector, Vector};
use crate::error::Error;

/// The place of an entry: its row and its column, or its number column by column.
pub trait EntryIndex: Copy {
    /// The number of the entry, column by column, in a matrix of this shape; none beyond it.
    #[doc(hidden)]
    fn number(self, shape: (usize, usize)) -> Option<usize>;
    /// As it is shown.
    #[doc(hidden)]
    fn shown(self) -> String;
}

impl EntryIndex for usize {
    #[inline]
    fn number(self, (rows, columns): (usize, usize)) -> Option<usize> {
        (self < rows * columns).then_some(self)
    }

    fn shown(self) -> String {
        self.to_string()
    }
}

impl EntryIndex for (usize, usize) {
    #[inline]
    fn number(self, (rows, columns): (usize, usize)) -> Option<usize> {
        (self.0 < rows && self.1 < columns).then_some(self.0 + self.1 * rows)
    }

    fn shown(self) -> String {
        format!("{self:?}")
    }
}

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The rows and columns.
    #[inline]
    pub fn shape(&self) -> (usize, usize) {
        self.0.inside().shape()
    }

    /// The rows and columns as nalgebra's dimensions.
    #[inline]
    pub fn shape_generic(&self) -> (R, C) {
        self.0.inside().shape_generic()
    }

    /// How many rows it has.
    #[inline]
    pub fn nrows(&self) -> usize {
        self.shape().0
    }

    /// How many columns it has.
    #[inline]
    pub fn ncols(&self) -> usize {
        self.shape().1
    }

    /// How many entries it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.nrows() * self.ncols()
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has as many rows as columns.
    pub fn is_square(&self) -> bool {
        self.nrows() == self.ncols()
    }

    /// The entry at `(row, column)`, or the one of this number column by column: a number by value, so
    /// there is no `a[(i, j)]`, which lends one.
    ///
    /// # Panics
    /// If the matrix has no such entry.
    ///
    /// ```
    /// use difrules_linalg::{Matrix, Vector};
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// assert_eq!(Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]).get((0, 1)), 2.0);
    /// assert_eq!(Vector::from(dvector![1.0, 2.0]).get(1), 2.0);
    /// ```
    #[track_caller]
    #[inline]
    pub fn get(&self, index: impl EntryIndex) -> T {
        let (rows, columns) = self.shape();
        let Some(number) = index.number((rows, columns)) else {
            panic!("a matrix of {rows} x {columns} has no entry {}", index.shown())
        };
        self.0.number(number, |matrix| matrix.as_slice()[number])
    }

    /// The block of these sizes whose first entry is `start`; see [`view`](fn@crate::view). A block of
    /// whole columns is no step at all.
    ///
    /// # Panics
    /// If the block reaches beyond the matrix.
    #[track_caller]
    pub fn generic_view<R2: Dim, C2: Dim>(
        &self,
        start: (usize, usize),
        (rows, columns): (R2, C2),
    ) -> Matrix<T, R2, C2>
    where
        DefaultAllocator: Allocator<R2, C2>,
    {
        let (r, c) = (rows.value(), columns.value());
        let ends = (start.0.saturating_add(r), start.1.saturating_add(c));
        if ends.0 > self.nrows() || ends.1 > self.ncols() {
            panic!(
                "a matrix of {} x {} has no block of {r} x {c} at {start:?}",
                self.nrows(),
                self.ncols()
            );
        }
        if r == self.nrows() || (c == 1 && self.ncols() == 1) {
            // Its entries are next to each other.
            let first = start.0 + start.1 * self.nrows();
            let count = T::count(&());
            return Matrix(self.0.part(first * count, |matrix| {
                let entries = &matrix.as_slice()[first..first + r * c];
                OMatrix::from_iterator_generic(rows, columns, entries.iter().copied())
            }));
        }
        match crate::view::whole(&self.0, start, (rows, columns)) {
            Ok(view) => Matrix(view),
            Err(error) => unreachable!("{error}"),
        }
    }

    /// The block of `shape` whose first entry is `start`.
    ///
    /// # Panics
    /// If it reaches beyond the matrix.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]);
    /// assert_eq!(*a.view((0, 1), (2, 2)), dmatrix![2.0, 3.0; 5.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn view(&self, start: (usize, usize), shape: (usize, usize)) -> Matrix<T>
    where
        DefaultAllocator: Allocator<Dyn, Dyn>,
    {
        self.generic_view(start, (Dyn(shape.0), Dyn(shape.1)))
    }

    /// The block of a static size whose first entry is in row `row` and column `column`.
    ///
    /// # Panics
    /// If it reaches beyond the matrix.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, matrix};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]);
    /// assert_eq!(*a.fixed_view::<2, 1>(0, 1), matrix![2.0; 5.0]);
    /// ```
    #[track_caller]
    pub fn fixed_view<const R2: usize, const C2: usize>(
        &self,
        row: usize,
        column: usize,
    ) -> Matrix<T, Const<R2>, Const<C2>>
    where
        DefaultAllocator: Allocator<Const<R2>, Const<C2>>,
    {
        self.generic_view((row, column), (Const, Const))
    }

    /// A row.
    ///
    /// # Panics
    /// If the matrix does not have it.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.row(1).sum(), 7.0);
    /// ```
    #[track_caller]
    pub fn row(&self, i: usize) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        self.generic_view((i, 0), (U1, self.shape_generic().1))
    }

    /// A column: no step, a range of the matrix's.
    ///
    /// # Panics
    /// If the matrix does not have it.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.column(1).sum(), 6.0);
    /// ```
    #[track_caller]
    pub fn column(&self, j: usize) -> Vector<T, R>
    where
        DefaultAllocator: Allocator<R>,
    {
        self.generic_view((0, j), (self.shape_generic().0, U1))
    }

    /// `count` rows from row `first` on.
    ///
    /// # Panics
    /// If the matrix does not have them.
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let v = Vector::from(dvector![1.0, 2.0, 3.0]);
    /// assert_eq!(*v.rows(1, 2), dvector![2.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn rows(&self, first: usize, count: usize) -> Matrix<T, Dyn, C>
    where
        DefaultAllocator: Allocator<Dyn, C>,
    {
        self.generic_view((first, 0), (Dyn(count), self.shape_generic().1))
    }

    /// `count` columns from column `first` on: no step, a range of the matrix's.
    ///
    /// # Panics
    /// If the matrix does not have them.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]);
    /// assert_eq!(*a.columns(1, 2), dmatrix![2.0, 3.0; 5.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn columns(&self, first: usize, count: usize) -> Matrix<T, R, Dyn>
    where
        DefaultAllocator: Allocator<R, Dyn>,
    {
        self.generic_view((0, first), (self.shape_generic().0, Dyn(count)))
    }

    /// A static number of rows from row `first` on.
    ///
    /// # Panics
    /// If the matrix does not have them.
    #[track_caller]
    pub fn fixed_rows<const N: usize>(&self, first: usize) -> Matrix<T, Const<N>, C>
    where
        DefaultAllocator: Allocator<Const<N>, C>,
    {
        self.generic_view((first, 0), (Const, self.shape_generic().1))
    }

    /// A static number of columns from column `first` on.
    ///
    /// # Panics
    /// If the matrix does not have them.
    #[track_caller]
    pub fn fixed_columns<const N: usize>(&self, first: usize) -> Matrix<T, R, Const<N>>
    where
        DefaultAllocator: Allocator<R, Const<N>>,
    {
        self.generic_view((0, first), (self.shape_generic().0, Const))
    }

    /// The same entries, column by column, in another shape: no step.
    ///
    /// # Panics
    /// If it has another number of entries.
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::{Dyn, dmatrix, dvector};
    ///
    /// let v = Vector::from(dvector![1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(*v.reshape_generic(Dyn(2), Dyn(2)), dmatrix![1.0, 3.0; 2.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn reshape_generic<R2: Dim, C2: Dim>(&self, rows: R2, columns: C2) -> Matrix<T, R2, C2>
    where
        DefaultAllocator: Allocator<R2, C2>,
    {
        let (r, c) = (rows.value(), columns.value());
        if r.checked_mul(c) != Some(self.len()) {
            let shape = self.shape();
            panic!("a matrix of {} x {} has not the {r} x {c} entries", shape.0, shape.1);
        }
        Matrix(self.0.part(0, |matrix| {
            OMatrix::from_iterator_generic(rows, columns, matrix.as_slice().iter().copied())
        }))
    }

    /// The same entries, column by column, in another shape: no step; see
    /// [`reshape_generic`](Self::reshape_generic) for static sizes and [`reshape`](fn@crate::reshape) for nalgebra's
    /// matrices.
    ///
    /// # Panics
    /// If it has another number of entries.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 3.0, 5.0; 2.0, 4.0, 6.0]);
    /// assert_eq!(*a.reshape(3, 2), dmatrix![1.0, 4.0; 2.0, 5.0; 3.0, 6.0]);
    /// ```
    #[track_caller]
    pub fn reshape(&self, rows: usize, columns: usize) -> Matrix<T>
    where
        DefaultAllocator: Allocator<Dyn, Dyn>,
    {
        self.reshape_generic(Dyn(rows), Dyn(columns))
    }

    /// Its rows, each in one piece.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.row_iter().map(|row| row.sum()).collect::<Vec<_>>(), [3.0, 7.0]);
    /// ```
    pub fn row_iter(&self) -> impl ExactSizeIterator<Item = RowVector<T, C>> + '_
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        (0..self.nrows()).map(|i| self.row(i))
    }

    /// Its columns, each in one piece.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.column_iter().map(|column| column.sum()).collect::<Vec<_>>(), [4.0, 6.0]);
    /// ```
    pub fn column_iter(&self) -> impl ExactSizeIterator<Item = Vector<T, R>> + '_
    where
        DefaultAllocator: Allocator<R>,
    {
        (0..self.ncols()).map(|j| self.column(j))
    }
}

impl<T: Scalar, R: Dim> Matrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, Dyn>,
{
    /// Matrices of as many rows side by side; see [`hstack`](fn@crate::hstack).
    ///
    /// # Errors
    /// If there is none, or one has another number of rows.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0; 2.0]);
    /// assert_eq!(*Matrix::hstack(&[&a, &a])?, dmatrix![1.0, 1.0; 2.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn hstack<C: Dim>(parts: &[&Matrix<T, R, C>]) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        // By halves, so that each entry is copied as often as there are halvings.
        match parts {
            [] => named("hstack", Err(Error::Empty { argument: "parts" })),
            [one] => Ok(one.columns(0, one.ncols())),
            [a, b] => named("hstack", crate::hstack::whole(*a, *b).map(Matrix)),
            _ => {
                let (a, b) = parts.split_at(parts.len() / 2);
                named(
                    "hstack",
                    crate::hstack::whole(&Self::hstack(a)?, &Self::hstack(b)?).map(Matrix),
                )
            }
        }
    }

    /// The matrix with these columns.
    ///
    /// # Errors
    /// If there is none, or their lengths differ.
    ///
    /// ```
    /// use difrules_linalg::{Matrix, Vector};
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let columns = [Vector::from(dvector![1.0, 2.0]), Vector::from(dvector![3.0, 4.0])];
    /// assert_eq!(*Matrix::from_columns(&columns)?, dmatrix![1.0, 3.0; 2.0, 4.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn from_columns(columns: &[Vector<T, R>]) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        Self::hstack(&columns.iter().collect::<Vec<_>>())
    }
}

impl<T: Scalar, C: Dim> Matrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn, C>,
{
    /// Matrices of as many columns one below the other; see [`vstack`](fn@crate::vstack).
    ///
    /// # Errors
    /// If there is none, or one has another number of columns.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// assert_eq!(*Matrix::vstack(&[&a, &a])?, dmatrix![1.0, 2.0; 1.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn vstack<R: Dim>(parts: &[&Matrix<T, R, C>]) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R, C>,
    {
        match parts {
            [] => named("vstack", Err(Error::Empty { argument: "parts" })),
            [one] => Ok(one.rows(0, one.nrows())),
            [a, b] => named("vstack", crate::vstack::whole(*a, *b).map(Matrix)),
            _ => {
                let (a, b) = parts.split_at(parts.len() / 2);
                named(
                    "vstack",
                    crate::vstack::whole(&Self::vstack(a)?, &Self::vstack(b)?).map(Matrix),
                )
            }
        }
    }

    /// The matrix with these rows.
    ///
    /// # Errors
    /// If there is none, or their lengths differ.
    pub fn from_rows(rows: &[RowVector<T, C>]) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        Self::vstack(&rows.iter().collect::<Vec<_>>())
    }
}
