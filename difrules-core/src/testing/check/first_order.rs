//! Subject against finite differences and against each other.

use super::compare::{Quantity, is_rounding, size};
use super::{
    Checker, EDGE, Evaluations, MOST_DIFFERENCES, MOST_ENTRIES, OUTSIDE, extent, single_of,
};
use crate::registry::{Argument, Partial, Sampler, Structure};
use crate::symbolic::value_of;
use crate::testing::difference::{Difference, difference_at};
use crate::testing::rules::Push;

impl Checker<'_> {
    /// The properties that rules have whatever they are the rules of.
    pub(super) fn rules(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        if self.record.reverse {
            self.slots(evaluations, cotangent)?;
        }
        self.nothing_of_nothing(evaluations)?;
        self.call(evaluations)?;
        self.again(evaluations, cotangent)?;
        if self.is_heavy() {
            return Ok(());
        }
        if self.record.reverse {
            self.keeps_structure(evaluations, cotangent)?;
        }
        self.jacobian(evaluations)?;
        self.linear(evaluations, cotangent)
    }

    /// A finite difference of numbers that rounding moves so far; none at the edge of the domain of a
    /// point that may be there.
    pub(super) fn difference(
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

    pub(super) fn forward_against_difference(
        &self,
        evaluations: &Evaluations<'_>,
    ) -> Result<(), String> {
        if evaluations.jumps {
            return Ok(());
        }
        let mut directions = vec![("all arguments".to_string(), self.direction.to_vec())];
        let varying = self.varying();
        if varying.len() > 1 && !self.is_brief() {
            directions.extend(varying.into_iter().map(|alone| {
                let name = self.record.arguments[alone].name.to_string();
                (name, self.only(self.direction, |argument| argument == alone))
            }));
        }
        let classes = &self.structure.classes;
        if self.special && !self.is_brief() {
            // Ties stay ties.
            let mut together = vec![0.0; self.point.len()];
            classes.iter().flatten().for_each(|(j, sign)| together[*j] = sign * self.scale);
            directions.push(("all entries at once".into(), together));
        }
        let most = match (self.special, self.is_large()) {
            (false, false) => MOST_DIFFERENCES,
            (false, true) | (true, false) => 2,
            (true, true) => 0,
        };
        let most = if self.is_brief() { 0 } else { most };
        for class in self.some(classes.len(), most) {
            directions.push((self.argument_entry(classes[class][0].0), self.unit(class)));
        }
        let value = self.values(evaluations);
        let mut differences = Vec::new();
        for (by, direction) in &directions {
            let curve = |t| self.plain.call(&self.along(direction, t));
            let slopes = self.slopes(evaluations, direction);
            self.spread(&slopes);
            let Some(expected) = self.difference(value.noise(), curve)? else { continue };
            differences.push((by, direction, slopes, expected));
        }
        for (by, direction, slopes, mut expected) in differences {
            let found = self.push(evaluations, direction);
            expected.widen(&slopes, !self.smooth.get(), self.is_of_numbers());
            let what = format!("forward rule against a finite difference by {by}");
            self.agree_with_difference(&what, &|i| self.result_entry(i), &found, &expected)?;
        }
        Ok(())
    }

    /// The value and the forward rule at points beside a special one. Where a function has a kink in one
    /// direction, it may look smooth along others; beside the point it is what it is on either side.
    pub(super) fn beside(&self) -> Vec<(Vec<f64>, Push<'_, f64>)> {
        let mut random = Sampler::new(self.seed, !self.seed);
        let mut beside = Vec::new();
        for _ in 0..if self.is_heavy() || self.is_brief() { 3 } else { 8 } {
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
    pub(super) fn is_heavy(&self) -> bool {
        self.special && self.is_large()
    }

    /// Whether structural numbers stand beside arguments that are not numbers: what these points can show is
    /// little.
    pub(super) fn is_brief(&self) -> bool {
        self.planted && !self.is_of_numbers()
    }

    /// Whether so many numbers are looked at alone at a few places.
    fn is_large(&self) -> bool {
        self.point.len() > 100
    }

    /// The slopes along a direction beside the point.
    fn slopes(&self, evaluations: &Evaluations<'_>, direction: &[f64]) -> Vec<Vec<f64>> {
        evaluations.beside.iter().map(|push| push(direction)).collect()
    }

    /// How far apart the slopes along a direction are, where that is more than what a smooth function makes
    /// of it.
    fn spread(&self, slopes: &[Vec<f64>]) -> Vec<f64> {
        let mut spread = vec![0.0; slopes.first().map_or(0, Vec::len)];
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

    pub(super) fn reverse_against_forward(
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
                self.push(evaluations, direction)
                    .noisier(|| self.noise_beside(evaluations, direction))
            } else {
                let curve = |t| self.plain.call(&self.along(direction, t));
                let value = self.values(evaluations);
                let Some(found) = self.difference(value.noise(), curve)? else { continue };
                let noise = found.error.iter().zip(&found.kink);
                let noise = noise.map(|(error, kink)| 0.07 * error + 0.002 * kink).collect();
                Quantity::new(found.derivative, || noise)
            };
            let what =
                "pairing of the reverse rule with the direction against that of the forward rule";
            self.pairing(what, (&adjoints, direction), (&tangent, cotangent))?;
        }
        Ok(())
    }

    /// Agreement of two sums of products.
    pub(super) fn pairing(
        &self,
        what: &str,
        found: (&Quantity<'_>, &[f64]),
        expected: (&Quantity<'_>, &[f64]),
    ) -> Result<(), String> {
        // What nobody asks for may be undefined.
        let asked = |by: &[f64]| (0..by.len()).filter(|i| by[*i] != 0.0).collect::<Vec<_>>();
        let pair = |(quantity, by): (&Quantity<'_>, &[f64])| {
            let products = asked(by).into_iter().map(|i| quantity.numbers[i] * by[i]);
            products.fold((0.0, 0.0), |(sum, slack), x| {
                (sum + x, slack + 0.1 * self.exactness() * x.abs())
            })
        };
        let noise = |(quantity, by): (&Quantity<'_>, &[f64])| -> f64 {
            asked(by).into_iter().map(|i| quantity.noise()[i] * by[i].abs()).sum()
        };
        let ((sum, slack), (expected_sum, other)) = (pair(found), pair(expected));
        self.agree_despite(
            what,
            &|_| "the sum".into(),
            &[sum],
            &[expected_sum],
            |_| noise(found) + noise(expected),
            |_, noise| slack + other + 300.0 * noise,
        )
    }

    /// What slopes beside the point add to the noise of the one along a direction there.
    fn noise_beside(&self, evaluations: &Evaluations<'_>, direction: &[f64]) -> Vec<f64> {
        let spread = self.spread(&self.slopes(evaluations, direction));
        let results = evaluations.here.value.len();
        (0..results).map(|i| spread.get(i).map_or(0.0, |spread| spread / 300.0)).collect()
    }

    /// Entry by entry: rows by the reverse rule, columns by the forward rule.
    pub(super) fn jacobian(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let results = evaluations.here.value.len();
        if !self.record.reverse || evaluations.jumps {
            return Ok(());
        }
        let unit = |i: usize| -> Vec<f64> {
            (0..results).map(|k| if k == i { 1.0 } else { 0.0 }).collect()
        };
        let most = if self.special || self.is_large() { MOST_ENTRIES / 3 } else { MOST_ENTRIES };
        let rows: Vec<_> = self.some(results, most);
        let rows: Vec<_> =
            rows.into_iter().map(|i| (i, self.pull(evaluations, &unit(i)))).collect();
        let all = rows.iter().fold(0.0, |all, (_, row)| size(&row.numbers).max(all));
        if self.record.forward {
            let columns = self.some(self.structure.classes.len(), most).into_iter();
            let columns = columns.map(|class| {
                let unit = self.unit(class);
                let column = self.push(evaluations, &unit);
                (class, column.noisier(move || self.noise_beside(evaluations, &unit)))
            });
            let columns: Vec<_> = columns.collect();
            for (class, column) in &columns {
                let class = &self.structure.classes[*class];
                let name = self.argument_entry(class[0].0);
                for (i, row) in &rows {
                    let of = |sum: &[f64], sign: bool| -> f64 {
                        class.iter().map(|(j, s)| if sign { s * sum[*j] } else { sum[*j] }).sum()
                    };
                    let found = self.scale * of(&row.numbers, true);
                    let noise = |_| self.scale * of(row.noise(), false) + column.noise()[*i];
                    let parts = class.iter().map(|(j, _)| self.scale * row.numbers[*j].abs());
                    let parts: f64 = parts.sum();
                    // What cancels in one entry of a row is as large as others of it, and in a row of
                    // nothing as those of others.
                    let nothing = columns.iter().all(|(_, column)| column.numbers[*i] == 0.0);
                    let what = format!("the reverse rule against the forward rule by {name}");
                    self.agree_despite(
                        &what,
                        &|_| self.result_entry(*i),
                        &[found],
                        &[column.numbers[*i]],
                        noise,
                        |_, noise| {
                            let alone = is_rounding(found, column.numbers[*i], noise);
                            let largest = if nothing || alone { all } else { size(&row.numbers) };
                            let lost = 100.0 * self.epsilon * self.scale * largest;
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
    pub(super) fn structural(&self, rows: &[(usize, Quantity<'_>)]) -> Result<(), String> {
        if self.special && !self.is_of_numbers() {
            // Random points show it too, and have better finite differences.
            return Ok(());
        }
        let mut suspects = Vec::new();
        for (_, row) in rows {
            let slack = |j: usize| self.slack(row.numbers[j], 0.0, row.noise()[j]);
            let largest = size(&row.numbers);
            let is_given = |j: usize| {
                let (x, least) = (row.numbers[j].abs(), 1e-14 * largest);
                x > least && x > 300.0 * row.noise()[j] + least
            };
            suspects.extend(self.structure.held.iter().copied().filter(|j| is_given(*j)));
            for class in self.structure.classes.iter().filter(|class| class.len() > 1) {
                // All the same, or all given to one of them.
                let signed = |(j, sign): &(usize, f64)| (*j, sign * row.numbers[*j]);
                if class.iter().all(|of| signed(of).1 == signed(&class[0]).1) {
                    continue;
                }
                let given = class.iter().filter(|(j, _)| is_given(*j));
                let given: Vec<_> = given.map(signed).collect();
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
                    + 300.0 * row.noise()[j];
                let what = format!(
                    "the reverse rule by {}, which no sample varies alone, against a finite difference",
                    self.argument_entry(j)
                );
                self.agree(&what, &|_| self.result_entry(*i), &[found], &[wanted], |_| tolerance)?;
            }
        }
        Ok(())
    }

    /// What is added to an argument has the structure that the registry says it has.
    pub(super) fn keeps_structure(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let whole =
            |argument: &Argument| argument.structure.iter().copied().find(|of| of.field.is_empty());
        if !self.record.arguments.iter().any(|argument| whole(argument).is_some()) {
            return Ok(());
        }
        let pulled = self.pull(evaluations, cotangent);
        let (numbers, noise) =
            (self.by_argument(&pulled.numbers), self.by_argument(pulled.noise()));
        for ((argument, adjoint), noise) in self.record.arguments.iter().zip(&numbers).zip(&noise) {
            let Some(of) = whole(argument).filter(|_| !argument.in_place) else { continue };
            let Some((rows, parts)) = square(adjoint.len()) else { continue };
            let slack = size(adjoint) * 1e3 * self.epsilon;
            let at = |i: usize, j: usize, part: usize| (i + j * rows) * parts + part;
            let entries = |below: bool| {
                let pairs = (0..rows).flat_map(|j| (j + 1..rows).map(move |i| (i, j)));
                pairs.map(move |(i, j)| if below { (i, j) } else { (j, i) })
            };
            let is_zero = |below: bool| {
                entries(below).all(|(i, j)| (0..parts).all(|part| adjoint[at(i, j, part)] == 0.0))
            };
            let holds = match (of.kind, of.options.is_empty()) {
                (Structure::Lower | Structure::UnitLower, _) => is_zero(false),
                (Structure::Upper | Structure::UnitUpper, _) => is_zero(true),
                (Structure::Triangular, _) | (_, false) => is_zero(false) || is_zero(true),
                (Structure::Symmetric | Structure::Hermitian, true) => {
                    let conjugate = of.kind == Structure::Hermitian;
                    entries(true).all(|(i, j)| {
                        (0..parts).all(|part| {
                            let sign = if conjugate && part == 1 { -1.0 } else { 1.0 };
                            let (a, b) = (at(i, j, part), at(j, i, part));
                            let allowed = slack + 300.0 * (noise[a] + noise[b]);
                            let apart = (adjoint[a] - sign * adjoint[b]).abs();
                            apart <= allowed || apart.is_nan() && self.special
                        })
                    })
                }
                _ => true,
            };
            if !holds {
                return Err(format!(
                    "the reverse rule gives `{}`, which is {of}, a cotangent that is not: {adjoint:?}",
                    argument.name
                ));
            }
        }
        Ok(())
    }

    /// Parts of a cotangent, the rest of which is zero: each piece of the results, and those that are
    /// positive or negative.
    pub(super) fn parts(&self, cotangent: &[f64]) -> Vec<(String, Vec<f64>)> {
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
    pub(super) fn linear(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
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
                let found = (evaluations.here.push)(&scaled(self.direction, factor));
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
                    [self.push(evaluations, &part), self.push(evaluations, &rest)],
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
                let found = (evaluations.here.pull)(&scaled(cotangent, factor), &zero, &|_| true);
                let what = format!("the reverse rule of the cotangent times {factor:e}, over that");
                self.agree_exactly(&what, &name, &scaled(&found.concat(), 1.0 / factor), &whole)?;
            }
            for (what, part) in self.parts(cotangent) {
                let rest = minus(cotangent, &part);
                let sum = Quantity::sum(
                    [self.pull(evaluations, &part), self.pull(evaluations, &rest)],
                    self.epsilon,
                );
                let what =
                    format!("the reverse rule of {what} of the cotangent and of the rest, added");
                self.agree_mutually(&what, &name, &sum, &whole)?;
            }
        }
        Ok(())
    }

    pub(super) fn slots(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let zero = self.zeros();
        let mut random = Sampler::new(!self.seed, self.seed);
        let mut cotangents = vec![cotangent.to_vec()];
        if !self.is_heavy() {
            cotangents.extend(self.parts(cotangent).into_iter().map(|(_, part)| part));
        }
        let all = (1_u32 << self.sizes.len()) - 1;
        for cotangent in &cotangents {
            let whole = self.pull(evaluations, cotangent);
            let noise = |argument: usize, i: usize| {
                whole.noise()[self.sizes[..argument].iter().sum::<usize>() + i]
            };
            let numbers = self.by_argument(&whole.numbers);
            // As large as what is added, so that none of it is lost.
            let filled: Vec<Vec<f64>> = numbers
                .iter()
                .map(|numbers| {
                    let sized =
                        numbers.iter().map(|x| if *x == 0.0 || !x.is_finite() { 1.0 } else { *x });
                    sized.map(|x| single_of(x * random.between::<f64>(0.5, 1.5))).collect()
                })
                .collect();
            // Memory that stays where it is, and slots of which some have been added to.
            let stays: Vec<Vec<f64>> = zero.iter().map(|x| vec![-0.0; x.len()]).collect();
            let mixed = |first: &[Vec<f64>], rest: &[Vec<f64>]| {
                let pairs = first.iter().zip(rest).enumerate();
                pairs.map(|(i, (a, b))| if i % 2 == 0 { a } else { b }.clone()).collect()
            };
            let starts = [&zero, &filled, &stays, &mixed(&zero, &filled), &mixed(&filled, &zero)];
            let chosen = self.choices().into_iter().filter(|choice| *choice != all);
            for choice in std::iter::once(all).chain(chosen) {
                let wanted = |argument: usize| choice >> argument & 1 == 1;
                for start in &starts[..if choice == all { starts.len() } else { 2 }] {
                    let found = (evaluations.here.pull)(cotangent, start, &wanted);
                    for (argument, record) in self.record.arguments.iter().enumerate() {
                        let (found, start) = (&found[argument], &start[argument]);
                        let what = match (choice == all, start[..].iter().any(|x| *x != 0.0)) {
                            (true, true) => format!("adding to a filled slot of {}", record.name),
                            (_, true) => format!(
                                "adding to a filled slot of {} when others are not wanted",
                                record.name
                            ),
                            (true, _) => format!("the slot of {}", record.name),
                            _ => format!("the slot of {} when others are not wanted", record.name),
                        };
                        let name = |i: usize| format!("entry {i}");
                        if !wanted(argument) {
                            self.same(&what, &name, found, start)?;
                            continue;
                        }
                        let negative = |x: &f64| *x == 0.0 && x.is_sign_negative();
                        if start.iter().all(|x| x.to_bits() == 0)
                            && let Some(i) = found.iter().position(negative)
                        {
                            return Err(format!("{what}: {} is a zero of negative sign", name(i)));
                        }
                        let added: Vec<f64> = found.iter().zip(start).map(|(x, s)| x - s).collect();
                        let expected = &numbers[argument];
                        let largest = size(expected);
                        let noise = |i| noise(argument, i);
                        self.agree_despite(&what, &name, &added, expected, noise, |i, noise| {
                            let rounding = 0.01 * self.exactness() * start[i].abs();
                            let lost = self.lost(added[i], expected[i], noise, largest);
                            self.slack(added[i], expected[i], noise) + rounding + lost
                        })?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Zero is strong.
    pub(super) fn nothing_of_nothing(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let zero = |what: &str, name: &dyn Fn(usize) -> String, found: &[f64]| match found
            .iter()
            .position(|x| *x != 0.0 && !(self.special && x.is_nan()))
        {
            Some(i) => Err(format!("{what} gives {:e}, not zero, for {}", found[i], name(i))),
            None => Ok(()),
        };
        if self.record.forward {
            let found = (evaluations.here.push)(&vec![0.0; self.point.len()]);
            zero("the forward rule of zero tangents", &|i| self.result_entry(i), &found)?;
        }
        if self.record.reverse {
            let nothing = vec![0.0; evaluations.here.value.len()];
            let found = (evaluations.here.pull)(&nothing, &self.zeros(), &|_| true).concat();
            zero("the reverse rule of zero cotangents", &|i| self.argument_entry(i), &found)?;
        }
        Ok(())
    }

    /// The call itself, which overwrites `&mut` arguments where they are, against what evaluates
    /// copies and saves for the rules.
    pub(super) fn call(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let found = self.plain.call(self.point);
        let found = found.ok_or("the call fails where the one that saves does not")?;
        let what = "the call against the one that saves for the rules";
        self.same(what, &|i| self.result_entry(i), &found, &evaluations.here.value)
    }

    /// All is as before when it is done again, after an evaluation elsewhere.
    pub(super) fn again(
        &self,
        evaluations: &Evaluations<'_>,
        cotangent: &[f64],
    ) -> Result<(), String> {
        let results = |i: usize| self.result_entry(i);
        let what = "the call, done again";
        let found = self.plain.call(self.point).ok_or(OUTSIDE)?;
        self.same(what, &results, &found, &evaluations.here.value)?;
        let elsewhere = self.along(self.direction, 0.01);
        if self.record.forward {
            let (value, push) = self.plain.pushforward(self.point).ok_or(OUTSIDE)?;
            let first = push(self.direction);
            drop(self.plain.pushforward(&elsewhere));
            self.same(what, &results, &value, &evaluations.here.value)?;
            let what = "the forward rule, done again";
            self.same(what, &results, &push(self.direction), &first)?;
            self.same(what, &results, &(evaluations.here.push)(self.direction), &first)?;
        }
        if self.record.reverse {
            let (_, pull) = self.plain.pullback(self.point).ok_or(OUTSIDE)?;
            let first = pull(cotangent, &self.zeros(), &|_| true).concat();
            drop(self.plain.pullback(&elsewhere));
            let name = |i: usize| self.argument_entry(i);
            for pull in [&pull, &evaluations.here.pull] {
                let found = pull(cotangent, &self.zeros(), &|_| true).concat();
                self.same("the reverse rule, done again", &name, &found, &first)?;
            }
        }
        Ok(())
    }

    /// The rules that are expressions, against those in code.
    pub(super) fn expressions(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let arguments = self.by_argument(self.point);
        let numbers =
            arguments.iter().zip(self.constants).map(|(numbers, constant)| match numbers[..] {
                [x] => Some(x),
                [] => *constant,
                _ => None,
            });
        let numbers: Option<Vec<f64>> = numbers.collect();
        let (Some(numbers), [value]) = (numbers, &evaluations.here.value[..]) else {
            return Ok(());
        };
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
                Quantity::new(vec![pulled.numbers[place]], move || vec![pulled.noise()[place]])
            };
            let name = self.record.arguments[argument].name;
            let what = format!("the derivative by {name} as an expression against the rule");
            let noise = |i: usize| expected.noise()[i];
            let slack = |i: usize, noise| 10.0 * self.slack(found, expected.numbers[i], noise);
            let name = |_| "it".into();
            self.agree_despite(&what, &name, &[found], &expected.numbers, noise, slack)?;
        }
        Ok(())
    }

    /// What the general texts give: a kernel is more careful where they lose digits.
    pub(super) fn text<'a>(&self, evaluations: &'a Evaluations<'_>) -> Quantity<'a> {
        let plain = self.values(evaluations);
        if !self.special {
            return plain;
        }
        let (scale, count) = (size(&plain.numbers).max(1.0), plain.numbers.len());
        plain.noisier(move || vec![1e-9 * scale; count])
    }
}

/// The size of a square matrix of so many real numbers, and how many an entry has.
fn square(count: usize) -> Option<(usize, usize)> {
    // No square is twice another.
    [1, 2].into_iter().find_map(|parts| {
        let size = (count / parts).isqrt();
        (size * size * parts == count).then_some((size, parts))
    })
}
