//! What is compiled for each primitive, and for each choice of types.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use super::methods::{Each, EachMut, RecordOf, Residual, Step, Steps};
use crate::contract::handling::put;
use crate::contract::passing::{Arguments, typed};
use crate::contract::primitive::{Evaluated, Evaluation, Inputs, Output, Primitive, Shapes};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Family};
use crate::registry::call::{CallError, Values};
use crate::tape::Room;

/// Evaluates `P` at `S`.
type EvaluateOf<P, S> = fn(Inputs<P, S>) -> Result<Evaluation<P, S>, <P as Primitive>::Error>;

/// The rules of a primitive at a real scalar.
pub(super) struct RulesOf<P, S>(PhantomData<(P, S)>);

impl<P: Primitive, S: Real> RulesOf<P, S> {
    /// What evaluates it with more than its value.
    const EVALUATE: Option<EvaluateOf<P, S>> = if P::SAVES { Some(P::evaluate::<S>) } else { None };
    // A function of numbers has one function that gives its partial derivatives, and no rules of its own here:
    // less to compile.
    pub(super) const RULES: &'static dyn Steps<S> = if P::SCALAR {
        &Partials::<P::Arguments, P::Output, S, _, _, _> {
            primal: primal::<P, S>,
            evaluate: Self::EVALUATE,
            partial: partial::<P, S>,
        }
    } else {
        &Rules::<P::Arguments, P::Output, S, _, _, _> {
            primal: primal::<P, S>,
            evaluate: Self::EVALUATE,
            push: P::forward::<S>,
            residual: residual::<P, S>,
        }
    };
}

fn primal<P: Primitive, S: Real>(arguments: Values<'_, '_>) -> Result<Output<P, S>, P::Error> {
    P::into_result::<S>(P::primal::<S>(P::Arguments::lend_any::<S>(arguments)))
}

/// The partial derivative by an argument; none where the argument does not matter.
fn partial<P: Primitive, S: Real>(evaluation: &Evaluation<P, S>, argument: usize) -> Option<S> {
    let partial = P::partial(evaluation, argument);
    (!(partial.is_constant_zero() && P::is_off(evaluation, argument))).then_some(partial)
}

fn residual<P: Primitive, S: Real>(
    evaluation: Evaluation<P, S>,
    shapes: Shapes<P>,
) -> Box<dyn Residual<S>> {
    let residual = P::residual(evaluation);
    Box::new(Left::<P::Arguments, P::Output, S, _> { residual, shapes, reverse: P::reverse::<S> })
}

/// The shapes of arguments and output.
type ShapesOf<A, F> = (<A as Arguments>::Shapes, <F as Family>::Shape);
/// What an evaluation leaves, by the types of its parts.
type EvaluatedAt<A, F, S, Overwritten, Saved> =
    Evaluated<<A as Arguments>::Owned<S>, Overwritten, <F as Family>::Of<S>, Saved>;

/// Calls at arguments of the types, those of `&mut` overwritten.
type Primal<F, S, E> = fn(Values<'_, '_>) -> Result<<F as Family>::Of<S>, E>;
/// Evaluates, with what the rules read.
type Evaluate<A, F, S, Overwritten, Saved, E> =
    fn(<A as Arguments>::Owned<S>) -> Result<EvaluatedAt<A, F, S, Overwritten, Saved>, E>;

fn shapes<A: Arguments, F: Family, S: Real>(
    inputs: &A::Owned<S>,
    output: &F::Of<S>,
) -> ShapesOf<A, F> {
    (A::shapes::<S>(&A::read::<S>(inputs)), output.shape())
}

/// Calls at arguments, and puts the output where it is wanted.
fn called<F: Family, S: Real, E: Failed>(
    primal: Primal<F, S, E>,
    record: RecordOf,
    arguments: Values<'_, '_>,
    output: &mut dyn Any,
) -> Result<(), CallError> {
    put(output, primal(arguments).map_err(|error| failed(record, error))?);
    Ok(())
}

