//! A primitive's rules as functions of lists of numbers: what the checks are written against, so that
//! they are compiled once and not for every primitive.

use std::any::Any;
use std::cell::Cell;

use num_traits::ToPrimitive;

use crate::contract::passing::{Arguments, overwritten};
use crate::contract::primitive::{Inputs, Output, Primitive};
use crate::contract::scalar::Real;
use crate::contract::value::Differentiable;
use crate::tape::{Content, MOST_ARGUMENTS, Number, Room};

/// A rule at one evaluation, which is kept: tangents of the arguments to that of the results.
pub(super) type Push<'a, S> = Box<dyn Fn(&[S]) -> Vec<S> + 'a>;

/// A rule at one evaluation, which is kept: a cotangent of the results, what the slots hold before, one
/// list of numbers an argument, and which of them are wanted, to what they hold then. Slots that are not
/// wanted, or of an argument that nobody can differentiate by, stay as they are. Where all are zero, nothing was added
/// before; memory that stays where it is has zeros of negative sign.
pub(super) type Pull<'a, S> =
    Box<dyn Fn(&[S], &[Vec<S>], &dyn Fn(usize) -> bool) -> Vec<Vec<S>> + 'a>;

/// A primitive's own text at a scalar. Where a list of results is meant, it is the output's numbers and
/// then those of the `&mut` arguments; there is none outside the domain.
pub(super) trait Text<S: Real> {
    /// The results of the call itself, which overwrites `&mut` arguments where they are and saves
    /// nothing for the rules.
    fn call(&self, numbers: &[S]) -> Option<Vec<S>>;
}

/// A primitive's value at a scalar that is a mode.
pub(super) trait Values<S: Real> {
    /// By the call in the scalar's mode.
    fn mode(&self, numbers: &[S]) -> Option<Vec<S>>;
    /// By the call on arguments in one piece each.
    fn whole(&self, numbers: &[S]) -> Option<Vec<S>>;
}

