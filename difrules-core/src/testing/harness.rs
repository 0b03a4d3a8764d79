//! A test for every primitive of a crate.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use super::report::{POINTS, check_seeds};
use crate::registry::primitives;

/// The variable of the environment that chooses one point.
const SEED: &str = "DIFRULES_SEED";

/// Makes the `main` of a test without harness: one test for each primitive of these crates.
///
/// ```toml
/// [[test]]
/// name = "rules"
/// harness = false
/// ```
///
/// ```
/// // tests/rules.rs
/// # use difrules_core as my_crate;
/// difrules_core::test_rules!(my_crate);
/// ```
///
/// A primitive without instances has no test: nothing can call it.
///
/// `cargo test --test rules` then takes the names of primitives, `--list`, `--skip`, `--exact` and the
/// other options of Rust's own tests. A failure shows the primitive, what does not hold and by how
/// much, the point, and the seed that draws it: `DIFRULES_SEED=3 cargo test --test rules` checks
/// there alone.
#[macro_export]
macro_rules! test_rules {
    ($($name:ident),+ $(,)?) => {
        $(use $name as _;)+

        fn main() -> $crate::__private::std::process::ExitCode {
            $crate::testing::test_crates(&[$($crate::__private::core::stringify!($name)),+])
        }
    };
}

/// Runs one test for each registered primitive whose path starts with one of these crates, as the
/// command line says; see [`test_rules`](crate::test_rules).
pub fn test_crates(crates: &[&str]) -> ExitCode {
    let seeds = match std::env::var(SEED).map(|seed| seed.parse()) {
        Ok(Ok(seed)) => seed..seed + 1,
        Ok(Err(_)) => {
            eprintln!("{SEED} is the number that a failure shows");
            return ExitCode::FAILURE;
        }
        Err(_) => 0..POINTS,
    };
    let of = |path: &str| crates.contains(&path.split("::").next().unwrap_or_default());
    // Without an instance there is nothing to call.
    let records =
        primitives().iter().filter(|record| of(record.path) && !record.instances.is_empty());
    let tests: Vec<_> = records
        .map(|record| {
            let seeds = seeds.clone();
            Trial::test(record.path, move || {
                let report = check_seeds(record, seeds);
                let holds = report.failures.is_empty() && report.unchecked.is_empty();
                if holds { Ok(()) } else { Err(report.to_string().into()) }
            })
        })
        .collect();
    if tests.is_empty() {
        eprintln!("no primitive is registered by {}", crates.join(", "));
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
