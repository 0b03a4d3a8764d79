use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimMin, DimMinimum, DimMul, DimProd, Dyn, U1};

use crate::elementwise;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;
use crate::matrix::{EachColumn, EachRow, Matrix, RowVector, Vector};

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The transpose; see [`transpose`](fn@crate::transpose).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(*Matrix::from(dmatrix![1.0, 2.0]).transpose(), dmatrix![1.0; 2.0]);
    /// ```
    pub fn transpose(&self) -> Matrix<T, C, R>
    where
        DefaultAllocator: Allocator<C, R>,
    {
        Matrix(crate::transpose::whole(&self.0))
    }

    /// The conjugate transpose; see [`adjoint`](fn@crate::adjoint).
    pub fn adjoint(&self) -> Matrix<T, C, R>
    where
        DefaultAllocator: Allocator<C, R>,
    {
        Matrix(crate::adjoint::whole(&self.0))
    }

    /// The diagonal; see [`diagonal`](fn@crate::diagonal).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(*a.diagonal(), dvector![2.0, 3.0]);
    /// ```
    pub fn diagonal(&self) -> Vector<T, DimMinimum<R, C>>
    where
        R: DimMin<C>,
        DefaultAllocator: Allocator<DimMinimum<R, C>>,
    {
        Matrix(crate::diagonal::whole(&self.0))
    }

    /// The matrix times a number, as `*`; see [`scale`](fn@crate::scale).
    pub fn scale(&self, a: T) -> Self {
        Self(crate::scale::whole(a, &self.0))
    }

    /// The matrix over a number, as `/`; see [`unscale`](fn@crate::unscale).
    pub fn unscale(&self, a: T) -> Self {
        Self(crate::unscale::whole(a, &self.0))
    }

    /// The products of the entries in the same places; see [`component_mul`](fn@crate::component_mul).
    ///
    /// # Errors
    /// Those of [`component_mul`](fn@crate::component_mul).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// assert_eq!(*a.component_mul(&dmatrix![3.0, 4.0])?, dmatrix![3.0, 8.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn component_mul(&self, b: impl Beside<T, R, C>) -> Result<Self, MatrixError> {
        named("component_mul", crate::component_mul::whole(&self.0, &b.beside()).map(Self))
    }

    /// The transpose times `b`; see [`tr_mul`](fn@crate::tr_mul).
    ///
    /// # Errors
    /// Those of [`tr_mul`](fn@crate::tr_mul).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(a.tr_mul(&a)?, a.transpose() * &a);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn tr_mul<C2: Dim>(&self, b: impl Beside<T, R, C2>) -> Result<Matrix<T, C, C2>, MatrixError>
    where
        DefaultAllocator: Allocator<R, C2> + Allocator<C, C2>,
    {
        named("tr_mul", crate::tr_mul::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The sum of all entries; see [`sum`](fn@crate::sum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// assert_eq!(Matrix::from(dmatrix![1.0, 2.0]).sum(), 3.0);
    /// ```
    pub fn sum(&self) -> T {
        crate::sum::whole(&self.0)
    }

    /// The quotients of the entries in the same places; see [`component_div`](fn@crate::component_div).
    ///
    /// # Errors
    /// Those of [`component_div`](fn@crate::component_div).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 6.0]);
    /// assert_eq!(*a.component_div(&dmatrix![2.0, 3.0])?, dmatrix![0.5, 2.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn component_div(&self, b: impl Beside<T, R, C>) -> Result<Self, MatrixError> {
        named("component_div", crate::component_div::whole(&self.0, &b.beside()).map(Self))
    }

    /// The adjoint times `b`; see [`ad_mul`](fn@crate::ad_mul).
    ///
    /// # Errors
    /// Those of [`ad_mul`](fn@crate::ad_mul).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.ad_mul(&a)?, a.adjoint() * &a);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn ad_mul<C2: Dim>(&self, b: impl Beside<T, R, C2>) -> Result<Matrix<T, C, C2>, MatrixError>
    where
        DefaultAllocator: Allocator<R, C2> + Allocator<C, C2>,
    {
        named("ad_mul", crate::ad_mul::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// The matrix times the transpose of `b`; see [`mul_tr`](fn@crate::mul_tr).
    ///
    /// # Errors
    /// Those of [`mul_tr`](fn@crate::mul_tr).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.mul_tr(&a)?, &a * a.transpose());
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn mul_tr<R2: Dim>(&self, b: impl Beside<T, R2, C>) -> Result<Matrix<T, R, R2>, MatrixError>
    where
        DefaultAllocator: Allocator<R2, C> + Allocator<R, R2>,
    {
        named("mul_tr", crate::mul_tr::whole(&self.0, &b.beside()).map(Matrix))
    }

    /// x^T A y, where this is A; see [`quadratic_form`](fn@crate::quadratic_form).
    ///
    /// # Errors
    /// Those of [`quadratic_form`](fn@crate::quadratic_form).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.quadratic_form(&dvector![1.0, 0.0], &dvector![3.0, 5.0])?, 13.0);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn quadratic_form(
        &self,
        x: impl Beside<T, R, U1>,
        y: impl Beside<T, C, U1>,
    ) -> Result<T, MatrixError>
    where
        DefaultAllocator: Allocator<R> + Allocator<C>,
    {
        named("quadratic_form", crate::quadratic_form::whole(&x.beside(), &self.0, &y.beside()))
    }

    /// The diagonal `offset` places right of the main one, or left where that is negative; see [`diagonal_at`](fn@crate::diagonal_at).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.diagonal_at(1), dvector![2.0]);
    /// ```
    pub fn diagonal_at(&self, offset: isize) -> Vector<T>
    where
        DefaultAllocator: Allocator<Dyn>,
    {
        Matrix(crate::diagonal_at::whole(&self.0, offset))
    }

    /// The lower triangle with the diagonal, and zeros above; see [`lower_triangle`](fn@crate::lower_triangle).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.lower_triangle(), dmatrix![1.0, 0.0; 3.0, 4.0]);
    /// ```
    pub fn lower_triangle(&self) -> Self {
        Self(crate::lower_triangle::whole(&self.0))
    }

    /// The upper triangle with the diagonal, and zeros below; see [`upper_triangle`](fn@crate::upper_triangle).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.upper_triangle(), dmatrix![1.0, 2.0; 0.0, 4.0]);
    /// ```
    pub fn upper_triangle(&self) -> Self {
        Self(crate::upper_triangle::whole(&self.0))
    }

    /// The Kronecker product; see [`kronecker`](fn@crate::kronecker).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// assert_eq!(*a.kronecker(&dmatrix![3.0; 4.0]), dmatrix![3.0, 6.0; 4.0, 8.0]);
    /// ```
    pub fn kronecker<R2: Dim, C2: Dim>(
        &self,
        b: impl Beside<T, R2, C2>,
    ) -> Matrix<T, DimProd<R, R2>, DimProd<C, C2>>
    where
        R: DimMul<R2>,
        C: DimMul<C2>,
        DefaultAllocator: Allocator<R2, C2> + Allocator<DimProd<R, R2>, DimProd<C, C2>>,
    {
        Matrix(crate::kronecker::whole(&self.0, &b.beside()))
    }

    /// The cross product of vectors of three numbers; see [`cross`](fn@crate::cross).
    ///
    /// # Errors
    /// Those of [`cross`](fn@crate::cross).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::dvector;
    ///
    /// let x = Vector::from(dvector![1.0, 0.0, 0.0]);
    /// assert_eq!(*x.cross(&dvector![0.0, 1.0, 0.0])?, dvector![0.0, 0.0, 1.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn cross(&self, b: impl Beside<T, R, C>) -> Result<Self, MatrixError> {
        named("cross", crate::cross::whole(&self.0, &b.beside()).map(Self))
    }

    /// The rows of these numbers, which may repeat; see [`select_rows`](fn@crate::select_rows).
    ///
    /// # Errors
    /// Those of [`select_rows`](fn@crate::select_rows).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.select_rows(&[1, 1])?, dmatrix![3.0, 4.0; 3.0, 4.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn select_rows(&self, rows: &[usize]) -> Result<Matrix<T, Dyn, C>, MatrixError>
    where
        DefaultAllocator: Allocator<Dyn, C>,
    {
        named("select_rows", crate::select_rows::whole(&self.0, rows).map(Matrix))
    }

    /// The columns of these numbers, which may repeat; see [`select_columns`](fn@crate::select_columns).
    ///
    /// # Errors
    /// Those of [`select_columns`](fn@crate::select_columns).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.select_columns(&[1, 1])?, dmatrix![2.0, 2.0; 4.0, 4.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn select_columns(&self, columns: &[usize]) -> Result<Matrix<T, R, Dyn>, MatrixError>
    where
        DefaultAllocator: Allocator<R, Dyn>,
    {
        named("select_columns", crate::select_columns::whole(&self.0, columns).map(Matrix))
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
        Matrix(crate::column_sum::whole(&self.0))
    }

    /// The sum of the rows: of each column's entries; see [`row_sum`](fn@crate::row_sum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.row_sum(), *Matrix::from(dmatrix![4.0, 6.0]).row(0));
    /// ```
    pub fn row_sum(&self) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        Matrix(crate::row_sum::whole(&self.0))
    }

    /// The mean of all entries; NaN if there is none; see [`mean`](fn@crate::mean).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.mean(), 2.5);
    /// ```
    pub fn mean(&self) -> T {
        crate::mean::whole(&self.0)
    }

    /// The variance of all entries, of the population; NaN if there is none; see [`variance`](fn@crate::variance).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(a.variance(), 1.25);
    /// ```
    pub fn variance(&self) -> T::Real {
        crate::variance::whole(&self.0)
    }

    /// The mean of the columns: of each row's entries; NaN if there is none.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.column_mean(), dvector![1.5, 3.5]);
    /// ```
    pub fn column_mean(&self) -> Vector<T, R>
    where
        DefaultAllocator: Allocator<R>,
    {
        let count = nalgebra::convert(self.ncols() as f64);
        mean_of_sum(self, count, Self::column_sum)
    }

    /// The mean of the rows: of each column's entries; NaN if there is none.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{RowDVector, dmatrix};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.row_mean(), RowDVector::from_vec(vec![2.0, 3.0]));
    /// ```
    pub fn row_mean(&self) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        let count = nalgebra::convert(self.nrows() as f64);
        mean_of_sum(self, count, Self::row_sum)
    }

    /// The cumulative sums down each column; see [`cumsum`](fn@crate::cumsum).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.cumsum(), dmatrix![1.0, 2.0; 4.0, 6.0]);
    /// ```
    pub fn cumsum(&self) -> Self {
        Self(crate::cumsum::whole(&self.0))
    }

    /// The cumulative products down each column; see [`cumprod`](fn@crate::cumprod).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.cumprod(), dmatrix![1.0, 2.0; 3.0, 8.0]);
    /// ```
    pub fn cumprod(&self) -> Self {
        Self(crate::cumprod::whole(&self.0))
    }

    /// ln(sum exp(a)) of all entries; see [`logsumexp`](fn@crate::logsumexp).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1000.0, 1000.0]);
    /// assert_eq!(a.logsumexp(), 1000.0 + 2.0_f64.ln());
    /// ```
    pub fn logsumexp(&self) -> T {
        crate::logsumexp::whole(&self.0)
    }

    /// ln(sum exp(a)) of the entries of each column; see [`row_logsumexp`](fn@crate::row_logsumexp).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1000.0, 2.0; 1000.0, f64::NEG_INFINITY]);
    /// assert_eq!(a.row_logsumexp().get(0), 1000.0 + 2.0_f64.ln());
    /// assert_eq!(a.row_logsumexp().get(1), 2.0);
    /// ```
    pub fn row_logsumexp(&self) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        Matrix(crate::row_logsumexp::whole(&self.0))
    }

    /// exp(a) over the sum of these in each column; see [`softmax`](fn@crate::softmax).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1000.0, 2.0; 1000.0, f64::NEG_INFINITY]);
    /// assert_eq!(*a.softmax(), dmatrix![0.5, 1.0; 0.5, 0.0]);
    /// ```
    pub fn softmax(&self) -> Self {
        Self(crate::softmax::whole(&self.0))
    }
}