/// A primitive's rules at a scalar.
pub(super) trait Subject<S: Real> {
    /// The results by the text that saves for the rules, and the forward rule.
    fn pushforward(&self, numbers: &[S]) -> Option<(Vec<S>, Push<'_, S>)>;
    /// The same with the reverse rule.
    fn pullback(&self, numbers: &[S]) -> Option<(Vec<S>, Pull<'_, S>)>;
}

/// A primitive with arguments of the shapes, and with the constants, that these have.
pub(super) struct Near<P: Primitive>(pub(super) Inputs<P, f64>);

impl<P: Primitive> Near<P> {
    fn at<S: Real>(&self, numbers: &[S]) -> Inputs<P, S> {
        like::<P::Arguments, S>(&self.0, numbers)
    }

    /// The same with other numbers.
    pub(super) fn renumbered(&self, numbers: &[f64]) -> Self {
        Self(self.at(numbers))
    }
}

impl<P: Primitive, S: Real> Text<S> for Near<P> {
    fn call(&self, numbers: &[S]) -> Option<Vec<S>> {
        let mut inputs = self.at(numbers);
        let returned = P::primal::<S>(P::Arguments::lend::<S>(&mut inputs));
        let output = P::into_result::<S>(returned).ok()?;
        Some(results::<P, S>(&output, &mut inputs))
    }
}

impl<P: Primitive, S: Real> Values<S> for Near<P> {
    fn mode(&self, numbers: &[S]) -> Option<Vec<S>> {
        let mut inputs = self.at(numbers);
        let returned = S::apply::<P>(P::Arguments::lend::<S>(&mut inputs));
        let output = P::into_result::<S>(returned).ok()?;
        Some(results::<P, S>(&output, &mut inputs))
    }

    fn whole(&self, numbers: &[S]) -> Option<Vec<S>> {
        if P::SCALAR {
            // Numbers are in one piece as they are.
            return self.mode(numbers);
        }
        let mut inputs = self.at(numbers);
        let mut given = P::Arguments::lend::<S>(&mut inputs);
        let mut held = P::Arguments::hold::<S>(&given);
        let output = S::apply_whole::<P>(P::Arguments::lend_held::<S>(&mut held)).ok()?;
        P::Arguments::write_held::<S>(&mut given, &held);
        drop((given, held));
        let output = S::entries::<P::Output>(S::lend::<P::Output>(&output));
        Some(results::<P, S>(&output, &mut inputs))
    }
}

impl<P: Primitive, S: Real> Subject<S> for Near<P> {
    fn pushforward(&self, numbers: &[S]) -> Option<(Vec<S>, Push<'_, S>)> {
        let mut evaluation = P::evaluate::<S>(self.at(numbers)).ok()?;
        let value = results::<P, S>(&evaluation.output, &mut evaluation.inputs);
        let push = move |tangents: &[S]| {
            let mut tangents = self.at(tangents);
            let output = P::forward(&evaluation, &mut tangents);
            results::<P, S>(&output, &mut tangents)
        };
        Some((value, Box::new(push)))
    }

    fn pullback(&self, numbers: &[S]) -> Option<(Vec<S>, Pull<'_, S>)> {
        let mut evaluation = P::evaluate::<S>(self.at(numbers)).ok()?;
        let value = results::<P, S>(&evaluation.output, &mut evaluation.inputs);
        let shapes = P::shapes(&evaluation);
        let residual = P::residual(evaluation);
        let pull = move |cotangent: &[S], start: &[Vec<S>], wanted: &dyn Fn(usize) -> bool| {
            pulled(cotangent, start, &|i| wanted(i) && P::is_known(i), &|outputs, slots| {
                P::reverse(&residual, &shapes, outputs, slots);
            })
        };
        Some((value, Box::new(pull)))
    }
}

/// Runs a reverse rule on slots that hold something.
fn pulled<S: Real>(
    cotangent: &[S],
    start: &[Vec<S>],
    wanted: &dyn Fn(usize) -> bool,
    reverse: &dyn Fn(&mut [S], &mut [Option<Room<'_, S>>]),
) -> Vec<Vec<S>> {
    let mut adjoints = start.to_vec();
    let mut outputs = cotangent.to_vec();
    let mut slots = [const { None }; MOST_ARGUMENTS];
    let contents = [const { Cell::new(Content::Sum) }; MOST_ARGUMENTS];
    for (argument, adjoint) in adjoints.iter_mut().enumerate().filter(|(i, _)| wanted(*i)) {
        // Where nothing was added before, a rule does not look at what is in the memory.
        if adjoint.iter().all(Number::is_nothing) {
            let stays = adjoint.iter().any(Number::is_still);
            adjoint.fill(nalgebra::convert(f64::NAN));
            let fits = adjoint.len() == outputs.len() && !stays;
            let content = if fits { Content::Exchangeable } else { Content::Nothing };
            contents[argument].set(content);
        }
        slots[argument] = Some(Room::new(adjoint.as_mut_slice(), &contents[argument]));
    }
    reverse(&mut outputs, &mut slots[..start.len()]);
    for (adjoint, content) in adjoints.iter_mut().zip(&contents) {
        match content.get() {
            Content::Sum => {}
            Content::Nothing | Content::Exchangeable => adjoint.fill(S::zero()),
            Content::Exchanged => adjoint.copy_from_slice(&outputs),
        }
    }
    adjoints
}

/// How many numbers each piece of the results has: each field of the output, then each `&mut` argument.
pub(super) fn pieces<P: Primitive>(inputs: &Inputs<P, f64>, sizes: &[usize]) -> Option<Vec<usize>> {
    let evaluation = P::evaluate::<f64>(double::<P::Arguments, f64>(inputs)).ok()?;
    let mut pieces = Vec::new();
    Output::<P, f64>::pieces(&evaluation.output.shape(), &mut pieces);
    append_overwritten(&mut pieces, P::Arguments::IN_PLACE, sizes);
    Some(pieces)
}

fn append_overwritten(pieces: &mut Vec<usize>, in_place: &[bool], sizes: &[usize]) {
    let sizes = in_place.iter().zip(sizes);
    pieces.extend(sizes.filter_map(|(in_place, size)| in_place.then_some(*size)));
}

/// The constants among the arguments that are whole numbers, or flags.
pub(super) fn constants<P: Primitive>(inputs: &Inputs<P, f64>) -> Vec<Option<f64>> {
    let copy = double::<P::Arguments, f64>(inputs);
    numbers(&P::Arguments::into_boxes::<f64>(copy))
}

fn numbers(values: &[Box<dyn Any>]) -> Vec<Option<f64>> {
    values.iter().map(|x| number(&**x)).collect()
}

/// A whole number, or a flag.
fn number(x: &dyn Any) -> Option<f64> {
    macro_rules! whole {
        ($($integer:ident),*) => {
            None$(.or_else(|| x.downcast_ref::<$integer>()?.to_f64()))*
        };
    }
    let flag = x.downcast_ref::<bool>().map(|x| f64::from(u8::from(*x)));
    flag.or_else(|| whole!(i8, i16, i32, i64, u8, u16, u32, u64, usize, isize))
}

/// All numbers of the arguments, in order.
pub(super) fn flat<A: Arguments>(inputs: &A::Owned<f64>) -> Vec<f64> {
    let mut all = Vec::new();
    A::map::<f64, f64>(inputs, &mut appending(&mut all));
    all
}

/// How many numbers each argument has.
pub(super) fn sizes<A: Arguments>(inputs: &A::Owned<f64>) -> Vec<usize> {
    let mut sizes = vec![0; A::IN_PLACE.len()];
    A::map::<f64, f64>(inputs, &mut counting(&mut sizes));
    sizes
}

/// Arguments like these made of other numbers.
fn like<A: Arguments, S: Real>(inputs: &A::Owned<f64>, numbers: &[S]) -> A::Owned<S> {
    A::map(inputs, &mut replacing(numbers))
}

/// A copy of arguments in double precision.
pub(super) fn double<A: Arguments, S: Real>(inputs: &A::Owned<S>) -> A::Owned<f64> {
    A::map(inputs, &mut to_double)
}

fn results<P: Primitive, S: Real>(output: &Output<P, S>, inputs: &mut Inputs<P, S>) -> Vec<S> {
    let mut all = output.to_reals();
    if P::Arguments::IN_PLACE.contains(&true) {
        P::Arguments::update::<S>(
            inputs,
            &mut overwritten(P::Arguments::IN_PLACE, &mut push(&mut all)),
        );
    }
    all
}

// Closures that stand here are of one type for all primitives.

fn to_double<S: Real>(_: usize, x: S) -> f64 {
    x.to_f64()
}

fn appending(all: &mut Vec<f64>) -> impl FnMut(usize, f64) -> f64 {
    |_, x| {
        all.push(x);
        x
    }
}

fn counting(sizes: &mut [usize]) -> impl FnMut(usize, f64) -> f64 {
    |argument, x| {
        sizes[argument] += 1;
        x
    }
}

fn replacing<S: Real>(numbers: &[S]) -> impl FnMut(usize, f64) -> S {
    let mut numbers = numbers.iter();
    move |_, _| *numbers.next().expect("as many as there are")
}

fn push<S>(all: &mut Vec<S>) -> impl FnMut(S) {
    |x| all.push(x)
}
