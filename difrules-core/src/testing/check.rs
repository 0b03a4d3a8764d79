//! Checking one primitive at one instance.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;

use super::difference::{Difference, difference, difference_at};
use super::rules::{Near, Rules, Values, flat, known, sizes};
use super::sample::Sampler;
use crate::dual::Dual;
use crate::passing::Arguments;
use crate::primitive::{Inputs, Primitive};
use crate::registry::{Partial, Record};
use crate::scalar::Real;
use crate::transform::{jvp, vjp};
use crate::var::Var;

/// A property that a primitive's rules do not have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Failure {
    /// The primitive's path.
    pub primitive: String,
    /// The scalar it was checked at.
    pub scalar: &'static str,
    /// What does not hold, with the numbers.
    pub property: String,
    /// The point, argument by argument.
    pub point: String,
    /// The seed that draws the point again.
    pub seed: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { primitive, scalar, property, point, seed } = self;
        write!(f, "{primitive} at {scalar}, seed {seed}: {property}\n    at {point}")
    }
}

/// Checks an instance at the point that a seed draws.
pub type Check = fn(Sample, u64) -> Result<(), Failure>;

/// The `sample` of an instance.
pub type Sample = fn(&mut Sampler) -> Vec<Box<dyn Any>>;

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
/// complex, then the function's other parameters; `R` is the real scalar. Checked are:
///
/// - the forward rule against finite differences, all arguments together and each alone;
/// - the reverse rule against the forward rule by the pairing, `Re tr(Y_bar^H Y_dot)`;
/// - that the reverse rule adds to what is in the slots, and that what it gives to one slot does
///   not depend on which others are wanted;
/// - that nothing comes of nothing: zero tangents and zero cotangents give exactly zero;
/// - second order, by running both rules on dual numbers, against finite differences of the rules;
/// - the call against what saves for the rules, kernels against the general texts, and the rules as [`Dual`] and [`Var`](crate::Var) use them
///   against the rules themselves;
/// - calls on arguments in one piece each against those on numbers, in every digit;
/// - at `f32`, all of it against `f64`, within what the conditioning of the point allows; for a plain
///   function, whose rules exist at `f32` alone, against finite differences in that precision.
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
    let draw = |numbers| sample(&mut Sampler::new(seed, numbers));
    let drawn = draw(2 * seed);
    let flat = flat::<P::Arguments, R>;
    let (point, to, second) = (flat(&drawn), flat(&draw(2 * seed + 1)), flat(&draw(!seed)));
    let near = Near::<P>(P::Arguments::map(&drawn, &mut |_, x: R| x.to_f64()));
    let known = &known::<P>(&near.0)[..];
    let checker = Checker {
        record: P::record(),
        sizes: &sizes::<P::Arguments>(&near.0),
        known,
        direction: &difference_of(&point, &to, known),
        second: &difference_of(&point, &second, known),
        point: &point,
        plain: &near,
        modes: P::GENERIC.then_some((&near, &near)),
        seed,
    };
    let found = if std::any::TypeId::of::<R>() == std::any::TypeId::of::<f64>() {
        checker.all()
    } else if P::GENERIC {
        checker.all().and_then(|()| checker.against_double::<R>(&near))
    } else {
        checker.against_difference::<R>(&near)
    };
    found.map_err(|property| Failure {
        primitive: P::record().path.into(),
        scalar: std::any::type_name::<R>(),
        property,
        point: checker.shown(),
        seed,
    })
}

/// A direction that respects the structure of the points, and holds what nobody can differentiate by.
fn difference_of(from: &[f64], to: &[f64], known: &[bool]) -> Vec<f64> {
    assert_eq!(from.len(), to.len(), "`sample` must take sizes from `Sampler::size` or `choose`");
    let pairs = from.iter().zip(to).zip(known);
    pairs.map(|((from, to), known)| if *known { to - from } else { 0.0 }).collect()
}

fn size(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |size, x| x.abs().max(size))
}

/// Whether two lists of numbers agree, each within its own tolerance.
fn agree(
    what: &str,
    found: &[f64],
    expected: &[f64],
    tolerance: impl Fn(usize) -> f64,
) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} numbers in place of {}", found.len(), expected.len()));
    }
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let tolerance = tolerance(i);
        // A NaN is not within any tolerance.
        if (found - expected).abs().partial_cmp(&tolerance).is_none_or(Ordering::is_gt) {
            return Err(format!(
                "{what}: number {i} is {found:e}, expected {expected:e} within {tolerance:e}"
            ));
        }
    }
    Ok(())
}

