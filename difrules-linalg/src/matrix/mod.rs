//! Matrices that stay in one piece.

mod broadcast;
mod by_constant;
mod elementwise;
mod failure;
mod in_place;
mod make;
mod operations;
mod operators;
mod parts;

use std::borrow::Cow;

use difrules_core::contract::{AsWhole, Family, Kind, Lent, Map, Shape, Source};
use difrules_core::registry::Notion;
use difrules_core::{Differentiable, Real, Scalar, Whole, With};
use nalgebra::allocator::Allocator;
use nalgebra::{Complex, DefaultAllocator, Dim, Dyn, OMatrix, U1};

pub use broadcast::{EachColumn, EachRow, Spread};
pub use by_constant::{constant_matmul, matmul_constant};
pub use elementwise::{
    By, EntryArgument, Formula, elementwise_2, elementwise_3, elementwise_4, elementwise_5,
    elementwise_6, fuse_1, fuse_2, fuse_3, fuse_4, fuse_5, fuse_6,
};
pub(crate) use elementwise::{Entries, Slopes, pull, push, values, values_and_slopes};
pub use failure::MatrixError;
#[cfg(feature = "sparse")]
pub(crate) use failure::named;
pub use operators::{Beside, Constant, Divisor, Stored, Term, Times};
pub use parts::EntryIndex;

/// A matrix that stays in one piece in every derivative mode.
///
/// At plain numbers it is nalgebra's matrix, which it dereferences to; where both have a method, as `iter` and
/// `columns`, its own comes first, and nalgebra's is `(*a).columns(..)`. In a mode it is the plain matrix
/// and what the mode says of all of it, one range of a tape or one tangent a direction: an operation on it
/// is one step, whatever its size, and runs at the speed of the operation on plain matrices. A matrix *of*
/// a mode's numbers, `DMatrix<T>`, is an array of them: any function of numbers runs on it, but each
/// operation takes it apart and puts the next one together, and nalgebra's own operators record a step for
/// every multiplication.
///
/// The operators are nalgebra's, between such matrices, numbers, and nalgebra's matrices of `f64` or
/// `f32`, which are constants that cost nothing. Like nalgebra's they panic where shapes do not fit. The
/// methods have nalgebra's names, and are the primitives of this crate; those that can fail return a
/// `Result`.
///
/// ```
/// use difrules_core::{Real, value_and_gradient};
/// use difrules_linalg::{Matrix, Vector};
/// use nalgebra::{DMatrix, DVector, dmatrix, dvector};
///
/// /// The squared distance of A w from y.
/// fn loss<T: Real>(w: &Vector<T>, a: &DMatrix<f64>, y: &DVector<f64>) -> T {
///     let distance = a * w - y;
///     distance.norm_squared()
/// }
///
/// let (a, y) = (dmatrix![1.0, 2.0; 3.0, 4.0], dvector![1.0, 0.0]);
/// let w = Vector::from(dvector![0.5_f64, -1.0]);
/// let (value, gradient) = value_and_gradient(|w| loss(w, &a, &y), &w);
/// assert_eq!(value, 12.5);
/// assert_eq!(*gradient, 2.0 * a.transpose() * (&a * &*w - y));
/// ```
///
/// Sizes are dynamic, or static by nalgebra's dimensions, and then nothing allocates:
/// `Matrix<T, U3, U2>`.
pub struct Matrix<T: Scalar, R: Dim = Dyn, C: Dim = Dyn>(pub(crate) Whole<OMatrix<T, R, C>>)
where
    DefaultAllocator: Allocator<R, C>;

/// A column vector that stays in one piece in every derivative mode; see [`Matrix`].
///
/// ```
/// use difrules_linalg::Vector;
/// use nalgebra::dvector;
///
/// let v = Vector::from(dvector![3.0, 4.0]);
/// assert_eq!(v.norm(), 5.0);
/// ```
pub type Vector<T, R = Dyn> = Matrix<T, R, U1>;

/// A row that stays in one piece in every derivative mode; see [`Matrix`].
///
/// ```
/// use difrules_linalg::{Matrix, RowVector};
/// use nalgebra::dmatrix;
///
/// let first: RowVector<f64> = Matrix::from(dmatrix![1.0, 2.0; 3.0, 4.0]).row(0);
/// assert_eq!(first.sum(), 3.0);
/// ```
pub type RowVector<T, C = Dyn> = Matrix<T, U1, C>;

/// A [`Matrix`], apart from its real scalar.
pub struct MatrixFamily<K, R, C>(std::marker::PhantomData<(K, R, C)>);