impl<T: Scalar, D: Dim> Matrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    /// The sum of the diagonal; see [`trace`](fn@crate::trace).
    ///
    /// # Errors
    /// Those of [`trace`](fn@crate::trace).
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![2.0, 1.0; 1.0, 3.0]);
    /// assert_eq!(a.trace()?, 5.0);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn trace(&self) -> Result<T, MatrixError> {
        named("trace", crate::trace::whole(&self.0))
    }

    /// Half the sum of the matrix and its adjoint; see [`symmetric_part`](fn@crate::symmetric_part).
    ///
    /// # Errors
    /// Those of [`symmetric_part`](fn@crate::symmetric_part).
    pub fn symmetric_part(&self) -> Result<Self, MatrixError> {
        named("symmetric_part", crate::symmetric_part::whole(&self.0).map(Self))
    }
}

impl<T: Scalar, R: Dim> Vector<T, R>
where
    DefaultAllocator: Allocator<R>,
{
    /// The outer product x y^H, where this is x; see [`outer`](fn@crate::outer).
    ///
    /// ```
    /// use difrules_linalg::Vector;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let x = Vector::from(dvector![1.0, 2.0]);
    /// assert_eq!(*x.outer(&dvector![3.0, 4.0]), dmatrix![3.0, 4.0; 6.0, 8.0]);
    /// ```
    pub fn outer<C: Dim>(&self, y: impl Beside<T, C, U1>) -> Matrix<T, R, C>
    where
        DefaultAllocator: Allocator<C> + Allocator<R, C>,
    {
        Matrix(crate::outer::whole(&self.0, &y.beside()))
    }
}

