//! The tape: what reverse mode records, and the sweep over it.
//!
//! A tape numbers the values that are computed. Scalar operations are *statements* in a flat array:
//! the numbers of two operands and the partial derivatives by them. A primitive is one *node*,
//! however many numbers it takes and gives: its results have consecutive numbers, so a matrix is
//! normally one range, and the sweep lends the rule views of the adjoint array itself.

mod clash;
mod dependencies;
mod number;
mod opened;
mod overflow;
mod pieces;
mod plan;
pub(crate) mod pool;
mod reading;
#[cfg(feature = "testing")]
mod recorded;
mod room;
mod statements;
mod threads;

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell};
use std::ops::Range;

use clash::Live;
pub(crate) use clash::{StatementKind, rests};
pub(crate) use dependencies::Connections;
pub use dependencies::Dependencies;
pub use number::Number;
pub(crate) use opened::Opened;
use overflow::Care;
pub(crate) use overflow::{
    Scaled, has_extreme_powers, is_above, is_below, is_beyond, is_divided, is_faint, is_small,
    slope_by_quotients,
};
pub(crate) use pieces::PIECE;
use pieces::Pieces;
use plan::Instruction;
pub use plan::ReplayError;
pub(crate) use plan::{Arithmetic, Operand, Plan};
pub(crate) use reading::{Reading, Whole};
#[cfg(feature = "testing")]
pub use recorded::Recorded;
pub(crate) use room::Content;
pub use room::Room;
use statements::StatementList;
pub(crate) use statements::carry;
pub(crate) use threads::{new_tapes, release, tapes_by_type};

/// The number of every constant: nobody reads its adjoint.
pub(crate) const CONSTANT: u32 = 0;

/// The bit of a tape's stamp that says to look at each operation: the tape is going to be replayed,
/// or counts where its statements come from. Other tapes pay nothing for it.
pub(crate) const OBSERVED: u32 = 1;

const TOO_MANY: &str = "a tape numbers at most 2^32 - 1 values; split the computation";

/// The most arguments a primitive can have; the attribute refuses more.
pub(crate) const MOST_ARGUMENTS: usize = 16;

