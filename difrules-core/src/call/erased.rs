//! A primitive whose types the caller does not know.
//!
//! What is compiled for each primitive are the few functions of [`Rules`]; everything that moves
//! values between `dyn Any` and the types is compiled once for all primitives that take and give
//! the same types.

use std::any::{Any, TypeId, type_name};
use std::fmt;

use super::CallError;
use crate::cast;
use crate::passing::{Arguments, Mismatch};
use crate::primitive::{
    Evaluated, Evaluation, Inputs, MissingRule, Output, Primitive, Shapes, UnknownPartial,
};
use crate::registry::{Mode, Partial, Record};
use crate::scalar::Real;
use crate::tape::MOST_ARGUMENTS;
use crate::value::{Differentiable, Family, split_front};

/// Values whose types the caller does not know, one an argument.
type Values<'a, 'b> = &'a mut [&'b mut dyn Any];
/// The same where some are not there.
type Optional<'a, 'b> = &'a mut [Option<&'b mut dyn Any>];
/// Where those who do not know the type of the output want it.
type Boxed = Option<Box<dyn Any>>;
/// How to come to a primitive's record, where an error needs it.
type RecordOf = fn() -> &'static Record;
/// What is done with the arguments after a call and with its output.
type Seen<'a, A, F, S> = &'a mut dyn FnMut(&<A as Arguments>::Owned<S>, &<F as Family>::Of<S>);
/// The shapes of arguments and output.
type ShapesOf<A, F> = (<A as Arguments>::Shapes, <F as Family>::Shape);

