//! `derivative!`: values and derivatives written out when this is compiled, against the modes.

use difrules_core::math::*;
use difrules_core::{Dual, Real, derivative, gradient, hessian, jvp};

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-14 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn one_variable() {
    for x in [-1.3_f64, 0.2, 2.0] {
        let (value, slope) = derivative!(tanh(x) * exp(-x * x) / (1.0 + x.powi(2)), x);
        let f = |x: &Dual<f64>| tanh(*x) * exp(-*x * *x) / (abs2(*x) + Dual::constant(1.0));
        let (y, y_dot) = jvp(f, &x, &1.0);
        assert!(close(value, y) && close(slope, y_dot), "{slope} {y_dot}");
    }
}

#[test]
fn several_variables_share_their_work() {
    let (sigma, rho, x) = (0.7_f64, -0.4, 1.1);
    let (value, by_sigma, by_rho) =
        derivative!(sigma ^ 2 * exp(rho * x) + ln(sigma) * atan2(rho, sigma), sigma, rho);
    let f = |p: &[difrules_core::Var<f64>; 2]| {
        let x = difrules_core::Var::constant(x);
        powi(p[0], 2) * exp(p[1] * x) + ln(p[0]) * atan2(p[1], p[0])
    };
    let by = gradient(f, &[sigma, rho]);
    assert!(close(value, sigma * sigma * (rho * x).exp() + sigma.ln() * rho.atan2(sigma)));
    assert!(close(by_sigma, by[0]) && close(by_rho, by[1]));
}

#[test]
fn functions_that_nalgebra_guards_at_zero() {
    let x = 0.8_f64;
    let (y, slope) = derivative!(cardinal_sine(x) + sinhc(x) * cosc(x) + stumpff(2, x * x), x);
    let f = |x: f64| x.sin() / x + x.sinh() / x * x.cos() / x + (1.0 - x.cos()) / (x * x);
    assert!(close(y, f(x)));
    let central = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6;
    assert!((slope - central).abs() < 1e-8, "{slope} {central}");
}

/// Of which `sinc` and `log` are not the functions of these names.
#[test]
fn methods_are_those_of_the_scalar() {
    use nalgebra::ComplexField;

    let (x, base) = (0.8_f64, 3.0_f64);
    let (y, slope) = derivative!(x.sinc() * x.log(base), x);
    assert!(close(y, ComplexField::sinc(x) * x.log(base)));
    let of_sinc = (x.cos() - x.sinc()) / x;
    assert!(close(slope, of_sinc * x.log(base) + x.sinc() / (x * base.ln())), "{slope}");
    assert_eq!(derivative!(sinc(x), x).0, sinc(x));
}

#[test]
fn higher_orders() {
    let x = 0.8_f64;
    let (y, y1, y2, y3, y4) = derivative!(sin(2.0 * x) * x, x; 4);
    let (s, c) = (2.0 * x).sin_cos();
    assert!(close(y, s * x) && close(y1, 2.0 * c * x + s) && close(y2, 4.0 * c - 4.0 * s * x));
    assert!(close(y3, -12.0 * s - 8.0 * c * x) && close(y4, -32.0 * c + 16.0 * s * x));
}

/// In a function that is generic over the scalar: a mode runs over it.
fn slope<T: Real>(x: T) -> T {
    derivative!(sqrt(1.0 + x * x), x).1
}

#[test]
fn any_scalar() {
    let x = 0.6_f64;
    let root = (1.0 + x * x).sqrt();
    assert!(close(slope(x), x / root));
    assert!(close(gradient(|x| slope(*x), &x), root.powi(-3)));
    assert!((slope(0.6_f32) - (x / root) as f32).abs() < 1e-7);
    let curvature =
        hessian(|x| sqrt(*x * *x + difrules_core::Var::constant(Dual::constant(1.0))), &x);
    assert!(close(curvature[(0, 0)], root.powi(-3)));
}

/// A Gaussian.
fn bell(t: f64) -> f64 {
    (-t * t).exp()
}

/// A function of two numbers.
fn mix(a: f64, b: f64) -> f64 {
    a * b + a
}

