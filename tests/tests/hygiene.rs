//! The expansion stands in the user's scope and disturbs nothing there.
#![deny(missing_docs, warnings, clippy::pedantic)]

use difrules_core::testing::check;
use difrules_core::{Differentiable, Real, find, gradient, primitive};
use nalgebra::{DMatrixView, DVector, SVector};

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
    forward = |outputs, _, tangents| { tangents + (outputs - outputs) },
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

/// A structure with fields named like the expansion's own values.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Pair<T> {
    /// A number.
    pub next: T,
    /// Numbers.
    pub reals: DVector<T>,
    /// No number.
    #[constant]
    pub shape: String,
}

/// Every form of argument, under the names of the expansion and of rules.
#[primitive(
    forward = |_, _, _, _, y_dot, tape_dot, cotangent_dot| {
        let sum = tape_dot.sum() + cotangent_dot.next;
        Some(y_dot.iter().fold(sum, |sum, y| sum + *y)).unwrap_or(sum)
    },
    instances(f64),
    sample = |random| {
        let pair = Pair { next: random.normal(), reals: random.vector(2), shape: String::new() };
        (vec![random.normal()], random.matrix(2, 2), pair)
    }
)]
#[must_use]
pub fn sums<'s, T: Real>(y: &'s [T], tape: DMatrixView<'s, T>, cotangent: &Pair<T>) -> Option<T> {
    Some(y.iter().fold(tape.sum() + cotangent.next, |sum, y| sum + *y))
}

/// A type with a primitive of its own.
pub struct Owner;

impl Owner {
    /// Three times x.
    #[primitive(partial = |_| nalgebra::convert(3.0), instances(f64), impl = Owner)]
    pub fn thrice<T: Real>(x: T) -> T {
        x * nalgebra::convert(3.0)
    }
}

mod shadows {
    //! A crate that has its own idea of everything.
    #![allow(dead_code, unused_macros, clippy::pedantic)]

    use difrules_core::{Differentiable, Real, primitive};

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

    #[derive(Clone, Differentiable)]
    struct Shadowed<T> {
        x: [T; 2],
        #[constant]
        shape: ::std::string::String,
    }

    /// The first of two.
    #[primitive(forward = |_, _, s_dot| s_dot.x[0], instances(f64), sample = |random| Shadowed {
        x: [random.normal(), random.normal()],
        shape: ::std::string::String::new(),
    })]
    fn shadowed_first<T: Real>(s: &Shadowed<T>) -> ::core::option::Option<T> {
        ::core::option::Option::Some(s.x[0])
    }

    /// The square.
    #[primitive(partial = |x| x + x, instances(f32, f64))]
    pub(super) fn shadowed_square<T: Real>(x: T) -> T {
        x * x
    }
}

#[test]
fn names_do_not_meet() {
    let names = [
        ("identity", 1),
        ("double", 1),
        ("match", 3),
        ("shadowed_square", 1),
        ("shadowed_first", 1),
        ("sums", 3),
        ("thrice", 1),
    ];
    for (name, arity) in names {
        check(find(name, arity).expect("registered")).assert();
    }
    assert_eq!(find("match", 3).map(|record| record.arguments[2].name), Ok("loop"));
    assert!((gradient(|x| Owner::thrice(*x), &1.0_f64) - 3.0).abs() < 1e-12);
    assert!((identity(2.0) + shadows::shadowed_square(3.0) - 11.0_f64).abs() < 1e-12);
    assert!((r#match::<f64, 3>(2.0, 3.0, String::new()) - 6.0).abs() < 1e-12);
    assert!((double(&DVector::from_element(1, 2.0)).sum() - 4.0_f64).abs() < 1e-12);
}
