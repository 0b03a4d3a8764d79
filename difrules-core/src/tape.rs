//! The tape: what reverse mode records, and the sweep over it.
//!
//! A tape numbers the values that are computed. Scalar operations are *statements* in a flat array:
//! the numbers of two operands and the partial derivatives by them. A primitive is one *node*,
//! however many numbers it takes and gives: its results have consecutive numbers, so a matrix is
//! normally one range, and the sweep lends the rule views of the adjoint array itself.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::primitive::{Primitive, Shapes};
use crate::replay::{Instruction, Program, ReplayError};
use crate::scalar::Real;

/// The number of every constant: nobody reads its adjoint.
pub(crate) const CONSTANT: u32 = 0;

/// The bit of a tape's stamp that says to look at each operation: the tape is going to be replayed,
/// or counts where its statements come from. Other tapes pay nothing for it.
pub(crate) const ATTENTIVE: u32 = 1;

/// The most arguments a primitive can have; the attribute refuses more.
pub(crate) const MOST_ARGUMENTS: usize = 16;

/// The tapes of one thread for one scalar: the open ones, innermost last, and a closed one whose
/// memory the next is going to use.
#[doc(hidden)]
pub struct Tapes<S: Real> {
    open: Vec<Tape<S>>,
    spare: Option<Tape<S>>,
    /// Memory for the runs of an application that is not on a tape yet.
    runs: Vec<Run>,
}

/// An operation on at most two numbers.
struct Statement<S> {
    operands: [u32; 2],
    partials: [S; 2],
}

/// A primitive that was applied.
struct Node {
    /// How many statements came before it.
    statements: usize,
    /// The numbers of its results.
    first_output: u32,
    outputs: u32,
    /// Where its residual is kept.
    store: u32,
    entry: u32,
    /// Its arguments, in the tape's spans.
    first_span: u32,
    spans: u32,
}

/// The numbers of one argument's reals: one run where the argument is one range, many where it was
/// put together from pieces.
#[derive(Clone, Copy)]
struct Span {
    first_run: u32,
    runs: u32,
    count: u32,
    /// Whether any of the reals is not a constant.
    active: bool,
}

/// Consecutive numbers, or as many constants.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    start: u32,
    count: u32,
}

/// The residuals of all nodes of one primitive.
pub(crate) trait Store<S: Real> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<&mut [S]>]);
    /// Evaluates again: `inputs` updates a real of an argument, in order, and `outputs` takes the
    /// results' reals.
    fn replay(
        &mut self,
        entry: usize,
        inputs: &mut dyn FnMut(&mut S),
        outputs: &mut dyn FnMut(S),
    ) -> Result<(), ReplayError>;
    fn clear(&mut self);
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

struct StoreOf<P: Primitive, S: Real>(Vec<(P::Residual<S>, Shapes<P>)>);

impl<P: Primitive, S: Real> Default for StoreOf<P, S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: Primitive, S: Real> Store<S> for StoreOf<P, S> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<&mut [S]>]) {
        let (residual, shapes) = &self.0[entry];
        P::reverse(residual, shapes, outputs, slots);
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

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// What was recorded between opening and closing.
pub(crate) struct Tape<S: Real> {
    /// Tells this tape's handles from all others'.
    stamp: u32,
    inputs: u32,
    /// The number the next value gets.
    next: u32,
    statements: Vec<Statement<S>>,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    runs: Vec<Run>,
    stores: Vec<(TypeId, Box<dyn Store<S>>)>,
    /// The adjoints of all values, for the sweep. Between sweeps all are zero but the first `used`,
    /// so that no sweep has to clear them.
    adjoints: Vec<S>,
    used: usize,
    /// What it takes to replay it; then the statements are there, in place of `statements`.
    pub(crate) program: Option<Program<S>>,
    /// Counts the statements by their source.
    #[cfg(feature = "statements")]
    pub(crate) counter: Option<Box<crate::statements::Counter>>,
}

impl<S: Real> Default for Tapes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Real> Tapes<S> {
    pub(crate) const fn new() -> Self {
        Self { open: Vec::new(), spare: None, runs: Vec::new() }
    }

