//! Adjoints that overflow on their way.
//!
//! An infinity that stands for a number too large meets zeros and other infinities, in a rule and behind it, on its way to
//! adjoints that have nothing to do with it. So where a sweep comes to an adjoint of an input that is not finite, another
//! sweep has numbers times powers of two, which do not overflow, and tells what is infinite from what is lost. A rule is linear
//! in the adjoints of its results: with a power of two less of them it adds that much less. A sweep without infinities pays
//! for the look at its end.
//!
//! An adjoint that underflows is a zero like any other, and nobody looks for it, but between the factors of the slope of a
//! quotient whose divisor is large: where it is so there, the other sweep is done too, and has less of the powers.
//!
//! Where infinities of both signs meet in the adjoint of an input, they may be multiples of one infinite derivative, of which
//! the multiples add up to a number, as they do in forward mode, before it: sqrt(2 x - x) at 0. So what each infinite
//! derivative adds is kept apart, and the sum of the multiples of it comes from a sweep of its own.

use std::ops::Range;

use super::clash::{Entry, rests};
use super::{CONSTANT, Node, Number, Pieces, Sweep, Swept, Tape};
use crate::diagnostic::diagnosed;

/// A number times a power of two, which is zero unless the product is too large for a number.
#[derive(Clone, Copy)]
pub(crate) struct Scaled<S> {
    pub(super) number: S,
    pub(super) power: i32,
}

/// With how much care a sweep is done.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Care {
    None,
    /// With powers of two.
    Powers,
    /// The same, and what infinite derivatives add is kept apart.
    InfinitiesApart,
}

/// So many infinite derivatives are kept apart at most, with a sweep for each.
const MOST_APART: usize = 32;

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
    !slope.is_bounded() && (is_factor(quotient) || varies_at_zero(quotient)) && is_factor(inverse)
}

/// Whether it is too small, or its derivatives may be, where the quotient is zero and has some.
#[inline]
pub(crate) fn is_below<S: Number>(slope: S, quotient: S, inverse: S) -> bool {
    is_small(slope)
        && is_factor(inverse)
        && (is_factor(quotient) || varies_at_zero(quotient) && is_small(inverse * inverse))
}

/// Whether powers of a divisor that are in the derivatives of quotients underflow or overflow, by its exponent: as those of
/// zero, infinity and NaN do.
#[inline]
pub(crate) fn has_extreme_powers<S: Number>(divisor: S) -> bool {
    let most = const { (if S::SINGLE { 120 } else { 1000 }) / S::ORDER as u64 };
    let exponent = divisor.plain().to_bits() >> 52 & 0x7ff;
    exponent.wrapping_sub(1023 - most) >= 2 * most
}

/// The derivative of a quotient by its divisor, -quotient / divisor, where its own derivatives lose digits as a product with the
/// inverse. It is as it is where these are not finite, or one of the two is zero or infinite.
#[cold]
pub(crate) fn slope_by_quotients<S: Number>(slope: S, quotient: S, divisor: S) -> S {
    if !is_divided(quotient, divisor) {
        return slope;
    }
    let again = -(quotient / divisor);
    if again.is_bounded() { again } else { slope }
}

/// Whether neither the quotient nor the divisor is zero or infinite.
pub(crate) fn is_divided<S: Number>(quotient: S, divisor: S) -> bool {
    [quotient, divisor].iter().all(|x| x.plain() != 0.0 && x.plain().is_finite())
}

/// Whether a number is zero and has derivatives that are not.
fn varies_at_zero<S: Number>(x: S) -> bool {
    x.plain() == 0.0 && !x.is_nothing()
}

/// Whether a number is so small that digits of it may be lost, or all of them.
#[inline]
pub(crate) fn is_small<S: Number>(x: S) -> bool {
    x.plain().abs() < const { 1.0 / (1_u128 << if S::SINGLE { 64 } else { 126 }) as f64 }
}

/// Whether a number can be a factor of another that is neither zero nor infinite.
#[inline]
fn is_factor<S: Number>(x: S) -> bool {
    x.plain() != 0.0 && x.is_bounded()
}

/// Whether a number has underflowed, or its derivatives may have.
pub(crate) fn is_faint<S: Number>(x: S) -> bool {
    x.plain().abs() < 2.0_f64.powi(least_with_digits::<S>())
}