/// The tapes of one thread for one scalar: the open ones, and a closed one whose memory the next is
/// going to use.
#[doc(hidden)]
pub struct Tapes<S: Number> {
    /// The one that is nearly always meant; of stamp zero where none is open.
    innermost: Tape<S>,
    /// Those outside of it, innermost last; in boxes, as a tape is large.
    outer: Vec<Box<Tape<S>>>,
    spare: Option<Box<Tape<S>>>,
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
pub(crate) trait Store<S: Number> {
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<Room<'_, S>>]);
    /// See [`Primitive::ENTRYWISE`].
    fn is_entrywise(&self) -> bool {
        false
    }
    /// Whether its rules say what rests: then what an undefined adjoint leaves defined does not matter.
    fn is_resting(&self) -> bool {
        false
    }
    /// Whether it has tapes of its own, of which nobody knows before whether a derivative is infinite.
    fn is_loop(&self) -> bool {
        false
    }
    /// What its results depend on.
    fn connections(&self) -> Connections {
        Connections::default()
    }
    /// Whether its rules are told which zeros are strong where a result is not finite.
    fn is_told(&self) -> bool {
        false
    }
    /// Whether the result that was evaluated last [jumps](crate::diagnostic::jumps).
    fn jumped(&self) -> bool {
        false
    }
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

/// What changes in a sweep.
struct Sweep<S> {
    adjoints: Vec<S>,
    pieces: Pieces<S>,
    scratch: Vec<S>,
    live: OnceCell<Live>,
    /// The numbers that the results are computed from.
    reached: OnceCell<Vec<bool>>,
    /// Of each adjoint the power of two that it is to be multiplied with, in a sweep in which none is to overflow.
    powers: Option<Vec<i32>>,
    /// What an infinite derivative adds, and to which adjoint, where it is kept apart.
    apart: Option<Vec<(u32, S)>>,
}

/// What a sweep has found beside adjoints.
struct Swept<S> {
    /// Whether an adjoint may have underflowed where what comes then makes up for it.
    faint: bool,
    /// What infinite derivatives add, where that is kept apart.
    apart: Vec<(u32, S)>,
    /// The powers of two beside the adjoints of numbers in a careful sweep.
    powers: Vec<i32>,
}

/// What was recorded between opening and closing.
pub(crate) struct Tape<S: Number> {
    /// Tells this tape's handles from all others'.
    stamp: u32,
    inputs: u32,
    /// How many numbers are not those of statements: of constants, inputs and the results of nodes.
    others: u32,
    statements: StatementList<S>,
    nodes: Vec<Node>,
    spans: Vec<Span>,
    runs: Vec<Run>,
    stores: Vec<(TypeId, Box<dyn Store<S>>)>,
    /// The values that are in one piece.
    pieces: Pieces<S>,
    /// The adjoints of all other values, and of the inputs, for the sweep. Between sweeps all are zero
    /// but the first `used`, so that no sweep has to clear them.
    adjoints: Vec<S>,
    used: usize,
    /// Memory for the adjoints of arguments that are not one range.
    scratch: Vec<S>,
    /// Whether a statement's partial derivative is infinite or undefined, or one of a node may be.
    infinite: bool,
    /// The products and quotients after the first such statement or node, where a partial derivative is zero, and whether
    /// that by the second operand is the other factor too, as that by the first is.
    products: Vec<(u32, bool)>,
    /// The quotients whose slopes are too large, though their factors are not, and their values.
    above: Vec<(u32, S)>,
    /// The statements that have the second factors of slopes that are too small, though the factors are not: the quotients
    /// come next to them.
    below: Vec<u32>,
    /// The nodes whose results jump, in order.
    jumping: Vec<u32>,
    /// The nodes of products whose results are not finite, in order: where a factor is not, a result is not.
    unbounded: Vec<u32>,
    /// Whether a node has tapes of its own.
    loops: bool,
    /// Of the tape of a loop, which of its inputs have derivatives that are not finite; as many as are known.
    pub(crate) infinite_inputs: Vec<bool>,
    /// The results whose derivatives are swept, and their adjoints.
    seeds: Vec<(u32, S)>,
    /// The powers of two beside these, if there are any.
    seed_powers: Vec<i32>,
    /// Whether an adjoint of an input came out too large for a number, or too small.
    pub(crate) lost: bool,
    /// What it takes to replay it; then the statements are there, in place of `statements`.
    pub(crate) plan: Option<Plan<S>>,
    /// Called at each statement.
    observer: Option<Box<dyn FnMut()>>,
}

impl<S: Number> Default for Tapes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Number> Tapes<S> {
    pub(crate) const fn new() -> Self {
        Self { innermost: Tape::new(), outer: Vec::new(), spare: None }
    }

    /// The open tape of this stamp.
    pub(crate) fn tape(&mut self, stamp: u32) -> &mut Tape<S> {
        if self.innermost.stamp == stamp && stamp != 0 {
            return &mut self.innermost;
        }
        match self.outer.iter_mut().rfind(|tape| tape.stamp == stamp && stamp != 0) {
            Some(tape) => tape,
            None => panic!(
                "this `Var` is not of an open tape of this thread: it outlived the transform that \
                 made it, or came from another thread; return what you need from the closure, or \
                 call `value()` inside it"
            ),
        }
    }

    /// Somebody has numbers of a value in one piece apart, this one and maybe those that follow.
    pub(crate) fn take_apart(&mut self, stamp: u32, number: u32) {
        // A tape that is closed has nothing more recorded.
        let outer = self.outer.iter_mut().map(|tape| &mut **tape);
        let mut open = std::iter::once(&mut self.innermost).chain(outer);
        if let Some(tape) = open.find(|tape| tape.stamp == stamp) {
            tape.pieces.take_apart(number);
        }
    }

    /// Opens a tape inside of all others.
    fn open(&mut self, mut tape: Box<Tape<S>>) {
        std::mem::swap(&mut self.innermost, &mut *tape);
        self.outer.push(tape);
    }

