//! Reverse mode.

use std::cell::RefCell;
use std::cmp::Ordering;

use crate::checkpoint;
use crate::field::real_field;
use crate::passing::Arguments;
use crate::primitive::{Evaluated, Evaluation, Given, Inputs, Output, Primitive, Shapes};
use crate::registry::Record;
use crate::replay::Operation;
use crate::scalar::{Over, Real};
use crate::symbolic;
use crate::tape::{self, ATTENTIVE, CONSTANT, Reading, Tape, Tapes, Whole};
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
    number: u32,
    stamp: u32,
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
        if self.stamp & ATTENTIVE != 0 {
            self.attentive(|tape| tape.guard_value(self));
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
        if (self.stamp | other.stamp) & ATTENTIVE != 0 {
            self.beside(other, |tape| tape.guard_order(*self, *other, order));
        }
        order
    }

    /// Whether it is another number, which a tape that is replayed asks again.
    #[inline]
    fn equal(&self, other: &Self) -> bool {
        let equal = self.value == other.value;
        if (self.stamp | other.stamp) & ATTENTIVE != 0 {
            self.beside(other, |tape| tape.guard_equality(*self, *other, equal));
        }
        equal
    }

    /// Decides something by its value, which a tape that is replayed decides again.
    #[inline]
    fn decide(&self, decide: fn(&T) -> bool) -> bool {
        let decided = decide(&self.value);
        if self.stamp & ATTENTIVE != 0 {
            self.attentive(|tape| tape.guard_decision(*self, decide, decided));
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
        if self.is_constant() { other.attentive(f) } else { self.attentive(f) }
    }

    /// Whether the tape of this stamp is going to be replayed.
    #[cold]
    fn is_replayed(stamp: u32) -> bool {
        T::tapes().borrow_mut().tape(stamp).program.is_some()
    }

    /// Tells its tape, which looks at each operation.
    #[cold]
    fn attentive(self, f: impl FnOnce(&mut Tape<T>)) {
        let mut tapes = T::tapes().borrow_mut();
        let tape = tapes.tape(self.stamp);
        if tape.program.is_some() {
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
        operation: Operation,
        value: T,
        (first, by_first): (Self, T),
        (second, by_second): (Self, T),
    ) -> Self {
        if first.is_constant() && second.is_constant() {
            return Self::constant(value);
        }
        if (first.stamp | second.stamp) & ATTENTIVE != 0
            && let Some(result) = Self::record_attentive(operation, value, first, second)
        {
            return result;
        }
        let (stamp, number) = T::tapes().borrow_mut().statement(
            (first.stamp, first.number, by_first),
            (second.stamp, second.number, by_second),
        );
        Self { value, stamp, number }
    }

    /// Records an operation on a tape that looks at each; nothing where the statement is an ordinary
    /// one nevertheless.
    #[cold]
    fn record_attentive(operation: Operation, value: T, first: Self, second: Self) -> Option<Self> {
        let stamp = tape::one_stamp(first.stamp, second.stamp);
        let mut tapes = T::tapes().borrow_mut();
        let tape = tapes.tape(stamp);
        #[cfg(feature = "statements")]
        crate::statements::count(tape);
        tape.program.is_some().then(|| {
            let number = tape.operation(operation, value, first, second);
            Self { value, stamp, number }
        })
    }
}

impl<T: Real> std::ops::Add for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(self, other: Self) -> Self {
        Self::record(Operation::Add, self.value + other.value, (self, T::one()), (other, T::one()))
    }
}

impl<T: Real> std::ops::Sub for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn sub(self, other: Self) -> Self {
        Self::record(Operation::Sub, self.value - other.value, (self, T::one()), (other, -T::one()))
    }
}

impl<T: Real> std::ops::Mul for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mul(self, other: Self) -> Self {
        Self::record(
            Operation::Mul,
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
        Self::record(Operation::Div, quotient, (self, inverse), (other, -(quotient * inverse)))
    }
}

impl<T: Real> std::ops::Neg for Var<T> {
    type Output = Self;
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn neg(self) -> Self {
        let nothing = (Self::constant(T::zero()), T::zero());
        Self::record(Operation::Neg, -self.value, (self, -T::one()), nothing)
    }
}

real_field!([T: Real] Var<T>);

impl<T: Real> Over<T> for Var<T> {}

impl<T: Real> Real for Var<T> {
    const BASE: bool = false;

