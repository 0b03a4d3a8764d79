//! The arguments of a primitive: a tuple of up to eight forms.

#[cfg(feature = "calls")]
use std::any::Any;
use std::any::TypeId;
use std::fmt::Debug;

#[cfg(feature = "calls")]
use crate::contract::handling::Handling;
use crate::contract::passing::{Change, Look, Passing, Take, Write};
use crate::contract::scalar::Real;

/// What is wrong with a value where the caller does not know the types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another type.
    Type {
        /// The argument's number.
        argument: usize,
        /// The type it has to have.
        wanted: &'static str,
    },
    /// It has another shape.
    Shape {
        /// The argument's number.
        argument: usize,
        /// The shape it has to have.
        wanted: String,
        /// The shape it has.
        found: String,
    },
}

/// The arguments of a primitive: a tuple of forms, or [`Both`](super::Both) of two; then what is a tuple here is a pair of
/// tuples.
///
/// Where a function here takes an `f`, it is given the number of the argument and a real of it.
pub trait Arguments: 'static {
    /// The arguments as a call gives them: a tuple.
    type Given<'a, S: Real>;
    /// The arguments, owned: a tuple. Tangents of the arguments have this type too.
    type Owned<S: Real>: 'static;
    /// Their shapes: a tuple.
    type Shapes: 'static;

    /// Which of them are read and overwritten.
    const IN_PLACE: &'static [bool];

    /// See [`Passing::visit`].
    fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(usize, S));
    /// Folds the reals of each argument by `f`, from `start`, and gives `end` the argument's number,
    /// what came out, and a way to visit the argument again.
    fn fold<S: Real, Folded>(
        given: &Self::Given<'_, S>,
        start: impl Fn() -> Folded,
        f: impl Fn(&mut Folded, S),
        end: impl FnMut(usize, Folded, &dyn Fn(&mut dyn FnMut(S))),
    );
    /// See [`Passing::own`].
    fn own<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U>;
    /// See [`Passing::map`].
    fn map<S: Real, U: Real>(
        owned: &Self::Owned<S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U>;
    /// See [`Passing::update`].
    fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(usize, &mut S));
    /// See [`Passing::lend`].
    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S>;
    /// See [`Passing::write_back`].
    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    );
    /// The arguments as a rule reads them: a tuple.
    type Read<'a, S: Real>;
    /// See [`Passing::read`].
    fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S>;
    /// See [`Passing::copy`].
    fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S>;
    /// See [`Passing::shape`].
    fn shapes<S: Real>(read: &Self::Read<'_, S>) -> Self::Shapes;
    /// The arguments in one piece each: a tuple.
    type Whole<'a, S: Real>;
    /// Those that are put together: a tuple.
    type Held<'a, S: Real>;
    /// See [`Passing::hold`].
    fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S>;
    /// See [`Passing::lend_held`].
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut Self::Held<'a, S>) -> Self::Whole<'b, S>;
    /// See [`Passing::write_held`].
    fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>);
    /// See [`Passing::give`].
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut Self::Whole<'a, S>) -> Self::Given<'b, S::Inner>;
    /// See [`Passing::read_whole`].
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b Self::Whole<'a, S>) -> Self::Read<'b, S::Inner>;
    /// See [`Passing::look`]; `next` is told where an argument begins.
    fn look<S: Real, Looking: Look<S>>(
        whole: &Self::Whole<'_, S>,
        look: &mut Looking,
        next: impl FnMut(&mut Looking, usize),
    );
    /// See [`Passing::change`].
    fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>);
    /// Tangents of the arguments, as a forward rule is lent them: a tuple.
    type Tangents<'a, S: Real>;
    /// See [`Passing::lend_tangent`].
    fn lend_tangents<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangents<'_, S>;
    /// See [`Passing::tangent`].
    fn tangents<'a, S: Real + 'a>(
        whole: &Self::Whole<'a, S>,
        take: &mut impl Take<S>,
    ) -> Self::Tangents<'a, S::Inner>;
    /// See [`Passing::write_tangent`].
    fn write_tangents<S: Real>(
        whole: &mut Self::Whole<'_, S>,
        tangents: Self::Tangents<'_, S::Inner>,
        write: &mut impl Write<S>,
    );
    /// The arguments, for a tape that may keep them: a tuple.
    type Keep<'a, S: Real>;
    /// See [`Passing::keep`].
    fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S>;
    /// See [`Passing::keep_whole`].
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner>;
    /// Whether all shapes agree.
    fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool;

    /// See [`Passing::types`].
    fn types<S: Real>(argument: usize) -> (TypeId, &'static str);

    // Without the feature `calls` everybody knows the types.

    /// See [`Passing::handling`].
    #[cfg(feature = "calls")]
    #[doc(hidden)]
    fn handling<S: Real>(argument: usize) -> &'static dyn Handling<S>;
    /// Lends owned arguments whose types the caller has checked.
    #[cfg(feature = "calls")]
    fn lend_any<'a, S: Real>(arguments: &'a mut [&mut dyn Any]) -> Self::Given<'a, S>;
    /// Copies owned arguments whose types the caller has checked.
    #[cfg(feature = "calls")]
    fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Self::Owned<S>;
    /// The owned arguments, one by one, for those who do not know the types.
    #[cfg(feature = "calls")]
    fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>>;
    /// Shows each owned argument to those who do not know the types.
    #[cfg(feature = "calls")]
    fn each<S: Real>(owned: &Self::Owned<S>, f: &mut dyn FnMut(usize, &dyn Any));
    /// Lends each owned argument to those who do not know the types.
    #[cfg(feature = "calls")]
    fn each_mut<S: Real>(owned: &mut Self::Owned<S>, f: &mut dyn FnMut(usize, &mut dyn Any));
    /// Shows each shape to those who do not know the types.
    #[cfg(feature = "calls")]
    fn each_shape(shapes: &Self::Shapes, f: &mut dyn FnMut(usize, &dyn Any));
}

