//! Values that stay in one piece.
//!
//! A matrix of [`Var`](crate::Var)s is an array of handles, a number each: any function of numbers
//! runs on it, but each primitive has to take it apart and to put the next one together. A [`Whole`]
//! is the plain value and, in a mode, what the mode says of all of it: one range of the tape, or the
//! tangents. A primitive lends the plain value to its text as it is.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::convert::Infallible;
use std::marker::PhantomData;

use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, OMatrix};

use crate::cast;
use crate::contract::keep::Keep;
use crate::contract::outcome::infallible;
use crate::contract::passing::Reference;
use crate::contract::primitive::{
    Evaluation, Keeps, LentEvaluation, Output, Primitive, Reads, Shapes, Tangents,
};
use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::value::{Differentiable, Family, Shape, With};
use crate::registry::{Argument, Notion, Record};
use crate::tape::Room;

/// A container `X` that stays in one piece.
///
/// `Whole<DMatrix<T>>` is a matrix at every scalar, as `DMatrix<T>` is, and the transforms take and give
/// either. In a mode a `DMatrix<Var<f64>>` is an array of handles, a number each; a whole one is a plain
/// matrix and one range of the tape, or a plain matrix and its tangents. Every primitive of containers has
/// a call on whole values beside the one on entries, `name::whole(..)`: it takes what is whole, matrices of
/// plain `f64`s as constants, and numbers as they are. What it returns is whole; a structure comes as a
/// tuple of its fields, numbers as they are. The results are the same in every digit.
///
/// The `Matrix` of `difrules-linalg` is this with operators and methods.
///
/// ```
/// use difrules_core::{Real, Whole, primitive, value_and_gradient};
/// use nalgebra::{DVector, dvector};
///
/// /// The product entry by entry.
/// #[primitive(
///     forward = |x, y, _, x_dot, y_dot| x_dot.component_mul(y) + x.component_mul(y_dot),
///     reverse = |x, y, _, z_bar| (y.component_mul(&z_bar), x.component_mul(&z_bar)),
///     instances(f64)
/// )]
/// fn times<T: Real>(x: &DVector<T>, y: &DVector<T>) -> DVector<T> {
///     x.component_mul(y)
/// }
///
/// /// The sum of all entries.
/// #[primitive(
///     forward = |_, _, x_dot| x_dot.sum(),
///     reverse = |x, _, y_bar| DVector::repeat(x.len(), y_bar),
///     instances(f64)
/// )]
/// fn total<T: Real>(x: &DVector<T>) -> T {
///     x.sum()
/// }
///
/// /// The weights are data: a constant, which costs nothing in any mode.
/// fn energy<T: Real>(x: &Whole<DVector<T>>, weights: &DVector<f64>) -> T {
///     total::whole(&times::whole(weights, &times::whole(x, x)))
/// }
///
/// let (x, weights) = (Whole::gather(dvector![1.0_f64, 2.0]), dvector![3.0, 0.5]);
/// let (y, slope) = value_and_gradient(|x| energy(x, &weights), &x);
/// assert_eq!(y, 5.0);
/// assert_eq!(*slope, dvector![6.0, 4.0 * 0.5]);
/// ```
pub struct Whole<X: Differentiable>(pub(crate) <X::Real as Real>::Whole<X::Family>);

/// What is lent to a call on whole values, as an `X`.
pub type Lent<'a, X> =
    <<X as Differentiable>::Real as Real>::Lent<'a, <X as Differentiable>::Family>;

/// The container one mode further in.
pub type Inside<X> = With<X, <<X as Differentiable>::Real as Real>::Inner>;

impl<X: Differentiable> Clone for Whole<X> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Prints the value.
impl<X: Differentiable> std::fmt::Debug for Whole<X>
where
    Inside<X>: std::fmt::Debug,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self.inside(), f)
    }
}

impl<X: Differentiable> Whole<X> {
    #[doc(hidden)]
    #[inline]
    pub fn new(raw: <X::Real as Real>::Whole<X::Family>) -> Self {
        Self(raw)
    }

    #[doc(hidden)]
    #[inline]
    pub fn raw_mut(&mut self) -> &mut <X::Real as Real>::Whole<X::Family> {
        &mut self.0
    }

