//! Checking one primitive at one instance.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;

use super::difference::{Difference, difference, difference_at};
use super::sample::Sampler;
use crate::dual::Dual;
use crate::passing::Arguments;
use crate::primitive::{Inputs, Output, Primitive};
use crate::scalar::Real;
use crate::tape::MOST_ARGUMENTS;
use crate::transform::{jvp, vjp};
use crate::value::Differentiable;

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
        match P::Arguments::own_any::<R>(&drawn) {
            Ok(inputs) => inputs,
            Err(_) => unreachable!("the attribute makes the sample of the instance's type"),
        }
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
/// use difrules_core::math::sin;
///
/// for seed in 0..10 {
///     check_at::<sin, f64>(|random| (random.normal(),), seed).unwrap();
/// }
/// ```
pub fn check_at<P: Primitive, R: Real>(
    sample: impl Fn(&mut Sampler) -> Inputs<P, R>,
    seed: u64,
) -> Result<(), Failure> {
    let draw = |numbers| sample(&mut Sampler::new(seed, numbers));
    let point = draw(2 * seed);
    let (direction, second) = (reals::<P, R>(&point, &draw(2 * seed + 1)), draw(!seed));
    let second = reals::<P, R>(&point, &second);
    let fail = |property| Failure {
        primitive: P::record().path.into(),
        scalar: std::any::type_name::<R>(),
        property,
        point: shown::<P, R>(&point),
        seed,
    };
    if P::GENERIC || std::any::TypeId::of::<R>() == std::any::TypeId::of::<f64>() {
        let point = P::Arguments::map(&point, &mut |_, x: R| x.to_f64());
        let checker = Checker::<P> { point, direction: direction.clone(), second };
        checker.all(seed).map_err(fail)?;
    }
    if std::any::TypeId::of::<R>() != std::any::TypeId::of::<f64>() {
        let found = if P::GENERIC {
            against_double::<P, R>(&point, &direction, seed)
        } else {
            against_difference::<P, R>(&point, &direction, seed)
        };
        found.map_err(fail)?;
    }
    Ok(())
}

/// The numbers of the arguments, the first of them where there are many.
fn shown<P: Primitive, R: Real>(point: &Inputs<P, R>) -> String {
    const MOST: usize = 24;
    let split = by_argument::<P, R>(point, &flat::<P, R>(point));
    let arguments =
        P::record().arguments.iter().zip(split).filter(|(_, numbers)| !numbers.is_empty());
    let arguments = arguments.map(|(argument, numbers)| {
        let shown: Vec<_> =
            numbers.iter().take(MOST).map(|x| format!("{:?}", x.to_f64())).collect();
        let rest = if numbers.len() > MOST { ", .." } else { "" };
        format!("{} = [{}{rest}]", argument.name, shown.join(", "))
    });
    arguments.collect::<Vec<_>>().join(", ")
}

/// The difference of two points, as plain numbers: a direction that respects their structure.
fn reals<P: Primitive, R: Real>(from: &Inputs<P, R>, to: &Inputs<P, R>) -> Vec<f64> {
    let (from, to) = (flat::<P, R>(from), flat::<P, R>(to));
    assert_eq!(from.len(), to.len(), "`sample` must take sizes from `Sampler::size` or `choose`");
    from.iter().zip(to).map(|(&from, to)| (to - from).to_f64()).collect()
}

/// All real numbers of the arguments, in order.
fn flat<P: Primitive, S: Real>(inputs: &Inputs<P, S>) -> Vec<S> {
    let mut all = Vec::new();
    P::Arguments::map(inputs, &mut |_, x: S| {
        all.push(x);
        x
    });
    all
}

/// Arguments like these made of other numbers.
fn like<P: Primitive, S: Real, U: Real>(inputs: &Inputs<P, S>, numbers: &[U]) -> Inputs<P, U> {
    let mut numbers = numbers.iter();
    P::Arguments::map(inputs, &mut |_, _| *numbers.next().expect("as many as there are"))
}

/// The output's numbers and then those of the `&mut` arguments.
fn results<P: Primitive, S: Real>(output: &Output<P, S>, inputs: &mut Inputs<P, S>) -> Vec<S> {
    let mut all = output.to_reals();
    P::Arguments::update(inputs, &mut |argument, x| {
        if P::record().arguments[argument].in_place {
            all.push(*x);
        }
    });
    all
}

