//! Adjoints that overflow on their way.
//!
//! An infinity that stands for a number too large meets zeros and other infinities, in a rule and behind it, on its way to
//! adjoints that have nothing to do with it. So where a sweep comes to an adjoint of an input that is not finite, another
//! sweep has numbers times powers of two, which do not overflow, and tells what is infinite from what is lost. A rule is linear
//! in the adjoints of its results: with a power of two less of them it adds that much less. A sweep without infinities pays
//! for the look at its end.

use std::ops::Range;

use super::{CONSTANT, Node, Number, Pieces, Sweep, Tape};
use crate::diagnostic::diagnosed;

/// A number times a power of two, which is zero unless the product is too large for a number.
#[derive(Clone, Copy)]
struct Scaled<S> {
    number: S,
    power: i32,
}

/// The exponent of a number as a power of two.
fn exponent(x: f64) -> i32 {
    if x == 0.0 || !x.is_finite() { 0 } else { x.abs().log2().floor() as i32 }
}

/// x times a power of two, which may be none of the numbers.
fn times_power<S: Number>(mut x: S, mut power: i32) -> S {
    // Each step is exact as long as the number does not leave the range for good.
    while power != 0 && !x.is_nothing() {
        let step = power.clamp(-100, 100);
        x *= nalgebra::convert(2.0_f64.powi(step));
        power -= step;
    }
    x
}

/// What is over a power of two, or nothing where that loses digits.
fn lowered<S: Number>(x: S, power: i32) -> Option<S> {
    let lowered = times_power(x, -power);
    (power <= 0 || times_power(lowered, power).has_digits_of(x)).then_some(lowered)
}

/// Whether the slope of a quotient is too large for the numbers, or too small, where its factors are not: what it is
/// multiplied with may make up for it if that is finite, so each factor is multiplied by itself.
#[inline]
pub(crate) fn is_beyond<S: Number>(slope: S, quotient: S, inverse: S) -> bool {
    is_above(slope, quotient, inverse) || is_below(slope, quotient, inverse)
}

/// Whether it is too large. Such a slope stays infinite in a sweep: an adjoint that has come out zero makes it undefined, as
/// it does any that is infinite, since it may have underflowed. Its factors are in the other sweep.
#[inline]
pub(crate) fn is_above<S: Number>(slope: S, quotient: S, inverse: S) -> bool {
    !slope.is_bounded() && is_factor(quotient) && is_factor(inverse)
}

/// Whether it is too small.
#[inline]
pub(crate) fn is_below<S: Number>(slope: S, quotient: S, inverse: S) -> bool {
    is_small(slope) && is_factor(quotient) && is_factor(inverse)
}

/// Whether a number is so small that digits of it may be lost, or all of them.
#[inline]
pub(crate) fn is_small<S: Number>(x: S) -> bool {
    x.plain().abs() < f64::from(f32::MIN_POSITIVE)
}

/// Whether a number can be a factor of another that is neither zero nor infinite.
#[inline]
fn is_factor<S: Number>(x: S) -> bool {
    x.plain() != 0.0 && x.is_bounded()
}

/// Multiplies by powers of two.
pub(super) fn raise<S: Number>(numbers: &mut [S], powers: &[i32]) {
    numbers.iter_mut().zip(powers).for_each(|(x, &power)| *x = times_power(*x, power));
}

/// The range of the numbers.
struct Limits {
    /// The exponent of the smallest with all digits; minus that of the largest is one less.
    least: i32,
    /// How far the exponents of adjoints of about one size are from each other.
    width: i32,
    /// By which powers of two they are lowered first.
    steps: [i32; 2],
}

impl Limits {
    fn new<S: Number>() -> Self {
        let is_single = S::max_value().is_some_and(|most| most.plain() < 1e100);
        if is_single {
            Self { least: -126, width: 32, steps: [16, 64] }
        } else {
            Self { least: -1022, width: 128, steps: [128, 512] }
        }
    }
}

impl<S: Number> Scaled<S> {
    fn new(number: S, power: i32) -> Self {
        let raised = times_power(number, power);
        if power == 0 || raised.is_bounded() || !number.is_bounded() {
            Self { number: raised, power: 0 }
        } else {
            Self { number, power }
        }
    }

