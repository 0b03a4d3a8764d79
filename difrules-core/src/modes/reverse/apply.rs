//! A primitive that is applied: the node that it becomes, or the statements.

use super::stores::{ONCE, is_told};
use super::var::Var;
use crate::contract::keep::{Keep, Kept};
use crate::contract::passing::{Arguments, Change, Look, same};
use crate::contract::primitive::{
    Evaluation, Given, Inputs, Output, Primitive, Reads, Shapes, Wholes,
};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::kernel::vectorised;
use crate::modes::whole::{VarLent, VarWhole};
use crate::tape::{Arithmetic, Number, OBSERVED, Reading, StatementKind, Whole};

/// Calls a primitive on whole arguments, not all of which are constants, and records a node.
#[inline]
pub(super) fn whole_node<P: Primitive, T: Real>(
    reading: &Reading,
    mut arguments: Wholes<'_, P, Var<T>>,
) -> Result<VarWhole<Output<P, T>>, P::Error> {
    let stamp = reading.stamp();
    let read = P::Arguments::read_whole::<Var<T>>(&arguments);
    let overwritten = P::overwritten::<T>(&read, &|argument| reading.varies(argument));
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
    let mut residual = Some(P::keep::<T>(
        P::Arguments::keep_whole::<Var<T>>(&arguments),
        overwritten,
        Keep::Shared(&output),
        saved,
    ));
    let mut results = Count { numbers: returned, pieces: usize::from(returned > 0) };
    P::Arguments::change::<Var<T>>(&mut arguments, &mut results);
    let mut bounded = Bounded(true);
    if is_told::<P, T>() {
        bounded.0 = is_bounded(&*output);
        P::Arguments::change::<Var<T>>(&mut arguments, &mut bounded);
    }
    let results =
        Results { numbers: results.numbers, whole: results.pieces == 1, bounded: bounded.0 };
    let first = record::<P, T>(reading, results, &mut residual, shapes, replayed, || {
        let mut values = output.to_reals();
        P::Arguments::change::<Var<T>>(&mut arguments, &mut Append(&mut values));
        values
    });
    let mut renumber = Renumber { stamp, next: first + returned as u32 };
    P::Arguments::change::<Var<T>>(&mut arguments, &mut renumber);
    Ok(VarWhole { value: output, stamp, first })
}

