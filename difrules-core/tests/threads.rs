//! Threads that come and go, and what is dropped when they do.

use std::cell::{Cell, RefCell};
use std::sync::mpsc;

use difrules_core::symbolic::{Expr, evaluate};
use difrules_core::{Real, Recording, Var, gradient, hvp, primitive};
use nalgebra::DVector;

/// Takes a second derivative when it is dropped, and sends it.
struct AtExit(mpsc::Sender<f64>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.send(hvp(|x| *x * *x * *x, &2.0_f64, &1.0)).unwrap();
    }
}

thread_local! {
    static BEFORE: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    static AFTER: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

#[test]
fn a_destructor_of_a_thread_takes_derivatives() {
    let (sender, receiver) = mpsc::channel();
    // Whichever order the destructors run in: one is made before the tapes, one after them.
    let other = sender.clone();
    std::thread::spawn(move || {
        BEFORE.set(Some(AtExit(other)));
        assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
        assert_eq!(hvp(|x| *x * *x, &3.0_f64, &1.0), 2.0);
        AFTER.set(Some(AtExit(sender)));
    })
    .join()
    .unwrap();
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [12.0, 12.0]);
    assert_eq!(hvp(|x| *x * *x, &3.0_f64, &1.0), 2.0);
}

thread_local! {
    /// A number of the tape that is open.
    static NUMBER: Cell<Option<Var<f64>>> = const { Cell::new(None) };
}

/// A constant that computes with a number of the tape when it is dropped.
#[derive(Clone)]
struct Busy;

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(x) = NUMBER.get() {
            let _ = x * x + x;
        }
    }
}

/// 2 x, by a node.
#[primitive(
    forward = |_, _, _, x_dot| x_dot * nalgebra::convert::<f64, T>(2.0),
    reverse = |_, _, _, y_bar, x_bar| x_bar.add(|| y_bar * nalgebra::convert::<f64, T>(2.0)),
    constant(_busy),
    instances(f64)
)]
fn doubled<T: Real>(x: &DVector<T>, _busy: Busy) -> DVector<T> {
    x * nalgebra::convert::<f64, T>(2.0)
}

#[test]
fn a_constant_that_computes_when_it_is_dropped_does_no_harm() {
    let x = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    let found = gradient(
        |x: &DVector<Var<f64>>| {
            NUMBER.set(Some(x[0]));
            let y = doubled(x, Busy);
            let z = doubled(&y, Busy);
            NUMBER.set(None);
            y[0] * z[1] + z[2]
        },
        &x,
    );
    // 2 x_0 4 x_1 + 4 x_2
    assert_eq!(found.as_slice(), [16.0, 8.0, 4.0]);
}

#[test]
fn an_expression_is_replayed_elsewhere() {
    let expression: Expr = "select(x < 3, hypot(x, y) * sin(x) + erf(y), x) + x^2".parse().unwrap();
    let f = |p: &[Var<f64>; 2]| evaluate(&expression, &[("x", p[0]), ("y", p[1])]).unwrap();
    let mut recording = Recording::new(f, &[0.5, 2.0]);
    for p in [[0.5, 2.0], [1.5, -0.5], [2.5, 0.0]] {
        let mut by = [0.0; 2];
        let value = recording.value_and_gradient(&p, &mut by).unwrap();
        let expected = evaluate(&expression, &[("x", p[0]), ("y", p[1])]).unwrap();
        assert!((value - expected).abs() < 1e-15);
        let slopes = gradient(f, &p);
        for (found, expected) in by.iter().zip(slopes) {
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
    }
    // Where the condition comes out otherwise it is an error.
    assert!(recording.value(&[4.0, 1.0]).is_err());
}
