//! Tapes that are recorded once and replayed at new points.

use std::cmp::Ordering;
use std::ops::Range;

use crate::contract::passing::Arguments;
use crate::contract::primitive::{Inputs, Primitive, Shapes};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Shape, With};
use crate::modes::maps::{Again, Ranges, seed};
use crate::modes::reverse::var::Var;
use crate::tape::{CONSTANT, Opened, Store, Tape, carry};
use crate::transform::{Outcome, inputs};

/// A recorded function that can be evaluated and differentiated at other points, without running it
/// and, but for what its matrix primitives allocate themselves, without allocation.
///
/// The function has to do the same operations at the other points. What it decides by comparing
/// numbers is compared again; a number that it takes out of the computation, by
/// [`Var::value`](crate::Var::value) or a conversion, has to be the same again. Where that is not so,
/// the result is an error, never a wrong number. (A number that it prints is not looked at.)
///
/// ```
/// use difrules_core::{Recording, ReplayError};
/// use nalgebra::{Vector2, vector};
///
/// let mut area = Recording::new(
///     |x: &Vector2<_>| if x[0] > x[1] { x[0] * x[1] } else { x[0] },
///     &vector![3.0_f64, 2.0],
/// );
/// let mut gradient = Vector2::zeros();
/// assert_eq!(area.value_and_gradient(&vector![5.0, 4.0], &mut gradient)?, 20.0);
/// assert_eq!(gradient, vector![4.0, 5.0]);
/// let other_branch = area.value(&vector![1.0, 2.0]);
/// assert!(matches!(other_branch, Err(ReplayError::Comparison { .. })));
/// # Ok::<(), ReplayError>(())
/// ```
pub struct Recording<X: Differentiable, V> {
    tape: Tape<X::Real>,
    shape: Shape<X>,
    output: V,
    /// The numbers of the output's reals.
    numbers: Ranges,
    /// Room for their adjoints.
    seed: Vec<X::Real>,
}

/// Why a recorded function cannot be replayed at a point: record it there again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
pub(crate) struct Program<S> {
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
pub(crate) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    Neg,
    /// A number that does not depend on the inputs.
    Constant,
}

/// A statement of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instruction {
    operands: [u32; 2],
    operation: Operation,
}

/// What has to come out as it did.
enum Guard<S> {
    Order { operands: [u32; 2], expected: Option<Ordering> },
    Equality { operands: [u32; 2], expected: bool },
    Decision { operand: u32, decide: fn(&S) -> bool, expected: bool },
    Value { operand: u32, expected: S },
}

impl<S: Real> Program<S> {
    fn new(values: Vec<S>) -> Self {
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
                Operation::Add => value(x) + value(y),
                Operation::Sub => value(x) - value(y),
                Operation::Mul => value(x) * value(y),
                Operation::Div => value(x) / value(y),
                Operation::Neg => -value(x),
                Operation::Constant => continue,
            };
        }
    }

    /// Carries the adjoints of the results of these instructions back to their operands.
    pub(crate) fn sweep(
        &self,
        instructions: Range<usize>,
        numbers: Range<u32>,
        adjoints: &mut [S],
        is_live: impl Fn(u32) -> bool,
    ) {
        for (instruction, number) in instructions.zip(numbers).rev() {
            let (operands, partials, _) = self.edges(instruction, number);
            carry(number, operands, partials, adjoints, &is_live);
        }
    }

    /// The operands of an instruction whose result has this number, with the partial derivatives by them, and
    /// whether it is a product or a quotient.
    #[inline]
    pub(crate) fn edges(&self, instruction: usize, number: u32) -> ([u32; 2], [S; 2], bool) {
        let Instruction { operands, operation } = self.instructions[instruction];
        let [x, y] = operands.map(|operand| self.values[operand as usize]);
        let (one, zero) = (S::one(), S::zero());
        let (partials, product) = match operation {
            Operation::Add => ([one, one], false),
            Operation::Sub => ([one, -one], false),
            Operation::Mul => ([y, x], true),
            Operation::Div => {
                let inverse = one / y;
                ([inverse, -(self.values[number as usize] * inverse)], true)
            }
            Operation::Neg => ([-one, zero], false),
            Operation::Constant => ([zero; 2], false),
        };
        (operands, partials, product)
    }

    /// Whether all came out as it did.
    pub(crate) fn check(&self) -> Result<(), ReplayError> {
        let value = |operand: u32| self.values[operand as usize];
        let comparison = |expected: String, found: String, [x, y]: [u32; 2]| {
            let (first, second) = (value(x).to_f64(), value(y).to_f64());
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
                        let (expected, found) = (expected.to_f64(), found.to_f64());
                        return Err(ReplayError::Read { expected, found });
                    }
                }
            }
        }
        Ok(())
    }
}

