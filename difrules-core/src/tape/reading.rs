//! How a tape reads the arguments of a primitive.

use super::{CONSTANT, MOST_ARGUMENTS, Node, Run, Span, Tape, one_stamp};
use crate::tape::Number;

/// The arguments of an application of a primitive, while they are read.
pub(crate) struct Reading {
    /// The tape of the arguments; zero as long as all are constants.
    stamp: u32,
    runs: Runs,
    /// The run that is growing.
    current: Run,
    /// How many runs the arguments up to each have.
    ends: [u32; MOST_ARGUMENTS],
    /// The argument whose reals come now.
    argument: usize,
}

/// How many runs need no memory: those of arguments that are one range each, if they are not many.
const FEW: usize = 4;

/// Runs. Nearly always they are few.
struct Runs {
    few: [Run; FEW],
    count: usize,
    /// All of them, where they are more.
    many: Vec<Run>,
}

impl Runs {
    #[inline]
    fn new() -> Self {
        Self { few: [Run { start: CONSTANT, count: 0 }; FEW], count: 0, many: Vec::new() }
    }

    #[inline]
    fn push(&mut self, run: Run) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = run,
            None => self.push_to_many(run),
        }
        self.count += 1;
    }

    #[cold]
    fn push_to_many(&mut self, run: Run) {
        if self.many.is_empty() {
            self.many.extend_from_slice(&self.few);
        }
        self.many.push(run);
    }

    #[inline]
    fn all(&self) -> &[Run] {
        if self.count <= FEW { &self.few[..self.count] } else { &self.many }
    }
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

impl Whole {
    /// The stamp and the first number, if the handles are one range or constant.
    pub(crate) fn range(self) -> Option<(u32, u32)> {
        let (stamp, start) = ((self.any_start >> 32) as u32, self.any_start as u32);
        if self.any == 0 {
            return Some((0, CONSTANT));
        }
        (self.any_start == self.every_start && start != CONSTANT).then_some((stamp, start))
    }
}

impl Reading {
    /// Starts.
    #[inline]
    pub(crate) fn new() -> Self {
        Self {
            stamp: 0,
            runs: Runs::new(),
            current: Run { start: CONSTANT, count: 0 },
            ends: [0; MOST_ARGUMENTS],
            argument: 0,
        }
    }

    /// The next argument, if it is one range or constant.
    ///
    /// # Panics
    /// If the arguments are of two tapes.
    #[inline]
    pub(crate) fn push_whole(&mut self, argument: usize, whole: Whole) -> bool {
        let Some((stamp, start)) = whole.range() else { return false };
        self.push_range(argument, stamp, start, whole.count);
        true
    }

    /// The next range of an argument: the stamp of its tape, its first number there, and how many; or
    /// as many constants.
    ///
    /// # Panics
    /// If the arguments are of two tapes.
    #[inline]
    pub(crate) fn push_range(&mut self, argument: usize, stamp: u32, first: u32, numbers: u32) {
        let Run { start, count } = self.current;
        // A range goes on where its end and the number meet; for a range of constants both are zero.
        let follows = first == if start == CONSTANT { CONSTANT } else { start.wrapping_add(count) };
        if follows && argument == self.argument && (stamp == self.stamp || first == CONSTANT) {
            self.current.count += numbers;
            return;
        }
        if first != CONSTANT {
            self.stamp = one_stamp(self.stamp, stamp);
        }
        self.end_run();
        self.end_arguments(argument);
        self.current = Run { start: first, count: numbers };
    }

    /// The next real of an argument: the stamp of its tape and its number there.
    ///
    /// # Panics
    /// If the arguments are of two tapes.
    pub(crate) fn push(&mut self, argument: usize, stamp: u32, number: u32) {
        self.push_range(argument, stamp, number, 1);
    }

    #[inline]
    fn end_run(&mut self) {
        if self.current.count > 0 {
            self.runs.push(self.current);
            self.current.count = 0;
        }
    }

    /// Ends the arguments before this one.
    #[inline]
    fn end_arguments(&mut self, argument: usize) {
        while self.argument < argument {
            self.ends[self.argument] = self.runs.count as u32;
            self.argument += 1;
        }
    }

    /// Ends the reading of this many arguments.
    #[inline]
    pub(crate) fn finish(&mut self, arguments: usize) {
        self.end_run();
        self.end_arguments(arguments);
    }

    /// The tape of the arguments; zero if all are constants.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// The number that the next value on the arguments' tape gets.
    pub(crate) fn next_number<S: Number>(&self) -> u32 {
        S::tapes().borrow_mut().tape(self.stamp).next()
    }

    /// Whether a number of an argument is on the tape.
    #[inline]
    pub(crate) fn varies(&self, argument: usize) -> bool {
        self.runs_of(argument).iter().any(|run| run.start != CONSTANT)
    }

    #[inline]
    fn runs_of(&self, i: usize) -> &[Run] {
        let first = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.runs.all()[first as usize..self.ends[i] as usize]
    }

    /// Records a node with this many results, a value in one piece or not, what whose rule reads `keep` keeps;
    /// returns the number of its first result.
    // Inlined with what it calls, as a call would copy what is kept once more.
    #[cfg_attr(debug_assertions, inline)]
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn record<S: Number>(
        &self,
        outputs: usize,
        whole: bool,
        keep: impl FnOnce(&mut Tape<S>) -> (u32, u32),
    ) -> u32 {
        let mut tapes = S::tapes().borrow_mut();
        let tape = tapes.tape(self.stamp);
        let first_output = tape.number(outputs);
        if whole {
            tape.in_one_piece(first_output, outputs);
        }
        let kept = keep(tape);
        self.push_node(tape, first_output, outputs as u32, kept);
        first_output
    }

    fn push_node<S: Number>(
        &self,
        tape: &mut Tape<S>,
        first_output: u32,
        outputs: u32,
        (store, entry): (u32, u32),
    ) {
        tape.nodes.push(Node {
            statements: tape.statements(),
            first_output,
            outputs,
            store,
            entry,
            first_span: tape.spans.len() as u32,
            spans: self.argument as u32,
        });
        let (runs, before) = (self.runs.all(), tape.runs.len() as u32);
        let mut first = 0;
        for &end in &self.ends[..self.argument] {
            let own = &runs[first as usize..end as usize];
            let (count, active) = match own {
                // Nearly always.
                &[Run { start, count }] => (count, start != CONSTANT),
                _ => (
                    own.iter().map(|run| run.count).sum(),
                    own.iter().any(|run| run.start != CONSTANT),
                ),
            };
            tape.spans.push(Span { first_run: before + first, runs: end - first, count, active });
            first = end;
        }
        if runs.len() <= FEW {
            runs.iter().for_each(|&run| tape.runs.push(run));
        } else {
            tape.runs.extend_from_slice(runs);
        }
    }
}
