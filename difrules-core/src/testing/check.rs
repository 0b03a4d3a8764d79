//! Checking one primitive at one instance.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::cmp::Ordering;

use super::GENERIC;
use super::difference::{Difference, difference_at};
use super::rules::{Near, Pull, Push, Rules, Text, Values, constants, flat, known, pieces, sizes};
use super::structure::Structure;
use crate::contract::passing::Arguments;
use crate::contract::primitive::{Inputs, Primitive};
use crate::contract::scalar::Real;
use crate::modes::dual::Dual;
use crate::modes::reverse::var::Var;
use crate::registry::{Failure, Partial, Record, Sample, Sampler, Style};
use crate::symbolic::value_of;
use crate::transform::vjp;

/// [`check_at`] for the sample of a record.
#[doc(hidden)]
pub fn check_instance<P: Primitive, R: Real>(sample: Sample, seed: u64) -> Result<(), Failure> {
    let draw = |random: &mut Sampler| {
        let mut drawn = sample(random);
        let drawn: Vec<&mut dyn Any> = drawn.iter_mut().map(|x| &mut **x).collect();
        // The attribute makes the sample of the instance's types.
        P::Arguments::own_any::<R>(&drawn)
    };
    check_at::<P, R>(draw, seed)
}

/// Checks a primitive's rules at the point that `sample` draws with this seed.
///
/// `P` is the empty type beside the function, with `f64` or `Complex<f64>` for a scalar that may be
/// complex, then the function's other parameters; `R` is the real scalar. The first eight seeds draw
/// random points; those that follow go through all sizes and choices of the sample, each of them beside
/// each of the others, and through numbers that random ones never are: zeros, ones, ties, integers,
/// symmetric and diagonal matrices, negative, large and small ones. There a derivative need not exist:
/// what the rules say has to lie between the slopes on both sides then.
///
/// Numbers are compared entry by entry, within what rounding makes of that entry, which is measured.
/// Checked are:
///
/// - the forward rule against finite differences, all arguments together, each alone, and by single
///   entries;
/// - the reverse rule against the forward rule by the pairing, `Re tr(Y_bar^H Y_dot)`, and entry by
///   entry of the Jacobian; what it gives to entries that are zero in every sample;
/// - that both rules are linear: sums of arguments, of parts of the cotangent (the others are zero),
///   of its positive and negative entries, and factors from 2^-300 to 2^300;
/// - that the reverse rule adds to what is in the slots, and that what it gives to one slot does
///   not depend on which others are wanted, for every choice of slots and parts of the cotangent;
/// - that nothing comes of nothing: zero tangents and zero cotangents give exactly zero;
/// - that everything is the same when it is done again, and after an evaluation elsewhere;
/// - rules that are expressions against those in code;
/// - second order, both rules on dual numbers and on a tape, against finite differences of the rules:
///   forward or reverse, over forward or reverse;
/// - the call against what saves for the rules, in every digit, kernels against the general texts, and
///   the rules as [`Dual`] and [`Var`](crate::Var) use them against the rules themselves, for every
///   choice of arguments that vary; their values against the plain one, in every digit;
/// - calls on arguments in one piece each against those on numbers, in every digit;
/// - at `f32`, all of it against `f64`, within what the conditioning of the point allows, and the rules
///   there against each other; for a plain function, whose rules exist at `f32` alone, against finite
///   differences in that precision.
///
/// # Panics
/// If `sample` draws shapes from the numbers, so that a second point has others.
///
/// # Errors
/// The first property that does not hold.
///
/// ```
/// use difrules_core::testing::check_at;
/// use difrules_core::math::hypot;
///
/// for seed in 0..10 {
///     check_at::<hypot, f64>(|random| (random.normal(), random.normal()), seed).unwrap();
/// }
/// ```
pub fn check_at<P: Primitive, R: Real>(
    sample: impl Fn(&mut Sampler) -> Inputs<P, R>,
    seed: u64,
) -> Result<(), Failure> {
    let turn = seed.checked_sub(GENERIC).map(|turn| turn as usize);
    let draw = |style, numbers| {
        sample(&mut match turn {
            Some(turn) => Sampler::in_turn(turn, style, numbers),
            None => Sampler::new(seed, numbers),
        })
    };
    let flat = flat::<P::Arguments, R>;
    let style = turn.map_or(Style::Generic, Style::of);
    let twice = seed.wrapping_mul(2);
    let near =
        |drawn: &Inputs<P, R>| Near::<P>(P::Arguments::map(drawn, &mut |_, x: R| x.to_f64()));
    let generic = draw(Style::Generic, twice);
    let origin = flat(&generic);
    let mut drawn = draw(style, twice);
    // Not all domains have such points.
    let special = style != Style::Generic && is_inside::<R>(&near(&drawn), &flat(&drawn));
    if !special {
        drawn = generic;
    }
    let others = [twice.wrapping_add(1), !seed].map(|numbers| flat(&draw(Style::Generic, numbers)));
    let (near, point) = (near(&drawn), flat(&drawn));
    let (sizes, known) = (sizes::<P::Arguments>(&near.0), known::<P>(&near.0));
    let scale = if special { style.scale() } else { 1.0 };
    let [direction, second] = others.map(|other| difference_of(&origin, &other, &known, scale));
    let is_double = TypeId::of::<R>() == TypeId::of::<f64>();
    let double = is_double || P::GENERIC;
    let checker = Checker {
        record: P::record(),
        structure: &Structure::of(&sizes, [&direction, &second], &known),
        sizes: &sizes,
        pieces: &double.then(|| pieces::<P>(&near.0, &sizes)).flatten().unwrap_or_default(),
        constants: &constants::<P>(&near.0),
        known: &known,
        direction: &direction,
        second: &second,
        point: &point,
        plain: &near,
        modes: P::GENERIC.then_some(Modes { dual: &near, var: &near }),
        seed,
        special,
        scale,
        smooth: Cell::new(true),
        epsilon: f64::EPSILON,
    };
    let rules: &dyn Plain<R> = &near;
    let rounded = Rounded(rules);
    let single = Checker {
        plain: &rounded,
        modes: None,
        epsilon: R::default_epsilon().to_f64(),
        smooth: Cell::new(true),
        ..checker
    };
    let found = if is_double {
        checker.all()
    } else if P::GENERIC {
        // What is right at `f64` is checked at the instance of that, if there is one.
        let instances = &P::record().instances;
        let elsewhere = instances.iter().any(|instance| instance.scalar.contains("f64"));
        let double = if turn.is_none() && !elsewhere { checker.all() } else { Ok(()) };
        // Where values are a choice of the algorithm, they are others in another precision.
        let steady = !special || style == Style::Negative || checker.is_of_numbers();
        let against = |()| if steady { checker.against_double(rules) } else { Ok(()) };
        double.and_then(against).and_then(|()| single.alone())
    } else {
        checker.against_difference(rules).and_then(|()| single.alone())
    };
    found.map_err(|property| Failure {
        primitive: P::record().path.into(),
        scalar: std::any::type_name::<R>(),
        property,
        point: checker.shown(),
        seed,
    })
}

/// Values that are larger come of numbers that no digit is right of.
const LARGEST: f64 = 1e20;

/// Whether a primitive has a value at a point.
fn is_inside<R: Real>(rules: &dyn Rules<R>, point: &[f64]) -> bool {
    let results = rules.pushforward(&rounded(point));
    point.iter().all(|x| x.is_finite())
        && results.is_some_and(|(y, _)| y.iter().all(|y| y.to_f64().abs() < LARGEST))
}

/// A direction that respects the structure of the points, and holds what nobody can differentiate by.
fn difference_of(from: &[f64], to: &[f64], known: &[bool], scale: f64) -> Vec<f64> {
    assert_eq!(from.len(), to.len(), "`sample` must take sizes from `Sampler::size` or `choose`");
    let pairs = from.iter().zip(to).zip(known);
    pairs.map(|((from, to), known)| if *known { scale * (to - from) } else { 0.0 }).collect()
}

/// Whether one of two numbers that should be one is nothing beside the other, or both are moved by
/// rounding.
fn is_rounding(a: f64, b: f64, noise: f64) -> bool {
    let (a, b) = (a.abs(), b.abs());
    a.min(b) <= 1e-6 * a.max(b) || noise > 1e-11 * a.max(b)
}

/// The largest of the numbers that there are.
fn size(numbers: &[f64]) -> f64 {
    numbers.iter().filter(|x| x.is_finite()).fold(0.0, |size, x| x.abs().max(size))
}

/// Numbers, and how far rounding moves each.
#[derive(Debug, Clone)]
struct Quantity {
    numbers: Vec<f64>,
    noise: Vec<f64>,
}

