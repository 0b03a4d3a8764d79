//! The tape: what reverse mode records, and the sweep over it.
//!
//! A tape numbers the values that are computed. Scalar operations are *statements* in a flat array:
//! the numbers of two operands and the partial derivatives by them. A primitive is one *node*,
//! however many numbers it takes and gives: its results have consecutive numbers, so a matrix is
//! normally one range, and the sweep lends the rule views of the adjoint array itself.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::primitive::Primitive;
use crate::scalar::Real;

/// The number of every constant: nobody reads its adjoint.
pub(crate) const CONSTANT: u32 = 0;

/// The most arguments a primitive can have; the attribute refuses more.
pub(crate) const MOST_ARGUMENTS: usize = 16;

/// The tapes of one thread for one scalar: the open ones, innermost last, and a closed one whose
/// memory the next is going to use.
#[doc(hidden)]
pub struct Tapes<S: Real> {
    open: Vec<Tape<S>>,
    spare: Option<Tape<S>>,
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
struct Run {
    start: u32,
    count: u32,
}

/// The residuals of all nodes of one primitive.
trait Store<S: Real> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<&mut [S]>]);
    fn clear(&mut self);
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

struct StoreOf<P: Primitive, S: Real>(Vec<(P::Residual<S>, P::Shapes<S>)>);

impl<P: Primitive, S: Real> Store<S> for StoreOf<P, S> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<&mut [S]>]) {
        let (residual, shapes) = &self.0[entry];
        P::reverse(residual, shapes, outputs, slots);
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
}

impl<S: Real> Tapes<S> {
    pub(crate) const fn new() -> Self {
        Self { open: Vec::new(), spare: None }
    }

