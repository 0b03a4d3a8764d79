//! The operators, between matrices in one piece, numbers, and nalgebra's matrices of plain numbers.
//!
//! One implementation of an operator cannot be for several kinds of right sides at once unless they are told
//! apart by a type, since numbers are any `T: Scalar`: [`Operand`] says which kind one is, and a trait of
//! two parameters, the right side and its kind, has the implementations.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use difrules_core::Scalar;
use difrules_core::contract::{AsWhole, InOnePiece, Lent, Number, Operand, Plain};
use nalgebra::allocator::Allocator;
use nalgebra::storage::{RawStorage, Storage};
use nalgebra::{
    ArrayStorage, Const, DefaultAllocator, Dim, Dyn, OMatrix, VecStorage, ViewStorage,
    ViewStorageMut,
};
use simba::scalar::SupersetOf;

use super::Matrix;
use crate::block::is_small;
use crate::error::Error;

/// Fails as nalgebra's operators do: at the caller's line, with both shapes.
#[track_caller]
#[cold]
fn unfit(operator: &str, a: (usize, usize), b: (usize, usize), error: &Error) -> ! {
    panic!("{} x {} {operator} {} x {}: {error}", a.0, a.1, b.0, b.1)
}

/// The storage of one of nalgebra's matrices, which lends an owned matrix: itself, or a copy of a view.
///
/// An operand that is a view is copied once; one that is owned costs nothing.
pub trait Stored<N, R: Dim, C: Dim>: RawStorage<N, R, C> + Sized
where
    DefaultAllocator: Allocator<R, C>,
{
    /// Lends the matrix to `f`.
    #[doc(hidden)]
    fn lend_owned<Out>(
        matrix: &nalgebra::Matrix<N, R, C, Self>,
        f: impl FnOnce(&OMatrix<N, R, C>) -> Out,
    ) -> Out;
}

impl<N: nalgebra::Scalar, C: Dim> Stored<N, Dyn, C> for VecStorage<N, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn, C, Buffer<N> = Self>,
{
    fn lend_owned<Out>(
        matrix: &nalgebra::Matrix<N, Dyn, C, Self>,
        f: impl FnOnce(&OMatrix<N, Dyn, C>) -> Out,
    ) -> Out {
        f(matrix)
    }
}

impl<N: nalgebra::Scalar, const R: usize> Stored<N, Const<R>, Dyn>
    for VecStorage<N, Const<R>, Dyn>
{
    fn lend_owned<Out>(
        matrix: &nalgebra::Matrix<N, Const<R>, Dyn, Self>,
        f: impl FnOnce(&OMatrix<N, Const<R>, Dyn>) -> Out,
    ) -> Out {
        f(matrix)
    }
}

impl<N: nalgebra::Scalar, const R: usize, const C: usize> Stored<N, Const<R>, Const<C>>
    for ArrayStorage<N, R, C>
{
    fn lend_owned<Out>(
        matrix: &nalgebra::Matrix<N, Const<R>, Const<C>, Self>,
        f: impl FnOnce(&OMatrix<N, Const<R>, Const<C>>) -> Out,
    ) -> Out {
        f(matrix)
    }
}

macro_rules! stored_views {
    ($($View:ident),*) => {$(
        impl<N: nalgebra::Scalar, R: Dim, C: Dim, RowStride: Dim, ColumnStride: Dim> Stored<N, R, C>
            for $View<'_, N, R, C, RowStride, ColumnStride>
        where
            DefaultAllocator: Allocator<R, C>,
            Self: Storage<N, R, C>,
        {
            fn lend_owned<Out>(
                matrix: &nalgebra::Matrix<N, R, C, Self>,
                f: impl FnOnce(&OMatrix<N, R, C>) -> Out,
            ) -> Out {
                f(&matrix.clone_owned())
            }
        }
    )*};
}
stored_views!(ViewStorage, ViewStorageMut);