/// The value; nothing outside the domain.
fn value<P: Primitive, S: Real>(inputs: Inputs<P, S>) -> Option<Vec<S>> {
    let mut evaluation = P::evaluate::<S>(inputs).ok()?;
    Some(results::<P, S>(&evaluation.output, &mut evaluation.inputs))
}

/// The tangent of the results.
fn forward<P: Primitive, S: Real>(inputs: Inputs<P, S>, tangents: &[S]) -> Option<Vec<S>> {
    let mut tangents = like::<P, S, S>(&inputs, tangents);
    let evaluation = P::evaluate::<S>(inputs).ok()?;
    let output = P::forward(&evaluation, &mut tangents);
    Some(results::<P, S>(&output, &mut tangents))
}

/// What a reverse rule adds to slots that hold `start`, one list of numbers an argument; slots that
/// are not wanted stay as they are.
fn reverse<P: Primitive, S: Real>(
    inputs: Inputs<P, S>,
    cotangent: &[S],
    start: &[Vec<S>],
    wanted: impl Fn(usize) -> bool,
) -> Option<Vec<Vec<S>>> {
    let evaluation = P::evaluate::<S>(inputs).ok()?;
    let shapes = P::shapes(&evaluation);
    let residual = P::residual(evaluation);
    let mut adjoints = start.to_vec();
    let mut outputs = cotangent.to_vec();
    let mut slots = [const { None }; MOST_ARGUMENTS];
    for (argument, adjoint) in adjoints.iter_mut().enumerate() {
        if wanted(argument) {
            slots[argument] = Some(adjoint.as_mut_slice());
        }
    }
    P::reverse(&residual, &shapes, &mut outputs, &mut slots[..start.len()]);
    Some(adjoints)
}

