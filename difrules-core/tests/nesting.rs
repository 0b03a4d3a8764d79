//! Numbers of two derivations do not mix.
#![cfg(debug_assertions)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use difrules_core::math::{hypot, sin};
use difrules_core::symbolic::{Expr, evaluate};
use difrules_core::{Dual, Var, hessian, hvp, jacobian, jvp};
use nalgebra::{Vector2, vector};

/// Whether it is refused, by the text that says what to do.
fn refused<Out>(f: impl FnOnce() -> Out) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { return false };
    let text = panic.downcast_ref::<&str>().expect("a text");
    assert!(text.contains("different derivations in one operation") && text.contains("nest"));
    true
}

#[test]
fn a_captured_dual_is_refused() {
    let inner = |f: &dyn Fn(Dual<f64>, Dual<f64>) -> Dual<f64>| {
        refused(|| jvp(|x| *x * Dual::constant(jvp(|y| f(*x, *y), &1.0, &1.0).1), &1.0_f64, &1.0))
    };
    assert!(inner(&|x, y| x + y) && inner(&|x, y| x * y) && inner(&|x, y| y - x));
    // By a primitive, within containers, by an expression, in an inner Hessian or Jacobian.
    assert!(inner(&|x, y| hypot(x, y)) && inner(&|x, y| y / x));
    assert!(inner(&|x, y| vector![x, y].norm_squared()));
    let product: Expr = "hypot(x, y)".parse().unwrap();
    assert!(inner(&|x, y| evaluate(&product, &[("x", x), ("y", y)]).unwrap()));
    assert!(refused(|| {
        hvp(
            |x| {
                let inner = hvp(|y| Var::constant(x.value()) * *y * *y, &1.0_f64, &1.0);
                *x * Var::constant(Dual::constant(inner))
            },
            &1.0_f64,
            &1.0,
        )
    }));
    assert!(refused(|| {
        jacobian(
            |x: &Vector2<Dual<f64, 4>>| {
                let inner = jacobian(|y: &Vector2<_>| [x[0] * y[0]], &vector![1.0, 2.0]);
                [Dual::<f64, 4>::constant(inner[0])]
            },
            &vector![1.0, 2.0],
        )
    }));
}

#[test]
fn what_nests_is_right() {
    // d/dx [x d/dy (x + y)] is 1.
    let by_x = jvp(
        |x| {
            let one = Dual::constant(1.0);
            *x * jvp(|y| Dual::constant(*x) + *y, x, &one).1
        },
        &1.0_f64,
        &1.0,
    );
    assert_eq!(by_x.1, 1.0);
    // A whole derivation inside of another that takes values alone, and again after it.
    let found = jvp(
        |x| {
            let slope = jvp(|y| sin(*y), &x.value, &1.0).1;
            *x * Dual::constant(slope)
        },
        &1.0_f64,
        &1.0,
    );
    assert_eq!(found.1, 1.0_f64.cos());
    // Constants, and numbers made by hand, are of no derivation.
    assert_eq!(jvp(|x| *x * Dual::new(2.0, [3.0]), &1.0_f64, &1.0).1, 5.0);
    // One after the other, with the same tape's memory.
    for _ in 0..3 {
        assert_eq!(hessian(|x| *x * *x - *x + (*x - *x) * *x, &2.0_f64)[0], 2.0);
        assert_eq!(hvp(|x| *x * *x * *x, &2.0_f64, &1.0), 12.0);
    }
}

/// A number that is made by hand is of no derivation until it meets one.
#[test]
fn a_dual_made_by_hand_becomes_one_of_what_it_meets() {
    // A rule by hand.
    let sine = |x: Dual<f64>| Dual::new(x.value.sin(), [x.value.cos() * x.tangents[0]]);
    let (value, slope) = jvp(|x| sine(*x) * *x, &0.5_f64, &1.0);
    assert_eq!((value, slope), (0.5_f64.sin() * 0.5, 0.5_f64.cos() * 0.5 + 0.5_f64.sin()));
    let hand = || Dual::new(2.0, [1.0]);
    let joined = |f: &dyn Fn(Dual<f64>, Dual<f64>) -> Dual<f64>| {
        refused(|| {
            jvp(|x| *x * Dual::constant(jvp(|y| f(*x, hand()) * *y, &1.0, &1.0).1), &1.0_f64, &1.0)
        })
    };
    assert!(joined(&|x, hand| x + hand) && joined(&|x, hand| hand / x));
    assert!(joined(&hypot) && joined(&|x, hand| vector![hand, x].norm_squared()));
    assert!(joined(&|x, _| x) && !joined(&|_, hand| hand * hand));
}

#[test]
fn a_captured_dual_is_no_result() {
    let inner = |f: &dyn Fn(Dual<f64>, Dual<f64>) -> Dual<f64>| {
        refused(|| jvp(|x| *x * Dual::constant(jvp(|y| f(*x, *y), &1.0, &1.0).1), &1.0_f64, &1.0))
    };
    assert!(inner(&|x, _| x) && inner(&|x, y| if y < x { x } else { x + Dual::constant(1.0) }));
    let mut kept = None;
    jvp(
        |x| {
            kept = Some(*x);
            *x
        },
        &1.0_f64,
        &1.0,
    );
    assert!(refused(|| jvp(|_| kept.unwrap(), &1.0_f64, &1.0)));
    let cache = std::cell::Cell::new(None);
    assert!(refused(|| {
        jacobian(
            |x: &[Dual<f64, 4>; 5]| {
                let first = cache.get().unwrap_or(x[0]);
                cache.set(Some(first));
                [first]
            },
            &[1.0, 2.0, 3.0, 4.0, 5.0],
        )
    }));
}
