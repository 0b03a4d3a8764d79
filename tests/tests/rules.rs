//! Every primitive of difrules-linalg, a test each. It is here because the checks of all instances take
//! longer to compile than the crate itself, and its examples and other tests would compile them too.

difrules_core::test_rules!(difrules_linalg);