/// A number whose matrices are constants in every mode.
#[diagnostic::on_unimplemented(
    message = "nalgebra's matrices of `{Self}` are no constants of every mode",
    note = "those of `f64` and `f32` are; a matrix of the mode's numbers is made whole by `Matrix::from(..)`, and what is data is given as a matrix of `f64`"
)]
pub trait Constant: nalgebra::Scalar {
    /// Lends a matrix to `f`, as one of `f64`.
    #[doc(hidden)]
    fn lend_plain<R: Dim, C: Dim, Out>(
        matrix: &OMatrix<Self, R, C>,
        f: impl FnOnce(&OMatrix<f64, R, C>) -> Out,
    ) -> Out
    where
        DefaultAllocator: Allocator<R, C>;

    /// Lends a matrix to `f`.
    #[doc(hidden)]
    fn lend_constant<T: Scalar, R: Dim, C: Dim, Out>(
        matrix: &OMatrix<Self, R, C>,
        f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out,
    ) -> Out
    where
        DefaultAllocator: Allocator<R, C>;
}

macro_rules! constants {
    ($($N:ident, $matrix:ident => $plain:expr);*) => {$(
        impl Constant for $N {
            #[inline]
            fn lend_plain<R: Dim, C: Dim, Out>(
                $matrix: &OMatrix<Self, R, C>,
                f: impl FnOnce(&OMatrix<f64, R, C>) -> Out,
            ) -> Out
            where
                DefaultAllocator: Allocator<R, C>,
            {
                f($plain)
            }

            #[inline]
            fn lend_constant<T: Scalar, R: Dim, C: Dim, Out>(
                matrix: &OMatrix<Self, R, C>,
                f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out,
            ) -> Out
            where
                DefaultAllocator: Allocator<R, C>,
            {
                AsWhole::<OMatrix<T, R, C>>::lend_to(matrix, f)
            }
        }
    )*};
}
constants!(f64, matrix => matrix; f32, matrix => &matrix.map(f64::from));

impl<T: Scalar, R: Dim, C: Dim> Operand for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Is = InOnePiece;
}

impl<T: Scalar, R: Dim, C: Dim> Operand for &Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Is = InOnePiece;
}

/// What a [`Matrix`] can be divided by: a number of its scalar, or one that converts to it.
#[diagnostic::on_unimplemented(
    message = "a matrix in one piece cannot be divided by `{Self}`",
    note = "it is divided by a number; entry by entry, `zip_map` or `elementwise!` divide by another matrix, and `a.solve(&b)` is the inverse of `a` times `b`"
)]
pub trait Divisor<T> {
    /// The number.
    #[doc(hidden)]
    fn number(self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T: Scalar + SupersetOf<B>, B: Scalar> Divisor<T> for B {
    #[inline]
    fn number(self) -> T {
        nalgebra::convert(self)
    }
}

/// What can be added to a [`Matrix`] and subtracted from it: another one, or one of nalgebra's of plain
/// numbers, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be added to a matrix in one piece of this scalar and shape",
    note = "nalgebra's matrices of `f64` or `f32` are constants; one of the mode's numbers is made whole by `Matrix::from(..)`",
    note = "a number is added to every entry by `.add_scalar(..)`, a vector to every column by `.add_to_columns(..)`"
)]
pub trait Term<T: Scalar, R: Dim, C: Dim, Is>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// Its rows and columns.
    #[doc(hidden)]
    fn size(&self) -> (usize, usize);
    /// Lends it to `f`.
    #[doc(hidden)]
    fn lend_term<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out;
}

/// A term as an argument of a primitive.
pub(super) struct AsTerm<'a, B>(pub(super) &'a B);

impl<T: Scalar, R: Dim, C: Dim, B: Operand + Term<T, R, C, B::Is>> AsWhole<OMatrix<T, R, C>>
    for AsTerm<'_, B>
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        self.0.lend_term(f)
    }
}

impl<T: Scalar, R: Dim, C: Dim> Term<T, R, C, InOnePiece> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn size(&self) -> (usize, usize) {
        self.shape()
    }

    #[inline]
    fn lend_term<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        self.lend_to(f)
    }
}