/// What an instance needs to be called.
#[doc(hidden)]
pub struct Calls(pub(super) &'static dyn Erased);

impl Calls {
    /// The calls of `P` at the real scalar `S`. It is asked once: a record lives as long as the
    /// program, and so does this.
    pub fn of<P: Primitive, S: Real>() -> Self {
        Self(Box::leak(Box::new(Rules::<P::Arguments, P::Output, S> {
            record: P::record,
            primal: primal::<P, S>,
            forward: forward::<P, S>,
            pushforward: pushforward::<P, S>,
            push: push::<P, S>,
            pullback: pullback::<P, S>,
            pull: pull::<P, S>,
        })))
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").finish_non_exhaustive()
    }
}

/// The methods of [`Instance`](crate::Instance).
pub(super) trait Erased: Sync {
    fn types(&self) -> Vec<(TypeId, &'static str)>;
    fn output(&self) -> (TypeId, &'static str);
    fn call(&self, arguments: Values<'_, '_>, output: &mut dyn Any) -> Result<(), CallError>;
    fn forward(
        &self,
        arguments: Values<'_, '_>,
        tangents: Optional<'_, '_>,
        output: &mut dyn Any,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError>;
    fn pushforward(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Push>, CallError>;
    fn reverse(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Pull>, CallError>;
    fn reverse_at(
        &'static self,
        arguments: Values<'_, '_>,
        output: &dyn Any,
    ) -> Result<Box<dyn Pull>, CallError>;
    fn zeros(&self, arguments: Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError>;
}

/// See [`Pushforward`](super::Pushforward).
pub(super) trait Push {
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError>;
}

/// See [`Pullback`](super::Pullback).
pub(super) trait Pull {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError>;
}

/// A primitive by the types that it takes and gives: a function for each thing that it can do.
struct Rules<A: Arguments, F: Family, S: Real> {
    record: RecordOf,
    primal: fn(A::Given<'_, S>) -> Result<F::Of<S>, CallError>,
    /// Evaluates, shows arguments and output, and returns the output's tangent.
    forward: fn(A::Owned<S>, &mut A::Owned<S>, Seen<'_, A, F, S>) -> Result<F::Of<S>, CallError>,
    pushforward:
        fn(&'static Self, A::Owned<S>, Seen<'_, A, F, S>) -> Result<Box<dyn Push>, CallError>,
    push: fn(&dyn Any, &mut A::Owned<S>) -> F::Of<S>,
    /// Evaluates, unless an output is given and suffices.
    pullback: fn(
        &'static Self,
        A::Owned<S>,
        Option<&F::Of<S>>,
        Seen<'_, A, F, S>,
    ) -> Result<Box<dyn Pull>, CallError>,
    pull: fn(&dyn Any, &ShapesOf<A, F>, &mut [S], &mut [Option<&mut [S]>]),
}

// What is compiled for each primitive.

/// What is boxed is unboxed by the same instance.
const OWN: &str = "boxed as this";

fn primal<P: Primitive, S: Real>(
    given: <P::Arguments as Arguments>::Given<'_, S>,
) -> Result<Output<P, S>, CallError> {
    P::into_result::<S>(P::primal::<S>(given)).map_err(failed(P::record))
}

fn evaluate<P: Primitive, S: Real>(
    inputs: Inputs<P, S>,
    seen: Seen<'_, P::Arguments, P::Output, S>,
) -> Result<Evaluation<P, S>, CallError> {
    let evaluation = P::evaluate::<S>(inputs).map_err(failed(P::record))?;
    seen(&evaluation.inputs, &evaluation.output);
    Ok(evaluation)
}

fn forward<P: Primitive, S: Real>(
    inputs: Inputs<P, S>,
    tangents: &mut Inputs<P, S>,
    seen: Seen<'_, P::Arguments, P::Output, S>,
) -> Result<Output<P, S>, CallError> {
    Ok(P::forward::<S>(&evaluate::<P, S>(inputs, seen)?, tangents))
}

fn pushforward<P: Primitive, S: Real>(
    rules: &'static Rules<P::Arguments, P::Output, S>,
    inputs: Inputs<P, S>,
    seen: Seen<'_, P::Arguments, P::Output, S>,
) -> Result<Box<dyn Push>, CallError> {
    Ok(Box::new(Pushed { rules, evaluation: evaluate::<P, S>(inputs, seen)? }))
}

fn push<P: Primitive, S: Real>(evaluation: &dyn Any, tangents: &mut Inputs<P, S>) -> Output<P, S> {
    P::forward::<S>(evaluation.downcast_ref().expect(OWN), tangents)
}

fn pullback<P: Primitive, S: Real>(
    rules: &'static Rules<P::Arguments, P::Output, S>,
    inputs: Inputs<P, S>,
    output: Option<&Output<P, S>>,
    seen: Seen<'_, P::Arguments, P::Output, S>,
) -> Result<Box<dyn Pull>, CallError> {
    // A primitive that saves nothing saves `()`.
    let evaluation = match (output, cast::same_value::<(), P::Saved<S>>(())) {
        (Some(output), Some(saved)) if !P::Arguments::IN_PLACE.contains(&true) => {
            let overwritten = P::overwritten::<S>(&P::Arguments::read::<S>(&inputs));
            Evaluated { inputs, overwritten, output: output.clone(), saved }
        }
        _ => evaluate::<P, S>(inputs, seen)?,
    };
    let shapes = P::shapes(&evaluation);
    Ok(Box::new(Pulled { rules, residual: P::residual(evaluation), shapes }))
}

fn pull<P: Primitive, S: Real>(
    residual: &dyn Any,
    shapes: &Shapes<P>,
    outputs: &mut [S],
    slots: &mut [Option<&mut [S]>],
) {
    P::reverse::<S>(residual.downcast_ref().expect(OWN), shapes, outputs, slots);
}

#[cold]
fn failed<E: fmt::Debug + Send + Sync + 'static>(record: RecordOf) -> impl FnOnce(E) -> CallError {
    move |error| {
        let text = format!("{error:?}");
        CallError::Failed { primitive: record().path, text, error: Box::new(error) }
    }
}

// What is compiled for each choice of types.

/// The error of a value of another type.
#[cold]
fn wrong_type<X>(record: RecordOf, place: &'static str) -> CallError {
    let (primitive, wanted) = (record().path, type_name::<X>());
    CallError::Type { primitive, place: place.into(), wanted }
}

/// The error of an argument, or of its tangent or adjoint.
#[cold]
fn mismatch(record: RecordOf, what: &'static str) -> impl FnOnce(Mismatch) -> CallError {
    move |mismatch| {
        let primitive = record().path;
        let place = |argument: usize| format!("{what} `{}`", record().arguments[argument].name);
        match mismatch {
            Mismatch::Type { argument, wanted } => {
                CallError::Type { primitive, place: place(argument), wanted }
            }
            Mismatch::Shape { argument, wanted, found } => {
                CallError::Shape { primitive, place: place(argument), wanted, found }
            }
        }
    }
}

/// Puts the output, or its tangent, where it was wanted.
fn put<Y: Any>(output: &mut dyn Any, value: Y) {
    if let Some(output) = output.downcast_mut::<Y>() {
        *output = value;
    } else if let Some(output) = output.downcast_mut::<Boxed>() {
        *output = Some(Box::new(value));
    }
}

/// Lends `count` zeros: without an allocation where they are few.
fn with_zeros<S: Real>(count: usize, f: impl FnOnce(&mut [S])) {
    const FEW: usize = 16;
    if count <= FEW { f(&mut [S::zero(); FEW][..count]) } else { f(&mut vec![S::zero(); count]) }
}

const OUTPUT: &str = "the output";
const OUTPUT_TANGENT: &str = "the output's tangent";
const COTANGENT: &str = "the cotangent";
const TANGENT_OF: &str = "the tangent of";
const ADJOINT_OF: &str = "the adjoint of";

impl<A: Arguments, F: Family, S: Real> Rules<A, F, S> {
    fn check_arity(&self, what: &'static str, found: usize) -> Result<(), CallError> {
        let wanted = A::IN_PLACE.len();
        if found == wanted {
            return Ok(());
        }
        Err(CallError::Arity { primitive: (self.record)().path, what, wanted, found })
    }

    /// Whether the primitive has the rule.
    fn check_rule(&self, mode: Mode) -> Result<(), CallError> {
        let record = (self.record)();
        let has = match mode {
            Mode::Forward => record.forward,
            Mode::Reverse => record.reverse,
        };
        if has { Ok(()) } else { Err(MissingRule { primitive: record.path, mode }.into()) }
    }

    /// Whether the derivatives by these arguments are known.
    fn check_known(&self, asked: impl Fn(usize) -> bool) -> Result<(), CallError> {
        let record = (self.record)();
        let mut partials = record.partials.iter().enumerate();
        match partials.find(|(i, partial)| **partial == Partial::Unknown && asked(*i)) {
            Some((argument, _)) => Err(UnknownPartial::of(record, argument).into()),
            None => Ok(()),
        }
    }

    /// Whether an output, or its tangent, can be put here.
    fn check_output(&self, output: &dyn Any, place: &'static str) -> Result<(), CallError> {
        if output.is::<F::Of<S>>() || output.is::<Boxed>() {
            return Ok(());
        }
        Err(wrong_type::<F::Of<S>>(self.record, place))
    }

    /// Whether the forward rule can be given as many tangents, and its result be put here.
    fn check_tangents(
        &self,
        tangents: &[Option<&mut dyn Any>],
        output_tangent: &dyn Any,
    ) -> Result<(), CallError> {
        self.check_arity("tangents", tangents.len())?;
        self.check_output(output_tangent, OUTPUT_TANGENT)
    }

    /// Whether these are tangents of the inputs.
    fn check_shapes(
        &self,
        tangents: &[Option<&mut dyn Any>],
        inputs: &A::Owned<S>,
    ) -> Result<(), CallError> {
        A::count_optional::<S>(
            tangents,
            &A::shapes::<S>(&A::read::<S>(inputs)),
            &mut [0; MOST_ARGUMENTS],
        )
        .map_err(mismatch(self.record, TANGENT_OF))
    }

    /// Copies the arguments.
    fn own(&self, arguments: Values<'_, '_>) -> Result<A::Owned<S>, CallError> {
        self.check_arity("values", arguments.len())?;
        A::own_any::<S>(arguments).map_err(mismatch(self.record, "argument"))
    }

    /// Lets `run` evaluate the primitive at copies of the arguments; overwrites those that are, and
    /// puts the output where it is wanted.
    fn evaluate<Out>(
        &self,
        arguments: Values<'_, '_>,
        inputs: A::Owned<S>,
        mut output: Option<&mut dyn Any>,
        run: impl FnOnce(A::Owned<S>, Seen<'_, A, F, S>) -> Result<Out, CallError>,
    ) -> Result<Out, CallError> {
        let mut written = Ok(());
        let out = run(inputs, &mut |inputs, y| {
            written = A::write_back_any::<S>(arguments, inputs);
            if let Some(output) = &mut output {
                put(&mut **output, y.clone());
            }
        })?;
        written.map_err(mismatch(self.record, "argument"))?;
        Ok(out)
    }

    /// The tangents, zero where one is not there.
    fn read(
        &self,
        tangents: &[Option<&mut dyn Any>],
        inputs: &A::Owned<S>,
    ) -> Result<A::Owned<S>, CallError> {
        let mut given = A::map::<S, S>(inputs, &mut |_, _| S::zero());
        A::read_optional::<S>(tangents, &mut given).map_err(mismatch(self.record, TANGENT_OF))?;
        let mut active = [false; MOST_ARGUMENTS];
        A::update::<S>(&mut given, &mut |argument, x| active[argument] |= !x.is_constant_zero());
        self.check_known(|argument| active[argument])?;
        Ok(given)
    }

    /// Overwrites the tangents of `&mut` arguments.
    fn write(&self, tangents: Optional<'_, '_>, given: &A::Owned<S>) -> Result<(), CallError> {
        A::write_optional::<S>(tangents, given).map_err(mismatch(self.record, TANGENT_OF))
    }
}

impl<A: Arguments, F: Family, S: Real> Erased for Rules<A, F, S> {
    fn types(&self) -> Vec<(TypeId, &'static str)> {
        A::types::<S>()
    }

    fn output(&self) -> (TypeId, &'static str) {
        (TypeId::of::<F::Of<S>>(), type_name::<F::Of<S>>())
    }

    fn zeros(&self, arguments: Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError> {
        let inputs = self.own(arguments)?;
        Ok(A::into_boxes::<S>(A::map::<S, S>(&inputs, &mut |_, _| S::zero())))
    }

    fn call(&self, arguments: Values<'_, '_>, output: &mut dyn Any) -> Result<(), CallError> {
        self.check_arity("values", arguments.len())?;
        self.check_output(output, OUTPUT)?;
        let given = A::lend_any::<S>(arguments).map_err(mismatch(self.record, "argument"))?;
        put(output, (self.primal)(given)?);
        Ok(())
    }

    fn forward(
        &self,
        arguments: Values<'_, '_>,
        tangents: Optional<'_, '_>,
        output: &mut dyn Any,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.check_rule(Mode::Forward)?;
        // Before a `&mut` argument is overwritten.
        self.check_tangents(tangents, output_tangent)?;
        self.check_output(output, OUTPUT)?;
        let inputs = self.own(arguments)?;
        self.check_shapes(tangents, &inputs)?;
        let mut given = self.read(tangents, &inputs)?;
        let tangent = self.evaluate(arguments, inputs, Some(output), |inputs, seen| {
            (self.forward)(inputs, &mut given, seen)
        })?;
        put(output_tangent, tangent);
        self.write(tangents, &given)
    }

    fn pushforward(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Push>, CallError> {
        self.check_rule(Mode::Forward)?;
        self.check_output(output, OUTPUT)?;
        let inputs = self.own(arguments)?;
        self.evaluate(arguments, inputs, Some(output), |inputs, seen| {
            (self.pushforward)(self, inputs, seen)
        })
    }

    fn reverse(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.check_rule(Mode::Reverse)?;
        self.check_output(output, OUTPUT)?;
        let inputs = self.own(arguments)?;
        self.evaluate(arguments, inputs, Some(output), |inputs, seen| {
            (self.pullback)(self, inputs, None, seen)
        })
    }

    fn reverse_at(
        &'static self,
        arguments: Values<'_, '_>,
        output: &dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.check_rule(Mode::Reverse)?;
        let output = output
            .downcast_ref::<F::Of<S>>()
            .ok_or_else(|| wrong_type::<F::Of<S>>(self.record, OUTPUT))?;
        let inputs = self.own(arguments)?;
        self.evaluate(arguments, inputs, None, |inputs, seen| {
            (self.pullback)(self, inputs, Some(output), seen)
        })
    }
}

struct Pushed<A: Arguments, F: Family, S: Real, Overwritten, Saved> {
    rules: &'static Rules<A, F, S>,
    evaluation: Evaluated<A::Owned<S>, Overwritten, F::Of<S>, Saved>,
}

impl<A: Arguments, F: Family, S: Real, Overwritten: 'static, Saved: 'static> Push
    for Pushed<A, F, S, Overwritten, Saved>
{
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError> {
        self.rules.push(&self.evaluation.inputs, &self.evaluation, tangents, output)
    }
}

struct Pulled<A: Arguments, F: Family, S: Real, Residual> {
    rules: &'static Rules<A, F, S>,
    residual: Residual,
    shapes: ShapesOf<A, F>,
}

impl<A: Arguments, F: Family, S: Real, Residual: 'static> Pull for Pulled<A, F, S, Residual> {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError> {
        self.rules.pull(&self.residual, &self.shapes, cotangent, adjoints)
    }
}

impl<A: Arguments, F: Family, S: Real> Rules<A, F, S> {
    fn push(
        &self,
        inputs: &A::Owned<S>,
        evaluation: &dyn Any,
        tangents: Optional<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.check_tangents(tangents, output)?;
        self.check_shapes(tangents, inputs)?;
        let mut given = self.read(tangents, inputs)?;
        put(output, (self.push)(evaluation, &mut given));
        self.write(tangents, &given)
    }

    fn pull(
        &self,
        residual: &dyn Any,
        shapes: &ShapesOf<A, F>,
        cotangent: &dyn Any,
        adjoints: Optional<'_, '_>,
    ) -> Result<(), CallError> {
        self.check_arity("adjoints", adjoints.len())?;
        let cotangent = cotangent
            .downcast_ref::<F::Of<S>>()
            .ok_or_else(|| wrong_type::<F::Of<S>>(self.record, COTANGENT))?;
        let (arguments, output) = shapes;
        let found = cotangent.shape();
        if found != *output {
            let (wanted, found) = (format!("{output:?}"), format!("{found:?}"));
            let (primitive, place) = ((self.record)().path, COTANGENT.into());
            return Err(CallError::Shape { primitive, place, wanted, found });
        }
        let mut counts = [0; MOST_ARGUMENTS];
        A::count_optional::<S>(adjoints, arguments, &mut counts)
            .map_err(mismatch(self.record, ADJOINT_OF))?;
        let mut active = false;
        cotangent.for_each_real(&mut |x| active |= !x.is_constant_zero());
        self.check_known(|argument| active && adjoints[argument].is_some())?;
        let in_place = |argument: usize| A::IN_PLACE[argument];
        let returned = F::Of::<S>::count(output);
        let inputs: usize = counts.iter().sum();
        let overwritten: usize =
            (0..adjoints.len()).filter(|i| in_place(*i)).map(|i| counts[i]).sum();
        with_zeros(inputs + returned + overwritten, |reals: &mut [S]| {
            let (inputs, outputs) = reals.split_at_mut(inputs);
            let mut next = outputs.iter_mut();
            cotangent.for_each_real(&mut |x| *next.next().expect("counted") = x);
            A::update_optional::<S>(adjoints, &mut |argument, x| {
                if in_place(argument) {
                    *next.next().expect("counted") = *x;
                    *x = S::zero();
                }
            });
            let mut rest = &mut *inputs;
            let mut slots = [const { None }; MOST_ARGUMENTS];
            for (i, adjoint) in adjoints.iter().enumerate() {
                if adjoint.is_some() {
                    slots[i] = Some(split_front(&mut rest, counts[i]));
                }
            }
            (self.pull)(residual, shapes, outputs, &mut slots[..adjoints.len()]);
            let mut sums = inputs.iter();
            A::update_optional::<S>(adjoints, &mut |_, x| {
                *x += *sums.next().expect("counted");
            });
        });
        Ok(())
    }
}