    /// Closes the tape of this stamp, if it is open.
    fn close(&mut self, stamp: u32) -> Option<Box<Tape<S>>> {
        if self.innermost.stamp == stamp {
            let mut tape = self.outer.pop()?;
            std::mem::swap(&mut self.innermost, &mut *tape);
            return Some(tape);
        }
        let found = self.outer.iter().rposition(|tape| tape.stamp == stamp)?;
        Some(self.outer.remove(found))
    }

    /// Records a statement about two operands, given as (stamp, number, partial); returns the
    /// handle of the result.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn statement(
        &mut self,
        kind: StatementKind,
        first: (u32, u32, S),
        second: (u32, u32, S),
    ) -> (u32, u32) {
        let stamp = one_stamp(first.0, second.0);
        let tape =
            if self.innermost.stamp == stamp { &mut self.innermost } else { self.tape(stamp) };
        let number = tape.next();
        let is_noted = match kind {
            StatementKind::Linear => false,
            StatementKind::Infinite => true,
            // Of others both partial derivatives count.
            _ => tape.infinite && (first.2.plain() == 0.0 || second.2.plain() == 0.0),
        };
        if is_noted {
            tape.note(kind);
        }
        tape.statements.push([first.1, second.1], [first.2, second.2]);
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

impl<S: Number> Tape<S> {
    const fn new() -> Self {
        Self {
            stamp: 0,
            inputs: 0,
            others: 1,
            statements: StatementList::new(),
            nodes: Vec::new(),
            spans: Vec::new(),
            runs: Vec::new(),
            stores: Vec::new(),
            pieces: Pieces::new(),
            adjoints: Vec::new(),
            used: 0,
            scratch: Vec::new(),
            infinite: false,
            products: Vec::new(),
            above: Vec::new(),
            below: Vec::new(),
            jumping: Vec::new(),
            unbounded: Vec::new(),
            loops: false,
            infinite_inputs: Vec::new(),
            seeds: Vec::new(),
            seed_powers: Vec::new(),
            lost: false,
            plan: None,
            observer: None,
        }
    }

    fn clear(&mut self) {
        self.statements.clear();
        self.infinite = false;
        self.products.clear();
        self.above.clear();
        self.below.clear();
        self.jumping.clear();
        self.unbounded.clear();
        self.loops = false;
        self.infinite_inputs.clear();
        self.nodes.clear();
        self.spans.clear();
        self.runs.clear();
        self.pieces.clear();
        for (_, store) in &mut self.stores {
            store.clear();
        }
    }

    /// Notes the value of the quotient that the last statement is.
    pub(crate) fn note_above(&mut self, quotient: S) {
        self.above.push((self.statements.len() as u32 - 1, quotient));
    }

    /// Notes that the last statement has a factor of the slope of a quotient, which is the next.
    pub(crate) fn note_below(&mut self) {
        self.below.push(self.statements.len() as u32 - 1);
    }

    /// Has `observer` called at each statement.
    #[cfg(feature = "statements")]
    pub(crate) fn observe(&mut self, observer: impl FnMut() + 'static) {
        self.observer = Some(Box::new(observer));
    }

    /// Tells the observer of a statement.
    pub(crate) fn tell(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer();
        }
    }

    /// The number that the next value gets. Where there are too many, the sweep refuses.
    #[inline]
    fn next(&self) -> u32 {
        self.others.wrapping_add(self.statements.len() as u32)
    }

    /// How many values it has numbered, and the constants' number.
    ///
    /// # Panics
    /// If they are too many.
    fn values(&self) -> usize {
        let values = self.others as usize + self.statements.len();
        assert!(u32::try_from(values).is_ok(), "{TOO_MANY}");
        values
    }

    /// Numbers the next `count` values; returns the first number.
    fn number(&mut self, count: usize) -> u32 {
        let first = self.values() as u32;
        let others = u32::try_from(count).ok().and_then(|count| self.others.checked_add(count));
        self.others = others.expect(TOO_MANY);
        first
    }

    /// These numbers are a value that is in one piece.
    #[inline]
    pub(crate) fn in_one_piece(&mut self, first: u32, count: usize) {
        if count >= PIECE {
            self.pieces.push(first, count as u32);
        }
    }

    /// Keeps something in the store of its type; `push` returns its place there.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn keep<Kept: Store<S> + Default + 'static>(
        &mut self,
        push: impl FnOnce(&mut Kept) -> usize,
    ) -> (u32, u32) {
        let index = self.store(TypeId::of::<Kept>(), || Box::new(Kept::default()));
        let store = self.stores[index].1.as_any_mut().downcast_mut().expect("stored by its type");
        (index as u32, push(store) as u32)
    }

