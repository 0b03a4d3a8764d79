//! Elementary functions of complex numbers, with holomorphic rules, against mpmath (`data/complex.tsv`: see the script that
//! made it): values, and first and second derivatives by nested `Dual`s in the parts; in reverse mode the conjugate of the
//! derivative.

use std::any::Any;

use difrules_core::{Dual, Real, Var, find, gradient, hvp, jvp, math};
use nalgebra::Complex;

use crate::reference::near;

/// Calls a function by its name.
fn call<R: Real>(name: &str, z: &[Complex<R>]) -> Complex<R> {
    macro_rules! by_name {
        ($($one:ident)*) => {
            match (name, z) {
                $((stringify!($one), &[z]) => math::$one(z),)*
                ("powf", &[z, w]) => math::powf(z, w),
                ("div", &[z, w]) => math::div(z, w),
                ("mul", &[z, w]) => math::mul(z, w),
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

/// Whether a number is what it should be, each part for itself: an infinity is one, and what is below the doubles is 0.
fn agrees(found: Complex<f64>, exact: Complex<f64>) -> bool {
    let part = |found: f64, exact: f64| {
        near(found, exact, 1e-12)
            || (found - exact).abs() <= 1e-319
            || exact.abs() > 1.7e308 && found == exact.signum() * f64::INFINITY
    };
    part(found.re, exact.re) && part(found.im, exact.im)
}

/// The number as a constant of a mode.
fn constant<R: Real>(z: Complex<f64>) -> Complex<R> {
    Complex::new(nalgebra::convert(z.re), nalgebra::convert(z.im))
}

/// The derivative of a holomorphic function by its first argument, of that of one of its parts by both parts.
fn by_parts([by_re, by_im]: [f64; 2], of_im: bool) -> Complex<f64> {
    if of_im { Complex::new(by_im, by_re) } else { Complex::new(by_re, -by_im) }
}

/// Large and small numbers, on the axes and beside them: in plain numbers, in forward and in reverse mode, and nested. Each
/// part has all its digits.
#[test]
fn nothing_overflows_or_underflows_on_the_way() {
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for line in include_str!("data/complex_far.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let (name, point) = (fields[0], numbers(fields[1]));
        let expected: Vec<_> = fields[2..].iter().map(|text| numbers(text)[0]).collect();
        let (value, first, second) = (expected[0], expected[1], expected[2]);
        let mut compare = |what: &str, found: Complex<f64>, exact: Complex<f64>| {
            if !agrees(found, exact) {
                wrong.push(format!("{name} {point:?} {what}: {found:e}, not {exact:e}"));
            }
        };
        compare("value", call(name, &point), value);
        let at = [point[0].re, point[0].im];
        for of_im in [false, true] {
            // Along one of the axes.
            let mut z: Vec<Complex<Second>> = point.iter().map(|z| constant(*z)).collect();
            let part = if of_im { &mut z[0].im } else { &mut z[0].re };
            *part = Dual::new(Dual::new(part.value.value, [1.0]), [Dual::constant(1.0)]);
            let y = call(name, &z);
            compare("value in a mode", Complex::new(y.re.value.value, y.im.value.value), value);
            let slope = Complex::new(y.re.value.tangents[0], y.im.value.tangents[0]);
            let curve = Complex::new(y.re.tangents[0].tangents[0], y.im.tangents[0].tangents[0]);
            compare("derivative", if of_im { math::div(slope, I) } else { slope }, first);
            compare("second derivative", if of_im { -curve } else { curve }, second);
            // Of one of the parts.
            let slope = gradient(|z| part_of(name, z, &point, of_im), &at);
            compare("in reverse", by_parts(slope, of_im), first);
            let slope = |z: &[Dual<f64>; 2]| gradient(|z| part_of(name, z, &point, of_im), z);
            let (slope, curve) = jvp(slope, &at, &[1.0, 0.0]);
            compare("in reverse within forward", by_parts(slope, of_im), first);
            compare("the second in reverse", by_parts(curve, of_im), second);
        }
        if let Some(by_second) = expected.get(3) {
            let mut z: Vec<Complex<Dual<f64>>> = point.iter().map(|z| constant(*z)).collect();
            z[1].re = Dual::new(z[1].re.value, [1.0]);
            let y = call(name, &z);
            compare("by the second", Complex::new(y.re.tangents[0], y.im.tangents[0]), *by_second);
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 1300, "{checked}");
}

const I: Complex<f64> = Complex::new(0.0, 1.0);

/// The real or the imaginary part of a function, by the parts of its first argument.
fn part_of<R: Real>(name: &str, z: &[R; 2], point: &[Complex<f64>], im: bool) -> R {
    let mut arguments: Vec<_> = point.iter().map(|z| constant(*z)).collect();
    arguments[0] = Complex::new(z[0], z[1]);
    let y = call(name, &arguments);
    if im { y.im } else { y.re }
}

/// Poles, branch points and infinities: as C99 has the values, and undefined is not finite.
#[test]
fn edges() {
    const INFINITY: f64 = f64::INFINITY;
    let at = |re: f64, im: f64| Complex::new(re, im);
    let derivatives = |name: &str, z: Complex<f64>| {
        let moving = Complex::new(Dual::new(z.re, [1.0]), Dual::constant(z.im));
        let along = call(name, &[moving]);
        let back = gradient(|x| part_of(name, x, &[z], false), &[z.re, z.im]);
        let (along, back) = (at(along.re.tangents[0], along.im.tangents[0]), by_parts(back, false));
        let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
        assert!(same(along.re, back.re) && same(along.im, back.im), "{name} {z}: {along} {back}");
        along
    };
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};
    let zero = at(0.0, 0.0);
    for (name, z, value, slope) in [
        ("exp", at(-INFINITY, 1.0), zero, zero),
        ("exp", at(INFINITY, 0.0), at(INFINITY, 0.0), at(INFINITY, 0.0)),
        ("sqrt", at(INFINITY, -1.0), at(INFINITY, 0.0), zero),
        ("sqrt", at(-INFINITY, 1.0), at(0.0, INFINITY), zero),
        ("recip", at(-INFINITY, INFINITY), zero, zero),
        ("ln", at(0.0, -INFINITY), at(INFINITY, -FRAC_PI_2), zero),
        ("tan", at(1.0, INFINITY), at(0.0, 1.0), zero),
        ("tanh", at(-INFINITY, 1.0), at(-1.0, 0.0), zero),
        ("sech", at(INFINITY, 0.0), zero, zero),
        ("asin", at(INFINITY, INFINITY), at(FRAC_PI_4, INFINITY), zero),
        ("acos", at(INFINITY, INFINITY), at(FRAC_PI_4, -INFINITY), zero),
        ("acos", at(-INFINITY, -INFINITY), at(3.0 * FRAC_PI_4, INFINITY), zero),
        ("acosh", at(-INFINITY, INFINITY), at(INFINITY, 3.0 * FRAC_PI_4), zero),
        ("asinh", at(INFINITY, 2.0), at(INFINITY, 0.0), zero),
        ("atan", at(2.0, INFINITY), at(FRAC_PI_2, 0.0), zero),
        ("atanh", at(-INFINITY, -INFINITY), at(0.0, -FRAC_PI_2), zero),
    ] {
        let found = call(name, &[z]);
        assert!((found - value).norm() < 1e-15 || found == value, "{name} {z}: {found}");
        assert_eq!(derivatives(name, z), slope, "{name} {z}");
    }
    // At a pole or a branch point there is none, and of NaN neither.
    for (name, z) in [
        ("recip", zero),
        ("sqrt", zero),
        ("cbrt", zero),
        ("ln", zero),
        ("asin", at(1.0, 0.0)),
        ("acosh", at(-1.0, 0.0)),
        ("atanh", at(1.0, 0.0)),
        ("atan", at(0.0, 1.0)),
        ("csch", zero),
        ("cot", zero),
        ("exp", at(f64::NAN, 0.0)),
        ("sqrt", at(0.0, f64::NAN)),
        ("tan", at(f64::NAN, 1.0)),
        ("sinc", at(f64::NAN, f64::NAN)),
        // The angle matters at any finite height, and the side at any finite distance.
        ("tanh", at(1e200, f64::NAN)),
        ("tanh", at(1e200, f64::INFINITY)),
        ("tan", at(f64::NAN, -400.0)),
        ("atanh", at(1e200, f64::NAN)),
        ("atan", at(f64::NAN, 1e200)),
    ] {
        let value = call(name, &[z]);
        let far = name.contains("tan") && z.re.abs().max(z.im.abs()) > 2.0;
        assert!(!far || value.re.is_nan() && value.im.is_nan(), "{name} {z}: {value}");
        let slope = derivatives(name, z);
        assert!(slope.re.is_nan() && slope.im.is_nan(), "{name} {z}: {slope}");
    }
}

/// The smallest numbers beside others, and what overflows with both parts: by mpmath.
#[test]
fn the_smallest_numbers_and_parts_that_both_overflow() {
    let least = f64::from_bits(1);
    let at = Complex::new;
    let close = |what: &str, found: Complex<f64>, (re, im): (f64, f64)| {
        let right = near(found.re, re, 1e-12) && near(found.im, im, 1e-12);
        assert!(right, "{what}: {found:e}, not {re:e} {im:e}");
    };
    let root = 1.5717277847026288e-162;
    close("sqrt", math::sqrt(at(0.0, least)), (root, root));
    close("sqrt", math::sqrt(at(-1e-200, least)), (2.470328229206233e-224, 1e-100));
    let half = 2.2227587494850775e-162;
    close("asinh", math::asinh(at(least, 1.0)), (half, std::f64::consts::FRAC_PI_2));
    close("acosh", math::acosh(at(1.0, least)), (half, half));
    close("sinh", math::sinh(at(-710.0, least)), (-1.1169973830808555e308, 5.518700334748251e-16));
    close("exp2", math::exp2(at(710.0, least)), (5.386379163185535e213, 1.8446205362744534e-110));
    close("exp10", math::exp10(at(355.0, least)), (f64::INFINITY, 1.13762819107453e32));
    close(
        "mul",
        math::mul(at(1e200, 1e-308), at(1e-200, 1e308)),
        (3.1527695644904205e-17, f64::INFINITY),
    );
    close("div", math::div(at(-1e200, 0.0), at(least, 1.0)), (-4.940656458412465e-124, 1e200));
    close("div", math::div(at(1.0, 1e200), at(1.0, least)), (1.0, 1e200));
    close(
        "atanh",
        math::atanh(at(1.5e308, 1e308)),
        (4.615384615384615e-309, std::f64::consts::FRAC_PI_2),
    );
    // The real part is 0 beside the other before it is multiplied with an exponential.
    for (z, value, slope) in [
        (
            at(1e200, 355.0),
            (1.275422571511431e86, 3.5927396380603687e283),
            (1.128692445319131e284, -4.0104509205209745e86),
        ),
        (
            at(1e200, -300.0),
            (98140335635.28984, -3.271344521176328e208),
            (1.0277231915088772e209, 308644091904.7808),
        ),
        (
            at(1e150, 250.0),
            (4.941383955687963e42, 1.976553582275185e190),
            (6.209526213502311e190, -1.554358106957853e43),
        ),
    ] {
        close("sinc", math::sinc(z), value);
        let along = math::sinc(Complex::new(Dual::new(z.re, [1.0]), Dual::constant(z.im)));
        close("sinc'", at(along.re.tangents[0], along.im.tangents[0]), slope);
    }
    // Derivatives by either argument, along and back.
    let by = |name: &str, z: [Complex<f64>; 2], which: usize| {
        let lifted = |k: usize| {
            Complex::new(
                Dual::new(z[k].re, [if k == which { 1.0 } else { 0.0 }]),
                Dual::constant(z[k].im),
            )
        };
        let along = call(name, &[lifted(0), lifted(1)]);
        let along = at(along.re.tangents[0], along.im.tangents[0]);
        let part = |x: &[Var<f64>; 2]| {
            let mut all: Vec<_> = z.iter().map(|z| constant(*z)).collect();
            all[which] = Complex::new(x[0], x[1]);
            call(name, &all).re
        };
        let back = by_parts(gradient(part, &[z[which].re, z[which].im]), false);
        close(name, back, (along.re, along.im));
        along
    };
    const INFINITY: f64 = f64::INFINITY;
    let slope = by("div", [at(1e200, 1e308), at(1e-308, 1e-200)], 1);
    close("div by its divisor", slope, (-INFINITY, INFINITY));
    let slope = by("div", [at(1e-200, -1e200), at(1e-200, least)], 1);
    close("div by its divisor", slope, (INFINITY, INFINITY));
    let slope = by("powf", [at(least, least), at(1e-308, 1e-308)], 0);
    assert!((slope.norm() / 2024022533073106.0 - 1.0).abs() < 1e-12, "{slope}");
    let slope = by("powf", [at(0.0, 1e-200), at(-3.5, 2.0)], 0);
    close("powf by its base", slope, (-INFINITY, -INFINITY));
    let slope = by("powf", [at(1e308, 0.5), at(2.0, -3.5)], 1);
    close("powf by its exponent", slope, (INFINITY, -INFINITY));
}

/// Next to the axes, and to the diagonals, each part of a power has all its digits; far out each part of sinc, and of a quotient
/// of which the other overflows. By mpmath.
#[test]
fn each_part_of_powers_quotients_and_sinc_has_its_digits() {
    let at = Complex::new;
    let close = |what: &str, found: Complex<f64>, (re, im): (f64, f64)| {
        let right = near(found.re, re, 1e-11) && near(found.im, im, 1e-11);
        assert!(right, "{what}: {found:e}, not {re:e} {im:e}");
    };
    let least = f64::from_bits(1);
    const PI: f64 = std::f64::consts::PI;
    for (z, n, value) in [
        (at(-2.0 * PI, -1e-100), 70, (7.457457466828624e55, 8.308238531203377e-44)),
        (at(1e-300, PI), 70, (-6.316712177151438e34, 1.4074703539153872e-264)),
        (at(3.0, 2.9999999999), -3, (-0.009259259259259259, -0.009259259260185185)),
    ] {
        close("powi", math::powi(z, n), value);
        close("powf", math::powf(z, at(f64::from(n), 0.0)), value);
    }
    for (z, w, value) in [
        (
            at(0.0, -3.141592643589793),
            at(-0.999999999999, -1e-8),
            (3.6442883299260383e-9, 0.3183098821973669),
        ),
        (at(-10.0, 1e-310), at(-1.0, 1e-200), (-0.1, -2.3025850929940457e-201)),
        (at(-3.0, 1e-30), at(2.5, 0.0), (1.299038105676658e-29, 15.588457268119896)),
        (at(1e-30, -3.0), at(100.0, 0.0), (5.153775207320113e47, 1.7179250691067046e19)),
        // Nothing, at whatever angle.
        (at(1e-8, -0.0), at(100.0, -1e308), (0.0, 0.0)),
    ] {
        close("powf", math::powf(z, w), value);
    }
    let along = |name: &str, z: &[Complex<f64>], which: usize| {
        let moving = z.iter().enumerate().map(|(k, z)| varied(*z, k == which)).collect::<Vec<_>>();
        let y = call(name, &moving);
        [
            at(y.re.value.tangents[0], y.im.value.tangents[0]),
            at(y.re.tangents[0].tangents[0], y.im.tangents[0].tangents[0]),
        ]
    };
    let power = |z: Complex<f64>, n: f64| along("powi", &[z, at(n, 0.0)], 0)[0];
    close("powi'", power(at(-PI, 1e-20), -70.0), (3.5274192345603154e-34, 7.9719681470353965e-53));
    close("powi'", power(at(1.0, 1.0000000000000002), -2.0), (0.5, 0.49999999999999967));
    // Of even exponents so large that one less is no number.
    for n in [1e17, -1e17, 9007199254740994.0] {
        close("powf'", along("powf", &[at(-1.0, 0.0), at(n, 0.0)], 0)[0], (-n, 0.0));
    }
    const INFINITY: f64 = f64::INFINITY;
    close("sinc", math::sinc(at(0.7, -1e308)), (-INFINITY, INFINITY));
    close("sinc", math::sinc(at(least, -1e308)), (INFINITY, INFINITY));
    for (z, slope) in [
        (at(1e291, 430.0), (2.4032677374361412e295, -10341701.109775132)),
        (at(-3e295, 434.3), (-5.895209225214296e296, -8540.55289962692)),
        (at(1e307, 350.0), (1.7009590136981859e170, -5.958770868644186e-135)),
        (at(1e300, 20.0), (9.693867541774362e-274, 0.0)),
    ] {
        close("sinc'", along("sinc", &[z], 0)[0], slope);
    }
    let curvature = |w: Complex<f64>| along("div", &[at(1e308, 1e8), w], 1)[1];
    close("div''", curvature(at(0.5, least)), (INFINITY, 1.6e9));
    close("div''", curvature(at(0.5, 1e-300)), (INFINITY, -8e9));
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

/// The second derivative of x^y by x at (0, 0) is that of y (y - 1) x^(y - 2) for y = 0; by both there is none.
#[test]
fn second_derivatives_at_zero_to_the_power_of_zero_are_the_same_in_each_nesting() {
    fn power<T: Real>(x: T, y: T) -> T {
        math::powf(Complex::new(x, T::zero()), Complex::new(y, T::zero())).re
    }
    let by_x = |x: &Dual<f64>| {
        jvp(|x| power(*x, Dual::constant(Dual::constant(0.0))), x, &Dual::constant(1.0)).1
    };
    let backwards = |x: &Dual<f64>| gradient(|x| power(*x, Var::constant(Dual::constant(0.0))), x);
    let recorded = |x: &Var<f64>| {
        jvp(|x| power(*x, Dual::constant(Var::constant(0.0))), x, &Var::constant(1.0)).1
    };
    let twice = |x: &Var<f64>| gradient(|x| power(*x, Var::constant(Var::constant(0.0))), x);
    let varied = |x: &[Var<f64>; 2]| gradient(|x: &[Var<Var<f64>>; 2]| power(x[0], x[1]), x)[0];
    let along = |x: &[Var<f64>; 2]| {
        let along_x = [1.0, 0.0].map(Var::constant);
        jvp(|x: &[Dual<Var<f64>>; 2]| power(x[0], x[1]), x, &along_x).1
    };
    let origin = [0.0; 2];
    let first = [varied_forward(&origin, 0), varied_forward(&origin, 1)];
    let found = [
        jvp(by_x, &0.0, &1.0).1,
        jvp(backwards, &0.0, &1.0).1,
        gradient(recorded, &0.0),
        gradient(twice, &0.0),
    ];
    assert_eq!(found, [0.0; 4]);
    for [by_x, mixed] in [gradient(varied, &origin), gradient(along, &origin), first] {
        assert!(by_x == 0.0 && mixed.is_nan(), "{by_x} {mixed}");
    }

    /// The derivative of that by x, by one of the two.
    fn varied_forward(origin: &[f64; 2], by: usize) -> f64 {
        let mut direction = [0.0; 2];
        direction[by] = 1.0;
        let along_x = [1.0, 0.0].map(Dual::constant);
        let slope =
            |x: &[Dual<f64>; 2]| jvp(|x: &[Dual<Dual<f64>>; 2]| power(x[0], x[1]), x, &along_x).1;
        jvp(slope, origin, &direction).1
    }
}

/// (s + i y)^n for an s / y that underflows is i^n y^n (1 - i n s / y), and n s y^(n - 1) may be a number, or too large for one.
#[test]
fn powers_beside_an_axis() {
    let infinity = f64::INFINITY;
    for (z, n, expected) in [
        ((1e-310, 1e200), 70, (-infinity, infinity)),
        ((-1e-310, 1e200), 70, (-infinity, -infinity)),
        ((1e-310, 1e200), 69, (infinity, infinity)),
        ((1e200, 1e-310), 70, (infinity, infinity)),
        ((1e200, -1e-310), 71, (infinity, -infinity)),
        ((-1e200, 1e-310), 71, (-infinity, infinity)),
        ((1e200, 1e-310), -70, (0.0, -0.0)),
        // 100 times 1e-315 times 1e4^99.
        ((1e4, 1e-315), 100, (infinity, 1e83)),
        ((1e-315, 1e4), 100, (infinity, -1e83)),
        ((3.0, 1e-315), 400, (7.055079108655334e190, 400e-315 * (7.055079108655334e190 / 3.0))),
    ] {
        let found = math::powi(Complex::new(z.0, z.1), n);
        // The small part is a subnormal number, of few digits.
        let close = |x: f64, y: f64| x == y || (x / y - 1.0).abs() < 1e-6;
        let is_near = close(found.re, expected.0) && close(found.im, expected.1);
        assert!(is_near, "{z:?}^{n}: {found}, not {expected:?}");
        let by_parts = math::powf(Complex::new(z.0, z.1), Complex::new(f64::from(n), 0.0));
        assert_eq!((by_parts.re, by_parts.im), (found.re, found.im), "{z:?}^{n}");
    }
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

/// The inverse functions far out, where 1 is nothing beside the square, which may overflow: single precision as double, and
/// second derivatives the same in two nestings.
#[test]
fn inverse_functions_far_out() {
    fn part<T: Real>(k: usize, x: &[T; 2]) -> T {
        let z = Complex::new(x[0], x[1]);
        [math::asin(z).re, math::acos(z).im, math::asinh(z).im, math::acosh(z).re, math::atan(z).re]
            [k]
    }
    for k in 0..5 {
        for (re, im) in [(1e30, 1e12), (1e15, 0.25), (-1e18, -1e18)] {
            let (single, double) = ([re as f32, im as f32], [re, im]);
            let found = gradient(|x: &[Var<f32>; 2]| part(k, x), &single).map(f64::from);
            let wanted = gradient(|x: &[Var<f64>; 2]| part(k, x), &double);
            let size = wanted[0].hypot(wanted[1]);
            for (found, wanted) in found.into_iter().zip(wanted) {
                let near = (found - wanted).abs() < 1e-5 * size || size < 1e-37;
                assert!(near, "{k} at {re:e} {im:e}: {found:e}, not {wanted:e}");
            }
        }
        let at = [3e120, 4e120];
        let product = hvp(|x: &[Var<Dual<f64>>; 2]| part(k, x), &at, &[1.0, 0.0]);
        let inner = |x: &[Var<f64>; 2]| gradient(|x: &[Var<Var<f64>>; 2]| part(k, x), x)[0];
        let nested = gradient(inner, &at);
        for (found, other) in product.into_iter().zip(nested) {
            let near = (found - other).abs() <= 1e-12 * product[0].hypot(product[1]);
            assert!(near && (k == 4 || product[0] != 0.0), "{k}: {found:e}, {other:e}");
        }
    }
}
