//! Every primitive of the crate keeps the properties of a rule.

use difrules_core::testing::check_all;

#[test]
fn all_rules_hold() {
    difrules_linalg::nrm2(&nalgebra::dvector![1.0]);
    check_all(|record| record.path.starts_with("difrules_linalg::")).assert();
}
