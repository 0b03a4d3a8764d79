//! Checks of what is registered, and what they found.

use std::fmt;

use super::Failure;
use super::check::{ALL, UNPLANTED};
use crate::registry::{Notion, Record, primitives};

/// How many points [`check`] tries at each instance.
pub(super) const POINTS: u64 = ALL;

/// What a check of registered primitives found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many instances were checked.
    pub checked: usize,
    /// The primitives that no one can check: they have no `sample`, or the feature `testing` was off
    /// when their crate was built.
    pub unchecked: Vec<&'static str>,
    /// What does not hold.
    pub failures: Vec<Failure>,
}

impl Report {
    /// Demands that all instances hold, that there is one, and that none was left unchecked.
    ///
    /// # Panics
    /// With the whole report, otherwise.
    pub fn assert(&self) {
        assert!(
            self.failures.is_empty() && self.unchecked.is_empty() && self.checked > 0,
            "{self}"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { checked, unchecked, failures } = self;
        writeln!(f, "{checked} instances checked, {} failures", failures.len())?;
        for failure in failures {
            writeln!(f, "  {failure}")?;
        }
        for primitive in unchecked {
            writeln!(
                f,
                "  {primitive}: not checked: no `sample`, or built without the feature `testing`"
            )?;
        }
        Ok(())
    }
}

/// Checks a registered primitive at all its instances, at several points each.
///
/// ```
/// difrules_core::testing::check(difrules_core::find("atan2", 2).unwrap()).assert();
/// ```
pub fn check(record: &'static Record) -> Report {
    check_seeds(record, 0..POINTS)
}

/// [`check`] at the points that these seeds draw.
///
/// ```
/// difrules_core::testing::check_seeds(difrules_core::find("exp", 1).unwrap(), 7..8).assert();
/// ```
pub fn check_seeds(record: &'static Record, seeds: std::ops::Range<u64>) -> Report {
    let mut report = Report::default();
    let has_numbers = record.arguments.iter().any(|argument| argument.notion() == Notion::Scalar);
    // Without a number there is nothing to plant.
    let seeds = seeds.filter(|seed| has_numbers || *seed < UNPLANTED);
    for instance in record.instances {
        let (Some(sample), Some(check)) = (instance.sample, instance.check) else {
            report.unchecked.push(record.path);
            continue;
        };
        report.checked += 1;
        let found = seeds.clone().find_map(|seed| check(sample, seed).err());
        report.failures.extend(found);
    }
    report
}

/// Checks the registered primitives of all linked crates that `wanted` chooses.
///
/// ```
/// difrules_core::testing::check_all(|record| record.name == "sin").assert();
/// ```
pub fn check_all(wanted: impl Fn(&Record) -> bool) -> Report {
    let mut whole = Report::default();
    for record in primitives().iter().filter(|record| wanted(record)) {
        let Report { checked, unchecked, failures } = check(record);
        whole.checked += checked;
        whole.unchecked.extend(unchecked);
        whole.failures.extend(failures);
    }
    whole
}
