//! What the attribute says of a primitive beside its rules.

use super::{Checker, Evaluations};

/// What is said.
#[derive(Clone, Copy)]
pub(super) struct Claims {
    /// `pattern(places)`, which `entrywise` says too.
    pub(super) places: bool,
    /// `pattern(linear)`.
    pub(super) linear: bool,
    /// `resting`.
    pub(super) resting: bool,
}

impl Checker<'_> {
    /// What is said holds at a random point, by one tangent each.
    pub(super) fn keeps_claims(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        if self.special || !self.record.forward {
            return Ok(());
        }
        if self.claims.places {
            self.keeps_places(evaluations)?;
        }
        if self.claims.linear {
            self.is_linear(evaluations)?;
        }
        if self.claims.resting { self.rests(evaluations) } else { Ok(()) }
    }

    /// An entry of an argument moves that of the result which stands in its place, and no other.
    fn keeps_places(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let results = evaluations.here.value.len();
        let mut start = 0;
        for &size in self.sizes {
            let place = self.seed as usize % size.max(1);
            let entry = start + place;
            start += size;
            if size != results || size <= 2 || !self.known[entry] {
                continue;
            }
            let mut unit = vec![0.0; self.point.len()];
            unit[entry] = 1.0;
            // A complex number is two.
            let mut others = (evaluations.here.push)(&unit).into_iter().enumerate();
            let found = others.find(|(i, x)| i / 2 != place / 2 && *x != 0.0);
            if let Some((i, found)) = found {
                return Err(format!(
                    "`entrywise` or `pattern(places)` says that {} does not depend on {}, but its tangent is {found:e}",
                    self.result_entry(i),
                    self.argument_entry(entry)
                ));
            }
        }
        Ok(())
    }

    /// The forward rule leads to other values.
    fn is_linear(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let value = &evaluations.here.value;
        let there = self.plain.pushforward(&self.along(self.direction, 1.0));
        let slope = (evaluations.here.push)(self.direction);
        let all = value.iter().chain(&slope).fold(0.0, |all: f64, x| all.max(x.abs()));
        for (i, found) in there.map_or_else(Vec::new, |(y, _)| y).into_iter().enumerate() {
            let expected = value[i] + slope[i];
            if (found - expected).abs() > 1e-9 * all {
                return Err(format!(
                    "`pattern(linear)` says that the forward rule leads to other values, but {} is {found:e}, not \
                     {expected:e}",
                    self.result_entry(i)
                ));
            }
        }
        Ok(())
    }

    /// Nothing moves where no argument does.
    fn rests(&self, evaluations: &Evaluations<'_>) -> Result<(), String> {
        let found = (evaluations.here.push)(&vec![-0.0; self.point.len()]);
        match found.iter().position(|x| !(*x == 0.0 && x.is_sign_negative())) {
            None => Ok(()),
            Some(i) => Err(format!(
                "`resting` says that nothing moves where no argument does, but the tangent of {} is {:?}, not -0.0",
                self.result_entry(i),
                found[i]
            )),
        }
    }
}