impl<S: Real> Tape<S> {
    /// The number of an operand, which may be a constant.
    fn operand(&mut self, x: Var<S>) -> u32 {
        if !x.is_constant() {
            return x.number(self.stamp());
        }
        let program = self.program.as_ref().expect("this tape is replayed");
        // The sign of a zero counts, and equality does not see it.
        let same = |constant: S| {
            S::BASE && constant.to_f64().to_bits() == x.value_unseen().to_f64().to_bits()
        };
        let known = program.constants.iter().find(|(c, number)| *number != CONSTANT && same(*c));
        if let Some((_, number)) = known {
            return *number;
        }
        let value = x.value_unseen();
        let instruction = Instruction { operands: [CONSTANT; 2], operation: Operation::Constant };
        let number = self.instruct(instruction, value);
        let program = self.program.as_mut().expect("this tape is replayed");
        program.constants[program.oldest] = (value, number);
        program.oldest = (program.oldest + 1) % program.constants.len();
        number
    }

    /// Records an operation to be replayed; returns the number of its result.
    pub(crate) fn operation(
        &mut self,
        operation: Operation,
        value: S,
        first: Var<S>,
        second: Var<S>,
    ) -> u32 {
        let operands = [self.operand(first), self.operand(second)];
        self.instruct(Instruction { operands, operation }, value)
    }

    fn guard(&mut self, guard: Guard<S>) {
        self.program.as_mut().expect("this tape is replayed").guards.push(guard);
    }

    pub(crate) fn guard_order(&mut self, x: Var<S>, y: Var<S>, expected: Option<Ordering>) {
        let operands = [self.operand(x), self.operand(y)];
        self.guard(Guard::Order { operands, expected });
    }

    pub(crate) fn guard_equality(&mut self, x: Var<S>, y: Var<S>, expected: bool) {
        let operands = [self.operand(x), self.operand(y)];
        self.guard(Guard::Equality { operands, expected });
    }

    pub(crate) fn guard_decision(&mut self, x: Var<S>, decide: fn(&S) -> bool, expected: bool) {
        let operand = self.operand(x);
        self.guard(Guard::Decision { operand, decide, expected });
    }

    pub(crate) fn guard_value(&mut self, x: Var<S>) {
        let operand = self.operand(x);
        self.guard(Guard::Value { operand, expected: x.value_unseen() });
    }

