//! The adjoints of values that stay in one piece.
//!
//! Nobody adds to a number of such a value but rules that are lent all of it. So nothing has to be there before
//! the first of them, which writes; and after the rule of its own node nobody reads it, so that the next value of
//! its size has the same memory, which is in the caches then. That of inputs stays, for the caller.

use std::ops::Range;

use super::{CONSTANT, Content, Number, Run};

/// How many numbers a value has at least to be looked after here: of fewer it costs more than it spares.
pub(crate) const PIECE: usize = 200;

/// A value in one piece.
struct Piece<S> {
    first: u32,
    count: u32,
    /// Whether somebody has its numbers apart: then they are as all others.
    apart: bool,
    state: State,
    /// The memory of its adjoint, where that is not in the array.
    block: Vec<S>,
}

/// Where its adjoint is, in a sweep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was added to it yet.
    Untouched,
    /// In memory of its own.
    Block,
    /// In the array of all adjoints.
    Array,
}

impl<S> Piece<S> {
    fn end(&self) -> u32 {
        self.first + self.count
    }
}

/// The values of a tape that are in one piece, in order.
pub(super) struct Pieces<S> {
    all: Vec<Piece<S>>,
    /// The one that was taken apart last: the next number is often of the same.
    last_apart: usize,
    /// How many there are before the result of the node that a sweep is at.
    before: usize,
    /// The numbers up to here are of inputs, whose adjoints are in the array always.
    inputs: u32,
    /// Memory of no piece.
    free: Vec<Vec<S>>,
    /// Memory that earlier sweeps have left, and this one has not needed yet.
    left: Vec<Vec<S>>,
}