/// A value by its type, which was checked.
#[cfg(feature = "calls")]
pub(crate) fn typed<X: 'static>(value: &dyn Any) -> &X {
    value.downcast_ref().expect(CHECKED)
}

/// A value by its type, which was checked.
#[cfg(feature = "calls")]
pub(crate) fn typed_mut<X: 'static>(value: &mut dyn Any) -> &mut X {
    value.downcast_mut().expect(CHECKED)
}

#[cfg(feature = "calls")]
const CHECKED: &str = "the types were checked";

// A closure is of another type in each generic function that it stands in, and what takes it is compiled for
// each; these depend on what they call alone.

/// What is told an argument's number, for that argument.
#[inline]
fn at<X, Y>(argument: usize, f: &mut impl FnMut(usize, X) -> Y) -> impl FnMut(X) -> Y {
    move |x| f(argument, x)
}

/// The same for what changes numbers.
#[inline]
fn at_mut<X>(argument: usize, f: &mut impl FnMut(usize, &mut X)) -> impl FnMut(&mut X) {
    move |x| f(argument, x)
}

/// What adds numbers to what is folded.
#[inline]
fn into<X, Folded>(folded: &mut Folded, f: &impl Fn(&mut Folded, X)) -> impl FnMut(X) {
    |x| f(folded, x)
}

/// The value of an argument's number in a mode.
#[inline]
pub(crate) fn inner<S: Real>(_: usize, x: S) -> S::Inner {
    x.inner()
}

/// An argument's number.
#[inline]
pub(crate) fn same<S: Real>(_: usize, x: S) -> S {
    x
}

/// What gives each number to `f`.
#[inline]
pub(crate) fn each<S>(f: &mut dyn FnMut(&mut S)) -> impl FnMut(usize, &mut S) {
    |_, x| f(x)
}

/// What gives the numbers of `&mut` arguments to `f`.
#[inline]
pub(crate) fn overwritten<S: Copy>(
    in_place: &[bool],
    f: &mut dyn FnMut(S),
) -> impl FnMut(usize, &mut S) {
    |argument, x| {
        if in_place[argument] {
            f(*x);
        }
    }
}