    /// The open tape of this stamp.
    pub(crate) fn tape(&mut self, stamp: u32) -> &mut Tape<S> {
        // The innermost tape is the one that is nearly always meant.
        let found = self.open.iter().rposition(|tape| tape.stamp == stamp);
        match found {
            Some(found) => &mut self.open[found],
            None => panic!(
                "this `Var` is not of an open tape of this thread: it outlived the transform that \
                 made it, or came from another thread; return what you need from the closure, or \
                 call `value()` inside it"
            ),
        }
    }

    /// Records a statement about two operands, given as (stamp, number, partial); returns the
    /// handle of the result.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn statement(&mut self, first: (u32, u32, S), second: (u32, u32, S)) -> (u32, u32) {
        let stamp = one_stamp(first.0, second.0);
        let tape = match self.open.last_mut() {
            Some(tape) if tape.stamp == stamp => tape,
            _ => self.tape(stamp),
        };
        // Numbering can panic, so it comes first: a tape has as many statements as it has numbered.
        let number = tape.number(1);
        tape.statements
            .push(Statement { operands: [first.1, second.1], partials: [first.2, second.2] });
        (stamp, number)
    }
}

/// The stamp of two operands, of which constants have none.
///
/// # Panics
/// If they are of two tapes.
#[inline]
pub(crate) fn one_stamp(first: u32, second: u32) -> u32 {
    if first != second && first != 0 && second != 0 {
        mixed_tapes();
    }
    first | second
}

#[cold]
fn mixed_tapes() -> ! {
    panic!(
        "two `Var`s of different tapes in one operation: to differentiate a derivative, give the \
         inner transform a point made of the outer tape's `Var`s, so that the types nest"
    )
}

impl<S: Real> Tape<S> {
    fn new() -> Self {
        Self {
            stamp: 0,
            inputs: 0,
            next: 1,
            statements: Vec::new(),
            nodes: Vec::new(),
            spans: Vec::new(),
            runs: Vec::new(),
            stores: Vec::new(),
            adjoints: Vec::new(),
            used: 0,
            program: None,
            #[cfg(feature = "statements")]
            counter: None,
        }
    }

    fn clear(&mut self) {
        self.statements.clear();
        self.nodes.clear();
        self.spans.clear();
        self.runs.clear();
        for (_, store) in &mut self.stores {
            store.clear();
        }
    }

    /// The stamp of its handles.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Numbers the next `count` values; returns the first number.
    #[inline]
    fn number(&mut self, count: usize) -> u32 {
        let first = self.next;
        self.next = u32::try_from(count)
            .ok()
            .and_then(|count| first.checked_add(count))
            .expect("a tape numbers at most 2^32 - 1 values; split the computation");
        first
    }