    /// The place of the store of this type.
    fn store(&mut self, id: TypeId, make: fn() -> Box<dyn Store<S>>) -> usize {
        let found = self.stores.iter().position(|(other, _)| *other == id);
        found.unwrap_or_else(|| {
            self.stores.push((id, make()));
            self.stores.len() - 1
        })
    }

    /// Appends a statement to the plan of a tape that is replayed; returns its result's number.
    pub(crate) fn instruct(&mut self, instruction: Instruction, value: S) -> u32 {
        let number = self.number(1);
        let plan = self.plan.as_mut().expect("this tape is replayed");
        plan.instructions.push(instruction);
        plan.values.push(value);
        number
    }

    /// Notes whether the next node [jumps](crate::diagnostic::jumps).
    #[inline]
    pub(crate) fn note_jump(&mut self, jumps: bool) {
        if jumps {
            self.jumping.push(self.nodes.len() as u32);
        }
    }

    /// Notes whether the next node has partial derivatives, which may be infinite.
    #[inline]
    pub(crate) fn note_entrywise(&mut self, entrywise: bool) {
        self.infinite |= entrywise;
    }

    /// Notes that a node has tapes of its own, on which there may be infinite derivatives.
    pub(crate) fn note_loop(&mut self) {
        self.loops = true;
        self.infinite = true;
    }

    /// Notes whether a result of the next node, which is a product, is not finite.
    #[inline]
    pub(crate) fn note_unbounded(&mut self, unbounded: bool) {
        if unbounded {
            self.unbounded.push(self.nodes.len() as u32);
        }
    }

    /// Computes all values again from those of the inputs.
    ///
    /// # Errors
    /// What came out differently.
    #[inline(never)]
    pub(crate) fn replay(&mut self) -> Result<(), ReplayError> {
        let Self { plan, nodes, spans, runs, stores, inputs, jumping, unbounded, .. } = self;
        let plan = plan.as_mut().expect("this tape is replayed");
        let (mut number, mut statements) = (*inputs + 1, 0);
        jumping.clear();
        unbounded.clear();
        for (i, node) in nodes.iter().enumerate() {
            plan.run(statements..node.statements, number);
            let mut first_runs = spans[node.first_span as usize..][..node.spans as usize]
                .iter()
                .flat_map(|span| &runs[span.first_run as usize..][..span.runs as usize]);
            let mut run = Run { start: CONSTANT, count: 0 };
            let (before, after) = plan.values.split_at_mut(node.first_output as usize);
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
            if stores[node.store as usize].1.jumped() {
                jumping.push(i as u32);
            }
            let results = &plan.values[node.first_output as usize..][..node.outputs as usize];
            if stores[node.store as usize].1.is_told() && !results.iter().all(S::is_bounded) {
                unbounded.push(i as u32);
            }
            number = node.first_output + node.outputs;
            statements = node.statements;
        }
        plan.run(statements..plan.instructions.len(), number);
        plan.check()
    }

    /// How many statements came so far.
    fn statements(&self) -> usize {
        self.plan.as_ref().map_or(self.statements.len(), |plan| plan.instructions.len())
    }

    /// Carries the adjoints of the results that the seed names back to the inputs; returns those, in
    /// order.
    pub(crate) fn sweep(&mut self, seed: impl IntoIterator<Item = (u32, S)>) -> &[S] {
        self.seeds.clear();
        self.seeds.extend(seed);
        self.sweep_from_seeds();
        &self.adjoints[1..=self.inputs as usize]
    }

