//! A vector in every column, a row in every row, a number in every entry: by names of their own, since there
//! is no implicit broadcasting, here as in nalgebra.

use difrules_core::contract::{AsWhole, Lent, Operand};
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DVector, DefaultAllocator, Dim, OMatrix, OVector, RowDVector, RowOVector, U1,
};

use super::elementwise::{EntryArgument, Times, elementwise_2, shape_of};
use super::failure::{MatrixError, named};
use super::operators::{AsTerm, Beside, Term};
use super::{Matrix, RowVector, Vector};
use crate::block::{add_cotangent, kept_sum};
use crate::error::{Error, shape};
use crate::sample;

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
        Self(add_scalar::whole(&self.0, x))
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
        named("add_to_columns", add_to_columns::whole(&self.0, &v.beside()).map(Self))
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
        named("add_to_rows", add_to_rows::whole(&self.0, &r.beside()).map(Self))
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
            add_to_columns::whole(&self.0, &crate::neg::whole(&v.beside())).map(Self),
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
            add_to_rows::whole(&self.0, &crate::neg::whole(&r.beside())).map(Self),
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

    /// The sum of the columns: of each row's entries; see [`column_sum`](fn@crate::column_sum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// assert_eq!(*Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]).column_sum(), dvector![3.0, 7.0]);
    /// ```
    pub fn column_sum(&self) -> Vector<T, R>
    where
        DefaultAllocator: Allocator<R>,
    {
        Matrix(column_sum::whole(&self.0))
    }

    /// The sum of the rows: of each column's entries; see [`row_sum`](fn@crate::row_sum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]).row_sum(), *Matrix::from(dmatrix![4.0, 6.0]).row(0));
    /// ```
    pub fn row_sum(&self) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        Matrix(row_sum::whole(&self.0))
    }

    /// The mean of all entries; NaN if there is none.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]).mean(), 2.5);
    /// ```
    pub fn mean(&self) -> T {
        self.sum() / nalgebra::convert(self.len() as f64)
    }
}

/// x added to every entry of A.
///
/// # Derivation
/// dY_ij = dA_ij + dx, so A_bar = Y_bar and x_bar is the sum of the entries of Y_bar.
///
/// ```
/// use difrules_linalg::add_scalar;
/// use nalgebra::dmatrix;
///
/// assert_eq!(add_scalar(&dmatrix![1.0, 2.0], 3.0), dmatrix![4.0, 5.0]);
/// ```
#[primitive(
    forward = add_scalar_forward,
    reverse = add_scalar_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_scalar_sample
)]
pub fn add_scalar<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>, x: T) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    a.add_scalar(x)
}

fn add_scalar_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    x_dot: T,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    a_dot.add_scalar(x_dot)
}

fn add_scalar_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    x_bar: Slot<'_, T>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    x_bar.add(|| y_bar.sum());
    if let Some(mut a_bar) = a_bar.buffer() {
        add_cotangent(&y_bar, &mut a_bar);
    }
}

fn add_scalar_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, T) {
    (sample::matrix(random), random.normal())
}

/// v added to every column of A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `v` has another number of rows.
///
/// # Derivation
/// dY_ij = dA_ij + dv_i, so A_bar = Y_bar and v_bar is the sum of the columns of Y_bar.
///
/// ```
/// use difrules_linalg::add_to_columns;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(add_to_columns(&dmatrix![1.0; 2.0], &dvector![3.0, 4.0])?, dmatrix![4.0; 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = add_to_columns_forward,
    reverse = add_to_columns_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_to_columns_sample
)]
pub fn add_to_columns<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    v: &OVector<T, R>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    shape("v", v.shape(), (a.nrows(), 1))?;
    Ok(add_to_columns_forward(a, v))
}

fn add_to_columns_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    v_dot: &OVector<T, R>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let mut y_dot = a_dot.clone();
    for mut column in y_dot.column_iter_mut() {
        column += v_dot;
    }
    y_dot
}

fn add_to_columns_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    v_bar: Slot<'_, OVector<T, R>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        add_cotangent(&y_bar, &mut a_bar);
    }
    if let Some(mut v_bar) = v_bar.buffer() {
        for column in y_bar.column_iter() {
            v_bar += column;
        }
    }
}