/// The exponent below which a number has lost digits, or its derivatives may have.
fn least_with_digits<S: Number>() -> i32 {
    let least = Limits::new::<S>().least;
    if S::ORDER > 1 { least / 2 } else { least }
}

/// Whether a product with two factors, of which none is zero, underflows on the way.
pub(super) fn is_lost<S: Number>(adjoint: S, first: S, second: S) -> bool {
    let through = first * adjoint;
    adjoint.plain() != 0.0 && (is_faint(through) || is_faint(second * through))
}

/// Multiplies by powers of two. No zero is negative.
fn raise<S: Number>(numbers: &mut [S], powers: &[i32]) {
    for (x, &power) in numbers.iter_mut().zip(powers).filter(|(_, power)| **power != 0) {
        *x = S::zero() + times_power(*x, power);
    }
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
        if S::SINGLE {
            Self { least: -126, width: 32, steps: [16, 64] }
        } else {
            Self { least: -1022, width: 128, steps: [128, 512] }
        }
    }
}

impl<S: Number> Scaled<S> {
    fn new(number: S, power: i32) -> Self {
        let raised = times_power(number, power);
        let is_kept = power >= 0 || times_power(raised, -power).has_digits_of(number);
        if power == 0 || raised.is_bounded() && is_kept || !number.is_bounded() {
            Self { number: raised, power: 0 }
        } else {
            Self { number, power }
        }
    }

    /// A number itself.
    pub(crate) fn of(number: S) -> Self {
        Self { number, power: 0 }
    }

    /// The number that it stands for, which may be zero or infinite for it.
    pub(crate) fn raised(self) -> S {
        S::zero() + times_power(self.number, self.power)
    }

    /// Adds to a number that has the power of two apart.
    pub(super) fn add_to(self, number: &mut S, power: &mut i32) {
        let mut sum = Self { number: *number, power: *power };
        sum.add(self);
        (*number, *power) = (sum.number, sum.power);
    }

