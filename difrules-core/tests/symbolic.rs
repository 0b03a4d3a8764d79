//! The rules as expressions: every one in the registry is known by all that it calls, and has the value that the rule
//! in code has.

use std::any::Any;

use difrules_core::registry::{Instance, Partial};
use difrules_core::symbolic::{
    DerivativeError, Expr, Formula, Program, Registry, Rules, differentiate, diffrule, diffrules,
    evaluate, hasdiffrule,
};
use difrules_core::testing::Sampler;
use difrules_core::{Dual, Real, Record, Var, gradient, jvp, primitive, primitives};

use crate::reference::near;

/// The names that a formula calls, with the numbers of their arguments.
fn calls(formula: &Formula, all: &mut Vec<(&'static str, usize)>) {
    if let Formula::Call(name, parts) = formula {
        all.push((name, parts.len()));
        parts.iter().for_each(|part| calls(part, all));
    }
}

/// The primitives of the crate: those of the other tests of this program call what is no primitive.
fn own_primitives() -> impl Iterator<Item = &'static Record> {
    primitives().iter().copied().filter(|record| record.path.starts_with("difrules_core::"))
}

#[test]
fn all_that_rules_call_is_registered() {
    let mut missing = Vec::new();
    for record in own_primitives() {
        for partial in record.partials {
            let Partial::Known(formula) = partial else { continue };
            let mut all = Vec::new();
            calls(formula, &mut all);
            for (name, arity) in all {
                let variables: Vec<_> =
                    (0..arity).map(|i| Expr::variable(&format!("x{i}"))).collect();
                let expression = Expr::call(name, variables.clone());
                let names: Vec<_> = (0..arity).map(|i| format!("x{i}")).collect();
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                if let Err(error) = Program::new(&[expression], &names) {
                    missing.push(format!("{}: {name}/{arity}: {error}", record.path));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The arguments as numbers, a flag as 0 or 1; none where one is no number.
fn numbers(drawn: &[Box<dyn Any>]) -> Option<Vec<f64>> {
    let number = |value: &Box<dyn Any>| {
        let value = &**value;
        macro_rules! one_of {
            ($($number:ty),*) => {
                $(if let Some(x) = value.downcast_ref::<$number>() { return Some(*x as f64); })*
            };
        }
        one_of!(f64, f32, i32, u32, usize);
        value.downcast_ref::<bool>().map(|flag| f64::from(u8::from(*flag)))
    };
    drawn.iter().map(number).collect()
}

/// The primitives of numbers to one number, at a scalar.
fn scalar_primitives(scalar: &str) -> impl Iterator<Item = (&'static Record, &'static Instance)> {
    let with_instance = own_primitives().filter_map(move |record| {
        Some((record, record.instance(scalar).filter(|instance| instance.sample.is_some())?))
    });
    let number = std::any::TypeId::of::<f64>();
    let single = std::any::TypeId::of::<f32>();
    with_instance.filter(move |(_, instance)| {
        let output = instance.output_type().0;
        (output == number || output == single)
            && numbers(&(instance.sample.expect("filtered"))(&mut Sampler::new(1, 1))).is_some()
    })
}

/// The function of numbers that a primitive is, as an expression.
fn expression(record: &Record) -> (Expr, Vec<&'static str>) {
    let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
    (Expr::call(record.path, names.iter().map(|name| Expr::variable(name))), names)
}

/// The derivative of a function of one number by central differences: the best of several steps, by where they agree.
fn difference(f: &dyn Fn(f64) -> f64, x: f64) -> (f64, f64) {
    let scale = x.abs().max(0.1);
    let estimates: Vec<f64> = (6..24)
        .map(|k| {
            let h = scale * 0.5_f64.powi(k);
            // Fourth order: Fornberg 1988.
            (8.0 * (f(x + h) - f(x - h)) - (f(x + 2.0 * h) - f(x - 2.0 * h))) / (12.0 * h)
        })
        .collect();
    let closest = estimates.windows(2).map(|two| (two[0], (two[0] - two[1]).abs()));
    closest.min_by(|a, b| a.1.total_cmp(&b.1)).expect("several steps")
}

fn close(a: f64, b: f64, relative: f64, scale: f64) -> bool {
    (a - b).abs() <= relative * (a.abs().max(b.abs()) + scale)
}

/// Each scalar primitive at random points of its domain: the expression, forward mode, reverse mode and differences.
fn modes_agree<T: Real>(scalar: &'static str, tolerance: f64) {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (record, instance) in scalar_primitives(scalar) {
        let (value, names) = expression(record);
        let program = Program::new(std::slice::from_ref(&value), &names).expect(record.path);
        let sample = instance.sample.expect("filtered");
        for seed in 0..4 {
            let mut drawn = sample(&mut Sampler::new(seed, seed + 100));
            let at = numbers(&drawn).expect("filtered");
            let point: Vec<(&str, T)> =
                names.iter().zip(&at).map(|(name, x)| (*name, nalgebra::convert(*x))).collect();
            let (mut y, mut y_dot) = (T::zero(), T::zero());
            for (i, partial) in record.partials.iter().enumerate() {
                if matches!(partial, Partial::Constant | Partial::Unknown) {
                    continue;
                }
                checked += 1;
                // The rules in code.
                let mut given: Vec<_> = drawn.iter_mut().map(|x| &mut **x).collect();
                let mut one = T::one();
                let mut tangents: Vec<Option<&mut dyn Any>> = names.iter().map(|_| None).collect();
                tangents[i] = Some(&mut one);
                instance.forward(&mut given, &mut tangents, &mut y, &mut y_dot).expect(record.path);
                let pullback = instance.reverse(&mut given, &mut y).expect(record.path);
                let mut adjoint = T::zero();
                let mut slots: Vec<Option<&mut dyn Any>> = names.iter().map(|_| None).collect();
                slots[i] = Some(&mut adjoint);
                pullback.pull(&T::one(), &mut slots).expect(record.path);
                let (forward, reverse) = (y_dot.to_f64(), adjoint.to_f64());
                // The same in higher precision, so that a difference is one of the rules and not of rounding.
                let along = |x: f64| -> f64 {
                    let mut moved = at.clone();
                    moved[i] = x;
                    program.call(&moved).expect(record.path)[0]
                };
                let (slope, error) = difference(&along, at[i]);
                let scale = y.to_f64().abs() / at[i].abs().max(1.0);
                let mut compare =
                    |what: &str, found: f64, exact: f64, tolerance: f64, floor: f64| {
                        if !close(found, exact, tolerance, scale) && (found - exact).abs() > floor {
                            wrong.push(format!(
                                "{} by {} at {at:?}: {what} {found:e}, not {exact:e}",
                                record.path, names[i]
                            ));
                        }
                    };
                compare("reverse mode has", reverse, forward, tolerance, 0.0);
                compare("a difference has", slope, forward, 1e-6_f64.max(tolerance), 100.0 * error);
                let Partial::Known(_) = partial else { continue };
                let first = differentiate(&value, names[i]).expect(record.path);
                let symbolic = evaluate(&first, &point).expect(record.path).to_f64();
                compare("the expression has", symbolic, forward, tolerance, 0.0);
                // The second derivative: by the expression of the expression, and by a derivative mode over it.
                let Ok(second) = differentiate(&first, names[i]) else { continue };
                let symbolic = evaluate(&second, &point).expect(record.path).to_f64();
                let dual: Vec<(&str, Dual<T>)> = point
                    .iter()
                    .enumerate()
                    .map(|(j, (name, x))| {
                        (*name, Dual::new(*x, [if i == j { T::one() } else { T::zero() }]))
                    })
                    .collect();
                let forward = evaluate(&first, &dual).expect(record.path).tangents[0].to_f64();
                compare("the second expression has", symbolic, forward, 10.0 * tolerance, 0.0);
                let slopes = Program::new(std::slice::from_ref(&first), &names).expect(record.path);
                let slope_along = |x: f64| -> f64 {
                    let mut moved = at.clone();
                    moved[i] = x;
                    slopes.call(&moved).expect(record.path)[0]
                };
                let (curvature, error) = difference(&slope_along, at[i]);
                compare(
                    "a difference of slopes has",
                    curvature,
                    forward,
                    1e-5_f64.max(10.0 * tolerance),
                    100.0 * error,
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 400, "{checked}");
}

#[test]
fn expressions_modes_and_differences_agree_in_double_precision() {
    modes_agree::<f64>("f64", 1e-9);
}

#[test]
fn expressions_modes_and_differences_agree_in_single_precision() {
    modes_agree::<f32>("f32", 2e-4);
}

/// A bell curve of the user's own.
#[primitive(partial = |x, y| -(x + x) * y, instances(f64))]
fn my_bell<T: Real>(x: T) -> T {
    (-x * x).exp()
}

/// A rule in the other form: the partial derivatives are read off the tangents.
#[primitive(
    forward = |x, y, _, x_dot, y_dot| y * x_dot + x * y_dot,
    reverse = |x, y, _, z_bar| (y * z_bar, x * z_bar),
    instances(f64)
)]
fn my_product<T: Real>(x: T, y: T) -> T {
    x * y
}

#[test]
fn a_users_primitive_takes_part() {
    let expression: Expr = "x * my_bell(2 * x)".parse().unwrap();
    let first = differentiate(&expression, "x").unwrap();
    assert_eq!(first.to_string(), "my_bell(2 * x) - 8 * x^2 * my_bell(2 * x)");
    let at = 0.4_f64;
    let (_, slope) = jvp(|x| *x * my_bell(*x + *x), &at, &1.0);
    assert!((evaluate(&first, &[("x", at)]).unwrap() - slope).abs() < 1e-15);
    let rule = diffrule("my_product", ["a", "sin(b)"]).unwrap();
    let rule: Vec<_> = rule.iter().map(|partial| partial.as_ref().unwrap().to_string()).collect();
    assert_eq!(rule, ["sin(b)", "a"]);
}

#[test]
fn an_expression_is_evaluated_in_every_mode() {
    let expression: Expr = "tanh(a * x) / (1 + exp(-x))".parse().unwrap();
    let plain = |x: f64| (0.7 * x).tanh() / (1.0 + (-x).exp());
    let y = evaluate(&expression, &[("a", 0.7), ("x", 1.3)]).unwrap();
    assert!((y - plain(1.3)).abs() < 1e-15);
    // Forward over reverse of the evaluation against the expression of the second derivative.
    let second = differentiate(&differentiate(&expression, "x").unwrap(), "x").unwrap();
    let exact = evaluate(&second, &[("a", 0.7), ("x", 1.3)]).unwrap();
    let slope = |x: &Dual<f64>| {
        let a = Var::constant(Dual::constant(0.7));
        gradient(|x| evaluate(&expression, &[("a", a), ("x", *x)]).unwrap(), x)
    };
    let (_, found) = jvp(slope, &1.3, &1.0);
    assert!((found - exact).abs() < 1e-14, "{found} {exact}");
}

#[test]
fn a_recording_of_an_expression_is_replayed_at_other_values() {
    let expression: Expr = "sin(x)^2 + x".parse().unwrap();
    let f = |x: &f64| (x.sin().powi(2) + x, 2.0 * x.sin() * x.cos() + 1.0);
    let mut recording = difrules_core::Recording::new(
        |x: &Var<f64>| evaluate(&expression, &[("x", *x)]).unwrap(),
        &0.3,
    );
    let mut slope = 0.0;
    for at in [0.3, 0.4, -2.0] {
        let y = recording.value_and_gradient(&at, &mut slope).unwrap();
        assert!((y - f(&at).0).abs() < 1e-15 && (slope - f(&at).1).abs() < 1e-15);
    }
}

#[test]
fn what_is_not_known_is_a_typed_error_when_it_is_asked_for() {
    let nobody: Expr = "nobody_knows_this(x) + y".parse().unwrap();
    assert!(matches!(
        differentiate(&nobody, "x"),
        Err(DerivativeError::NoRule { function, arity: 1 }) if function == "nobody_knows_this"
    ));
    // The part that is not known does not depend on y.
    assert_eq!(differentiate(&nobody, "y").unwrap(), Expr::Number(1.0));
    assert!(evaluate::<f64>(&nobody, &[("x", 1.0), ("y", 1.0)]).is_err());
    let error = evaluate::<f64>(&"x + z".parse().unwrap(), &[("x", 1.0)]).unwrap_err();
    assert_eq!(error.to_string(), "the variable `z` has no value");
    assert!(!hasdiffrule("nobody_knows_this", 1));
    assert!(
        diffrule("sin", ["x +"])
            .unwrap_err()
            .to_string()
            .contains("expected an expression at the end")
    );
    let x = [Expr::variable("x")];
    assert!(Registry.partial("sin", &x, 0).is_ok());
}

#[test]
fn diffrules_lists_what_passes_the_filter() {
    let base = diffrules(|record| record.aliases.iter().any(|key| key.starts_with("Base.")));
    assert!(base.iter().any(|record| record.name == "modulo"));
    assert!(base.iter().all(|record| hasdiffrule(record.path, record.arguments.len())));
}

#[test]
fn what_is_printed_is_parsed_again() {
    let mut wrong = Vec::new();
    for record in own_primitives() {
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let variables: Vec<_> = names.iter().map(|name| Expr::variable(name)).collect();
        for partial in record.partials {
            let Partial::Known(formula) = partial else { continue };
            for expression in [
                formula.apply(record.name, &variables),
                formula.apply(record.name, &variables).simplify(),
            ] {
                let text = expression.to_string();
                match text.parse::<Expr>() {
                    Ok(again) if again == expression => {}
                    again => wrong.push(format!("{}: {text}: {again:?}", record.path)),
                }
                if let Err(error) = expression.rust().to_string().parse::<Expr>() {
                    wrong.push(format!("{}: {}: {error}", record.path, expression.rust()));
                }
                assert!(!expression.latex().to_string().is_empty());
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The rule reads what is saved, which no expression knows.
#[primitive(partial = |_, _, slope| *slope, saves = cube_and_slope -> T, instances(f64))]
fn my_cube<T: Real>(x: T) -> T {
    cube_and_slope(x).0
}

fn cube_and_slope<T: Real>(x: T) -> (T, T) {
    let square = x * x;
    (square * x, square + square + square)
}

#[test]
fn a_rule_that_reads_what_is_saved_is_code() {
    assert_eq!(<my_cube as difrules_core::contract::Primitive>::record().partials, [Partial::Code]);
    assert_eq!(gradient(|x| my_cube(*x), &2.0_f64), 12.0);
}

#[test]
fn powers_without_derivative_at_zero_are_no_nan() {
    let power: Expr = "powi(x, n)".parse().unwrap();
    let slope = differentiate(&power, "x").unwrap();
    assert_eq!(evaluate(&slope, &[("x", 0.0), ("n", 0.0)]).unwrap(), 0.0);
    assert_eq!(evaluate(&slope, &[("x", 2.0), ("n", 3.0)]).unwrap(), 12.0);
}

/// Beyond its domain a function has no derivative, of no order, as its value is none.
#[test]
fn derivatives_beyond_a_domain_are_nan() {
    for (name, points) in [
        ("ln", &[-0.5, -2.0, f64::NEG_INFINITY][..]),
        ("log2", &[-0.5, -1e200]),
        ("log10", &[-0.5, -1e200]),
        ("ln_1p", &[-1.5, -1e200]),
        ("logit", &[-0.5, 1.5, 3.0]),
        ("logexpm1", &[-0.5, -2.0]),
        ("log1pmx", &[-1.5]),
        ("logmxp1", &[-0.5, -3.0]),
        ("xlogx", &[-0.5]),
        ("atanh", &[-1.5, 2.0, 1e200]),
        ("acoth", &[0.0, -0.5, 0.9]),
        ("asech", &[-0.5, 1.5]),
        ("expint", &[-0.5]),
        ("cosint", &[-0.5]),
    ] {
        let text: Expr = format!("{name}(x)").parse().unwrap();
        let first = differentiate(&text, "x").unwrap();
        let second = differentiate(&first, "x").unwrap();
        for &x in points {
            for expression in [&text, &first, &second] {
                let found = evaluate(expression, &[("x", x)]).unwrap();
                assert!(found.is_nan(), "{name} at {x}: {expression} is {found}");
            }
        }
    }
    // The value for x = 0 is zero, and that alone.
    for name in ["xlogy", "xlog1py"] {
        let text: Expr = format!("{name}(x, y)").parse().unwrap();
        let by_y = differentiate(&text, "y").unwrap();
        let at = |e: &Expr, x: f64| evaluate(e, &[("x", x), ("y", -2.0)]).unwrap();
        assert!(at(&by_y, 0.0) == 0.0 && at(&by_y, 1.0).is_nan());
        assert!(at(&differentiate(&by_y, "x").unwrap(), 0.0).is_nan());
        assert_eq!(at(&differentiate(&by_y, "y").unwrap(), 0.0), 0.0);
    }
    let by_x = differentiate(&"acoth(x)".parse().unwrap(), "x").unwrap();
    let second = differentiate(&by_x, "x").unwrap();
    assert_eq!(evaluate(&second, &[("x", f64::INFINITY)]).unwrap(), 0.0);
}

/// What is put together, or left out, in a derivative changes neither its value nor where it has one.
#[test]
fn derivatives_at_the_ends_of_the_numbers() {
    let mut wrong = Vec::new();
    for (text, order, x, y, exact) in [
        ("y / x", 1, 1e-200, 1e-200, -1e200),
        ("y / x", 1, 1e-200, 0.0, 0.0),
        ("y / x", 2, 1e110, 1e200, 2e-130),
        ("y / x", 2, 1e-110, 1e-200, 2e130),
        ("div(y, x)", 2, 1e110, 1e200, 2e-130),
        ("left_div(x, y)", 2, 1e110, 1e200, 2e-130),
        ("xlogy(y, x)", 2, 1e160, 1e200, -1e-120),
        ("xlog1py(y, x)", 2, 1e160, 1e200, -1e-120),
        ("(x / y)^2", 1, 1e200, 1e200, 2e-200),
        ("(x / y)^2", 1, 1e160, 1e160, 2e-160),
        ("(x / y)^3", 1, 1e-200, 1e-200, 3e200),
        ("(x * y)^3", 1, 1e200, 1e-200, 3e-200),
        ("(x * 1e200) * (1e200 * y)", 1, 1e-300, 1e-100, 1e300),
        ("x * (0 / 0)", 1, 1.0, 1.0, f64::NAN),
        ("sqrt(x)^2", 1, 0.0, 1.0, f64::NAN),
        ("sqrt(x)^2", 1, -1.0, 1.0, f64::NAN),
        ("sqrt(x)^2", 1, 4.0, 1.0, 1.0),
        ("cbrt(x)^3", 1, 0.0, 1.0, f64::NAN),
        ("cbrt(x)^3", 1, -8.0, 1.0, 1.0),
        ("ln(x) / ln(x)", 1, -1.0, 1.0, f64::NAN),
    ] {
        let mut expression: Expr = text.parse().unwrap();
        for _ in 0..order {
            expression = differentiate(&expression, "x").unwrap();
        }
        let found = evaluate(&expression, &[("x", x), ("y", y)]).unwrap();
        if !near(found, exact, 1e-14) {
            wrong.push(format!("{text} at {x:e}, {y:e}: {expression} is {found:e}, not {exact:e}"));
        }
    }
    for (text, x, exact) in [
        ("x * 1e-200 * 1e-200", 1e300, 1e-100),
        ("x / 1e200 / 1e200", 1e300, 1e-100),
        ("(x / 1e200)^2", 1e200, 1.0),
        ("1 / sin(-0)", 1.0, f64::NEG_INFINITY),
    ] {
        let simple = text.parse::<Expr>().unwrap().simplify();
        let found = evaluate(&simple, &[("x", x)]).unwrap();
        if found != exact && (found - exact).abs() > 1e-14 * f64::abs(exact) {
            wrong.push(format!("{text} at {x:e}: {simple} is {found:e}, not {exact:e}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