    /// The open tape of this stamp.
    fn tape(&mut self, stamp: u32) -> &mut Tape<S> {
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
    #[inline]
    pub(crate) fn statement(&mut self, first: (u32, u32, S), second: (u32, u32, S)) -> (u32, u32) {
        let stamp = one_stamp(first.0, second.0);
        let tape = match self.open.last_mut() {
            Some(tape) if tape.stamp == stamp => tape,
            _ => self.tape(stamp),
        };
        tape.statements
            .push(Statement { operands: [first.1, second.1], partials: [first.2, second.2] });
        (stamp, tape.number(1))
    }
}

/// The stamp of two operands, of which constants have none.
///
/// # Panics
/// If they are of two tapes.
#[inline]
fn one_stamp(first: u32, second: u32) -> u32 {
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

    fn store<P: Primitive>(&mut self) -> (u32, &mut StoreOf<P, S>) {
        let id = TypeId::of::<StoreOf<P, S>>();
        let found = self.stores.iter().position(|(other, _)| *other == id);
        let index = found.unwrap_or_else(|| {
            self.stores.push((id, Box::new(StoreOf::<P, S>(Vec::new()))));
            self.stores.len() - 1
        });
        let store = self.stores[index].1.as_any_mut().downcast_mut().expect("stored by its type");
        (index as u32, store)
    }

    /// The adjoints of all values, all zero but those that the seed names.
    pub(crate) fn adjoints(&self, seed: impl IntoIterator<Item = (u32, S)>) -> Vec<S> {
        let mut adjoints = vec![S::zero(); self.next as usize];
        for (number, adjoint) in seed {
            adjoints[number as usize] += adjoint;
        }
        adjoints
    }

    /// Carries the adjoints of the results back to the inputs; returns those, in order.
    pub(crate) fn sweep<'a>(&self, adjoints: &'a mut [S]) -> &'a [S] {
        let mut scratch = Vec::new();
        let mut number = self.next;
        let mut statements = self.statements.len();
        for node in self.nodes.iter().rev() {
            let after = node.first_output + node.outputs;
            self.sweep_statements(node.statements..statements, after..number, adjoints);
            self.sweep_node(node, adjoints, &mut scratch);
            number = node.first_output;
            statements = node.statements;
        }
        self.sweep_statements(0..statements, self.inputs + 1..number, adjoints);
        &adjoints[1..=self.inputs as usize]
    }

    fn sweep_statements(
        &self,
        statements: std::ops::Range<usize>,
        numbers: std::ops::Range<u32>,
        adjoints: &mut [S],
    ) {
        debug_assert_eq!(statements.len(), numbers.len());
        for (statement, number) in self.statements[statements].iter().zip(numbers).rev() {
            let adjoint = adjoints[number as usize];
            // Zero is strong: it contributes nothing, whatever the partial.
            if adjoint.is_zero() {
                continue;
            }
            for (operand, partial) in statement.operands.into_iter().zip(statement.partials) {
                if operand != CONSTANT {
                    adjoints[operand as usize] += partial * adjoint;
                }
            }
        }
    }

    fn sweep_node(&self, node: &Node, adjoints: &mut [S], scratch: &mut Vec<S>) {
        let (inputs, outputs) = adjoints.split_at_mut(node.first_output as usize);
        let outputs = &mut outputs[..node.outputs as usize];
        if outputs.iter().all(|adjoint| adjoint.is_zero()) {
            return;
        }
        let first_span = node.first_span as usize;
        let spans = &self.spans[first_span..first_span + node.spans as usize];
        let store = &self.stores[node.store as usize].1;

        // Arguments that are one range of their own lend it; the others share the scratch.
        let mut lent = [const { None }; MOST_ARGUMENTS];
        let mut order: [usize; MOST_ARGUMENTS] = std::array::from_fn(|i| i);
        let order = &mut order[..spans.len()];
        order.sort_unstable_by_key(|&i| self.runs_of(&spans[i]).first().map_or(0, |run| run.start));
        let mut rest = inputs;
        let mut offset = 0;
        let mut scattered = 0;
        for &mut i in order.iter_mut() {
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

/// An application of a primitive that is being recorded.
pub(crate) struct Recording<'a, S: Real> {
    tape: &'a mut Tape<S>,
    first_span: usize,
    first_run: usize,
    /// The argument whose reals come now.
    argument: usize,
}

impl<'a, S: Real> Recording<'a, S> {
    /// Starts on the tape of this stamp.
    pub(crate) fn new(tapes: &'a mut Tapes<S>, stamp: u32) -> Self {
        let tape = tapes.tape(stamp);
        let (first_span, first_run) = (tape.spans.len(), tape.runs.len());
        Self { tape, first_span, first_run, argument: 0 }
    }

    /// The next real of an argument: its number on this tape.
    #[inline]
    pub(crate) fn push(&mut self, argument: usize, number: u32) {
        while self.argument < argument {
            self.end_argument();
        }
        if let Some(run) = self.tape.runs[self.first_run..].last_mut() {
            let follows = match run.start {
                CONSTANT => number == CONSTANT,
                start => number == start.wrapping_add(run.count),
            };
            if follows {
                run.count += 1;
                return;
            }
        }
        self.tape.runs.push(Run { start: number, count: 1 });
    }

    fn end_argument(&mut self) {
        let runs = &self.tape.runs[self.first_run..];
        self.tape.spans.push(Span {
            first_run: self.first_run as u32,
            runs: runs.len() as u32,
            count: runs.iter().map(|run| run.count).sum(),
            active: runs.iter().any(|run| run.start != CONSTANT),
        });
        self.first_run = self.tape.runs.len();
        self.argument += 1;
    }

    /// Ends the arguments and numbers the results; returns the first number. What the node reads
    /// in the sweep is [kept](keep) when they are handed out.
    pub(crate) fn finish<P: Primitive>(mut self, outputs: usize) -> u32 {
        while self.argument < P::RECORD.arguments.len() {
            self.end_argument();
        }
        let first_output = self.tape.number(outputs);
        let (store, StoreOf(entries)) = self.tape.store::<P>();
        let entry = entries.len() as u32;
        self.tape.nodes.push(Node {
            statements: self.tape.statements.len(),
            first_output,
            outputs: outputs as u32,
            store,
            entry,
            first_span: self.first_span as u32,
            spans: (self.tape.spans.len() - self.first_span) as u32,
        });
        first_output
    }
}

/// Keeps the residual of the node that was recorded last on the tape of this stamp.
pub(crate) fn keep<P: Primitive, S: Real>(
    tapes: &mut Tapes<S>,
    stamp: u32,
    residual: P::Residual<S>,
    shapes: P::Shapes<S>,
) {
    tapes.tape(stamp).store::<P>().1.0.push((residual, shapes));
}

/// A tape that is open for as long as this lives.
pub(crate) struct Opened<S: Real> {
    stamp: u32,
    scalar: std::marker::PhantomData<S>,
}

impl<S: Real> Opened<S> {
    /// Opens a tape with this many inputs, numbered from 1.
    pub(crate) fn new(inputs: usize) -> Self {
        /// Zero is the stamp of constants. A stamp comes back only after 2^32 tapes.
        static STAMPS: AtomicU32 = AtomicU32::new(1);
        let stamp = match STAMPS.fetch_add(1, Ordering::Relaxed) {
            0 => STAMPS.fetch_add(1, Ordering::Relaxed),
            stamp => stamp,
        };
        S::with_tapes(|tapes| {
            let mut tapes = tapes.borrow_mut();
            let mut tape = tapes.spare.take().unwrap_or_else(Tape::new);
            tape.stamp = stamp;
            tape.next = 1;
            tape.number(inputs);
            tape.inputs = inputs as u32;
            tapes.open.push(tape);
        });
        Self { stamp, scalar: std::marker::PhantomData }
    }

    /// The stamp of its handles.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// Closes the tape and gives it to `f`: what is recorded meanwhile goes to the tapes outside.
    pub(crate) fn close<Out>(self, f: impl FnOnce(&Tape<S>) -> Out) -> Out {
        let tape = self.take().expect("open until now");
        let out = f(&tape);
        self.reuse(tape);
        out
    }

    fn take(&self) -> Option<Tape<S>> {
        S::with_tapes(|tapes| {
            let open = &mut tapes.borrow_mut().open;
            let found = open.iter().rposition(|tape| tape.stamp == self.stamp)?;
            Some(open.remove(found))
        })
    }

    /// Empties the tape and leaves its memory to the next one.
    fn reuse(&self, mut tape: Tape<S>) {
        tape.clear();
        S::with_tapes(|tapes| tapes.borrow_mut().spare = Some(tape));
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

/// The tapes of a scalar that has no place of its own for them: looked up by type.
pub(crate) fn with_tapes_by_type<S: Real, Out>(f: impl FnOnce(&RefCell<Tapes<S>>) -> Out) -> Out {
    use std::rc::Rc;
    thread_local! {
        static TAPES: RefCell<Vec<(TypeId, Rc<dyn Any>)>> = const { RefCell::new(Vec::new()) };
    }
    let id = TypeId::of::<S>();
    let tapes = TAPES.with_borrow_mut(|all| match all.iter().find(|(other, _)| *other == id) {
        Some((_, tapes)) => Rc::clone(tapes),
        None => {
            let tapes: Rc<dyn Any> = Rc::new(RefCell::new(Tapes::<S>::new()));
            all.push((id, Rc::clone(&tapes)));
            tapes
        }
    });
    f(tapes.downcast_ref().expect("stored by its type"))
}
