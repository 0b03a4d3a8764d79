//! Whether two results are the same within what rounding makes of them.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::Checker;
use crate::testing::difference::Difference;

/// Whether one of two numbers that should be one is nothing beside the other, or both are moved by
/// rounding.
pub(super) fn is_rounding(a: f64, b: f64, noise: f64) -> bool {
    let (a, b) = (a.abs(), b.abs());
    a.min(b) <= 1e-6 * a.max(b) || noise > 1e-11 * a.max(b)
}

/// The largest of the numbers that there are.
pub(in crate::testing) fn size(numbers: &[f64]) -> f64 {
    numbers.iter().filter(|x| x.is_finite()).fold(0.0, |size, x| x.abs().max(size))
}

/// What is found out when somebody asks for it.
pub(super) type Lazy<'a, X> = LazyCell<X, Box<dyn FnOnce() -> X + 'a>>;

/// Numbers, and how far rounding moves each, which is measured where they do not agree without.
#[derive(Clone)]
pub(super) struct Quantity<'a> {
    pub(super) numbers: Vec<f64>,
    noise: Rc<Lazy<'a, Vec<f64>>>,
}

impl<'a> Quantity<'a> {
    /// Numbers, and what finds how far rounding moves each.
    pub(super) fn new(numbers: Vec<f64>, noise: impl FnOnce() -> Vec<f64> + 'a) -> Self {
        Self { numbers, noise: Rc::new(LazyCell::new(Box::new(noise))) }
    }

    /// Numbers that rounding does not move.
    pub(super) fn noiseless(numbers: Vec<f64>) -> Self {
        let noise = vec![0.0; numbers.len()];
        Self::new(numbers, || noise)
    }

    /// How far rounding moves each.
    pub(super) fn noise(&self) -> &[f64] {
        &self.noise
    }

    /// The same numbers, moved further.
    pub(super) fn noisier(self, by: impl FnOnce() -> Vec<f64> + 'a) -> Self {
        let noise = self.noise;
        Self::new(self.numbers, move || noise.iter().zip(by()).map(|(a, b)| a + b).collect())
    }

    /// A sum of two terms, which may cancel.
    pub(super) fn sum([a, b]: [Self; 2], epsilon: f64) -> Self {
        let numbers = a.numbers.iter().zip(&b.numbers).map(|(a, b)| a + b).collect();
        Self::new(numbers, move || {
            let noise = a.noise().iter().zip(b.noise()).zip(&b.numbers);
            noise.map(|((a, b), number)| a + (b + epsilon * number.abs())).collect()
        })
    }
}

/// How far rounding moves numbers: what they are with another rounding of what the rule is linear in, and
/// elsewhere by rounding.
pub(super) fn moved(numbers: &[f64], linear: &[f64], elsewhere: &[Vec<f64>]) -> Vec<f64> {
    let largest = size(numbers);
    let moved = |(i, x): (usize, &f64)| {
        let linear = linear.get(i).map_or(0.0, |other| (other - x).abs());
        // A branch that is close is not rounding.
        let most = 1e-6 * x.abs().max(largest);
        let capped = |moved: f64| if moved <= most { moved } else { most };
        let noise = if linear.is_finite() { linear } else { 0.0 };
        elsewhere.iter().fold(noise, |noise, other| noise.max(capped((other[i] - x).abs())))
    };
    numbers.iter().enumerate().map(moved).collect()
}

