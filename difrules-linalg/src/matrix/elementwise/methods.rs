//! Registered primitives done to each entry, by their names.

use std::marker::PhantomData;

use difrules_core::Scalar;
use difrules_core::contract::Elementwise;
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim};

use super::arguments::shape_of;
use super::arities::{elementwise_2, elementwise_3, fuse_1};
use super::formula::{By, Formula};
use crate::error::Error;
use crate::matrix::Matrix;
use crate::matrix::failure::{MatrixError, named};
use crate::matrix::operators::Beside;

impl<T: Scalar, R: Dim, C: Dim> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// A registered primitive of one number, by the name of its function, done to each entry: one step and
    /// one pass. The user's own primitives have it too; [`elementwise!`](crate::elementwise!) is for
    /// expressions. Of plain numbers, nalgebra's `map` with a closure is `(*a).map(..)`.
    ///
    /// ```
    /// use difrules_core::math::tanh;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![0.5, -1.0]);
    /// assert_eq!(*a.map::<tanh>(), dmatrix![tanh(0.5), tanh(-1.0)]);
    /// ```
    pub fn map<P: Elementwise<T::Kind>>(&self) -> Self
    where
        By<P, T::Kind>: Formula<1, Kind = T::Kind>,
    {
        fuse_1(By::<P, T::Kind>(PhantomData), self)
    }

    /// A registered primitive of two numbers done to the entries of two matrices.
    ///
    /// # Errors
    /// If `b` has another shape.
    ///
    /// ```
    /// use difrules_core::math::atan2;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let (y, x) = (Matrix::from(dmatrix![1.0, 0.0]), dmatrix![2.0, -1.0]);
    /// assert_eq!(*y.zip_map::<atan2>(&x)?, dmatrix![atan2(1.0, 2.0), atan2(0.0, -1.0)]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn zip_map<P: Elementwise<T::Kind>>(
        &self,
        b: impl Beside<T, R, C>,
    ) -> Result<Self, MatrixError>
    where
        By<P, T::Kind>: Formula<2, Kind = T::Kind>,
    {
        // An argument of one row or column would stand for all, were it not of this type and shape.
        let same = same_shape(self.shape(), &[("b", shape_of::<T, R, C>(&b.beside()))]);
        named(
            "zip_map",
            same.and_then(|()| {
                elementwise_2::whole::<T, By<P, T::Kind>, R, C, R, C>(self, &b.beside())
            })
            .map(Matrix),
        )
    }

    /// A registered primitive of three numbers done to the entries of three matrices.
    ///
    /// # Errors
    /// If `b` or `c` has another shape.
    ///
    /// ```
    /// use difrules_core::math::mul_add;
    /// use difrules_linalg::Matrix;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Matrix::from(dmatrix![1.0, 2.0]);
    /// let y = a.zip_zip_map::<mul_add>(&dmatrix![3.0, 4.0], &dmatrix![5.0, 6.0])?;
    /// assert_eq!(*y, dmatrix![8.0, 14.0]);
    /// # Ok::<(), difrules_linalg::Error>(())
    /// ```
    pub fn zip_zip_map<P: Elementwise<T::Kind>>(
        &self,
        b: impl Beside<T, R, C>,
        c: impl Beside<T, R, C>,
    ) -> Result<Self, MatrixError>
    where
        By<P, T::Kind>: Formula<3, Kind = T::Kind>,
    {
        let shapes =
            [("b", shape_of::<T, R, C>(&b.beside())), ("c", shape_of::<T, R, C>(&c.beside()))];
        let same = same_shape(self.shape(), &shapes);
        named(
            "zip_zip_map",
            same.and_then(|()| {
                elementwise_3::whole::<T, By<P, T::Kind>, R, C, R, C, R, C>(
                    self,
                    &b.beside(),
                    &c.beside(),
                )
            })
            .map(Matrix),
        )
    }
}

/// Demands that no argument stands for all rows or columns.
fn same_shape(
    first: (usize, usize),
    others: &[(&'static str, (usize, usize))],
) -> Result<(), Error> {
    others.iter().try_for_each(|(argument, found)| crate::error::shape(argument, *found, first))
}