impl<T: Scalar, R: Dim, C: Dim> Term<T, R, C, InOnePiece> for &Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn size(&self) -> (usize, usize) {
        self.shape()
    }

    #[inline]
    fn lend_term<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        self.lend_to(f)
    }
}

macro_rules! plain_terms {
    ($($Self:ty),*) => {$(
        impl<T: Scalar, N: Constant, R: Dim, C: Dim, S: Stored<N, R, C>> Term<T, R, C, Plain>
            for $Self
        where
            DefaultAllocator: Allocator<R, C>,
        {
            fn size(&self) -> (usize, usize) {
                self.shape()
            }

            #[inline]
            fn lend_term<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
                S::lend_owned(self, |term| N::lend_constant::<T, R, C, Out>(term, f))
            }
        }
    )*};
}
plain_terms!(nalgebra::Matrix<N, R, C, S>, &nalgebra::Matrix<N, R, C, S>);

/// What a method of a [`Matrix`] takes beside it: all that can be added to one, views too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand beside a matrix in one piece of this scalar and shape",
    note = "what can: `&Matrix`, and as constants nalgebra's matrices and views of `f64` or `f32`",
    note = "a matrix of the mode's numbers is made whole by `Matrix::from(..)`"
)]
pub trait Beside<T: Scalar, R: Dim, C: Dim>
where
    DefaultAllocator: Allocator<R, C>,
{
    /// As an argument of a primitive.
    #[doc(hidden)]
    fn beside(&self) -> impl AsWhole<OMatrix<T, R, C>>;
}

impl<T: Scalar, R: Dim, C: Dim, B: Operand + Term<T, R, C, B::Is>> Beside<T, R, C> for B
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn beside(&self) -> impl AsWhole<OMatrix<T, R, C>> {
        AsTerm(self)
    }
}

/// A product by what stands right, whose kind is `Is`: a number, a matrix of plain numbers, or one in one
/// piece.
#[diagnostic::on_unimplemented(
    message = "a matrix in one piece cannot be multiplied by `{B}`",
    note = "it is multiplied by a number, another one whose rows are its columns, or one of nalgebra's of `f64` or `f32`",
    note = "a matrix of the mode's numbers is made whole by `Matrix::from(..)`"
)]
pub trait Times<B, Is> {
    /// The product.
    type Output;
    /// Multiplies.
    fn times(&self, b: B) -> Self::Output;
}

impl<T: Scalar + SupersetOf<B>, R: Dim, C: Dim, B: Scalar> Times<B, Number> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Output = Matrix<T, R, C>;

    #[inline]
    fn times(&self, b: B) -> Matrix<T, R, C> {
        self.scale(nalgebra::convert(b))
    }
}

#[track_caller]
fn product<T: Scalar, R: Dim, K: Dim, C: Dim, B: Operand + Term<T, K, C, B::Is>>(
    a: &Matrix<T, R, K>,
    b: &B,
) -> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    match crate::matmul::whole(a, &AsTerm(b)) {
        Ok(product) => Matrix(product),
        Err(error) => unfit("*", a.shape(), b.size(), &error),
    }
}

/// A product with one of nalgebra's matrices on the right.
#[track_caller]
fn product_with_plain<T: Scalar, R: Dim, K: Dim, C: Dim, N: Constant, S: Stored<N, K, C>>(
    a: &Matrix<T, R, K>,
    b: &nalgebra::Matrix<N, K, C, S>,
) -> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    if has_loops::<R, K, C>() {
        return product(a, &b);
    }
    let call = |b: &OMatrix<f64, K, C>| super::matmul_constant::whole(a, b);
    match S::lend_owned(b, |b| N::lend_plain(b, call)) {
        Ok(product) => Matrix(product),
        Err(error) => unfit("*", a.shape(), b.shape(), &error),
    }
}

