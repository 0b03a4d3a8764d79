//! Reverse mode.

use std::cell::RefCell;
use std::cmp::Ordering;

use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Arguments, Change, Gathered, Look};
use crate::contract::primitive::{
    Called, Evaluated, Evaluation, Given, Inputs, Output, Primitive, Reads, Shapes, Wholes,
};
use crate::contract::scalar::{Over, Real};
use crate::contract::value::{Differentiable, Family};
use crate::contract::whole::Gather;
use crate::modes::field::real_field;
use crate::modes::reverse::{called, checkpoint};
use crate::modes::whole::{VarLent, VarWhole};
use crate::tape::{
    self, ATTENTIVE, CONSTANT, Number, Operand, Operation, Reading, StatementKind, Tape, Tapes,
    Whole,
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
            self.attentive(|tape| tape.guard_value(self.operand()));
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
            self.beside(other, |tape| tape.guard_order(self.operand(), other.operand(), order));
        }
        order
    }

    /// Whether it is another number, which a tape that is replayed asks again.
    #[inline]
    fn equal(&self, other: &Self) -> bool {
        let equal = self.value == other.value;
        if (self.stamp | other.stamp) & ATTENTIVE != 0 {
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
        if self.stamp & ATTENTIVE != 0 {
            self.attentive(|tape| tape.guard_decision(self.operand(), decide, decided));
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
        let kind = match operation {
            Operation::Mul => StatementKind::Product,
            Operation::Div if by_first.is_bounded() && by_second.is_bounded() => {
                StatementKind::Product
            }
            Operation::Div => StatementKind::Infinite,
            _ => StatementKind::Linear,
        };
        Self::record_as(kind, operation, value, (first, by_first), (second, by_second))
    }

    /// As [`record`](Self::record), with what a sweep has to know of zeros and infinities.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn record_as(
        kind: StatementKind,
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
            kind,
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
        tape.tell();
        tape.program.is_some().then(|| {
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

impl<T: Real> Number for Var<T> {
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
}

impl<T: Real> Real for Var<T> {
    const BASE: bool = false;

    #[inline]
    fn at_zero(self) -> Self {
        Self { value: self.value.at_zero(), ..self }
    }

    fn call<F: Called>(function: F, arguments: &[Self]) -> Result<Self, F::Error> {
        let stamps = arguments.iter().fold(0, |stamps, x| stamps | x.stamp);
        if stamps & ATTENTIVE != 0 && Self::is_replayed(stamps) {
            return called::record(function, arguments);
        }
        let values: Vec<_> = arguments.iter().map(|x| x.value).collect();
        let value = T::call(function, &values)?;
        let mut combination = Combination::default();
        for (i, x) in arguments.iter().enumerate().filter(|(_, x)| !x.is_constant()) {
            if let Some(partial) = function.partial(i, &values, value)? {
                combination.add(*x, partial);
            }
        }
        Ok(Self { value, ..combination.record() })
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
        let mut reading = Reading::new();
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
        let read = P::Arguments::read::<T>(&inputs);
        let overwritten = P::overwritten::<T>(&read);
        let replayed = to_replay::<P, T>(reading.stamp(), &read);
        drop(read);
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
        P::from_result(output)
    }

    type Inner = T;
    type Whole<F: Family> = VarWhole<F::Of<T>>;
    type Lent<'a, F: Family> = VarLent<'a, F::Of<T>>;

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn from_inner(value: T) -> Self {
        Self::constant(value)
    }

    #[inline]
    fn lend<F: Family>(whole: &VarWhole<F::Of<T>>) -> VarLent<'_, F::Of<T>> {
        VarLent {
            value: &whole.value,
            kept: Some(&whole.value),
            stamp: whole.stamp,
            first: whole.first,
        }
    }

    #[inline]
    fn shorten<'s, 'l: 's, F: Family + 's + 'l>(
        lent: VarLent<'l, F::Of<T>>,
    ) -> VarLent<'s, F::Of<T>> {
        lent
    }

    #[inline]
    fn lend_constant<F: Family>(value: &F::Of<T>) -> VarLent<'_, F::Of<T>> {
        VarLent { value, kept: None, stamp: 0, first: CONSTANT }
    }

    fn hold<F: Family>(lent: VarLent<'_, F::Of<T>>) -> VarWhole<F::Of<T>> {
        VarWhole { value: lent.keep().kept(), stamp: lent.stamp, first: lent.first }
    }

    #[inline]
    fn constant_whole<F: Family>(value: F::Of<T>) -> VarWhole<F::Of<T>> {
        VarWhole::constant(value)
    }

    #[inline]
    fn value_of<'a, F: Family + 'a>(lent: VarLent<'a, F::Of<T>>) -> &'a F::Of<T> {
        lent.value
    }

    #[inline]
    fn keep<'a, F: Family + 'a>(lent: VarLent<'a, F::Of<T>>) -> Keep<'a, F::Of<T>> {
        lent.keep()
    }

    #[inline]
    fn value_mut<F: Family>(whole: &mut VarWhole<F::Of<T>>) -> &mut F::Of<T> {
        whole.value.make_mut()
    }

    fn entries<F: Family>(lent: VarLent<'_, F::Of<T>>) -> F::Of<Self> {
        Self::map_entries::<F, Self>(lent, &mut |x| x)
    }

    #[inline]
    fn map_entries<F: Family, S: Real>(
        lent: VarLent<'_, F::Of<T>>,
        f: &mut impl FnMut(Self) -> S,
    ) -> F::Of<S> {
        let (mut number, step) = (lent.first, u32::from(lent.stamp != 0));
        lent.value.map_reals(&mut |value| {
            let x = Self { value, stamp: lent.stamp, number };
            number += step;
            f(x)
        })
    }

    fn for_each_entry<F: Family>(lent: VarLent<'_, F::Of<T>>, f: &mut impl FnMut(Self)) {
        let (mut number, step) = (lent.first, u32::from(lent.stamp != 0));
        lent.value.for_each_real(&mut |value| {
            f(Self { value, stamp: lent.stamp, number });
            number += step;
        });
    }

    fn gather<Form: Gathered>(
        given: &Form::Given<'_, Self>,
    ) -> VarWhole<<Form::Family as Family>::Of<T>> {
        let mut handles = Whole::new();
        Form::visit::<Self>(given, &mut |x| handles.push(x.stamp, x.number));
        if let Some((stamp, first)) = handles.range() {
            let value = Form::own_container::<Self, T>(given, &mut Self::value_unseen);
            return VarWhole { value: Kept::new(value), stamp, first };
        }
        let entries = Form::own_container::<Self, Self>(given, &mut |x| x);
        Self::gathered::<Form::Family>(Self::apply::<Gather<Form::Family>>((&entries,)))
    }

    #[inline]
    fn part<F: Family, G: Family>(
        lent: VarLent<'_, F::Of<T>>,
        offset: usize,
        take: impl Fn(&F::Of<T>) -> G::Of<T>,
    ) -> VarWhole<G::Of<T>> {
        let first = if lent.stamp == 0 { CONSTANT } else { lent.first + offset as u32 };
        VarWhole { value: Kept::new(take(lent.value)), stamp: lent.stamp, first }
    }

    fn apply_whole<P: Primitive>(
        mut arguments: Wholes<'_, P, Self>,
    ) -> Result<VarWhole<Output<P, T>>, P::Error> {
        let mut ranges = Ranges { reading: Reading::new(), argument: 0 };
        P::Arguments::look::<Self, _>(&arguments, &mut ranges, |ranges, i| ranges.argument = i);
        let mut reading = ranges.reading;
        reading.finish(P::Arguments::IN_PLACE.len());
        if reading.stamp() == 0 {
            let result = T::apply::<P>(P::Arguments::give::<Self>(&mut arguments));
            P::into_result::<T>(result).map(VarWhole::constant)
        } else {
            whole_node::<P, T>(&reading, arguments)
        }
    }
}

/// Calls a primitive on whole arguments, not all of which are constants, and records a node.
#[inline]
fn whole_node<P: Primitive, T: Real>(
    reading: &Reading,
    mut arguments: Wholes<'_, P, Var<T>>,
) -> Result<VarWhole<Output<P, T>>, P::Error> {
    let stamp = reading.stamp();
    let read = P::Arguments::read_whole::<Var<T>>(&arguments);
    let overwritten = P::overwritten::<T>(&read);
    let replayed = to_replay::<P, T>(stamp, &read);
    drop(read);
    let evaluated = P::augmented::<T>(P::Arguments::give::<Var<T>>(&mut arguments));
    let (output, saved) = match evaluated {
        Ok(evaluated) => evaluated,
        Err(error) => {
            // What the caller does then depends on the arguments.
            P::Arguments::look::<Var<T>, _>(&arguments, &mut See, |_, _| {});
            return Err(error);
        }
    };
    let shapes = (
        P::Arguments::shapes::<T>(&P::Arguments::read_whole::<Var<T>>(&arguments)),
        output.shape(),
    );
    let returned = Output::<P, T>::count(&shapes.1);
    let output = Kept::new(output);
    let residual = P::keep::<T>(
        P::Arguments::keep_whole::<Var<T>>(&arguments),
        overwritten,
        Keep::Shared(&output),
        saved,
    );
    let mut results = Count(returned);
    P::Arguments::change::<Var<T>>(&mut arguments, &mut results);
    let first = record::<P, T>(reading, results.0, residual, shapes, replayed, || {
        let mut values = output.to_reals();
        P::Arguments::change::<Var<T>>(&mut arguments, &mut Append(&mut values));
        values
    });
    let mut renumber = Renumber { stamp, next: first + returned as u32 };
    P::Arguments::change::<Var<T>>(&mut arguments, &mut renumber);
    Ok(VarWhole { value: output, stamp, first })
}

/// Reads the ranges of whole arguments.
struct Ranges {
    reading: Reading,
    argument: usize,
}

impl<T: Real> Look<Var<T>> for Ranges {
    #[inline]
    fn lent<F: Family>(&mut self, lent: VarLent<'_, F::Of<T>>) {
        let count = F::Of::<T>::count(&lent.value.shape()) as u32;
        self.reading.push_range(self.argument, lent.stamp, lent.first, count);
    }

    #[inline]
    fn number(&mut self, x: Var<T>) {
        self.reading.push_range(self.argument, x.stamp, x.number, 1);
    }
}

/// Counts the numbers of `&mut` arguments.
struct Count(usize);

impl<T: Real> Change<Var<T>> for Count {
    fn change<F: Family>(&mut self, whole: &mut VarWhole<F::Of<T>>) {
        self.0 += F::Of::<T>::count(&whole.value.shape());
    }
}

/// Tells a tape that is replayed that the arguments were looked at.
struct See;

impl<T: Real> Look<Var<T>> for See {
    fn lent<F: Family>(&mut self, lent: VarLent<'_, F::Of<T>>) {
        if lent.stamp & ATTENTIVE != 0 {
            Var::<T>::for_each_entry::<F>(lent, &mut see);
        }
    }

    fn number(&mut self, x: Var<T>) {
        see(x);
    }
}

/// Gives `&mut` arguments their new numbers.
struct Renumber {
    stamp: u32,
    next: u32,
}

impl<T: Real> Change<Var<T>> for Renumber {
    fn change<F: Family>(&mut self, whole: &mut VarWhole<F::Of<T>>) {
        (whole.stamp, whole.first) = (self.stamp, self.next);
        self.next += F::Of::<T>::count(&whole.value.shape()) as u32;
    }
}

/// Appends the values of `&mut` arguments.
struct Append<'a, T>(&'a mut Vec<T>);

impl<T: Real> Change<Var<T>> for Append<'_, T> {
    fn change<F: Family>(&mut self, whole: &mut VarWhole<F::Of<T>>) {
        self.0.extend(whole.value.to_reals());
    }
}