    /// Keeps something in the store of its type; `push` returns its place there.
    #[inline]
    pub(crate) fn keep<Kept: Store<S> + Default + 'static>(
        &mut self,
        push: impl FnOnce(&mut Kept) -> usize,
    ) -> (u32, u32) {
        let id = TypeId::of::<Kept>();
        let found = self.stores.iter().position(|(other, _)| *other == id);
        let index = found.unwrap_or_else(|| {
            self.stores.push((id, Box::new(Kept::default())));
            self.stores.len() - 1
        });
        let store = self.stores[index].1.as_any_mut().downcast_mut().expect("stored by its type");
        (index as u32, push(store) as u32)
    }

    /// Keeps what the reverse rule of `P` reads.
    #[inline]
    pub(crate) fn keep_residual<P: Primitive>(
        &mut self,
        residual: P::Residual<S>,
        shapes: Shapes<P>,
    ) -> (u32, u32) {
        self.keep(|StoreOf::<P, S>(entries)| {
            entries.push((residual, shapes));
            entries.len() - 1
        })
    }

    /// Appends a statement to the program of a tape that is replayed; returns its result's number.
    pub(crate) fn instruct(&mut self, instruction: Instruction, value: S) -> u32 {
        let number = self.number(1);
        let program = self.program.as_mut().expect("this tape is replayed");
        program.instructions.push(instruction);
        program.values.push(value);
        number
    }

    /// Computes all values again from those of the inputs.
    ///
    /// # Errors
    /// What came out differently.
    pub(crate) fn replay(&mut self) -> Result<(), ReplayError> {
        let Self { program, nodes, spans, runs, stores, inputs, .. } = self;
        let program = program.as_mut().expect("this tape is replayed");
        let (mut number, mut statements) = (*inputs + 1, 0);
        for node in nodes.iter() {
            program.run(statements..node.statements, number);
            let mut first_runs = spans[node.first_span as usize..][..node.spans as usize]
                .iter()
                .flat_map(|span| &runs[span.first_run as usize..][..span.runs as usize]);
            let mut run = Run { start: CONSTANT, count: 0 };
            let (before, after) = program.values.split_at_mut(node.first_output as usize);
            let mut outputs = after.iter_mut();
            stores[node.store as usize].1.replay(
                node.entry as usize,
                &mut |x| {
                    while run.count == 0 {
                        run = *first_runs.next().expect("a run for every real");
                    }
                    if run.start != CONSTANT {
                        *x = before[run.start as usize];
                        run.start += 1;
                    }
                    run.count -= 1;
                },
                &mut |y| *outputs.next().expect("counted when it was recorded") = y,
            )?;
            number = node.first_output + node.outputs;
            statements = node.statements;
        }
        program.run(statements..program.instructions.len(), number);
        program.check()
    }

    /// How many statements came so far.
    fn statements(&self) -> usize {
        self.program.as_ref().map_or(self.statements.len(), |program| program.instructions.len())
    }

    /// Carries the adjoints of the results that the seed names back to the inputs; returns those, in
    /// order.
    pub(crate) fn sweep(&mut self, seed: impl IntoIterator<Item = (u32, S)>) -> &[S] {
        let values = self.next as usize;
        let inputs = self.inputs as usize;
        // A rule may panic: then the adjoints are gone, and not half swept.
        let mut adjoints = std::mem::take(&mut self.adjoints);
        if adjoints.len() < values {
            adjoints = vec![S::zero(); values];
        } else {
            adjoints[..self.used].fill(S::zero());
        }
        // What came after the last result that is wanted is dead.
        let mut last = 0;
        for (number, adjoint) in seed {
            adjoints[number as usize] += adjoint;
            last = number.max(last);
        }
        let mut scratch = Vec::new();
        let mut number = self.next;
        let mut statements = self.statements();
        let sweep = |first: u32,
                     first_statement: usize,
                     number: u32,
                     statements: usize,
                     adjoints: &mut [S]| {
            let end = number.min(last + 1).max(first);
            let statements = first_statement..statements - (number - end) as usize;
            self.sweep_statements(statements, first..end, adjoints);
        };
        for node in self.nodes.iter().rev() {
            let after = node.first_output + node.outputs;
            sweep(after, node.statements, number, statements, &mut adjoints);
            if node.first_output <= last {
                self.sweep_node(node, &mut adjoints, &mut scratch);
            }
            number = node.first_output;
            statements = node.statements;
        }
        sweep(self.inputs + 1, 0, number, statements, &mut adjoints);
        // No result is wanted but constants, whose adjoint is nobody's.
        adjoints[CONSTANT as usize] = S::zero();
        self.used = inputs + 1;
        self.adjoints = adjoints;
        &self.adjoints[1..=inputs]
    }

    fn sweep_statements(
        &self,
        statements: std::ops::Range<usize>,
        numbers: std::ops::Range<u32>,
        adjoints: &mut [S],
    ) {
        debug_assert_eq!(statements.len(), numbers.len());
        if let Some(program) = &self.program {
            return program.sweep(statements, numbers, adjoints);
        }
        for (statement, number) in self.statements[statements].iter().zip(numbers).rev() {
            let adjoint = adjoints[number as usize];
            // Zero is strong: it contributes nothing, whatever the partial.
            if adjoint.is_zero() {
                continue;
            }
            adjoints[number as usize] = S::zero();
            for (operand, partial) in statement.operands.into_iter().zip(statement.partials) {
                if operand != CONSTANT {
                    adjoints[operand as usize] += partial * adjoint;
                }
            }
        }
    }

    fn sweep_node(&self, node: &Node, adjoints: &mut [S], scratch: &mut Vec<S>) {
        // As much room as most nodes need: more takes time.
        match node.spans {
            0..=2 => self.sweep_node_within::<2>(node, adjoints, scratch),
            3..=4 => self.sweep_node_within::<4>(node, adjoints, scratch),
            _ => self.sweep_node_within::<MOST_ARGUMENTS>(node, adjoints, scratch),
        }
    }

    fn sweep_node_within<const ARGUMENTS: usize>(
        &self,
        node: &Node,
        adjoints: &mut [S],
        scratch: &mut Vec<S>,
    ) {
        let (inputs, outputs) = adjoints.split_at_mut(node.first_output as usize);
        let outputs = &mut outputs[..node.outputs as usize];
        if outputs.iter().all(|adjoint| adjoint.is_zero()) {
            return;
        }
        let first_span = node.first_span as usize;
        let spans = &self.spans[first_span..first_span + node.spans as usize];
        let store = &self.stores[node.store as usize].1;

        // Arguments that are one range of their own lend it; the others share the scratch.
        let mut lent = [const { None }; ARGUMENTS];
        let mut order: [usize; ARGUMENTS] = std::array::from_fn(|i| i);
        let order = &mut order[..spans.len()];
        let start = |i: &usize| self.runs_of(&spans[*i]).first().map_or(0, |run| run.start);
        if !order.is_sorted_by_key(start) {
            order.sort_unstable_by_key(start);
        }
        let mut rest = inputs;
        let mut offset = 0;
        let mut scattered = 0;
        for &i in order.iter() {
            let span = &spans[i];
            if !span.active {
                continue;
            }
            match *self.runs_of(span) {
                [run] if run.start as usize >= offset => {
                    let (_, from_start) = rest.split_at_mut(run.start as usize - offset);
                    let (own, after) = from_start.split_at_mut(run.count as usize);
                    lent[i] = Some(own);
                    rest = after;
                    offset = (run.start + run.count) as usize;
                }
                _ => scattered += span.count as usize,
            }
        }
        let direct = lent.each_ref().map(Option::is_some);
        scratch.clear();
        scratch.resize(scattered, S::zero());
        let mut free = scratch.as_mut_slice();
        for (i, span) in spans.iter().enumerate() {
            if span.active && !direct[i] {
                lent[i] = Some(crate::value::split_front(&mut free, span.count as usize));
            }
        }
        store.reverse(node.entry as usize, outputs, &mut lent[..spans.len()]);
        outputs.fill(S::zero());

        let mut collected = scratch.iter();
        for (i, span) in spans.iter().enumerate() {
            if span.active && !direct[i] {
                self.scatter(span, collected.by_ref(), adjoints);
            }
        }
    }

    fn runs_of(&self, span: &Span) -> &[Run] {
        let first = span.first_run as usize;
        &self.runs[first..first + span.runs as usize]
    }

    /// Adds the contributions to the adjoints that the span names.
    fn scatter<'a>(
        &self,
        span: &Span,
        contributions: &mut impl Iterator<Item = &'a S>,
        adjoints: &mut [S],
    ) {
        for run in self.runs_of(span) {
            let contributions = contributions.by_ref().take(run.count as usize);
            if run.start == CONSTANT {
                contributions.for_each(drop);
            } else {
                for (adjoint, &contribution) in
                    adjoints[run.start as usize..].iter_mut().zip(contributions)
                {
                    if !contribution.is_zero() {
                        *adjoint += contribution;
                    }
                }
            }
        }
    }
}

