//! What a primitive takes and gives: scalars, and containers of them.

use std::borrow::Cow;
use std::fmt::Debug;

use crate::contract::scalar::{Kind, Real, Scalar};
use crate::contract::whole::{Map, Source};
use crate::registry::Notion;

/// A container, apart from the real scalar it is over.
///
/// The type over `f64` stands for it: `f64` for `f32`, `f64`, `Dual<f64>`, ...; `DMatrix<f64>` for
/// `DMatrix<Var<f64>>`; `Parameters<f64>` for a derived structure.
///
/// ```
/// use difrules_core::{Dual, With};
/// use nalgebra::DVector;
///
/// let x: With<(f64, DVector<f64>), Dual<f64>> = (Dual::constant(1.0), DVector::zeros(2));
/// ```
pub trait Family: 'static {
    /// The container over the real scalar `S`.
    type Of<S: Real>: Differentiable<Real = S, Family = Self>;
    /// What it takes to build one: the sizes that the type does not fix.
    type Shape: Clone + PartialEq + Debug + 'static;

    /// A shape as a message says it: `3 x 2` of a matrix.
    #[doc(hidden)]
    #[must_use]
    fn written(shape: &Self::Shape) -> String {
        format!("{shape:?}")
    }
}

/// The container `X` over the real scalar `S`.
pub type With<X, S> = <<X as Differentiable>::Family as Family>::Of<S>;

/// What it takes to build an `X`: the sizes that its type does not fix.
pub type Shape<X> = <<X as Differentiable>::Family as Family>::Shape;

/// A value made of real numbers, so that it has tangents and cotangents.
///
/// Implemented by every [`Scalar`], by nalgebra's matrices and vectors of dynamic and static size,
/// and by tuples, arrays, `Vec` and `Option` of such values. Tangents and cotangents have the type
/// and the shape of the value. The real numbers stand in one fixed order: matrices column by
/// column, complex numbers with their real part first, containers element by element.
///
/// ```
/// use difrules_core::Differentiable;
/// use nalgebra::{Complex, dmatrix};
///
/// let value = (dmatrix![1.0, 3.0; 2.0, 4.0], Complex::new(5.0, 6.0));
/// let mut reals = Vec::new();
/// value.for_each_real(&mut |x| reals.push(x));
/// assert_eq!(reals, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no derivative",
    note = "differentiable are scalars, nalgebra matrices and vectors, and tuples, arrays, `Vec` and `Option` of them",
    note = "an argument without a derivative is named in `constant(..)`"
)]
pub trait Differentiable: Clone + 'static {
    /// The real scalar it is made of.
    type Real: Real;
    /// The same container over all real scalars.
    type Family: Family<Of<Self::Real> = Self>;
    /// How a rule reads it: scalars by value, the rest by reference.
    type Ref<'a>;
    /// How a rule reads the cotangent of a result: scalars by value, matrices as a mutable view,
    /// which the rule may use as its workspace.
    type Cotangent<'a>;
    /// How a rule is lent an adjoint buffer to add into: scalars by mutable reference, matrices as
    /// a mutable view.
    type Adjoint<'a>;
    /// How a call on whole values gives it: scalars as they are, a matrix whole, a structure as a tuple
    /// of what its fields are given as.
    type Parts;

    /// Whether it is made of numbers and nothing else, so that nobody notices when it is dropped.
    #[doc(hidden)]
    const NUMBERS_ALONE: bool = false;

    /// Its shape.
    fn shape(&self) -> Shape<Self>;

    /// What kind of value this is.
    fn notion() -> Notion;

    /// How many real numbers a value of this shape holds.
    fn count(shape: &Shape<Self>) -> usize;

    /// Appends how many real numbers each of its fields holds.
    #[doc(hidden)]
    fn pieces(shape: &Shape<Self>, pieces: &mut Vec<usize>) {
        pieces.push(Self::count(shape));
    }

    /// A value of this shape, its real numbers and what is whole taken from `source` in order.
    fn build_with(shape: &Shape<Self>, source: &mut impl Source<Self::Real>) -> Self;

    /// The same container with every real number and all that is whole replaced by what `map` makes
    /// of it.
    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S>;

    /// A value of this shape, its real numbers taken from `next` in order.
    #[inline]
    fn build(shape: &Shape<Self>, next: &mut impl FnMut() -> Self::Real) -> Self {
        Self::build_with(shape, next)
    }

    /// The same container with every real number replaced by `f` of it.
    #[inline]
    fn map_reals<S: Real>(&self, f: &mut impl FnMut(Self::Real) -> S) -> With<Self, S> {
        self.map_with(f)
    }

    /// A value of this shape made of these real numbers.
    #[inline]
    fn from_reals(shape: &Shape<Self>, reals: &[Self::Real]) -> Self {
        let mut reals = reals.iter().copied();
        Self::build(shape, &mut || reals.next().expect("as many as the shape has"))
    }

    /// Gives a whole value away in its parts: numbers as they are, a matrix whole, a structure's
    /// fields as a tuple.
    #[doc(hidden)]
    fn parts(whole: <Self::Real as Real>::Whole<Self::Family>) -> Self::Parts;

    /// A copy: that of `clone`, which takes longer for a large matrix on some processors.
    #[inline]
    fn copied(&self) -> Self {
        self.clone()
    }

    /// Calls `f` with every real number, in order.
    fn for_each_real(&self, f: &mut impl FnMut(Self::Real));

    /// Calls `f` with a reference to every real number, in order.
    fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real));

    /// Calls `f` with a reference to every real number and the one in the same place of `other`.
    ///
    /// # Panics
    /// If `other` has another shape.
    fn zip_reals<S: Real>(&mut self, other: &With<Self, S>, f: &mut impl FnMut(&mut Self::Real, S));

    /// Adds the value to an adjoint buffer.
    fn add_to(&self, adjoint: Self::Adjoint<'_>);

    /// The value as a rule reads it.
    fn by_ref(&self) -> Self::Ref<'_>;

    /// `reals` as the cotangent of a value of this shape.
    fn as_cotangent<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Cotangent<'a>;

    /// `reals` as the adjoint buffer of a value of this shape.
    fn as_adjoint<'a>(shape: &Shape<Self>, reals: &'a mut [Self::Real]) -> Self::Adjoint<'a>;

    /// The real numbers in order: those of the value itself, where they are beside each other in memory.
    fn reals(&self) -> Cow<'_, [Self::Real]> {
        let mut reals = Vec::with_capacity(Self::count(&self.shape()));
        self.for_each_real(&mut |x| reals.push(x));
        Cow::Owned(reals)
    }

    /// The real numbers in order.
    #[inline]
    fn to_reals(&self) -> Vec<Self::Real> {
        self.reals().into_owned()
    }
}

