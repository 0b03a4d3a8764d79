//! Which inputs each number of a tape that is replayed depends on, and which of them meet in an operation that is
//! not linear.
//!
//! The tape says what was computed from what, whatever the values were: a product depends on a factor whose other
//! factor happens to be zero, and a minimum on all its arguments. So the sets hold wherever the tape can be
//! replayed. They are unions of the operands' sets. Most numbers are used once, by the next operation, and need no set of their own:
//! only what is used several times or asked for gets one, by a walk over what has none.

use std::collections::HashSet;

use super::clash::Entry;
use super::plan::{Arithmetic, Plan};
use super::{CONSTANT, Node, Number, Run, Span, Tape};

/// What the results of a primitive depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connections {
    /// Each on that in the same place alone, of arguments that have as many numbers.
    pub(crate) places: bool,
    /// Whether they are linear in all arguments together.
    pub(crate) linear: bool,
    /// How many numbers a place has.
    pub(crate) parts: u32,
}

/// Each on all, in any way.
impl Default for Connections {
    fn default() -> Self {
        Self { places: false, linear: false, parts: 1 }
    }
}

/// Which numbers of a point each of some numbers depends on: a sparsity pattern, row by row.
///
/// See [`Recording::dependencies`](crate::Recording::dependencies) and
/// [`Recording::interactions`](crate::Recording::interactions).
///
/// ```
/// use difrules_core::Recording;
/// use nalgebra::vector;
///
/// let f = |x: &nalgebra::Vector3<_>| vector![x[0] * x[2], x[1]];
/// let pattern = Recording::new(f, &vector![1.0_f64, 2.0, 3.0]).dependencies();
/// assert_eq!((pattern.rows(), pattern.columns(), pattern.count()), (2, 3, 3));
/// assert_eq!((pattern.row(0), pattern.row(1)), (&[0, 2][..], &[1][..]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    columns: usize,
    /// Where each row begins, and where the last ends.
    offsets: Vec<usize>,
    indices: Vec<usize>,
}

impl Dependencies {
    fn new(columns: usize) -> Self {
        Self { columns, offsets: vec![0], indices: Vec::new() }
    }

    fn push(&mut self, row: impl IntoIterator<Item = u32>) {
        self.indices.extend(row.into_iter().map(|index| index as usize));
        self.offsets.push(self.indices.len());
    }

    /// How many numbers depend.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many numbers they may depend on.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many dependencies there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.indices.len()
    }

    /// What the number of this place depends on, in ascending order.
    ///
    /// # Panics
    /// If there is no such number.
    #[must_use]
    pub fn row(&self, row: usize) -> &[usize] {
        &self.indices[self.offsets[row]..self.offsets[row + 1]]
    }

    /// Where each row begins among all indices, and where the last ends, and these: the pattern in compressed rows.
    #[must_use]
    pub fn into_parts(self) -> (Vec<usize>, Vec<usize>) {
        (self.offsets, self.indices)
    }
}

/// How a number was computed.
#[derive(Clone, Copy)]
enum Origin {
    /// A constant or an input.
    Given,
    Statement(u32),
    Node(u32),
}

/// Sets of inputs.
struct Sets {
    members: Vec<u32>,
    /// Where each set is among those.
    ranges: Vec<(usize, usize)>,
    /// The set of each number, where it has one.
    of: Vec<u32>,
    /// Of each input and each set, when it was met last.
    met: Vec<u32>,
    met_sets: Vec<u32>,
    now: u32,
}

/// The number has no set.
const NONE: u32 = u32::MAX;

/// The set without members.
const EMPTY: u32 = 0;

impl Sets {
    fn new(inputs: usize, values: usize) -> Self {
        let mut of = vec![NONE; values];
        of[CONSTANT as usize] = EMPTY;
        let mut ranges = vec![(0, 0)];
        for input in 0..inputs {
            of[input + 1] = ranges.len() as u32;
            ranges.push((input, input + 1));
        }
        Self {
            members: (0..inputs as u32).collect(),
            met_sets: vec![0; ranges.len()],
            ranges,
            of,
            met: vec![0; inputs],
            now: 0,
        }
    }

