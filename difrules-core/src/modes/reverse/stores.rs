//! What reverse rules read, kept by primitive.

use std::any::type_name;

use crate::contract::passing::{Arguments, each, overwritten, same};
use crate::contract::primitive::{Inputs, Output, Primitive, Shapes};
use crate::contract::scalar::Real;
use crate::contract::value::Differentiable;
use crate::diagnostic::jumped;
use crate::tape::{Connections, ReplayError, Room, Store, Tape};

/// Whether the reverse rule of `P` is told which zeros are strong where a result is not finite: products are such, of
/// which a rule reads the factors.
pub(super) fn is_told<P: Primitive, S: Real>() -> bool {
    P::RESTING && size_of::<P::Residual<S>>() > 0
}

/// Why there is a residual to take.
pub(super) const ONCE: &str = "a node is recorded once";

/// What the results of `P` depend on.
fn connections<P: Primitive, S: Real>() -> Connections {
    let names = [type_name::<Inputs<P, S>>(), type_name::<Output<P, S>>()];
    // Both parts of a complex number are one place; a type of which nobody here knows may have such inside.
    let of_complex = names.iter().any(|name| name.contains("Complex<"));
    Connections {
        places: (P::PLACES || P::ENTRYWISE) && names.iter().all(|name| is_known(name)),
        linear: P::LINEAR,
        parts: if of_complex { 2 } else { 1 },
    }
}

/// Whether a type is made of those of Rust, nalgebra and these crates alone.
fn is_known(name: &str) -> bool {
    const CRATES: [&str; 7] =
        ["alloc", "core", "std", "nalgebra", "num_complex", "difrules_core", "difrules_linalg"];
    let mut paths = name.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    paths.all(|path| path.split_once("::").is_none_or(|(of, _)| CRATES.contains(&of)))
}

impl<S: Real> Tape<S> {
    /// Keeps what the reverse rule of `P` reads.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn keep_residual<P: Primitive>(
        &mut self,
        residual: &mut Option<P::Residual<S>>,
        shapes: Shapes<P>,
    ) -> (u32, u32) {
        self.note_jump(jumped(|| P::record().name));
        self.keep(|StoreOf::<P, S>(entries)| {
            entries.push((residual.take().expect(ONCE), shapes));
            entries.len() - 1
        })
    }

    /// Keeps what it takes to evaluate `P` again, and what its reverse rule reads.
    pub(crate) fn keep_replayed<P: Primitive>(
        &mut self,
        inputs: Inputs<P, S>,
        residual: P::Residual<S>,
        shapes: Shapes<P>,
        outputs: &[S],
    ) -> (u32, u32) {
        self.note_jump(jumped(|| P::record().name));
        self.plan.as_mut().expect("this tape is replayed").values.extend_from_slice(outputs);
        self.keep(|Replayed::<P, S>(entries)| {
            entries.push((inputs, residual, shapes));
            entries.len() - 1
        })
    }
}

/// The residuals of all nodes of one primitive, and the shapes.
struct StoreOf<P: Primitive, S: Real>(Vec<(P::Residual<S>, Shapes<P>)>);

impl<P: Primitive, S: Real> Default for StoreOf<P, S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Primitive, S: Real> Store<S> for StoreOf<P, S> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]) {
        let (residual, shapes) = &self.0[entry];
        P::reverse(residual, shapes, outputs, slots);
    }

    fn is_entrywise(&self) -> bool {
        P::ENTRYWISE
    }

    fn is_resting(&self) -> bool {
        P::RESTING
    }

    fn connections(&self) -> Connections {
        connections::<P, S>()
    }

    fn replay(
        &mut self,
        _: usize,
        _: &mut dyn FnMut(&mut S),
        _: &mut dyn FnMut(S),
    ) -> Result<(), ReplayError> {
        unreachable!("a tape that is replayed keeps arguments too")
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

/// The evaluations of one primitive on a tape that is replayed: its arguments, what its reverse rule
/// reads, and the shapes.
struct Replayed<P: Primitive, S: Real>(Vec<(Inputs<P, S>, P::Residual<S>, Shapes<P>)>);

impl<P: Primitive, S: Real> Default for Replayed<P, S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Primitive, S: Real> Store<S> for Replayed<P, S> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]) {
        let (_, residual, shapes) = &self.0[entry];
        P::reverse(residual, shapes, outputs, slots);
    }

    fn is_entrywise(&self) -> bool {
        P::ENTRYWISE
    }

    fn is_resting(&self) -> bool {
        P::RESTING
    }

    fn connections(&self) -> Connections {
        connections::<P, S>()
    }

    fn is_told(&self) -> bool {
        is_told::<P, S>()
    }

    fn jumped(&self) -> bool {
        jumped(|| P::record().name)
    }

    fn replay(
        &mut self,
        entry: usize,
        inputs: &mut dyn FnMut(&mut S),
        outputs: &mut dyn FnMut(S),
    ) -> Result<(), ReplayError> {
        let (arguments, residual, shapes) = &mut self.0[entry];
        P::Arguments::update::<S>(arguments, &mut each(inputs));
        let failed = |text: String| ReplayError::Primitive { primitive: P::record().path, text };
        let copies = P::Arguments::map::<S, S>(arguments, &mut same);
        let mut evaluation =
            P::evaluate::<S>(copies).map_err(|error| failed(format!("failed: {error:?}")))?;
        let found = P::shapes(&evaluation);
        if !P::Arguments::same_shapes(&found.0, &shapes.0) || found.1 != shapes.1 {
            return Err(failed("gave a result of another shape".into()));
        }
        evaluation.output.for_each_real(&mut &mut *outputs);
        let in_place = P::Arguments::IN_PLACE;
        P::Arguments::update::<S>(&mut evaluation.inputs, &mut overwritten(in_place, outputs));
        *residual = P::residual(evaluation);
        Ok(())
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
