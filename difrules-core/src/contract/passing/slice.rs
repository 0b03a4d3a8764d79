//! Slices.

use std::marker::PhantomData;

#[cfg(feature = "calls")]
use crate::contract::handling::{Handling, Numbers};
use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Change, Gathered, Look, Passing, Take, Write};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family, SAME_SHAPE};
use crate::contract::whole::{Tangent, TangentMut};

/// `x: &[X]`; owned, a `Vec`.
pub struct Slice<F>(PhantomData<F>);
/// `x: &mut [X]`; owned, a `Vec`.
pub struct SliceMut<F>(PhantomData<F>);

gathered!([F: Family] Slice<F>, Vec<F>);
gathered!([F: Family] SliceMut<F>, Vec<F>);

/// How the two forms of slices read them.
macro_rules! slice {
    ($F:ident) => {
        #[inline]
        fn visit<S: Real>(given: &Self::Given<'_, S>, f: &mut impl FnMut(S)) {
            given.iter().for_each(|x| x.for_each_real(f));
        }

        #[inline]
        fn own<S: Real, U: Real>(
            given: &Self::Given<'_, S>,
            f: &mut impl FnMut(S) -> U,
        ) -> Vec<$F::Of<U>> {
            given.iter().map(|x| x.map_reals(f)).collect()
        }
    };
}

impl<F: Family> Passing for Slice<F> {
    type Given<'a, S: Real> = &'a [F::Of<S>];
    owned!(Vec<F>);
    slice!(F);
    read_by_reference!(Vec<F>);
    lent_whole!(Vec<F>);
    untouched!();

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &[F::Of<S>] {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(whole: &'b mut S::Lent<'a, Vec<F>>) -> &'b [F::Of<S::Inner>] {
        S::value_of::<Vec<F>>(*whole)
    }
}

impl<F: Family> Passing for SliceMut<F> {
    type Given<'a, S: Real> = &'a mut [F::Of<S>];
    const IN_PLACE: bool = true;
    owned!(Vec<F>);
    slice!(F);
    read_by_reference!(Vec<F>);
    lent_whole_mut!(Vec<F>);

    #[inline]
    fn lend<S: Real>(owned: &mut Vec<F::Of<S>>) -> &mut [F::Of<S>] {
        owned
    }

    #[inline]
    fn give<'b, 'a: 'b, S: Real>(
        whole: &'b mut &'a mut S::Whole<Vec<F>>,
    ) -> &'b mut [F::Of<S::Inner>] {
        S::value_mut::<Vec<F>>(whole)
    }

    #[inline]
    fn write_back<S: Real, U: Real>(
        given: &mut &mut [F::Of<S>],
        owned: &Vec<F::Of<U>>,
        f: &mut impl FnMut(&mut S, U),
    ) {
        assert_eq!(given.len(), owned.len(), "{SAME_SHAPE}");
        for (x, y) in given.iter_mut().zip(owned) {
            x.zip_reals(y, f);
        }
    }
}