/// A product with one of nalgebra's matrices on the left.
#[track_caller]
fn product_of_plain<T: Scalar, R: Dim, K: Dim, C: Dim, N: Constant, S: Stored<N, R, K>>(
    a: &nalgebra::Matrix<N, R, K, S>,
    b: &Matrix<T, K, C>,
) -> Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
{
    let result = if has_loops::<R, K, C>() {
        crate::matmul::whole::<T, R, K, C>(&AsTerm(&a), b)
    } else {
        let call = |a: &OMatrix<f64, R, K>| super::constant_matmul::whole(a, b);
        S::lend_owned(a, |a| N::lend_plain(a, call))
    };
    match result {
        Ok(product) => Matrix(product),
        Err(error) => unfit("*", a.shape(), b.shape(), &error),
    }
}

/// Whether all sizes are static and so small that the rule of `matmul` has loops for them.
fn has_loops<R: Dim, K: Dim, C: Dim>() -> bool {
    is_small::<R>() && is_small::<K>() && is_small::<C>()
}

macro_rules! times {
    ($Is:ident $product:ident [$($generics:tt)*] $B:ty) => {
        impl<T: Scalar, R: Dim, K: Dim, C: Dim, $($generics)*> Times<$B, $Is> for Matrix<T, R, K>
        where
            DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[track_caller]
            #[inline]
            fn times(&self, b: $B) -> Matrix<T, R, C> {
                $product(self, &b)
            }
        }
    };
}
times!(InOnePiece product [] Matrix<T, K, C>);
times!(InOnePiece product [] &Matrix<T, K, C>);
times!(Plain product_with_plain [N: Constant, S: Stored<N, K, C>] nalgebra::Matrix<N, K, C, S>);
times!(Plain product_with_plain [N: Constant, S: Stored<N, K, C>] &nalgebra::Matrix<N, K, C, S>);

/// The operators of a matrix on the left, by value and by reference.
macro_rules! left {
    ($($Self:ty),*) => {$(
        impl<T: Scalar, R: Dim, C: Dim, B: Operand> Mul<B> for $Self
        where
            DefaultAllocator: Allocator<R, C>,
            Matrix<T, R, C>: Times<B, B::Is>,
        {
            type Output = <Matrix<T, R, C> as Times<B, B::Is>>::Output;

            #[track_caller]
            #[inline]
            fn mul(self, b: B) -> Self::Output {
                <Matrix<T, R, C> as Times<B, B::Is>>::times(&self, b)
            }
        }

        /// Divides every entry.
        impl<T: Scalar, R: Dim, C: Dim, B: Divisor<T>> Div<B> for $Self
        where
            DefaultAllocator: Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[inline]
            fn div(self, b: B) -> Matrix<T, R, C> {
                self.unscale(b.number())
            }
        }

        impl<T: Scalar, R: Dim, C: Dim> Neg for $Self
        where
            DefaultAllocator: Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[inline]
            fn neg(self) -> Matrix<T, R, C> {
                Matrix(crate::neg::whole(&self.0))
            }
        }
    )*};
}
left!(Matrix<T, R, C>, &Matrix<T, R, C>);

