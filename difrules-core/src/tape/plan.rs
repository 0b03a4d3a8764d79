//! What a tape needs to compute its values again, at another point.

use std::cmp::Ordering;
use std::ops::Range;

use super::overflow::{has_extreme_powers, is_lost, slope_by_quotients};
use super::{CONSTANT, Number, Tape, carry, is_below};

/// An operand of a statement: its number on the tape, or that of constants, and its value.
#[derive(Clone, Copy)]
pub(crate) struct Operand<S> {
    pub(crate) number: u32,
    pub(crate) value: S,
}

/// Why a recorded function cannot be replayed at a point: record it there again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The point, the cotangent or the place for a gradient has another shape.
    #[error("{what} has another shape than where the function was recorded")]
    Shape {
        /// Which value.
        what: &'static str,
    },
    /// Two numbers compare otherwise, so the function might have taken another branch.
    #[error(
        "a comparison came out {expected} where the function was recorded, and comes out {found} \
         here, of {first} and {second}: the function may take another branch"
    )]
    Comparison {
        /// How it came out where the function was recorded.
        expected: String,
        /// How it comes out now.
        found: String,
        /// The first number.
        first: f64,
        /// The second number.
        second: f64,
    },
    /// A number that the function took out of the computation is another.
    #[error(
        "the function read the number {expected} where it was recorded, and it is {found} here"
    )]
    Read {
        /// The number where the function was recorded.
        expected: f64,
        /// The number now.
        found: f64,
    },
    /// A primitive failed, or gave another shape.
    #[error("`{primitive}` {text}")]
    Primitive {
        /// The primitive's path.
        primitive: &'static str,
        /// What happened.
        text: String,
    },
}

/// What a tape needs to compute its values again.
pub(crate) struct Plan<S> {
    /// The values by their numbers.
    pub(crate) values: Vec<S>,
    pub(crate) instructions: Vec<Instruction>,
    guards: Vec<Guard<S>>,
    /// Constants that got a number last; the same few come again and again.
    constants: [(S, u32); 4],
    oldest: usize,
}

/// An arithmetic operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    /// A number that does not depend on the inputs.
    Constant,
}

/// A statement of a plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instruction {
    operands: [u32; 2],
    operation: Arithmetic,
}

/// What has to come out as it did.
enum Guard<S> {
    Order { operands: [u32; 2], expected: Option<Ordering> },
    Equality { operands: [u32; 2], expected: bool },
    Decision { operand: u32, decide: fn(&S) -> bool, expected: bool },
    Value { operand: u32, expected: S },
}

impl<S: Number> Plan<S> {
    pub(crate) fn new(values: Vec<S>) -> Self {
        Self {
            values,
            instructions: Vec::new(),
            guards: Vec::new(),
            constants: [(S::zero(), CONSTANT); 4],
            oldest: 0,
        }
    }

    /// Computes the results of these instructions, which are numbered from `first` on.
    pub(crate) fn run(&mut self, instructions: Range<usize>, first: u32) {
        let (before, after) = self.values.split_at_mut(first as usize);
        let instructions = &self.instructions[instructions];
        for (i, instruction) in instructions.iter().enumerate() {
            let (done, rest) = after.split_at_mut(i);
            let value = |operand: u32| match (operand as usize).checked_sub(before.len()) {
                None => before[operand as usize],
                Some(operand) => done[operand],
            };
            let [x, y] = instruction.operands;
            rest[0] = match instruction.operation {
                Arithmetic::Add => value(x) + value(y),
                Arithmetic::Sub => value(x) - value(y),
                Arithmetic::Mul => value(x) * value(y),
                Arithmetic::Div => value(x) / value(y),
                Arithmetic::Neg => -value(x),
                Arithmetic::Constant => continue,
            };
        }
    }

    /// Carries the adjoints of the results of these instructions back to their operands. Returns whether one may have underflowed
    /// between the factors of a slope.
    pub(crate) fn sweep(
        &self,
        instructions: Range<usize>,
        numbers: Range<u32>,
        adjoints: &mut [S],
        is_live: impl Fn(u32) -> bool,
    ) -> bool {
        let mut faint = false;
        for (instruction, number) in instructions.zip(numbers).rev() {
            let (mut operands, partials, _) = self.edges(instruction, number);
            if self.instructions[instruction].operation == Arithmetic::Div {
                let quotient = self.values[number as usize];
                if operands[1] != CONSTANT && is_below(partials[1], quotient, partials[0]) {
                    // One factor after the other, as where it is not replayed.
                    let adjoint = adjoints[number as usize];
                    faint |= is_lost(adjoint, partials[0], quotient);
                    let through = partials[0] * adjoint;
                    adjoints[operands[1] as usize] += -quotient * through;
                    operands[1] = CONSTANT;
                }
            }
            carry(number, operands, partials, adjoints, &is_live);
        }
        faint
    }

    /// The value of an instruction that is a quotient.
    pub(super) fn quotient(&self, instruction: usize, number: u32) -> Option<S> {
        let is_quotient = self.instructions[instruction].operation == Arithmetic::Div;
        is_quotient.then(|| self.values[number as usize])
    }

