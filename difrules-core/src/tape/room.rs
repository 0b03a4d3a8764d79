//! Where a reverse rule adds.

use std::cell::Cell;

use crate::tape::Number;

/// What there is in the memory of an adjoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What was added to it.
    Sum,
    /// Nothing yet: what is in it does not matter, and who is first writes all of it.
    Nothing,
    /// Nothing yet, and it may be exchanged for that of the cotangent.
    Exchangeable,
    /// What is in the memory of the cotangent after the rule, instead.
    Exchanged,
}

/// The memory of an adjoint that is lent to a rule.
pub struct Room<'a, S> {
    reals: &'a mut [S],
    content: Option<&'a Cell<Content>>,
}

impl<'a, S> From<&'a mut [S]> for Room<'a, S> {
    #[inline]
    fn from(reals: &'a mut [S]) -> Self {
        Self { reals, content: None }
    }
}

impl<'a, S> Room<'a, S> {
    /// Memory with this content, which is told what becomes of it.
    #[inline]
    pub(crate) fn new(reals: &'a mut [S], content: &'a Cell<Content>) -> Self {
        Self { reals, content: Some(content) }
    }

    /// How many numbers there are.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.reals.len()
    }

    /// The memory, with whether what is in it does not matter. Who takes it writes all of it then.
    #[inline]
    pub(crate) fn take(self) -> (&'a mut [S], bool) {
        let content = self.content.map_or(Content::Sum, |content| content.replace(Content::Sum));
        (self.reals, content != Content::Sum)
    }

    /// Whether the memory may be exchanged for that of the cotangent.
    #[inline]
    pub(crate) fn is_exchangeable(&self) -> bool {
        self.content.is_some_and(|content| content.get() == Content::Exchangeable)
    }

    /// Exchanges it for the memory of the cotangent, as the rule leaves that.
    #[inline]
    pub(crate) fn exchange(self) {
        self.content.inspect(|content| content.set(Content::Exchanged));
    }

    /// Lends it on, as numbers of another type, which is the same.
    #[inline]
    pub(crate) fn lend_as<B>(&mut self, cast: impl FnOnce(&mut [S]) -> &mut [B]) -> Room<'_, B> {
        Room { reals: cast(self.reals), content: self.content }
    }
}

impl<'a, S: Number> Room<'a, S> {
    /// The memory, to add to.
    #[inline]
    pub(crate) fn sums(self) -> &'a mut [S] {
        let (sums, untouched) = self.take();
        if untouched {
            sums.fill(S::zero());
        }
        sums
    }

    /// Adds to it, number by number.
    #[inline]
    pub(crate) fn add(self, terms: &[S]) {
        let (sums, untouched) = self.take();
        if untouched {
            // A sum of zeros is zero, whatever their sign.
            sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum = S::zero() + term);
        } else {
            sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum += term);
        }
    }
}
