//! How a matrix in one piece is made, and taken apart again.

use difrules_core::contract::AsWhole;
use difrules_core::{Real, Scalar, Whole};
use nalgebra::allocator::Allocator;
use nalgebra::storage::RawStorage;
use nalgebra::{DVector, DefaultAllocator, Dim, Dyn, OMatrix, U1};

use super::operators::Beside;
use super::{Matrix, Vector};

/// One piece out of one of nalgebra's matrices, of any storage: of plain numbers it is a constant in any
/// mode; the numbers of a mode, if they are not one piece already, are gathered by one step.
impl<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>> From<nalgebra::Matrix<T, R, C, S>>
    for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn from(entries: nalgebra::Matrix<T, R, C, S>) -> Self {
        Self::from(&entries)
    }
}

/// See `From` of the matrix itself; this copies it.
impl<T: Scalar, R: Dim, C: Dim, S: RawStorage<T, R, C>> From<&nalgebra::Matrix<T, R, C, S>>
    for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn from(entries: &nalgebra::Matrix<T, R, C, S>) -> Self {
        let (rows, columns) = entries.shape_generic();
        Self(Whole::gather(OMatrix::from_iterator_generic(rows, columns, entries.iter().copied())))
    }
}

impl<T: Scalar, R: Dim, C: Dim> From<Whole<OMatrix<T, R, C>>> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn from(whole: Whole<OMatrix<T, R, C>>) -> Self {
        Self(whole)
    }
}

impl<T: Scalar, R: Dim, C: Dim> From<Matrix<T, R, C>> for Whole<OMatrix<T, R, C>>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn from(matrix: Matrix<T, R, C>) -> Self {
        matrix.0
    }
}

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// A matrix that nothing is differentiated by, of plain numbers, in any mode.
    ///
    /// Operators and methods take nalgebra's matrices of plain numbers as they are; this is for where a
    /// [`Matrix`] has to stand.
    ///
    /// ```
    /// use difrules_core::{Real, gradient};
    /// use difrules_linalg::{Error, Matrix};
    /// use nalgebra::{DMatrix, dmatrix};
    ///
    /// /// The trace of the cube.
    /// fn cube<T: Real>(a: &Matrix<T>) -> Result<T, Error> {
    ///     let start = Matrix::constant(&DMatrix::<f64>::identity(2, 2));
    ///     Ok((0..3).fold(start, |power, _| power * a).trace()?)
    /// }
    ///
    /// let slope = gradient(|a| cube(a), &Matrix::from(dmatrix![2.0_f64, 0.0; 0.0, 1.0]))?;
    /// assert_eq!(*slope, dmatrix![12.0, 0.0; 0.0, 3.0]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn constant(value: impl Beside<T, R, C>) -> Self {
        Self::held(&value.beside())
    }

    /// What is lent.
    fn held(value: &impl AsWhole<OMatrix<T, R, C>>) -> Self {
        Self(Whole::new(value.lend_to(|lent| T::Real::hold::<OMatrix<T::Kind, R, C>>(lent))))
    }

    /// A matrix of these sizes whose entry in row `i` and column `j` is `f(i, j)`: one step, which gathers
    /// them.
    ///
    /// ```
    /// use difrules_core::{Real, gradient};
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{Dyn, U1};
    ///
    /// fn powers<T: Real>(x: T) -> T {
    ///     Matrix::from_fn_generic(Dyn(4), U1, |i, _| x.powi(i as i32)).sum()
    /// }
    ///
    /// assert_eq!(gradient(|x| powers(*x), &2.0), 1.0 + 4.0 + 12.0);
    /// ```
    pub fn from_fn_generic(rows: R, columns: C, f: impl FnMut(usize, usize) -> T) -> Self {
        Self(Whole::gather(OMatrix::from_fn_generic(rows, columns, f)))
    }

    /// A matrix of these sizes of zeros, a constant.
    pub fn zeros_generic(rows: R, columns: C) -> Self {
        Self::held(&OMatrix::<f64, R, C>::zeros_generic(rows, columns))
    }

    /// A matrix of these sizes of ones on the diagonal and zeros elsewhere, a constant.
    pub fn identity_generic(rows: R, columns: C) -> Self {
        Self::held(&OMatrix::<f64, R, C>::identity_generic(rows, columns))
    }

    /// A matrix of these sizes with this number in every entry.
    pub fn from_element_generic(rows: R, columns: C, x: T) -> Self {
        Self::zeros_generic(rows, columns).add_scalar(x)
    }

    /// The entries, each a number of its own, as one of nalgebra's matrices: for functions that work on
    /// numbers.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![1.0, 2.0]).entries(), dmatrix![1.0, 2.0]);
    /// ```
    pub fn entries(&self) -> OMatrix<T, R, C> {
        self.0.entries()
    }

    /// The entries by value, column by column.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 3.0; 2.0, 4.0]);
    /// assert_eq!(a.iter().collect::<Vec<f64>>(), [1.0, 2.0, 3.0, 4.0]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + use<T, R, C> {
        let entries = self.entries();
        (0..entries.len()).map(move |k| entries.as_slice()[k])
    }

    /// The plain matrix: the value inside all modes. What is computed from it is a constant: no derivative goes
    /// through it.
    ///
    /// ```
    /// use difrules_core::gradient;
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let shown = |x: &Vector<_>| {
    ///     assert_eq!(x.value(), dvector![1.0, 2.0]);
    ///     x.sum()
    /// };
    /// gradient(|x| shown(x), &Vector::from(dvector![1.0, 2.0]));
    /// ```
    pub fn value(&self) -> OMatrix<f64, R, C>
    where
        T: Real,
    {
        let mut values = self.0.entries();
        let (rows, columns) = values.shape_generic();
        let values = values.as_mut_slice().iter().map(|x| x.to_f64());
        OMatrix::from_iterator_generic(rows, columns, values)
    }
}