/// Agreement with a finite difference, within its own error estimate and the rounding of the rule.
fn agree_with_difference(what: &str, found: &[f64], expected: &Difference) -> Result<(), String> {
    let scale = size(&expected.derivative).max(size(found));
    agree(what, found, &expected.derivative, |i| 20.0 * expected.error[i] + 1e-9 * scale + 1e-12)
}

/// Agreement up to rounding.
fn agree_exactly(what: &str, found: &[f64], expected: &[f64]) -> Result<(), String> {
    let scale = size(expected).max(size(found));
    agree(what, found, expected, |_| 1e-10 * scale + 1e-13)
}

/// Agreement in every digit.
fn same(what: &str, found: &[f64], expected: &[f64]) -> Result<(), String> {
    agree(what, found, expected, |_| 0.0)
}

/// One point, in double precision.
struct Checker<'a> {
    record: &'static Record,
    /// How many numbers each argument has.
    sizes: &'a [usize],
    point: &'a [f64],
    /// Whether somebody knows the derivative by each of the numbers.
    known: &'a [bool],
    direction: &'a [f64],
    second: &'a [f64],
    plain: &'a dyn Rules<f64>,
    /// The rules at the scalars of the modes, where they exist.
    modes: Option<(&'a dyn Rules<Dual<f64>>, &'a dyn Values<Var<f64>>)>,
    seed: u64,
}

const OUTSIDE: &str = "outside the domain";
const EDGE: &str = "no finite difference: the sample is at the edge of the domain";