    fn members(&self, set: u32) -> &[u32] {
        let (first, end) = self.ranges[set as usize];
        &self.members[first..end]
    }

    /// The union of some sets.
    fn union(&mut self, sets: &mut Vec<u32>) -> u32 {
        self.now += 1;
        let now = self.now;
        sets.retain(|set| {
            *set != EMPTY && std::mem::replace(&mut self.met_sets[*set as usize], now) != now
        });
        let largest = sets.iter().copied().max_by_key(|set| self.members(*set).len());
        let Some(largest) = largest else { return EMPTY };
        if sets.len() == 1 {
            return largest;
        }
        let first = self.members.len();
        for set in sets.iter() {
            let (from, to) = self.ranges[*set as usize];
            for i in from..to {
                let member = self.members[i];
                if std::mem::replace(&mut self.met[member as usize], now) != now {
                    self.members.push(member);
                }
            }
        }
        if self.members.len() - first == self.members(largest).len() {
            self.members.truncate(first);
            return largest;
        }
        self.members[first..].sort_unstable();
        self.ranges.push((first, self.members.len()));
        self.met_sets.push(0);
        self.ranges.len() as u32 - 1
    }
}

/// What was computed from what, as far as some results depend on it.
struct Graph<'a, S: Number> {
    tape: &'a Tape<S>,
    plan: &'a Plan<S>,
    origins: Vec<Origin>,
    entries: Vec<Entry>,
    /// Whether the results depend on each number.
    live: Vec<bool>,
    connections: Vec<Connections>,
}

impl<'a, S: Number> Graph<'a, S> {
    fn new(tape: &'a Tape<S>, results: &[u32]) -> Self {
        let plan = tape.plan.as_ref().expect("this tape is replayed");
        let entries = tape.entries();
        let mut origins = vec![Origin::Given; tape.values()];
        for entry in &entries {
            match *entry {
                Entry::Statement(statement, number) => {
                    origins[number as usize] = Origin::Statement(statement as u32);
                }
                Entry::Node(place) => {
                    let node = &tape.nodes[place];
                    origins[node.first_output as usize..][..node.outputs as usize]
                        .fill(Origin::Node(place as u32));
                }
            }
        }
        let connections = tape.stores.iter().map(|(_, store)| store.connections()).collect();
        let live = vec![false; origins.len()];
        let mut graph = Self { tape, plan, origins, entries, live, connections };
        graph.mark(results);
        graph
    }

    /// Marks what the results depend on.
    fn mark(&mut self, results: &[u32]) {
        let mut live = std::mem::take(&mut self.live);
        for number in results {
            live[*number as usize] = true;
        }
        for number in (1..live.len() as u32).rev().filter(|number| *number > self.tape.inputs) {
            match self.origins[number as usize] {
                // All that a node reads, once.
                Origin::Node(place) if !self.connections_of(place).places => {
                    let node = &self.tape.nodes[place as usize];
                    if number == node.first_output {
                        let results = number as usize..(number + node.outputs) as usize;
                        if live[results].iter().any(|live| *live) {
                            self.all_read(node, |number| live[number as usize] = true);
                        }
                    }
                }
                _ if live[number as usize] => {
                    self.operands(number, |operand| live[operand as usize] = true);
                }
                _ => {}
            }
        }
        self.live = live;
    }

    fn connections_of(&self, node: u32) -> Connections {
        self.connections[self.tape.nodes[node as usize].store as usize]
    }

    fn all_read(&self, node: &Node, mut f: impl FnMut(u32)) {
        for span in self.tape.spans_of(node) {
            self.read(span, &mut f);
        }
    }

