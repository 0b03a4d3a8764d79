//! Reverse mode.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;

use crate::contract::scalar::{Over, Real};
use crate::modes::field::real_field;
use crate::tape::{
    self, Arithmetic, CONSTANT, Number, OBSERVED, Operand, StatementKind, Tape, Tapes,
};

/// A number whose derivatives a reverse sweep computes.
///
/// It is a value and the number that this value has on a tape of its thread. A transform such as
/// [`value_and_gradient`](crate::value_and_gradient) makes the first ones and opens the tape; what
/// is computed from them is recorded there. Constants are not recorded.
///
/// `Var<T>` is a [`Real`] and implements nalgebra's `RealField`, so nalgebra's generic algorithms
/// run on it; `Var<Dual<T>>` and `Var<Var<T>>` give second derivatives. Whatever it is asked,
/// comparisons, `is_zero`, conversions, it answers as its value does (see [`Dual`](crate::Dual)).
///
/// # Panics
/// An operation on a `Var` that outlived its transform, came from another thread, or is mixed with
/// one of another transform. The tapes stay as they were.
///
/// ```
/// use difrules_core::value_and_gradient;
/// use nalgebra::ComplexField;
///
/// let (y, y_x) = value_and_gradient(|x| x.sin() * *x, &2.0_f64);
/// assert_eq!(y, 2.0_f64.sin() * 2.0);
/// assert_eq!(y_x, 2.0_f64.cos() * 2.0 + 2.0_f64.sin());
/// ```
#[derive(Clone, Copy)]
pub struct Var<T> {
    pub(super) value: T,
    pub(super) number: u32,
    pub(super) stamp: u32,
}

impl<T: Real> Var<T> {
    /// A number that nothing is differentiated by.
    #[inline]
    pub fn constant(value: T) -> Self {
        Self { value, stamp: 0, number: CONSTANT }
    }

    /// A value of the tape with this stamp.
    #[inline]
    pub(crate) fn recorded(value: T, stamp: u32, number: u32) -> Self {
        Self { value, stamp, number }
    }

    /// Its value.
    #[inline]
    pub fn value(self) -> T {
        if self.stamp & OBSERVED != 0 {
            self.observed(|tape| tape.guard_value(self.operand()));
        }
        self.value
    }

    /// Its value, for those who put it back into the computation.
    #[inline]
    pub(crate) fn value_unseen(self) -> T {
        self.value
    }

    /// How it compares to another number, which a tape that is replayed compares again.
    #[inline]
    fn compare(&self, other: &Self) -> Option<Ordering> {
        let order = self.value.partial_cmp(&other.value);
        if (self.stamp | other.stamp) & OBSERVED != 0 {
            self.beside(other, |tape| tape.guard_order(self.operand(), other.operand(), order));
        }
        order
    }

    /// Whether it is another number, which a tape that is replayed asks again.
    #[inline]
    fn equal(&self, other: &Self) -> bool {
        let equal = self.value == other.value;
        if (self.stamp | other.stamp) & OBSERVED != 0 {
            self.beside(other, |tape| tape.guard_equality(self.operand(), other.operand(), equal));
        }
        equal
    }

    /// What a tape that is replayed has to know of it.
    fn operand(self) -> Operand<T> {
        Operand { number: self.number, value: self.value }
    }

    /// Decides something by its value, which a tape that is replayed decides again.
    #[inline]
    fn decide(&self, decide: fn(&T) -> bool) -> bool {
        let decided = decide(&self.value);
        if self.stamp & OBSERVED != 0 {
            self.observed(|tape| tape.guard_decision(self.operand(), decide, decided));
        }
        decided
    }

    /// Tells the tape of this number and of another.
    ///
    /// # Panics
    /// If they are of two tapes.
    #[cold]
    fn beside(self, other: &Self, f: impl FnOnce(&mut Tape<T>)) {
        tape::one_stamp(self.stamp, other.stamp);
        if self.is_constant() { other.observed(f) } else { self.observed(f) }
    }

    /// Whether the tape of this stamp is going to be replayed.
    #[cold]
    pub(super) fn is_replayed(stamp: u32) -> bool {
        T::tapes().borrow_mut().tape(stamp).plan.is_some()
    }

