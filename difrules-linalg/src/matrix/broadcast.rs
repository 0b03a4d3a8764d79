//! A vector in every column, a row in every row, a number in every entry: by names of their own, since there
//! is no implicit broadcasting, here as in nalgebra.

use difrules_core::Scalar;
use difrules_core::contract::{AsWhole, Lent, Operand};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OVector, RowOVector, U1};

use super::Matrix;
use super::elementwise::{EntryArgument, Times, elementwise_2, shape_of};
use super::failure::{MatrixError, named};
use super::operators::{AsTerm, Beside, Term};
use crate::error::shape;

/// Says that what is lent stands in each column, or row, of another matrix.
pub struct Spread;

/// A vector that stands in each column of the matrix it is beside; see
/// [`elementwise!`](crate::elementwise!).
///
/// ```
/// use difrules_linalg::{EachColumn, Matrix, elementwise};
/// use nalgebra::{dmatrix, dvector};
///
/// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
/// let y = elementwise!(|x, v| x / v, &a, EachColumn(&dvector![1.0, 2.0]));
/// assert_eq!(*y, dmatrix![1.0, 2.0; 1.5, 2.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EachColumn<V>(pub V);

/// A row that stands in each row of the matrix it is beside; see [`elementwise!`](crate::elementwise!).
///
/// ```
/// use difrules_linalg::{EachRow, Matrix, elementwise};
/// use nalgebra::{RowDVector, dmatrix};
///
/// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
/// let y = elementwise!(|x, r| x / r, &a, EachRow(&a.row_sum()));
/// assert_eq!(*y, dmatrix![1.0 / 4.0, 2.0 / 6.0; 3.0 / 4.0, 4.0 / 6.0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EachRow<V>(pub V);

impl<V> Operand for EachColumn<V> {
    type Is = Spread;
}

impl<V> Operand for EachRow<V> {
    type Is = Spread;
}

impl<T: Scalar, R: Dim, V: Operand + Term<T, R, U1, V::Is>> EntryArgument<T, R, U1, Spread>
    for EachColumn<V>
where
    DefaultAllocator: Allocator<R>,
{
    fn expected((rows, _): (usize, usize)) -> (usize, usize) {
        (rows, 1)
    }

    fn size(&self) -> (usize, usize) {
        self.0.size()
    }

    #[inline]
    fn lend_entries<Out>(&self, f: impl FnOnce(Lent<'_, OVector<T, R>>) -> Out) -> Out {
        AsTerm(&self.0).lend_to(f)
    }
}

impl<T: Scalar, C: Dim, V: Operand + Term<T, U1, C, V::Is>> EntryArgument<T, U1, C, Spread>
    for EachRow<V>
where
    DefaultAllocator: Allocator<U1, C>,
{
    fn expected((_, columns): (usize, usize)) -> (usize, usize) {
        (1, columns)
    }

    fn size(&self) -> (usize, usize) {
        self.0.size()
    }

    #[inline]
    fn lend_entries<Out>(&self, f: impl FnOnce(Lent<'_, RowOVector<T, C>>) -> Out) -> Out {
        AsTerm(&self.0).lend_to(f)
    }
}

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// A number added to every entry.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from(dmatrix![1.0, 2.0]).add_scalar(3.0), dmatrix![4.0, 5.0]);
    /// ```
    pub fn add_scalar(&self, x: T) -> Self {
        Self(crate::add_scalar::whole(&self.0, x))
    }

    /// A vector added to every column.
    ///
    /// # Errors
    /// If it has another number of rows.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.add_to_columns(&dvector![1.0, 2.0])?, dmatrix![2.0, 3.0; 5.0, 6.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn add_to_columns(&self, v: impl Beside<T, R, U1>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        named("add_to_columns", crate::add_to_columns::whole(&self.0, &v.beside()).map(Self))
    }

    /// A row added to every row.
    ///
    /// # Errors
    /// If it has another number of columns.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{RowDVector, dmatrix};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// let row = RowDVector::from_vec(vec![1.0, 2.0]);
    /// assert_eq!(*a.add_to_rows(&row)?, dmatrix![2.0, 4.0; 4.0, 6.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn add_to_rows(&self, r: impl Beside<T, U1, C>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        named("add_to_rows", crate::add_to_rows::whole(&self.0, &r.beside()).map(Self))
    }

    /// A vector subtracted from every column.
    ///
    /// # Errors
    /// If it has another number of rows.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.sub_from_columns(&dvector![1.0, 2.0])?, dmatrix![0.0, 1.0; 1.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn sub_from_columns(&self, v: impl Beside<T, R, U1>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        named(
            "sub_from_columns",
            crate::add_to_columns::whole(&self.0, &crate::neg::whole(&v.beside())).map(Self),
        )
    }

    /// A row subtracted from every row.
    ///
    /// # Errors
    /// If it has another number of columns.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.sub_from_rows(&a.row(0))?, dmatrix![0.0, 0.0; 2.0, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn sub_from_rows(&self, r: impl Beside<T, U1, C>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        named(
            "sub_from_rows",
            crate::add_to_rows::whole(&self.0, &crate::neg::whole(&r.beside())).map(Self),
        )
    }

    /// Every column times a vector, entry by entry: row `i` times number `i`.
    ///
    /// # Errors
    /// If it has another number of rows.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.mul_columns(&dvector![1.0, 2.0])?, dmatrix![1.0, 2.0; 6.0, 8.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn mul_columns(&self, v: impl Beside<T, R, U1>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<R>,
    {
        let fits = shape("v", shape_of::<T, R, U1>(&v.beside()), (self.nrows(), 1));
        named(
            "mul_columns",
            fits.and_then(|()| {
                elementwise_2::whole::<T, Times<T::Kind>, R, C, R, U1>(self, &v.beside())
            })
            .map(Self),
        )
    }

    /// Every row times a row, entry by entry: column `j` times number `j`.
    ///
    /// # Errors
    /// If it has another number of columns.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.mul_rows(&a.row(0))?, dmatrix![1.0, 4.0; 3.0, 8.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn mul_rows(&self, r: impl Beside<T, U1, C>) -> Result<Self, MatrixError>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        let fits = shape("r", shape_of::<T, U1, C>(&r.beside()), (1, self.ncols()));
        named(
            "mul_rows",
            fits.and_then(|()| {
                elementwise_2::whole::<T, Times<T::Kind>, R, C, U1, C>(self, &r.beside())
            })
            .map(Self),
        )
    }
}
