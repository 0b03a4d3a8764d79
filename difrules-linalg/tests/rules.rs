//! Every primitive of this crate, a test each.

difrules_core::test_rules!(difrules_linalg);
