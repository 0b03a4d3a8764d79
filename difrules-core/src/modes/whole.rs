//! What the modes say of a whole value.

use crate::contract::keep::{Keep, Kept, Recycled};
use crate::contract::value::Differentiable;
use crate::modes::mark::Mark;
use crate::tape::CONSTANT;

/// A whole value in forward mode: no tangent is a constant in that direction.
#[derive(Clone)]
pub struct DualWhole<X: 'static, const N: usize> {
    pub(crate) value: Recycled<X>,
    pub(crate) tangents: [Option<Recycled<X>>; N],
    pub(crate) mark: Mark,
}

impl<X: Differentiable, const N: usize> DualWhole<X, N> {
    #[inline]
    pub(crate) fn constant(value: X) -> Self {
        Self::new(value, |_| None, Mark::NONE)
    }

    /// A value with the tangent in each direction.
    #[inline]
    pub(crate) fn new(value: X, mut tangent: impl FnMut(usize) -> Option<X>, mark: Mark) -> Self {
        let value = Recycled::new(value);
        let tangents = each([const { None }; N], |i| tangent(i).map(Recycled::new));
        Self { value, tangents, mark }
    }
}

/// What is said of each direction, in place of what is there. Of every use one function is compiled, where the standard
/// library's for arrays are ten; with numbers theirs are faster.
#[inline]
pub(crate) fn each<X, const N: usize>(mut all: [X; N], mut of: impl FnMut(usize) -> X) -> [X; N] {
    let mut i = 0;
    while i < N {
        all[i] = of(i);
        i += 1;
    }
    all
}

/// One that is lent.
pub struct DualLent<'a, X, const N: usize> {
    pub(crate) value: &'a X,
    pub(crate) tangents: [Option<&'a X>; N],
    pub(crate) mark: Mark,
}

impl<X, const N: usize> Clone for DualLent<'_, X, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X, const N: usize> Copy for DualLent<'_, X, N> {}

/// A whole value in reverse mode: one range of the tape, or a constant of stamp zero.
#[derive(Clone)]
pub struct VarWhole<X: 'static> {
    pub(crate) value: Kept<X>,
    pub(crate) stamp: u32,
    pub(crate) first: u32,
}

impl<X: Differentiable> VarWhole<X> {
    #[inline]
    pub(crate) fn constant(value: X) -> Self {
        Self { value: Kept::new(value), stamp: 0, first: CONSTANT }
    }
}

/// One that is lent.
pub struct VarLent<'a, X: 'static> {
    pub(crate) value: &'a X,
    /// How it is kept, if it is not a constant that somebody else owns.
    pub(crate) kept: Option<&'a Kept<X>>,
    pub(crate) stamp: u32,
    pub(crate) first: u32,
}

impl<X: 'static> Clone for VarLent<'_, X> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<X: 'static> Copy for VarLent<'_, X> {}

impl<'a, X: 'static> VarLent<'a, X> {
    /// Offers it to a tape: a copy only of what is small, or somebody else's.
    #[inline]
    pub(crate) fn keep(self) -> Keep<'a, X> {
        match self.kept {
            Some(kept) => Keep::Shared(kept),
            None => Keep::Copied(self.value),
        }
    }
}