    fn to_f64(self) -> f64 {
        self.value().to_f64()
    }

    fn tapes() -> &'static RefCell<Tapes<Self>> {
        tape::tapes_by_type()
    }

    fn call_record(
        record: &'static Record,
        arguments: &[Self],
    ) -> Result<Self, symbolic::SymbolicError> {
        // A tape that is replayed is told of these values: it holds as long as they stay.
        let values: Vec<_> = arguments.iter().map(|x| x.value()).collect();
        let value = T::call_record(record, &values)?;
        let stamps = arguments.iter().fold(0, |stamps, x| stamps | x.stamp);
        let replayed = stamps & ATTENTIVE != 0 && Self::is_replayed(stamps);
        let mut combination = Combination::default();
        let mut linear = Self::constant(value);
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.is_constant()) {
            let partial = symbolic::partial(record, i, &values, value)?;
            if replayed {
                linear += Self::constant(partial) * (*x - Self::constant(values[i]));
            } else {
                combination.add(*x, partial);
            }
        }
        Ok(if replayed { linear } else { Self { value, ..combination.record() } })
    }

    fn is_same(self, other: Self) -> bool {
        self.value.is_same(other.value) && (self.stamp, self.number) == (other.stamp, other.number)
    }

    fn checkpointed<X, P, E: 'static>(
        steps: usize,
        x: &X,
        parameters: &P,
        step: impl Fn(usize, &X, &P) -> Result<X, E> + 'static,
    ) -> Result<X, E>
    where
        X: Differentiable<Real = Self>,
        P: Differentiable<Real = Self>,
    {
        checkpoint::recorded(steps, x, parameters, step)
    }

    fn apply<P: Primitive>(mut arguments: Given<'_, P, Self>) -> P::Return<Self> {
        let mut stamps = 0;
        let mut known = true;
        if P::SCALAR {
            P::Arguments::visit(&arguments, &mut |argument, x: Self| {
                stamps |= x.stamp;
                known &= x.is_constant() || P::is_known(argument);
            });
        }
        // A tape that is replayed evaluates the primitive again. A node asks for its derivatives only if
        // its adjoint is not zero, which matters where one is not known.
        if P::SCALAR && known && (stamps & ATTENTIVE == 0 || !Self::is_replayed(stamps)) {
            let inputs = P::Arguments::own(&arguments, &mut |_, x: Self| x.value);
            let output =
                P::evaluate::<T>(inputs).map(|evaluation| scalar::<P, T>(&arguments, &evaluation));
            return P::from_result(output);
        }
        let mut reading = Reading::new::<T>();
        P::Arguments::fold(
            &arguments,
            Whole::new,
            |whole, x: Self| whole.push(x.stamp, x.number),
            |argument, whole, given| {
                if !reading.push_whole(argument, whole) {
                    read_pieces(&mut reading, argument, given);
                }
            },
        );
        reading.finish(P::Arguments::IN_PLACE.len());
        let mut inputs = P::Arguments::own(&arguments, &mut |_, x: Self| x.value);
        let overwritten = P::overwritten(&inputs);
        let replayed = (reading.stamp() & ATTENTIVE != 0)
            .then(|| Box::new(P::Arguments::map::<T, T>(&inputs, &mut |_, x| x)));
        let output = match call::<P, T>(&mut inputs) {
            Ok((output, saved)) if reading.stamp() != 0 => {
                let evaluation = Evaluated { inputs, overwritten, output, saved };
                Ok(node::<P, T>(&reading, &mut arguments, evaluation, replayed))
            }
            Ok((output, _)) => {
                P::Arguments::write_back(&mut arguments, &inputs, &mut |x, value| {
                    *x = Self::constant(value);
                });
                Ok(output.map_reals(&mut Self::constant))
            }
            Err(error) => {
                // What the caller does then depends on the arguments.
                P::Arguments::visit(&arguments, &mut |_, x: Self| see(x));
                Err(error)
            }
        };
        reading.close::<T>();
        P::from_result(output)
    }
}

/// Records a function of real numbers with known partial derivatives.
fn scalar<P: Primitive, T: Real>(
    arguments: &Given<'_, P, Var<T>>,
    evaluation: &Evaluation<P, T>,
) -> Output<P, Var<T>> {
    let mut combination = Combination::default();
    P::Arguments::visit(arguments, &mut |argument, x: Var<T>| {
        if !x.is_constant() {
            combination.add(x, P::partial(evaluation, argument));
        }
    });
    let sum = combination.record();
    evaluation.output.map_reals(&mut |value| Var { value, ..sum })
}