impl<K: Kind, R: Dim, C: Dim> Family for MatrixFamily<K, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Of<S: Real> = Matrix<K::Of<S>, R, C>;
    type Shape = (R, C);

    fn written(shape: &(R, C)) -> String {
        OMatrix::<K, R, C>::written(shape)
    }
}

/// What it passes on to the [`Whole`] inside.
impl<T: Scalar, R: Dim, C: Dim> Differentiable for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Real = <T as Scalar>::Real;
    type Family = MatrixFamily<T::Kind, R, C>;
    type Ref<'a> = &'a Self;
    type Cotangent<'a> = <OMatrix<T, R, C> as Differentiable>::Cotangent<'a>;
    type Adjoint<'a> = <OMatrix<T, R, C> as Differentiable>::Adjoint<'a>;
    type Parts = Self;

    fn shape(&self) -> (R, C) {
        self.0.shape()
    }

    fn notion() -> Notion {
        Whole::<OMatrix<T, R, C>>::notion()
    }

    fn count(shape: &(R, C)) -> usize {
        Whole::<OMatrix<T, R, C>>::count(shape)
    }

    fn build_with(shape: &(R, C), source: &mut impl Source<Self::Real>) -> Self {
        Self(Whole::build_with(shape, source))
    }

    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        Matrix(self.0.map_with(map))
    }

    fn for_each_real(&self, f: &mut impl FnMut(Self::Real)) {
        self.0.for_each_real(f);
    }

    fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real)) {
        self.0.update_reals(f);
    }

    #[inline]
    fn reals(&self) -> Cow<'_, [Self::Real]> {
        self.0.reals()
    }

    fn zip_reals<S: Real>(
        &mut self,
        other: &With<Self, S>,
        f: &mut impl FnMut(&mut Self::Real, S),
    ) {
        self.0.zip_reals(&other.0, f);
    }

    fn add_to(&self, adjoint: Self::Adjoint<'_>) {
        self.0.add_to(adjoint);
    }

    fn by_ref(&self) -> &Self {
        self
    }

    fn as_cotangent<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Cotangent<'a> {
        Whole::<OMatrix<T, R, C>>::as_cotangent(shape, reals)
    }

    fn as_adjoint<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Adjoint<'a> {
        Whole::<OMatrix<T, R, C>>::as_adjoint(shape, reals)
    }

    fn parts(whole: <Self::Real as Real>::Whole<Self::Family>) -> Self {
        let lent = <Self::Real as Real>::lend::<Self::Family>(&whole);
        Self(Whole::new(<Self::Real as Real>::part::<Self::Family, OMatrix<T::Kind, R, C>>(
            lent,
            0,
            |inside| inside.0.entries(),
        )))
    }
}

impl<T: Scalar, R: Dim, C: Dim> Clone for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Prints the value.
impl<T: Scalar, R: Dim, C: Dim> std::fmt::Debug for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.0.inside(), f)
    }
}

/// Prints the value, as nalgebra does.
impl<T: Scalar, R: Dim, C: Dim> std::fmt::Display for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self.0.inside(), f)
    }
}

impl<T: Scalar, R: Dim, C: Dim> AsWhole<OMatrix<T, R, C>> for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        f(self.0.lend())
    }
}

/// A number in no mode: `f32`, `f64`, and `Complex` of these. A [`Matrix`] of them is nalgebra's.
pub trait PlainNumber: Scalar<Real: Real<Inner = <Self as Scalar>::Real>> {}

impl PlainNumber for f32 {}
impl PlainNumber for f64 {}
impl PlainNumber for Complex<f32> {}
impl PlainNumber for Complex<f64> {}

/// At plain numbers it is nalgebra's matrix.
// One implementation for all of them, so that a matrix of literals has methods before its type is known.
impl<T: PlainNumber, R: Dim, C: Dim> std::ops::Deref for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    type Target = OMatrix<T, R, C>;

    #[inline]
    fn deref(&self) -> &OMatrix<T, R, C> {
        self.0.inside()
    }
}

/// It compares as nalgebra's matrix does, by values in every mode; so a structure of matrices can derive it.
impl<T: Scalar, R: Dim, C: Dim> PartialEq for Matrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn eq(&self, other: &Self) -> bool {
        if <T::Real as Real>::BASE {
            return self.0.inside() == other.0.inside();
        }
        // Entry by entry, so that a recording and `diagnosed` know of it.
        self.shape() == other.shape() && self.entries() == other.entries()
    }
}

impl<T: PlainNumber, R: Dim, C: Dim> From<Matrix<T, R, C>> for OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn from(matrix: Matrix<T, R, C>) -> Self {
        matrix.0.entries()
    }
}
