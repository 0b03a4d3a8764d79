//! Elementary functions of complex numbers, with holomorphic rules, against mpmath (`data/complex.tsv`: see the script that
//! made it): values, and first and second derivatives by nested `Dual`s in the parts; in reverse mode the conjugate of the
//! derivative.

use std::any::Any;

use difrules_core::{Dual, Real, Var, find, gradient, math};
use nalgebra::Complex;

/// Calls a function by its name.
fn call<R: Real>(name: &str, z: &[Complex<R>]) -> Complex<R> {
    macro_rules! by_name {
        ($($one:ident)*) => {
            match (name, z) {
                $((stringify!($one), &[z]) => math::$one(z),)*
                ("powf", &[z, w]) => math::powf(z, w),
                ("div", &[z, w]) => math::div(z, w),
                ("powi", &[z, n]) => math::powi(z, n.re.to_f64() as i32),
                _ => panic!("{name}"),
            }
        };
    }
    by_name!(sqrt cbrt recip exp exp2 exp10 exp_m1 ln ln_1p log2 log10 sin cos tan sec csc cot sinpi
        cospi asin acos atan sinh cosh tanh sech csch coth asinh acosh atanh sinc)
}

type Second = Dual<Dual<f64>>;

/// A number that varies along the real axis in both modes.
fn varied(z: Complex<f64>, varies: bool) -> Complex<Second> {
    let d = if varies { 1.0 } else { 0.0 };
    let constant = |x: f64| Dual::constant(Dual::constant(x));
    let re = Dual::new(Dual::new(z.re, [d]), [Dual::constant(d)]);
    Complex::new(re, constant(z.im))
}

fn numbers(text: &str) -> Vec<Complex<f64>> {
    let parts: Vec<f64> = text.split(',').map(|x| x.parse().expect("a number")).collect();
    parts.chunks(2).map(|pair| Complex::new(pair[0], pair[1])).collect()
}

#[test]
fn values_and_derivatives_agree_with_mpmath() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in include_str!("data/complex.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let (name, point) = (fields[0], numbers(fields[1]));
        let expected: Vec<_> = fields[2..].iter().map(|text| numbers(text)[0]).collect();
        let mut compare = |what: &str, found: Complex<f64>, exact: Complex<f64>, floor: f64| {
            let error = (found - exact).norm();
            if error.is_nan() || error > 1e-12 * exact.norm() + floor {
                wrong.push(format!(
                    "{name} {point:?} {what}: {found}, not {exact}: {:.1e}",
                    error / exact.norm()
                ));
            }
        };
        // What the rounding of the arguments does to each number is about the next derivative.
        let size = point[0].norm();
        let floor =
            |k: usize| 4.0 * f64::EPSILON * size * expected.get(k + 1).map_or(0.0, |y| y.norm());
        for by in 0..if name == "powf" { 2 } else { 1 } {
            let z: Vec<_> = point.iter().enumerate().map(|(i, z)| varied(*z, i == by)).collect();
            let y = call(name, &z);
            let value = Complex::new(y.re.value.value, y.im.value.value);
            let first = Complex::new(y.re.value.tangents[0], y.im.value.tangents[0]);
            let second = Complex::new(y.re.tangents[0].tangents[0], y.im.tangents[0].tangents[0]);
            if by == 0 {
                compare("value", value, expected[0], floor(0));
                compare("first derivative", first, expected[1], floor(1));
                // The third derivative is about the square of the second over the first.
                let third = expected[2].norm_sqr() / expected[1].norm().max(f64::MIN_POSITIVE);
                compare(
                    "second derivative",
                    second,
                    expected[2],
                    4.0 * f64::EPSILON * size * third,
                );
            } else {
                compare(
                    "derivative by the exponent",
                    first,
                    expected[3],
                    4.0 * f64::EPSILON * expected[3].norm() * size,
                );
            }
        }
        // Reverse mode: the gradient of Re(y) is the conjugate of the derivative.
        if name != "powi" && name != "powf" {
            let re = |z: &[Var<f64>; 2]| call(name, &[Complex::new(z[0], z[1])]).re;
            let by = gradient(re, &[point[0].re, point[0].im]);
            compare("reverse mode", Complex::new(by[0], -by[1]), expected[1], floor(1));
        }
        // The registry's own instance.
        if name != "powi" {
            let instance = find(name, point.len()).unwrap().instance("Complex<f64>").expect(name);
            let mut given = point.clone();
            let mut given: Vec<_> = given.iter_mut().map(|z| z as &mut dyn Any).collect();
            let (mut y, mut slope) = (Complex::new(0.0, 0.0), Complex::new(0.0, 0.0));
            let mut one = Complex::new(1.0, 0.0);
            let mut tangents: Vec<Option<&mut dyn Any>> = point.iter().map(|_| None).collect();
            tangents[0] = Some(&mut one);
            instance.forward(&mut given, &mut tangents, &mut y, &mut slope).expect(name);
            compare("the instance's value", y, expected[0], floor(0));
            compare("the instance's forward rule", slope, expected[1], floor(1));
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 250, "{checked}");
}