impl Quantity {
    /// Numbers, what they are with another rounding of what the rule is linear in, and elsewhere by
    /// rounding.
    fn new(numbers: Vec<f64>, linear: &[f64], elsewhere: &[Vec<f64>]) -> Self {
        let largest = size(&numbers);
        let moved = |i: usize, x: f64| {
            let linear = linear.get(i).map_or(0.0, |other| (other - x).abs());
            // A branch that is close is not rounding.
            let most = 1e-6 * x.abs().max(largest);
            let capped = |moved: f64| if moved <= most { moved } else { most };
            let noise = if linear.is_finite() { linear } else { 0.0 };
            elsewhere.iter().fold(noise, |noise, other| noise.max(capped((other[i] - x).abs())))
        };
        let noise = numbers.iter().enumerate().map(|(i, &x)| moved(i, x)).collect();
        Self { numbers, noise }
    }

    /// A sum, whose terms may cancel.
    fn sum(terms: &[&Self], epsilon: f64) -> Self {
        let mut sum = terms[0].clone();
        for (i, (number, noise)) in sum.numbers.iter_mut().zip(&mut sum.noise).enumerate() {
            for term in &terms[1..] {
                *number += term.numbers[i];
                *noise += term.noise[i] + epsilon * term.numbers[i].abs();
            }
        }
        sum
    }
}

/// The rules and the text at a plain scalar.
trait Plain<S: Real>: Rules<S> + Text<S> {}

impl<S: Real, X: Rules<S> + Text<S>> Plain<S> for X {}

/// The rules of single precision, as those who do not know of it see them.
struct Rounded<'a, R>(&'a dyn Plain<R>);

impl<R: Real> Text<f64> for Rounded<'_, R> {
    fn call(&self, numbers: &[f64]) -> Option<Vec<f64>> {
        self.0.call(&rounded(numbers)).map(|y| doubles(&y))
    }
}

impl<R: Real> Rules<f64> for Rounded<'_, R> {
    fn pushforward(&self, numbers: &[f64]) -> Option<(Vec<f64>, Push<'_, f64>)> {
        let (y, push) = self.0.pushforward(&rounded(numbers))?;
        Some((doubles(&y), Box::new(move |tangents| doubles(&push(&rounded(tangents))))))
    }

    fn pullback(&self, numbers: &[f64]) -> Option<(Vec<f64>, Pull<'_, f64>)> {
        let (y, pull) = self.0.pullback(&rounded(numbers))?;
        let pull = move |cotangent: &[f64], start: &[Vec<f64>], wanted: &dyn Fn(usize) -> bool| {
            let start: Vec<_> = start.iter().map(|numbers| rounded(numbers)).collect();
            pull(&rounded(cotangent), &start, wanted)
                .iter()
                .map(|numbers| doubles(numbers))
                .collect()
        };
        Some((doubles(&y), Box::new(pull)))
    }
}

/// Dual numbers in two directions.
type Two = Dual<f64, 2>;

/// What a primitive does at dual numbers.
trait OnDual: Rules<Two> + Text<Two> + Values<Two> {}

impl<X: Rules<Two> + Text<Two> + Values<Two>> OnDual for X {}

/// What a primitive does on a tape.
trait OnTape: Rules<Var<f64>> + Values<Var<f64>> {}

impl<X: Rules<Var<f64>> + Values<Var<f64>>> OnTape for X {}

/// The rules at the scalars of the modes.
#[derive(Clone, Copy)]
struct Modes<'a> {
    dual: &'a dyn OnDual,
    var: &'a dyn OnTape,
}

/// A primitive that was evaluated at the point, and at others that differ from it by rounding.
struct Evaluations<'a> {
    values: Vec<Vec<f64>>,
    pushes: Vec<Push<'a, f64>>,
    pulls: Vec<Pull<'a, f64>>,
    /// At a special point, the forward rule at points beside it.
    beside: Vec<Push<'a, f64>>,
    /// Whether the values there are others.
    jumps: bool,
}

/// One point, in double precision.
#[derive(Clone)]
struct Checker<'a> {
    record: &'static Record,
    /// How many numbers each argument has.
    sizes: &'a [usize],
    /// How many numbers each piece of the results has.
    pieces: &'a [usize],
    /// What the arguments' numbers have in common in all samples.
    structure: &'a Structure,
    constants: &'a [Option<f64>],
    point: &'a [f64],
    /// Whether somebody knows the derivative by each of the numbers.
    known: &'a [bool],
    direction: &'a [f64],
    second: &'a [f64],
    plain: &'a dyn Plain<f64>,
    /// The rules at the scalars of the modes, where they exist.
    modes: Option<Modes<'a>>,
    seed: u64,
    /// Whether the point is one where a derivative need not exist.
    special: bool,
    /// The size of directions, in which finite differences see the point and what is beside it.
    scale: f64,
    /// Whether nothing was found so far that says that it does not.
    smooth: Cell<bool>,
    /// The rounding of the scalar.
    epsilon: f64,
}

const OUTSIDE: &str = "outside the domain";
const EDGE: &str = "no finite difference: the sample is at the edge of the domain";

/// How many entries of an argument or of the results are looked at alone, at one point.
const MOST_ENTRIES: usize = 12;
/// The same where each takes a finite difference.
const MOST_DIFFERENCES: usize = 5;