/// Evaluates at arguments, but for the output, if it is given and no rule reads more.
fn evaluated<A: Arguments, F: Family, S: Real, Overwritten: 'static, Saved: 'static, E: Failed>(
    primal: Primal<F, S, E>,
    evaluate: Option<Evaluate<A, F, S, Overwritten, Saved, E>>,
    record: RecordOf,
    arguments: Values<'_, '_>,
    output: Option<&dyn Any>,
) -> Result<EvaluatedAt<A, F, S, Overwritten, Saved>, CallError> {
    let inputs = A::own_any::<S>(arguments);
    let evaluation = match (evaluate, output) {
        (Some(evaluate), _) => evaluate(inputs),
        (None, Some(output)) => Ok(Evaluated::of(inputs, typed::<F::Of<S>>(output).clone())),
        (None, None) => primal(arguments).map(|output| Evaluated::of(inputs, output)),
    };
    evaluation.map_err(|error| failed(record, error))
}

/// The rules of a primitive.
struct Rules<A: Arguments, F: Family, S: Real, Overwritten, Saved, E> {
    primal: Primal<F, S, E>,
    evaluate: Option<Evaluate<A, F, S, Overwritten, Saved, E>>,
    push: fn(&EvaluatedAt<A, F, S, Overwritten, Saved>, &mut A::Owned<S>) -> F::Of<S>,
    residual: fn(EvaluatedAt<A, F, S, Overwritten, Saved>, ShapesOf<A, F>) -> Box<dyn Residual<S>>,
}

impl<A: Arguments, F: Family, S: Real, Overwritten: 'static, Saved: 'static, E: Failed> Steps<S>
    for Rules<A, F, S, Overwritten, Saved, E>
{
    fn call(
        &self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<(), CallError> {
        called::<F, S, E>(self.primal, record, arguments, output)
    }

    fn step(
        &'static self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: Option<&dyn Any>,
    ) -> Result<Box<dyn Step<S>>, CallError> {
        let evaluation =
            evaluated::<A, F, S, _, _, _>(self.primal, self.evaluate, record, arguments, output)?;
        Ok(Box::new(OneStep { evaluation, rules: self }))
    }
}

struct OneStep<A: Arguments, F: Family, S: Real, Overwritten: 'static, Saved: 'static, E: 'static> {
    evaluation: EvaluatedAt<A, F, S, Overwritten, Saved>,
    rules: &'static Rules<A, F, S, Overwritten, Saved, E>,
}

impl<A: Arguments, F: Family, S: Real, Overwritten, Saved, E> Step<S>
    for OneStep<A, F, S, Overwritten, Saved, E>
{
    fn each_input(&self, f: Each<'_>) {
        A::each::<S>(&self.evaluation.inputs, f);
    }

    fn output(&self) -> &dyn Any {
        &self.evaluation.output
    }

    fn push(&self, fill: EachMut<'_>, output: &mut dyn Any, finish: Each<'_>) {
        let mut tangents = A::copy::<S>(&A::read::<S>(&self.evaluation.inputs));
        A::each_mut::<S>(&mut tangents, fill);
        put(output, (self.rules.push)(&self.evaluation, &mut tangents));
        A::each::<S>(&tangents, finish);
    }

    fn residual(self: Box<Self>) -> Box<dyn Residual<S>> {
        let shapes = shapes::<A, F, S>(&self.evaluation.inputs, &self.evaluation.output);
        (self.rules.residual)(self.evaluation, shapes)
    }
}

/// The partial derivatives of a function of numbers.
struct Partials<A: Arguments, F: Family, S: Real, Overwritten, Saved, E> {
    primal: Primal<F, S, E>,
    evaluate: Option<Evaluate<A, F, S, Overwritten, Saved, E>>,
    partial: fn(&EvaluatedAt<A, F, S, Overwritten, Saved>, usize) -> Option<S>,
}

