//! Checking rules.
//!
//! `check_at` checks one primitive at one point; `check` checks a registered primitive at all its
//! instances and several points, and `check_all` every primitive of the linked crates. The first, and
//! `difference`, need the feature `checker`, the others `testing`, so that no user compiles the checks
//! who does not ask for them:
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

#[cfg(feature = "checker")]
mod check;
#[cfg(feature = "checker")]
mod difference;
#[cfg(feature = "testing")]
mod harness;
#[cfg(feature = "testing")]
pub(crate) mod recorded;
#[cfg(feature = "testing")]
mod report;
#[cfg(feature = "checker")]
mod rules;
#[cfg(feature = "checker")]
mod structure;

#[cfg(feature = "checker")]
pub use check::{check_at, check_instance};
#[cfg(feature = "checker")]
pub use difference::{Difference, difference};
#[cfg(feature = "testing")]
pub use harness::test_crates;
#[cfg(feature = "testing")]
pub use report::{Report, check, check_all, check_seeds};

pub use crate::registry::{Check, Failure, Sample, Sampler};
