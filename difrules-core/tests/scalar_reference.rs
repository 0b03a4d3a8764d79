//! Values and partial derivatives of the scalar primitives against mpmath.

use std::collections::BTreeSet;

use crate::reference::{
    HARD, Line, RANDOM, beyond_rounding, evaluate, floor, is_elementary, lines,
};
use difrules_core::registry::Partial;
use difrules_core::symbolic::{Expr, differentiate, evaluate as evaluate_expression};
use difrules_core::{Dual, find};

/// What is asked of a function: 1e-12 of an elementary one, 1e-11 of a special one, 1e-9 where an order is no integer.
fn tolerance(line: &Line) -> f64 {
    let record = find(line.name, line.arguments.len()).expect("evaluated");
    let order = line.arguments.len() == 2 && record.arguments[0].name == "order";
    match (
        is_elementary(line.name, line.arguments.len()),
        order && line.arguments[0].fract() != 0.0,
    ) {
        (true, _) => 1e-12,
        (_, true) => 1e-9,
        _ => 1e-11,
    }
}

/// Compares a file of values, and returns the names that are missing and how many lines were checked.
fn check(data: &'static str) -> (BTreeSet<&'static str>, usize) {
    let (mut missing, mut checked, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for line in lines(data) {
        let Some((value, partials)) = evaluate(line.name, &line.arguments) else {
            missing.insert(line.name);
            continue;
        };
        let tolerance = tolerance(&line);
        let mut compare = |what: &str, found: f64, exact: f64, floor: f64| {
            let error = beyond_rounding(found, exact, floor);
            if error.is_nan() || error > tolerance {
                let Line { name, arguments, .. } = &line;
                wrong.push(format!(
                    "{name}{arguments:?}: {what} {found:e}, not {exact:e}: {error:.1e}"
                ));
            }
        };
        compare("value", value, line.value, floor(&line.arguments, &partials));
        for (i, (found, exact)) in partials.iter().zip(&line.partials).enumerate() {
            if let Some(exact) = exact {
                compare(&format!("partial {i}"), *found, *exact, 0.0);
            }
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    (missing, checked)
}

#[test]
fn values_and_partials_agree_with_mpmath() {
    let (missing, checked) = check(RANDOM);
    assert!(missing.is_empty() && checked > 900, "{missing:?} {checked}");
}

/// Functions whose derivative as text loses digits at some of the hard places; a mode takes the rule in code there.
const LOSING: [&str; 8] = [
    "airyaix",
    "airyaiprimex",
    "airybix",
    "airybiprimex",
    "gamma_density",
    "beta_density",
    "fresnel_s",
    "fresnel_c",
];

/// The same by expressions: a mode over that of the function, and the expression of each derivative.
#[test]
fn so_do_expressions() {
    let (mut checked, mut wrong) = (0, Vec::new());
    let random = lines(RANDOM).map(|line| (true, line));
    for (is_random, line) in random.chain(lines(HARD).map(|line| (false, line))) {
        let Ok(record) = find(line.name, line.arguments.len()) else { continue };
        let names: Vec<_> = record.arguments.iter().map(|argument| argument.name).collect();
        let function = Expr::call(record.path, names.iter().map(|name| Expr::variable(name)));
        let point: Vec<_> = names.iter().copied().zip(line.arguments.iter().copied()).collect();
        for (i, exact) in line.partials.iter().enumerate() {
            let (Some(exact), Some(Partial::Known(_))) = (exact, record.partials.get(i)) else {
                continue;
            };
            let mut compare = |what: &str, found: f64| {
                let error = beyond_rounding(found, *exact, 0.0);
                if error.is_nan() || error > tolerance(&line) {
                    let Line { name, arguments, .. } = &line;
                    wrong.push(format!(
                        "{name}{arguments:?} by {i}: {what} {found:e}, not {exact:e}: {error:.1e}"
                    ));
                }
            };
            let varied: Vec<_> = point
                .iter()
                .enumerate()
                .map(|(j, (name, x))| (*name, Dual::new(*x, [if i == j { 1.0 } else { 0.0 }])))
                .collect();
            let y = evaluate_expression(&function, &varied).expect(line.name);
            compare("a mode has", y.tangents[0]);
            let slope = differentiate(&function, names[i]).expect(line.name);
            let found = evaluate_expression(&slope, &point).expect(line.name);
            if is_random || !LOSING.contains(&line.name) {
                compare("the text has", found);
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(checked > 1500, "{checked}");
}

#[test]
fn so_they_do_where_plain_formulas_cancel_or_overflow() {
    let (missing, checked) = check(HARD);
    assert!(missing.is_empty() && checked > 600, "{missing:?} {checked}");
}