    /// The same; of the zeros the strong ones have a negative sign, those of inputs that the results do not depend on.
    #[cold]
    pub(crate) fn sweep_telling(&mut self, seed: impl IntoIterator<Item = (u32, S)>) -> &[S] {
        self.sweep(seed);
        if has_nothing(&self.adjoints[1..=self.inputs as usize]) {
            let live = self.live();
            let adjoints = self.adjoints[1..=self.inputs as usize].iter_mut();
            for (adjoint, number) in adjoints.zip(1..).filter(|(adjoint, _)| adjoint.is_nothing()) {
                *adjoint = if live.is::<S>(number) { adjoint.moved() } else { S::still() };
            }
        }
        &self.adjoints[1..=self.inputs as usize]
    }

    #[inline(never)]
    pub(crate) fn sweep_from_seeds(&mut self) {
        self.lost = false;
        let Swept { faint, .. } = self.sweep_seeds(Care::None);
        let is_bounded = |some: &[S]| some.iter().fold(true, |all, x| all & x.is_bounded());
        let bounded = self.adjoints[1..=self.inputs as usize].chunks(64).all(is_bounded);
        if (faint || !bounded) && is_careful() {
            self.sweep_carefully(faint);
        }
    }

    fn sweep_seeds(&mut self, care: Care) -> Swept<S> {
        let careful = care != Care::None;
        let values = self.values();
        let inputs = self.inputs as usize;
        // A rule may panic: then the adjoints are gone, and not half swept.
        let mut adjoints = std::mem::take(&mut self.adjoints);
        let mut pieces = std::mem::replace(&mut self.pieces, Pieces::new());
        if adjoints.len() < values {
            adjoints = vec![S::zero(); values];
            self.used = 0;
        }
        pieces.start(self.inputs, &mut adjoints[..self.used]);
        if careful {
            pieces.settle_all(&mut adjoints);
        }
        // What came after the last result that is wanted is dead.
        let mut last = 0;
        let mut settled = 0..0;
        let mut powers = careful.then(|| vec![0; values]);
        for (k, &(number, adjoint)) in self.seeds.iter().enumerate() {
            if !settled.contains(&number) {
                settled = pieces.settle_number(number, &mut adjoints);
            }
            last = number.max(last);
            let place = number as usize;
            match (&mut powers, self.seed_powers.get(k)) {
                (Some(powers), Some(&power)) => {
                    Scaled { number: adjoint, power }
                        .add_to(&mut adjoints[place], &mut powers[place]);
                }
                _ => adjoints[place] += adjoint,
            }
        }
        let scratch = std::mem::take(&mut self.scratch);
        let apart = (care == Care::InfinitiesApart).then(Vec::new);
        let mut sweep = Sweep {
            adjoints,
            pieces,
            scratch,
            live: OnceCell::new(),
            reached: OnceCell::new(),
            powers,
            apart,
        };
        let mut faint = false;
        let mut number = self.next();
        let mut statements = self.statements();
        for (i, node) in self.nodes.iter().enumerate().rev() {
            let results = node.first_output + node.outputs..number;
            faint |= self.sweep_statements(node.statements..statements, results, last, &mut sweep);
            if node.first_output <= last {
                self.sweep_node((i, node), &mut sweep);
            }
            number = node.first_output;
            statements = node.statements;
        }
        let results = self.inputs + 1..number;
        faint |= self.sweep_statements(0..statements, results, last, &mut sweep);
        let Sweep { mut adjoints, mut pieces, scratch, powers, apart, .. } = sweep;
        // No result is wanted but constants, whose adjoint is nobody's.
        adjoints[CONSTANT as usize] = S::zero();
        pieces.end(&mut adjoints);
        self.used = inputs + 1;
        (self.adjoints, self.pieces, self.scratch) = (adjoints, pieces, scratch);
        let (apart, powers) = (apart.unwrap_or_default(), powers.unwrap_or_default());
        Swept { faint, apart, powers }
    }

