//! Arguments that are given away.

use std::borrow::Cow;
use std::marker::PhantomData;

#[cfg(feature = "calls")]
use crate::contract::handling::{Handling, Numbers};
use crate::contract::passing::{Change, Look, Passing, Take, Write};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::Tangent;

/// `x: X`.
pub struct Value<F>(PhantomData<F>);

impl<F: Family> Passing for Value<F> {
    type Given<'a, S: Real> = F::Of<S>;
    owned!(F);
    by_reference!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> F::Of<S> {
        owned.clone()
    }

    type Read<'a, S: Real> = Cow<'a, F::Of<S>>;

    #[inline]
    fn read<S: Real>(owned: &F::Of<S>) -> Cow<'_, F::Of<S>> {
        Cow::Borrowed(owned)
    }

    #[inline]
    fn copy<S: Real>(read: &Cow<'_, F::Of<S>>) -> F::Of<S> {
        F::Of::<S>::clone(read)
    }

    #[inline]
    fn shape<S: Real>(read: &Cow<'_, F::Of<S>>) -> F::Shape {
        F::Of::<S>::shape(read)
    }

    type Whole<'a, S: Real> = F::Of<S>;
    type Held<'a, S: Real> = F::Of<S>;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &F::Of<S>) -> F::Of<S> {
        given.clone()
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut F::Of<S>) -> F::Of<S> {
        held.clone()
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut F::Of<S>) -> F::Of<S::Inner> {
        whole.map_reals(&mut S::inner)
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b F::Of<S>) -> Cow<'b, F::Of<S::Inner>> {
        Cow::Owned(whole.map_reals(&mut S::inner))
    }

    #[inline]
    fn look<S: Real>(whole: &F::Of<S>, look: &mut impl Look<S>) {
        whole.for_each_real(&mut |x| look.number(x));
    }

    type Tangent<'a, S: Real> = Tangent<'a, F::Of<S>>;

    #[inline]
    fn lend_tangent<S: Real>(owned: &mut F::Of<S>) -> Tangent<'_, F::Of<S>> {
        Tangent::Lent(owned)
    }

    #[inline]
    fn tangent<'a, S: Real + 'a>(
        whole: &F::Of<S>,
        take: &mut impl Take<S>,
    ) -> Tangent<'a, F::Of<S::Inner>> {
        Tangent::Own(whole.map_reals(&mut |x| take.number(x)))
    }

    type Keep<'a, S: Real> = F::Of<S>;
    type Kept<S: Real> = F::Of<S>;

    #[inline]
    fn keep<S: Real>(owned: F::Of<S>) -> F::Of<S> {
        owned
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b F::Of<U>) -> F::Of<U::Inner> {
        whole.map_reals(&mut U::inner)
    }

    #[inline]
    fn kept<S: Real>(keep: F::Of<S>) -> F::Of<S> {
        keep
    }
}
