//! What stands for the methods without the feature `calls`.

use std::any::{Any, TypeId};
use std::marker::PhantomData;

use crate::contract::passing::{Arguments, Passing, Reference};
use crate::contract::primitive::Primitive;
use crate::contract::scalar::Real;
use crate::registry::Record;
use crate::registry::call::{CallError, Erased, Optional, Pull, Push, Values};

/// The types of a primitive at a real scalar.
pub(super) struct MethodsOf<P, S>(PhantomData<(P, S)>);

impl<P: Primitive, S: Real> MethodsOf<P, S> {
    pub(super) const METHODS: &'static NotCompiled = &NotCompiled {
        record: P::record,
        in_place: P::Arguments::IN_PLACE,
        argument: P::Arguments::types::<S>,
        output: Reference::<P::Output>::types::<S>,
    };
}

pub(super) struct NotCompiled {
    record: fn() -> &'static Record,
    in_place: &'static [bool],
    argument: fn(usize) -> (TypeId, &'static str),
    output: fn() -> (TypeId, &'static str),
}

impl NotCompiled {
    fn refused<Wanted>(&self) -> Result<Wanted, CallError> {
        Err(CallError::NotCompiled { primitive: (self.record)().path })
    }
}

impl Erased for NotCompiled {
    fn types(&self) -> Vec<(TypeId, &'static str)> {
        (0..self.in_place.len()).map(self.argument).collect()
    }

    fn output(&self) -> (TypeId, &'static str) {
        (self.output)()
    }

    fn call(&self, _: Values<'_, '_>, _: &mut dyn Any) -> Result<(), CallError> {
        self.refused()
    }

    fn forward(
        &self,
        _: Values<'_, '_>,
        _: Optional<'_, '_>,
        _: &mut dyn Any,
        _: &mut dyn Any,
    ) -> Result<(), CallError> {
        self.refused()
    }

    fn pushforward(
        &'static self,
        _: Values<'_, '_>,
        _: &mut dyn Any,
    ) -> Result<Box<dyn Push>, CallError> {
        self.refused()
    }

    fn reverse(
        &'static self,
        _: Values<'_, '_>,
        _: &mut dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.refused()
    }

    fn reverse_at(
        &'static self,
        _: Values<'_, '_>,
        _: &dyn Any,
    ) -> Result<Box<dyn Pull>, CallError> {
        self.refused()
    }

    fn zeros(&self, _: Values<'_, '_>) -> Result<Vec<Box<dyn Any>>, CallError> {
        self.refused()
    }
}
