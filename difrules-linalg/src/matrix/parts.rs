//! Parts of matrices in one piece, and matrices put together.

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{Const, DMatrix, DefaultAllocator, Dim, Dyn, OMatrix, U1};

use super::failure::{MatrixError, named};
use super::{Matrix, RowVector, Vector};
use crate::error::{Error, shape};

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
        if start.0 + r > self.nrows() || start.1 + c > self.ncols() {
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
        match view::whole(&self.0, start, (rows, columns)) {
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
        assert_eq!(self.len(), r * c, "a matrix of {r} x {c} has another number of entries");
        Matrix(self.0.part(0, |matrix| {
            OMatrix::from_iterator_generic(rows, columns, matrix.as_slice().iter().copied())
        }))
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
            [] => named(
                "hstack",
                Err(Error::DimensionMismatch {
                    argument: "parts",
                    expected: (1, 1),
                    found: (0, 0),
                }),
            ),
            [one] => Ok(one.columns(0, one.ncols())),
            [a, b] => named("hstack", hstack::whole(*a, *b).map(Matrix)),
            _ => {
                let (a, b) = parts.split_at(parts.len() / 2);
                named("hstack", hstack::whole(&Self::hstack(a)?, &Self::hstack(b)?).map(Matrix))
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
            [] => named(
                "vstack",
                Err(Error::DimensionMismatch {
                    argument: "parts",
                    expected: (1, 1),
                    found: (0, 0),
                }),
            ),
            [one] => Ok(one.rows(0, one.nrows())),
            [a, b] => named("vstack", vstack::whole(*a, *b).map(Matrix)),
            _ => {
                let (a, b) = parts.split_at(parts.len() / 2);
                named("vstack", vstack::whole(&Self::vstack(a)?, &Self::vstack(b)?).map(Matrix))
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

/// The block of these sizes whose first entry is in row `start.0` and column `start.1`.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `a` does not have it.
///
/// # Derivation
/// dY is the block of dA; Y_bar is added to the block of A_bar.
///
/// ```
/// use difrules_linalg::view;
/// use nalgebra::{Dyn, dmatrix};
///
/// let a = dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0];
/// assert_eq!(view(&a, (0, 1), (Dyn(2), Dyn(1)))?, dmatrix![2.0; 5.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = view_forward,
    reverse = view_reverse,
    reads(start, shape),
    constant(start, shape),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = view_sample
)]
pub fn view<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    a: &OMatrix<T, R, C>,
    start: (usize, usize),
    shape: (R2, C2),
) -> Result<OMatrix<T, R2, C2>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    let least = (start.0 + shape.0.value(), start.1 + shape.1.value());
    if least.0 > a.nrows() || least.1 > a.ncols() {
        return Err(Error::DimensionMismatch { argument: "a", expected: least, found: a.shape() });
    }
    Ok(a.generic_view(start, shape).clone_owned())
}

fn view_forward<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    start: (usize, usize),
    shape: (R2, C2),
    a_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R2, C2>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    a_dot.generic_view(start, shape).clone_owned()
}

fn view_reverse<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    start: (usize, usize),
    shape: (R2, C2),
    y_bar: Cotangent<'_, OMatrix<T, R2, C2>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        let mut block = a_bar.generic_view_mut(start, shape);
        block += &y_bar;
    }
}

fn view_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, (usize, usize), (Dyn, Dyn)) {
    let start = (random.size(0, 2), random.size(0, 2));
    let shape = (random.size(0, 3), random.size(0, 3));
    let (below, beside) = (random.size(0, 2), random.size(0, 2));
    let a = random.matrix(start.0 + shape.0 + below, start.1 + shape.1 + beside);
    (a, start, (Dyn(shape.0), Dyn(shape.1)))
}