    /// Lends it.
    #[doc(hidden)]
    #[inline]
    pub fn lend(&self) -> Lent<'_, X> {
        <X::Real as Real>::lend::<X::Family>(&self.0)
    }

    /// One piece out of numbers that are apart. On a tape that is a node, unless they are consecutive there
    /// or all constants.
    ///
    /// ```
    /// use difrules_core::Whole;
    /// use nalgebra::dvector;
    ///
    /// assert_eq!(*Whole::gather(dvector![1.0_f64, 2.0]), dvector![1.0, 2.0]);
    /// ```
    pub fn gather(entries: X) -> Self {
        Self(<X::Real as Real>::gathered::<X::Family>(entries))
    }

    /// A container that nothing is differentiated by, of the numbers one mode further in.
    ///
    /// ```
    /// use difrules_core::{Dual, Whole};
    /// use nalgebra::{DVector, dvector};
    ///
    /// let x: Whole<DVector<Dual<f64>>> = Whole::constant(dvector![1.0, 2.0]);
    /// assert_eq!(x.entries()[1].tangents, [0.0]);
    /// ```
    pub fn constant(value: Inside<X>) -> Self {
        Self(<X::Real as Real>::constant_whole::<X::Family>(value))
    }

    /// Its parts: numbers as they are, a matrix whole, a structure's fields as a tuple.
    ///
    /// ```
    /// use difrules_core::Whole;
    /// use nalgebra::dvector;
    ///
    /// let (x, y) = Whole::gather((dvector![1.0_f64, 2.0], 3.0_f64)).into_parts();
    /// assert_eq!((x.entries(), y), (dvector![1.0, 2.0], 3.0));
    /// ```
    pub fn into_parts(self) -> X::Parts {
        X::parts(self.0)
    }

    /// The container with each of its numbers apart.
    ///
    /// ```
    /// use difrules_core::{Whole, gradient};
    /// use nalgebra::dvector;
    ///
    /// let x = Whole::gather(dvector![3.0_f64, 4.0]);
    /// let slope = gradient(|x| x.entries().norm_squared(), &x);
    /// assert_eq!(*slope, dvector![6.0, 8.0]);
    /// ```
    pub fn entries(&self) -> X {
        <X::Real as Real>::entries::<X::Family>(self.lend())
    }

    /// A part of it, whose numbers start at `offset` and which `take` takes out of the value.
    #[doc(hidden)]
    pub fn part<Y: Differentiable<Real = X::Real>>(
        &self,
        offset: usize,
        take: impl Fn(&Inside<X>) -> Inside<Y>,
    ) -> Whole<Y> {
        Whole(<X::Real as Real>::part::<X::Family, Y::Family>(self.lend(), offset, take))
    }

    /// A number of it.
    #[doc(hidden)]
    pub fn number<T: Scalar<Real = X::Real>>(
        &self,
        index: usize,
        take: impl Fn(&Inside<X>) -> Inside<T>,
    ) -> T {
        T::parts(self.part::<T>(index * T::count(&()), take).0)
    }

    /// The value inside; nobody tells a tape that is replayed.
    #[doc(hidden)]
    #[inline]
    pub fn inside(&self) -> &Inside<X> {
        <X::Real as Real>::value_of::<X::Family>(self.lend())
    }
}

impl<X: Differentiable<Real = f64>> std::ops::Deref for Whole<X> {
    type Target = X;

    fn deref(&self) -> &X {
        &self.0
    }
}

/// What can be lent to a call as a whole `X`: a [`Whole`], and a matrix of plain numbers, which is a
/// constant in every mode.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not in one piece as `{X}`",
    note = "a call on whole values takes `Whole`, the `Matrix` of `difrules-linalg`, and as constants nalgebra's matrices of `f64` or `f32`; a view is made owned: `.into_owned()`",
    note = "entries of a mode are put together by `Whole::gather(entries)`"
)]
pub trait AsWhole<X: Differentiable> {
    /// Lends it to `f`.
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, X>) -> Out) -> Out;
}

impl<X: Differentiable> AsWhole<X> for Whole<X> {
    #[inline]
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, X>) -> Out) -> Out {
        f(self.lend())
    }
}