impl Checker<'_> {
    fn all(&self) -> Result<(), String> {
        let (y, _) =
            self.plain.pushforward(self.point).ok_or("the sample is outside the domain")?;
        if let Some(found) = y.iter().find(|y| !y.is_finite()) {
            return Err(format!("the sample has the value {found}"));
        }
        let cotangent = self.cotangent(y.len());
        let evaluations = self.evaluations();
        if self.record.forward {
            self.forward_against_difference(&evaluations)?;
        }
        if self.record.reverse {
            self.reverse_against_forward(&evaluations, &cotangent)?;
        }
        self.rules(&evaluations, &cotangent)?;
        if self.is_heavy() {
            return Ok(());
        }
        self.expressions(&evaluations)?;
        if let Some(modes) = self.modes {
            self.modes(&evaluations, modes, &cotangent)?;
            self.second_order(&evaluations, modes, &cotangent)?;
        }
        Ok(())
    }

    /// The rules at the plain scalar, without finite differences.
    fn alone(&self) -> Result<(), String> {
        let Some(y) = self.plain.call(self.point) else {
            return if self.special { Ok(()) } else { Err(OUTSIDE.into()) };
        };
        let (saving, _) = self
            .plain
            .pushforward(self.point)
            .ok_or("what saves for the rules fails where the call does not")?;
        if y.iter().chain(&saving).any(|y| !y.is_finite()) {
            return Ok(());
        }
        // Nothing was compared with a finite difference in this precision.
        self.smooth.set(!self.special);
        self.rules(&self.evaluations(), &self.cotangent(y.len()))
    }

    /// The properties that rules have whatever they are the rules of.
    fn rules(&self, evaluations: &Evaluations<'_>, cotangent: &[f64]) -> Result<(), String> {
        if self.record.reverse {
            self.slots(evaluations, cotangent)?;
        }
        self.nothing_of_nothing(evaluations)?;
        self.call(evaluations)?;
        self.again(evaluations, cotangent)?;
        if self.is_heavy() {
            return Ok(());
        }
        self.jacobian(evaluations)?;
        self.linear(evaluations, cotangent)
    }

    fn random(&self) -> Sampler {
        // Others than those of the points.
        Sampler::new(self.seed, self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995)
    }

    fn cotangent(&self, count: usize) -> Vec<f64> {
        let mut random = self.random();
        (0..count).map(|_| single_of(random.normal())).collect()
    }

    /// Evaluates the primitive at the point, and at others that differ from it by rounding.
    fn evaluations(&self) -> Evaluations<'_> {
        let mut all = Evaluations {
            values: Vec::new(),
            pushes: Vec::new(),
            pulls: Vec::new(),
            beside: Vec::new(),
            jumps: false,
        };
        for k in 0..3 {
            let near = if k == 0 { self.point.to_vec() } else { self.shaken(self.point, k, true) };
            let Some((y, push)) = self.plain.pushforward(&near) else { continue };
            let Some((_, pull)) = self.plain.pullback(&near) else { continue };
            all.values.push(y);
            all.pushes.push(push);
            all.pulls.push(pull);
        }
        if let Some(value) = all.values.first().filter(|_| self.special && self.record.forward) {
            let large = 1e-4 * size(value);
            for (beside, push) in self.beside() {
                let moved = beside.iter().zip(value).map(|(a, b)| (a - b).abs());
                let most = moved.fold(0.0, f64::max);
                let limit = large + 1e-4 * self.scale;
                all.jumps |= limit.is_nan() || most > limit;
                all.beside.push(push);
            }
        }
        if all.jumps {
            self.smooth.set(false);
        }
        all
    }

    /// Numbers with other rounding errors. Those of a point stay on the structure, and ties stay ties.
    fn shaken(&self, numbers: &[f64], k: u64, is_point: bool) -> Vec<f64> {
        let mut random = Sampler::new(k, self.seed ^ k);
        let mut factor = || 1.0 + 4.0 * self.epsilon * random.between::<f64>(-1.0, 1.0);
        let mut shaken = numbers.to_vec();
        if is_point && self.special && self.scale == 1.0 {
            let common = factor();
            shaken.iter_mut().for_each(|x| *x *= common);
        } else if is_point {
            for class in &self.structure.classes {
                let common = factor();
                class.iter().for_each(|(j, _)| shaken[*j] *= common);
            }
        } else {
            shaken.iter_mut().for_each(|x| *x *= factor());
        }
        shaken
    }

    /// What the forward rule gives.
    fn push(&self, evaluations: &Evaluations<'_>, tangents: &[f64]) -> Quantity {
        let [push, others @ ..] = &evaluations.pushes[..] else { unreachable!("the point's own") };
        let shaken = |k| self.shaken(tangents, k, false);
        let elsewhere: Vec<_> = others.iter().zip(1..).map(|(push, k)| push(&shaken(k))).collect();
        Quantity::new(push(tangents), &push(&shaken(3)), &elsewhere)
    }

    /// What the reverse rule gives to all arguments.
    fn pull(&self, evaluations: &Evaluations<'_>, cotangent: &[f64]) -> Quantity {
        let [pull, others @ ..] = &evaluations.pulls[..] else { unreachable!("the point's own") };
        let zero = self.zeros();
        let of =
            |pull: &Pull<'_, f64>, cotangent: &[f64]| pull(cotangent, &zero, &|_| true).concat();
        let shaken = |k| self.shaken(cotangent, k, false);
        let elsewhere: Vec<_> =
            others.iter().zip(1..).map(|(pull, k)| of(pull, &shaken(k))).collect();
        Quantity::new(of(pull, cotangent), &of(pull, &shaken(3)), &elsewhere)
    }

    /// Zeros, one list an argument.
    fn zeros(&self) -> Vec<Vec<f64>> {
        self.sizes.iter().map(|size| vec![0.0; *size]).collect()
    }

    /// The point, moved along a direction.
    fn along(&self, direction: &[f64], t: f64) -> Vec<f64> {
        self.point.iter().zip(direction).map(|(x, v)| x + t * v).collect()
    }

    /// The numbers split by argument.
    fn by_argument<S: Real>(&self, mut numbers: &[S]) -> Vec<Vec<S>> {
        let mut split = Vec::new();
        for &size in self.sizes {
            let (argument, rest) = numbers.split_at(size);
            split.push(argument.to_vec());
            numbers = rest;
        }
        split
    }

    /// The numbers of some arguments, and zero for the others.
    fn only(&self, numbers: &[f64], of: impl Fn(usize) -> bool) -> Vec<f64> {
        let split = self.by_argument(numbers).into_iter().enumerate();
        let kept = split.map(|(argument, mut numbers)| {
            if !of(argument) {
                numbers.fill(0.0);
            }
            numbers
        });
        kept.flatten().collect()
    }

    /// The direction in which some entries vary together.
    fn unit(&self, class: usize) -> Vec<f64> {
        let mut unit = vec![0.0; self.point.len()];
        self.structure.classes[class].iter().for_each(|(j, sign)| unit[*j] = sign * self.scale);
        unit
    }

    /// The arguments that can be differentiated by.
    fn varying(&self) -> Vec<usize> {
        let arguments = self.record.arguments.iter().enumerate();
        let unknown = |argument: usize| self.record.partials[argument] == Partial::Unknown;
        let varying = arguments.filter(|(i, argument)| argument.differentiable() && !unknown(*i));
        varying.map(|(i, _)| i).collect()
    }

    /// Choices of arguments: all where they are few, else each alone, and each left out.
    fn choices(&self) -> Vec<u32> {
        let varying = self.varying();
        let bits = |of: &[usize]| of.iter().fold(0, |bits, i| bits | 1 << i);
        let all: u32 = bits(&varying);
        if varying.len() <= 4 {
            return (0..1_u32 << self.sizes.len()).filter(|choice| choice & !all == 0).collect();
        }
        let each = varying.iter().flat_map(|i| [1 << i, all & !(1 << i)]);
        [0, all].into_iter().chain(each).collect()
    }

    /// The numbers of the arguments, the first of them where there are many.
    fn shown(&self) -> String {
        const MOST: usize = 24;
        let arguments = self.record.arguments.iter().zip(self.by_argument(self.point));
        let arguments = arguments.filter(|(_, numbers)| !numbers.is_empty());
        let arguments = arguments.map(|(argument, numbers)| {
            let shown: Vec<_> = numbers.iter().take(MOST).map(|x| format!("{x:?}")).collect();
            let rest = if numbers.len() > MOST { ", .." } else { "" };
            format!("{} = [{}{rest}]", argument.name, shown.join(", "))
        });
        arguments.collect::<Vec<_>>().join(", ")
    }

    /// The name of one of the arguments' numbers.
    fn argument_entry(&self, mut entry: usize) -> String {
        for (argument, &size) in self.record.arguments.iter().zip(self.sizes) {
            if entry < size {
                return match size {
                    1 => format!("`{}`", argument.name),
                    _ => format!("entry {entry} of `{}`", argument.name),
                };
            }
            entry -= size;
        }
        format!("entry {entry}")
    }

    /// The name of one of the results' numbers.
    fn result_entry(&self, entry: usize) -> String {
        let arguments = self.record.arguments.iter().zip(self.sizes);
        let written: Vec<_> = arguments.filter(|(argument, _)| argument.in_place).collect();
        let all: usize = self.pieces.iter().sum();
        let mut rest = all - written.iter().map(|(_, size)| *size).sum::<usize>().min(all);
        if entry < rest || written.is_empty() {
            return match self.pieces {
                [1] => "the result".into(),
                _ => format!("entry {entry} of the result"),
            };
        }
        for (argument, size) in written {
            if entry < rest + size {
                return format!("entry {} of `{}` after the call", entry - rest, argument.name);
            }
            rest += size;
        }
        format!("entry {entry} of the result")
    }

    /// Whether two lists of numbers agree, each within its own tolerance.
    fn agree(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &[f64],
        tolerance: impl Fn(usize) -> f64,
    ) -> Result<(), String> {
        if found.len() != expected.len() {
            return Err(format!("{what}: {} numbers in place of {}", found.len(), expected.len()));
        }
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let undefined = !found.is_finite() || !expected.is_finite();
            if found == expected || undefined && self.may_be_undefined(found, expected) {
                continue;
            }
            let tolerance = tolerance(i);
            // A NaN is not within any tolerance.
            if undefined
                || (found - expected).abs().partial_cmp(&tolerance).is_none_or(Ordering::is_gt)
            {
                return Err(format!(
                    "{what}: {} is {found:e}, expected {expected:e} within {tolerance:e}",
                    name(i)
                ));
            }
        }
        Ok(())
    }

    /// Whether numbers may differ since there is no derivative: a rule of several numbers may be
    /// undefined where the function happens to be smooth, one of a number may not.
    fn may_be_undefined(&self, found: f64, expected: f64) -> bool {
        let neither = !found.is_finite() && !expected.is_finite();
        self.special && (!self.is_of_numbers() || !self.smooth.get() || neither)
    }

    /// Whether it is a function of numbers to a number.
    fn is_of_numbers(&self) -> bool {
        self.pieces == [1] && self.sizes.iter().all(|size| *size <= 1)
    }

    /// Relative to the number, how far right ones are apart at most.
    fn exactness(&self) -> f64 {
        let exactness = if self.epsilon < 1e-12 { 1e-10 } else { 100.0 * self.epsilon };
        // Special numbers may be so large that much is lost.
        match (self.special, self.scale == 1.0) {
            (false, _) => exactness,
            (true, false) if !self.is_of_numbers() => 1e6 * exactness,
            (true, _) => 100.0 * exactness,
        }
    }

    /// How far right numbers are apart that rounding moves so far.
    fn slack(&self, found: f64, expected: f64, noise: f64) -> f64 {
        self.exactness() * found.abs().max(expected.abs()) + 300.0 * noise
    }

    /// What is lost of an entry that is nothing, or rounding alone: as much as the largest is rounded.
    fn lost(&self, found: f64, x: f64, noise: f64, largest: f64) -> f64 {
        if is_rounding(found, x, noise) { 100.0 * self.epsilon * largest } else { 0.0 }
    }

    /// Agreement up to rounding.
    fn agree_exactly(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &Quantity,
    ) -> Result<(), String> {
        self.agree_within(what, name, found, expected, |i| expected.noise[i])
    }

    /// Agreement of numbers that rounding moves, all of them.
    fn agree_mutually(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &Quantity,
        expected: &Quantity,
    ) -> Result<(), String> {
        let noise = |i: usize| found.noise[i] + expected.noise[i];
        self.agree_within(what, name, &found.numbers, expected, noise)
    }

    /// Agreement of numbers that rounding moves so far.
    fn agree_within(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &Quantity,
        noise: impl Fn(usize) -> f64,
    ) -> Result<(), String> {
        let largest = size(&expected.numbers);
        self.agree(what, name, found, &expected.numbers, |i| {
            let (found, x, noise) = (found[i], expected.numbers[i], noise(i));
            self.slack(found, x, noise) + self.lost(found, x, noise, largest)
        })
    }

    /// Agreement in every digit.
    fn same(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &[f64],
    ) -> Result<(), String> {
        let differs = |(a, b): (&f64, &f64)| a != b && !(a.is_nan() && b.is_nan());
        match found.iter().zip(expected).position(differs) {
            None if found.len() == expected.len() => Ok(()),
            None => Err(format!("{what}: {} numbers in place of {}", found.len(), expected.len())),
            Some(i) => Err(format!(
                "{what}: {} is {:e}, expected {:e} in every digit",
                name(i),
                found[i],
                expected[i]
            )),
        }
    }

    /// What the primitive gives.
    fn values(&self, evaluations: &Evaluations<'_>) -> Quantity {
        let [value, elsewhere @ ..] = &evaluations.values[..] else { unreachable!("its own") };
        Quantity::new(value.clone(), &[], elsewhere)
    }

    /// A finite difference of numbers that rounding moves so far; none at the edge of the domain of a
    /// point that may be there.
    fn difference(
        &self,
        noise: &[f64],
        curve: impl FnMut(f64) -> Option<Vec<f64>>,
    ) -> Result<Option<Difference>, String> {
        let Some(found) = difference_at(self.epsilon, noise, curve) else {
            self.smooth.set(false);
            return if self.special { Ok(None) } else { Err(EDGE.into()) };
        };
        let scale = size(&found.derivative).max(1e-300);
        let rough = found.error.iter().any(|error| error.is_nan() || *error > 1e-3 * scale);
        if rough || found.kink.iter().any(|kink| *kink > 0.0) {
            self.smooth.set(false);
        }
        Ok(Some(found))
    }

    /// Agreement with a finite difference, within its own error estimate and the rounding of the rule;
    /// at a kink, with any slope between those on its sides.
    fn agree_with_difference(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &Quantity,
        expected: &Difference,
    ) -> Result<(), String> {
        let largest = size(&found.numbers);
        self.agree(what, name, &found.numbers, &expected.derivative, |i| {
            let scale = found.numbers[i].abs() + expected.derivative[i].abs();
            let (x, noise) = (found.numbers[i], found.noise[i]);
            let lost = self.lost(x, expected.derivative[i], noise, largest);
            let slopes = 20.0 * expected.error[i] + 0.500_001 * expected.kink[i];
            slopes + 10.0 * self.exactness() * scale + 300.0 * found.noise[i] + lost
        })
    }

    /// Some of so many, others at every seed.
    fn some(&self, count: usize, most: usize) -> Vec<usize> {
        let step = count.div_ceil(most.max(1)).max(1);
        let first = self.seed as usize % step;
        (first..count).step_by(step).take(most).collect()
    }

    fn forward_against_difference(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let mut directions = vec![("all arguments".to_string(), self.direction.to_vec())];
        let varying = self.varying();
        if varying.len() > 1 {
            directions.extend(varying.into_iter().map(|alone| {
                let name = self.record.arguments[alone].name.to_string();
                (name, self.only(self.direction, |argument| argument == alone))
            }));
        }
        let classes = &self.structure.classes;
        if self.special {
            // Ties stay ties.
            let mut together = vec![0.0; self.point.len()];
            classes.iter().flatten().for_each(|(j, sign)| together[*j] = sign * self.scale);
            directions.push(("all entries at once".into(), together));
        }
        let most = match (self.special, self.is_heavy()) {
            (false, _) => MOST_DIFFERENCES,
            (true, false) => 2,
            (true, true) => 0,
        };
        for class in self.some(classes.len(), most) {
            directions.push((self.argument_entry(classes[class][0].0), self.unit(class)));
        }
        let noise = self.values(evaluations).noise;
        let mut differences = Vec::new();
        for (by, direction) in &directions {
            let curve = |t| self.plain.pushforward(&self.along(direction, t)).map(|(y, _)| y);
            self.spread(evaluations, direction);
            let Some(expected) = self.difference(&noise, curve)? else { continue };
            differences.push((by, direction, expected));
        }
        for (by, direction, mut expected) in differences {
            let found = self.push(evaluations, direction);
            let slopes: Vec<_> = evaluations.beside.iter().map(|push| push(direction)).collect();
            if evaluations.jumps {
                continue;
            }
            expected.widen(&slopes, !self.smooth.get(), self.is_of_numbers());
            let what = format!("forward rule against a finite difference by {by}");
            self.agree_with_difference(&what, &|i| self.result_entry(i), &found, &expected)?;
        }
        Ok(())
    }

    /// The value and the forward rule at points beside a special one. Where a function has a kink in one
    /// direction, it may look smooth along others; beside the point it is what it is on either side.
    fn beside(&self) -> Vec<(Vec<f64>, Push<'_, f64>)> {
        let mut random = Sampler::new(self.seed, !self.seed);
        let mut beside = Vec::new();
        for _ in 0..if self.is_heavy() { 3 } else { 8 } {
            let mut near = self.point.to_vec();
            for class in &self.structure.classes {
                let step = 1e-6 * self.scale * random.between::<f64>(-1.0, 1.0);
                class.iter().for_each(|(j, sign)| near[*j] += sign * step);
            }
            beside.extend(self.plain.pushforward(&near));
        }
        beside
    }

    /// Whether the point is one of many, and large.
    fn is_heavy(&self) -> bool {
        self.special && self.point.len() > 100
    }

    /// How far apart the slopes along a direction are beside the point, where that is more than what
    /// a smooth function makes of it.
    fn spread(&self, evaluations: &Evaluations<'_>, direction: &[f64]) -> Vec<f64> {
        let slopes: Vec<_> = evaluations.beside.iter().map(|push| push(direction)).collect();
        let mut spread = vec![0.0; evaluations.values[0].len()];
        for (i, spread) in spread.iter_mut().enumerate() {
            let (least, most) = extent(slopes.iter().map(|slope| slope[i]));
            if most - least > 1e-4 * least.abs().max(most.abs()) {
                *spread = 2.0 * (most - least);
            }
        }
        if spread.iter().any(|spread| *spread > 0.0) {
            self.smooth.set(false);
        }
        spread
    }

    fn reverse_against_forward(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let adjoints = self.pull(evaluations, cotangent);
        if evaluations.jumps {
            return Ok(());
        }
        for direction in [self.direction, self.second] {
            let tangent = if self.record.forward {
                let mut tangent = self.push(evaluations, direction);
                let spread = self.spread(evaluations, direction);
                let noise = tangent.noise.iter_mut().zip(spread);
                noise.for_each(|(noise, spread)| *noise += spread / 300.0);
                tangent
            } else {
                let curve = |t| self.plain.pullback(&self.along(direction, t)).map(|(y, _)| y);
                let noise = self.values(evaluations).noise;
                let Some(found) = self.difference(&noise, curve)? else { continue };
                let noise = found.error.iter().zip(&found.kink);
                let noise = noise.map(|(error, kink)| 0.07 * error + 0.002 * kink).collect();
                Quantity { numbers: found.derivative, noise }
            };
            let what =
                "pairing of the reverse rule with the direction against that of the forward rule";
            self.pairing(what, (&adjoints, direction), (&tangent, cotangent))?;
        }
        Ok(())
    }

    /// Agreement of two sums of products.
    fn pairing(
        &self,
        what: &str,
        found: (&Quantity, &[f64]),
        expected: (&Quantity, &[f64]),
    ) -> Result<(), String> {
        let pair = |(quantity, by): (&Quantity, &[f64])| {
            let (mut sum, mut slack) = (0.0, 0.0);
            for ((x, noise), by) in quantity.numbers.iter().zip(&quantity.noise).zip(by) {
                // What nobody asks for may be undefined.
                if *by != 0.0 {
                    sum += x * by;
                    slack += 0.1 * self.exactness() * (x * by).abs() + 300.0 * noise * by.abs();
                }
            }
            (sum, slack)
        };
        let ((found, slack), (expected, other)) = (pair(found), pair(expected));
        self.agree(what, &|_| "the sum".into(), &[found], &[expected], |_| slack + other)
    }

    /// Entry by entry: rows by the reverse rule, columns by the forward rule.
    fn jacobian(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let results = evaluations.values[0].len();
        if !self.record.reverse || evaluations.jumps {
            return Ok(());
        }
        let unit = |i: usize| -> Vec<f64> {
            (0..results).map(|k| if k == i { 1.0 } else { 0.0 }).collect()
        };
        let rows: Vec<_> = self.some(results, MOST_ENTRIES);
        let rows: Vec<_> =
            rows.into_iter().map(|i| (i, self.pull(evaluations, &unit(i)))).collect();
        let all = rows.iter().fold(0.0, |all, (_, row)| size(&row.numbers).max(all));
        if self.record.forward {
            let columns = self.some(self.structure.classes.len(), MOST_ENTRIES).into_iter();
            let columns: Vec<_> =
                columns.map(|class| (class, self.push(evaluations, &self.unit(class)))).collect();
            for (class, column) in &columns {
                let class = *class;
                let spread = self.spread(evaluations, &self.unit(class));
                let class = &self.structure.classes[class];
                let name = self.argument_entry(class[0].0);
                for (i, row) in &rows {
                    let of = |sum: &Vec<f64>, sign: bool| -> f64 {
                        class.iter().map(|(j, s)| if sign { s * sum[*j] } else { sum[*j] }).sum()
                    };
                    let found = self.scale * of(&row.numbers, true);
                    let noise = self.scale * of(&row.noise, false) + column.noise[*i];
                    let parts = class.iter().map(|(j, _)| self.scale * row.numbers[*j].abs());
                    let parts: f64 = parts.sum();
                    // What cancels in one entry of a row is as large as others of it, and in a row of
                    // nothing as those of others.
                    let nothing = columns.iter().all(|(_, column)| column.numbers[*i] == 0.0);
                    let alone = is_rounding(found, column.numbers[*i], noise);
                    let largest = if nothing || alone { all } else { size(&row.numbers) };
                    let lost = 100.0 * self.epsilon * self.scale * largest + spread[*i];
                    let what = format!("the reverse rule against the forward rule by {name}");
                    self.agree(
                        &what,
                        &|_| self.result_entry(*i),
                        &[found],
                        &[column.numbers[*i]],
                        |_| {
                            self.slack(found, column.numbers[*i], noise)
                                + self.exactness() * parts
                                + lost
                        },
                    )?;
                }
            }
        }
        self.structural(&rows)
    }

    /// Nothing but derivatives is given to entries that no sample varies, or varies as others.
    fn structural(&self, rows: &[(usize, Quantity)]) -> Result<(), String> {
        if self.special && !self.is_of_numbers() {
            // Random points show it too, and have better finite differences.
            return Ok(());
        }
        let mut suspects = Vec::new();
        for (_, row) in rows {
            let slack = |j: usize| self.slack(row.numbers[j], 0.0, row.noise[j]);
            let largest = size(&row.numbers);
            let noise = |j: usize| 300.0 * row.noise[j] + 1e-14 * largest;
            let held = self.structure.held.iter().copied();
            suspects.extend(held.filter(|j| row.numbers[*j].abs() > noise(*j)));
            for class in self.structure.classes.iter().filter(|class| class.len() > 1) {
                // All the same, or all given to one of them.
                let given = class.iter().filter(|(j, _)| row.numbers[*j].abs() > noise(*j));
                let given: Vec<_> = given.map(|(j, sign)| (*j, sign * row.numbers[*j])).collect();
                let differ = given.iter().any(|(j, x)| {
                    (x - given[0].1).abs() > 10.0 * slack(*j) + 10.0 * slack(given[0].0)
                });
                if differ {
                    suspects.extend(given.iter().map(|(j, _)| *j));
                }
            }
        }
        suspects.sort_unstable();
        suspects.dedup();
        let suspects: Vec<_> =
            self.some(suspects.len(), MOST_DIFFERENCES).into_iter().map(|i| suspects[i]).collect();
        for j in suspects {
            let unit: Vec<f64> =
                (0..self.point.len()).map(|k| if k == j { 1.0 } else { 0.0 }).collect();
            // Off the structure, the primitive may have no value, and the rule says what it likes.
            let curve = |t| self.plain.call(&self.along(&unit, t));
            let Some(expected) = difference_at(self.epsilon, &[], curve) else { continue };
            for (i, row) in rows {
                let (found, wanted) = (row.numbers[j], expected.derivative[*i]);
                let tolerance = 20.0 * expected.error[*i]
                    + 0.500_001 * expected.kink[*i]
                    + 1e-7 * (found.abs() + wanted.abs())
                    + 300.0 * row.noise[j];
                let what = format!(
                    "the reverse rule by {}, which no sample varies alone, against a finite difference",
                    self.argument_entry(j)
                );
                self.agree(&what, &|_| self.result_entry(*i), &[found], &[wanted], |_| tolerance)?;
            }
        }
        Ok(())
    }

    /// Parts of a cotangent, the rest of which is zero: each piece of the results, and those that are
    /// positive or negative.
    fn parts(&self, cotangent: &[f64]) -> Vec<(String, Vec<f64>)> {
        let mut parts = Vec::new();
        let mut pieces = self.pieces.to_vec();
        if pieces.iter().sum::<usize>() != cotangent.len() {
            pieces = vec![cotangent.len()];
        }
        if pieces.len() > 1 {
            let mut first = 0;
            for (piece, size) in pieces.iter().enumerate() {
                let inside = first..first + size;
                first += size;
                if piece < MOST_DIFFERENCES && *size > 0 {
                    let only = |(i, x): (usize, &f64)| if inside.contains(&i) { *x } else { 0.0 };
                    let only = cotangent.iter().enumerate().map(only).collect();
                    parts.push((format!("piece {piece} alone"), only));
                }
            }
        }
        parts.push(("its positive entries".into(), cotangent.iter().map(|x| x.max(0.0)).collect()));
        parts.push(("its negative entries".into(), cotangent.iter().map(|x| x.min(0.0)).collect()));
        parts
    }

    /// Both rules are linear.
    fn linear(&self, evaluations: &Evaluations<'_>, cotangent: &[f64]) -> Result<(), String> {
        if !self.has_second_derivative() {
            // There are slopes in each direction, which are not linear in that.
            return Ok(());
        }
        let exponents: &[i32] =
            if self.epsilon < 1e-12 { &[-300, -40, 40, 300] } else { &[-30, 30] };
        let factors = exponents.iter().map(|exponent| 2.0_f64.powi(*exponent)).chain([-1.0]);
        let factors: Vec<f64> = factors.collect();
        let scaled =
            |numbers: &[f64], by: f64| -> Vec<f64> { numbers.iter().map(|x| x * by).collect() };
        let minus =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        if self.record.forward {
            let name = |i: usize| self.result_entry(i);
            let whole = self.push(evaluations, self.direction);
            for &factor in &factors {
                let found = evaluations.pushes[0](&scaled(self.direction, factor));
                let what = format!("the forward rule of tangents times {factor:e}, over that");
                self.agree_exactly(&what, &name, &scaled(&found, 1.0 / factor), &whole)?;
            }
            let mut parts: Vec<_> = self
                .varying()
                .into_iter()
                .map(|i| (self.record.arguments[i].name, self.only(self.direction, |j| j == i)))
                .collect();
            if parts.len() < 2 {
                parts.clear();
            }
            parts.push(("the positive ones", self.direction.iter().map(|x| x.max(0.0)).collect()));
            for (what, part) in parts {
                if what == "the positive ones" && !self.structure.is_free() {
                    continue;
                }
                let rest = minus(self.direction, &part);
                let sum = Quantity::sum(
                    &[&self.push(evaluations, &part), &self.push(evaluations, &rest)],
                    self.epsilon,
                );
                let what = format!("the forward rule of {what} and that of the rest, added");
                self.agree_mutually(&what, &name, &sum, &whole)?;
            }
        }
        if self.record.reverse {
            let name = |i: usize| self.argument_entry(i);
            let whole = self.pull(evaluations, cotangent);
            for &factor in &factors {
                let zero = self.zeros();
                let found = evaluations.pulls[0](&scaled(cotangent, factor), &zero, &|_| true);
                let what = format!("the reverse rule of the cotangent times {factor:e}, over that");
                self.agree_exactly(&what, &name, &scaled(&found.concat(), 1.0 / factor), &whole)?;
            }
            for (what, part) in self.parts(cotangent) {
                let rest = minus(cotangent, &part);
                let sum = Quantity::sum(
                    &[&self.pull(evaluations, &part), &self.pull(evaluations, &rest)],
                    self.epsilon,
                );
                let what =
                    format!("the reverse rule of {what} of the cotangent and of the rest, added");
                self.agree_mutually(&what, &name, &sum, &whole)?;
            }
        }
        Ok(())
    }

    fn slots(&self, evaluations: &Evaluations<'_>, cotangent: &[f64]) -> Result<(), String> {
        let zero = self.zeros();
        let mut random = Sampler::new(!self.seed, self.seed);
        let mut cotangents = vec![cotangent.to_vec()];
        if !self.is_heavy() {
            cotangents.extend(self.parts(cotangent).into_iter().map(|(_, part)| part));
        }
        let all = (1_u32 << self.sizes.len()) - 1;
        for cotangent in &cotangents {
            let whole = self.pull(evaluations, cotangent);
            let (whole, noise) = (self.by_argument(&whole.numbers), self.by_argument(&whole.noise));
            // As large as what is added, so that none of it is lost.
            let filled: Vec<Vec<f64>> = whole
                .iter()
                .map(|numbers| {
                    let sized =
                        numbers.iter().map(|x| if *x == 0.0 || !x.is_finite() { 1.0 } else { *x });
                    sized.map(|x| single_of(x * random.between::<f64>(0.5, 1.5))).collect()
                })
                .collect();
            let chosen = self.choices().into_iter().filter(|choice| *choice != all);
            for choice in std::iter::once(all).chain(chosen) {
                let wanted = |argument: usize| choice >> argument & 1 == 1;
                for start in [&zero, &filled] {
                    let found = evaluations.pulls[0](cotangent, start, &wanted);
                    for (argument, record) in self.record.arguments.iter().enumerate() {
                        let (found, start) = (&found[argument], &start[argument]);
                        let what = match (choice == all, start[..].iter().any(|x| *x != 0.0)) {
                            (true, true) => format!("adding to a filled slot of {}", record.name),
                            (_, true) => format!(
                                "adding to a filled slot of {} when others are not wanted",
                                record.name
                            ),
                            _ => format!("the slot of {} when others are not wanted", record.name),
                        };
                        let name = |i: usize| format!("entry {i}");
                        if !wanted(argument) {
                            self.same(&what, &name, found, start)?;
                            continue;
                        }
                        let added: Vec<f64> = found.iter().zip(start).map(|(x, s)| x - s).collect();
                        let largest = size(&whole[argument]);
                        self.agree(&what, &name, &added, &whole[argument], |i| {
                            let rounding = 0.01 * self.exactness() * start[i].abs();
                            let (x, noise) = (whole[argument][i], noise[argument][i]);
                            let lost = self.lost(added[i], x, noise, largest);
                            self.slack(added[i], x, noise) + rounding + lost
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Zero is strong.
    fn nothing_of_nothing(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let zero = |what: &str, name: &dyn Fn(usize) -> String, found: &[f64]| match found
            .iter()
            .position(|x| *x != 0.0 && !(self.special && x.is_nan()))
        {
            Some(i) => Err(format!("{what} gives {:e}, not zero, for {}", found[i], name(i))),
            None => Ok(()),
        };
        if self.record.forward {
            let found = evaluations.pushes[0](&vec![0.0; self.point.len()]);
            zero("the forward rule of zero tangents", &|i| self.result_entry(i), &found)?;
        }
        if self.record.reverse {
            let nothing = vec![0.0; evaluations.values[0].len()];
            let found = evaluations.pulls[0](&nothing, &self.zeros(), &|_| true).concat();
            zero("the reverse rule of zero cotangents", &|i| self.argument_entry(i), &found)?;
        }
        Ok(())
    }

    /// The call itself, which overwrites `&mut` arguments where they are, against what evaluates
    /// copies and saves for the rules.
    fn call(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let found = self.plain.call(self.point);
        let found = found.ok_or("the call fails where the one that saves does not")?;
        let what = "the call against the one that saves for the rules";
        self.same(what, &|i| self.result_entry(i), &found, &evaluations.values[0])
    }

    /// All is as before when it is done again, after an evaluation elsewhere.
    fn again(&self, evaluations: &Evaluations<'_>, cotangent: &[f64]) -> Result<(), String> {
        let results = |i: usize| self.result_entry(i);
        let what = "the call, done again";
        let found = self.plain.call(self.point).ok_or(OUTSIDE)?;
        self.same(what, &results, &found, &evaluations.values[0])?;
        let elsewhere = self.along(self.direction, 0.01);
        if self.record.forward {
            let (value, push) = self.plain.pushforward(self.point).ok_or(OUTSIDE)?;
            let first = push(self.direction);
            drop(self.plain.pushforward(&elsewhere));
            self.same(what, &results, &value, &evaluations.values[0])?;
            let what = "the forward rule, done again";
            self.same(what, &results, &push(self.direction), &first)?;
            self.same(what, &results, &evaluations.pushes[0](self.direction), &first)?;
        }
        if self.record.reverse {
            let (_, pull) = self.plain.pullback(self.point).ok_or(OUTSIDE)?;
            let first = pull(cotangent, &self.zeros(), &|_| true).concat();
            drop(self.plain.pullback(&elsewhere));
            let name = |i: usize| self.argument_entry(i);
            for pull in [&pull, &evaluations.pulls[0]] {
                let found = pull(cotangent, &self.zeros(), &|_| true).concat();
                self.same("the reverse rule, done again", &name, &found, &first)?;
            }
        }
        Ok(())
    }

    /// The rules that are expressions, against those in code.
    fn expressions(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let arguments = self.by_argument(self.point);
        let numbers =
            arguments.iter().zip(self.constants).map(|(numbers, constant)| match numbers[..] {
                [x] => Some(x),
                [] => *constant,
                _ => None,
            });
        let numbers: Option<Vec<f64>> = numbers.collect();
        let (Some(numbers), [value]) = (numbers, &evaluations.values[0][..]) else { return Ok(()) };
        for (argument, partial) in self.record.partials.iter().enumerate() {
            let Partial::Known(formula) = partial else { continue };
            let found = match value_of(formula, &numbers, *value) {
                Ok(found) => found,
                // There is nothing to compare with, which is said where somebody asks for it.
                Err(_) => continue,
            };
            let unit = self.only(&vec![1.0; self.point.len()], |i| i == argument);
            let expected = if self.record.forward {
                self.push(evaluations, &unit)
            } else {
                let pulled = self.pull(evaluations, &[1.0]);
                let place: usize = self.sizes[..argument].iter().sum();
                Quantity { numbers: vec![pulled.numbers[place]], noise: vec![pulled.noise[place]] }
            };
            let name = self.record.arguments[argument].name;
            let what = format!("the derivative by {name} as an expression against the rule");
            let slack = |_| 10.0 * self.slack(found, expected.numbers[0], expected.noise[0]);
            self.agree(&what, &|_| "it".into(), &[found], &expected.numbers, slack)?;
        }
        Ok(())
    }

    /// What the general texts give: a kernel is more careful where they lose digits.
    fn text(&self, evaluations: &Evaluations<'_>) -> Quantity {
        let mut plain = self.values(evaluations);
        if self.special {
            let scale = size(&plain.numbers).max(1.0);
            plain.noise.iter_mut().for_each(|noise| *noise += 1e-9 * scale);
        }
        plain
    }

    /// The rules as the modes apply them, and the general texts against kernels.
    fn modes(
        &self,
        evaluations: &Evaluations<'_>,
        Modes { dual, var }: Modes<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let outside = "a mode fails where the plain call does not";
        let results = |i: usize| self.result_entry(i);
        let plain = self.text(evaluations);
        // The primitive's own text, run on dual numbers without the rules, has the same value.
        let constants: Vec<_> = self.point.iter().map(|&x| Two::constant(x)).collect();
        let text = dual.call(&constants);
        let text = text.ok_or("the general text fails where the plain call does not")?;
        self.agree_exactly(
            "the general text against the kernel",
            &results,
            &values(&text),
            &plain,
        )?;
        for choice in self.choices() {
            let varies = |argument: usize| choice >> argument & 1 == 1;
            if self.record.forward {
                // In the other direction, those vary that do not in this one.
                let directions =
                    [self.only(self.direction, varies), self.only(self.second, |i| !varies(i))];
                let numbers: Vec<_> = (0..self.point.len())
                    .map(|j| Dual::new(self.point[j], [directions[0][j], directions[1][j]]))
                    .collect();
                let found = dual.mode(&numbers).ok_or(outside)?;
                let whole = dual.whole(&numbers).ok_or(outside)?;
                let what = "the value in the mode `Dual`";
                self.same(what, &results, &values(&found), &evaluations.values[0])?;
                self.same(
                    "the value of what is whole, in the mode `Dual`",
                    &results,
                    &values(&whole),
                    &values(&found),
                )?;
                for (k, direction) in directions.iter().enumerate() {
                    let of =
                        |all: &[Two]| -> Vec<f64> { all.iter().map(|y| y.tangents[k]).collect() };
                    let expected = self.push(evaluations, direction);
                    let what = "the forward rule in the mode `Dual`";
                    self.agree_exactly(what, &results, &of(&found), &expected)?;
                    let what = "the forward rule of what is whole, in the mode `Dual`";
                    self.same(what, &results, &of(&whole), &of(&found))?;
                }
            }
            if self.record.reverse {
                let held = |x: &Vec<Var<f64>>| -> Vec<_> {
                    let arguments = self.sizes.iter().enumerate();
                    let varies =
                        arguments.flat_map(|(i, size)| std::iter::repeat_n(varies(i), *size));
                    let held = x.iter().zip(self.known).zip(varies);
                    held.map(
                        |((x, known), varies)| {
                            if *known && varies { *x } else { Var::constant(x.value()) }
                        },
                    )
                    .collect()
                };
                let (point, cotangent) = (self.point.to_vec(), cotangent.to_vec());
                let run = |x: &Vec<Var<f64>>| var.mode(&held(x)).ok_or(outside);
                let (value, found) = vjp(run, &point, &cotangent)?;
                let what = "the value in the mode `Var`";
                self.same(what, &results, &value, &evaluations.values[0])?;
                let mut expected = self.pull(evaluations, &cotangent);
                expected.numbers = self.only(&expected.numbers, varies);
                let name = |i: usize| self.argument_entry(i);
                self.agree_exactly("the reverse rule in the mode `Var`", &name, &found, &expected)?;
                let run = |x: &Vec<Var<f64>>| var.whole(&held(x)).ok_or(outside);
                let (whole_value, whole) = vjp(run, &point, &cotangent)?;
                let what = "the value of what is whole, in the mode `Var`";
                self.same(what, &results, &whole_value, &value)?;
                let what = "the reverse rule of what is whole, in the mode `Var`";
                self.same(what, &name, &whole, &found)?;
            }
        }
        Ok(())
    }

    /// The rules on dual numbers and on a tape, against finite differences of the rules.
    fn second_order(
        &self,
        evaluations: &Evaluations<'_>,
        Modes { dual, var }: Modes<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let at = |t| self.along(self.direction, t);
        let along_point: Vec<_> = (0..self.point.len())
            .map(|j| Dual::new(self.point[j], [self.direction[j], 0.0]))
            .collect();
        // What the rule is applied to varies too, in the other direction.
        let with = |numbers: &[f64], second: &[f64]| -> Vec<Two> {
            numbers.iter().zip(second).map(|(&x, &v)| Dual::new(x, [0.0, v])).collect()
        };
        let tangents =
            |found: &[Two], k: usize| -> Vec<f64> { found.iter().map(|y| y.tangents[k]).collect() };
        // The rounding of a second derivative is as that of the finite difference.
        let quantity = |numbers: Vec<f64>| Quantity { noise: vec![0.0; numbers.len()], numbers };
        let results = |i: usize| self.result_entry(i);
        let arguments = |i: usize| self.argument_entry(i);
        let other: Vec<f64> = cotangent.iter().rev().map(|x| 1.0 - x).collect();
        if self.record.forward {
            let (value, push) = dual.pushforward(&along_point).ok_or(OUTSIDE)?;
            let what = "the general text that saves for the rules against the kernel";
            self.agree_exactly(what, &results, &values(&value), &self.text(evaluations))?;
            let along = self.push(evaluations, self.direction);
            if self.has_second_derivative() {
                let what =
                    "the text that saves for the rules, along the point, against the forward rule";
                self.agree_exactly(what, &results, &tangents(&value, 0), &along)?;
            }
            let found = push(&with(self.second, self.direction));
            let expected = self.push(evaluations, self.second);
            let what = "the general forward rule against the kernel";
            self.agree_exactly(what, &results, &values(&found), &expected)?;
            let what = "second order, forward over forward, by the tangents";
            if self.has_second_derivative() {
                self.agree_exactly(what, &results, &tangents(&found, 1), &along)?;
            }
            let curve = |t| self.plain.pushforward(&at(t)).map(|(_, push)| push(self.second));
            let slope = self.difference(&expected.noise, curve)?;
            if let Some(slope) = slope.filter(|_| self.has_second_derivative()) {
                let found = quantity(tangents(&found, 0));
                let what = "second order, forward over forward";
                self.agree_with_difference(what, &results, &found, &slope)?;
                if self.record.reverse {
                    self.over_forward(evaluations, var, cotangent, &slope)?;
                }
            }
        }
        if self.record.reverse {
            let curve = |t| {
                let (_, pull) = self.plain.pullback(&at(t))?;
                Some(pull(cotangent, &self.zeros(), &|_| true).concat())
            };
            let slope = self.difference(&self.pull(evaluations, cotangent).noise, curve)?;
            let Some(slope) = slope.filter(|_| self.has_second_derivative()) else {
                return Ok(());
            };
            if self.record.forward {
                let (_, pull) = dual.pullback(&along_point).ok_or(OUTSIDE)?;
                let zero = self.by_argument(&vec![Two::constant(0.0); self.point.len()]);
                let found = pull(&with(cotangent, &other), &zero, &|_| true).concat();
                let expected = self.pull(evaluations, cotangent);
                let what = "the general reverse rule against the kernel";
                self.agree_exactly(what, &arguments, &values(&found), &expected)?;
                for choice in self.choices() {
                    let wanted = |argument: usize| choice >> argument & 1 == 1;
                    let some = pull(&with(cotangent, &other), &zero, &wanted).concat();
                    let what = "the general reverse rule when others are not wanted";
                    let mut whole = expected.clone();
                    whole.numbers = self.only(&expected.numbers, wanted);
                    self.agree_exactly(what, &arguments, &values(&some), &whole)?;
                }
                let what = "second order, forward over reverse, by the cotangent";
                let by_cotangent = self.pull(evaluations, &other);
                self.agree_exactly(what, &arguments, &tangents(&found, 1), &by_cotangent)?;
                let found = quantity(tangents(&found, 0));
                let what = "second order, forward over reverse";
                self.agree_with_difference(what, &arguments, &found, &slope)?;
            }
            self.over_reverse(evaluations, var, cotangent, &slope)?;
        }
        Ok(())
    }

    /// Whether a second derivative exists, as far as is known.
    fn has_second_derivative(&self) -> bool {
        !self.special || self.smooth.get()
    }

    /// A rule on a tape: numbers of the point and of what it is applied to, and which results are
    /// swept from.
    fn swept(
        &self,
        given: &[f64],
        cotangent: &[f64],
        rule: impl Fn(&[Var<f64>], &[Var<f64>]) -> Option<Vec<Var<f64>>>,
    ) -> Result<(Vec<f64>, Vec<f64>), String> {
        let count = self.point.len();
        let run = |x: &Vec<Var<f64>>| {
            let held = x[..count].iter().zip(self.known);
            let point = held.map(|(x, known)| if *known { *x } else { Var::constant(x.value()) });
            rule(&point.collect::<Vec<_>>(), &x[count..]).ok_or(OUTSIDE)
        };
        let (_, mut adjoints) = vjp(run, &[self.point, given].concat(), &cotangent.to_vec())?;
        let of_given = adjoints.split_off(count);
        Ok((adjoints, of_given))
    }

    /// The forward rule on a tape, whose derivative along the direction is known.
    fn over_forward(
        &self,
        evaluations: &Evaluations<'_>,
        var: &dyn OnTape,
        cotangent: &[f64],
        slope: &Difference,
    ) -> Result<(), String> {
        let held = |v: &[Var<f64>]| -> Vec<Var<f64>> {
            let held = v.iter().zip(self.known);
            held.map(|(v, known)| if *known { *v } else { Var::constant(0.0) }).collect()
        };
        let (by_point, by_tangent) =
            self.swept(self.second, cotangent, |x, v| Some(var.pushforward(x)?.1(&held(v))))?;
        let what = "second order, reverse over forward";
        self.along_slope(what, &by_point, cotangent, slope)?;
        let what = "second order, reverse over forward, by the tangents";
        let noiseless = Quantity { noise: vec![0.0; by_tangent.len()], numbers: by_tangent };
        self.pairing(
            what,
            (&noiseless, self.direction),
            (&self.push(evaluations, self.direction), cotangent),
        )
    }

    /// The reverse rule on a tape, whose derivative along the direction is known.
    fn over_reverse(
        &self,
        evaluations: &Evaluations<'_>,
        var: &dyn OnTape,
        cotangent: &[f64],
        slope: &Difference,
    ) -> Result<(), String> {
        let (by_point, by_cotangent) = self.swept(cotangent, self.second, |x, y_bar| {
            let zero = self.by_argument(&vec![Var::constant(0.0); x.len()]);
            Some(var.pullback(x)?.1(y_bar, &zero, &|_| true).concat())
        })?;
        let what = "second order, reverse over reverse";
        self.along_slope(what, &by_point, self.second, slope)?;
        let what = "second order, reverse over reverse, by the cotangent";
        let noiseless = Quantity { noise: vec![0.0; by_cotangent.len()], numbers: by_cotangent };
        let adjoints = self.pull(evaluations, cotangent);
        self.pairing(what, (&noiseless, cotangent), (&adjoints, self.second))
    }

    /// The adjoint of the point, paired with the direction, against the derivative along that.
    fn along_slope(
        &self,
        what: &str,
        adjoint: &[f64],
        weights: &[f64],
        slope: &Difference,
    ) -> Result<(), String> {
        let products = |a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().zip(b).filter(|(_, b)| **b != 0.0).map(|(a, b)| a * b).collect()
        };
        let found = products(adjoint, self.direction);
        let expected = products(&slope.derivative, weights);
        let sizes = found.iter().chain(&expected).map(|x| x.abs()).sum::<f64>();
        let slack = weights
            .iter()
            .enumerate()
            .map(|(i, weight)| (20.0 * slope.error[i] + 0.500_001 * slope.kink[i]) * weight.abs());
        let tolerance = slack.sum::<f64>() + 1e-9 * sizes;
        let (found, expected) = (found.iter().sum(), expected.iter().sum());
        self.agree(what, &|_| "the sum".into(), &[found], &[expected], |_| tolerance)
    }

    /// The value and both rules at `R` against those at `f64`, within what a rounding of the
    /// arguments to `R` changes.
    fn against_double<R: Real>(&self, rules: &dyn Plain<R>) -> Result<(), String> {
        let epsilon = R::default_epsilon().to_f64();
        let point = rounded::<R>(self.point);
        let tangents = rounded::<R>(self.direction);
        let (y, push) = rules.pushforward(&point).ok_or(OUTSIDE)?;
        let mut random = self.random();
        let cotangent: Vec<R> = y.iter().map(|_| random.normal()).collect();
        let results = |i: usize| self.result_entry(i);
        let arguments = |i: usize| self.argument_entry(i);
        let mut found: Vec<(_, &dyn Fn(usize) -> String, _)> =
            vec![("the value", &results, doubles(&y))];
        if self.record.forward {
            found.push(("the forward rule", &results, doubles(&push(&tangents))));
        }
        if self.record.reverse {
            let zero = self.by_argument(&vec![R::zero(); point.len()]);
            let (_, pull) = rules.pullback(&point).ok_or(OUTSIDE)?;
            let adjoints = pull(&cotangent, &zero, &|_| true).concat();
            found.push(("the reverse rule", &arguments, doubles(&adjoints)));
        }
        let (tangents, cotangent) = (doubles(&tangents), doubles(&cotangent));
        let double = |numbers: &[f64]| -> Option<Vec<Vec<f64>>> {
            let (y, push) = self.plain.pushforward(numbers)?;
            let mut all = vec![y];
            if self.record.forward {
                all.push(push(&tangents));
            }
            if self.record.reverse {
                let (_, pull) = self.plain.pullback(numbers)?;
                all.push(pull(&cotangent, &self.zeros(), &|_| true).concat());
            }
            Some(all)
        };
        let point = doubles(&point);
        let Some(exact) = double(&point) else {
            return if self.special { Ok(()) } else { Err(OUTSIDE.into()) };
        };
        // How far rounding of the arguments moves each result.
        let mut moved: Vec<_> = exact.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
        for k in 0..6 {
            let common = random.between::<f64>(-1.0, 1.0);
            let near: Vec<_> = point
                .iter()
                .map(|&x| match self.special && k % 2 == 0 {
                    true => x * (1.0 + epsilon * common),
                    false => {
                        let least = if self.special { 0.0 } else { 1e-3 };
                        x + epsilon * random.between::<f64>(-1.0, 1.0) * x.abs().max(least)
                    }
                })
                .collect();
            let Some(near) = double(&near) else { continue };
            for ((moved, near), exact) in moved.iter_mut().zip(&near).zip(&exact) {
                for ((moved, near), exact) in moved.iter_mut().zip(near).zip(exact) {
                    *moved = (near - exact).abs().max(*moved);
                }
            }
        }
        let kinks = self.special && self.scale == 1.0;
        for (moved, exact) in moved.iter_mut().zip(&exact).filter(|_| kinks) {
            let most = 1e-3 * size(exact);
            moved.iter_mut().for_each(|moved| *moved = if *moved <= most { *moved } else { most });
        }
        // Another branch may be taken in another precision.
        self.smooth.set(!self.special);
        for (((what, name, found), exact), moved) in found.iter().zip(&exact).zip(&moved) {
            let what = format!("{what} at {} against f64", std::any::type_name::<R>());
            let scale = size(exact);
            self.agree(&what, name, found, exact, |i| {
                60.0 * (moved[i] + epsilon * exact[i].abs()) + 8.0 * epsilon * scale
            })?;
        }
        Ok(())
    }

    /// The rules of a plain function at `R` against finite differences and each other, in the
    /// precision that `R` allows.
    fn against_difference<R: Real>(&self, rules: &dyn Plain<R>) -> Result<(), String> {
        let epsilon = R::default_epsilon().to_f64();
        let point = rounded::<R>(self.point);
        let expected = difference_at(epsilon, &[], |t| {
            let (y, _) = rules.pushforward(&rounded(&self.along(self.direction, t)))?;
            Some(doubles(&y))
        });
        let Some(expected) = expected else {
            return if self.special { Ok(()) } else { Err(EDGE.into()) };
        };
        let scale = size(&expected.derivative);
        let tolerance = |i: usize| {
            20.0 * expected.error[i]
                + 0.500_001 * expected.kink[i]
                + 100.0 * epsilon * (scale + 1e-3)
        };
        self.smooth.set(!self.special);
        if self.record.forward {
            let (_, push) = rules.pushforward(&point).ok_or(OUTSIDE)?;
            let found = doubles(&push(&rounded(self.direction)));
            let what = "forward rule against a finite difference";
            self.agree(what, &|i| self.result_entry(i), &found, &expected.derivative, tolerance)?;
        }
        if self.record.reverse {
            let mut random = self.random();
            let cotangent: Vec<R> = expected.derivative.iter().map(|_| random.normal()).collect();
            let (_, pull) = rules.pullback(&point).ok_or(OUTSIDE)?;
            let zero = self.by_argument(&vec![R::zero(); point.len()]);
            let adjoints = doubles(&pull(&cotangent, &zero, &|_| true).concat());
            let products = adjoints.iter().zip(self.direction).map(|(a, v)| a * v);
            let (found, sum) = (products.clone().sum::<f64>(), products.map(f64::abs).sum::<f64>());
            let pairs = cotangent.iter().zip(&expected.derivative).enumerate();
            let (wanted, slack) = pairs.fold((0.0, 0.0), |(wanted, slack), (i, (w, y))| {
                (wanted + w.to_f64() * y, slack + w.to_f64().abs() * tolerance(i))
            });
            let what = "pairing of the reverse rule with the direction against a finite difference";
            let slack = slack + 100.0 * epsilon * sum;
            self.agree(what, &|_| "the sum".into(), &[found], &[wanted], |_| slack)?;
        }
        Ok(())
    }
}

/// The least and the largest of the numbers that there are.
pub(super) fn extent(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let numbers = numbers.filter(|x| x.is_finite());
    let (least, most) = numbers
        .fold((f64::INFINITY, -f64::INFINITY), |(least, most), x| (least.min(x), most.max(x)));
    if least > most { (0.0, 0.0) } else { (least, most) }
}

fn values(numbers: &[Two]) -> Vec<f64> {
    numbers.iter().map(|x| x.value).collect()
}

fn doubles<R: Real>(numbers: &[R]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

fn rounded<R: Real>(numbers: &[f64]) -> Vec<R> {
    numbers.iter().map(|&x| nalgebra::convert(x)).collect()
}

/// A number that single precision has too.
fn single_of(x: f64) -> f64 {
    let single = f64::from(x as f32);
    if single.is_finite() && single != 0.0 { single } else { x }
}
