//! Checking one primitive at one instance.

mod claims;
mod compare;
mod first_order;
mod planting;
mod precision;
mod second_order;

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::iter::repeat_n;

use crate::contract::passing::Arguments;
use crate::contract::primitive::{Inputs, Primitive};
use crate::contract::scalar::Real;
use crate::modes::dual::Dual;
use crate::modes::reverse::var::Var;
use crate::registry::{Failure, Partial, Record, Sample, Sampler, Style};
use crate::testing::rules::{
    Near, Pull, Push, Subject, Text, Values, constants, double, flat, pieces, sizes,
};
use crate::testing::structure::Structure;
use claims::Claims;
pub(in crate::testing) use compare::size;
use compare::{Lazy, Quantity, moved};

/// The seeds that draw random points; those that follow draw special ones.
pub(in crate::testing) const GENERIC: u64 = 8;
/// The seeds before those that plant structural numbers.
pub(in crate::testing) const UNPLANTED: u64 = GENERIC + 33;
/// All seeds.
pub(in crate::testing) const ALL: u64 = UNPLANTED + planting::ROWS;

/// [`check_at`] for the sample of a record.
#[doc(hidden)]
pub fn check_instance<P: Primitive, R: Real>(sample: Sample, seed: u64) -> Result<(), Failure> {
    // The attribute makes the sample of the instance's types.
    let draw = |random: &mut Sampler| P::Arguments::own_any::<R>(&lent(&mut sample(random)));
    check_at::<P, R>(draw, seed)
}

/// Arguments of any types, each lent.
fn lent(arguments: &mut [Box<dyn Any>]) -> Vec<&mut dyn Any> {
    arguments.iter_mut().map(|x| &mut **x).collect()
}

/// Checks a primitive's rules at the point that `sample` draws with this seed.
///
/// `P` is the empty type beside the function, with `f64` or `Complex<f64>` for a scalar that may be
/// complex, then the function's other parameters; `R` is the real scalar. The first eight seeds draw
/// random points; those that follow go through all sizes and choices of the sample, each of them beside
/// each of the others, and through numbers that random ones never are: zeros, ones, ties, integers,
/// symmetric and diagonal matrices, negative, large and small ones. From the 42nd on, arguments that are
/// numbers are 0, 1, -1, 2 and 1/2, where the sample might have drawn that: all of them, so that each of
/// these meets each of the others, and then each argument alone. At special points
/// a derivative need not exist: what the rules say has to lie between the slopes on both sides then.
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
/// - what `entrywise`, `pattern` and `resting` say of them, by a tangent each;
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
    check_near::<R>(&|random| Box::new(Near::<P>(double::<P::Arguments, R>(&sample(random)))), seed)
}

/// A primitive at a point of a sample, and what there is to know of it: all that is compiled for each.
trait Instance<R: Real>: Plain<R> {
    fn record(&self) -> &'static Record;
    /// Whether it is a function of real numbers by known partial derivatives.
    fn is_scalar(&self) -> bool;
    /// Whether its rules exist at every scalar.
    fn is_generic(&self) -> bool;
    /// Whether somebody knows the derivative by an argument.
    fn is_known(&self, argument: usize) -> bool;
    /// What is said beside the rules.
    fn claims(&self) -> Claims;
    /// All numbers of the arguments, in order.
    fn numbers(&self) -> Vec<f64>;
    /// The same with other numbers.
    fn with(&self, numbers: &[f64]) -> Box<dyn Instance<R>>;
    /// How many each argument has.
    fn sizes(&self) -> Vec<usize>;
    /// See [`pieces`].
    fn pieces(&self, sizes: &[usize]) -> Option<Vec<usize>>;
    /// See [`constants`].
    fn constants(&self) -> Vec<Option<f64>>;
    /// The rules in double precision.
    fn double(&self) -> &dyn Plain<f64>;
    /// The rules at the scalars of the modes.
    fn modes(&self) -> Modes<'_>;
}