fn add_to_columns_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DVector<T>) {
    let a: DMatrix<T> = sample::matrix(random);
    let v = random.vector(a.nrows());
    (a, v)
}

/// r added to every row of A.
///
/// # Errors
/// [`Error::DimensionMismatch`] if `r` has another number of columns.
///
/// # Derivation
/// dY_ij = dA_ij + dr_j, so A_bar = Y_bar and r_bar is the sum of the rows of Y_bar.
///
/// ```
/// use difrules_linalg::add_to_rows;
/// use nalgebra::{RowDVector, dmatrix};
///
/// let row = RowDVector::from_vec(vec![3.0, 4.0]);
/// assert_eq!(add_to_rows(&dmatrix![1.0, 2.0], &row)?, dmatrix![4.0, 6.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = add_to_rows_forward,
    reverse = add_to_rows_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = add_to_rows_sample
)]
pub fn add_to_rows<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, C>,
    r: &RowOVector<T, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    shape("r", r.shape(), (1, a.ncols()))?;
    Ok(add_to_rows_forward(a, r))
}

fn add_to_rows_forward<T: Scalar, R: Dim, C: Dim>(
    a_dot: &OMatrix<T, R, C>,
    r_dot: &RowOVector<T, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let mut y_dot = a_dot.clone();
    for (mut column, &r_dot) in y_dot.column_iter_mut().zip(r_dot.iter()) {
        column.add_scalar_mut(r_dot);
    }
    y_dot
}

fn add_to_rows_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
    r_bar: Slot<'_, RowOVector<T, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        add_cotangent(&y_bar, &mut a_bar);
    }
    if let Some(mut r_bar) = r_bar.buffer() {
        for (r_bar, column) in r_bar.iter_mut().zip(y_bar.column_iter()) {
            *r_bar += column.sum();
        }
    }
}

fn add_to_rows_sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, RowDVector<T>) {
    let a: DMatrix<T> = sample::matrix(random);
    let r = random.vector(a.ncols()).transpose();
    (a, r)
}

/// The sum of the columns.
///
/// # Derivation
/// dy_i = sum_j dA_ij, so every column of A_bar is y_bar.
///
/// ```
/// use difrules_linalg::column_sum;
/// use nalgebra::{dmatrix, dvector};
///
/// assert_eq!(column_sum(&dmatrix![1.0, 2.0; 3.0, 4.0]), dvector![3.0, 7.0]);
/// ```
#[primitive(
    forward = column_sum_forward,
    reverse = column_sum_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn column_sum<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> OVector<T, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    a.column_sum()
}

fn column_sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> OVector<T, R>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let (rows, _) = a_dot.shape_generic();
    OVector::from_fn_generic(rows, U1, |i, _| kept_sum(a_dot.row(i).iter()))
}

fn column_sum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, OVector<T, R>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for mut column in a_bar.column_iter_mut() {
            column += &y_bar;
        }
    }
}

/// The sum of the rows.
///
/// # Derivation
/// dy_j = sum_i dA_ij, so every row of A_bar is y_bar.
///
/// ```
/// use difrules_linalg::row_sum;
/// use nalgebra::{RowDVector, dmatrix};
///
/// assert_eq!(row_sum(&dmatrix![1.0, 2.0; 3.0, 4.0]), RowDVector::from_vec(vec![4.0, 6.0]));
/// ```
#[primitive(
    forward = row_sum_forward,
    reverse = row_sum_reverse,
    reads(),
    direct,
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn row_sum<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    a.row_sum()
}

fn row_sum_forward<T: Scalar, R: Dim, C: Dim>(a_dot: &OMatrix<T, R, C>) -> RowOVector<T, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    let (_, columns) = a_dot.shape_generic();
    RowOVector::from_fn_generic(U1, columns, |_, j| kept_sum(a_dot.column(j).iter()))
}

fn row_sum_reverse<T: Scalar, R: Dim, C: Dim>(
    y_bar: Cotangent<'_, RowOVector<T, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<U1, C>,
{
    if let Some(mut a_bar) = a_bar.buffer() {
        for (mut column, &y_bar) in a_bar.column_iter_mut().zip(y_bar.iter()) {
            column.add_scalar_mut(y_bar);
        }
    }
}