impl<T: Real, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// The variance of each column, of the population; NaN where it has no entry.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{RowDVector, dmatrix};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.row_variance(), RowDVector::from_vec(vec![1.0, 1.0]));
    /// ```
    pub fn row_variance(&self) -> RowVector<T, C>
    where
        DefaultAllocator: Allocator<U1, C>,
    {
        let from_mean = elementwise!(|x, mean| x - mean, self, EachRow(&self.row_mean()));
        // What the rounding of the mean has left of it.
        let left = from_mean.row_mean();
        elementwise!(|d, left| (d - left) * (d - left), &from_mean, EachRow(&left)).row_mean()
    }

    /// The variance of each row, of the population; NaN where it has no entry.
    ///
    /// ```
    /// use difrules_linalg::Matrix;
    /// use nalgebra::{dmatrix, dvector};
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]);
    /// assert_eq!(*a.column_variance(), dvector![0.25, 0.25]);
    /// ```
    pub fn column_variance(&self) -> Vector<T, R>
    where
        DefaultAllocator: Allocator<R>,
    {
        let from_mean = elementwise!(|x, mean| x - mean, self, EachColumn(&self.column_mean()));
        // What the rounding of the mean has left of it.
        let left = from_mean.column_mean();
        elementwise!(|d, left| (d - left) * (d - left), &from_mean, EachColumn(&left)).column_mean()
    }
}

/// A sum of entries divided by their number; of finite entries it is finite.
fn mean_of_sum<T: Scalar, R: Dim, C: Dim, R2: Dim, C2: Dim>(
    a: &Matrix<T, R, C>,
    count: T,
    sum: impl Fn(&Matrix<T, R, C>) -> Matrix<T, R2, C2>,
) -> Matrix<T, R2, C2>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R2, C2>,
{
    let whole = sum(a);
    if is_finite(&whole) || !is_finite(a) {
        return whole.unscale(count);
    }
    // The sum alone overflows.
    sum(&a.unscale(count))
}

/// Whether all values are finite.
fn is_finite<T: Scalar, R: Dim, C: Dim>(a: &Matrix<T, R, C>) -> bool
where
    DefaultAllocator: Allocator<R, C>,
{
    T::parts_of(a.entries().as_slice()).iter().all(|x| x.to_f64().is_finite())
}