impl<T: Scalar> Matrix<T> {
    /// A matrix of zeros, a constant.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    ///
    /// assert_eq!(Matrix::<f64>::zeros(2, 3).shape(), (2, 3));
    /// ```
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self::zeros_generic(Dyn(rows), Dyn(columns))
    }

    /// A matrix of ones on the diagonal and zeros elsewhere, a constant.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::<f64>::identity(2, 2), dmatrix![1.0, 0.0; 0.0, 1.0]);
    /// ```
    pub fn identity(rows: usize, columns: usize) -> Self {
        Self::identity_generic(Dyn(rows), Dyn(columns))
    }

    /// A matrix with this number in every entry.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from_element(1, 2, 3.0), dmatrix![3.0, 3.0]);
    /// ```
    pub fn from_element(rows: usize, columns: usize, x: T) -> Self {
        Self::from_element_generic(Dyn(rows), Dyn(columns), x)
    }

    /// A matrix whose entry in row `i` and column `j` is `f(i, j)`: one step, which gathers them.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from_fn(2, 2, |i, j| (i + 2 * j) as f64), dmatrix![0.0, 2.0; 1.0, 3.0]);
    /// ```
    pub fn from_fn(rows: usize, columns: usize, f: impl FnMut(usize, usize) -> T) -> Self {
        Self::from_fn_generic(Dyn(rows), Dyn(columns), f)
    }

    /// A matrix of these numbers, row by row.
    ///
    /// # Panics
    /// If there are not as many as the sizes say.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(*a, dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn from_row_slice(rows: usize, columns: usize, numbers: &[T]) -> Self {
        Self(Whole::gather(OMatrix::from_row_slice_generic(Dyn(rows), Dyn(columns), numbers)))
    }
}

impl<T: Scalar> Vector<T> {
    /// A vector of these numbers.
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// assert_eq!(*Vector::from_vec(vec![1.0, 2.0]), dvector![1.0, 2.0]);
    /// ```
    pub fn from_vec(numbers: Vec<T>) -> Self {
        Self(Whole::gather(DVector::from_vec(numbers)))
    }
}

impl<T: Scalar> Matrix<T> {
    /// The square matrix with this diagonal, `offset` places right of the main one, or left where that is negative, and
    /// zeros elsewhere; see [`from_diagonal_at`](fn@crate::from_diagonal_at).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// assert_eq!(*Matrix::from_diagonal_at(&dvector![1.0], 1), dmatrix![0.0, 1.0; 0.0, 0.0]);
    /// ```
    pub fn from_diagonal_at<D: Dim>(diagonal: impl Beside<T, D, U1>, offset: isize) -> Self
    where
        DefaultAllocator: Allocator<D> + Allocator<Dyn, Dyn>,
    {
        Self(crate::from_diagonal_at::whole(&diagonal.beside(), offset))
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// The matrix with this diagonal and zeros elsewhere; see [`from_diagonal`](fn@crate::from_diagonal).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// assert_eq!(*Matrix::from_diagonal(&dvector![1.0, 2.0]), dmatrix![1.0, 0.0; 0.0, 2.0]);
    /// ```
    pub fn from_diagonal(diagonal: impl Beside<T, D, U1>) -> Self {
        Self(crate::from_diagonal::whole(&diagonal.beside()))
    }
}