impl<P: Primitive, R: Real> Instance<R> for Near<P> {
    fn record(&self) -> &'static Record {
        P::record()
    }

    fn is_scalar(&self) -> bool {
        P::SCALAR
    }

    fn is_generic(&self) -> bool {
        P::GENERIC
    }

    fn is_known(&self, argument: usize) -> bool {
        P::is_known(argument)
    }

    fn claims(&self) -> Claims {
        Claims { places: P::PLACES || P::ENTRYWISE, linear: P::LINEAR, resting: P::RESTING }
    }

    fn numbers(&self) -> Vec<f64> {
        flat::<P::Arguments>(&self.0)
    }

    fn with(&self, numbers: &[f64]) -> Box<dyn Instance<R>> {
        Box::new(self.renumbered(numbers))
    }

    fn sizes(&self) -> Vec<usize> {
        sizes::<P::Arguments>(&self.0)
    }

    fn pieces(&self, sizes: &[usize]) -> Option<Vec<usize>> {
        pieces::<P>(&self.0, sizes)
    }

    fn constants(&self) -> Vec<Option<f64>> {
        constants::<P>(&self.0)
    }

    fn double(&self) -> &dyn Plain<f64> {
        self
    }

    fn modes(&self) -> Modes<'_> {
        Modes { dual: self, var: self }
    }
}

/// [`check_at`], compiled once for all primitives.
fn check_near<R: Real>(
    sample: &dyn Fn(&mut Sampler) -> Box<dyn Instance<R>>,
    seed: u64,
) -> Result<(), Failure> {
    let turn = seed.checked_sub(GENERIC).map(|turn| turn as usize);
    let sampler = |style, numbers| match turn {
        Some(turn) => Sampler::in_turn(turn, style, numbers),
        None => Sampler::new(seed, numbers),
    };
    let draw = |style, numbers| sample(&mut sampler(style, numbers));
    let row = (UNPLANTED..ALL).contains(&seed).then(|| seed - UNPLANTED);
    let style = if row.is_some() { Style::Generic } else { turn.map_or(Style::Generic, Style::of) };
    let twice = seed.wrapping_mul(2);
    let mut random = sampler(Style::Generic, twice).logging();
    let generic = sample(&mut random);
    let origin = generic.numbers();
    let mut near = match row {
        Some(row) => match planting::planted(&*generic, random.logged(), row) {
            Some(numbers) => generic.with(&numbers),
            None => return Ok(()),
        },
        None => draw(style, twice),
    };
    // Not all domains have such points.
    let special = (row.is_some() || style != Style::Generic) && is_inside::<R>(&*near);
    if row.is_some() && !special {
        return Ok(());
    }
    if !special {
        near = generic;
    }
    let others =
        [twice.wrapping_add(1), !seed].map(|numbers| draw(Style::Generic, numbers).numbers());
    let (record, point, sizes) = (near.record(), near.numbers(), near.sizes());
    let known: Vec<_> = of_each_number(&sizes, |argument| near.is_known(argument)).collect();
    let scale = if special { style.scale() } else { 1.0 };
    let [direction, second] = others.map(|other| difference_of(&origin, &other, &known, scale));
    let is_double = TypeId::of::<R>() == TypeId::of::<f64>();
    let double = is_double || near.is_generic();
    let checker = Checker {
        record,
        scalar: near.is_scalar(),
        structure: &Structure::of(&sizes, [&direction, &second], &known),
        sizes: &sizes,
        pieces: &double.then(|| near.pieces(&sizes)).flatten().unwrap_or_default(),
        constants: &near.constants(),
        known: &known,
        claims: near.claims(),
        direction: &direction,
        second: &second,
        point: &point,
        plain: near.double(),
        modes: near.is_generic().then(|| near.modes()),
        seed,
        special,
        planted: row.is_some(),
        scale,
        smooth: Cell::new(true),
        epsilon: f64::EPSILON,
    };
    let rules: &dyn Plain<R> = &*near;
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
    } else if checker.is_brief() {
        Ok(())
    } else if near.is_generic() {
        // What is right at `f64` is checked at the instance of that, if there is one.
        let elsewhere = record.instances.iter().any(|instance| instance.scalar.contains("f64"));
        let double = if turn.is_none() && !elsewhere { checker.all() } else { Ok(()) };
        // Where values are a choice of the algorithm, they are others in another precision.
        let steady = !special || style == Style::Negative || checker.is_of_numbers();
        let against = |()| if steady { checker.against_double(rules) } else { Ok(()) };
        double.and_then(against).and_then(|()| single.alone())
    } else {
        checker.against_difference(rules).and_then(|()| single.alone())
    };
    found.map_err(|property| Failure {
        primitive: record.path.into(),
        scalar: std::any::type_name::<R>(),
        property,
        point: checker.shown(),
        seed,
    })
}