/// Whether a number is what it should be, each part beside the other: an infinity is one, and what is below the doubles is 0.
fn agrees(found: Complex<f64>, exact: Complex<f64>) -> bool {
    let finite = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
    let size = finite(exact.re).max(finite(exact.im));
    let part = |found: f64, exact: f64| {
        found == exact
            || (found - exact).abs() <= 2e-12 * size + 1e-322
            || exact.is_infinite() && found.abs() > 1.7e308
    };
    part(found.re, exact.re) && part(found.im, exact.im)
}

/// Large and small numbers: in plain numbers, in forward and in reverse mode, and nested.
#[test]
fn nothing_overflows_or_underflows_on_the_way() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in include_str!("data/complex_far.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let (name, point) = (fields[0], numbers(fields[1]));
        let (value, slope) = (numbers(fields[2])[0], numbers(fields[3])[0]);
        let mut compare = |what: &str, found: Complex<f64>, exact: Complex<f64>| {
            if !agrees(found, exact) {
                wrong.push(format!("{name} {point:?} {what}: {found}, not {exact}"));
            }
        };
        compare("value", call(name, &point), value);
        let z: Vec<_> = point.iter().enumerate().map(|(i, z)| varied(*z, i == 0)).collect();
        let y = call(name, &z);
        compare("value in a mode", Complex::new(y.re.value.value, y.im.value.value), value);
        checked += 1;
        // Where a part of it overflows, its product with a tangent has no value.
        if !(slope.re.is_finite() && slope.im.is_finite()) {
            continue;
        }
        compare("derivative", Complex::new(y.re.value.tangents[0], y.im.value.tangents[0]), slope);
        let re = |z: &[Var<f64>; 2]| {
            let mut all: Vec<_> = point
                .iter()
                .map(|z| Complex::new(Var::constant(z.re), Var::constant(z.im)))
                .collect();
            all[0] = Complex::new(z[0], z[1]);
            call(name, &all).re
        };
        let by = gradient(re, &[point[0].re, point[0].im]);
        compare("reverse mode", Complex::new(by[0], -by[1]), slope);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 250, "{checked}");
}

#[test]
fn powers_of_zero() {
    let zero = Complex::new(0.0_f64, 0.0);
    let two = Complex::new(2.0_f64, 0.0);
    assert_eq!(math::powf(zero, two), zero);
    assert_eq!(math::powf(zero, zero), Complex::new(1.0, 0.0));
    assert!(!math::powf(zero, -two).re.is_finite());
    for by in 0..2 {
        let y = call("powf", &[varied(zero, by == 0), varied(two, by == 1)]);
        assert_eq!((y.re.value.tangents, y.im.value.tangents), ([0.0], [0.0]), "{by}");
    }
    let second = call("powf", &[varied(zero, true), varied(two, false)]);
    assert_eq!(second.re.tangents[0].tangents, [2.0]);
}

#[test]
fn values_next_to_branch_points_and_at_the_ends_of_the_range() {
    fn close(found: Complex<f64>, (re, im): (f64, f64)) {
        for (found, expected) in [(found.re, re), (found.im, im)] {
            let close = (found - expected).abs() <= 4e-16 * expected.abs();
            assert!(close, "{found:e} for {expected:e}");
        }
    }
    let at = Complex::new;
    let quarter = std::f64::consts::FRAC_PI_4;
    // By mpmath.
    close(math::atanh(at(1.0, 1e-200)), (230.605_082_889_684_54, quarter));
    close(math::atanh(at(1.0, 1e-155)), (178.796_918_297_318_5, quarter));
    close(math::atan(at(1e-300, 1.0)), (quarter, 345.734_337_539_386_85));
    close(math::asin(at(0.95, 1e-200)), (0.95_f64.asin(), 3.202563076101741e-200));
    close(math::asinh(at(1e-200, 0.95)), (3.202563076101741e-200, 0.95_f64.asin()));
    close(math::ln_1p(at(1.7e308, 1.7e308)), (710.073_410_483_508_2, quarter));
    let on_the_circle = math::ln_1p(at(-0.8, 0.9797958971132712));
    assert!((on_the_circle.re + 5.036_216_829_464_981e-17).abs() < 1e-31, "{on_the_circle}");
    let far = math::powf(at(1.7e308, 1.7e308), at(2.0, 0.0));
    assert!(far.re == 0.0 && far.im == f64::INFINITY, "{far}");
}
