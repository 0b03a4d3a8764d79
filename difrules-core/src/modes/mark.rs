//! Tells what is of one forward derivation from what is of another, as the stamp of a tape does.

use std::sync::atomic::{AtomicU32, Ordering};

/// The derivation that the tangents of a value in one piece are of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u32);

impl Mark {
    /// That of values that belong to no derivation.
    pub(crate) const NONE: Self = Self(0);

    /// A new derivation's.
    fn new() -> Self {
        static MARKS: AtomicU32 = AtomicU32::new(1);
        Self(MARKS.fetch_add(1, Ordering::Relaxed).max(1))
    }

    /// That of a result.
    ///
    /// # Panics
    /// If the operands are of two derivations.
    #[inline]
    #[track_caller]
    pub(crate) fn and(self, other: Self) -> Self {
        if self != other && self != Self::NONE && other != Self::NONE {
            mixed_derivations();
        }
        Self(self.0 | other.0)
    }
}

/// The derivation that a number is of. Only where debug assertions are on: in a release build it takes no
/// room, since nalgebra's algorithms take up to a third longer with numbers that are larger by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NumberMark(#[cfg(debug_assertions)] Mark);

impl NumberMark {
    /// That of numbers that belong to no derivation.
    pub(crate) const NONE: Self = Self(
        #[cfg(debug_assertions)]
        Mark::NONE,
    );

    #[inline]
    pub(crate) fn of(_mark: Mark) -> Self {
        Self(
            #[cfg(debug_assertions)]
            _mark,
        )
    }

    /// As far as it is known.
    #[inline]
    pub(crate) fn known(self) -> Mark {
        #[cfg(debug_assertions)]
        return self.0;
        #[cfg(not(debug_assertions))]
        Mark::NONE
    }

    /// That of a result.
    ///
    /// # Panics
    /// If the operands are known to be of two derivations.
    #[inline]
    #[track_caller]
    pub(crate) fn and(self, other: Self) -> Self {
        Self::of(self.known().and(other.known()))
    }
}

/// A derivation that starts; it gets its mark when something has to carry it.
#[derive(Default)]
pub(crate) struct Derivation(Option<Mark>);

impl Derivation {
    pub(crate) fn mark(&mut self) -> Mark {
        *self.0.get_or_insert_with(Mark::new)
    }

    /// Looks at the mark of a result.
    ///
    /// # Panics
    /// If the result is of another derivation.
    #[inline]
    #[track_caller]
    pub(crate) fn own(&mut self, found: Mark) {
        if found != Mark::NONE && found != self.mark() {
            mixed_derivations();
        }
    }

    #[inline]
    pub(crate) fn number_mark(&mut self) -> NumberMark {
        if cfg!(debug_assertions) { NumberMark::of(self.mark()) } else { NumberMark::NONE }
    }
}

#[cold]
#[track_caller]
fn mixed_derivations() -> ! {
    panic!(
        "two `Dual`s of different derivations in one operation, or one as the result of another's \
         function: to differentiate a derivative, give \
         the inner transform a point made of the outer one's `Dual`s, so that the types nest; what \
         the inner function takes from outside goes in as a part of the point, or as `Dual::constant`"
    )
}
