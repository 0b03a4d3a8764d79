//! More arguments than a tuple has.

#[cfg(feature = "calls")]
use std::any::Any;
use std::any::TypeId;
use std::marker::PhantomData;

#[cfg(feature = "calls")]
use crate::contract::handling::Handling;
use crate::contract::passing::{Arguments, Change, Look, Take, Write};
use crate::contract::scalar::Real;
use crate::tape::MOST_ARGUMENTS;

/// The arguments of a primitive that has more than eight: a tuple of the first eight, and one of the others.
/// What a tuple has of each argument elsewhere, two tuples in a pair have here.
///
/// So there is less to compile for everybody: each length of a tuple has its own text.
pub struct Both<A, B>(PhantomData<(A, B)>);

impl<A: Arguments, B: Arguments> Both<A, B> {
    /// How many the first tuple has.
    const FIRST: usize = A::IN_PLACE.len();
    const ALL_IN_PLACE: [bool; MOST_ARGUMENTS] = {
        let mut all = [false; MOST_ARGUMENTS];
        let mut argument = 0;
        while argument < Self::FIRST + B::IN_PLACE.len() {
            all[argument] = match argument.checked_sub(Self::FIRST) {
                None => A::IN_PLACE[argument],
                Some(argument) => B::IN_PLACE[argument],
            };
            argument += 1;
        }
        all
    };
}

/// What is told the number of an argument, for one of the second tuple.
#[inline]
fn after<X, Y>(first: usize, f: &mut impl FnMut(usize, X) -> Y) -> impl FnMut(usize, X) -> Y {
    move |argument, x| f(first + argument, x)
}

/// The same for what changes numbers.
#[inline]
fn after_mut<X>(first: usize, f: &mut impl FnMut(usize, &mut X)) -> impl FnMut(usize, &mut X) {
    move |argument, x| f(first + argument, x)
}

impl<A: Arguments, B: Arguments> Arguments for Both<A, B> {
    type Given<'a, S: Real> = (A::Given<'a, S>, B::Given<'a, S>);
    type Owned<S: Real> = (A::Owned<S>, B::Owned<S>);
    type Shapes = (A::Shapes, B::Shapes);

    const IN_PLACE: &'static [bool] =
        Self::ALL_IN_PLACE.split_at(Self::FIRST + B::IN_PLACE.len()).0;

    fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(usize, S)) {
        A::visit(&given.0, f);
        B::visit(&given.1, &mut after(Self::FIRST, f));
    }

    fn fold<S: Real, Folded>(
        given: &Self::Given<'_, S>,
        start: impl Fn() -> Folded,
        f: impl Fn(&mut Folded, S),
        mut end: impl FnMut(usize, Folded, &dyn Fn(&mut dyn FnMut(S))),
    ) {
        A::fold(&given.0, &start, &f, &mut end);
        B::fold(&given.1, start, f, |argument, folded, visit| {
            end(Self::FIRST + argument, folded, visit);
        });
    }

    fn own<S: Real, U: Real>(
        given: &Self::Given<'_, S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U> {
        (A::own(&given.0, f), B::own(&given.1, &mut after(Self::FIRST, f)))
    }

    fn map<S: Real, U: Real>(
        owned: &Self::Owned<S>,
        f: &mut impl FnMut(usize, S) -> U,
    ) -> Self::Owned<U> {
        (A::map(&owned.0, f), B::map(&owned.1, &mut after(Self::FIRST, f)))
    }

    fn update<S: Real>(owned: &mut Self::Owned<S>, f: &mut impl FnMut(usize, &mut S)) {
        A::update(&mut owned.0, f);
        B::update(&mut owned.1, &mut after_mut(Self::FIRST, f));
    }

    fn lend<S: Real>(owned: &mut Self::Owned<S>) -> Self::Given<'_, S> {
        (A::lend(&mut owned.0), B::lend(&mut owned.1))
    }

    fn write_back<S: Real, U: Real>(
        given: &mut Self::Given<'_, S>,
        owned: &Self::Owned<U>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        A::write_back(&mut given.0, &owned.0, f);
        B::write_back(&mut given.1, &owned.1, f);
    }

    type Read<'a, S: Real> = (A::Read<'a, S>, B::Read<'a, S>);

    fn read<S: Real>(owned: &Self::Owned<S>) -> Self::Read<'_, S> {
        (A::read(&owned.0), B::read(&owned.1))
    }

    fn copy<S: Real>(read: &Self::Read<'_, S>) -> Self::Owned<S> {
        (A::copy(&read.0), B::copy(&read.1))
    }

    fn shapes<S: Real>(read: &Self::Read<'_, S>) -> Self::Shapes {
        (A::shapes(&read.0), B::shapes(&read.1))
    }

    type Whole<'a, S: Real> = (A::Whole<'a, S>, B::Whole<'a, S>);
    type Held<'a, S: Real> = (A::Held<'a, S>, B::Held<'a, S>);

    fn hold<'a, S: Real + 'a>(given: &Self::Given<'a, S>) -> Self::Held<'a, S> {
        (A::hold(&given.0), B::hold(&given.1))
    }

    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut Self::Held<'a, S>) -> Self::Whole<'b, S> {
        (A::lend_held(&mut held.0), B::lend_held(&mut held.1))
    }

    fn write_held<S: Real>(given: &mut Self::Given<'_, S>, held: &Self::Held<'_, S>) {
        A::write_held(&mut given.0, &held.0);
        B::write_held(&mut given.1, &held.1);
    }

    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut Self::Whole<'a, S>) -> Self::Given<'b, S::Inner> {
        (A::give(&mut whole.0), B::give(&mut whole.1))
    }

    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b Self::Whole<'a, S>) -> Self::Read<'b, S::Inner> {
        (A::read_whole(&whole.0), B::read_whole(&whole.1))
    }

    fn look<S: Real, Looking: Look<S>>(
        whole: &Self::Whole<'_, S>,
        look: &mut Looking,
        mut next: impl FnMut(&mut Looking, usize),
    ) {
        A::look(&whole.0, look, &mut next);
        B::look(&whole.1, look, |look, argument| next(look, Self::FIRST + argument));
    }

    fn change<S: Real>(whole: &mut Self::Whole<'_, S>, change: &mut impl Change<S>) {
        A::change(&mut whole.0, change);
        B::change(&mut whole.1, change);
    }

    type Tangents<'a, S: Real> = (A::Tangents<'a, S>, B::Tangents<'a, S>);

    fn lend_tangents<S: Real>(owned: &mut Self::Owned<S>) -> Self::Tangents<'_, S> {
        (A::lend_tangents(&mut owned.0), B::lend_tangents(&mut owned.1))
    }

    fn tangents<'a, S: Real + 'a>(
        whole: &Self::Whole<'a, S>,
        take: &mut impl Take<S>,
    ) -> Self::Tangents<'a, S::Inner> {
        (A::tangents(&whole.0, take), B::tangents(&whole.1, take))
    }

    fn write_tangents<S: Real>(
        whole: &mut Self::Whole<'_, S>,
        tangents: Self::Tangents<'_, S::Inner>,
        write: &mut impl Write<S>,
    ) {
        A::write_tangents(&mut whole.0, tangents.0, write);
        B::write_tangents(&mut whole.1, tangents.1, write);
    }

    type Keep<'a, S: Real> = (A::Keep<'a, S>, B::Keep<'a, S>);

    fn keep<S: Real>(owned: Self::Owned<S>) -> Self::Keep<'static, S> {
        (A::keep(owned.0), B::keep(owned.1))
    }

    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b Self::Whole<'a, U>) -> Self::Keep<'b, U::Inner> {
        (A::keep_whole(&whole.0), B::keep_whole(&whole.1))
    }

    fn same_shapes(first: &Self::Shapes, second: &Self::Shapes) -> bool {
        A::same_shapes(&first.0, &second.0) && B::same_shapes(&first.1, &second.1)
    }

    fn types<S: Real>(argument: usize) -> (TypeId, &'static str) {
        match argument.checked_sub(Self::FIRST) {
            None => A::types::<S>(argument),
            Some(argument) => B::types::<S>(argument),
        }
    }

    #[cfg(feature = "calls")]
    fn handling<S: Real>(argument: usize) -> &'static dyn Handling<S> {
        match argument.checked_sub(Self::FIRST) {
            None => A::handling(argument),
            Some(argument) => B::handling(argument),
        }
    }

    #[cfg(feature = "calls")]
    fn lend_any<'a, S: Real>(arguments: &'a mut [&mut dyn Any]) -> Self::Given<'a, S> {
        let (first, others) = arguments.split_at_mut(Self::FIRST);
        (A::lend_any(first), B::lend_any(others))
    }

    #[cfg(feature = "calls")]
    fn own_any<S: Real>(arguments: &[&mut dyn Any]) -> Self::Owned<S> {
        let (first, others) = arguments.split_at(Self::FIRST);
        (A::own_any(first), B::own_any(others))
    }

    #[cfg(feature = "calls")]
    fn into_boxes<S: Real>(owned: Self::Owned<S>) -> Vec<Box<dyn Any>> {
        let mut all = A::into_boxes(owned.0);
        all.extend(B::into_boxes(owned.1));
        all
    }

    #[cfg(feature = "calls")]
    fn each<S: Real>(owned: &Self::Owned<S>, f: &mut dyn FnMut(usize, &dyn Any)) {
        A::each(&owned.0, f);
        B::each(&owned.1, &mut |argument, value| f(Self::FIRST + argument, value));
    }

    #[cfg(feature = "calls")]
    fn each_mut<S: Real>(owned: &mut Self::Owned<S>, f: &mut dyn FnMut(usize, &mut dyn Any)) {
        A::each_mut(&mut owned.0, f);
        B::each_mut(&mut owned.1, &mut |argument, value| f(Self::FIRST + argument, value));
    }

    #[cfg(feature = "calls")]
    fn each_shape(shapes: &Self::Shapes, f: &mut dyn FnMut(usize, &dyn Any)) {
        A::each_shape(&shapes.0, f);
        B::each_shape(&shapes.1, &mut |argument, shape| f(Self::FIRST + argument, shape));
    }
}
