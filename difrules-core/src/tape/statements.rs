//! The scalar operations on a tape.

use std::ops::Range;

use super::CONSTANT;
use super::clash::rests;
use crate::tape::Number;

/// Operations on at most two numbers, in order.
pub(super) struct StatementList<S>(Vec<Statement<S>>);

#[derive(Clone, Copy)]
struct Statement<S> {
    operands: [u32; 2],
    partials: [S; 2],
}

// Millions of them are on a tape.
const _: () = assert!(size_of::<Statement<f64>>() == 24);

impl<S: Number> StatementList<S> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    #[inline]
    pub(super) fn push(&mut self, operands: [u32; 2], partials: [S; 2]) {
        self.0.push(Statement { operands, partials });
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The operands of a statement, and the partial derivatives by them.
    pub(super) fn get(&self, statement: usize) -> ([u32; 2], [S; 2]) {
        let Statement { operands, partials } = self.0[statement];
        (operands, partials)
    }

    /// Carries the adjoints of these statements' results, which have these numbers, back to their
    /// operands.
    pub(super) fn sweep(
        &self,
        statements: Range<usize>,
        numbers: Range<u32>,
        adjoints: &mut [S],
        is_live: impl Fn(u32) -> bool,
    ) {
        debug_assert_eq!(statements.len(), numbers.len());
        for (statement, number) in self.0[statements].iter().zip(numbers).rev() {
            carry(number, statement.operands, statement.partials, adjoints, &is_live);
        }
    }
}

/// Carries the adjoint of a result back to its operands.
#[inline]
pub(crate) fn carry<S: Number>(
    number: u32,
    operands: [u32; 2],
    partials: [S; 2],
    adjoints: &mut [S],
    is_live: &impl Fn(u32) -> bool,
) {
    let adjoint = std::mem::replace(&mut adjoints[number as usize], S::zero());
    // Zero is strong where nothing comes by this result: it contributes nothing, whatever the partial. One
    // whose derivatives, in the modes inside, came out zero is passed on: the next infinity tells them from nothing.
    if adjoint.plain() == 0.0 {
        let bounded = partials.iter().all(|partial| partial.is_bounded());
        if bounded && rests(adjoint) || !bounded && !is_live(number) {
            return;
        }
    }
    for (operand, partial) in operands.into_iter().zip(partials) {
        if operand != CONSTANT {
            adjoints[operand as usize] += partial * adjoint;
        }
    }
}