    /// Tells its tape, which looks at each operation.
    #[cold]
    fn observed(self, f: impl FnOnce(&mut Tape<T>)) {
        let mut tapes = T::tapes().borrow_mut();
        let tape = tapes.tape(self.stamp);
        if tape.plan.is_some() {
            f(tape);
        }
    }

    /// The stamp of its tape; constants have the stamp zero.
    pub(crate) fn stamp(self) -> u32 {
        self.stamp
    }

    /// Its number on its tape.
    pub(crate) fn tape_number(self) -> u32 {
        self.number
    }

    /// Whether nothing is differentiated by it.
    #[inline]
    pub fn is_constant(self) -> bool {
        self.number == CONSTANT
    }

    /// Its number on the tape of this stamp; constants have the number zero.
    ///
    /// # Panics
    /// If it is of another tape.
    pub(crate) fn number(self, stamp: u32) -> u32 {
        assert!(
            self.is_constant() || self.stamp == stamp,
            "a transform's function returned a `Var` of another tape"
        );
        self.number
    }

    fn carries_nothing(&self) -> bool {
        self.is_constant()
    }

    /// The result of an operation on `first` and `second` with these partial derivatives.
    // Inlined whatever its size, as the operators are: a call an operation doubles the time of a
    // recording. Not so in a debug build, where it would only take longer to compile.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn record(
        operation: Arithmetic,
        value: T,
        (first, by_first): (Self, T),
        (second, by_second): (Self, T),
    ) -> Self {
        let kind = match operation {
            Arithmetic::Mul => StatementKind::Product,
            _ => StatementKind::Linear,
        };
        Self::record_as(kind, operation, value, (first, by_first), (second, by_second))
    }

    /// As [`record`](Self::record), with what a sweep has to know of zeros and infinities.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn record_as(
        kind: StatementKind,
        operation: Arithmetic,
        value: T,
        (first, by_first): (Self, T),
        (second, by_second): (Self, T),
    ) -> Self {
        if first.is_constant() && second.is_constant() {
            return Self::constant(value);
        }
        if (first.stamp | second.stamp) & OBSERVED != 0
            && let Some(result) = Self::record_observed(operation, value, first, second)
        {
            return result;
        }
        let (stamp, number) = T::tapes().borrow_mut().statement(
            kind,
            (first.stamp, first.number, by_first),
            (second.stamp, second.number, by_second),
        );
        Self { value, stamp, number }
    }

    /// A quotient whose derivative by the divisor is infinite or next to nothing: the quotient is zero, or the divisor is large
    /// or small. Where that derivative underflows, though its factors do not, the one is multiplied with after the other; where
    /// it overflows, the tape is told of it, as it is where what is multiplied with the one may underflow before the other is.
    #[cold]
    fn over_extreme(self, divisor: Self, quotient: T, (inverse, slope): (T, T)) -> Self {
        let slope = match !T::BASE && tape::has_extreme_powers(divisor.value) {
            true => tape::slope_by_quotients(slope, quotient, divisor.value),
            false => slope,
        };
        let linear = StatementKind::Linear;
        // The derivative by the divisor is zero where it underflows, too: that is no factor.
        let kind = if !(inverse.is_bounded() && slope.is_bounded()) {
            StatementKind::Infinite
        } else if self.value.to_f64() == 0.0 {
            StatementKind::Product
        } else if inverse.to_f64() == 0.0 {
            StatementKind::Quotient
        } else {
            linear
        };
        let stamp = tape::one_stamp(self.stamp, divisor.stamp);
        // On a tape that is replayed it is an instruction, whose derivatives are taken when they are swept.
        let replayed = stamp & OBSERVED != 0 && Self::is_replayed(stamp);
        if replayed || !tape::is_below(slope, quotient, inverse) {
            let by_both = ((self, inverse), (divisor, slope));
            let result = Self::record_as(kind, Arithmetic::Div, quotient, by_both.0, by_both.1);
            if !replayed && !divisor.is_constant() && tape::is_above(slope, quotient, inverse) {
                T::tapes().borrow_mut().tape(stamp).note_above(quotient);
            }
            return result;
        }
        let nothing = (Self::constant(T::zero()), T::zero());
        let moved = (divisor, -quotient);
        let kind = if quotient.to_f64() == 0.0 { StatementKind::Product } else { linear };
        let moved = Self::record_as(kind, Arithmetic::Neg, divisor.value, moved, nothing);
        if !moved.is_constant() {
            T::tapes().borrow_mut().tape(stamp).note_below();
        }
        Self::record_as(linear, Arithmetic::Div, quotient, (self, inverse), (moved, inverse))
    }

    /// Records an operation on a tape that looks at each; nothing where the statement is an ordinary
    /// one nevertheless.
    #[cold]
    fn record_observed(operation: Arithmetic, value: T, first: Self, second: Self) -> Option<Self> {
        let stamp = tape::one_stamp(first.stamp, second.stamp);
        let mut tapes = T::tapes().borrow_mut();
        let tape = tapes.tape(stamp);
        tape.tell();
        tape.plan.is_some().then(|| {
            let number = tape.operation(operation, value, first.operand(), second.operand());
            Self { value, stamp, number }
        })
    }
}

