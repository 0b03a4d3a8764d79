//! Subject as modes use them, and derivatives of derivatives.

use super::compare::Quantity;
use super::{Checker, Evaluations, Modes, OUTSIDE, OnTape, Two, of_each_number, values};
use crate::modes::dual::Dual;
use crate::modes::reverse::var::Var;
use crate::testing::difference::Difference;
use crate::transform::vjp;

impl Checker<'_> {
    /// The rules as the modes apply them, and the general texts against kernels.
    pub(super) fn modes(
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
                self.same(what, &results, &values(&found), &evaluations.here.value)?;
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
                    let held = x.iter().zip(self.known).zip(of_each_number(self.sizes, varies));
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
                self.same(what, &results, &value, &evaluations.here.value)?;
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
    pub(super) fn second_order(
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
            if self.scalar {
                let what = "the forward rule at dual numbers, its value";
                self.same(what, &results, &values(&found), &expected.numbers)?;
            }
            let what = "second order, forward over forward, by the tangents";
            if self.has_second_derivative() {
                self.agree_exactly(what, &results, &tangents(&found, 1), &along)?;
            }
            let curve = |t| self.plain.pushforward(&at(t)).map(|(_, push)| push(self.second));
            let slope = self.slope_of_rule(&expected, curve)?;
            if let Some(slope) = slope {
                // Its rounding is as that of the finite difference.
                let found = Quantity::noiseless(tangents(&found, 0));
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
            let slope = self.slope_of_rule(&self.pull(evaluations, cotangent), curve)?;
            let Some(slope) = slope else { return Ok(()) };
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
                let found = Quantity::noiseless(tangents(&found, 0));
                let what = "second order, forward over reverse";
                self.agree_with_difference(what, &arguments, &found, &slope)?;
            }
            self.over_reverse(evaluations, var, cotangent, &slope)?;
        }
        Ok(())
    }

    /// A finite difference of what a rule gives, where a second derivative exists.
    fn slope_of_rule(
        &self,
        rule: &Quantity<'_>,
        curve: impl FnMut(f64) -> Option<Vec<f64>>,
    ) -> Result<Option<Difference>, String> {
        if !self.has_second_derivative() {
            return Ok(None);
        }
        let slope = self.difference(rule.noise(), curve)?;
        Ok(slope.filter(|_| self.has_second_derivative()))
    }

    /// Whether a second derivative exists, as far as is known.
    pub(super) fn has_second_derivative(&self) -> bool {
        !self.special || self.smooth.get()
    }

    /// A rule on a tape: numbers of the point and of what it is applied to, and which results are
    /// swept from.
    pub(super) fn swept(
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
    pub(super) fn over_forward(
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
        let noiseless = Quantity::noiseless(by_tangent);
        self.pairing(
            what,
            (&noiseless, self.direction),
            (&self.push(evaluations, self.direction), cotangent),
        )
    }

    /// The reverse rule on a tape, whose derivative along the direction is known.
    pub(super) fn over_reverse(
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
        let noiseless = Quantity::noiseless(by_cotangent);
        let adjoints = self.pull(evaluations, cotangent);
        self.pairing(what, (&noiseless, cotangent), (&adjoints, self.second))
    }

    /// The adjoint of the point, paired with the direction, against the derivative along that.
    pub(super) fn along_slope(
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
}