    pub(crate) fn add(&mut self, other: Self) {
        if rests(other.number) {
            return;
        }
        // A derivative of it came out zero, and so is that of the sum no strong zero.
        if other.number.is_nothing() {
            self.number += other.number;
            return;
        }
        if self.power.min(other.power) < 0 && self.number.is_bounded() && other.number.is_bounded()
        {
            if self.number.is_nothing() {
                *self = Self { number: self.number + other.number, ..other };
                return;
            }
            // The larger one is about 1.
            let power = self.exponent().max(other.exponent());
            let part = |x: Self| times_power(x.number, x.power - power);
            *self = Self::new(part(*self) + part(other), power);
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

    /// The product with a number that is not zero, of which nothing is lost.
    fn times(self, factor: S) -> Self {
        let product = factor * self.number;
        let is_whole = is_factor(factor) || varies_at_zero(factor);
        if !product.is_bounded() && is_factor(self.number) && is_whole {
            let step = Limits::new::<S>().steps[1];
            let of_less = |step| Some((factor * lowered(self.number, step)?, step));
            let mut products = [step, 2 * step].into_iter().filter_map(of_less);
            let (product, step) = products.find(|x| x.0.is_bounded()).unwrap_or((product, 0));
            return Self::new(product, self.power + step);
        }
        if !(is_factor(self.number) && is_whole && is_faint(product)) {
            return Self::new(product, self.power);
        }
        // By no more than it takes: what is recorded in a mode outside has adjoints of its own. Each is the other factor times
        // what the raise is undone with, which underflows if the other factor is the smaller one, so that one is raised.
        let own = exponent(self.number.plain());
        // How large the derivatives of a zero are is not looked for.
        let other = if factor.plain() == 0.0 { own } else { exponent(factor.plain()) };
        let (least, faint) = (Limits::new::<S>().least, least_with_digits::<S>());
        let raise = (faint - faint / 8 - own - other).min(-least - own.min(other));
        // An adjoint in a mode outside comes to the other factor first: no more than that bears, if the product has its digits.
        let (digits, most) = (least - own - other, own.max(other) - least);
        let raise = if S::ORDER > 1 && digits <= most { raise.min(most) } else { raise }.max(0);
        let raised = match own <= other {
            true => factor * times_power(self.number, raise),
            false => times_power(factor, raise) * self.number,
        };
        let whole = Self::new(raised, self.power - raise);
        // What has lost nothing stays one product.
        if whole.power == self.power && product.has_digits_of(whole.number) {
            return Self { number: product, power: whole.power };
        }
        whole
    }

    fn exponent(&self) -> i32 {
        exponent(self.number.plain()) + self.power
    }
}

impl<S: Number> Tape<S> {
    /// Computes the adjoints of inputs again that are not finite, or all if some may have underflowed.
    #[cold]
    pub(super) fn sweep_carefully(&mut self, faint: bool) {
        let inputs = self.inputs as usize;
        let before = self.adjoints[1..=inputs].to_vec();
        // Rules have said what they have to say.
        let (Swept { powers, .. }, _) = diagnosed(|| self.sweep_seeds(Care::Powers));
        self.raise_inputs(&powers);
        let careful = &mut self.adjoints[1..=inputs];
        let is_kept = |before: &S, x: &S| before.is_bounded() && !(faint && x.is_bounded());
        for (x, before) in careful.iter_mut().zip(before) {
            if is_kept(&before, x) {
                *x = before;
            }
        }
        if careful.iter().any(|x| x.plain().is_nan()) {
            self.sweep_apart();
        }
    }

    /// Gives the adjoints of inputs their powers of two.
    fn raise_inputs(&mut self, powers: &[i32]) {
        let (adjoints, powers) = (&mut self.adjoints[1..=self.inputs as usize], &powers[1..]);
        let is_lost = |(x, power): (&S, &i32)| *power != 0 && !x.is_nothing();
        self.lost |= adjoints.iter().zip(powers).any(is_lost);
        raise(adjoints, powers);
    }

    /// Carries adjoints with powers of two beside them back to the inputs, as [`sweep`](Self::sweep) those without.
    #[cold]
    pub(crate) fn sweep_scaled(
        &mut self,
        seeds: impl Iterator<Item = (u32, Scaled<S>)>,
    ) -> Vec<Scaled<S>> {
        self.seeds.clear();
        for (number, adjoint) in seeds {
            self.seeds.push((number, adjoint.number));
            self.seed_powers.push(adjoint.power);
        }
        let powers = self.sweep_seeds(Care::Powers).powers;
        self.seed_powers.clear();
        let by_inputs = self.adjoints[1..=self.inputs as usize].iter().zip(&powers[1..]);
        by_inputs.map(|(&number, &power)| Scaled { number, power }).collect()
    }

    /// Computes adjoints of inputs that are NaN from the sums of the multiples of each infinite derivative.
    #[cold]
    fn sweep_apart(&mut self) {
        let inputs = self.inputs as usize;
        let before = self.adjoints[1..=inputs].to_vec();
        let (Swept { mut apart, powers, .. }, _) =
            diagnosed(|| self.sweep_seeds(Care::InfinitiesApart));
        self.raise_inputs(&powers);
        let mut sums = self.adjoints[1..=inputs].to_vec();
        let seeds = std::mem::take(&mut self.seeds);
        let mut count = 0;
        while let Some((number, infinite)) = apart.pop() {
            count += 1;
            if count + apart.len() > MOST_APART {
                break;
            }
            self.seeds = vec![(number, S::one())];
            let swept = diagnosed(|| self.sweep_seeds(Care::InfinitiesApart)).0;
            self.raise_inputs(&swept.powers);
            apart.extend(swept.apart.into_iter().map(|(number, next)| (number, next * infinite)));
            let reached = self.reached([number]);
            for (k, sum) in sums.iter_mut().enumerate() {
                let multiple = self.adjoints[1 + k];
                // A sum that comes out zero is no strong zero.
                if multiple.plain() != 0.0 || reached[1 + k] {
                    *sum += multiple * infinite;
                }
            }
        }
        self.seeds = seeds;
        let is_whole = apart.is_empty();
        for ((x, before), sum) in self.adjoints[1..=inputs].iter_mut().zip(before).zip(sums) {
            *x = if is_whole && before.plain().is_nan() { sum } else { before };
        }
    }

    /// The numbers that some are computed from, and these.
    pub(super) fn reached(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<bool> {
        let mut reached = vec![false; self.values()];
        numbers.into_iter().for_each(|number| reached[number as usize] = true);
        for entry in self.entries().iter().rev() {
            match *entry {
                Entry::Statement(statement, number) => {
                    let [first, second] = self.edges(statement, number).0.map(|x| x as usize);
                    reached[first] |= reached[number as usize];
                    reached[second] |= reached[number as usize];
                }
                Entry::Node(node) => {
                    let node = &self.nodes[node];
                    let results = &reached[node.first_output as usize..][..node.outputs as usize];
                    if results.iter().any(|reached| *reached) {
                        for run in self.spans_of(node).iter().flat_map(|span| self.runs_of(span)) {
                            let count = if run.start == CONSTANT { 0 } else { run.count as usize };
                            reached[run.start as usize..][..count].fill(true);
                        }
                    }
                }
            }
        }
        reached
    }

    /// Carries the adjoints of statements' results back, and looks at the factors of slopes that are too small. Returns whether
    /// one may have underflowed between them.
    #[cold]
    pub(super) fn sweep_below(
        &self,
        statements: Range<usize>,
        numbers: Range<u32>,
        adjoints: &mut [S],
        is_live: impl Fn(u32) -> bool,
    ) -> bool {
        let number = |statement: usize| numbers.start + (statement - statements.start) as u32;
        let first = self.below.partition_point(|&i| (i as usize) < statements.start);
        let last = self.below.partition_point(|&i| (i as usize + 1) < statements.end);
        let (mut end, mut faint) = (statements.end, false);
        for &factor in self.below[first..last].iter().rev() {
            let quotient = factor as usize + 1;
            let after = quotient + 1..end;
            let results = number(after.start)..number(after.end);
            self.statements.sweep(after, results, adjoints, &is_live);
            end = quotient + 1;
            let (_, [_, inverse]) = self.statements.get(quotient);
            let (_, [slope, _]) = self.statements.get(quotient - 1);
            faint |= is_lost(adjoints[number(quotient) as usize], inverse, slope);
        }
        let results = number(statements.start)..number(end);
        self.statements.sweep(statements.start..end, results, adjoints, &is_live);
        faint
    }

    /// The value of a quotient whose slope is too large, where its factors are not, or too small.
    fn quotient_beyond(&self, statement: usize, number: u32, partials: [S; 2]) -> Option<S> {
        if partials[1].is_bounded() && !(self.plan.is_some() && is_small(partials[1])) {
            return None;
        }
        match &self.plan {
            Some(plan) => plan.quotient(statement, number),
            None => {
                let place = self.above.binary_search_by_key(&(statement as u32), |(i, _)| *i);
                place.ok().map(|place| self.above[place].1)
            }
        }
        .filter(|&quotient| is_beyond(partials[1], quotient, partials[0]))
    }

    /// Carries the adjoints of statements' results back.
    pub(super) fn carry_carefully(
        &self,
        statements: Range<usize>,
        numbers: Range<u32>,
        is_live: impl Fn(u32) -> bool,
        (adjoints, powers, apart): (&mut [S], &mut [i32], &mut Option<Vec<(u32, S)>>),
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
            let is_twice = operands[0] == operands[1];
            let whole = Scaled { number: adjoint, power };
            let is_zero = adjoint.plain() == 0.0;
            // What underflows.
            for i in (0..2).filter(|&i| !is_zero && operands[i] != CONSTANT) {
                let partial = if is_twice { partials[0] + partials[1] } else { partials[i] };
                if found[i].is_some_and(|x| is_faint(x.number)) && !partial.is_nothing() {
                    found[i] = Some(whole.times(partial));
                }
            }
            // The factors of a slope that is too large, or too small, one after the other.
            if let Some(quotient) = self.quotient_beyond(statement, number, partials)
                && !is_twice
                && !is_zero
            {
                let by_factors = whole.times(partials[0]).times(-quotient);
                found[1] = Some(by_factors).filter(|x| x.number.is_bounded()).or(found[1]);
            }
            if let Some(apart) = apart {
                for i in (0..2).filter(|&i| !is_zero && operands[i] != CONSTANT && !is_twice) {
                    let is_infinite = |x: &Scaled<S>| x.number.plain().is_infinite();
                    if adjoint.is_bounded() && !partials[i].is_bounded() {
                        apart.extend(
                            found[i].take_if(|x| is_infinite(x)).map(|x| (operands[i], x.number)),
                        );
                    }
                }
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
        let Sweep { adjoints, pieces, scratch, powers, apart, .. } = sweep;
        let Some(powers) = powers else { return };
        let results = node.first_output as usize..(node.first_output + node.outputs) as usize;
        let of_result = |i: usize| Scaled { number: adjoints[i], power: powers[i] };
        let seed: Vec<_> = results.clone().map(of_result).collect();
        adjoints[results.clone()].fill(S::zero());
        powers[results].fill(0);
        let inputs = self.spans_of(node).iter().map(|span| span.count as usize).sum();
        // What is faint is raised, all of it by as much, and called for apart; so is what is so small that its product with a
        // derivative may be.
        let quiet = Limits::new::<S>().least / 4;
        let is_loud =
            |x: &Scaled<S>| x.power > 0 || x.power == 0 && exponent(x.number.plain()) > quiet;
        let mut found = if seed.iter().all(is_loud) {
            self.added(node, &seed, scratch)
        } else {
            let still = Scaled { number: S::still(), power: 0 };
            let loud: Vec<_> = seed.iter().map(|x| if is_loud(x) { *x } else { still }).collect();
            let all_rest = loud.iter().all(|x| x.number.is_nothing());
            let mut found = match all_rest {
                true => vec![still; inputs],
                false => self.added(node, &loud, scratch),
            };
            let power =
                seed.iter().filter(|x| !is_loud(x)).map(Scaled::exponent).max().unwrap_or(0);
            let raised = |number: u32| {
                let x = seed[(number - node.first_output) as usize];
                match x.number.is_nothing() {
                    true => x.number,
                    false if is_loud(&x) => S::still(),
                    false => S::zero() + times_power(x.number, x.power - power),
                }
            };
            self.contributions(node, raised, scratch);
            let mut faint: Vec<_> = scratch.iter().map(|x| Scaled::new(*x, power)).collect();
            // A derivative that is large makes more of it than there is room for.
            let most = -Limits::new::<S>().least - 22;
            for step in [most / 2, most] {
                if scratch.iter().all(S::is_bounded) {
                    break;
                }
                let less = |number: u32| {
                    let x = raised(number);
                    if x.is_nothing() { x } else { S::zero() + times_power(x, -step) }
                };
                self.contributions(node, less, scratch);
                for (x, &other) in faint.iter_mut().zip(&*scratch) {
                    if !x.number.is_bounded() {
                        *x = Scaled::new(other, power + step);
                    }
                }
            }
            found.iter_mut().zip(faint).for_each(|(sum, x)| sum.add(x));
            found
        };
        if let Some(apart) = apart
            && seed.iter().all(|x| x.number.is_bounded())
        {
            let numbers = self.spans_of(node).iter().flat_map(|span| self.runs_of(span));
            let numbers = numbers.flat_map(|run| {
                let step = u32::from(run.start != CONSTANT);
                (0..run.count).map(move |k| run.start + step * k)
            });
            for (x, number) in found.iter_mut().zip(numbers) {
                if x.number.plain().is_infinite() && number != CONSTANT {
                    apart.push((number, x.number));
                    *x = Scaled { number: S::still(), power: 0 };
                }
            }
        }
        self.scatter_scaled(node, &found, adjoints, pieces, powers);
    }

    /// What a rule adds for these adjoints.
    fn added(&self, node: &Node, seed: &[Scaled<S>], scratch: &mut Vec<S>) -> Vec<Scaled<S>> {
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
            let careful = self.lowered_and_raised(node, seed, scratch);
            for (found, careful) in found.iter_mut().zip(careful) {
                if !found.number.is_bounded() {
                    *found = careful;
                }
            }
        }
        found
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
            let sums = pieces.sums(*run, adjoints).iter_mut().zip(powers);
            sums.zip(own).for_each(|((number, power), x)| x.add_to(number, power));
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