    fn read(&self, span: &Span, f: &mut impl FnMut(u32)) {
        for run in self.tape.runs_of(span).iter().filter(|run| run.start != CONSTANT) {
            (run.start..run.start + run.count).for_each(&mut *f);
        }
    }

    /// The numbers of an argument from one place on.
    fn read_at(&self, span: &Span, (mut first, count): (u32, u32), f: &mut impl FnMut(u32)) {
        let end = first + count;
        let mut place = 0;
        for &Run { start, count } in self.tape.runs_of(span) {
            while first < end && first < place + count {
                if start != CONSTANT {
                    f(start + first - place);
                }
                first += 1;
            }
            place += count;
            if first >= end {
                break;
            }
        }
    }

    /// Calls `f` with the numbers that a number was computed from.
    fn operands(&self, number: u32, mut f: impl FnMut(u32)) {
        match self.origins[number as usize] {
            Origin::Given => {}
            Origin::Statement(statement) => {
                let (operation, operands) = self.plan.operation(statement as usize);
                if operation != Arithmetic::Constant {
                    operands.into_iter().filter(|operand| *operand != CONSTANT).for_each(f);
                }
            }
            Origin::Node(place) => {
                let node = &self.tape.nodes[place as usize];
                let Connections { places, parts, .. } = self.connections_of(place);
                for span in self.tape.spans_of(node).iter().filter(|span| span.active) {
                    if places && span.count == node.outputs && span.count % parts == 0 {
                        let place = (number - node.first_output) / parts * parts;
                        self.read_at(span, (place, parts), &mut f);
                    } else {
                        self.read(span, &mut f);
                    }
                }
            }
        }
    }

    /// Whether all results of the node of a number have one set.
    fn is_dense(&self, number: u32) -> Option<&Node> {
        match self.origins[number as usize] {
            Origin::Node(place) if !self.connections_of(place).places => {
                Some(&self.tape.nodes[place as usize])
            }
            _ => None,
        }
    }

    /// The sets of all numbers that are `asked` for.
    fn sets(&self, asked: &[bool]) -> Sets {
        let values = self.origins.len();
        // What it takes to have those, and how often each is used for it.
        let mut needed = asked.to_vec();
        let mut uses = vec![0_u8; values];
        for number in (self.tape.inputs + 1..values as u32).rev() {
            let node = self.is_dense(number);
            let is_needed = match node {
                Some(node) if number != node.first_output => continue,
                Some(node) => needed[number as usize..][..node.outputs as usize].contains(&true),
                None => needed[number as usize],
            };
            if is_needed {
                self.operands(number, |operand| {
                    needed[operand as usize] = true;
                    let uses = &mut uses[operand as usize];
                    *uses = uses.saturating_add(1);
                });
            }
        }
        let mut sets = Sets::new(self.tape.inputs as usize, values);
        let (mut found, mut stack) = (Vec::new(), Vec::new());
        for number in self.tape.inputs + 1..values as u32 {
            let node = self.is_dense(number);
            let gets_one = match node {
                Some(node) if number != node.first_output => continue,
                Some(node) => needed[number as usize..][..node.outputs as usize].contains(&true),
                None => {
                    needed[number as usize] && (asked[number as usize] || uses[number as usize] > 1)
                }
            };
            if !gets_one {
                continue;
            }
            stack.push(number);
            while let Some(number) = stack.pop() {
                self.operands(number, |operand| match sets.of[operand as usize] {
                    NONE => stack.push(operand),
                    set => found.push(set),
                });
            }
            let set = sets.union(&mut found);
            found.clear();
            let outputs = node.map_or(1, |node| node.outputs as usize);
            sets.of[number as usize..][..outputs].fill(set);
        }
        sets
    }