/// Reads the ranges of whole arguments.
pub(super) struct Ranges {
    pub(super) reading: Reading,
    pub(super) argument: usize,
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

/// Counts the numbers of `&mut` arguments, and those that have any.
struct Count {
    numbers: usize,
    pieces: usize,
}

impl<T: Real> Change<Var<T>> for Count {
    fn change<F: Family>(&mut self, whole: &mut VarWhole<F::Of<T>>) {
        let numbers = F::Of::<T>::count(&whole.value.shape());
        self.numbers += numbers;
        self.pieces += usize::from(numbers > 0);
    }
}

/// Whether the numbers of `&mut` arguments are finite.
struct Bounded(bool);

impl<T: Real> Change<Var<T>> for Bounded {
    fn change<F: Family>(&mut self, whole: &mut VarWhole<F::Of<T>>) {
        self.0 &= is_bounded(&*whole.value);
    }
}

/// Whether all numbers of a value are finite.
#[inline]
fn is_bounded<X: Differentiable>(value: &X) -> bool {
    vectorised(|| {
        // Without a branch, and in a variable that nobody else has: so the loop has vector instructions.
        let mut all = true;
        value.for_each_real(&mut |x: X::Real| all &= x.is_bounded());
        all
    })
}

/// Tells a tape that is replayed that the arguments were looked at.
struct See;

impl<T: Real> Look<Var<T>> for See {
    fn lent<F: Family>(&mut self, lent: VarLent<'_, F::Of<T>>) {
        if lent.stamp & OBSERVED != 0 {
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
        self.0.extend_from_slice(&whole.value.reals());
    }
}

/// Records a function of real numbers with known partial derivatives.
pub(super) fn scalar<P: Primitive, T: Real>(
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
pub(super) struct Combination<T> {
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
    pub(super) fn add(&mut self, x: Var<T>, partial: T) {
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
        Var::record_as(kind, Arithmetic::Add, T::zero(), first, second)
    }

    /// The result, without its value.
    #[inline]
    pub(super) fn record(self) -> Var<T> {
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
pub(super) fn see<T: Real>(x: Var<T>) {
    x.value();
}

/// Reads one of an argument's numbers.
#[inline]
pub(super) fn fold<T: Real>(whole: &mut Whole, x: Var<T>) {
    whole.push(x.stamp, x.number);
}

/// Reads an argument that was put together from pieces.
#[inline(never)]
pub(super) fn read_pieces<T: Real>(
    reading: &mut Reading,
    argument: usize,
    given: &dyn Fn(&mut dyn FnMut(Var<T>)),
) {
    given(&mut |x| reading.push(argument, x.stamp, x.number));
}

/// Calls the primitive, apart from the recording: in one function with it the compiler has too much at
/// hand to make good code of either.
#[inline(never)]
pub(super) fn call<P: Primitive, T: Real>(
    inputs: &mut Inputs<P, T>,
) -> Result<(Output<P, T>, P::Saved<T>), P::Error> {
    P::augmented(P::Arguments::lend(inputs))
}

/// Records one node for the primitive.
#[inline]
pub(super) fn node<P: Primitive, T: Real>(
    reading: &Reading,
    arguments: &mut Given<'_, P, Var<T>>,
    evaluation: Evaluation<P, T>,
    replayed: Option<Box<Inputs<P, T>>>,
) -> Output<P, Var<T>> {
    // The results are numbered as the node is going to number them: from the next on.
    let (stamp, first) = (reading.stamp(), reading.next_number::<T>());
    let (mut number, mut bounded) = (first, true);
    let mut next = |value: T| {
        number += 1;
        bounded &= !is_told::<P, T>() || value.is_bounded();
        Var::recorded(value, stamp, number - 1)
    };
    let mut output = evaluation.output.map_reals(&mut next);
    P::Arguments::write_back(arguments, &evaluation.inputs, &mut |x, value| *x = next(value));
    let numbers = (number - first) as usize;
    let results = Results { numbers, whole: false, bounded };
    let shapes = P::shapes(&evaluation);
    // Before the tape is borrowed: this drops what no rule reads, which may be the user's own.
    let mut residual = Some(P::residual(evaluation));
    let drops = std::mem::needs_drop::<Evaluation<P, T>>();
    let recorded = if drops { reading.next_number::<T>() - first } else { 0 };
    // What this copies is dropped behind the node.
    let _copies = (recorded > 0).then(|| renumber::<P, T>(arguments, &mut output, recorded));
    record::<P, T>(reading, results, &mut residual, shapes, replayed, || {
        let mut values = Vec::with_capacity(results.numbers);
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
    let results = P::Arguments::own(arguments, &mut same);
    P::Arguments::write_back(arguments, &results, &mut |x, result| *x = moved(result));
    results
}

/// The arguments of a node on the tape of this stamp, if that is going to be replayed.
#[inline]
pub(super) fn to_replay<P: Primitive, T: Real>(
    stamp: u32,
    arguments: &Reads<'_, P, T>,
) -> Option<Box<Inputs<P, T>>> {
    (stamp & OBSERVED != 0 && Var::<T>::is_replayed(stamp))
        .then(|| Box::new(P::Arguments::copy::<T>(arguments)))
}

/// What a node has as results.
#[derive(Clone, Copy)]
struct Results {
    numbers: usize,
    /// Whether they are one value in one piece.
    whole: bool,
    /// Whether they are finite, where the rule wants to know.
    bounded: bool,
}

/// Puts a node on the tape of its arguments; returns the number of its first result. A tape that is replayed is told
/// the results' `values`.
///
/// The residual is taken from where it is: moved from hand to hand, a static matrix would be copied each time.
#[cfg_attr(debug_assertions, inline)]
#[cfg_attr(not(debug_assertions), inline(always))]
fn record<P: Primitive, T: Real>(
    reading: &Reading,
    Results { numbers, whole, bounded }: Results,
    residual: &mut Option<P::Residual<T>>,
    shapes: Shapes<P>,
    replayed: Option<Box<Inputs<P, T>>>,
    values: impl FnOnce() -> Vec<T>,
) -> u32 {
    match replayed {
        None => reading.record::<T>(numbers, whole, |tape| {
            tape.note_entrywise(P::ENTRYWISE);
            tape.note_unbounded(!bounded);
            tape.keep_residual::<P>(residual, shapes)
        }),
        Some(inputs) => {
            let values = values();
            reading.record::<T>(numbers, whole, |tape| {
                tape.note_unbounded(!bounded);
                let residual = residual.take().expect(ONCE);
                tape.keep_replayed::<P>(*inputs, residual, shapes, &values)
            })
        }
    }
}