/// Values that are larger come of numbers that no digit is right of.
const LARGEST: f64 = 1e20;

/// Whether a primitive has a value at a point.
fn is_inside<R: Real>(near: &dyn Instance<R>) -> bool {
    let point = near.numbers();
    let results = near.pushforward(&rounded(&point));
    point.iter().all(|x| x.is_finite())
        && results.is_some_and(|(y, _)| y.iter().all(|y| y.to_f64().abs() < LARGEST))
}

/// A direction that respects the structure of the points, and holds what nobody can differentiate by.
fn difference_of(from: &[f64], to: &[f64], known: &[bool], scale: f64) -> Vec<f64> {
    assert_eq!(from.len(), to.len(), "`sample` must take sizes from `Sampler::size` or `choose`");
    let pairs = from.iter().zip(to).zip(known);
    pairs.map(|((from, to), known)| if *known { scale * (to - from) } else { 0.0 }).collect()
}

/// The rules and the text at a plain scalar.
trait Plain<S: Real>: Subject<S> + Text<S> {}

impl<S: Real, X: Subject<S> + Text<S>> Plain<S> for X {}

/// The rules of single precision, as those who do not know of it see them.
struct Rounded<'a, R>(&'a dyn Plain<R>);

impl<R: Real> Text<f64> for Rounded<'_, R> {
    fn call(&self, numbers: &[f64]) -> Option<Vec<f64>> {
        self.0.call(&rounded(numbers)).map(|y| doubles(&y))
    }
}

impl<R: Real> Subject<f64> for Rounded<'_, R> {
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
trait OnDual: Subject<Two> + Text<Two> + Values<Two> {}

impl<X: Subject<Two> + Text<Two> + Values<Two>> OnDual for X {}

/// What a primitive does on a tape.
trait OnTape: Subject<Var<f64>> + Values<Var<f64>> {}

impl<X: Subject<Var<f64>> + Values<Var<f64>>> OnTape for X {}

/// The rules at the scalars of the modes.
#[derive(Clone, Copy)]
struct Modes<'a> {
    dual: &'a dyn OnDual,
    var: &'a dyn OnTape,
}

/// A primitive that was evaluated at a point.
struct Evaluated<'a> {
    value: Vec<f64>,
    push: Push<'a, f64>,
    pull: Pull<'a, f64>,
}

/// A primitive that was evaluated at the point, and at others that differ from it by rounding.
struct Evaluations<'a> {
    here: Evaluated<'a>,
    elsewhere: Lazy<'a, Vec<Evaluated<'a>>>,
    /// At a special point, the forward rule at points beside it.
    beside: Vec<Push<'a, f64>>,
    /// Whether the values there are others.
    jumps: bool,
}