/// The arguments of an application of a primitive, while they are read.
pub(crate) struct Reading {
    /// The tape of the arguments; zero as long as all are constants.
    stamp: u32,
    runs: Vec<Run>,
    /// The run that is growing.
    current: Run,
    /// How many runs the arguments up to each have.
    ends: [u32; MOST_ARGUMENTS],
    /// The argument whose reals come now.
    argument: usize,
}

/// What the handles of an argument have in common, found without a branch.
#[derive(Clone, Copy)]
pub(crate) struct Whole {
    count: u32,
    /// All bits that any of the handles has.
    any: u64,
    /// All bits that any handle, or every one, has after its place is subtracted from its number:
    /// the same if the argument is one range.
    any_start: u64,
    every_start: u64,
}

impl Whole {
    #[inline]
    pub(crate) fn new() -> Self {
        Self { count: 0, any: 0, any_start: 0, every_start: u64::MAX }
    }

    /// The next real: the stamp of its tape and its number there.
    #[inline]
    pub(crate) fn push(&mut self, stamp: u32, number: u32) {
        let handle = u64::from(stamp) << 32 | u64::from(number);
        let start = handle.wrapping_sub(u64::from(self.count));
        self.any |= handle;
        self.any_start |= start;
        self.every_start &= start;
        self.count += 1;
    }
}

