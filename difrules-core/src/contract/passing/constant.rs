//! Constants.

use std::borrow::{Borrow, Cow, ToOwned};
use std::marker::PhantomData;

#[cfg(feature = "calls")]
use crate::contract::handling::{Fixed, Handling};
use crate::contract::keep::KeptConstant;
use crate::contract::passing::{Change, Look, Passing, Take, Write};
use crate::contract::scalar::Real;

/// A constant, `n: C`.
pub struct Constant<C>(PhantomData<C>);
/// A reference to a constant, `data: &C`.
pub struct ConstantReference<C: ?Sized>(PhantomData<C>);

/// What the two forms of constants share.
macro_rules! constant {
    ($C:ty) => {
        type Shape = ();
        const DIFFERENTIABLE: bool = false;

        #[cfg(feature = "calls")]
        fn handling<S: Real>() -> &'static dyn Handling<S> {
            &Fixed::<<$C as ToOwned>::Owned>(PhantomData)
        }

        #[inline]
        fn count((): &()) -> usize {
            0
        }

        #[inline]
        fn visit<S: Real>(_: &Self::Given<'_, S>, _: &mut impl FnMut(S)) {}

        #[inline]
        fn update<S: Real>(_: &mut Self::Owned<S>, _: &mut impl FnMut(&mut S)) {}

        #[inline]
        fn map<S: Real, U: Real>(
            owned: &Self::Owned<S>,
            _: &mut impl FnMut(S) -> U,
        ) -> Self::Owned<U> {
            owned.clone()
        }

        type Read<'a, S: Real> = &'a $C;

        #[inline]
        fn shape<S: Real>(_: &&$C) {}

        #[inline]
        fn look<S: Real>(_: &Self::Whole<'_, S>, _: &mut impl Look<S>) {}

        type Tangent<'a, S: Real> = ();

        #[inline]
        fn lend_tangent<S: Real>(_: &mut Self::Owned<S>) {}

        #[inline]
        fn tangent<'a, S: Real + 'a>(_: &Self::Whole<'a, S>, _: &mut impl Take<S>) {}
    };
}

impl<C: Clone + 'static> Passing for Constant<C> {
    type Given<'a, S: Real> = C;
    type Owned<S: Real> = C;
    constant!(C);
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &C, _: &mut impl FnMut(S) -> U) -> C {
        given.clone()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C) -> C {
        owned.clone()
    }

    #[inline]
    fn read<S: Real>(owned: &C) -> &C {
        owned
    }

    #[inline]
    fn copy<S: Real>(read: &&C) -> C {
        (*read).clone()
    }

    type Whole<'a, S: Real> = C;
    type Held<'a, S: Real> = C;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &C) -> C {
        given.clone()
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut C) -> C {
        held.clone()
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut C) -> C {
        whole.clone()
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b C) -> &'b C {
        whole
    }

    type Keep<'a, S: Real> = C;
    type Kept<S: Real> = C;

    #[inline]
    fn keep<S: Real>(owned: C) -> C {
        owned
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b C) -> C {
        whole.clone()
    }

    #[inline]
    fn kept<S: Real>(keep: C) -> C {
        keep
    }
}

impl<C: ToOwned<Owned: Clone> + ?Sized + 'static> Passing for ConstantReference<C> {
    type Given<'a, S: Real> = &'a C;
    type Owned<S: Real> = C::Owned;
    constant!(C);
    untouched!();

    #[inline]
    fn own<S: Real, U: Real>(given: &&C, _: &mut impl FnMut(S) -> U) -> C::Owned {
        (*given).to_owned()
    }

    #[inline]
    fn lend<S: Real>(owned: &mut C::Owned) -> &C {
        (*owned).borrow()
    }

    #[inline]
    fn read<S: Real>(owned: &C::Owned) -> &C {
        owned.borrow()
    }

    #[inline]
    fn copy<S: Real>(read: &&C) -> C::Owned {
        (*read).to_owned()
    }

    type Whole<'a, S: Real> = &'a C;
    type Held<'a, S: Real> = &'a C;

    #[inline]
    fn hold<'a, S: Real + 'a>(given: &&'a C) -> &'a C {
        given
    }

    #[inline]
    fn lend_held<'b, 'a: 'b, S: Real>(held: &'b mut &'a C) -> &'b C {
        held
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut &'a C) -> &'b C {
        whole
    }

    #[inline]
    fn read_whole<'b, 'a: 'b, S: Real>(whole: &'b &'a C) -> &'b C {
        whole
    }

    type Keep<'a, S: Real> = Cow<'a, C>;
    type Kept<S: Real> = KeptConstant<C>;

    #[inline]
    fn keep<S: Real>(owned: C::Owned) -> Cow<'static, C> {
        Cow::Owned(owned)
    }

    #[inline]
    fn keep_whole<'b, 'a: 'b, U: Real>(whole: &'b &'a C) -> Cow<'b, C> {
        Cow::Borrowed(whole)
    }

    #[inline]
    fn kept<S: Real>(keep: Cow<'_, C>) -> KeptConstant<C> {
        KeptConstant::new(keep)
    }
}
