//! The one place from which rules report what has no derivative and what depends on a choice.

use std::borrow::Cow;

use difrules_core::{Defect, Diagnostic, Real, Scalar, gauge_tolerance, report};
use nalgebra::DMatrixViewMut;

/// The part of the whole below which nothing is reported: the setting, or the rounding of this precision.
pub(crate) fn tolerance<S: Real>() -> f64 {
    gauge_tolerance().max(100.0 * S::default_epsilon().to_f64())
}

/// Reports that what was left out has no derivative, unless it is rounding: `lost` of `all`.
pub(crate) fn report_undefined<S: Real, Reason: Into<Cow<'static, str>>>(
    primitive: &'static str,
    lost: f64,
    all: f64,
    reason: impl FnOnce() -> Reason,
) {
    if lost > tolerance::<S>() * all {
        report(Diagnostic::undefined(primitive, reason()));
    }
}

/// Reports that `gauge` of `all` of a cotangent depends on a choice, unless it is rounding; returns whether.
pub(crate) fn report_gauge<S: Real>(primitive: &'static str, gauge: f64, all: f64) -> bool {
    let reported = gauge > tolerance::<S>() * all;
    if reported {
        report(Diagnostic { primitive, defect: Defect::Gauge { size: gauge / all } });
    }
    reported
}

/// Reports that a rule's own elimination met a pivot of zero where that of the call did not, and leaves out what
/// it was for.
pub(crate) fn report_nearly_singular<T: Scalar>(
    primitive: &'static str,
    x: &mut DMatrixViewMut<'_, T>,
) {
    let reason = "the matrix is singular but for rounding: the derivative is left out";
    report(Diagnostic::undefined(primitive, reason));
    x.fill(T::zero());
}