impl Reading {
    /// Starts, in memory that earlier ones have left.
    pub(crate) fn new<S: Real>() -> Self {
        Self {
            stamp: 0,
            runs: std::mem::take(&mut S::tapes().borrow_mut().runs),
            current: Run { start: CONSTANT, count: 0 },
            ends: [0; MOST_ARGUMENTS],
            argument: 0,
        }
    }

    /// The next argument, if it is one range or constant.
    ///
    /// # Panics
    /// If the arguments are of two tapes.
    pub(crate) fn push_whole(&mut self, argument: usize, whole: Whole) -> bool {
        let (stamp, start) = ((whole.any_start >> 32) as u32, whole.any_start as u32);
        let range = whole.any_start == whole.every_start && start != CONSTANT;
        if !range && whole.any != 0 {
            return false;
        }
        self.end_run();
        self.end_arguments(argument);
        let start = if whole.any == 0 { CONSTANT } else { start };
        if start != CONSTANT {
            self.stamp = one_stamp(self.stamp, stamp);
        }
        self.current = Run { start, count: whole.count };
        true
    }

    /// The next real of an argument: the stamp of its tape and its number there.
    ///
    /// # Panics
    /// If the arguments are of two tapes.
    pub(crate) fn push(&mut self, argument: usize, stamp: u32, number: u32) {
        let Run { start, count } = self.current;
        // A range goes on where its end and the number meet; for a range of constants both are zero.
        let follows =
            number == if start == CONSTANT { CONSTANT } else { start.wrapping_add(count) };
        if follows && argument == self.argument && (stamp == self.stamp || number == CONSTANT) {
            self.current.count += 1;
            return;
        }
        if number != CONSTANT {
            self.stamp = one_stamp(self.stamp, stamp);
        }
        self.end_run();
        self.end_arguments(argument);
        self.current = Run { start: number, count: 1 };
    }

    fn end_run(&mut self) {
        if self.current.count > 0 {
            self.runs.push(self.current);
            self.current.count = 0;
        }
    }

    /// Ends the arguments before this one.
    fn end_arguments(&mut self, argument: usize) {
        while self.argument < argument {
            self.ends[self.argument] = self.runs.len() as u32;
            self.argument += 1;
        }
    }

    /// Ends the reading of this many arguments.
    pub(crate) fn finish(&mut self, arguments: usize) {
        self.end_run();
        self.end_arguments(arguments);
    }

    /// The tape of the arguments; zero if all are constants.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// The number that the next value on the arguments' tape gets.
    pub(crate) fn next_number<S: Real>(&self) -> u32 {
        S::tapes().borrow_mut().tape(self.stamp).next
    }

    /// How many reals argument `i` has.
    fn count(&self, i: usize) -> u32 {
        self.runs_of(i).iter().map(|run| run.count).sum()
    }

    fn runs_of(&self, i: usize) -> &[Run] {
        let first = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.runs[first as usize..self.ends[i] as usize]
    }

    /// Records a node with this many results, what whose rule reads `keep` keeps; returns the number
    /// of its first result.
    #[inline]
    pub(crate) fn record<S: Real>(
        &self,
        outputs: usize,
        keep: impl FnOnce(&mut Tape<S>) -> (u32, u32),
    ) -> u32 {
        let mut tapes = S::tapes().borrow_mut();
        let tape = tapes.tape(self.stamp);
        let first_output = tape.number(outputs);
        let (store, entry) = keep(tape);
        tape.nodes.push(Node {
            statements: tape.statements(),
            first_output,
            outputs: outputs as u32,
            store,
            entry,
            first_span: tape.spans.len() as u32,
            spans: self.argument as u32,
        });
        for i in 0..self.argument {
            let runs = self.runs_of(i);
            tape.spans.push(Span {
                first_run: tape.runs.len() as u32,
                runs: runs.len() as u32,
                count: self.count(i),
                active: runs.iter().any(|run| run.start != CONSTANT),
            });
            tape.runs.extend_from_slice(runs);
        }
        first_output
    }