macro_rules! arguments {
    ($($Form:ident $i:tt),+) => {
        impl<$($Form: Passing),+> Arguments for ($($Form,)+) {
            type Given<'a, S: Real> = ($($Form::Given<'a, S>,)+);
            type Owned<S: Real> = ($($Form::Owned<S>,)+);
            type Shapes = ($($Form::Shape,)+);
            const IN_PLACE: &'static [bool] = &[$($Form::IN_PLACE),+];

            #[inline]
            fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(usize, S)) {
                $($Form::visit::<S>(&given.$i, &mut at($i, f));)+
            }

            #[inline]
            fn fold<S: Real, Folded>(
                given: &Self::Given<'_, S>,
                start: impl Fn() -> Folded,
                f: impl Fn(&mut Folded, S),
                mut end: impl FnMut(usize, Folded, &dyn Fn(&mut dyn FnMut(S))),
            ) {
                $(
                    let mut folded = start();
                    $Form::visit::<S>(&given.$i, &mut into(&mut folded, &f));
                    end($i, folded, &|mut f| $Form::visit::<S>(&given.$i, &mut f));
                )+
            }

            #[inline]
            fn own<S: Real, U: Real>(
                given: &Self::Given<'_, S>,
                f: &mut impl FnMut(usize, S) -> U,
            ) -> Self::Owned<U> {
                ($({
                    let mut f = at($i, &mut *f);
                    $Form::own::<S, U>(&given.$i, &mut f)
                },)+)
            }

            #[inline]
            fn map<S: Real, U: Real>(
                owned: &Self::Owned<S>,
                f: &mut impl FnMut(usize, S) -> U,
            ) -> Self::Owned<U> {
                ($({
                    let mut f = at($i, &mut *f);
                    $Form::map::<S, U>(&owned.$i, &mut f)
                },)+)
            }

            #[inline]
            fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(usize, &mut S)) {
                $($Form::update::<S>(&mut owned.$i, &mut at_mut($i, f));)+
            }

            #[inline]
            fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
                ($($Form::lend::<S>(&mut owned.$i),)+)
            }

            #[inline]
            fn write_back<S: Real, U: Real>(
                given: &mut Self::Given<'_, S>,
                owned: &Self::Owned<U>,
                f: &mut impl FnMut(&mut S, U),
            ) {
                $($Form::write_back::<S, U>(&mut given.$i, &owned.$i, f);)+
            }

            type Read<'a, S: Real> = ($($Form::Read<'a, S>,)+);

            #[inline]
            fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S> {
                ($($Form::read::<S>(&owned.$i),)+)
            }

            #[inline]
            fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S> {
                ($($Form::copy::<S>(&read.$i),)+)
            }

            #[inline]
            fn shapes<S: Real>(read: &Self::Read<'_, S>) -> Self::Shapes {
                ($($Form::shape::<S>(&read.$i),)+)
            }

            type Whole<'a, S: Real> = ($($Form::Whole<'a, S>,)+);
            type Held<'a, S: Real> = ($($Form::Held<'a, S>,)+);

            #[inline]
            fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S> {
                ($($Form::hold::<S>(&given.$i),)+)
            }

            #[inline]
            fn lend_held<'b, 'a: 'b, S: Real>(
                held: &'b mut Self::Held<'a, S>,
            ) -> Self::Whole<'b, S> {
                ($($Form::lend_held::<S>(&mut held.$i),)+)
            }

            #[inline]
            fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>) {
                $($Form::write_held::<S>(&mut given.$i, &held.$i);)+
            }

            #[inline]
            fn give<'b, 'a: 'b, S: Real>(
                whole: &'b mut Self::Whole<'a, S>,
            ) -> Self::Given<'b, S::Inner> {
                ($($Form::give::<S>(&mut whole.$i),)+)
            }

            #[inline]
            fn read_whole<'b, 'a: 'b, S: Real>(
                whole: &'b Self::Whole<'a, S>,
            ) -> Self::Read<'b, S::Inner> {
                ($($Form::read_whole::<S>(&whole.$i),)+)
            }

            #[inline]
            fn look<S: Real, Looking: Look<S>>(
                whole: &Self::Whole<'_, S>,
                look: &mut Looking,
                mut next: impl FnMut(&mut Looking, usize),
            ) {
                $(
                    next(look, $i);
                    $Form::look::<S>(&whole.$i, look);
                )+
            }

            #[inline]
            fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>) {
                $($Form::change::<S>(&mut whole.$i, change);)+
            }

            type Tangents<'a, S: Real> = ($($Form::Tangent<'a, S>,)+);

            #[inline]
            fn lend_tangents<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangents<'_, S> {
                ($($Form::lend_tangent::<S>(&mut owned.$i),)+)
            }

            #[inline]
            fn tangents<'a, S: Real + 'a>(
                whole: &Self::Whole<'a, S>,
                take: &mut impl Take<S>,
            ) -> Self::Tangents<'a, S::Inner> {
                ($($Form::tangent::<S>(&whole.$i, take),)+)
            }

            #[inline]
            fn write_tangents<S: Real>(
                whole: &mut Self::Whole<'_, S>,
                tangents: Self::Tangents<'_, S::Inner>,
                write: &mut impl Write<S>,
            ) {
                $($Form::write_tangent::<S>(&mut whole.$i, tangents.$i, write);)+
            }

            type Keep<'a, S: Real> = ($($Form::Keep<'a, S>,)+);

            #[inline]
            fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S> {
                ($($Form::keep::<S>(owned.$i),)+)
            }

            #[inline]
            fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner> {
                ($($Form::keep_whole::<U>(&whole.$i),)+)
            }

            fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool {
                $(first.$i == second.$i)&&+
            }

            fn types<S: Real>(argument: usize) -> (TypeId, &'static str) {
                match argument {
                    $($i => $Form::types::<S>(),)+
                    _ => unreachable!("the caller counted them"),
                }
            }

            #[cfg(feature = "calls")]
            fn handling<S: Real>(argument: usize) -> &'static dyn Handling<S> {
                match argument {
                    $($i => $Form::handling::<S>(),)+
                    _ => unreachable!("the caller counted them"),
                }
            }

            #[cfg(feature = "calls")]
            fn lend_any<'a, S: Real>(arguments: &'a mut [&mut dyn Any]) -> Self::Given<'a, S> {
                let mut arguments = arguments.iter_mut();
                ($({
                    let argument = arguments.next().expect("the caller counted them");
                    $Form::lend::<S>(typed_mut(&mut **argument))
                },)+)
            }

            #[cfg(feature = "calls")]
            fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Self::Owned<S> {
                ($($Form::copy::<S>(&$Form::read::<S>(typed(&*arguments[$i]))),)+)
            }

            #[cfg(feature = "calls")]
            fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>> {
                vec![$(Box::new(owned.$i)),+]
            }

            #[cfg(feature = "calls")]
            fn each<S: Real>(owned: &Self::Owned<S>, f: &mut dyn FnMut(usize, &dyn Any)) {
                $(f($i, &owned.$i);)+
            }

            #[cfg(feature = "calls")]
            fn each_mut<S: Real>(
                owned: &mut Self::Owned<S>,
                f: &mut dyn FnMut(usize, &mut dyn Any),
            ) {
                $(f($i, &mut owned.$i);)+
            }

            #[cfg(feature = "calls")]
            fn each_shape(shapes: &Self::Shapes, f: &mut dyn FnMut(usize, &dyn Any)) {
                $(f($i, &shapes.$i);)+
            }
        }
    };
}
arguments!(A 0);
arguments!(A 0, B 1);
arguments!(A 0, B 1, C 2);
arguments!(A 0, B 1, C 2, D 3);
arguments!(A 0, B 1, C 2, D 3, E 4);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
arguments!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