impl Checker<'_> {
    /// Whether two lists of numbers agree, each within its own tolerance.
    pub(super) fn agree(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &[f64],
        tolerance: impl Fn(usize) -> f64,
    ) -> Result<(), String> {
        self.agree_despite(what, name, found, expected, |_| 0.0, |i, _| tolerance(i))
    }

    /// Whether two lists of numbers agree, each within its own tolerance, which grows with the noise of the
    /// number.
    pub(super) fn agree_despite(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &[f64],
        noise: impl Fn(usize) -> f64,
        tolerance: impl Fn(usize, f64) -> f64,
    ) -> Result<(), String> {
        if found.len() != expected.len() {
            return Err(format!("{what}: {} numbers in place of {}", found.len(), expected.len()));
        }
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let undefined = !found.is_finite() || !expected.is_finite();
            if found == expected || undefined && self.may_be_undefined(found, expected) {
                continue;
            }
            // A NaN is not within any tolerance.
            let within = |tolerance: f64| {
                !undefined
                    && (found - expected).abs().partial_cmp(&tolerance).is_some_and(Ordering::is_le)
            };
            // Noise takes several evaluations, which most numbers do without.
            if within(tolerance(i, 0.0)) {
                continue;
            }
            let tolerance = tolerance(i, noise(i));
            if !within(tolerance) {
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
    pub(super) fn may_be_undefined(&self, found: f64, expected: f64) -> bool {
        let neither = !found.is_finite() && !expected.is_finite();
        self.special && (!self.is_of_numbers() || !self.smooth.get() || neither)
    }

    /// Whether it is a function of numbers to a number.
    pub(super) fn is_of_numbers(&self) -> bool {
        self.pieces == [1] && self.sizes.iter().all(|size| *size <= 1)
    }

    /// Relative to the number, how far right ones are apart at most.
    pub(super) fn exactness(&self) -> f64 {
        let exactness = if self.epsilon < 1e-12 { 1e-10 } else { 100.0 * self.epsilon };
        // Special numbers may be so large that much is lost.
        match (self.special, self.scale == 1.0) {
            (false, _) => exactness,
            (true, false) if !self.is_of_numbers() => 1e6 * exactness,
            (true, _) => 100.0 * exactness,
        }
    }

    /// How far right numbers are apart that rounding moves so far.
    pub(super) fn slack(&self, found: f64, expected: f64, noise: f64) -> f64 {
        self.exactness() * found.abs().max(expected.abs()) + 300.0 * noise
    }

    /// What is lost of an entry that is nothing, or rounding alone: as much as the largest is rounded.
    pub(super) fn lost(&self, found: f64, x: f64, noise: f64, largest: f64) -> f64 {
        if is_rounding(found, x, noise) { 100.0 * self.epsilon * largest } else { 0.0 }
    }

    /// Agreement up to rounding.
    pub(super) fn agree_exactly(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &Quantity<'_>,
    ) -> Result<(), String> {
        self.agree_within(what, name, found, expected, |i| expected.noise()[i])
    }

    /// Agreement of numbers that rounding moves, all of them.
    pub(super) fn agree_mutually(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &Quantity<'_>,
        expected: &Quantity<'_>,
    ) -> Result<(), String> {
        let noise = |i: usize| found.noise()[i] + expected.noise()[i];
        self.agree_within(what, name, &found.numbers, expected, noise)
    }

    /// Agreement of numbers that rounding moves so far.
    pub(super) fn agree_within(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &[f64],
        expected: &Quantity<'_>,
        noise: impl Fn(usize) -> f64,
    ) -> Result<(), String> {
        let largest = size(&expected.numbers);
        self.agree_despite(what, name, found, &expected.numbers, noise, |i, noise| {
            let (found, x) = (found[i], expected.numbers[i]);
            self.slack(found, x, noise) + self.lost(found, x, noise, largest)
        })
    }

    /// Agreement in every digit.
    pub(super) fn same(
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

    /// Agreement with a finite difference, within its own error estimate and the rounding of the rule;
    /// at a kink, with any slope between those on its sides.
    pub(super) fn agree_with_difference(
        &self,
        what: &str,
        name: &dyn Fn(usize) -> String,
        found: &Quantity<'_>,
        expected: &Difference,
    ) -> Result<(), String> {
        let largest = size(&found.numbers);
        let noise = |i: usize| found.noise()[i];
        self.agree_despite(what, name, &found.numbers, &expected.derivative, noise, |i, noise| {
            let scale = found.numbers[i].abs() + expected.derivative[i].abs();
            let x = found.numbers[i];
            let lost = self.lost(x, expected.derivative[i], noise, largest);
            let slopes = 20.0 * expected.error[i] + 0.500_001 * expected.kink[i];
            slopes + 10.0 * self.exactness() * scale + 300.0 * noise + lost
        })
    }
}
