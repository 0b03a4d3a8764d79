//! Checking rules.
//!
//! [`check_at`] checks one primitive at one point; [`check`] checks a registered primitive at all its
//! instances and several points, and [`check_all`] every primitive of the linked crates. The last
//! two need the feature `testing`, so that no user's release carries the checks:
//!
//! ```toml
//! [dev-dependencies]
//! difrules-core = { version = "0.1", features = ["testing"] }
//! ```
//!
//! The checks of all instances take longer to compile than the primitives, and cargo turns the features of
//! dev-dependencies on for examples too: where that is felt, give the test that follows a package of its own.
//!
//! Then one line makes a test of every primitive of a crate, which can be listed, chosen by name and
//! run in parallel as others are:
//!
//! ```toml
//! [[test]]
//! name = "rules"
//! harness = false
//! ```
//!
//! ```
//! // tests/rules.rs
//! # use difrules_core as my_crate;
//! difrules_core::test_rules!(my_crate);
//! ```

mod check;
mod difference;
#[cfg(feature = "testing")]
mod harness;
#[cfg(feature = "testing")]
pub(crate) mod recorded;
mod rules;
mod structure;

use std::fmt;

pub use check::{check_at, check_instance};
pub use difference::{Difference, difference};
#[cfg(feature = "testing")]
pub use harness::test_crates;

pub use crate::registry::{Check, Failure, Sample, Sampler};
use crate::registry::{Record, primitives};

/// The seeds that draw random points; those that follow draw special ones.
const GENERIC: u64 = 8;
/// How many points [`check`] tries at each instance.
const POINTS: u64 = GENERIC + 33;

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
/// # #[cfg(feature = "testing")]
/// difrules_core::testing::check(difrules_core::find("atan2", 2).unwrap()).assert();
/// ```
pub fn check(record: &'static Record) -> Report {
    check_seeds(record, 0..POINTS)
}

/// [`check`] at the points that these seeds draw.
///
/// ```
/// # #[cfg(feature = "testing")]
/// difrules_core::testing::check_seeds(difrules_core::find("exp", 1).unwrap(), 7..8).assert();
/// ```
pub fn check_seeds(record: &'static Record, seeds: std::ops::Range<u64>) -> Report {
    let mut report = Report::default();
    for instance in &record.instances {
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
/// # #[cfg(feature = "testing")]
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