impl<A: Arguments, F: Family, S: Real, Overwritten: 'static, Saved: 'static, E: Failed> Steps<S>
    for Partials<A, F, S, Overwritten, Saved, E>
{
    fn call(
        &self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<(), CallError> {
        called::<F, S, E>(self.primal, record, arguments, output)
    }

    fn step(
        &'static self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: Option<&dyn Any>,
    ) -> Result<Box<dyn Step<S>>, CallError> {
        let evaluation =
            evaluated::<A, F, S, _, _, _>(self.primal, self.evaluate, record, arguments, output)?;
        let shapes = shapes::<A, F, S>(&evaluation.inputs, &evaluation.output);
        Ok(Box::new(StepOfNumbers { evaluation, shapes, rules: self }))
    }
}

struct StepOfNumbers<
    A: Arguments,
    F: Family,
    S: Real,
    Overwritten: 'static,
    Saved: 'static,
    E: 'static,
> {
    evaluation: EvaluatedAt<A, F, S, Overwritten, Saved>,
    shapes: ShapesOf<A, F>,
    rules: &'static Partials<A, F, S, Overwritten, Saved, E>,
}

impl<A: Arguments, F: Family, S: Real, Overwritten, Saved, E> Step<S>
    for StepOfNumbers<A, F, S, Overwritten, Saved, E>
{
    fn each_input(&self, f: Each<'_>) {
        A::each::<S>(&self.evaluation.inputs, f);
    }

    fn output(&self) -> &dyn Any {
        &self.evaluation.output
    }

    fn push(&self, fill: EachMut<'_>, output: &mut dyn Any, _: Each<'_>) {
        let mut tangents = A::copy::<S>(&A::read::<S>(&self.evaluation.inputs));
        A::each_mut::<S>(&mut tangents, fill);
        let mut sum = S::zero();
        A::visit::<S>(&A::lend::<S>(&mut tangents), &mut |argument, tangent| {
            // A zero that somebody gives is strong.
            if !tangent.is_constant_zero()
                && let Some(partial) = (self.rules.partial)(&self.evaluation, argument)
            {
                sum += partial * tangent;
            }
        });
        put(output, sum);
    }

    fn residual(self: Box<Self>) -> Box<dyn Residual<S>> {
        self
    }
}

impl<A: Arguments, F: Family, S: Real, Overwritten, Saved, E> Residual<S>
    for StepOfNumbers<A, F, S, Overwritten, Saved, E>
{
    fn each_shape(&self, f: Each<'_>) {
        A::each_shape(&self.shapes.0, f);
    }

    fn output_shape(&self) -> &dyn Any {
        &self.shapes.1
    }

    fn reverse(&self, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]) {
        let cotangent = outputs[0];
        if cotangent.is_constant_zero() {
            return;
        }
        for (argument, slot) in slots.iter_mut().enumerate() {
            // That of a constant is empty.
            if let Some(slot) = slot.take_if(|room| room.count() == 1)
                && let Some(partial) = (self.rules.partial)(&self.evaluation, argument)
            {
                slot.add(&[partial * cotangent]);
            }
        }
    }
}

struct Left<A: Arguments, F: Family, S: Real, R> {
    residual: R,
    shapes: ShapesOf<A, F>,
    reverse: fn(&R, &ShapesOf<A, F>, &mut [S], &mut [Option<Room<'_, S>>]),
}

impl<A: Arguments, F: Family, S: Real, R> Residual<S> for Left<A, F, S, R> {
    fn each_shape(&self, f: Each<'_>) {
        A::each_shape(&self.shapes.0, f);
    }

    fn output_shape(&self) -> &dyn Any {
        &self.shapes.1
    }

    fn reverse(&self, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]) {
        (self.reverse)(&self.residual, &self.shapes, outputs, slots);
    }
}

/// What a primitive fails with.
trait Failed: fmt::Debug + Send + Sync + 'static {}

impl<E: fmt::Debug + Send + Sync + 'static> Failed for E {}

/// The error of the primitive itself.
#[cold]
#[inline(never)]
fn failed<E: Failed>(record: RecordOf, error: E) -> CallError {
    let text = format!("{error:?}");
    CallError::Failed { primitive: record().path, text, error: Box::new(error) }
}