impl<T: Real> std::ops::Add for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(self, other: Self) -> Self {
        Self::record(Arithmetic::Add, self.value + other.value, (self, T::one()), (other, T::one()))
    }
}

impl<T: Real> std::ops::Sub for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn sub(self, other: Self) -> Self {
        Self::record(
            Arithmetic::Sub,
            self.value - other.value,
            (self, T::one()),
            (other, -T::one()),
        )
    }
}

impl<T: Real> std::ops::Mul for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mul(self, other: Self) -> Self {
        Self::record(
            Arithmetic::Mul,
            self.value * other.value,
            (self, other.value),
            (other, self.value),
        )
    }
}

impl<T: Real> std::ops::Div for Var<T> {
    type Output = Self;
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = T::one() / other.value;
        let slope = -(quotient * inverse);
        // By an inverse that moves infinitely fast the slope does so too, or it is zero.
        let bounded = slope.is_bounded() & (!T::BASE || inverse.is_bounded());
        let extreme = !T::BASE && tape::has_extreme_powers(other.value);
        if !bounded || extreme || tape::is_small(slope) {
            return self.over_extreme(other, quotient, (inverse, slope));
        }
        let by_both = ((self, inverse), (other, slope));
        Self::record_as(StatementKind::Linear, Arithmetic::Div, quotient, by_both.0, by_both.1)
    }
}

impl<T: Real> std::ops::Neg for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn neg(self) -> Self {
        let nothing = (Self::constant(T::zero()), T::zero());
        Self::record(Arithmetic::Neg, -self.value, (self, -T::one()), nothing)
    }
}

/// Shows the value, and its number if it is no constant.
impl<T: Real> fmt::Debug for Var<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Var");
        shown.field("value", &self.value);
        if !self.is_constant() {
            shown.field("number", &self.number);
        }
        shown.finish()
    }
}

real_field!([T: Real] Var<T>);

impl<T: Real> Over<T> for Var<T> {}

impl<T: Real> Number for Var<T> {
    const ORDER: u8 = T::ORDER + 1;
    const SINGLE: bool = T::SINGLE;

    fn plain(self) -> f64 {
        self.value().plain()
    }

    fn tapes() -> &'static RefCell<Tapes<Self>> {
        tape::tapes_by_type()
    }

    #[inline]
    fn still() -> Self {
        Self::constant(T::still())
    }

    #[inline]
    fn is_still(&self) -> bool {
        self.is_constant() && self.value.is_still()
    }

    #[inline]
    fn moved(self) -> Self {
        Self { value: self.value.moved(), ..self }
    }

    #[inline]
    fn is_bounded(&self) -> bool {
        self.value.is_bounded()
    }

    #[inline]
    fn is_nothing(&self) -> bool {
        self.value.is_nothing() && self.carries_nothing()
    }

    fn is_same(self, other: Self) -> bool {
        self.value.is_same(other.value) && (self.stamp, self.number) == (other.stamp, other.number)
    }

    fn has_digits_of(self, other: Self) -> bool {
        self.value.has_digits_of(other.value)
    }
}