/// One point, in double precision.
#[derive(Clone)]
struct Checker<'a> {
    record: &'static Record,
    /// Whether it is a function of real numbers by known partial derivatives.
    scalar: bool,
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
    /// What is said beside the rules.
    claims: Claims,
    direction: &'a [f64],
    second: &'a [f64],
    plain: &'a dyn Plain<f64>,
    /// The rules at the scalars of the modes, where they exist.
    modes: Option<Modes<'a>>,
    seed: u64,
    /// Whether the point is one where a derivative need not exist.
    special: bool,
    /// Whether its numbers are structural ones.
    planted: bool,
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
    pub(super) fn all(&self) -> Result<(), String> {
        let (y, _) =
            self.plain.pushforward(self.point).ok_or("the sample is outside the domain")?;
        if let Some(found) = y.iter().find(|y| !y.is_finite()) {
            return Err(format!("the sample has the value {found}"));
        }
        let cotangent = self.cotangent(y.len());
        let evaluations = self.evaluations()?;
        if self.record.forward {
            self.forward_against_difference(&evaluations)?;
        }
        self.keeps_claims(&evaluations)?;
        if self.record.reverse {
            self.reverse_against_forward(&evaluations, &cotangent)?;
        }
        if self.is_brief() {
            // The points are many.
            return self.call(&evaluations);
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
    pub(super) fn alone(&self) -> Result<(), String> {
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
        self.rules(&self.evaluations()?, &self.cotangent(y.len()))
    }

    pub(super) fn random(&self) -> Sampler {
        // Others than those of the points.
        Sampler::new(self.seed, self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995)
    }

    pub(super) fn cotangent(&self, count: usize) -> Vec<f64> {
        let mut random = self.random();
        (0..count).map(|_| single_of(random.normal())).collect()
    }

    /// Evaluates the primitive, where that is possible.
    fn evaluated(&self, point: &[f64]) -> Option<Evaluated<'_>> {
        let (value, push) = self.plain.pushforward(point)?;
        let (_, pull) = self.plain.pullback(point)?;
        Some(Evaluated { value, push, pull })
    }

    /// Evaluates the primitive at the point, and at others that differ from it by rounding.
    pub(super) fn evaluations(&self) -> Result<Evaluations<'_>, String> {
        let near = |k: u64| self.evaluated(&self.shaken(self.point, k, true));
        // Two of a single number may be rounded alike, those of many are not all.
        let most = if self.is_of_numbers() { 6 } else { 2 };
        let mut all = Evaluations {
            here: self.evaluated(self.point).ok_or(OUTSIDE)?,
            elsewhere: Lazy::new(Box::new(move || (1..=most).filter_map(near).collect())),
            beside: Vec::new(),
            jumps: false,
        };
        if self.special && self.record.forward {
            let value = &all.here.value;
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
        Ok(all)
    }

    /// Numbers with other rounding errors. Those of a point stay on the structure, and ties stay ties.
    pub(super) fn shaken(&self, numbers: &[f64], k: u64, is_point: bool) -> Vec<f64> {
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
    pub(super) fn push<'a>(
        &'a self,
        evaluations: &'a Evaluations<'_>,
        tangents: &[f64],
    ) -> Quantity<'a> {
        let push = &evaluations.here.push;
        let numbers = push(tangents);
        let (found, tangents) = (numbers.clone(), tangents.to_vec());
        Quantity::new(numbers, move || {
            let shaken = |k| self.shaken(&tangents, k, false);
            let elsewhere = evaluations.elsewhere.iter().zip(1..);
            let elsewhere: Vec<_> = elsewhere.map(|(at, k)| (at.push)(&shaken(k))).collect();
            moved(&found, &push(&shaken(3)), &elsewhere)
        })
    }

    /// What the reverse rule gives to all arguments.
    pub(super) fn pull<'a>(
        &'a self,
        evaluations: &'a Evaluations<'_>,
        cotangent: &[f64],
    ) -> Quantity<'a> {
        let of = |pull: &Pull<'_, f64>, cotangent: &[f64]| {
            pull(cotangent, &self.zeros(), &|_| true).concat()
        };
        let pull = &evaluations.here.pull;
        let numbers = of(pull, cotangent);
        let (found, cotangent) = (numbers.clone(), cotangent.to_vec());
        Quantity::new(numbers, move || {
            let shaken = |k| self.shaken(&cotangent, k, false);
            let elsewhere = evaluations.elsewhere.iter().zip(1..);
            let elsewhere: Vec<_> = elsewhere.map(|(at, k)| of(&at.pull, &shaken(k))).collect();
            moved(&found, &of(pull, &shaken(3)), &elsewhere)
        })
    }

    /// Zeros, one list an argument.
    pub(super) fn zeros(&self) -> Vec<Vec<f64>> {
        self.sizes.iter().map(|size| vec![0.0; *size]).collect()
    }

    /// The point, moved along a direction.
    pub(super) fn along(&self, direction: &[f64], t: f64) -> Vec<f64> {
        self.point.iter().zip(direction).map(|(x, v)| x + t * v).collect()
    }

    /// The numbers split by argument.
    pub(super) fn by_argument<S: Real>(&self, mut numbers: &[S]) -> Vec<Vec<S>> {
        let mut split = Vec::new();
        for &size in self.sizes {
            let (argument, rest) = numbers.split_at(size);
            split.push(argument.to_vec());
            numbers = rest;
        }
        split
    }

    /// The numbers of some arguments, and zero for the others.
    pub(super) fn only(&self, numbers: &[f64], of: impl Fn(usize) -> bool) -> Vec<f64> {
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
    pub(super) fn unit(&self, class: usize) -> Vec<f64> {
        let mut unit = vec![0.0; self.point.len()];
        self.structure.classes[class].iter().for_each(|(j, sign)| unit[*j] = sign * self.scale);
        unit
    }

    /// The arguments that can be differentiated by.
    pub(super) fn varying(&self) -> Vec<usize> {
        let arguments = self.record.arguments.iter().enumerate();
        let unknown = |argument: usize| self.record.partials[argument] == Partial::Unknown;
        let varying = arguments.filter(|(i, argument)| argument.differentiable() && !unknown(*i));
        varying.map(|(i, _)| i).collect()
    }

    /// Choices of arguments: all where they are few, else each alone, and each left out, and of the others some in turn, so
    /// that the random points have all. At special points, which are many, all arguments together and one other choice in turn.
    pub(super) fn choices(&self) -> Vec<u32> {
        let varying = self.varying();
        let bits = |of: &[usize]| of.iter().fold(0, |bits, i| bits | 1 << i);
        let all: u32 = bits(&varying);
        let some = (0..all).filter(|choice| choice & !all == 0);
        let mut choices: Vec<u32> = if varying.len() <= 4 {
            some.collect()
        } else {
            let each = varying.iter().flat_map(|i| [1 << i, all & !(1 << i)]);
            let in_turn = some.skip((self.seed % GENERIC) as usize).step_by(GENERIC as usize);
            std::iter::once(0).chain(each).chain(in_turn).collect()
        };
        choices.sort_unstable();
        choices.dedup();
        if self.special && !choices.is_empty() {
            choices = vec![choices[self.seed as usize % choices.len()]];
        }
        choices.push(all);
        choices
    }

    /// The numbers of the arguments, the first of them where there are many.
    pub(super) fn shown(&self) -> String {
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
    pub(super) fn argument_entry(&self, mut entry: usize) -> String {
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
    pub(super) fn result_entry(&self, entry: usize) -> String {
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

    /// What the primitive gives.
    pub(super) fn values<'a>(&self, evaluations: &'a Evaluations<'_>) -> Quantity<'a> {
        let value = &evaluations.here.value;
        Quantity::new(value.clone(), move || {
            let elsewhere: Vec<_> =
                evaluations.elsewhere.iter().map(|at| at.value.clone()).collect();
            moved(value, &[], &elsewhere)
        })
    }

    /// Some of so many, others at every seed.
    pub(super) fn some(&self, count: usize, most: usize) -> Vec<usize> {
        let step = count.div_ceil(most.max(1)).max(1);
        let first = self.seed as usize % step;
        (first..count).step_by(step).take(most).collect()
    }
}

/// For each number of arguments that have so many, what holds of its argument.
fn of_each_number(sizes: &[usize], of: impl Fn(usize) -> bool) -> impl Iterator<Item = bool> {
    sizes.iter().enumerate().flat_map(move |(argument, &size)| repeat_n(of(argument), size))
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