#[test]
fn functions_of_the_users_own() {
    let (x, y) = (0.3_f64, 0.9_f64);
    let (value, by_x, by_y) = derivative!(
        x * bell(2.0 * x) + mix(x, y * y),
        x,
        y,
        bell = |t, value| -2.0 * t * value,
        mix = (|_, b| b + 1.0, |a, _| a)
    );
    assert!(close(value, x * bell(0.6) + mix(x, y * y)));
    assert!(close(by_x, bell(0.6) * (1.0 - 8.0 * x * x) + y * y + 1.0));
    assert!(close(by_y, 2.0 * x * y));
}

#[test]
fn choices_and_constants() {
    let f = |x: f64| derivative!(if x < 0.0 { -x } else { x * x * std::f64::consts::PI }, x);
    assert_eq!(f(-2.0), (2.0, -1.0));
    assert!(close(f(3.0).1, 6.0 * std::f64::consts::PI));
    let n = 3;
    let x = 0.7_f64;
    let (_, slope, second) = derivative!(powi(x, n) + ldexp(x, 2), x; 2);
    assert!(close(slope, 3.0 * x * x + 4.0) && close(second, 6.0 * x));
}

#[test]
fn names_of_the_user_are_not_met() {
    let step0 = 2.0_f64;
    let step1 = 3.0_f64;
    assert_eq!(derivative!(step0 * step1 + step1, step0), (9.0, 3.0));
}

/// A module of the user's own, with names that the standard library and `math` have too.
mod material {
    pub(crate) const E: f64 = 210.0;
    pub(crate) const PI: f32 = 0.5;

    pub(crate) fn exp(x: f64) -> f64 {
        3.0 * x
    }
}

#[test]
fn a_users_own_names_are_the_users_own() {
    let x = 2.0_f64;
    assert_eq!(derivative!(material::E * x, x), (420.0, 210.0));
    assert_eq!(derivative!(material::PI * x + crate::derivative::material::E, x), (211.0, 0.5));
    assert_eq!(derivative!(x * std::f64::consts::E, x).1, std::f64::consts::E);
    const E: f64 = 7.0;
    assert_eq!(derivative!(E * x, x), (14.0, 7.0));
    assert_eq!(derivative!(material::exp(x) * x, x, exp = |_| 3.0), (12.0, 12.0));
}

#[test]
fn expressions_are_as_careful_as_rules() {
    let x = 20.0_f64;
    let (_, slope, second) = derivative!(tanh(x), x; 2);
    assert!(
        close(slope / 1.6993417021166355e-17, 1.0) && close(second / -3.398683404233271e-17, 1.0)
    );
    let (y, x) = (1e-200_f64, 1e-200);
    let (angle, by_y, by_x) = derivative!(atan2(y, x), y, x);
    assert_eq!(angle, std::f64::consts::FRAC_PI_4);
    assert!(close(by_y / 5e199, 1.0) && close(by_x / -5e199, 1.0));
    let zero = 0.0_f64;
    assert_eq!(derivative!(sinint(zero), zero), (0.0, 1.0));
    let one = 1.0_f64;
    assert_eq!(derivative!(spence(one), one), (0.0, -1.0));
    let y = 0.1_f64;
    assert_eq!(derivative!(rem(1.0, y), y).1, -9.0);
    let undefined = f64::NAN;
    assert!(derivative!(floor(undefined), undefined).1.is_nan());
}

#[test]
fn a_branch_that_is_not_taken_contributes_nothing() {
    let f = |x: f64| derivative!(sqrt(relu(x)), x);
    assert_eq!((f(-1.0), f(4.0)), ((0.0, 0.0), (2.0, 0.25)));
    let f = |x: f64| derivative!(relu(sqrt(x) - 1.0) + x, x);
    assert_eq!(f(0.0), (0.0, 1.0));
    let f = |x: f64| derivative!(ln(if x > 1.0 { x } else { 0.0 }), x);
    assert_eq!((f(0.5).1, f(2.0).1), (0.0, 0.5));
    let f = |x: f64| derivative!(max(sqrt(x), 1.0) * min(x, 2.0), x; 2);
    assert_eq!(f(0.0), (0.0, 1.0, 0.0));
    let deep = "sqrt(".to_owned() + &"relu(".repeat(2000) + "x" + &")".repeat(2001);
    let deep: difrules_core::symbolic::Expr = deep.parse().unwrap();
    let slope = difrules_core::symbolic::differentiate(&deep, "x").unwrap();
    let at = |x: f64| difrules_core::symbolic::evaluate(&slope, &[("x", x)]).unwrap();
    assert_eq!((at(-1.0), at(4.0)), (0.0, 0.25));
}