    /// Sweeps statements, whose results have these numbers, but those after the last that is wanted. Returns whether an adjoint
    /// may have underflowed between the factors of a slope.
    fn sweep_statements(
        &self,
        statements: Range<usize>,
        results: Range<u32>,
        last: u32,
        sweep: &mut Sweep<S>,
    ) -> bool {
        if statements.is_empty() {
            return false;
        }
        let Sweep { adjoints, live, powers, apart, .. } = sweep;
        let is_live = |number| live.get_or_init(|| self.live()).is::<S>(number);
        let end = results.end.min(last + 1).max(results.start);
        let dead = (results.end - end) as usize;
        let (statements, results) = (statements.start..statements.end - dead, results.start..end);
        match (&self.plan, powers) {
            (_, Some(powers)) => {
                self.carry_carefully(statements, results, is_live, (adjoints, powers, apart));
            }
            (Some(plan), None) => return plan.sweep(statements, results, adjoints, is_live),
            (None, None) if self.below.is_empty() => {
                self.statements.sweep(statements, results, adjoints, is_live);
            }
            (None, None) => return self.sweep_below(statements, results, adjoints, is_live),
        }
        false
    }

    fn sweep_node(&self, (i, node): (usize, &Node), sweep: &mut Sweep<S>) {
        let Sweep { adjoints, pieces, scratch, live, powers, .. } = sweep;
        let results = Run { start: node.first_output, count: node.outputs };
        let told = self.is_jumping(i) || self.is_unbounded(i);
        let is_loop = self.is_loop(node);
        let mut block = None;
        if let Some(place) = pieces.find_result(results, adjoints) {
            if pieces.is_untouched(place) {
                pieces.free(place);
                if !told && !is_loop && !self.is_entrywise(node) {
                    return;
                }
            }
            block = pieces.take(place);
        }
        let outputs = match &mut block {
            Some(block) => &mut block[..],
            None => &mut adjoints[node.first_output as usize..][..node.outputs as usize],
        };
        if S::ORDER > 1 && self.is_entrywise(node) && has_moving_zero(outputs) {
            // A zero that moves is strong too where factors enough are zero.
            if self.is_infinite(node, scratch) {
                let live = live.get_or_init(|| self.live());
                for (adjoint, number) in outputs.iter_mut().zip(node.first_output..) {
                    if adjoint.plain() == 0.0 && !live.is::<S>(number) {
                        *adjoint = S::still();
                    }
                }
            }
        }
        if is_loop && has_nothing(outputs) {
            pieces.put_back(block, node.first_output, adjoints);
            return self.sweep_loop(node, sweep);
        }
        let nothing = outputs.iter().all(|adjoint| adjoint.is_nothing());
        let zeros = nothing || (told || self.is_entrywise(node)) && has_nothing(outputs);
        if zeros && (told || self.is_infinite(node, scratch)) {
            pieces.put_back(block.take(), node.first_output, adjoints);
            let outputs = &mut adjoints[node.first_output as usize..][..node.outputs as usize];
            // Zero is strong where nothing comes by this result.
            let live = live.get_or_init(|| self.live());
            let mut asked = false;
            for (adjoint, number) in outputs.iter_mut().zip(node.first_output..) {
                if adjoint.is_nothing() {
                    let is_live = live.is::<S>(number);
                    *adjoint = if is_live { adjoint.moved() } else { S::still() };
                    asked |= is_live;
                }
            }
            if nothing && !told {
                return self.sweep_zeros(node, sweep);
            }
            if nothing && !asked {
                return outputs.fill(S::zero());
            }
        } else if nothing && self.infinite && !outputs.iter().all(|adjoint| rests(*adjoint)) {
            pieces.put_back(block.take(), node.first_output, adjoints);
            return self.sweep_zeros(node, sweep);
        } else if nothing {
            if cfg!(debug_assertions) {
                // A zero of a derivation that is over.
                outputs.fill(S::zero());
            }
            block.into_iter().for_each(|block| pieces.give(block));
            return;
        }
        if powers.is_some() {
            return self.call_carefully(node, sweep);
        }
        if block.is_none() && pieces.is_empty() && self.sweep_ranges(node, adjoints) {
            return;
        }
        // As much room as most nodes need: more takes time.
        match node.spans {
            0..=2 => self.sweep_node_within::<2>(node, block, sweep),
            3..=4 => self.sweep_node_within::<4>(node, block, sweep),
            _ => self.sweep_node_within::<MOST_ARGUMENTS>(node, block, sweep),
        }
    }