/// A matrix of plain numbers is a constant in any mode.
impl<T: Scalar, R: Dim, C: Dim> AsWhole<OMatrix<T, R, C>> for OMatrix<f32, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        AsWhole::<OMatrix<T, R, C>>::lend_to(&self.map(f64::from), f)
    }
}

/// A matrix of plain numbers is a constant in any mode.
impl<T: Scalar, R: Dim, C: Dim> AsWhole<OMatrix<T, R, C>> for OMatrix<f64, R, C>
where
    DefaultAllocator: Allocator<R, C>,
{
    #[inline]
    fn lend_to<Out>(&self, f: impl FnOnce(Lent<'_, OMatrix<T, R, C>>) -> Out) -> Out {
        let one = std::slice::from_ref(self);
        match cast::same_slice::<Self, Inside<OMatrix<T, R, C>>>(one) {
            Some(same) => f(T::Real::lend_constant::<OMatrix<T::Kind, R, C>>(&same[0])),
            // A copy, which a tape can keep.
            None => f(Whole::<OMatrix<T, R, C>>::constant(self.map(nalgebra::convert)).lend()),
        }
    }
}

/// What stands right of a matrix in a product, so that one implementation of `Mul` can tell which it is.
pub trait Operand {
    /// [`Number`], [`Plain`] or [`InOnePiece`].
    type Is;
}

/// A number.
pub struct Number;
/// One of nalgebra's matrices.
pub struct Plain;
/// A matrix that stays in one piece.
pub struct InOnePiece;

impl<T: Scalar> Operand for T {
    type Is = Number;
}

impl<N, R: Dim, C: Dim, S> Operand for nalgebra::Matrix<N, R, C, S> {
    type Is = Plain;
}

impl<N, R: Dim, C: Dim, S> Operand for &nalgebra::Matrix<N, R, C, S> {
    type Is = Plain;
}

/// Makes a container over `B` out of one over `A`: number by number, or at once what is whole.
pub trait Map<A: Real, B: Real> {
    /// Maps a number.
    fn real(&mut self, x: A) -> B;

    /// Maps a container that is whole.
    fn whole<F: Family>(&mut self, lent: A::Lent<'_, F>) -> B::Whole<F> {
        B::gathered::<F>(A::map_entries::<F, B>(lent, &mut |x| self.real(x)))
    }
}

impl<A: Real, B: Real, G: FnMut(A) -> B> Map<A, B> for G {
    #[inline]
    fn real(&mut self, x: A) -> B {
        self(x)
    }
}

/// Gives the numbers of a container: one by one, or at once what is whole.
pub trait Source<A: Real> {
    /// The next number.
    fn real(&mut self) -> A;

    /// The next container that is whole.
    fn whole<F: Family>(&mut self, shape: &F::Shape) -> A::Whole<F> {
        A::gathered::<F>(F::Of::<A>::build(shape, &mut || self.real()))
    }
}

impl<A: Real, G: FnMut() -> A> Source<A> for G {
    #[inline]
    fn real(&mut self) -> A {
        self()
    }
}

/// A [`Whole`], apart from its real scalar.
pub struct OfWhole<F>(PhantomData<F>);

impl<F: Family> Family for OfWhole<F> {
    type Of<S: Real> = Whole<F::Of<S>>;
    type Shape = F::Shape;

    fn written(shape: &F::Shape) -> String {
        F::written(shape)
    }
}

impl<X: Differentiable> Differentiable for Whole<X> {
    type Real = X::Real;
    type Family = OfWhole<X::Family>;
    type Ref<'a> = &'a Self;
    type Cotangent<'a> = X::Cotangent<'a>;
    type Adjoint<'a> = X::Adjoint<'a>;
    type Parts = Self;

    fn shape(&self) -> Shape<X> {
        self.inside().shape()
    }

    fn notion() -> Notion {
        X::notion()
    }

    fn count(shape: &Shape<X>) -> usize {
        X::count(shape)
    }

    fn build_with(shape: &Shape<X>, source: &mut impl Source<X::Real>) -> Self {
        Self(source.whole::<X::Family>(shape))
    }

    fn map_with<S: Real>(&self, map: &mut impl Map<X::Real, S>) -> Whole<With<X, S>> {
        Whole(map.whole::<X::Family>(self.lend()))
    }

    fn for_each_real(&self, f: &mut impl FnMut(X::Real)) {
        <X::Real as Real>::for_each_entry::<X::Family>(self.lend(), f);
    }

    fn update_reals(&mut self, f: &mut impl FnMut(&mut X::Real)) {
        <X::Real as Real>::update_entries::<X::Family>(&mut self.0, f);
    }

    fn reals(&self) -> Cow<'_, [X::Real]> {
        // Plain numbers are there as they are.
        match cast::same_ref::<Inside<X>, X>(self.inside()) {
            Some(plain) => plain.reals(),
            None => Cow::Owned(self.entries().to_reals()),
        }
    }

    fn zip_reals<S: Real>(
        &mut self,
        other: &Whole<With<X, S>>,
        f: &mut impl FnMut(&mut X::Real, S),
    ) {
        let mut entries = self.entries();
        entries.zip_reals::<S>(&other.entries(), f);
        *self = Self::gather(entries);
    }

    fn add_to(&self, adjoint: X::Adjoint<'_>) {
        self.entries().add_to(adjoint);
    }

    fn by_ref(&self) -> &Self {
        self
    }

    fn as_cotangent<'a>(shape: &Shape<X>, reals: &'a mut [X::Real]) -> X::Cotangent<'a> {
        X::as_cotangent(shape, reals)
    }

    fn as_adjoint<'a>(shape: &Shape<X>, reals: &'a mut [X::Real]) -> X::Adjoint<'a> {
        X::as_adjoint(shape, reals)
    }

    fn parts(whole: <X::Real as Real>::Whole<OfWhole<X::Family>>) -> Self {
        let lent = <X::Real as Real>::lend::<OfWhole<X::Family>>(&whole);
        let take = |inside: &Whole<Inside<X>>| inside.entries();
        Self(<X::Real as Real>::part::<OfWhole<X::Family>, X::Family>(lent, 0, take))
    }
}

