//! What checks calls and makes them, compiled once for a scalar.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::marker::PhantomData;

use super::rules::RulesOf;

use crate::contract::handling::{Boxed, Handling};
use crate::contract::passing::{Arguments, Mismatch, Passing, Reference};
use crate::contract::primitive::Primitive;
use crate::contract::scalar::Real;
use crate::registry::call::{CallError, Erased, Optional, Pull, Push, Values};
use crate::registry::{MissingRule, UnknownPartial};
use crate::registry::{Mode, Partial, Record};
use crate::tape::{MOST_ARGUMENTS, Room, split_front};

/// How to come to a primitive's record, where an error needs it.
pub(super) type RecordOf = fn() -> &'static Record;
/// What is done with each of some values, by its number.
pub(super) type Each<'a> = &'a mut dyn FnMut(usize, &dyn Any);
/// The same where they are changed.
pub(super) type EachMut<'a> = &'a mut dyn FnMut(usize, &mut dyn Any);

/// The methods of a primitive at a real scalar.
pub(super) struct MethodsOf<P, S>(PhantomData<(P, S)>);

impl<P: Primitive, S: Real> MethodsOf<P, S> {
    pub(super) const METHODS: &'static Methods<S> = &Methods {
        record: P::record,
        in_place: P::Arguments::IN_PLACE,
        argument: P::Arguments::handling::<S>,
        argument_type: P::Arguments::types::<S>,
        output: Reference::<P::Output>::handling::<S>,
        output_type: Reference::<P::Output>::types::<S>,
        rules: RulesOf::<P, S>::RULES,
    };
}

