//! Zero is strong: what is not used contributes nothing, whatever its partial derivative is, and powers and logarithms are
//! right at 0 to the second order, where they have derivatives.

use difrules_core::math::{ln, powf, powi, sqrt, xlogx, xlogy};
use difrules_core::{Dual, Real, Var, gradient, jvp};

type Second = Dual<Dual<f64>>;

/// x with both directions along it.
fn twice(x: f64) -> Second {
    Dual::new(Dual::new(x, [1.0]), [Dual::constant(1.0)])
}

/// Value, first and second derivative in forward mode, and the first in reverse mode over it.
fn derivatives(
    f: impl Fn(Second) -> Second,
    g: impl Fn(Var<Dual<f64>>) -> Var<Dual<f64>>,
    x: f64,
) -> [f64; 3] {
    let y = f(twice(x));
    let (slope, curvature) = jvp(|x: &Dual<f64>| gradient(|x| g(*x), x), &x, &1.0);
    let found = [y.value.value, y.value.tangents[0], y.tangents[0].tangents[0]];
    let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
    assert!(same(slope, found[1]) && same(curvature, found[2]), "{slope} {curvature} {found:?}");
    found
}

macro_rules! derivatives {
    (|$x:ident| $body:expr, $at:expr) => {
        derivatives(|$x| $body, |$x| $body, $at)
    };
}

#[test]
fn what_is_unused_contributes_nothing() {
    // The root has an infinite derivative at 0, and no value below.
    for at in [1.0, 0.5] {
        let found = derivatives!(
            |x| {
                let _unused = sqrt(x - nalgebra::one());
                x
            },
            at
        );
        assert_eq!(found, [at, 1.0, 0.0]);
        let found = derivatives!(
            |x| {
                let unused = sqrt(x - nalgebra::one());
                if at < 2.0 { x } else { unused }
            },
            at
        );
        assert_eq!(found, [at, 1.0, 0.0]);
    }
    // A zero tangent is not multiplied with an infinite or undefined partial.
    let constant = Dual::constant(0.0);
    assert_eq!(sqrt(constant).tangents, [0.0]);
    assert_eq!(ln(Dual::constant(-1.0)).tangents, [0.0]);
    let y = Dual::new(f64::NAN, [0.0]) * Dual::new(2.0, [0.0]);
    assert_eq!(y.tangents, [0.0]);
    // A zero cotangent neither.
    let by = gradient(
        |p: &[Var<f64>; 2]| p[0] * Var::constant(3.0) + sqrt(p[1]) * Var::constant(0.0),
        &[1.0, 0.0],
    );
    assert_eq!(by, [3.0, 0.0]);
}

#[test]
fn powers_at_zero() {
    let number = |x: f64| x;
    assert_eq!(derivatives!(|x| powi(x, 2), 0.0), [0.0, 0.0, 2.0]);
    assert_eq!(derivatives!(|x| powi(x, 1), 0.0), [0.0, 1.0, 0.0]);
    assert_eq!(derivatives!(|x| powi(x, 0), 0.0), [1.0, 0.0, 0.0]);
    assert_eq!(derivatives!(|x| powf(x, nalgebra::convert(number(2.0))), 0.0), [0.0, 0.0, 2.0]);
    assert_eq!(derivatives!(|x| powf(x, nalgebra::convert(number(1.0))), 0.0), [0.0, 1.0, 0.0]);
    assert_eq!(derivatives!(|x| powf(x, nalgebra::convert(number(3.0))), 0.0), [0.0, 0.0, 0.0]);
}

#[test]
fn powers_of_negative_numbers() {
    let number = |x: f64| x;
    assert_eq!(
        derivatives!(|x| powf(x, nalgebra::convert(number(3.0))), -2.0),
        [-8.0, 12.0, -12.0]
    );
    assert_eq!(
        derivatives!(|x| powf(x, nalgebra::convert(number(-1.0))), -2.0),
        [-0.5, -0.25, -0.25]
    );
    assert_eq!(derivatives!(|x| powi(x, 3), -2.0), [-8.0, 12.0, -12.0]);
    // A real exponent has no value there.
    assert!(powf(-2.0_f64, 0.5).is_nan());
}

#[test]
fn logarithms_times_zero() {
    // x ln(x) itself is 0 times infinity in floats; its primitive has the limit.
    assert_eq!(derivatives!(|x| xlogx(x), 0.0), [0.0, f64::NEG_INFINITY, f64::INFINITY]);
    assert_eq!(xlogy(0.0, 0.0), 0.0);
    // By y at x = 0: nothing changes.
    fn by_y<T: Real>(y: T) -> T {
        xlogy(T::zero(), y)
    }
    assert_eq!(derivatives!(|y| by_y(y), 0.0), [0.0, 0.0, 0.0]);
    // By x at y = 0.
    fn by_x<T: Real>(x: T) -> T {
        xlogy(x, T::zero())
    }
    assert_eq!(derivatives!(|x| by_x(x), 0.0), [0.0, f64::NEG_INFINITY, 0.0]);
    // At an ordinary y the mixed derivative is 1 / y.
    let mixed = xlogy(
        Dual::new(Dual::new(0.0, [1.0]), [Dual::constant(0.0)]),
        Dual::new(Dual::constant(4.0), [Dual::constant(1.0)]),
    );
    assert_eq!(mixed.tangents[0].tangents[0], 0.25);
}