/// A tangent as a forward rule reads it.
pub enum Tangent<'a, X> {
    /// Somebody else's.
    Lent(&'a X),
    /// Its own.
    Own(X),
    /// Zero, made when it is looked at first.
    Zero {
        /// A value of its shape.
        like: &'a X,
        /// What was made.
        zero: OnceCell<X>,
    },
}

impl<'a, X: Differentiable> Tangent<'a, X> {
    /// The zero of the shape of a value.
    #[inline]
    pub(crate) fn zero(like: &'a X) -> Self {
        Self::Zero { like, zero: OnceCell::new() }
    }

    /// The tangent; nothing where its argument does not vary.
    #[inline]
    pub fn get(&self) -> Option<&X> {
        match self {
            Self::Zero { .. } => None,
            varying => Some(varying),
        }
    }

    /// The tangent, of its own.
    #[inline]
    pub(crate) fn into_owned(self) -> X {
        match self {
            Self::Lent(tangent) => tangent.copied(),
            Self::Own(tangent) => tangent,
            Self::Zero { like, zero } => zero.into_inner().unwrap_or_else(|| resting(like)),
        }
    }
}

impl<X: Differentiable> std::ops::Deref for Tangent<'_, X> {
    type Target = X;

    #[inline]
    fn deref(&self) -> &X {
        match self {
            Self::Lent(tangent) => tangent,
            Self::Own(tangent) => tangent,
            Self::Zero { like, zero } => zero.get_or_init(|| resting(*like)),
        }
    }
}

/// The tangent of a value that does not move.
fn resting<X: Differentiable>(like: &X) -> X {
    X::build(&like.shape(), &mut crate::tape::Number::still)
}

/// The zero of the shape of a value.
pub(crate) fn zeros<X: Differentiable>(like: &X) -> X {
    X::build(&like.shape(), &mut nalgebra::zero)
}

/// The tangent of a `&mut` argument, which a forward rule overwrites.
pub enum TangentMut<'a, X> {
    /// Somebody else's.
    Lent(&'a mut X),
    /// Its own.
    Own(X),
}