/// A value whose shape goes to other threads: any but one with a constant that stays on its thread, as an `Rc` does.
#[cfg(feature = "rayon")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a constant that stays on its thread",
    note = "what the tasks share is `Send` and `Sync`: an `Arc` instead of an `Rc`"
)]
pub trait Portable: Differentiable<Family: Family<Shape: Send + Sync>> {}

#[cfg(feature = "rayon")]
impl<X: Differentiable<Family: Family<Shape: Send + Sync>>> Portable for X {}

/// The cotangent of an `X`, as a reverse rule gets it: `T` itself for a scalar, a mutable view for
/// a matrix, which the rule may overwrite, since nobody reads it afterwards.
pub type Cotangent<'a, X> = <X as Differentiable>::Cotangent<'a>;

/// The adjoint buffer of an `X` that a reverse rule adds into.
pub type Adjoint<'a, X> = <X as Differentiable>::Adjoint<'a>;

impl<K: Kind> Family for K {
    type Of<S: Real> = <K as Kind>::Of<S>;
    type Shape = ();

    fn written((): &()) -> String {
        "a number".into()
    }
}

impl<T: Scalar> Differentiable for T {
    type Real = <T as Scalar>::Real;
    type Family = T::Kind;
    type Ref<'a> = T;
    type Cotangent<'a> = T;
    type Adjoint<'a> = &'a mut T;
    type Parts = T;

    #[inline]
    fn parts(whole: <Self::Real as Real>::Whole<T::Kind>) -> T {
        <Self::Real as Real>::entries::<T::Kind>(<Self::Real as Real>::lend::<T::Kind>(&whole))
    }

    #[inline]
    fn shape(&self) {}

    fn notion() -> Notion {
        Notion::Scalar
    }

    #[inline]
    fn count(_: &()) -> usize {
        if <T::Kind as Kind>::REAL { 1 } else { 2 }
    }

    #[inline]
    fn build_with(_: &(), source: &mut impl Source<Self::Real>) -> Self {
        let mut value = T::zero();
        for part in value.parts_mut() {
            *part = source.real();
        }
        value
    }

    #[inline]
    fn map_with<S: Real>(&self, map: &mut impl Map<Self::Real, S>) -> With<Self, S> {
        self.map_parts(&mut |x| map.real(x))
    }

    #[inline]
    fn for_each_real(&self, f: &mut impl FnMut(Self::Real)) {
        let mut value = *self;
        for &mut part in value.parts_mut() {
            f(part);
        }
    }

    #[inline]
    fn update_reals(&mut self, f: &mut impl FnMut(&mut Self::Real)) {
        for part in self.parts_mut() {
            f(part);
        }
    }

    #[inline]
    fn zip_reals<S: Real>(
        &mut self,
        other: &With<Self, S>,
        f: &mut impl FnMut(&mut Self::Real, S),
    ) {
        let mut other = *other;
        for (x, y) in self.parts_mut().iter_mut().zip(other.parts_mut()) {
            f(x, *y);
        }
    }

    #[inline]
    fn add_to(&self, adjoint: &mut T) {
        *adjoint += *self;
    }

    #[inline]
    fn by_ref(&self) -> T {
        *self
    }

    #[inline]
    fn as_cotangent(shape: &(), reals: &mut [Self::Real]) -> T {
        *Self::as_adjoint(shape, reals)
    }

    #[inline]
    fn as_adjoint<'a>(_: &(), reals: &'a mut [Self::Real]) -> &'a mut T {
        &mut T::from_parts_mut(reals)[0]
    }
}

/// Demands that a value has the shape of another.
#[track_caller]
pub(crate) fn demand_shape<X: Differentiable>((what, x): (&str, &X), (of, like): (&str, &X)) {
    let (found, wanted) = (x.shape(), like.shape());
    if found != wanted {
        let [found, wanted] = [found, wanted].map(|shape| X::Family::written(&shape));
        panic!("the {what} has the shape {found}, but the {of} has {wanted}");
    }
}

/// What a value and its tangent, or a `&mut` argument before and after a call, have to have.
pub(crate) const SAME_SHAPE: &str = "a tangent, and an overwritten argument, must keep its shape";