    /// Calls the rule of a node of at most two arguments, if those on the tape are ranges apart from each other: most
    /// small nodes are such. Returns whether it did.
    fn sweep_ranges(&self, node: &Node, adjoints: &mut [S]) -> bool {
        let spans = &self.spans[node.first_span as usize..][..node.spans as usize];
        let store = &self.stores[node.store as usize].1;
        let (inputs, outputs) = adjoints.split_at_mut(node.first_output as usize);
        let outputs = &mut outputs[..node.outputs as usize];
        let range = |span: &Span| {
            let run = self.runs[span.first_run as usize];
            run.start as usize..(run.start + run.count) as usize
        };
        let is_range = |span: &Span| span.active && span.runs == 1;
        let mut lent = match spans {
            [x] if is_range(x) => [Some(Room::from(&mut inputs[range(x)])), None],
            [x, y] if is_range(x) && !y.active => [Some(Room::from(&mut inputs[range(x)])), None],
            [x, y] if !x.active && is_range(y) => [None, Some(Room::from(&mut inputs[range(y)]))],
            [x, y] if is_range(x) && is_range(y) => {
                let Ok([x, y]) = inputs.get_disjoint_mut([range(x), range(y)]) else {
                    return false;
                };
                [Some(Room::from(x)), Some(Room::from(y))]
            }
            _ => return false,
        };
        store.reverse(node.entry as usize, outputs, &mut lent[..spans.len()]);
        outputs.fill(S::zero());
        true
    }

    /// Calls a node's rule. The adjoint of its result is in the block, if there is one.
    fn sweep_node_within<const ARGUMENTS: usize>(
        &self,
        node: &Node,
        mut block: Option<Vec<S>>,
        sweep: &mut Sweep<S>,
    ) {
        let Sweep { adjoints, pieces, scratch, .. } = sweep;
        let first_span = node.first_span as usize;
        let spans = &self.spans[first_span..first_span + node.spans as usize];
        let store = &self.stores[node.store as usize].1;

        // Arguments that are in one piece, by their place among all of those.
        let mut places = [None; ARGUMENTS];
        if !pieces.is_empty() {
            for (place, span) in places.iter_mut().zip(spans).filter(|(_, span)| span.active) {
                for &run in self.runs_of(span) {
                    *place = pieces.prepare(run, adjoints).filter(|_| span.runs == 1);
                }
            }
        }
        let (inputs, outputs) = adjoints.split_at_mut(node.first_output as usize);
        let in_array = block.is_none();
        let outputs = match &mut block {
            Some(block) => &mut block[..],
            None => &mut outputs[..node.outputs as usize],
        };

        // Arguments that are one range of their own lend it; the others share the scratch.
        let mut lent = [const { None }; ARGUMENTS];
        let contents = [const { Cell::new(Content::Sum) }; ARGUMENTS];
        let mut order: [usize; ARGUMENTS] = std::array::from_fn(|i| i);
        let order = &mut order[..spans.len()];
        let start = |i: usize| self.runs_of(&spans[i]).first().map_or(0, |run| run.start);
        // Each is put before those that start after it; they are few.
        for end in 1..order.len() {
            let mut i = end;
            while i > 0 && start(order[i - 1]) > start(order[i]) {
                order.swap(i - 1, i);
                i -= 1;
            }
        }
        let mut rest = inputs;
        let mut offset = 0;
        let mut lending = pieces.lend();
        let mut scattered = 0;
        for &i in order.iter() {
            let span = &spans[i];
            if !span.active {
                continue;
            }
            let piece = match places[i] {
                Some(place) => lending.next(place),
                None => Some((false, None)),
            };
            lent[i] = match (self.runs_of(span), piece) {
                (_, Some((is_untouched, Some(memory)))) => {
                    if is_untouched {
                        let fits = !in_array && memory.len() == outputs.len();
                        let content = if fits { Content::Exchangeable } else { Content::Nothing };
                        contents[i].set(content);
                    }
                    Some(Room::new(memory, &contents[i]))
                }
                (&[run], Some((is_untouched, None))) if run.start as usize >= offset => {
                    let (_, from_start) = rest.split_at_mut(run.start as usize - offset);
                    let (own, after) = from_start.split_at_mut(run.count as usize);
                    rest = after;
                    offset = (run.start + run.count) as usize;
                    if is_untouched {
                        contents[i].set(Content::Nothing);
                    }
                    Some(Room::new(own, &contents[i]))
                }
                _ => {
                    scattered += span.count as usize;
                    None
                }
            };
        }
        let direct = lent.each_ref().map(Option::is_some);
        if scratch.len() < scattered {
            scratch.resize(scattered, S::zero());
        }
        let mut free = scratch.as_mut_slice();
        for (i, span) in spans.iter().enumerate() {
            if span.active && !direct[i] {
                contents[i].set(Content::Nothing);
                let own = split_front(&mut free, span.count as usize);
                lent[i] = Some(Room::new(own, &contents[i]));
            }
        }
        store.reverse(node.entry as usize, outputs, &mut lent[..spans.len()]);
        if in_array {
            outputs.fill(S::zero());
        }
        if !pieces.is_empty() {
            let mut owner = 0;
            for i in (0..spans.len()).filter(|&i| direct[i]) {
                if let Some(place) = places[i] {
                    pieces.lent(place, contents[i].get(), (&mut block, &mut owner));
                }
            }
            block.into_iter().for_each(|block| pieces.give(block));
        }
        let mut collected = scratch.as_slice();
        for (i, span) in spans.iter().enumerate() {
            if span.active && !direct[i] {
                let (own, others) = collected.split_at(span.count as usize);
                collected = others;
                if contents[i].get() == Content::Sum {
                    self.scatter(span, own, adjoints, pieces);
                }
            }
        }
    }

