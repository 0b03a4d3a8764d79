//! Where a zero meets an infinity in a sweep.
//!
//! An adjoint is zero where its number does not matter for the results, and where it came out so. The
//! first zero is strong; the second times an infinite partial derivative has no value. Which it is, is
//! found out when they meet: a sweep without infinities pays nothing.

use super::{CONSTANT, MOST_ARGUMENTS, Node, Room, Span, Sweep, Tape};
use crate::diagnostic::diagnosed;
use crate::tape::Number;
use crate::tape::split_front;

/// What a sweep has to know of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementKind {
    /// Its partial derivatives are finite.
    Linear,
    /// A product, or the quotient of a zero: each partial derivative is zero where the other factor is.
    Product,
    /// A quotient of another number by infinity: the partial derivative by the dividend is zero, as the other
    /// factor is. That by the divisor is zero because it underflows.
    Quotient,
    /// A partial derivative is infinite, or is none.
    Infinite,
}

/// The numbers that the results depend on, but through a product whose other factor is zero and has
/// finite derivatives: the product has derivatives then if the number only is continuous, so that an
/// infinite derivative of a finite number contributes nothing. One that jumps is not continuous.
///
/// Of each number the least count of such factors on the ways to it: in a mode of a mode there are derivatives of this
/// derivative, and a zero that moves is none in the next of them. One that does not is as good as any number of them.
pub(super) struct Live(Vec<u8>);

/// Whether a zero does not move, whatever its own sign is.
pub(crate) fn rests<S: Number>(zero: S) -> bool {
    zero.is_nothing() && (zero.is_still() || (-zero).is_still())
}

/// More factors than there are derivations.
const DEAD: u8 = u8::MAX;

impl Live {
    pub(super) fn is<S: Number>(&self, number: u32) -> bool {
        self.0[number as usize] < S::ORDER
    }
}

/// Something that is on the tape, and the numbers of its results.
pub(super) enum Entry {
    Statement(usize, u32),
    Node(usize),
}

impl<S: Number> Tape<S> {
    /// Notes what a sweep has to know of the next statement.
    #[cold]
    pub(super) fn note(&mut self, kind: StatementKind) {
        match kind {
            StatementKind::Linear => {}
            StatementKind::Product => self.products.push((self.statements.len() as u32, true)),
            StatementKind::Quotient => self.products.push((self.statements.len() as u32, false)),
            StatementKind::Infinite => self.infinite = true,
        }
    }