impl Checker<'_> {
    fn all(&self) -> Result<(), String> {
        let y = self.plain.value(self.point).ok_or("the sample is outside the domain")?;
        if let Some(found) = y.iter().find(|y| !y.is_finite()) {
            return Err(format!("the sample has the value {found}"));
        }
        let mut random = Sampler::new(self.seed, self.seed);
        let cotangent: Vec<f64> = y.iter().map(|_| random.normal()).collect();
        let start: Vec<f64> = self.direction.iter().map(|_| random.normal()).collect();
        if self.record.forward {
            self.forward_against_difference()?;
        }
        if self.record.reverse {
            self.reverse_against_forward(&cotangent)?;
            self.slots(&cotangent, &start)?;
        }
        self.nothing_of_nothing(y.len())?;
        self.call(&y)?;
        if let Some((dual, var)) = self.modes {
            self.modes(dual, var, &cotangent)?;
            self.second_order(dual, &cotangent)?;
        }
        Ok(())
    }

    /// The point, moved along a direction.
    fn along(&self, direction: &[f64], t: f64) -> Vec<f64> {
        self.point.iter().zip(direction).map(|(x, v)| x + t * v).collect()
    }

    /// The point with the first direction as its tangent.
    fn dual(&self) -> Vec<Dual<f64>> {
        self.point.iter().zip(self.direction).map(|(&x, &v)| Dual::new(x, [v])).collect()
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

    fn forward_against_difference(&self) -> Result<(), String> {
        let arguments = &self.record.arguments;
        let split = self.by_argument(self.direction);
        for alone in std::iter::once(None).chain((0..arguments.len()).map(Some)) {
            let unknown = |argument: usize| self.record.partials[argument] == Partial::Unknown;
            if alone.is_some_and(|i| !arguments[i].differentiable() || unknown(i)) {
                continue;
            }
            let pieces = split.iter().enumerate().flat_map(|(argument, numbers)| {
                let keep = alone.is_none_or(|alone| alone == argument);
                numbers.iter().map(move |x| if keep { *x } else { 0.0 })
            });
            let direction: Vec<f64> = pieces.collect();
            let found = self.plain.forward(self.point, &direction).ok_or(OUTSIDE)?;
            let expected =
                difference(|t| self.plain.value(&self.along(&direction, t))).ok_or(EDGE)?;
            let by = alone.map_or("all arguments", |argument| arguments[argument].name);
            let what = format!("forward rule against a finite difference by {by}");
            agree_with_difference(&what, &found, &expected)?;
        }
        Ok(())
    }

    fn reverse_against_forward(&self, cotangent: &[f64]) -> Result<(), String> {
        let adjoints = self.reverse(self.plain, self.point, cotangent)?;
        for direction in [self.direction, self.second] {
            let (tangent, error) = if self.record.forward {
                (self.plain.forward(self.point, direction).ok_or(OUTSIDE)?, 0.0)
            } else {
                let found =
                    difference(|t| self.plain.value(&self.along(direction, t))).ok_or(EDGE)?;
                let error: f64 = found.error.iter().zip(cotangent).map(|(e, w)| e * w.abs()).sum();
                (found.derivative, error)
            };
            let pairs = |a: &[f64], b: &[f64]| -> (f64, f64) {
                let products = a.iter().zip(b).map(|(a, b)| a * b);
                (products.clone().sum(), products.map(f64::abs).sum())
            };
            let (forward, forward_size) = pairs(cotangent, &tangent);
            let (reverse, reverse_size) = pairs(&adjoints, direction);
            let tolerance = 1e-11 * (forward_size + reverse_size) + 20.0 * error + 1e-13;
            let what =
                "pairing of the reverse rule with the direction against that of the forward rule";
            agree(what, &[reverse], &[forward], |_| tolerance)?;
        }
        Ok(())
    }

    fn slots(&self, cotangent: &[f64], start: &[f64]) -> Result<(), String> {
        let start = self.by_argument(start);
        let zero: Vec<_> = start.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
        let run = |start: &[Vec<f64>], wanted: &dyn Fn(usize) -> bool| {
            self.plain.reverse(self.point, cotangent, start, wanted).ok_or(OUTSIDE)
        };
        let whole = run(&zero, &|_| true)?;
        let added = run(&start, &|_| true)?;
        for (argument, record) in self.record.arguments.iter().enumerate() {
            let scale = size(&whole[argument]) + size(&start[argument]);
            let found: Vec<f64> =
                added[argument].iter().zip(&start[argument]).map(|(a, s)| a - s).collect();
            let what = format!("adding to a filled slot of {}", record.name);
            agree(&what, &found, &whole[argument], |_| 1e-11 * scale)?;
        }
        let count = self.record.arguments.len();
        for subset in 0..1_usize << count.min(5) {
            let wanted = |argument: usize| subset >> (argument % 5) & 1 == 1;
            let found = run(&zero, &wanted)?;
            for (argument, record) in self.record.arguments.iter().enumerate() {
                let what = format!("the slot of {} when others are not wanted", record.name);
                let expected = if wanted(argument) { &whole } else { &zero };
                agree_exactly(&what, &found[argument], &expected[argument])?;
            }
        }
        Ok(())
    }

    /// Zero is strong.
    fn nothing_of_nothing(&self, results: usize) -> Result<(), String> {
        let zero = |what: &str, found: &[f64]| match found.iter().find(|x| **x != 0.0) {
            Some(x) => Err(format!("{what} gives {x:e}, not zero")),
            None => Ok(()),
        };
        if self.record.forward {
            let found = self.plain.forward(self.point, &vec![0.0; self.point.len()]);
            zero("the forward rule of zero tangents", &found.ok_or(OUTSIDE)?)?;
        }
        if self.record.reverse {
            let found = self.reverse(self.plain, self.point, &vec![0.0; results])?;
            zero("the reverse rule of zero cotangents", &found)?;
        }
        Ok(())
    }

    /// The call itself, which overwrites `&mut` arguments where they are, against what evaluates
    /// copies and saves for the rules.
    fn call(&self, expected: &[f64]) -> Result<(), String> {
        let found = self.plain.call(self.point);
        let found = found.ok_or("the call fails where the one that saves does not")?;
        agree_exactly("the call against the one that saves for the rules", &found, expected)
    }

    /// The rules as the modes apply them, and the general texts against kernels.
    fn modes(
        &self,
        dual: &dyn Rules<Dual<f64>>,
        var: &dyn Values<Var<f64>>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let outside = "a mode fails where the plain call does not";
        let point = self.point.to_vec();
        // The primitive's own text, run on dual numbers without the rules, has the same value.
        let constants: Vec<_> = point.iter().map(|&x| Dual::constant(x)).collect();
        let text = dual.call(&constants);
        let text = text.ok_or("the general text fails where the plain call does not")?;
        let plain = self.plain.value(self.point).ok_or(OUTSIDE)?;
        agree_exactly("the general text against the kernel", &plain, &values(&text))?;
        if self.record.forward {
            let run = |x: &Vec<Dual<f64>>| dual.mode(x).ok_or(outside);
            let (_, found) = jvp(run, &point, &self.direction.to_vec())?;
            let expected = self.plain.forward(self.point, self.direction).ok_or(OUTSIDE)?;
            agree_exactly("the forward rule in the mode `Dual`", &found, &expected)?;
            let run = |x: &Vec<Dual<f64>>| dual.whole(x).ok_or(outside);
            let (_, whole) = jvp(run, &point, &self.direction.to_vec())?;
            same("the forward rule of what is whole, in the mode `Dual`", &whole, &found)?;
        }
        if self.record.reverse {
            let expected = self.reverse(self.plain, self.point, cotangent)?;
            let held = |x: &Vec<Var<f64>>| -> Vec<_> {
                let held = x.iter().zip(self.known);
                held.map(|(x, known)| if *known { *x } else { Var::constant(x.value()) }).collect()
            };
            let cotangent = cotangent.to_vec();
            let run = |x: &Vec<Var<f64>>| var.mode(&held(x)).ok_or(outside);
            let (value, found) = vjp(run, &point, &cotangent)?;
            agree_exactly("the reverse rule in the mode `Var`", &found, &expected)?;
            let run = |x: &Vec<Var<f64>>| var.whole(&held(x)).ok_or(outside);
            let (whole_value, whole) = vjp(run, &point, &cotangent)?;
            same("the value of what is whole, in the mode `Var`", &whole_value, &value)?;
            same("the reverse rule of what is whole, in the mode `Var`", &whole, &found)?;
        }
        Ok(())
    }

    /// The rules on dual numbers, against finite differences of the rules.
    fn second_order(&self, dual: &dyn Rules<Dual<f64>>, cotangent: &[f64]) -> Result<(), String> {
        let at = |t| self.along(self.direction, t);
        let constants = |numbers: &[f64]| -> Vec<Dual<f64>> {
            numbers.iter().map(|&x| Dual::constant(x)).collect()
        };
        let tangents =
            |found: &[Dual<f64>]| -> Vec<f64> { found.iter().map(|y| y.tangents[0]).collect() };
        if self.record.forward {
            let found = dual.forward(&self.dual(), &constants(self.second)).ok_or(OUTSIDE)?;
            let expected = self.plain.forward(self.point, self.second).ok_or(OUTSIDE)?;
            let what = "the general forward rule against the kernel";
            agree_exactly(what, &expected, &values(&found))?;
            let expected = difference(|t| self.plain.forward(&at(t), self.second)).ok_or(EDGE)?;
            let what = "second order, forward over forward";
            agree_with_difference(what, &tangents(&found), &expected)?;
        }
        if self.record.reverse && self.record.forward {
            let found = self.reverse(dual, &self.dual(), &constants(cotangent))?;
            let expected = self.reverse(self.plain, self.point, cotangent)?;
            let what = "the general reverse rule against the kernel";
            agree_exactly(what, &expected, &values(&found))?;
            let expected = difference(|t| self.reverse(self.plain, &at(t), cotangent).ok());
            let what = "second order, forward over reverse";
            agree_with_difference(what, &tangents(&found), &expected.ok_or(EDGE)?)?;
        }
        Ok(())
    }

    /// The adjoints of all arguments, in one list.
    fn reverse<S: Real>(
        &self,
        rules: &dyn Rules<S>,
        numbers: &[S],
        cotangent: &[S],
    ) -> Result<Vec<S>, String> {
        let zero = self.by_argument(&vec![S::zero(); numbers.len()]);
        let adjoints = rules.reverse(numbers, cotangent, &zero, &|_| true);
        Ok(adjoints.ok_or(OUTSIDE)?.concat())
    }

    /// The value and both rules at `R` against those at `f64`, within what a rounding of the
    /// arguments to `R` changes.
    fn against_double<R: Real>(&self, rules: &dyn Rules<R>) -> Result<(), String> {
        let epsilon = R::default_epsilon().to_f64();
        let point = rounded::<R>(self.point);
        let tangents = rounded::<R>(self.direction);
        let y = rules.value(&point).ok_or(OUTSIDE)?;
        let mut random = Sampler::new(self.seed, self.seed);
        let cotangent: Vec<R> = y.iter().map(|_| random.normal()).collect();
        let mut found = vec![("the value", y)];
        if self.record.forward {
            found.push(("the forward rule", rules.forward(&point, &tangents).ok_or(OUTSIDE)?));
        }
        if self.record.reverse {
            found.push(("the reverse rule", self.reverse(rules, &point, &cotangent)?));
        }
        let (tangents, cotangent) = (doubles(&tangents), doubles(&cotangent));
        let double = |numbers: &[f64]| -> Result<Vec<Vec<f64>>, String> {
            let mut all = vec![self.plain.value(numbers).ok_or(OUTSIDE)?];
            if self.record.forward {
                all.push(self.plain.forward(numbers, &tangents).ok_or(OUTSIDE)?);
            }
            if self.record.reverse {
                all.push(self.reverse(self.plain, numbers, &cotangent)?);
            }
            Ok(all)
        };
        let exact = double(self.point)?;
        // How far rounding of the arguments moves each result.
        let mut moved: Vec<_> = exact.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
        for _ in 0..3 {
            let near = self
                .point
                .iter()
                .map(|&x| x + epsilon * random.between::<f64>(-1.0, 1.0) * x.abs().max(1e-3));
            let near = double(&near.collect::<Vec<_>>())?;
            for ((moved, near), exact) in moved.iter_mut().zip(&near).zip(&exact) {
                for ((moved, near), exact) in moved.iter_mut().zip(near).zip(exact) {
                    *moved = (near - exact).abs().max(*moved);
                }
            }
        }
        for (((what, found), exact), moved) in found.iter().zip(&exact).zip(&moved) {
            let scale = size(exact).max(1e-3);
            let moved = size(moved);
            let what = format!("{what} at {} against f64", std::any::type_name::<R>());
            agree(&what, &doubles(found), exact, |_| 60.0 * (moved + epsilon * scale))?;
        }
        Ok(())
    }

    /// The rules of a plain function at `R` against finite differences and each other, in the
    /// precision that `R` allows.
    fn against_difference<R: Real>(&self, rules: &dyn Rules<R>) -> Result<(), String> {
        let epsilon = R::default_epsilon().to_f64();
        let point = rounded::<R>(self.point);
        let expected = difference_at(epsilon, |t| {
            rules.value(&rounded(&self.along(self.direction, t))).map(|y| doubles(&y))
        });
        let expected = expected.ok_or(EDGE)?;
        let scale = size(&expected.derivative);
        let tolerance = |i: usize| 20.0 * expected.error[i] + 100.0 * epsilon * (scale + 1e-3);
        if self.record.forward {
            let found = rules.forward(&point, &rounded(self.direction)).ok_or(OUTSIDE)?;
            let what = "forward rule against a finite difference";
            agree(what, &doubles(&found), &expected.derivative, tolerance)?;
        }
        if self.record.reverse {
            let mut random = Sampler::new(self.seed, self.seed);
            let cotangent: Vec<R> = expected.derivative.iter().map(|_| random.normal()).collect();
            let adjoints = doubles(&self.reverse(rules, &point, &cotangent)?);
            let products = adjoints.iter().zip(self.direction).map(|(a, v)| a * v);
            let (found, sum) = (products.clone().sum::<f64>(), products.map(f64::abs).sum::<f64>());
            let pairs = cotangent.iter().zip(&expected.derivative).enumerate();
            let (wanted, slack) = pairs.fold((0.0, 0.0), |(wanted, slack), (i, (w, y))| {
                (wanted + w.to_f64() * y, slack + w.to_f64().abs() * tolerance(i))
            });
            let what = "pairing of the reverse rule with the direction against a finite difference";
            agree(what, &[found], &[wanted], |_| slack + 100.0 * epsilon * sum)?;
        }
        Ok(())
    }
}

fn values(numbers: &[Dual<f64>]) -> Vec<f64> {
    numbers.iter().map(|x| x.value).collect()
}

fn doubles<R: Real>(numbers: &[R]) -> Vec<f64> {
    numbers.iter().map(|x| x.to_f64()).collect()
}

fn rounded<R: Real>(numbers: &[f64]) -> Vec<R> {
    numbers.iter().map(|&x| nalgebra::convert(x)).collect()
}