    fn runs_of(&self, span: &Span) -> &[Run] {
        let first = span.first_run as usize;
        &self.runs[first..first + span.runs as usize]
    }

    /// Adds the contributions to the adjoints that the span names.
    fn scatter(
        &self,
        span: &Span,
        mut contributions: &[S],
        adjoints: &mut [S],
        pieces: &mut Pieces<S>,
    ) {
        for &run in self.runs_of(span) {
            let (own, rest) = contributions.split_at(run.count as usize);
            contributions = rest;
            if run.start != CONSTANT {
                for (adjoint, &contribution) in pieces.sums(run, adjoints).iter_mut().zip(own) {
                    // Without a branch, so that loops have vector instructions.
                    let sum = *adjoint + contribution;
                    let is_nothing =
                        contribution.is_nothing() & (S::ORDER == 1 || rests(contribution));
                    *adjoint = if is_nothing { *adjoint } else { sum };
                }
            }
        }
    }
}

#[cfg(feature = "mpi")]
thread_local! {
    /// Whether entries that are not finite are left what they are.
    static CARELESS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a sweep that has entries which are not finite is done once more, with care.
#[cfg(feature = "mpi")]
fn is_careful() -> bool {
    !CARELESS.get()
}

#[cfg(not(feature = "mpi"))]
const fn is_careful() -> bool {
    true
}

/// Calls `f` with tapes that are swept once, whatever comes out: where rules communicate, other processes do not know
/// that one would like to sweep again.
#[cfg(feature = "mpi")]
pub(crate) fn without_care<Out>(f: impl FnOnce() -> Out) -> Out {
    crate::diagnostic::with_setting(&CARELESS, true, f)
}

/// Whether one of the numbers is zero and nothing varies it. Without a branch for each, so that loops have vector
/// instructions.
fn has_nothing<S: Number>(numbers: &[S]) -> bool {
    let among = |some: &[S]| some.iter().fold(false, |any, x| any | x.is_nothing());
    numbers.chunks(64).any(among)
}

fn has_moving_zero<S: Number>(numbers: &[S]) -> bool {
    numbers.iter().any(|x| x.plain() == 0.0 && !x.is_nothing())
}

/// Takes the first `count` elements off `rest`.
pub(crate) fn split_front<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (front, back) = std::mem::take(rest).split_at_mut(count);
    *rest = back;
    front
}
