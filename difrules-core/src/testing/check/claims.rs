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
        let (value, push) = (&evaluations.here.value, &evaluations.here.push);
        if self.claims.places {
            let mut start = 0;
            for &size in self.sizes {
                let place = if size == 0 { 0 } else { self.seed as usize % size };
                if size == value.len() && size > 2 && self.known[start + place] {
                    let mut unit = vec![0.0; self.point.len()];
                    unit[start + place] = 1.0;
                    // A complex number is two.
                    let mut others = push(&unit).into_iter().enumerate();
                    let found = others.find(|(i, x)| i / 2 != place / 2 && *x != 0.0);
                    if let Some((i, found)) = found {
                        return Err(format!(
                            "`entrywise` or `pattern(places)` says that {} does not depend on {}, but its tangent is \
                             {found:e}",
                            self.result_entry(i),
                            self.argument_entry(start + place)
                        ));
                    }
                }
                start += size;
            }
        }
        if self.claims.linear {
            let there = self.plain.pushforward(&self.along(self.direction, 1.0));
            let slope = push(self.direction);
            for (i, found) in there.map_or_else(Vec::new, |(y, _)| y).into_iter().enumerate() {
                let expected = value[i] + slope[i];
                let all = value.iter().chain(&slope).fold(0.0, |all: f64, x| all.max(x.abs()));
                if (found - expected).abs() > 1e-9 * all {
                    return Err(format!(
                        "`pattern(linear)` says that the forward rule leads to other values, but {} is {found:e}, not \
                         {expected:e}",
                        self.result_entry(i)
                    ));
                }
            }
        }
        if self.claims.resting {
            let found = push(&vec![-0.0; self.point.len()]);
            if let Some(i) = found.iter().position(|x| !(*x == 0.0 && x.is_sign_negative())) {
                return Err(format!(
                    "`resting` says that nothing moves where no argument does, but the tangent of {} is {:?}, not -0.0",
                    self.result_entry(i),
                    found[i]
                ));
            }
        }
        Ok(())
    }
}
