//! What a primitive does not have.

use super::{Mode, Record};

/// A derivative that nobody knows was asked for: what a mode panics with, when its tangent or its
/// adjoint is not zero.
///
/// ```should_panic
/// # use difrules_core::{gradient, math::zeta};
/// // The derivative of the Hurwitz zeta function by its first argument.
/// gradient(|s| zeta(*s, s.clone()), &2.0_f64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the derivative of the primitive `{primitive}` by its argument `{argument}` is not known; make \
     that argument a constant"
)]
#[non_exhaustive]
pub struct UnknownPartial {
    /// The primitive's path.
    pub primitive: &'static str,
    /// The argument's name.
    pub argument: &'static str,
}

impl UnknownPartial {
    /// What a mode says; `argument` is one of the primitive's.
    #[doc(hidden)]
    #[must_use]
    pub fn of(record: &'static Record, argument: usize) -> Self {
        Self { primitive: record.path, argument: record.arguments[argument].name }
    }
}

/// A rule that a primitive does not have was asked for: what a mode panics with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the primitive `{primitive}` has no {mode} rule; give it one with `#[primitive({mode} = ..)]`"
)]
#[non_exhaustive]
pub struct MissingRule {
    /// The primitive's path.
    pub primitive: &'static str,
    /// The mode whose rule is missing.
    pub mode: Mode,
}
