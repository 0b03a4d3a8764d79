//! Values and partial derivatives of the scalar primitives against mpmath (`data/scalar_reference.tsv`: 40 digits,
//! rounded to doubles; `data/hard_places.tsv`: see the script that made it).

use std::any::Any;
use std::collections::BTreeSet;

use difrules_core::find;

/// What the data has and this crate does not have yet.
const TO_COME: [&str; 45] = [
    "airyai",
    "airyaiprime",
    "airyaiprimex",
    "airyaix",
    "airybi",
    "airybiprime",
    "airybiprimex",
    "airybix",
    "besseli",
    "besselix",
    "besselj",
    "besselj0",
    "besselj1",
    "besseljx",
    "besselk",
    "besselkx",
    "bessely",
    "bessely0",
    "bessely1",
    "besselyx",
    "beta",
    "cosint",
    "dawson",
    "digamma",
    "ellipe",
    "ellipk",
    "erf",
    "erf_between",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfi",
    "erfinv",
    "expint",
    "expint_n",
    "gamma",
    "invdigamma",
    "ln_beta",
    "ln_gamma",
    "logerfc",
    "logerfcx",
    "polygamma",
    "sinint",
    "trigamma",
    "zeta",
];

/// The value and the partials of a primitive, by the registry.
fn evaluate(name: &str, arguments: &[f64]) -> Option<(f64, Vec<f64>)> {
    let instance = find(name, arguments.len())?.instance("f64")?;
    let mut values = arguments.to_vec();
    let mut values: Vec<_> = values.iter_mut().map(|x| x as &mut dyn Any).collect();
    let mut y = 0.0_f64;
    let pullback = instance.reverse(&mut values, &mut y).expect(name);
    let mut partials = vec![0.0_f64; arguments.len()];
    let mut slots: Vec<_> = partials.iter_mut().map(|x| Some(x as &mut dyn Any)).collect();
    pullback.pull(&1.0_f64, &mut slots).expect(name);
    Some((y, partials))
}

/// Compares a file of values, and returns the names that are missing and how many lines were checked.
fn check(data: &'static str) -> (BTreeSet<&'static str>, usize) {
    let (mut missing, mut checked, mut wrong) = (BTreeSet::new(), 0, Vec::new());
    for line in data.lines().skip(1) {
        let fields: Vec<_> = line.split('\t').collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let arguments: Vec<_> = fields[1].split(',').map(number).collect();
        let expected: Vec<_> = fields[3].split(',').collect();
        let name = fields[0];
        let Some((value, partials)) = evaluate(name, &arguments) else {
            missing.insert(name);
            continue;
        };
        // What the rounding of the arguments alone makes of the value.
        let floor = arguments.iter().zip(&partials).fold(0.0, |sum, (x, y)| sum + (x * y).abs());
        let exact = number(fields[2]);
        if (value - exact).abs() > 1e-12 * exact.abs() + 2.0 * f64::EPSILON * floor {
            wrong.push(format!("{line}: {value:e}"));
        }
        for (found, expected) in partials.iter().zip(expected).filter(|(_, text)| *text != "-") {
            let exact = number(expected);
            // A partial that is subnormal has fewer digits.
            if (found - exact).abs() > 1e-12 * exact.abs() + 1e-320 {
                wrong.push(format!("{line}: a partial is {found:e}"));
            }
        }
        checked += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    (missing, checked)
}

#[test]
fn values_and_partials_agree_with_mpmath() {
    let (missing, checked) = check(include_str!("data/scalar_reference.tsv"));
    assert!(checked > 500, "{checked}");
    assert_eq!(missing, BTreeSet::from(TO_COME));
}

#[test]
fn so_they_do_where_plain_formulas_cancel_or_overflow() {
    let (missing, checked) = check(include_str!("data/hard_places.tsv"));
    assert!(missing.is_empty() && checked > 90, "{missing:?} {checked}");
}

#[test]
fn derivatives_of_sinc_at_zero_to_the_fourth() {
    use difrules_core::{Dual, jvp, math};
    use std::f64::consts::PI;

    type D = Dual<f64>;
    let second = |x: f64| {
        let first = |x: &D| jvp(|x| math::sinc(*x), x, &D::constant(1.0)).1;
        jvp(first, &x, &1.0).1
    };
    assert!((second(0.0) / (-PI * PI / 3.0) - 1.0).abs() < 1e-14);
    let fourth = |x: f64| {
        let first = |x: &Dual<Dual<D>>| {
            jvp(|x| math::sinc(*x), x, &Dual::constant(Dual::constant(D::constant(1.0)))).1
        };
        let second = |x: &Dual<D>| jvp(first, x, &Dual::constant(D::constant(1.0))).1;
        let third = |x: &D| jvp(second, x, &D::constant(1.0)).1;
        jvp(third, &x, &1.0).1
    };
    assert!((fourth(0.0) / (PI.powi(4) / 5.0) - 1.0).abs() < 1e-13);
}