/// Records a function of real numbers with known partial derivatives.
fn scalar<P: Primitive, T: Real>(
    arguments: &Given<'_, P, Var<T>>,
    evaluation: &Evaluation<P, T>,
) -> Output<P, Var<T>> {
    let mut combination = Combination::default();
    P::Arguments::visit(arguments, &mut |argument, x: Var<T>| {
        if x.is_constant() {
            return;
        }
        let partial = P::partial(evaluation, argument);
        if !(partial.is_constant_zero() && P::is_off(evaluation, argument)) {
            combination.add(x, partial);
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
                let both = Self::statement(first, term);
                self.sum = Some(both);
                (both, T::one())
            }
        });
    }

    /// A statement about two terms.
    #[inline]
    fn statement(first: (Var<T>, T), second: (Var<T>, T)) -> Var<T> {
        let bounded = first.1.is_bounded() && second.1.is_bounded();
        let kind = if bounded { StatementKind::Linear } else { StatementKind::Infinite };
        Var::record_as(kind, Operation::Add, T::zero(), first, second)
    }

    /// The result, without its value.
    #[inline]
    fn record(self) -> Var<T> {
        self.sum.unwrap_or_else(|| match self.pending {
            Some(term) => {
                let nothing = (Var::constant(T::zero()), T::zero());
                Self::statement(term, nothing)
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
    let mut output = evaluation.output.map_reals(&mut next);
    P::Arguments::write_back(arguments, &evaluation.inputs, &mut |x, value| *x = next(value));
    let results = (number - first) as usize;
    let shapes = P::shapes(&evaluation);
    // Before the tape is borrowed: this drops what no rule reads, which may be the user's own.
    let residual = P::residual(evaluation);
    let recorded = reading.next_number::<T>() - first;
    // What this copies is dropped behind the node.
    let _copies = (recorded > 0).then(|| renumber::<P, T>(arguments, &mut output, recorded));
    record::<P, T>(reading, results, residual, shapes, replayed, || {
        let mut values = Vec::with_capacity(results);
        output.for_each_real(&mut |y: Var<T>| values.push(y.value));
        P::Arguments::visit(arguments, &mut |argument, x: Var<T>| {
            if P::Arguments::IN_PLACE[argument] {
                values.push(x.value);
            }
        });
        values
    });
    output
}

/// Moves the numbers of a call's results behind what was recorded while the call's values were dropped;
/// returns copies of the arguments, whose end may record something too.
#[cold]
fn renumber<P: Primitive, T: Real>(
    arguments: &mut Given<'_, P, Var<T>>,
    output: &mut Output<P, Var<T>>,
    recorded: u32,
) -> Inputs<P, Var<T>> {
    let moved = |x: Var<T>| Var { number: x.number + recorded, ..x };
    output.update_reals(&mut |y| *y = moved(*y));
    let results = P::Arguments::own(arguments, &mut |_, x: Var<T>| x);
    P::Arguments::write_back(arguments, &results, &mut |x, result| *x = moved(result));
    results
}

/// The arguments of a node on the tape of this stamp, if that is going to be replayed.
#[inline]
fn to_replay<P: Primitive, T: Real>(
    stamp: u32,
    arguments: &Reads<'_, P, T>,
) -> Option<Box<Inputs<P, T>>> {
    (stamp & ATTENTIVE != 0 && Var::<T>::is_replayed(stamp))
        .then(|| Box::new(P::Arguments::copy::<T>(arguments)))
}

/// Puts a node on the tape of its arguments; returns the number of its first result. A tape that is
/// replayed is told the results' `values`.
#[inline]
fn record<P: Primitive, T: Real>(
    reading: &Reading,
    results: usize,
    residual: P::Residual<T>,
    shapes: Shapes<P>,
    replayed: Option<Box<Inputs<P, T>>>,
    values: impl FnOnce() -> Vec<T>,
) -> u32 {
    match replayed {
        None => reading.record::<T>(results, |tape| tape.keep_residual::<P>(residual, shapes)),
        Some(inputs) => {
            let values = values();
            reading.record::<T>(results, |tape| {
                tape.keep_replayed::<P>(*inputs, residual, shapes, &values)
            })
        }
    }
}