    /// Leaves the memory to the next one.
    pub(crate) fn close<S: Real>(mut self) {
        self.runs.clear();
        S::tapes().borrow_mut().runs = self.runs;
    }
}

/// A tape that is open for as long as this lives.
pub(crate) struct Opened<S: Real> {
    stamp: u32,
    scalar: std::marker::PhantomData<S>,
}

impl<S: Real> Opened<S> {
    /// Opens a tape with this many inputs, numbered from 1.
    pub(crate) fn new(inputs: usize) -> Self {
        Self::with_stamp(inputs, 0, |_| {})
    }

    /// Opens a tape that looks at each operation.
    pub(crate) fn attentive(inputs: usize, prepare: impl FnOnce(&mut Tape<S>)) -> Self {
        Self::with_stamp(inputs, ATTENTIVE, prepare)
    }

    fn with_stamp(inputs: usize, attentive: u32, prepare: impl FnOnce(&mut Tape<S>)) -> Self {
        /// Zero is the stamp of constants. A stamp comes back only after 2^31 tapes.
        static STAMPS: AtomicU32 = AtomicU32::new(1);
        let mut stamp = 0;
        while stamp == 0 {
            stamp = STAMPS.fetch_add(1, Ordering::Relaxed) << 1;
        }
        let stamp = stamp | attentive;
        let mut tapes = S::tapes().borrow_mut();
        let mut tape = tapes.spare.take().unwrap_or_else(Tape::new);
        tape.stamp = stamp;
        tape.next = 1;
        tape.number(inputs);
        tape.inputs = inputs as u32;
        prepare(&mut tape);
        tapes.open.push(tape);
        Self { stamp, scalar: std::marker::PhantomData }
    }

    /// The stamp of its handles.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Closes the tape and gives it to `f`: what is recorded meanwhile goes to the tapes outside.
    pub(crate) fn close<Out>(self, f: impl FnOnce(&mut Tape<S>) -> Out) -> Out {
        let mut tape = self.take().expect("open until now");
        let out = f(&mut tape);
        self.reuse(tape);
        out
    }

    /// Closes the tape and keeps it.
    pub(crate) fn keep(self) -> Tape<S> {
        self.take().expect("open until now")
    }

    fn take(&self) -> Option<Tape<S>> {
        let open = &mut S::tapes().borrow_mut().open;
        let found = open.iter().rposition(|tape| tape.stamp == self.stamp)?;
        Some(open.remove(found))
    }

    /// Empties the tape and leaves its memory to the next one.
    fn reuse(&self, mut tape: Tape<S>) {
        tape.clear();
        tape.program = None;
        #[cfg(feature = "statements")]
        {
            tape.counter = None;
        }
        S::tapes().borrow_mut().spare = Some(tape);
    }
}

impl<S: Real> Drop for Opened<S> {
    /// Leaves no open tape behind a panic.
    fn drop(&mut self) {
        if let Some(tape) = self.take() {
            self.reuse(tape);
        }
    }
}

/// New tapes for this thread. They stay where they are, but with the thread their memory goes.
#[cold]
pub(crate) fn new_tapes<S: Real>() -> &'static RefCell<Tapes<S>> {
    struct AtExit(RefCell<Vec<Box<dyn Fn()>>>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.borrow().iter().for_each(|leave| leave());
        }
    }
    thread_local! {
        static AT_EXIT: AtExit = const { AtExit(RefCell::new(Vec::new())) };
    }
    let tapes: &'static RefCell<Tapes<S>> = Box::leak(Box::new(RefCell::new(Tapes::new())));
    let leave = Box::new(|| {
        tapes.take();
    });
    // A thread that ends already does not come here again.
    let _ = AT_EXIT.try_with(|at_exit| at_exit.0.borrow_mut().push(leave));
    tapes
}

