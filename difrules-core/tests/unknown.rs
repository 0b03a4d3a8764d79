//! A derivative that nobody knows is a typed error when it is asked for, and only then.

use std::any::Any;
use std::panic::catch_unwind;

use difrules_core::math::{besselj, hankelh1};
use difrules_core::registry::{CallError, Partial, UnknownPartial};
use difrules_core::{Dual, Var, find, gradient, jvp};

const MESSAGE: &str = "the derivative of the primitive `difrules_core::math::besselj` by its \
                       argument `order` is not known; make that argument a constant";

fn message(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(run).expect_err("asked for what nobody knows");
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn the_other_argument_is_differentiated_by() {
    let exact = (besselj(1.5, 2.0) - besselj(3.5, 2.0)) / 2.0;
    let by_x = gradient(|x| besselj(Var::constant(2.5), *x), &2.0_f64);
    assert!((by_x - exact).abs() < 1e-15);
    let (_, by_x) = jvp(|x| besselj(Dual::constant(2.5), *x), &2.0_f64, &1.0);
    assert!((by_x - exact).abs() < 1e-15);
    // A tangent that is zero does not ask.
    let (_, by_x) = jvp(|p| besselj(p[0], p[1]), &[2.5, 2.0_f64], &[0.0, 1.0]);
    assert!((by_x - exact).abs() < 1e-15);
}

#[test]
fn what_is_unused_does_not_ask_in_reverse_mode() {
    let by = gradient(
        |p: &[Var<f64>; 2]| {
            let _unused = besselj(p[0], p[1]);
            p[0] * p[1]
        },
        &[2.5, 2.0],
    );
    assert_eq!(by, [2.0, 2.5]);
}

#[test]
fn asking_is_a_panic_with_the_error_in_a_mode() {
    let asked = message(|| {
        gradient(|p: &[Var<f64>; 2]| besselj(p[0], p[1]), &[2.5, 2.0]);
    });
    assert_eq!(asked, MESSAGE);
    let asked = message(|| {
        jvp(|order| besselj(*order, Dual::constant(2.0)), &2.5_f64, &1.0);
    });
    assert_eq!(asked, MESSAGE);
    let asked = message(|| {
        gradient(|p: &[Var<f64>; 2]| hankelh1(p[0], p[1]).im, &[2.5, 2.0]);
    });
    assert!(asked.contains("hankelh1") && asked.contains("`order`"), "{asked}");
    // The tapes are as they were.
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn asking_is_a_typed_error_in_a_call() {
    let record = find("besselj", 2).unwrap();
    assert!(matches!(record.partials, [Partial::Unknown, Partial::Known(_)]));
    let instance = record.instance("f64").unwrap();
    let (mut order, mut x, mut y, mut tangent) = (2.5_f64, 2.0_f64, 0.0_f64, 0.0_f64);
    let mut one = 1.0_f64;
    let mut forward = |asked: Option<&mut dyn Any>| {
        instance.forward(
            &mut [&mut order, &mut x],
            &mut [asked, Some(&mut 1.0_f64)],
            &mut y,
            &mut tangent,
        )
    };
    forward(None).unwrap();
    forward(Some(&mut 0.0_f64)).unwrap();
    let error = forward(Some(&mut one)).unwrap_err();
    let CallError::UnknownPartial(UnknownPartial { primitive, argument, .. }) = error else {
        panic!("{error}")
    };
    assert_eq!((primitive, argument), (record.path, "order"));
    let pullback = instance.reverse(&mut [&mut order, &mut x], &mut y).unwrap();
    let (mut by_order, mut by_x) = (0.0_f64, 0.0_f64);
    pullback.pull(&1.0_f64, &mut [None, Some(&mut by_x)]).unwrap();
    pullback.pull(&0.0_f64, &mut [Some(&mut by_order), Some(&mut by_x)]).unwrap();
    let error = pullback.pull(&1.0_f64, &mut [Some(&mut by_order), Some(&mut by_x)]).unwrap_err();
    assert!(matches!(error, CallError::UnknownPartial(_)), "{error}");
}
