//! Reverse mode.

use std::cell::RefCell;

use crate::field::real_field;
use crate::passing::Arguments;
use crate::primitive::{Evaluation, Given, Output, Primitive};
use crate::scalar::{Over, Real};
use crate::tape::{self, CONSTANT, Reading, Tapes};
use crate::value::Differentiable;

/// A number whose derivatives a reverse sweep computes.
///
/// It is a value and the number that this value has on a tape of its thread. A transform such as
/// [`value_and_gradient`](crate::value_and_gradient) makes the first ones and opens the tape; what
/// is computed from them is recorded there. Constants are not recorded.
///
/// `Var<T>` is a [`Real`] and implements nalgebra's `RealField`, so nalgebra's generic algorithms
/// run on it; `Var<Dual<T>>` and `Var<Var<T>>` give second derivatives. Comparisons look at the value
/// alone; `is_zero` and `is_one` hold for constants only (see [`Dual`](crate::Dual)).
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
    value: T,
    stamp: u32,
    number: u32,
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
        self.value
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
    #[inline]
    fn record(value: T, (first, by_first): (Self, T), (second, by_second): (Self, T)) -> Self {
        if first.is_constant() && second.is_constant() {
            return Self::constant(value);
        }
        let (stamp, number) = T::with_tapes(|tapes| {
            tapes.borrow_mut().statement(
                (first.stamp, first.number, by_first),
                (second.stamp, second.number, by_second),
            )
        });
        Self { value, stamp, number }
    }

    /// The result of an operation on one number with this partial derivative.
    #[inline]
    fn record_unary(value: T, operand: Self, partial: T) -> Self {
        Self::record(value, (operand, partial), (Self::constant(T::zero()), T::zero()))
    }
}

impl<T: Real> std::ops::Add for Var<T> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self::record(self.value + other.value, (self, T::one()), (other, T::one()))
    }
}

impl<T: Real> std::ops::Sub for Var<T> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self::record(self.value - other.value, (self, T::one()), (other, -T::one()))
    }
}

impl<T: Real> std::ops::Mul for Var<T> {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        Self::record(self.value * other.value, (self, other.value), (other, self.value))
    }
}

impl<T: Real> std::ops::Div for Var<T> {
    type Output = Self;
    #[inline]
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = T::one() / other.value;
        Self::record(quotient, (self, inverse), (other, -(quotient * inverse)))
    }
}

impl<T: Real> std::ops::Neg for Var<T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::record_unary(-self.value, self, -T::one())
    }
}

real_field!([T: Real] Var<T>);

impl<T: Real> Over<T> for Var<T> {}

impl<T: Real> Real for Var<T> {
    const BASE: bool = false;

    fn to_f64(self) -> f64 {
        self.value.to_f64()
    }

    fn with_tapes<Out>(f: impl FnOnce(&RefCell<Tapes<Self>>) -> Out) -> Out {
        tape::with_tapes_by_type(f)
    }

    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        if P::SCALAR {
            let inputs = P::Arguments::own(&arguments, &mut |_, x: Self| x.value);
            let output =
                Evaluation::new(inputs).map(|evaluation| scalar::<P, T>(&arguments, &evaluation));
            return P::from_result(output);
        }
        let mut reading = Reading::new::<T>();
        let inputs = P::Arguments::own(&arguments, &mut |argument, x: Self| {
            reading.push(argument, x.stamp, x.number);
            x.value
        });
        reading.finish::<P>();
        let output = Evaluation::new(inputs).map(|evaluation| {
            if reading.stamp() != 0 {
                return node::<P, T>(&reading, &mut arguments, evaluation);
            }
            P::Arguments::write_back(&mut arguments, &evaluation.inputs, &mut |x, value| {
                *x = Self::constant(value);
            });
            evaluation.output.map_reals(&mut Self::constant)
        });
        reading.close::<T>();
        P::from_result(output)
    }
}

/// Records a function of real numbers with known partial derivatives: a statement for every two.
fn scalar<P: Primitive, T: Real>(
    arguments: &Given<'_, P, Var<T>>,
    evaluation: &Evaluation<P, T>,
) -> Output<P, Var<T>> {
    // The values of partial sums are read by nobody; the last statement's is the result's.
    let mut pending: Option<(Var<T>, T)> = None;
    let mut sum = None;
    P::Arguments::visit(arguments, &mut |argument, x: Var<T>| {
        if x.is_constant() {
            return;
        }
        let term = (x, P::partial(evaluation, argument));
        pending = Some(match pending.take() {
            None => term,
            Some(first) => {
                let both = Var::record(T::zero(), first, term);
                sum = Some(both);
                (both, T::one())
            }
        });
    });
    let sum = sum.unwrap_or_else(|| match pending {
        Some((x, partial)) => Var::record_unary(T::zero(), x, partial),
        None => Var::constant(T::zero()),
    });
    evaluation.output.map_reals(&mut |value| Var { value, ..sum })
}

/// Records one node for the primitive.
fn node<P: Primitive, T: Real>(
    reading: &Reading,
    arguments: &mut Given<'_, P, Var<T>>,
    evaluation: Evaluation<P, T>,
) -> Output<P, Var<T>> {
    // The results are numbered as the node is going to number them: from the next on.
    let (stamp, first) = (reading.stamp(), reading.next_number::<T>());
    let mut number = first;
    let mut next = |value| {
        number += 1;
        Var::recorded(value, stamp, number - 1)
    };
    let output = evaluation.output.map_reals(&mut next);
    let returned = Output::<P, T>::count(&evaluation.output.shape());
    P::Arguments::write_back(arguments, &evaluation.inputs, &mut |x, value| *x = next(value));
    let shapes = evaluation.shapes();
    let recorded = reading.record::<P, T>(returned, P::residual(evaluation), shapes);
    assert_eq!(recorded, first, "an in-place call must keep the shape of its `&mut` arguments");
    output
}