    fn add(&mut self, other: Self) {
        if other.number.is_nothing() {
            return;
        }
        let sum = self.number + other.number;
        *self = if (self.power, other.power) == (0, 0) && sum.is_bounded() {
            Self { number: sum, power: 0 }
        } else {
            // Less than the largest number by so much that the sum is one.
            let power = self.power.max(other.power) + 2;
            let part = |x: Self| times_power(x.number, x.power - power);
            Self::new(part(*self) + part(other), power)
        };
    }

    fn exponent(&self) -> i32 {
        exponent(self.number.plain()) + self.power
    }
}

impl<S: Number> Tape<S> {
    /// Computes the adjoints of inputs again that are not finite.
    #[cold]
    pub(super) fn sweep_carefully(&mut self) {
        let inputs = self.inputs as usize;
        let before = self.adjoints[1..=inputs].to_vec();
        // Rules have said what they have to say.
        diagnosed(|| self.sweep_seeds(true));
        let careful = &mut self.adjoints[1..=inputs];
        for (x, before) in careful.iter_mut().zip(before).filter(|(_, x)| x.is_bounded()) {
            *x = before;
        }
    }

    /// The value of a quotient whose slope is too large, where its factors are not.
    fn quotient_above(&self, statement: usize, number: u32, partials: [S; 2]) -> Option<S> {
        if partials[1].is_bounded() {
            return None;
        }
        match &self.plan {
            Some(plan) => plan.quotient(statement, number),
            None => {
                let place = self.above.binary_search_by_key(&(statement as u32), |(i, _)| *i);
                place.ok().map(|place| self.above[place].1)
            }
        }
        .filter(|&quotient| is_above(partials[1], quotient, partials[0]))
    }

    /// Carries the adjoints of statements' results back.
    pub(super) fn carry_carefully(
        &self,
        statements: Range<usize>,
        numbers: Range<u32>,
        is_live: impl Fn(u32) -> bool,
        adjoints: &mut [S],
        powers: &mut [i32],
    ) {
        let steps = Limits::new::<S>().steps;
        for (statement, number) in statements.zip(numbers).rev() {
            let (operands, partials, _) = self.edges(statement, number);
            let (adjoint, power) = (adjoints[number as usize], powers[number as usize]);
            let before = operands.map(|operand| Scaled {
                number: std::mem::replace(&mut adjoints[operand as usize], S::zero()),
                power: std::mem::take(&mut powers[operand as usize]),
            });
            let mut found: [Option<Scaled<S>>; 2] = [None; 2];
            for step in [0, steps[1], 2 * steps[1]] {
                let Some(less) = lowered(adjoint, step) else { break };
                operands.iter().for_each(|&operand| adjoints[operand as usize] = S::zero());
                adjoints[number as usize] = less;
                super::carry(number, operands, partials, adjoints, &is_live);
                for (found, operand) in found.iter_mut().zip(operands) {
                    if found.is_none_or(|found| !found.number.is_bounded()) {
                        *found = Some(Scaled::new(adjoints[operand as usize], power + step));
                    }
                }
                let is_settled = |x: &Option<Scaled<S>>| x.is_some_and(|x| x.number.is_bounded());
                let is_finite = adjoint.is_bounded() && partials.iter().all(S::is_bounded);
                if !is_finite || found.iter().all(is_settled) {
                    break;
                }
            }
            // The factors of a slope that is too large, one after the other.
            if let Some(quotient) = self.quotient_above(statement, number, partials)
                && operands[0] != operands[1]
                && adjoint.plain() != 0.0
            {
                let through = Scaled::new(partials[0] * adjoint, power);
                let by_factors = [0, steps[1]].into_iter().find_map(|step| {
                    let moved = -quotient * lowered(through.number, step)?;
                    moved.is_bounded().then(|| Scaled::new(moved, through.power + step))
                });
                found[1] = by_factors.or(found[1]);
            }
            for (i, operand) in operands.into_iter().enumerate() {
                // One that stands twice has the sum, and comes once.
                if operand != CONSTANT && !(i == 1 && operands[0] == operand) {
                    let mut sum = before[i];
                    found[i].into_iter().for_each(|found| sum.add(found));
                    let place = operand as usize;
                    (adjoints[place], powers[place]) = (sum.number, sum.power);
                }
            }
            powers[number as usize] = 0;
        }
    }

