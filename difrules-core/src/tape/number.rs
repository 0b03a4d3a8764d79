//! What a tape needs of a scalar.

use std::cell::RefCell;

use nalgebra::RealField;

use super::Tapes;

/// A real number in any derivative mode, as far as a tape looks at it. [`Real`](crate::Real) stands on it.
pub trait Number: RealField + Copy {
    /// Of how many derivations there are numbers like `Var<Self>`: one more than modes in this.
    const ORDER: u8;
    /// Whether the plain number inside has single precision, and its range.
    const SINGLE: bool;

    /// The plain number inside all modes.
    fn plain(self) -> f64;

    /// Whether it is zero and nothing varies it.
    fn is_nothing(&self) -> bool;

    /// The tangent of what does not move. Rules of zero tell it from a zero that was computed, by its
    /// sign: see [`infinities`](crate::infinities).
    fn still() -> Self;

    /// Whether it is the tangent of what does not move.
    fn is_still(&self) -> bool;

    /// As the tangent of what moves: a zero has the other sign then.
    fn moved(self) -> Self;

    /// Whether it is finite in every part.
    fn is_bounded(&self) -> bool;

    /// Whether it is the same number in every part, the sign of a zero too. NaN is NaN, whatever its digits: those
    /// depend on how a program is compiled.
    fn is_same(self, other: Self) -> bool;

    /// Whether every part of its value is the same number, whatever it was computed from.
    fn has_digits_of(self, other: Self) -> bool;

    /// The tapes of this thread that record statements about `Var<Self>`.
    fn tapes() -> &'static RefCell<Tapes<Self>>;
}