/// Sums and differences.
macro_rules! entrywise {
    ($($Operator:ident $method:ident $Assign:ident $assign:ident $sign:literal)*) => {$(
        #[track_caller]
        fn $method<T: Scalar, R: Dim, C: Dim, B: Operand + Term<T, R, C, B::Is>>(
            a: &Matrix<T, R, C>,
            b: &B,
        ) -> Matrix<T, R, C>
        where
            DefaultAllocator: Allocator<R, C>,
        {
            match crate::$method::whole(a, &AsTerm(b)) {
                Ok(result) => Matrix(result),
                Err(error) => unfit($sign, a.shape(), b.size(), &error),
            }
        }

        entrywise!(@left $Operator $method Matrix<T, R, C>);
        entrywise!(@left $Operator $method &Matrix<T, R, C>);
        entrywise!(@plain $Operator $method $sign f64 []);
        entrywise!(@plain $Operator $method $sign f64 [&]);
        entrywise!(@plain $Operator $method $sign f32 []);
        entrywise!(@plain $Operator $method $sign f32 [&]);

        impl<T: Scalar, R: Dim, C: Dim, B: Operand + Term<T, R, C, B::Is>> $Assign<B>
            for Matrix<T, R, C>
        where
            DefaultAllocator: Allocator<R, C>,
        {
            #[track_caller]
            #[inline]
            fn $assign(&mut self, b: B) {
                *self = $method(self, &b);
            }
        }
    )*};
    (@left $Operator:ident $method:ident $Self:ty) => {
        impl<T: Scalar, R: Dim, C: Dim, B: Operand + Term<T, R, C, B::Is>> $Operator<B> for $Self
        where
            DefaultAllocator: Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[track_caller]
            #[inline]
            fn $method(self, b: B) -> Matrix<T, R, C> {
                $method(&self, &b)
            }
        }
    };
    (@plain $Operator:ident $method:ident $sign:literal $N:ident [$($by:tt)?]) => {
        entrywise!(@pair $Operator $method $sign $N ($($by)? nalgebra::Matrix<$N, R, C, S>) (Matrix<T, R, C>));
        entrywise!(@pair $Operator $method $sign $N ($($by)? nalgebra::Matrix<$N, R, C, S>) (&Matrix<T, R, C>));
    };
    (@pair $Operator:ident $method:ident $sign:literal $N:ident ($A:ty) ($B:ty)) => {
        impl<T: Scalar, R: Dim, C: Dim, S: Stored<$N, R, C>> $Operator<$B> for $A
        where
            DefaultAllocator: Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[track_caller]
            #[inline]
            fn $method(self, b: $B) -> Matrix<T, R, C> {
                match crate::$method::whole::<T, R, C>(&AsTerm(&self), &AsTerm(&b)) {
                    Ok(result) => Matrix(result),
                    Err(error) => unfit($sign, self.shape(), b.shape(), &error),
                }
            }
        }
    };
}
entrywise!(
    Add add AddAssign add_assign "+"
    Sub sub SubAssign sub_assign "-"
);

/// Products with one of nalgebra's matrices on the left.
macro_rules! right {
    ($($N:ident)*) => {$(
        right!(@product $N (nalgebra::Matrix<$N, R, K, S>) (Matrix<T, K, C>));
        right!(@product $N (nalgebra::Matrix<$N, R, K, S>) (&Matrix<T, K, C>));
        right!(@product $N (&nalgebra::Matrix<$N, R, K, S>) (Matrix<T, K, C>));
        right!(@product $N (&nalgebra::Matrix<$N, R, K, S>) (&Matrix<T, K, C>));
    )*};
    (@product $N:ident ($A:ty) ($B:ty)) => {
        impl<T: Scalar, R: Dim, K: Dim, C: Dim, S: Stored<$N, R, K>> Mul<$B> for $A
        where
            DefaultAllocator: Allocator<R, K> + Allocator<K, C> + Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[track_caller]
            #[inline]
            fn mul(self, b: $B) -> Matrix<T, R, C> {
                product_of_plain(&self, &b)
            }
        }
    };
}
right!(f64 f32);

/// A plain number on the left. Of one type, so that a literal is known to be of it.
macro_rules! scaled {
    ($($B:ty),*) => {$(
        impl<T: Scalar, R: Dim, C: Dim> Mul<$B> for f64
        where
            DefaultAllocator: Allocator<R, C>,
        {
            type Output = Matrix<T, R, C>;

            #[inline]
            fn mul(self, b: $B) -> Matrix<T, R, C> {
                b.scale(nalgebra::convert(self))
            }
        }
    )*};
}
scaled!(Matrix<T, R, C>, &Matrix<T, R, C>);

/// Multiplies in place by a number, or by a square matrix from the right.
impl<T: Scalar, R: Dim, C: Dim, B: Operand> MulAssign<B> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
    Self: Times<B, B::Is, Output = Self>,
{
    #[track_caller]
    #[inline]
    fn mul_assign(&mut self, b: B) {
        *self = self.times(b);
    }
}

/// Divides every entry in place.
impl<T: Scalar, R: Dim, C: Dim, B: Divisor<T>> DivAssign<B> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn div_assign(&mut self, b: B) {
        *self = self.unscale(b.number());
    }
}
