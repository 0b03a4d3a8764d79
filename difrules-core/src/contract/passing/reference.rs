//! References.

use std::marker::PhantomData;

#[cfg(feature = "calls")]
use crate::contract::handling::{Handling, Numbers};
use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Change, Gathered, Look, Passing, Take, Write};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::{Tangent, TangentMut};

/// `x: &X`.
pub struct Reference<F>(PhantomData<F>);
/// `x: &mut X`.
pub struct Mutable<F>(PhantomData<F>);

gathered!([F: Family] Reference<F>, F);
gathered!([F: Family] Mutable<F>, F);

impl<F: Family> Passing for Reference<F> {
    type Given<'a, S: Real> = &'a F::Of<S>;
    owned!(F);
    by_reference!(F);
    read_by_reference!(F);
    lent_whole!(F);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &F::Of<S> {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut S::Lent<'a, F>) -> &'b F::Of<S::Inner> {
        S::value_of::<F>(*whole)
    }
}

impl<F: Family> Passing for Mutable<F> {
    type Given<'a, S: Real> = &'a mut F::Of<S>;
    const IN_PLACE: bool = true;
    owned!(F);
    by_reference!(F);
    read_by_reference!(F);
    lent_whole_mut!(F);

    #[inline]
    fn lend<S: Real>(owned: &mut F::Of<S>) -> &mut F::Of<S> {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut &'a mut S::Whole<F>) -> &'b mut F::Of<S::Inner> {
        S::value_mut::<F>(whole)
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut &mut F::Of<S>,
        owned: &F::Of<U>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        given.zip_reals(owned, f);
    }
}