    /// Keeps what it takes to evaluate `P` again, and what its reverse rule reads.
    pub(crate) fn keep_replayed<P: Primitive>(
        &mut self,
        inputs: Inputs<P, S>,
        residual: P::Residual<S>,
        shapes: Shapes<P>,
        outputs: &[S],
    ) -> (u32, u32) {
        self.program.as_mut().expect("this tape is replayed").values.extend_from_slice(outputs);
        self.keep(|Replayed::<P, S>(entries)| {
            entries.push((inputs, residual, shapes));
            entries.len() - 1
        })
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
    fn reverse(&self, entry: usize, outputs: &mut [S], slots: &mut [Option<&mut [S]>]) {
        let (_, residual, shapes) = &self.0[entry];
        P::reverse(residual, shapes, outputs, slots);
    }

    fn is_entrywise(&self) -> bool {
        P::ENTRYWISE
    }

    fn replay(
        &mut self,
        entry: usize,
        inputs: &mut dyn FnMut(&mut S),
        outputs: &mut dyn FnMut(S),
    ) -> Result<(), ReplayError> {
        let (arguments, residual, shapes) = &mut self.0[entry];
        P::Arguments::update::<S>(arguments, &mut |_, x| inputs(x));
        let failed = |text: String| ReplayError::Primitive { primitive: P::record().path, text };
        let copies = P::Arguments::map::<S, S>(arguments, &mut |_, x| x);
        let mut evaluation =
            P::evaluate::<S>(copies).map_err(|error| failed(format!("failed: {error:?}")))?;
        let found = P::shapes(&evaluation);
        if !P::Arguments::same_shapes(&found.0, &shapes.0) || found.1 != shapes.1 {
            return Err(failed("gave a result of another shape".into()));
        }
        evaluation.output.for_each_real(&mut |y| outputs(y));
        P::Arguments::update::<S>(&mut evaluation.inputs, &mut |argument, x| {
            if P::Arguments::IN_PLACE[argument] {
                outputs(*x);
            }
        });
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

impl<X: Differentiable, V: Differentiable<Real = Var<X::Real>>> Recording<X, V> {
    /// Runs a function at a point and records it.
    ///
    /// # Errors
    /// The function's own, unchanged.
    ///
    /// # Panics
    /// If the function returns a `Var` that is not of this computation.
    pub fn new<F, Y>(f: F, x: &X) -> Y::Of<Self>
    where
        F: FnOnce(&With<X, Var<X::Real>>) -> Y,
        Y: Outcome<Value = V>,
    {
        Y::from_result((|| {
            let mut values = vec![nalgebra::zero()];
            x.for_each_real(&mut |x| values.push(x));
            let opened = Opened::attentive(values.len() - 1, |tape| {
                tape.program = Some(Program::new(values));
            });
            let output = f(&inputs(&opened, x)).into_result()?;
            let mut numbers = Ranges::new(opened.stamp());
            output.map_with(&mut numbers.values());
            let seed = Vec::with_capacity(V::count(&output.shape()));
            Ok(Self { tape: opened.keep(), shape: x.shape(), output, numbers, seed })
        })())
    }

    /// The value of the function at a point.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded.
    pub fn value(&mut self, x: &X) -> Result<With<V, X::Real>, ReplayError> {
        if x.shape() != self.shape {
            return Err(ReplayError::Shape { what: "the point" });
        }
        let program = self.tape.program.as_mut().expect("this tape is replayed");
        let mut values = program.values[1..].iter_mut();
        x.for_each_real(&mut |x| *values.next().expect("as many as were recorded") = x);
        self.tape.replay()?;
        let values = &self.tape.program.as_ref().expect("this tape is replayed").values;
        Ok(self.output.map_with(&mut Again(values)))
    }

    /// The value of the function at a point, and into `x_bar` the gradient of its pairing with a
    /// cotangent.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded; a cotangent or
    /// `x_bar` of another shape. `x_bar` is as it was then.
    pub fn vjp(
        &mut self,
        x: &X,
        cotangent: &With<V, X::Real>,
        x_bar: &mut X,
    ) -> Result<With<V, X::Real>, ReplayError> {
        if cotangent.shape() != self.output.shape() {
            return Err(ReplayError::Shape { what: "the cotangent" });
        }
        if x_bar.shape() != self.shape {
            return Err(ReplayError::Shape { what: "the place for the gradient" });
        }
        let value = self.value(x)?;
        self.seed.clear();
        cotangent.for_each_real(&mut |y| self.seed.push(y));
        let mut seeds = self.seed.iter_mut();
        value.for_each_real(&mut |y| {
            let y_bar = seeds.next().expect("as many as the cotangent has");
            *y_bar = seed(y, *y_bar);
        });
        let seed = self.numbers.numbers().zip(self.seed.iter().copied());
        let mut swept = self.tape.sweep(seed).iter();
        x_bar.update_reals(&mut |x| *x = *swept.next().expect("as many as inputs"));
        Ok(value)
    }
}

impl<X: Differentiable> Recording<X, Var<X::Real>> {
    /// The value of the function at a point, and its gradient into `gradient`.
    ///
    /// # Errors
    /// Where the function may do other operations than those that were recorded; a `gradient` of
    /// another shape. `gradient` is as it was then.
    pub fn value_and_gradient(&mut self, x: &X, gradient: &mut X) -> Result<X::Real, ReplayError> {
        self.vjp(x, &nalgebra::one(), gradient)
    }
}