    /// Calls a node's rule, and where what it adds is not finite calls it again with less of the adjoints of its results.
    pub(super) fn call_carefully(&self, node: &Node, sweep: &mut Sweep<S>) {
        let Sweep { adjoints, pieces, scratch, powers, .. } = sweep;
        let Some(powers) = powers else { return };
        let results = node.first_output as usize..(node.first_output + node.outputs) as usize;
        let of_result = |i: usize| Scaled { number: adjoints[i], power: powers[i] };
        let seed: Vec<_> = results.clone().map(of_result).collect();
        adjoints[results.clone()].fill(S::zero());
        powers[results].fill(0);
        let raised = |number: u32| {
            let Scaled { number, power } = seed[(number - node.first_output) as usize];
            times_power(number, power)
        };
        self.contributions(node, raised, scratch);
        let mut found: Vec<_> = scratch.iter().map(|x| Scaled { number: *x, power: 0 }).collect();
        // Of zeros alone nothing overflows.
        if seed.iter().all(|x| x.number.is_bounded())
            && !seed.iter().all(|x| x.number.is_nothing())
            && !scratch.iter().all(S::is_bounded)
        {
            let careful = self.lowered_and_raised(node, &seed, scratch);
            for (found, careful) in found.iter_mut().zip(careful) {
                if !found.number.is_bounded() {
                    *found = careful;
                }
            }
        }
        self.scatter_scaled(node, &found, adjoints, pieces, powers);
    }

    fn scatter_scaled(
        &self,
        node: &Node,
        contributions: &[Scaled<S>],
        adjoints: &mut [S],
        pieces: &mut Pieces<S>,
        powers: &mut [i32],
    ) {
        let mut rest = contributions;
        for run in self.spans_of(node).iter().flat_map(|span| self.runs_of(span)) {
            let (own, others) = rest.split_at(run.count as usize);
            rest = others;
            if run.start == CONSTANT {
                continue;
            }
            let powers = &mut powers[run.start as usize..];
            for ((number, power), x) in pieces.sums(*run, adjoints).iter_mut().zip(powers).zip(own)
            {
                let mut sum = Scaled { number: *number, power: *power };
                sum.add(*x);
                (*number, *power) = (sum.number, sum.power);
            }
        }
    }

    /// What a rule adds: the sum of what it adds for adjoints of about one size, so that those that are lowered lose no
    /// digits.
    fn lowered_and_raised(
        &self,
        node: &Node,
        seed: &[Scaled<S>],
        scratch: &mut Vec<S>,
    ) -> Vec<Scaled<S>> {
        let Limits { least, width, steps } = Limits::new::<S>();
        let size_of = |x: &Scaled<S>| x.exponent().div_euclid(width);
        let moving = || seed.iter().filter(|x| !x.number.is_nothing());
        let mut sizes: Vec<i32> = moving().map(size_of).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut sums = vec![Scaled { number: S::still(), power: 0 }; scratch.len()];
        let undefined =
            vec![Scaled { number: nalgebra::convert(f64::NAN), power: 0 }; scratch.len()];
        for size in sizes {
            let of_size = |x: &&Scaled<S>| size_of(x) == size;
            // What is too large itself is lowered in any case.
            let first = ((size + 1) * width + least - 2).max(0);
            let most = size * width - least;
            let mut found: Vec<Scaled<S>> = Vec::new();
            for power in [first, first + steps[0], first + steps[1], most] {
                let part = |x: &Scaled<S>| lowered(x.number, power - x.power);
                let loses = || moving().filter(of_size).any(|x| part(x).is_none());
                if power > 0 && (power > most || loses()) {
                    continue;
                }
                // A zero stays what it is: one that was computed may ask for what is undefined.
                let seed_of = |number: u32| {
                    let x = &seed[(number - node.first_output) as usize];
                    match x.number.is_nothing() {
                        true => x.number,
                        false if size_of(x) == size => times_power(x.number, x.power - power),
                        false => S::still(),
                    }
                };
                self.contributions(node, seed_of, scratch);
                if found.is_empty() {
                    found = scratch.iter().map(|x| Scaled::new(*x, power)).collect();
                }
                for (found, &x) in found.iter_mut().zip(&*scratch) {
                    if !found.number.is_bounded() {
                        *found = Scaled::new(x, power);
                    }
                }
                if scratch.iter().all(S::is_bounded) {
                    break;
                }
            }
            if found.is_empty() {
                return undefined;
            }
            sums.iter_mut().zip(found).for_each(|(sum, x)| sum.add(x));
        }
        sums
    }
}