    /// The operands of an instruction whose result has this number, with the partial derivatives by them, and
    /// which of these are the other factor of a product.
    #[inline]
    pub(crate) fn edges(&self, instruction: usize, number: u32) -> ([u32; 2], [S; 2], [bool; 2]) {
        let Instruction { operands, operation } = self.instructions[instruction];
        let [x, y] = operands.map(|operand| self.values[operand as usize]);
        let (one, zero) = (S::one(), S::zero());
        let (partials, factors) = match operation {
            Arithmetic::Add => ([one, one], [false; 2]),
            Arithmetic::Sub => ([one, -one], [false; 2]),
            Arithmetic::Mul => ([y, x], [true; 2]),
            Arithmetic::Div => {
                let inverse = one / y;
                let zero = x.plain() == 0.0;
                let quotient = self.values[number as usize];
                let mut slope = -(quotient * inverse);
                if S::ORDER > 1 && has_extreme_powers(y) {
                    slope = slope_by_quotients(slope, quotient, y);
                }
                ([inverse, slope], [zero || inverse.plain() == 0.0, zero])
            }
            Arithmetic::Neg => ([-one, zero], [false; 2]),
            Arithmetic::Constant => ([zero; 2], [false; 2]),
        };
        (operands, partials, factors)
    }

    /// An instruction's operation and operands.
    pub(crate) fn operation(&self, instruction: usize) -> (Arithmetic, [u32; 2]) {
        let Instruction { operands, operation } = self.instructions[instruction];
        (operation, operands)
    }

    /// Whether all came out as it did.
    pub(crate) fn check(&self) -> Result<(), ReplayError> {
        let value = |operand: u32| self.values[operand as usize];
        let comparison = |expected: String, found: String, [x, y]: [u32; 2]| {
            let (first, second) = (value(x).plain(), value(y).plain());
            Err(ReplayError::Comparison { expected, found, first, second })
        };
        let named = |order: Option<Ordering>| match order {
            Some(order) => format!("{order:?}").to_lowercase(),
            None => "unordered".into(),
        };
        for guard in &self.guards {
            match *guard {
                Guard::Order { operands: [x, y], expected } => {
                    let found = value(x).partial_cmp(&value(y));
                    if found != expected {
                        return comparison(named(expected), named(found), [x, y]);
                    }
                }
                Guard::Equality { operands: [x, y], expected } => {
                    let found = value(x) == value(y);
                    if found != expected {
                        return comparison(expected.to_string(), found.to_string(), [x, y]);
                    }
                }
                Guard::Decision { operand, decide, expected } => {
                    let found = decide(&value(operand));
                    if found != expected {
                        return comparison(expected.to_string(), found.to_string(), [operand; 2]);
                    }
                }
                Guard::Value { operand, expected } => {
                    let found = value(operand);
                    if !found.is_same(expected) {
                        let (expected, found) = (expected.plain(), found.plain());
                        return Err(ReplayError::Read { expected, found });
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: Number> Tape<S> {
    /// The number of an operand, which may be a constant.
    fn operand(&mut self, Operand { number, value }: Operand<S>) -> u32 {
        if number != CONSTANT {
            return number;
        }
        let plan = self.plan.as_ref().expect("this tape is replayed");
        // The sign of a zero counts, and equality does not see it.
        let same = |(constant, number): &&(S, u32)| *number != CONSTANT && constant.is_same(value);
        if let Some((_, number)) = plan.constants.iter().find(same) {
            return *number;
        }
        let instruction = Instruction { operands: [CONSTANT; 2], operation: Arithmetic::Constant };
        let number = self.instruct(instruction, value);
        let plan = self.plan.as_mut().expect("this tape is replayed");
        plan.constants[plan.oldest] = (value, number);
        plan.oldest = (plan.oldest + 1) % plan.constants.len();
        number
    }

    /// Records an operation to be replayed; returns the number of its result.
    pub(crate) fn operation(
        &mut self,
        operation: Arithmetic,
        value: S,
        first: Operand<S>,
        second: Operand<S>,
    ) -> u32 {
        let operands = [self.operand(first), self.operand(second)];
        self.instruct(Instruction { operands, operation }, value)
    }

    fn guard(&mut self, guard: Guard<S>) {
        self.plan.as_mut().expect("this tape is replayed").guards.push(guard);
    }

    pub(crate) fn guard_order(&mut self, x: Operand<S>, y: Operand<S>, expected: Option<Ordering>) {
        let operands = [self.operand(x), self.operand(y)];
        self.guard(Guard::Order { operands, expected });
    }

    pub(crate) fn guard_equality(&mut self, x: Operand<S>, y: Operand<S>, expected: bool) {
        let operands = [self.operand(x), self.operand(y)];
        self.guard(Guard::Equality { operands, expected });
    }

    pub(crate) fn guard_decision(&mut self, x: Operand<S>, decide: fn(&S) -> bool, expected: bool) {
        let operand = self.operand(x);
        self.guard(Guard::Decision { operand, decide, expected });
    }

    pub(crate) fn guard_value(&mut self, x: Operand<S>) {
        let expected = x.value;
        let operand = self.operand(x);
        self.guard(Guard::Value { operand, expected });
    }
}