    /// All that is on the tape, in order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let (mut statement, mut number) = (0, self.inputs + 1);
        let mut until = |end: usize, number: &mut u32, entries: &mut Vec<Entry>| {
            while statement < end {
                entries.push(Entry::Statement(statement, *number));
                statement += 1;
                *number += 1;
            }
        };
        for (i, node) in self.nodes.iter().enumerate() {
            until(node.statements, &mut number, &mut entries);
            entries.push(Entry::Node(i));
            number = node.first_output + node.outputs;
        }
        until(self.statements(), &mut number, &mut entries);
        entries
    }

    /// The operands of a statement with the partial derivatives by them, and which of these are the other factor of a
    /// product.
    pub(super) fn edges(&self, statement: usize, number: u32) -> ([u32; 2], [S; 2], [bool; 2]) {
        match &self.plan {
            Some(plan) => plan.edges(statement, number),
            None => {
                let (operands, partials) = self.statements.get(statement);
                let place = self.products.binary_search_by_key(&(statement as u32), |(i, _)| *i);
                let factors = place.map_or([false; 2], |place| [true, self.products[place].1]);
                (operands, partials, factors)
            }
        }
    }

    pub(super) fn spans_of(&self, node: &Node) -> &[Span] {
        &self.spans[node.first_span as usize..][..node.spans as usize]
    }

    /// The numbers that an argument reads, but constants.
    fn read(&self, span: &Span) -> impl Iterator<Item = u32> {
        self.runs_of(span).iter().flat_map(|run| {
            let count = if run.start == CONSTANT { 0 } else { run.count };
            run.start..run.start + count
        })
    }

    /// What a node's rule adds to the numbers that it reads, argument by argument, into the scratch, where
    /// the adjoints of its results are these. What the rule does not add to stays as it is.
    pub(super) fn contributions(
        &self,
        node: &Node,
        adjoint: impl Fn(u32) -> S,
        scratch: &mut Vec<S>,
    ) {
        let spans = self.spans_of(node);
        scratch.clear();
        let inputs = spans.iter().map(|span| span.count as usize).sum();
        scratch.resize(inputs, S::still());
        let numbers = node.first_output..node.first_output + node.outputs;
        scratch.extend(numbers.map(adjoint));
        let (mut free, seed) = scratch.split_at_mut(inputs);
        let mut lent = [const { None }; MOST_ARGUMENTS];
        for (slot, span) in lent.iter_mut().zip(spans) {
            let own = split_front(&mut free, span.count as usize);
            *slot = span.active.then(|| Room::from(own));
        }
        let store = &self.stores[node.store as usize].1;
        store.reverse(node.entry as usize, seed, &mut lent[..spans.len()]);
        scratch.truncate(inputs);
    }

    /// Whether the result of the node of this place jumps.
    pub(super) fn is_jumping(&self, node: usize) -> bool {
        self.jumping.binary_search(&(node as u32)).is_ok()
    }

    /// Whether the node of this place is a product with a result that is not finite.
    pub(super) fn is_unbounded(&self, node: usize) -> bool {
        self.unbounded.binary_search(&(node as u32)).is_ok()
    }

    pub(super) fn is_entrywise(&self, node: &Node) -> bool {
        self.stores[node.store as usize].1.is_entrywise()
    }

    /// Whether a node has tapes of its own, whose derivatives may be infinite.
    pub(super) fn is_loop(&self, node: &Node) -> bool {
        self.loops && self.stores[node.store as usize].1.is_loop()
    }

    /// Whether a node has partial derivatives and one of them is infinite, or is none.
    pub(super) fn is_infinite(&self, node: &Node, scratch: &mut Vec<S>) -> bool {
        self.any_derivative(node, scratch, |derivative| !derivative.is_bounded())
    }

    fn any_derivative(&self, node: &Node, scratch: &mut Vec<S>, is: impl Fn(&S) -> bool) -> bool {
        if !self.is_entrywise(node) && !self.is_loop(node) {
            return false;
        }
        self.contributions(node, |_| S::one(), scratch);
        scratch.iter().any(is)
    }

    /// Sweeps a node where all its adjoints are zeros, those that matter among them. A derivative of such a zero, in the modes
    /// inside, may have come out zero: the next infinity has to tell it from nothing, so it is passed on.
    #[cold]
    pub(super) fn sweep_zeros(&self, node: &Node, sweep: &mut Sweep<S>) {
        let Sweep { adjoints, scratch, .. } = sweep;
        if self.is_entrywise(node) {
            // A rule may not look further where its cotangent is zero.
            let seed = |number: u32| {
                if adjoints[number as usize].is_still() { S::still() } else { S::one() }
            };
            self.contributions(node, seed, scratch);
            let zeros = &adjoints[node.first_output as usize..][..node.outputs as usize];
            for (contribution, zero) in scratch.iter_mut().zip(zeros.iter().cycle()) {
                *contribution *= *zero;
            }
        } else {
            // A rule is not called for zeros throughout: here neither for what it says nor for what is undefined.
            diagnosed(|| self.contributions(node, |number| adjoints[number as usize], scratch));
            for contribution in scratch.iter_mut().filter(|x| x.plain() != 0.0) {
                *contribution = S::still();
            }
        }
        self.add_contributions(node, sweep);
    }

    /// Sweeps a loop where some of its adjoints are zeros, or all. Which of them are strong is asked where they meet infinities,
    /// as is seen by what comes of it.
    #[cold]
    pub(super) fn sweep_loop(&self, node: &Node, sweep: &mut Sweep<S>) {
        let Sweep { adjoints, scratch, live, reached, powers, .. } = sweep;
        let results = node.first_output as usize..(node.first_output + node.outputs) as usize;
        if adjoints[results.clone()].iter().all(S::is_nothing) {
            let seeded = || self.seeds.iter().filter(|(_, adjoint)| !adjoint.is_still());
            let reached = reached.get_or_init(|| self.reached(seeded().map(|(number, _)| *number)));
            if !reached[results.clone()].contains(&true) {
                return adjoints[results].fill(S::zero());
            }
        }
        if powers.is_none() {
            self.contributions(node, |number| adjoints[number as usize].moved(), scratch);
            if scratch.iter().all(S::is_bounded) {
                return self.add_contributions(node, sweep);
            }
        }
        let live = live.get_or_init(|| self.live());
        for (adjoint, number) in adjoints[results].iter_mut().zip(node.first_output..) {
            if adjoint.is_nothing() && !live.is::<S>(number) {
                *adjoint = S::still();
            }
        }
        if powers.is_some() {
            return self.call_carefully(node, sweep);
        }
        // The rules have said what they have to say.
        diagnosed(|| self.contributions(node, |number| adjoints[number as usize], scratch));
        self.add_contributions(node, sweep);
    }

    /// Adds what is in the scratch to the adjoints of what a node reads; those of its results are used up.
    fn add_contributions(&self, node: &Node, sweep: &mut Sweep<S>) {
        let Sweep { adjoints, pieces, scratch, .. } = sweep;
        for run in self.spans_of(node).iter().flat_map(|span| self.runs_of(span)) {
            pieces.prepare(*run, adjoints);
        }
        let mut contributions = scratch.as_slice();
        for span in self.spans_of(node) {
            let (own, others) = contributions.split_at(span.count as usize);
            contributions = others;
            self.scatter(span, own, adjoints, pieces);
        }
        adjoints[node.first_output as usize..][..node.outputs as usize].fill(S::zero());
    }

    /// Marks the numbers that a node's live results depend on: not so where a partial derivative is off.
    fn mark(&self, node: &Node, zeros: &mut [u8], scratch: &mut Vec<S>) {
        let results = &zeros[node.first_output as usize..][..node.outputs as usize];
        let least = results.iter().copied().min().unwrap_or(DEAD);
        let mut matters: Vec<bool> = Vec::new();
        if self.is_entrywise(node) {
            // A derivative of either zero is added by one of the two.
            for factor in [S::one(), -S::one()] {
                let seed =
                    |number| if zeros[number as usize] != DEAD { factor } else { S::still() };
                self.contributions(node, seed, scratch);
                matters.resize(scratch.len(), false);
                for (matters, contribution) in matters.iter_mut().zip(&*scratch) {
                    *matters |= !contribution.is_still();
                }
            }
        } else if self.stores[node.store as usize].1.is_resting() || self.is_loop(node) {
            // An adjoint that is undefined makes undefined what its result depends on.
            let undefined = nalgebra::convert(f64::NAN);
            let seed = |number| if zeros[number as usize] != DEAD { undefined } else { S::still() };
            self.contributions(node, seed, scratch);
            matters = scratch.iter().map(|contribution| !contribution.is_bounded()).collect();
        }
        let runs = self.spans_of(node).iter().flat_map(|span| self.runs_of(span));
        let places = runs.flat_map(|run| (0..run.count).map(move |k| (run.start, k)));
        for (place, (start, k)) in places.enumerate() {
            if start != CONSTANT && matters.get(place).is_none_or(|matters| *matters) {
                let zeros = &mut zeros[(start + k) as usize];
                *zeros = least.min(*zeros);
            }
        }
    }

    /// Looks at the whole tape.
    #[cold]
    pub(super) fn live(&self) -> Live {
        // Rules of loops that are asked for their derivatives have nothing to say.
        diagnosed(|| self.looked_at()).0
    }

    /// Which of these numbers have derivatives that are not finite.
    #[cold]
    pub(crate) fn infinite(&self, numbers: impl Iterator<Item = u32>) -> Vec<bool> {
        let (infinite, _) = diagnosed(|| self.looked_forwards(&self.entries())).0;
        numbers.map(|number| infinite[number as usize]).collect()
    }

    /// Forwards: which numbers have derivatives that are not finite, and of the operands of each statement how many factors
    /// that are zero stand before it.
    fn looked_forwards(&self, entries: &[Entry]) -> (Vec<bool>, Vec<[u8; 2]>) {
        let values = self.values();
        let mut infinite = vec![false; values];
        let mut jumping = vec![false; values];
        infinite[1..=self.infinite_inputs.len()].copy_from_slice(&self.infinite_inputs);
        let mut scratch = Vec::new();
        let mut zeros = vec![[DEAD; 2]; self.statements()];
        for entry in entries {
            match *entry {
                Entry::Statement(statement, number) => {
                    let (operands, partials, factors) = self.edges(statement, number);
                    for i in 0..2 {
                        let (operand, other) = (operands[i] as usize, operands[1 - i] as usize);
                        let vanishes = factors[i]
                            && partials[i].plain() == 0.0
                            && partials[1 - i].plain().is_finite()
                            && !infinite[other]
                            && !jumping[operand];
                        if operands[i] != CONSTANT && !(vanishes && rests(partials[i])) {
                            zeros[statement][i] = u8::from(vanishes);
                        }
                        infinite[number as usize] |= operands[i] != CONSTANT
                            && (!partials[i].plain().is_finite() || infinite[operand] && !vanishes);
                        jumping[number as usize] |= operands[i] != CONSTANT && jumping[operand];
                    }
                }
                Entry::Node(node) => {
                    let jumps = self.is_jumping(node);
                    let node = &self.nodes[node];
                    let read = || self.spans_of(node).iter().flat_map(|span| self.read(span));
                    let results =
                        node.first_output as usize..(node.first_output + node.outputs) as usize;
                    let any = read().any(|number| infinite[number as usize])
                        || self.any_derivative(node, &mut scratch, |x| !x.plain().is_finite());
                    infinite[results.clone()].fill(any);
                    let any = jumps || read().any(|number| jumping[number as usize]);
                    jumping[results].fill(any);
                }
            }
        }
        (infinite, zeros)
    }

    fn looked_at(&self) -> Live {
        let entries = self.entries();
        let (_, zeros) = self.looked_forwards(&entries);
        // Backwards: what the results depend on.
        let mut live = vec![DEAD; self.values()];
        let mut scratch = Vec::new();
        for (number, _) in self.seeds.iter().filter(|(_, adjoint)| !adjoint.is_still()) {
            live[*number as usize] = 0;
        }
        for entry in entries.iter().rev() {
            match *entry {
                Entry::Statement(statement, number) if live[number as usize] != DEAD => {
                    let (operands, ..) = self.edges(statement, number);
                    let so_far = live[number as usize];
                    for (operand, zeros) in operands.into_iter().zip(zeros[statement]) {
                        let least = &mut live[operand as usize];
                        *least = so_far.saturating_add(zeros).min(*least);
                    }
                }
                Entry::Statement(..) => {}
                Entry::Node(node) => {
                    let node = &self.nodes[node];
                    let results = node.first_output as usize..;
                    if live[results][..node.outputs as usize].iter().any(|zeros| *zeros != DEAD) {
                        self.mark(node, &mut live, &mut scratch);
                    }
                }
            }
        }
        Live(live)
    }
}