/// A primitive at a real scalar: its types, and a function for each thing that it can do. The arguments
/// are of its types.
pub(super) struct Methods<S: Real> {
    record: RecordOf,
    in_place: &'static [bool],
    argument: fn(usize) -> &'static dyn Handling<S>,
    argument_type: fn(usize) -> (TypeId, &'static str),
    output: fn() -> &'static dyn Handling<S>,
    output_type: fn() -> (TypeId, &'static str),
    rules: &'static dyn Steps<S>,
}

/// What evaluates a primitive.
pub(super) trait Steps<S>: Sync {
    /// Calls it.
    fn call(
        &self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<(), CallError>;
    /// Evaluates, but for the output, if it is given and no rule reads more.
    fn step(
        &'static self,
        record: RecordOf,
        arguments: Values<'_, '_>,
        output: Option<&dyn Any>,
    ) -> Result<Box<dyn Step<S>>, CallError>;
}

/// One evaluation.
pub(super) trait Step<S> {
    /// The arguments, as the call left them.
    fn each_input(&self, f: Each<'_>);
    /// What the call returned.
    fn output(&self) -> &dyn Any;
    /// Runs the forward rule: `fill` makes tangents out of copies of the arguments, and `finish` sees
    /// what the rule leaves of them.
    fn push(&self, fill: EachMut<'_>, output: &mut dyn Any, finish: Each<'_>);
    /// What is left of it for the reverse rule.
    fn residual(self: Box<Self>) -> Box<dyn Residual<S>>;
}

/// What is left of an evaluation for the reverse rule.
pub(super) trait Residual<S> {
    /// The shapes of the arguments.
    fn each_shape(&self, f: Each<'_>);
    /// The shape of what the call returned.
    fn output_shape(&self) -> &dyn Any;
    /// Runs the reverse rule.
    fn reverse(&self, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]);
}

// What is compiled once for a scalar.

struct Pushed<S: Real> {
    rules: &'static Methods<S>,
    step: Box<dyn Step<S>>,
}

impl<S: Real> Push for Pushed<S> {
    fn push(&self, tangents: Optional<'_, '_>, output: &mut dyn Any) -> Result<(), CallError> {
        self.rules.push(&*self.step, tangents, output)
    }
}

struct Pulled<S: Real> {
    rules: &'static Methods<S>,
    residual: Box<dyn Residual<S>>,
}

impl<S: Real> Pull for Pulled<S> {
    fn pull(&self, cotangent: &dyn Any, adjoints: Optional<'_, '_>) -> Result<(), CallError> {
        self.rules.pull(&*self.residual, cotangent, adjoints)
    }
}

const ARGUMENT: &str = "argument";
const OUTPUT: &str = "the output";
const OUTPUT_TANGENT: &str = "the output's tangent";
const COTANGENT: &str = "the cotangent";
const TANGENT_OF: &str = "the tangent of";
const ADJOINT_OF: &str = "the adjoint of";

/// The error of a value of another type or shape.
#[cold]
fn refused(record: RecordOf, place: String, mismatch: Mismatch) -> CallError {
    let primitive = record().path;
    match mismatch {
        Mismatch::Type { wanted, .. } => CallError::Type { primitive, place, wanted },
        Mismatch::Shape { wanted, found, .. } => {
            CallError::Shape { primitive, place, wanted, found }
        }
    }
}

/// The error of an argument, or of its tangent or adjoint.
#[cold]
fn mismatch(record: RecordOf, what: &'static str, mismatch: Mismatch) -> CallError {
    let (Mismatch::Type { argument, .. } | Mismatch::Shape { argument, .. }) = mismatch;
    let place = format!("{what} `{}`", record().arguments[argument].name);
    refused(record, place, mismatch)
}

impl<S: Real> Methods<S> {
    fn check_arity(&self, what: &'static str, found: usize) -> Result<(), CallError> {
        let wanted = self.in_place.len();
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
    fn check_known(&self, asked: &dyn Fn(usize) -> bool) -> Result<(), CallError> {
        let record = (self.record)();
        let mut partials = record.partials.iter().enumerate();
        match partials.find(|(i, partial)| **partial == Partial::Unknown && asked(*i)) {
            Some((argument, _)) => Err(UnknownPartial::of(record, argument).into()),
            None => Ok(()),
        }
    }

    /// Whether these are arguments.
    fn check_arguments(&self, arguments: &[&mut dyn Any]) -> Result<(), CallError> {
        self.check_arity("values", arguments.len())?;
        for (argument, value) in arguments.iter().enumerate() {
            let (id, wanted) = (self.argument_type)(argument);
            if (**value).type_id() != id {
                return Err(mismatch(self.record, ARGUMENT, Mismatch::Type { argument, wanted }));
            }
        }
        Ok(())
    }

    /// Whether an output, or its tangent, can be put here.
    fn check_output(&self, output: &dyn Any, place: &'static str) -> Result<(), CallError> {
        let (id, wanted) = (self.output_type)();
        if output.type_id() == id || output.is::<Boxed>() {
            return Ok(());
        }
        Err(CallError::Type { primitive: (self.record)().path, place: place.into(), wanted })
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

    /// Whether a tangent is one of this input.
    fn check_tangent(
        &self,
        argument: usize,
        tangent: Option<&dyn Any>,
        input: &dyn Any,
    ) -> Result<(), CallError> {
        let handling = (self.argument)(argument);
        let checked = match tangent {
            Some(tangent) => handling.check(argument, tangent, input),
            None => self.check_absent(argument),
        };
        checked.map_err(|error| mismatch(self.record, TANGENT_OF, error))
    }

    /// Whether the tangent or adjoint of an argument need not be there.
    fn check_absent(&self, argument: usize) -> Result<(), Mismatch> {
        if self.in_place[argument] {
            let (_, wanted) = (self.argument_type)(argument);
            return Err(Mismatch::Type { argument, wanted });
        }
        Ok(())
    }

    /// Whether the derivatives by what these tangents move are known.
    fn check_moved(&self, tangents: &[Option<&mut dyn Any>]) -> Result<(), CallError> {
        self.check_known(&|argument| {
            let handling = (self.argument)(argument);
            tangents[argument].as_deref().is_some_and(|tangent| handling.varies(tangent))
        })
    }

    /// Overwrites the arguments that a call does, and puts the output where it is wanted.
    fn write_back(
        &self,
        arguments: Values<'_, '_>,
        step: &dyn Step<S>,
        output: Option<&mut dyn Any>,
    ) {
        if self.in_place.contains(&true) {
            step.each_input(&mut |argument, new| {
                if self.in_place[argument] {
                    (self.argument)(argument).overwrite(&mut *arguments[argument], new);
                }
            });
        }
        if let Some(output) = output {
            (self.output)().put(output, step.output());
        }
    }

    /// Runs the forward rule with tangents that were checked: one that is not there is zero, and those
    /// of `&mut` arguments are overwritten.
    fn push_checked(
        &self,
        step: &dyn Step<S>,
        tangents: Optional<'_, '_>,
        output_tangent: &mut dyn Any,
    ) {
        let tangents = RefCell::new(tangents);
        let fill = &mut |argument: usize, given: &mut dyn Any| {
            let handling = (self.argument)(argument);
            match &tangents.borrow()[argument] {
                Some(tangent) => handling.set(given, &**tangent),
                None => handling.clear(given),
            }
        };
        let finish = &mut |argument: usize, left: &dyn Any| {
            if let (true, Some(tangent)) =
                (self.in_place[argument], &mut tangents.borrow_mut()[argument])
            {
                (self.argument)(argument).set(&mut **tangent, left);
            }
        };
        step.push(fill, output_tangent, finish);
    }

    fn push(
        &self,
        step: &dyn Step<S>,
        tangents: Optional<'_, '_>,
        output_tangent: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.check_tangents(tangents, output_tangent)?;
        let mut found = Ok(());
        step.each_input(&mut |argument, input| {
            if found.is_ok() {
                found = self.check_tangent(argument, tangents[argument].as_deref(), input);
            }
        });
        found?;
        self.check_moved(tangents)?;
        self.push_checked(step, tangents, output_tangent);
        Ok(())
    }

    /// The numbers of an adjoint.
    fn count(
        &self,
        argument: usize,
        adjoint: Option<&dyn Any>,
        shape: &dyn Any,
    ) -> Result<usize, CallError> {
        let counted = match adjoint {
            Some(adjoint) => (self.argument)(argument).count(argument, adjoint, shape),
            None => self.check_absent(argument).map(|()| 0),
        };
        counted.map_err(|error| mismatch(self.record, ADJOINT_OF, error))
    }

    fn pull(
        &self,
        residual: &dyn Residual<S>,
        cotangent: &dyn Any,
        adjoints: Optional<'_, '_>,
    ) -> Result<(), CallError> {
        self.check_arity("adjoints", adjoints.len())?;
        let returned = (self.output)()
            .count(0, cotangent, residual.output_shape())
            .map_err(|error| refused(self.record, COTANGENT.into(), error))?;
        let mut counts = [0; MOST_ARGUMENTS];
        let mut found = Ok(());
        residual.each_shape(&mut |argument, shape| {
            if found.is_ok() {
                let counted = self.count(argument, adjoints[argument].as_deref(), shape);
                found = counted.map(|count| counts[argument] = count);
            }
        });
        found?;
        let active = (self.output)().varies(cotangent);
        self.check_known(&|argument| active && adjoints[argument].is_some())?;
        let inputs: usize = counts.iter().sum();
        let overwritten = self.in_place.iter().zip(counts).filter(|(in_place, _)| **in_place);
        let overwritten: usize = overwritten.map(|(_, count)| count).sum();
        // Without an allocation where they are few.
        const FEW: usize = 16;
        let (mut few, mut many) = ([S::zero(); FEW], Vec::new());
        let all = inputs + returned + overwritten;
        let reals = if all <= FEW {
            &mut few[..all]
        } else {
            many.resize(all, S::zero());
            &mut many[..]
        };
        let (inputs, outputs) = reals.split_at_mut(inputs);
        let (returned, mut rest) = outputs.split_at_mut(returned);
        (self.output)().read(cotangent, returned);
        // A zero that somebody gives is strong.
        returned.iter_mut().filter(|x| x.is_constant_zero()).for_each(|x| *x = S::still());
        for (argument, adjoint) in adjoints.iter_mut().enumerate() {
            if let (true, Some(adjoint)) = (self.in_place[argument], adjoint) {
                let handling = (self.argument)(argument);
                handling.read(&**adjoint, split_front(&mut rest, counts[argument]));
                handling.clear(&mut **adjoint);
            }
        }
        let mut rest = &mut *inputs;
        let mut slots = [const { None }; MOST_ARGUMENTS];
        for (argument, adjoint) in adjoints.iter().enumerate() {
            if adjoint.is_some() {
                slots[argument] = Some(Room::from(split_front(&mut rest, counts[argument])));
            }
        }
        residual.reverse(outputs, &mut slots[..adjoints.len()]);
        let mut rest = &*inputs;
        for (argument, adjoint) in adjoints.iter_mut().enumerate() {
            if let Some(adjoint) = adjoint {
                let (terms, others) = rest.split_at(counts[argument]);
                (self.argument)(argument).add(&mut **adjoint, terms);
                rest = others;
            }
        }
        Ok(())
    }
}

impl<S: Real> Erased for Methods<S> {
    fn types(&self) -> Vec<(TypeId, &'static str)> {
        (0..self.in_place.len()).map(self.argument_type).collect()
    }

    fn output(&self) -> (TypeId, &'static str) {
        (self.output_type)()
    }

    fn zeros(&self, arguments: Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError> {
        self.check_arguments(arguments)?;
        let zero =
            |(argument, value): (usize, &&mut dyn Any)| (self.argument)(argument).zero(&**value);
        Ok(arguments.iter().enumerate().map(zero).collect())
    }

    fn call(&self, arguments: Values<'_, '_>, output: &mut dyn Any) -> Result<(), CallError> {
        self.check_arity("values", arguments.len())?;
        self.check_output(output, OUTPUT)?;
        self.check_arguments(arguments)?;
        self.rules.call(self.record, arguments, output)
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
        self.check_arguments(arguments)?;
        for (argument, value) in arguments.iter().enumerate() {
            self.check_tangent(argument, tangents[argument].as_deref(), &**value)?;
        }
        self.check_moved(tangents)?;
        let step = self.rules.step(self.record, arguments, None)?;
        self.write_back(arguments, &*step, Some(output));
        self.push_checked(&*step, tangents, output_tangent);
        Ok(())
    }

    fn pushforward(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Push>, CallError> {
        self.check_rule(Mode::Forward)?;
        self.check_output(output, OUTPUT)?;
        self.check_arguments(arguments)?;
        let step = self.rules.step(self.record, arguments, None)?;
        self.write_back(arguments, &*step, Some(output));
        Ok(Box::new(Pushed { rules: self, step }))
    }

    fn reverse(
        &'static self,
        arguments: Values<'_, '_>,
        output: &mut dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.check_rule(Mode::Reverse)?;
        self.check_output(output, OUTPUT)?;
        self.check_arguments(arguments)?;
        let step = self.rules.step(self.record, arguments, None)?;
        self.write_back(arguments, &*step, Some(output));
        Ok(Box::new(Pulled { rules: self, residual: step.residual() }))
    }

    fn reverse_at(
        &'static self,
        arguments: Values<'_, '_>,
        output: &dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.check_rule(Mode::Reverse)?;
        let (id, wanted) = (self.output_type)();
        if output.type_id() != id {
            let (primitive, place) = ((self.record)().path, OUTPUT.into());
            return Err(CallError::Type { primitive, place, wanted });
        }
        self.check_arguments(arguments)?;
        let step = self.rules.step(self.record, arguments, Some(output))?;
        self.write_back(arguments, &*step, None);
        Ok(Box::new(Pulled { rules: self, residual: step.residual() }))
    }
}
