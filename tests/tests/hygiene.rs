//! The expansion stands in the user's scope and disturbs nothing there.
#![deny(missing_docs, warnings, clippy::pedantic)]

use difrules_core::testing::check;
use difrules_core::{Real, find, primitive};
use nalgebra::{DVector, SVector};

mod random {
    //! Functions whose names the expansion uses for itself.

    use difrules_core::testing::Sampler;
    use difrules_core::{Cotangent, Slot};
    use nalgebra::DVector;

    pub(super) fn draw(random: &mut Sampler) -> DVector<f64> {
        random.vector(3)
    }

    pub(super) fn evaluation(tangent: &DVector<f64>) -> DVector<f64> {
        tangent * 2.0
    }

    pub(super) fn residual(y_bar: Cotangent<'_, DVector<f64>>, x_bar: Slot<'_, DVector<f64>>) {
        x_bar.add(|| y_bar * 2.0);
    }
}

use random::{draw, evaluation as tangents, residual as slots};

/// Names that the expansion uses too, and a body of one line.
#[primitive(
    forward = |outputs, _, tangents| { tangents + outputs - outputs },
    reverse = |_, _, cotangent| { cotangent },
    kernel(f64 = inputs),
    instances(f32, f64)
)]
#[must_use]
#[inline(always)]
#[allow(clippy::inline_always)]
pub fn identity<T: Real>(arguments: T) -> T {
    arguments
}

fn inputs(x: f64) -> f64 {
    x
}

/// Kernels beside rules, named like the expansion's own values.
#[primitive(
    forward = double_forward,
    reverse = double_reverse,
    reads(),
    kernel(forward(f64 = tangents), reverse(f64 = slots)),
    instances(f64),
    sample = draw
)]
fn double<T: Real>(shapes: &DVector<T>) -> DVector<T> {
    shapes * nalgebra::convert::<f64, T>(2.0)
}

fn double_forward<T: Real>(dot: &DVector<T>) -> DVector<T> {
    dot * nalgebra::convert::<f64, T>(2.0)
}

fn double_reverse<T: Real>(
    y_bar: difrules_core::Cotangent<'_, DVector<T>>,
    x_bar: difrules_core::Slot<'_, DVector<T>>,
) {
    x_bar.add(|| y_bar * nalgebra::convert::<f64, T>(2.0));
}

/// A const parameter that no argument shows, a raw name, and a constant that is moved.
#[primitive(
    partial = (|x, y, name, z| { let _ = name; if x == T::zero() { y } else { z / x } }, |x, _, _| x),
    constant(r#loop),
    instances(<f64, 3>),
    sample = |random| (random.positive(), random.normal(), String::from("constant"))
)]
fn r#match<T: Real, const N: usize>(x: T, y: T, r#loop: String) -> T {
    let _ = r#loop;
    x * y + SVector::<T, N>::zeros().sum()
}

mod shadows {
    //! A crate that has its own idea of everything.
    #![allow(dead_code, unused_macros, clippy::pedantic)]

    use difrules_core::{Real, primitive};

    struct Result;
    struct Option;
    struct Vec;
    struct Box;
    struct String;
    mod core {}
    mod std {}
    macro_rules! assert {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }

    /// The square.
    #[primitive(partial = |x| x + x, instances(f32, f64))]
    pub(super) fn shadowed_square<T: Real>(x: T) -> T {
        x * x
    }
}

#[test]
fn names_do_not_meet() {
    for (name, arity) in [("identity", 1), ("double", 1), ("match", 3), ("shadowed_square", 1)] {
        check(find(name, arity).expect("registered")).assert();
    }
    assert_eq!(find("match", 3).map(|record| record.arguments[2].name), Some("loop"));
    assert!((identity(2.0) + shadows::shadowed_square(3.0) - 11.0_f64).abs() < 1e-12);
    assert!((r#match::<f64, 3>(2.0, 3.0, String::new()) - 6.0).abs() < 1e-12);
    assert!((double(&DVector::from_element(1, 2.0)).sum() - 4.0_f64).abs() < 1e-12);
}