impl<S: Number> Pieces<S> {
    pub(super) const fn new() -> Self {
        Self {
            all: Vec::new(),
            last_apart: 0,
            before: 0,
            inputs: 0,
            free: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.last_apart = 0;
    }

    /// The numbers from `first` on are a value in one piece.
    #[inline]
    pub(super) fn push(&mut self, first: u32, count: u32) {
        let (apart, state) = (false, State::Untouched);
        self.all.push(Piece { first, count, apart, state, block: Vec::new() });
    }

    /// Somebody has a number of a piece, or some of them.
    pub(super) fn take_apart(&mut self, number: u32) {
        let has = |piece: &Piece<S>| (piece.first..piece.end()).contains(&number);
        if !self.all.get(self.last_apart).is_some_and(has) {
            self.last_apart = self.all.partition_point(|piece| piece.end() <= number);
        }
        if let Some(piece) = self.all.get_mut(self.last_apart).filter(|piece| has(piece)) {
            piece.apart = true;
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Starts a sweep, where of the adjoints in the array these first ones are not zero.
    pub(super) fn start(&mut self, inputs: u32, used: &mut [S]) {
        (self.inputs, self.before) = (inputs, self.all.len());
        self.left.append(&mut self.free);
        let mut rest = 0;
        for place in 0..self.all.len() {
            self.all[place].state = State::Untouched;
            let (first, end) = (self.all[place].first as usize, self.all[place].end() as usize);
            if self.is_input(place) && end <= used.len() {
                used[rest..first].fill(S::zero());
                rest = end;
            }
        }
        used[rest..].fill(S::zero());
    }

    /// Ends it.
    pub(super) fn end(&mut self, adjoints: &mut [S]) {
        for place in 0..self.all.len() {
            if self.is_input(place) && self.is_untouched(place) {
                self.settle(place, adjoints);
            }
            self.free(place);
        }
        // Sizes that come no more go.
        self.left.clear();
    }

    /// The piece that is the result of the next node of a sweep, which comes to them from the last on; where it has
    /// several, their adjoints are in the array from now on.
    #[inline]
    pub(super) fn find_result(&mut self, run: Run, adjoints: &mut [S]) -> Option<usize> {
        let behind = self.before;
        while self.before > 0 && self.all[self.before - 1].first >= run.start {
            self.before -= 1;
        }
        if self.is(self.before, run) {
            return Some(self.before);
        }
        for place in self.before..behind {
            self.settle(place, adjoints);
        }
        None
    }

    /// The piece that has exactly these numbers.
    #[inline]
    fn find(&self, run: Run) -> Option<usize> {
        // Most often it is the result of the node before, or the input.
        for place in [self.before.wrapping_sub(1), 0] {
            if self.is(place, run) {
                return Some(place);
            }
        }
        let place = self.all.partition_point(|piece| piece.first < run.start);
        self.is(place, run).then_some(place)
    }

    /// Whether the piece at a place has exactly these numbers.
    #[inline]
    fn is(&self, place: usize, run: Run) -> bool {
        self.all.get(place).is_some_and(|piece| {
            piece.first == run.start && piece.count == run.count && !piece.apart
        })
    }

    /// The piece that has exactly these numbers, with memory for its adjoint; of others that have some of them
    /// the adjoints are in the array from now on.
    pub(super) fn prepare(&mut self, run: Run, adjoints: &mut [S]) -> Option<usize> {
        let found = self.find(run);
        if let Some(place) = found {
            self.make_room(place);
        } else if run.start != CONSTANT {
            let first = self.all.partition_point(|piece| piece.end() <= run.start);
            let end = run.start + run.count;
            for place in first..self.all.partition_point(|piece| piece.first < end) {
                self.settle(place, adjoints);
            }
        }
        found
    }

    /// Puts the adjoint of the piece that has this number, if one has, into the array of all; returns its numbers.
    pub(super) fn settle_number(&mut self, number: u32, adjoints: &mut [S]) -> Range<u32> {
        let place = self.all.partition_point(|piece| piece.end() <= number);
        match self.all.get(place).map(|piece| piece.first..piece.end()) {
            Some(numbers) if numbers.contains(&number) => {
                self.settle(place, adjoints);
                numbers
            }
            _ => number..number + 1,
        }
    }

    /// Puts the adjoint of a piece into the array of all.
    pub(super) fn settle(&mut self, place: usize, adjoints: &mut [S]) {
        let is_input = self.is_input(place);
        let piece = &mut self.all[place];
        let array = &mut adjoints[piece.first as usize..piece.end() as usize];
        match piece.state {
            // The adjoints of others are zero there.
            State::Untouched if is_input => array.fill(S::zero()),
            State::Untouched | State::Array => {}
            State::Block => array.copy_from_slice(&piece.block),
        }
        piece.state = State::Array;
        self.free(place);
    }

    /// Puts the adjoints of all pieces into the array of all.
    pub(super) fn settle_all(&mut self, adjoints: &mut [S]) {
        (0..self.all.len()).for_each(|place| self.settle(place, adjoints));
    }

    /// Whether the adjoint of a piece is in the array from the beginning.
    fn is_input(&self, place: usize) -> bool {
        let piece = &self.all[place];
        piece.first <= self.inputs && !piece.apart
    }

    /// Whether nothing was added to the adjoint of a piece.
    pub(super) fn is_untouched(&self, place: usize) -> bool {
        self.all[place].state == State::Untouched
    }

    /// The memory of the adjoint of a piece, if it is not in the array: nobody adds to it any more.
    pub(super) fn take(&mut self, place: usize) -> Option<Vec<S>> {
        let piece = &mut self.all[place];
        (piece.state == State::Block).then(|| std::mem::take(&mut piece.block))
    }

    /// Puts what was taken into the array, from a number on.
    pub(super) fn put_back(&mut self, block: Option<Vec<S>>, first: u32, adjoints: &mut [S]) {
        if let Some(block) = block {
            adjoints[first as usize..][..block.len()].copy_from_slice(&block);
            self.give(block);
        }
    }

    /// Gives the memory to the next piece.
    pub(super) fn give(&mut self, block: Vec<S>) {
        if !block.is_empty() {
            self.free.push(block);
        }
    }

    /// Gives the memory of a piece to the next one.
    pub(super) fn free(&mut self, place: usize) {
        let block = std::mem::take(&mut self.all[place].block);
        self.give(block);
    }

    /// Gives a piece memory for its adjoint, where that is not in the array.
    fn make_room(&mut self, place: usize) {
        let is_input = self.is_input(place);
        let piece = &mut self.all[place];
        if piece.state != State::Untouched || is_input || !piece.block.is_empty() {
            return;
        }
        let count = piece.count as usize;
        let find = |blocks: &mut Vec<Vec<S>>| {
            let found = blocks.iter().rposition(|block| block.len() == count)?;
            Some(blocks.swap_remove(found))
        };
        let found = find(&mut self.free).or_else(|| find(&mut self.left));
        piece.block = found.unwrap_or_else(|| vec![S::zero(); count]);
    }

    /// The adjoint of some numbers, to add to.
    pub(super) fn sums<'a>(&'a mut self, run: Run, adjoints: &'a mut [S]) -> &'a mut [S] {
        let array = &mut adjoints[run.start as usize..][..run.count as usize];
        let Some(place) = self.find(run) else { return array };
        self.make_room(place);
        let piece = &mut self.all[place];
        let untouched = piece.state == State::Untouched;
        piece.state = if piece.block.is_empty() { State::Array } else { State::Block };
        let sums = if piece.block.is_empty() { array } else { &mut piece.block[..] };
        if untouched {
            sums.fill(S::zero());
        }
        sums
    }

    /// Lends the adjoints of pieces to a rule.
    pub(super) fn lend(&mut self) -> Lending<'_, S> {
        Lending { rest: &mut self.all, lent: 0 }
    }

    /// A rule was lent the adjoint of a piece, which has this content now. The memory is that of the cotangent; the
    /// first piece that is to have what is in it is its owner then, and the next have copies.
    pub(super) fn lent(
        &mut self,
        place: usize,
        content: Content,
        (memory, owner): (&mut Option<Vec<S>>, &mut usize),
    ) {
        if content == Content::Exchanged {
            if let Some(memory) = memory.take() {
                self.free(place);
                self.all[place].block = memory;
                *owner = place;
            } else if let Ok([from, to]) = self.all.get_disjoint_mut([*owner, place]) {
                to.block.copy_from_slice(&from.block);
            }
        }
        let piece = &mut self.all[place];
        piece.state = match content {
            Content::Nothing | Content::Exchangeable => State::Untouched,
            Content::Sum | Content::Exchanged if piece.block.is_empty() => State::Array,
            Content::Sum | Content::Exchanged => State::Block,
        };
    }
}

/// The adjoints of pieces, while they are lent to a rule, each once, in order.
pub(super) struct Lending<'a, S> {
    rest: &'a mut [Piece<S>],
    /// How many pieces come before the rest.
    lent: usize,
}

impl<'a, S> Lending<'a, S> {
    /// Whether nothing was added to the adjoint of a piece, and its memory, where that is not in the array;
    /// nothing if it is lent already.
    pub(super) fn next(&mut self, place: usize) -> Option<(bool, Option<&'a mut [S]>)> {
        let skipped = place.checked_sub(self.lent)?;
        let (piece, rest) = std::mem::take(&mut self.rest)[skipped..].split_first_mut()?;
        (self.rest, self.lent) = (rest, place + 1);
        let block = (!piece.block.is_empty()).then_some(&mut piece.block[..]);
        Some((piece.state == State::Untouched, block))
    }
}
