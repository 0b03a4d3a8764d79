//! Single precision against double precision.

use super::compare::size;
use super::{Checker, EDGE, OUTSIDE, Plain, doubles, rounded};
use crate::contract::scalar::Real;
use crate::testing::difference::difference_at;

impl Checker<'_> {
    /// The value and both rules at `R` against those at `f64`, within what a rounding of the
    /// arguments to `R` changes.
    pub(super) fn against_double<R: Real>(&self, rules: &dyn Plain<R>) -> Result<(), String> {
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
    pub(super) fn against_difference<R: Real>(&self, rules: &dyn Plain<R>) -> Result<(), String> {
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