    /// Calls `f` with the numbers that meet in each operation that is not linear: every one of the first with
    /// every one of the second.
    fn meetings(&self, mut f: impl FnMut(&[u32], &[u32])) {
        let mut read = Vec::new();
        for entry in &self.entries {
            match *entry {
                Entry::Statement(statement, number) if self.live[number as usize] => {
                    let (operation, [x, y]) = self.plan.operation(statement);
                    match operation {
                        Arithmetic::Mul => f(&[x], &[y]),
                        Arithmetic::Div => f(&[x, y], &[y]),
                        Arithmetic::Add
                        | Arithmetic::Sub
                        | Arithmetic::Neg
                        | Arithmetic::Constant => {}
                    }
                }
                Entry::Statement(..) => {}
                Entry::Node(place) => {
                    let node = &self.tape.nodes[place];
                    let Connections { places, linear, parts } = self.connections_of(place as u32);
                    let outputs = node.first_output..node.first_output + node.outputs;
                    let step = if places { parts } else { node.outputs.max(1) };
                    for first in outputs.clone().step_by(step as usize).filter(|_| !linear) {
                        let own = first..(first + step).min(outputs.end);
                        if own.clone().any(|number| self.live[number as usize]) {
                            read.clear();
                            self.operands(first, |operand| read.push(operand));
                            f(&read, &read);
                        }
                    }
                }
            }
        }
    }
}

impl<S: Number> Tape<S> {
    /// Which inputs each of these numbers depends on.
    pub(crate) fn dependencies(&self, results: &[u32]) -> Dependencies {
        let graph = Graph::new(self, results);
        let mut asked = vec![false; graph.origins.len()];
        results.iter().for_each(|number| asked[*number as usize] = true);
        let sets = graph.sets(&asked);
        let mut rows = Dependencies::new(self.inputs as usize);
        for number in results {
            rows.push(sets.members(sets.of[*number as usize]).iter().copied());
        }
        rows
    }

    /// Which inputs each input meets in an operation that is not linear and on which one of these numbers depends.
    pub(crate) fn interactions(&self, results: &[u32]) -> Dependencies {
        let graph = Graph::new(self, results);
        let mut asked = vec![false; graph.origins.len()];
        graph.meetings(|some, others| {
            some.iter().chain(others).for_each(|number| asked[*number as usize] = true);
        });
        asked[CONSTANT as usize] = false;
        let mut sets = graph.sets(&asked);
        // Every input meets those of a set: pairs of sets, each once.
        let mut pairs = HashSet::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        graph.meetings(|some, others| {
            let of = |numbers: &[u32], sets: &Sets, found: &mut Vec<u32>| {
                found.clear();
                found.extend(numbers.iter().map(|number| sets.of[*number as usize]));
            };
            of(some, &sets, &mut first);
            of(others, &sets, &mut second);
            let (some, others) = (sets.union(&mut first), sets.union(&mut second));
            if some != EMPTY && others != EMPTY {
                pairs.insert((some.min(others), some.max(others)));
            }
        });
        let inputs = self.inputs as usize;
        let mut meetings = Meetings { all: Vec::new(), bound: 1 << 16 };
        for (some, others) in pairs {
            for &i in sets.members(some) {
                meetings.push(sets.members(others).iter().flat_map(|&j| [(i, j), (j, i)]));
            }
        }
        meetings.settle();
        let mut rows = Dependencies::new(inputs);
        let mut rest = &meetings.all[..];
        for row in 0..inputs as u32 {
            let (own, others) = rest.split_at(rest.partition_point(|(i, _)| *i <= row));
            rows.push(own.iter().map(|(_, j)| *j));
            rest = others;
        }
        rows
    }
}

/// Pairs of inputs, of which the same may come many times.
struct Meetings {
    all: Vec<(u32, u32)>,
    /// How many there are before they are looked through again.
    bound: usize,
}

impl Meetings {
    fn push(&mut self, pairs: impl Iterator<Item = (u32, u32)>) {
        self.all.extend(pairs);
        if self.all.len() > self.bound {
            self.settle();
            self.bound = self.bound.max(4 * self.all.len());
        }
    }

    /// Sorts them, each once.
    fn settle(&mut self) {
        self.all.sort_unstable();
        self.all.dedup();
    }
}
