//! How a call passes its arguments.
//!
//! A mode takes a call apart and calls the primitive again one mode further in. For that it needs
//! each argument in one piece ([`Whole`](crate::Whole)): those that come as numbers of a mode, it
//! gathers. How, depends on the form of the argument alone, not on the primitive: each form is a
//! type here, and a primitive's [`Arguments`] are a tuple of them, or two.

#[macro_use]
mod shared;

mod arguments;
mod both;
mod constant;
mod reference;
mod slice;
mod value;
mod view;

use std::any::{TypeId, type_name};
use std::fmt::Debug;

#[cfg(feature = "calls")]
#[doc(hidden)]
pub use crate::contract::handling::Handling;
use crate::contract::scalar::Real;
use crate::contract::value::Family;
use crate::contract::whole::Tangent;

pub use arguments::{Arguments, Mismatch};
pub(crate) use arguments::{each, inner, overwritten, same};
#[cfg(feature = "calls")]
pub(crate) use arguments::{typed, typed_mut};
pub use both::Both;
pub use constant::{Constant, ConstantReference};
pub use reference::{Mutable, Reference};
pub use slice::{Slice, SliceMut};
pub use value::Value;
pub use view::{View, ViewMut, Viewed};

/// A form of argument, apart from the real scalar that it is over.
pub trait Passing: 'static {
    /// The argument as a call gives it.
    type Given<'a, S: Real>;
    /// The argument, owned.
    type Owned<S: Real>: 'static;
    /// The sizes that the type does not fix; nothing for a constant.
    type Shape: Clone + PartialEq + Debug + 'static;
    /// Whether derivatives by it exist.
    const DIFFERENTIABLE: bool = true;
    /// Whether it is read and overwritten.
    const IN_PLACE: bool = false;

    /// The type of the owned argument, and its name.
    fn types<S: Real>() -> (TypeId, &'static str) {
        (TypeId::of::<Self::Owned<S>>(), type_name::<Self::Owned<S>>())
    }
    /// What those who do not know the types do with an owned argument.
    #[cfg(feature = "calls")]
    #[doc(hidden)]
    fn handling<S: Real>() -> &'static dyn Handling<S>;
    /// How many reals a value of this shape holds.
    fn count(shape: &Self::Shape) -> usize;
    /// Calls `f` with its reals in order.
    fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S));
    /// The argument, owned, with every real replaced by `f` of it.
    fn own<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(S) -> U,
    ) -> Self::Owned<U>;
    /// The owned argument with every real replaced by `f` of it.
    fn map<S: Real, U: Real>(owned: &Self::Owned<S>, f: &mut impl FnMut(S) -> U) -> Self::Owned<U>;
    /// Calls `f` with a reference to its reals in order.
    fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(&mut S));
    /// The owned argument as a call gives it.
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S>;
    /// Calls `f` with every real of a `&mut` argument and the one in the same place of `owned`;
    /// does nothing for other arguments.
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    );

    /// The argument as a rule reads it.
    type Read<'a, S: Real>;
    /// Lends the owned argument to be read.
    fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S>;
    /// A copy of what is read.
    fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S>;
    /// The shape.
    fn shape<S: Real>(read: &Self::Read<'_, S>) -> Self::Shape;

    /// The argument in one piece: a reference is lent whole; a value is as it is, a constant too.
    type Whole<'a, S: Real>;
    /// One that is put together from the argument as a call gives it.
    type Held<'a, S: Real>;
    /// Puts the argument together.
    fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S>;
    /// Lends what was put together.
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut Self::Held<'a, S>) -> Self::Whole<'b, S>;
    /// Gives a `&mut` argument what its whole became; does nothing for other arguments.
    fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>);
    /// The whole argument as a call gives it, one mode further in: nothing is copied but values.
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut Self::Whole<'a, S>) -> Self::Given<'b, S::Inner>;
    /// The whole argument as a rule reads it, one mode further in.
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b Self::Whole<'a, S>) -> Self::Read<'b, S::Inner>;
    /// Shows the whole argument to `look`.
    fn look<S: Real>(whole: &Self::Whole<'_, S>, look: &mut impl Look<S>);
    /// Lets `change` change a whole `&mut` argument; does nothing for other arguments.
    fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>);

    /// A tangent, as a forward rule is lent it; nothing for a constant.
    type Tangent<'a, S: Real>;
    /// The owned tangent as a forward rule is lent it.
    fn lend_tangent<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangent<'_, S>;
    /// Lends a tangent of the whole argument.
    fn tangent<'a, S: Real + 'a>(
        whole: &Self::Whole<'a, S>,
        take: &mut impl Take<S>,
    ) -> Self::Tangent<'a, S::Inner>;
    /// Gives a whole `&mut` argument the tangent that the rule has left; does nothing for other
    /// arguments.
    fn write_tangent<S: Real>(
        whole: &mut Self::Whole<'_, S>,
        tangent: Self::Tangent<'_, S::Inner>,
        write: &mut impl Write<S>,
    );

    /// The argument, for a tape that may keep it.
    type Keep<'a, S: Real>;
    /// What a tape keeps of the argument.
    type Kept<S: Real>: 'static;
    /// Hands the owned argument over.
    fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S>;
    /// Lends the whole argument.
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner>;
    /// Keeps it.
    fn kept<S: Real>(keep: Self::Keep<'_, S>) -> Self::Kept<S>;
}

/// A form whose values a mode has in one piece.
pub trait Gathered: Passing {
    /// The container that it passes.
    type Family: Family;
    /// See [`Passing::own`].
    fn own_container<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(S) -> U,
    ) -> <Self::Family as Family>::Of<U>;
}

/// Looks at whole arguments.
pub trait Look<S: Real> {
    /// One that is lent whole.
    fn lent<F: Family>(&mut self, lent: S::Lent<'_, F>);
    /// A number of one that is given by value.
    fn number(&mut self, x: S);
}

/// Takes tangents out of whole arguments.
pub trait Take<S: Real> {
    /// Out of one that is lent whole.
    fn lent<'a, F: Family + 'a>(&mut self, lent: S::Lent<'a, F>) -> Tangent<'a, F::Of<S::Inner>>;
    /// Out of a number of one that is given by value.
    fn number(&mut self, x: S) -> S::Inner;
}

/// Changes whole `&mut` arguments.
pub trait Change<S: Real> {
    /// Changes one.
    fn change<F: Family>(&mut self, whole: &mut S::Whole<F>);
}

/// Writes to whole `&mut` arguments.
pub trait Write<S: Real> {
    /// Writes to one.
    fn write<F: Family>(&mut self, whole: &mut S::Whole<F>, new: F::Of<S::Inner>);
}