/// The tapes of a scalar that has no place of its own for them: looked up by type.
pub(crate) fn tapes_by_type<S: Real>() -> &'static RefCell<Tapes<S>> {
    thread_local! {
        static TAPES: RefCell<Vec<(TypeId, &'static dyn Any)>> = const { RefCell::new(Vec::new()) };
    }
    let id = TypeId::of::<S>();
    let known = TAPES
        .with_borrow(|all| all.iter().find(|(other, _)| *other == id).map(|(_, tapes)| *tapes));
    let tapes = known.unwrap_or_else(|| {
        let tapes: &'static dyn Any = new_tapes::<S>();
        TAPES.with_borrow_mut(|all| all.push((id, tapes)));
        tapes
    });
    tapes.downcast_ref().expect("stored by its type")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cotangent, Real, Slot, Var, primitive};
    use nalgebra::{ComplexField, DMatrix, RealField};

    /// 2 A.
    #[primitive(
        forward = |_, _, a_dot| a_dot * nalgebra::convert::<f64, T>(2.0),
        reverse = twice_reverse,
        reads(),
        instances(f64),
        sample = |random| random.matrix(2, 3)
    )]
    fn twice<T: Real>(a: &DMatrix<T>) -> DMatrix<T> {
        a * nalgebra::convert::<f64, T>(2.0)
    }

    fn twice_reverse<T: Real>(y_bar: Cotangent<'_, DMatrix<T>>, a_bar: Slot<'_, DMatrix<T>>) {
        a_bar.add(|| y_bar * nalgebra::convert::<f64, T>(2.0));
    }

    /// Records `f` of a 10 x 10 matrix and looks at the tape.
    fn recorded(f: impl FnOnce(&DMatrix<Var<f64>>), look: impl FnOnce(&mut Tape<f64>)) {
        let opened = Opened::<f64>::new(100);
        let stamp = opened.stamp();
        f(&DMatrix::from_fn(10, 10, |i, j| Var::recorded(1.0, stamp, (1 + i + 10 * j) as u32)));
        opened.close(look);
    }

    #[test]
    fn a_statement_takes_24_bytes() {
        assert_eq!(size_of::<Statement<f64>>(), 24);
    }

    #[test]
    fn a_matrix_operation_is_one_node_about_ranges() {
        recorded(
            |a| {
                twice(&twice(a));
            },
            |tape| {
                assert_eq!((tape.statements.len(), tape.nodes.len()), (0, 2));
                let runs: Vec<_> = tape.runs.iter().map(|run| (run.start, run.count)).collect();
                assert_eq!(runs, [(1, 100), (101, 100)]);
                assert_eq!(tape.next, 301);
            },
        );
    }

    #[test]
    fn pieces_and_constants_are_runs() {
        recorded(
            |a| {
                let mut a = a.clone();
                a[(3, 0)] = Var::constant(5.0);
                a[(0, 1)] = a[(0, 1)] * a[(0, 1)];
                twice(&a);
                // Nothing of constants is recorded.
                twice(&a.map(|x| Var::constant(x.value())));
            },
            |tape| {
                assert_eq!((tape.statements.len(), tape.nodes.len()), (1, 1));
                let runs: Vec<_> = tape.runs.iter().map(|run| (run.start, run.count)).collect();
                assert_eq!(runs, [(1, 3), (0, 1), (5, 6), (101, 1), (12, 89)]);
                let swept = tape.sweep((102..202).map(|number| (number, 1.0)));
                assert_eq!((swept[0], swept[3], swept[10], swept[99]), (2.0, 0.0, 4.0, 2.0));
            },
        );
    }

    #[test]
    fn scalar_primitives_are_statements() {
        recorded(
            |a| {
                let x =
                    a[0].sin() * Var::constant(2.0) + a[1].atan2(a[2]) - a[3].mul_add(a[4], a[5]);
                // Three operands take two statements.
                assert!(!x.is_constant());
            },
            |tape| assert_eq!((tape.statements.len(), tape.nodes.len()), (7, 0)),
        );
    }
}
