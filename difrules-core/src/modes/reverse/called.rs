//! Functions that are known when the program runs, on a tape that is replayed.

use std::any::Any;

use crate::contract::primitive::Called;
use crate::contract::scalar::Real;
use crate::modes::reverse::var::Var;
use crate::tape::ReplayError;
use crate::tape::{Reading, Room, Store};

/// A call, at the point where it was made last.
struct Call<F, T> {
    function: F,
    arguments: Vec<T>,
    /// Whether each argument is of the tape.
    wanted: Vec<bool>,
    /// The derivatives by the arguments; none by those that do not matter.
    partials: Vec<Option<T>>,
}

/// The calls on a tape.
struct Calls<F, T>(Vec<Call<F, T>>);

impl<F, T> Default for Calls<F, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Called, T: Real> Call<F, T> {
    /// Calls it; returns the value.
    fn call(&mut self) -> Result<T, F::Error> {
        let value = T::call(self.function, &self.arguments)?;
        for (i, partial) in self.partials.iter_mut().enumerate().filter(|(i, _)| self.wanted[*i]) {
            *partial = self.function.partial(i, &self.arguments, value)?;
        }
        Ok(value)
    }
}

/// Calls a function of numbers of such a tape.
pub(crate) fn record<F: Called, T: Real>(
    function: F,
    arguments: &[Var<T>],
) -> Result<Var<T>, F::Error> {
    let mut reading = Reading::new();
    let mut wanted = Vec::with_capacity(arguments.len());
    for (i, x) in arguments.iter().enumerate() {
        reading.push(i, x.stamp(), x.tape_number());
        wanted.push(!x.is_constant());
    }
    reading.finish(arguments.len());
    let values: Vec<_> = arguments.iter().map(|x| x.value_unseen()).collect();
    let partials = vec![None; values.len()];
    let mut call = Call { function, arguments: values, wanted, partials };
    call.call().map(|value| {
        let number = reading.record::<T>(1, false, |tape| {
            if let Some(plan) = &mut tape.plan {
                plan.values.push(value);
            }
            tape.keep(|Calls(calls)| {
                calls.push(call);
                calls.len() - 1
            })
        });
        Var::recorded(value, reading.stamp(), number)
    })
}

impl<F: Called, T: Real> Store<T> for Calls<F, T> {
    fn reverse(&self, entry: usize, outputs: &mut [T], slots: &mut [Option<Room<'_, T>>]) {
        for (slot, partial) in slots.iter_mut().zip(&self.0[entry].partials) {
            if let (Some(slot), Some(partial)) = (slot.take(), partial) {
                slot.add(&[*partial * outputs[0]]);
            }
        }
    }

    fn is_entrywise(&self) -> bool {
        true
    }

    fn replay(
        &mut self,
        entry: usize,
        inputs: &mut dyn FnMut(&mut T),
        outputs: &mut dyn FnMut(T),
    ) -> Result<(), ReplayError> {
        let call = &mut self.0[entry];
        call.arguments.iter_mut().for_each(inputs);
        let function = call.function;
        let failed = |error| ReplayError::Primitive {
            primitive: function.path(),
            text: format!("failed: {error}"),
        };
        outputs(call.call().map_err(failed)?);
        Ok(())
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
