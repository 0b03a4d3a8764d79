//! Values and partial derivatives of the scalar primitives against mpmath.

mod reference;

use std::collections::BTreeSet;

use difrules_core::find;
use reference::{HARD, Line, RANDOM, beyond_rounding, evaluate, floor, is_elementary, lines};

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

#[test]
fn so_they_do_where_plain_formulas_cancel_or_overflow() {
    let (missing, checked) = check(HARD);
    assert!(missing.is_empty() && checked > 600, "{missing:?} {checked}");
}
