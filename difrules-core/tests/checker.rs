//! The checker finds rules that are wrong, each in the way that it should.

use difrules_core::testing::{check, check_all};
use difrules_core::{Real, Slot, find, primitive};
use nalgebra::DVector;

#[primitive(partial = |x| x.cos() * nalgebra::convert(1.000001), instances(f64))]
fn slightly_wrong<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(forward = |x, _, x_dot| x_dot * x.cos(), reverse = |x, _, y_bar| y_bar * x.sin(), instances(f64))]
fn not_adjoint<T: Real>(x: T) -> T {
    x.sin()
}

#[primitive(forward = |_, _, x_dot| x_dot.clone(), reverse = overwrites_reverse, reads(), instances(f64), sample = |random| random.vector(3))]
fn overwrites<T: Real>(x: &DVector<T>) -> DVector<T> {
    x.clone()
}

fn overwrites_reverse<T: Real>(
    y_bar: difrules_core::Cotangent<'_, DVector<T>>,
    x_bar: Slot<'_, DVector<T>>,
) {
    if let Some(mut x_bar) = x_bar.buffer() {
        x_bar.copy_from(&y_bar);
    }
}

#[primitive(forward = |x, y, _, x_dot, y_dot| x_dot * y + x * y_dot, reverse = entangled_reverse, instances(f64))]
fn entangled<T: Real>(x: T, y: T) -> T {
    x * y
}

fn entangled_reverse<T: Real>(x: T, y: T, _: T, z_bar: T, x_bar: Slot<'_, T>, y_bar: Slot<'_, T>) {
    let both = x_bar.is_wanted() && y_bar.is_wanted();
    x_bar.add(|| z_bar * y);
    y_bar.add(|| if both { z_bar * x } else { T::zero() });
}

#[primitive(partial = |x| frozen_cos(x), instances(f64))]
fn wrong_at_second_order<T: Real>(x: T) -> T {
    x.sin()
}

/// The cosine, but its own derivative is lost.
fn frozen_cos<T: Real>(x: T) -> T {
    nalgebra::convert(x.to_f64().cos())
}

#[primitive(partial = |x| x.cos(), instances(f64), kernel(f64 = other_sine))]
fn wrong_kernel<T: Real>(x: T) -> T {
    x.sin()
}

fn other_sine(x: f64) -> f64 {
    x.sin() + 1e-6
}

#[primitive(partial = |x| x.cos() + single_error(x), instances(f32))]
fn wrong_in_single_precision<T: Real>(x: T) -> T {
    x.sin()
}

/// An error at f32 alone.
fn single_error<T: Real>(_: T) -> T {
    if T::default_epsilon() > nalgebra::convert(1e-10) {
        nalgebra::convert(0.01)
    } else {
        T::zero()
    }
}

#[primitive(forward = |_, _, x_dot| x_dot.sum(), instances(f64))]
fn without_sample<T: Real>(x: &DVector<T>) -> T {
    x.sum()
}

/// A plain function at single precision.
#[primitive(partial = |x| 3.0 * x)]
fn wrong_plain_single(x: f32) -> f32 {
    x * x
}

/// A rule that makes something of nothing.
#[primitive(forward = |_, _, x_dot| x_dot + T::default_epsilon() * T::default_epsilon(), instances(f64))]
fn never_zero<T: Real>(x: T) -> T {
    x
}

/// The function that saves computes something else.
#[primitive(
    forward = |_, _, kept, x_dot| *kept * x_dot,
    saves = saves_another -> T,
    instances(f64)
)]
fn another<T: Real>(x: T) -> T {
    x * x
}

fn saves_another<T: Real>(x: T) -> (T, T) {
    (x * x + T::one(), x + x)
}

fn failure(name: &str, arity: usize) -> String {
    let report = check(find(name, arity).unwrap());
    assert_eq!(report.failures.len(), 1, "{report}");
    report.failures[0].to_string()
}

#[test]
fn wrong_rules_are_found() {
    let wrong = [
        ("slightly_wrong", 1, "forward rule against a finite difference by all arguments"),
        ("not_adjoint", 1, "pairing of the reverse rule"),
        ("overwrites", 1, "adding to a filled slot of x"),
        ("entangled", 2, "the slot of y when others are not wanted"),
        ("wrong_at_second_order", 1, "second order, forward over forward"),
        ("never_zero", 1, "the forward rule of zero tangents gives"),
        ("another", 1, "the call against the one that saves for the rules"),
        ("wrong_kernel", 1, "the general text against the kernel"),
    ];
    for (name, arity, property) in wrong {
        let failure = failure(name, arity);
        assert!(failure.contains(property), "{name}: {failure}");
        assert!(failure.contains("at f64, seed 0"), "{name}: {failure}");
        assert!(failure.contains("\n    at x = ["), "{name}: {failure}");
    }
}

#[test]
fn wrong_rules_in_single_precision_are_found() {
    let failure = failure("wrong_in_single_precision", 1);
    assert!(failure.contains("the forward rule at f32 against f64"), "{failure}");
    let failure = self::failure("wrong_plain_single", 1);
    assert!(failure.contains("forward rule against a finite difference"), "{failure}");
}

#[test]
fn what_is_not_checked_is_said() {
    let report = check_all(|record| record.name == "without_sample");
    assert_eq!(report.unchecked, ["checker::without_sample"]);
    assert!(std::panic::catch_unwind(|| report.assert()).is_err());
    assert!(std::panic::catch_unwind(|| check_all(|_| false).assert()).is_err());
}