/// Numbers with the partial derivatives by them, recorded as a statement for every two.
struct Combination<T> {
    pending: Option<(Var<T>, T)>,
    /// The last statement's result. The values of partial sums are read by nobody.
    sum: Option<Var<T>>,
}

impl<T> Default for Combination<T> {
    #[inline]
    fn default() -> Self {
        Self { pending: None, sum: None }
    }
}

impl<T: Real> Combination<T> {
    #[inline]
    fn add(&mut self, x: Var<T>, partial: T) {
        let term = (x, partial);
        self.pending = Some(match self.pending.take() {
            None => term,
            Some(first) => {
                // On an ordinary tape, where the operation does not matter.
                let both = Var::record(Operation::Add, T::zero(), first, term);
                self.sum = Some(both);
                (both, T::one())
            }
        });
    }

    /// The result, without its value.
    #[inline]
    fn record(self) -> Var<T> {
        self.sum.unwrap_or_else(|| match self.pending {
            Some(term) => {
                let nothing = (Var::constant(T::zero()), T::zero());
                Var::record(Operation::Add, T::zero(), term, nothing)
            }
            None => Var::constant(T::zero()),
        })
    }
}

/// Reads the value, where an ordinary call of `value` would be inlined many times.
#[cold]
fn see<T: Real>(x: Var<T>) {
    x.value();
}

/// Reads an argument that was put together from pieces.
#[inline(never)]
fn read_pieces<T: Real>(
    reading: &mut Reading,
    argument: usize,
    given: &dyn Fn(&mut dyn FnMut(Var<T>)),
) {
    given(&mut |x| reading.push(argument, x.stamp, x.number));
}

/// Calls the primitive, apart from the recording: in one function with it the compiler has too much at
/// hand to make good code of either.
#[inline(never)]
fn call<P: Primitive, T: Real>(
    inputs: &mut Inputs<P, T>,
) -> Result<(Output<P, T>, P::Saved<T>), P::Error> {
    P::augmented(P::Arguments::lend(inputs))
}

/// Records one node for the primitive.
#[inline]
fn node<P: Primitive, T: Real>(
    reading: &Reading,
    arguments: &mut Given<'_, P, Var<T>>,
    evaluation: Evaluation<P, T>,
    replayed: Option<Box<Inputs<P, T>>>,
) -> Output<P, Var<T>> {
    // The results are numbered as the node is going to number them: from the next on.
    let (stamp, first) = (reading.stamp(), reading.next_number::<T>());
    let mut number = first;
    let mut next = |value| {
        number += 1;
        Var::recorded(value, stamp, number - 1)
    };
    let output = evaluation.output.map_reals(&mut next);
    P::Arguments::write_back(arguments, &evaluation.inputs, &mut |x, value| *x = next(value));
    let results = (number - first) as usize;
    let shapes = P::shapes(&evaluation);
    // Before the tape is borrowed: this drops what no rule reads, which may be the user's own.
    let residual = P::residual(evaluation);
    let Some(inputs) = replayed else {
        reading.record::<T>(results, |tape| tape.keep_residual::<P>(residual, shapes));
        return output;
    };
    record_replayed::<P, T>(reading, arguments, &output, *inputs, residual, shapes);
    output
}

/// Records a node on a tape that is replayed.
#[cold]
fn record_replayed<P: Primitive, T: Real>(
    reading: &Reading,
    arguments: &Given<'_, P, Var<T>>,
    output: &Output<P, Var<T>>,
    inputs: Inputs<P, T>,
    residual: P::Residual<T>,
    shapes: Shapes<P>,
) {
    let mut values = Vec::new();
    output.for_each_real(&mut |y: Var<T>| values.push(y.value));
    P::Arguments::visit(arguments, &mut |argument, x: Var<T>| {
        if P::Arguments::IN_PLACE[argument] {
            values.push(x.value);
        }
    });
    reading.record::<T>(values.len(), |tape| {
        if tape.program.is_some() {
            tape.keep_replayed::<P>(inputs, residual, shapes, &values)
        } else {
            tape.keep_residual::<P>(residual, shapes)
        }
    });
}
