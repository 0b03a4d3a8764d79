//! A library that `listing` has among its dependencies and never names.

use difrules_core::primitive;

/// -x.
#[primitive(partial = |_| -1.0)]
pub fn negated(x: f64) -> f64 {
    -x
}