/// The numbers split by argument.
fn by_argument<P: Primitive, S: Real>(inputs: &Inputs<P, S>, numbers: &[S]) -> Vec<Vec<S>> {
    let mut split = vec![Vec::new(); P::record().arguments.len()];
    let mut numbers = numbers.iter();
    let mut inputs = P::Arguments::map(inputs, &mut |_, x: S| x);
    P::Arguments::update(&mut inputs, &mut |argument, _| {
        split[argument].push(*numbers.next().expect("as many as there are"));
    });
    split
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

/// One point, in double precision.
struct Checker<P: Primitive> {
    point: Inputs<P, f64>,
    direction: Vec<f64>,
    second: Vec<f64>,
}

impl<P: Primitive> Checker<P> {
    fn all(&self, seed: u64) -> Result<(), String> {
        let y = value::<P, f64>(self.at(0.0)).ok_or("the sample is outside the domain")?;
        if let Some(found) = y.iter().find(|y| !y.is_finite()) {
            return Err(format!("the sample has the value {found}"));
        }
        let mut random = Sampler::new(seed, seed);
        let cotangent: Vec<f64> = y.iter().map(|_| random.normal()).collect();
        let start: Vec<f64> = self.direction.iter().map(|_| random.normal()).collect();
        if P::record().forward {
            self.forward_against_difference()?;
        }
        if P::record().reverse {
            self.reverse_against_forward(&cotangent)?;
            self.slots(&cotangent, &start)?;
        }
        self.nothing_of_nothing(y.len())?;
        self.call(&y)?;
        if P::GENERIC {
            self.modes(&cotangent)?;
            self.second_order(&cotangent)?;
        }
        Ok(())
    }

    /// The point, moved along the first direction.
    fn at(&self, t: f64) -> Inputs<P, f64> {
        self.along(&self.direction, t)
    }

    fn along(&self, direction: &[f64], t: f64) -> Inputs<P, f64> {
        let numbers = flat::<P, f64>(&self.point);
        let moved: Vec<_> = numbers.iter().zip(direction).map(|(x, v)| x + t * v).collect();
        like::<P, f64, f64>(&self.point, &moved)
    }

    /// The point with the first direction as its tangent.
    fn dual(&self) -> Inputs<P, Dual<f64>> {
        let numbers = flat::<P, f64>(&self.point);
        let numbers = numbers.iter().zip(&self.direction).map(|(&x, &v)| Dual::new(x, [v]));
        like::<P, f64, Dual<f64>>(&self.point, &numbers.collect::<Vec<_>>())
    }

    fn forward_against_difference(&self) -> Result<(), String> {
        let arguments = &P::record().arguments;
        let split = by_argument::<P, f64>(&self.point, &self.direction);
        for alone in std::iter::once(None).chain((0..arguments.len()).map(Some)) {
            if alone.is_some_and(|argument| !arguments[argument].differentiable()) {
                continue;
            }
            let pieces = split.iter().enumerate().flat_map(|(argument, numbers)| {
                let keep = alone.is_none_or(|alone| alone == argument);
                numbers.iter().map(move |x| if keep { *x } else { 0.0 })
            });
            let direction: Vec<f64> = pieces.collect();
            let found = forward::<P, f64>(self.at(0.0), &direction).ok_or("outside the domain")?;
            let expected = difference(|t| value::<P, f64>(self.along(&direction, t)))
                .ok_or("no finite difference: the sample is at the edge of the domain")?;
            let by = alone.map_or("all arguments", |argument| arguments[argument].name);
            let what = format!("forward rule against a finite difference by {by}");
            agree_with_difference(&what, &found, &expected)?;
        }
        Ok(())
    }

    fn reverse_against_forward(&self, cotangent: &[f64]) -> Result<(), String> {
        let adjoints = self.reverse(self.at(0.0), cotangent)?;
        for direction in [&self.direction, &self.second] {
            let (tangent, error) = if P::record().forward {
                (forward::<P, f64>(self.at(0.0), direction).ok_or("outside the domain")?, 0.0)
            } else {
                let found = difference(|t| value::<P, f64>(self.along(direction, t)))
                    .ok_or("no finite difference: the sample is at the edge of the domain")?;
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
        let start = by_argument::<P, f64>(&self.point, start);
        let zero: Vec<_> = start.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
        let run = |start: &[Vec<f64>], wanted: &dyn Fn(usize) -> bool| {
            reverse::<P, f64>(self.at(0.0), cotangent, start, wanted).ok_or("outside the domain")
        };
        let whole = run(&zero, &|_| true)?;
        let added = run(&start, &|_| true)?;
        for (argument, record) in P::record().arguments.iter().enumerate() {
            let scale = size(&whole[argument]) + size(&start[argument]);
            let found: Vec<f64> =
                added[argument].iter().zip(&start[argument]).map(|(a, s)| a - s).collect();
            let what = format!("adding to a filled slot of {}", record.name);
            agree(&what, &found, &whole[argument], |_| 1e-11 * scale)?;
        }
        let count = P::record().arguments.len();
        for subset in 0..1_usize << count.min(5) {
            let wanted = |argument: usize| subset >> (argument % 5) & 1 == 1;
            let found = run(&zero, &wanted)?;
            for (argument, record) in P::record().arguments.iter().enumerate() {
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
        if P::record().forward {
            let found = forward::<P, f64>(self.at(0.0), &vec![0.0; self.direction.len()]);
            zero("the forward rule of zero tangents", &found.ok_or("outside the domain")?)?;
        }
        if P::record().reverse {
            let found = self.reverse(self.at(0.0), &vec![0.0; results])?;
            zero("the reverse rule of zero cotangents", &found)?;
        }
        Ok(())
    }

    /// The call itself, which overwrites `&mut` arguments where they are, against what evaluates
    /// copies and saves for the rules.
    fn call(&self, expected: &[f64]) -> Result<(), String> {
        let mut inputs = self.at(0.0);
        let output =
            P::into_result::<f64>(P::primal::<f64>(P::Arguments::lend::<f64>(&mut inputs)));
        let output = output.map_err(|_| "the call fails where the one that saves does not")?;
        let found = results::<P, f64>(&output, &mut inputs);
        agree_exactly("the call against the one that saves for the rules", &found, expected)
    }

    /// The rules as the modes apply them, and the general texts against kernels.
    fn modes(&self, cotangent: &[f64]) -> Result<(), String> {
        let all = flat::<P, f64>(&self.point);
        let outside = "a mode fails where the plain call does not";
        // The primitive's own text, run on dual numbers without the rules, has the same value.
        let mut inputs = P::Arguments::map(&self.point, &mut |_, x: f64| Dual::<f64>::constant(x));
        let output = P::into_result(P::primal::<Dual<f64>>(P::Arguments::lend(&mut inputs)));
        let output = output.map_err(|_| "the general text fails where the plain call does not")?;
        let text = results::<P, Dual<f64>>(&output, &mut inputs);
        let text: Vec<f64> = text.iter().map(|y| y.value).collect();
        let plain = value::<P, f64>(self.at(0.0)).ok_or("outside the domain")?;
        agree_exactly("the general text against the kernel", &plain, &text)?;
        if P::record().forward {
            let run = |x: &Vec<Dual<f64>>| {
                value::<P, _>(like::<P, f64, _>(&self.point, x)).ok_or(outside)
            };
            let (_, found) = jvp(run, &all, &self.direction)?;
            let expected =
                forward::<P, f64>(self.at(0.0), &self.direction).ok_or("outside the domain")?;
            agree_exactly("the forward rule in the mode `Dual`", &found, &expected)?;
        }
        if P::record().reverse {
            let expected = self.reverse(self.at(0.0), cotangent)?;
            let run = |x: &Vec<crate::Var<f64>>| {
                value::<P, _>(like::<P, f64, _>(&self.point, x)).ok_or(outside)
            };
            let (_, found) = vjp(run, &all, &cotangent.to_vec())?;
            agree_exactly("the reverse rule in the mode `Var`", &found, &expected)?;
        }
        Ok(())
    }

    /// The rules on dual numbers, against finite differences of the rules.
    fn second_order(&self, cotangent: &[f64]) -> Result<(), String> {
        let edge = "no finite difference: the sample is at the edge of the domain";
        if P::record().forward {
            let tangents: Vec<_> = self.second.iter().map(|&v| Dual::constant(v)).collect();
            let found =
                forward::<P, Dual<f64>>(self.dual(), &tangents).ok_or("outside the domain")?;
            let values: Vec<f64> = found.iter().map(|y| y.value).collect();
            let expected =
                forward::<P, f64>(self.at(0.0), &self.second).ok_or("outside the domain")?;
            agree_exactly("the general forward rule against the kernel", &expected, &values)?;
            let expected =
                difference(|t| forward::<P, f64>(self.at(t), &self.second)).ok_or(edge)?;
            let found: Vec<f64> = found.iter().map(|y| y.tangents[0]).collect();
            agree_with_difference("second order, forward over forward", &found, &expected)?;
        }
        if P::record().reverse && P::record().forward {
            let dual: Vec<_> = cotangent.iter().map(|&w| Dual::constant(w)).collect();
            let found = self.reverse(self.dual(), &dual)?;
            let values: Vec<f64> = found.iter().map(|x| x.value).collect();
            let expected = self.reverse(self.at(0.0), cotangent)?;
            agree_exactly("the general reverse rule against the kernel", &expected, &values)?;
            let expected = difference(|t| self.reverse(self.at(t), cotangent).ok()).ok_or(edge)?;
            let found: Vec<f64> = found.iter().map(|x| x.tangents[0]).collect();
            agree_with_difference("second order, forward over reverse", &found, &expected)?;
        }
        Ok(())
    }

    /// The adjoints of all arguments, in one list.
    fn reverse<S: Real>(&self, inputs: Inputs<P, S>, cotangent: &[S]) -> Result<Vec<S>, String> {
        let zero = vec![S::zero(); flat::<P, S>(&inputs).len()];
        let start = by_argument::<P, S>(&inputs, &zero);
        let adjoints = reverse::<P, S>(inputs, cotangent, &start, |_| true);
        Ok(adjoints.ok_or("outside the domain")?.concat())
    }
}

/// The value and both rules at `R` against those at `f64`, within what a rounding of the arguments
/// to `R` changes.
fn against_double<P: Primitive, R: Real>(
    point: &Inputs<P, R>,
    direction: &[f64],
    seed: u64,
) -> Result<(), String> {
    let epsilon = R::default_epsilon().to_f64();
    let outside = "outside the domain";
    let plain = |numbers: Vec<R>| numbers.into_iter().map(Real::to_f64).collect::<Vec<f64>>();
    let copy = || P::Arguments::map(point, &mut |_, x: R| x);
    let tangents: Vec<R> = direction.iter().map(|&v| nalgebra::convert(v)).collect();
    let y = value::<P, R>(copy()).ok_or(outside)?;
    let mut random = Sampler::new(seed, seed);
    let cotangent: Vec<R> = y.iter().map(|_| random.normal()).collect();
    let zero = by_argument::<P, R>(point, &vec![R::zero(); flat::<P, R>(point).len()]);
    let mut found = vec![("the value", plain(y))];
    if P::record().forward {
        found.push(("the forward rule", plain(forward::<P, R>(copy(), &tangents).ok_or(outside)?)));
    }
    if P::record().reverse {
        let adjoints = reverse::<P, R>(copy(), &cotangent, &zero, |_| true).ok_or(outside)?;
        found.push(("the reverse rule", plain(adjoints.concat())));
    }
    let cotangent = plain(cotangent);
    let tangents = plain(tangents);
    let double = |inputs: &Inputs<P, f64>| -> Option<Vec<Vec<f64>>> {
        let copy = || P::Arguments::map(inputs, &mut |_, x: f64| x);
        let mut all = vec![value::<P, f64>(copy())?];
        if P::record().forward {
            all.push(forward::<P, f64>(copy(), &tangents)?);
        }
        if P::record().reverse {
            let zero = by_argument::<P, f64>(inputs, &vec![0.0; flat::<P, f64>(inputs).len()]);
            all.push(reverse::<P, f64>(copy(), &cotangent, &zero, |_| true)?.concat());
        }
        Some(all)
    };
    let exact_point = P::Arguments::map(point, &mut |_, x: R| x.to_f64());
    let exact = double(&exact_point).ok_or(outside)?;
    // How far rounding of the arguments moves each result.
    let mut moved: Vec<Vec<f64>> = exact.iter().map(|numbers| vec![0.0; numbers.len()]).collect();
    for _ in 0..3 {
        let rounded = P::Arguments::map(&exact_point, &mut |_, x: f64| {
            x + epsilon * random.between::<f64>(-1.0, 1.0) * x.abs().max(1e-3)
        });
        let near = double(&rounded).ok_or(outside)?;
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
        agree(&what, found, exact, |_| 60.0 * (moved + epsilon * scale))?;
    }
    Ok(())
}

/// The rules of a plain function at `R` against finite differences and each other, in the precision
/// that `R` allows.
fn against_difference<P: Primitive, R: Real>(
    point: &Inputs<P, R>,
    direction: &[f64],
    seed: u64,
) -> Result<(), String> {
    let epsilon = R::default_epsilon().to_f64();
    let outside = "outside the domain";
    let plain = |numbers: &[R]| numbers.iter().map(|x| x.to_f64()).collect::<Vec<f64>>();
    let copy = || P::Arguments::map(point, &mut |_, x: R| x);
    let numbers = flat::<P, R>(point);
    let expected = difference_at(epsilon, |t| {
        let moved =
            numbers.iter().zip(direction).map(|(x, v)| nalgebra::convert(x.to_f64() + t * v));
        let moved: Vec<R> = moved.collect();
        value::<P, R>(like::<P, R, R>(point, &moved)).map(|y| plain(&y))
    });
    let expected =
        expected.ok_or("no finite difference: the sample is at the edge of the domain")?;
    let scale = size(&expected.derivative);
    let tolerance = |i: usize| 20.0 * expected.error[i] + 100.0 * epsilon * (scale + 1e-3);
    if P::record().forward {
        let tangents: Vec<R> = direction.iter().map(|&v| nalgebra::convert(v)).collect();
        let found = forward::<P, R>(copy(), &tangents).ok_or(outside)?;
        agree(
            "forward rule against a finite difference",
            &plain(&found),
            &expected.derivative,
            tolerance,
        )?;
    }
    if P::record().reverse {
        let mut random = Sampler::new(seed, seed);
        let cotangent: Vec<R> = expected.derivative.iter().map(|_| random.normal()).collect();
        let zero = by_argument::<P, R>(point, &vec![R::zero(); numbers.len()]);
        let adjoints =
            reverse::<P, R>(copy(), &cotangent, &zero, |_| true).ok_or(outside)?.concat();
        let products = adjoints.iter().zip(direction).map(|(a, v)| a.to_f64() * v);
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