/// B beside A: [A B].
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` has another number of rows.
///
/// # Derivation
/// dY = [dA dB], so A_bar and B_bar are the parts of Y_bar.
///
/// ```
/// use difrules_linalg::hstack;
/// use nalgebra::dmatrix;
///
/// let y = hstack(&dmatrix![1.0; 2.0], &dmatrix![3.0, 4.0; 5.0, 6.0])?;
/// assert_eq!(y, dmatrix![1.0, 3.0, 4.0; 2.0, 5.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = hstack_forward,
    reverse = hstack_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = hstack_sample
)]
pub fn hstack<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a: &OMatrix<T, R, C1>,
    b: &OMatrix<T, R, C2>,
) -> Result<OMatrix<T, R, Dyn>, Error>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    shape("b", b.shape(), (a.nrows(), b.ncols()))?;
    Ok(beside(a, b))
}

fn beside<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a: &OMatrix<T, R, C1>,
    b: &OMatrix<T, R, C2>,
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    let entries = a.as_slice().iter().chain(b.as_slice()).copied();
    OMatrix::from_iterator_generic(a.shape_generic().0, Dyn(a.ncols() + b.ncols()), entries)
}

fn hstack_forward<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    a_dot: &OMatrix<T, R, C1>,
    b_dot: &OMatrix<T, R, C2>,
) -> OMatrix<T, R, Dyn>
where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    beside(a_dot, b_dot)
}

fn hstack_reverse<T: Scalar, R: Dim, C1: Dim, C2: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, Dyn>>,
    a_bar: Slot<'_, OMatrix<T, R, C1>>,
    b_bar: Slot<'_, OMatrix<T, R, C2>>,
) where
    DefaultAllocator: Allocator<R, C1> + Allocator<R, C2> + Allocator<R, Dyn>,
{
    add_parts(y_bar, a_bar, b_bar);
}

fn hstack_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, first, second) = (random.size(0, 3), random.size(0, 3), random.size(0, 3));
    (random.matrix(rows, first), random.matrix(rows, second))
}

/// Adds the parts of the cotangent of two matrices that are put together: what is A's is at its start, what
/// is B's at its end.
fn add_parts<T: Scalar, R: Dim, C: Dim, R1: Dim, C1: Dim, R2: Dim, C2: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R1, C1>>,
    b_bar: Slot<'_, OMatrix<T, R2, C2>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R1, C1> + Allocator<R2, C2>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        a_bar += y_bar.generic_view((0, 0), a_bar.shape_generic());
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let first = (y_bar.nrows() - b_bar.nrows(), y_bar.ncols() - b_bar.ncols());
        b_bar += y_bar.generic_view(first, b_bar.shape_generic());
    }
}

/// B below A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `b` has another number of columns.
///
/// # Derivation
/// dY is dB below dA, so A_bar and B_bar are the parts of Y_bar.
///
/// ```
/// use difrules_linalg::vstack;
/// use nalgebra::dmatrix;
///
/// let y = vstack(&dmatrix![1.0, 2.0], &dmatrix![3.0, 4.0; 5.0, 6.0])?;
/// assert_eq!(y, dmatrix![1.0, 2.0; 3.0, 4.0; 5.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = vstack_forward,
    reverse = vstack_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = vstack_sample
)]
pub fn vstack<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a: &OMatrix<T, R1, C>,
    b: &OMatrix<T, R2, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    shape("b", b.shape(), (b.nrows(), a.ncols()))?;
    Ok(above(a, b))
}

fn above<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a: &OMatrix<T, R1, C>,
    b: &OMatrix<T, R2, C>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    let (first, columns) = (a.nrows(), a.shape_generic().1);
    OMatrix::from_fn_generic(Dyn(first + b.nrows()), columns, |i, j| {
        if i < first { a[(i, j)] } else { b[(i - first, j)] }
    })
}

fn vstack_forward<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    a_dot: &OMatrix<T, R1, C>,
    b_dot: &OMatrix<T, R2, C>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    above(a_dot, b_dot)
}

fn vstack_reverse<T: Scalar, R1: Dim, R2: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    a_bar: Slot<'_, OMatrix<T, R1, C>>,
    b_bar: Slot<'_, OMatrix<T, R2, C>>,
) where
    DefaultAllocator: Allocator<R1, C> + Allocator<R2, C> + Allocator<Dyn, C>,
{
    add_parts(y_bar, a_bar, b_bar);
}

fn vstack_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (columns, first, second) = (random.size(0, 3), random.size(0, 3), random.size(0, 3));
    (random.matrix(first, columns), random.matrix(second, columns))
}