impl<X: Clone> TangentMut<'_, X> {
    /// The tangent, of its own.
    #[inline]
    pub(crate) fn into_owned(self) -> X {
        match self {
            Self::Lent(tangent) => tangent.clone(),
            Self::Own(tangent) => tangent,
        }
    }
}

impl<X> std::ops::Deref for TangentMut<'_, X> {
    type Target = X;

    #[inline]
    fn deref(&self) -> &X {
        match self {
            Self::Lent(tangent) => tangent,
            Self::Own(tangent) => tangent,
        }
    }
}

impl<X> std::ops::DerefMut for TangentMut<'_, X> {
    #[inline]
    fn deref_mut(&mut self) -> &mut X {
        match self {
            Self::Lent(tangent) => tangent,
            Self::Own(tangent) => tangent,
        }
    }
}

/// A container as it is: what puts numbers of a tape that are apart into one range.
pub(crate) struct Gather<F>(PhantomData<F>);

impl<F: Family> Primitive for Gather<F> {
    const DIRECT: bool = true;
    const RESTING: bool = true;
    const PLACES: bool = true;
    const LINEAR: bool = true;
    type Arguments = (Reference<F>,);
    type Output = F;
    type Overwritten<S: Real> = ();
    type Saved<S: Real> = ();
    type Residual<S: Real> = ();
    type Error = Infallible;
    type Return<S: Real> = F::Of<S>;

    fn record() -> &'static Record {
        static RECORD: Record = Record {
            path: "difrules_core::whole::gather",
            module: module_path!(),
            name: "gather",
            aliases: &[],
            arguments: &[Argument::new("entries", "&X", || Notion::Structure, false, &[])],
            result: "X",
            forward: true,
            reverse: true,
            symbolic: &[],
            partials: &[],
            instances: &[],
            file: file!(),
            line: line!(),
            doc: "",
        };
        &RECORD
    }

    fn primal<S: Real>((entries,): (&F::Of<S>,)) -> F::Of<S> {
        entries.clone()
    }

    fn augmented<S: Real>((entries,): (&F::Of<S>,)) -> Result<(F::Of<S>, ()), Infallible> {
        Ok((entries.clone(), ()))
    }

    fn push<S: Real>(
        _: LentEvaluation<'_, Self, S>,
        (entries_dot,): &mut Tangents<'_, Self, S>,
    ) -> F::Of<S> {
        (**entries_dot).clone()
    }

    fn reverse<S: Real>(
        (): &(),
        _: &Shapes<Self>,
        outputs: &mut [S],
        slots: &mut [Option<Room<'_, S>>],
    ) {
        slots.iter_mut().filter_map(Option::take).for_each(|slot| slot.add(outputs));
    }

    fn partial<S: Real>(_: &Evaluation<Self, S>, _: usize) -> S {
        unreachable!()
    }

    fn is_off<S: Real>(_: &Evaluation<Self, S>, _: usize) -> bool {
        false
    }

    fn is_known(_: usize) -> bool {
        true
    }

    fn overwritten<S: Real>(_: &Reads<'_, Self, S>, _: &dyn Fn(usize) -> bool) {}

    fn keep<S: Real>(_: Keeps<'_, Self, S>, (): (), _: Keep<'_, Output<Self, S>>, (): ()) {}

    fn into_result<S: Real>(returned: F::Of<S>) -> Result<F::Of<S>, Infallible> {
        Ok(returned)
    }

    fn from_result<S: Real>(result: Result<F::Of<S>, Infallible>) -> F::Of<S> {
        infallible(result)
    }
}

/// A primitive that maps numbers to a number, by the type of its name: `tanh` stands for all of its
/// instances. It can be done to each entry of a matrix.
///
/// `#[primitive]` implements it for a function that takes nothing but numbers, none of them constant,
/// and returns one: for the real kind, and for the complex one if it is generic over `T: Scalar` and has
/// `partial` derivatives, which are complex derivatives then.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a primitive that can be done to each entry",
    note = "what can are primitives that take numbers alone, none of them constant, and return a number"
)]
pub trait Elementwise<K: Kind>: 'static {
    /// The primitive at numbers of this kind. Its arguments are as many `Value<K>`.
    type At: Primitive<Output = K, Error = Infallible>;
}
