//! Values and derivatives by mpmath, and those of the primitives by the registry.
#![allow(dead_code)] // Each program of tests uses a part.

use std::any::Any;

use difrules_core::find;
use difrules_core::registry::Partial;

/// What mpmath has: 40 digits, rounded to doubles, at random points.
pub(crate) const RANDOM: &str = include_str!("../data/scalar_reference.tsv");
/// The same where plain formulas cancel or overflow; see the scripts that made them.
pub(crate) const HARD: &str = concat!(
    include_str!("../data/hard_places/elementary.tsv"),
    include_str!("../data/hard_places/bessel.tsv"),
    include_str!("../data/hard_places/gamma.tsv"),
    include_str!("../data/hard_places/integrals.tsv"),
);

/// A line of the data.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<f64>,
    pub(crate) value: f64,
    /// None where the data has no partial.
    pub(crate) partials: Vec<Option<f64>>,
}

pub(crate) fn lines(data: &'static str) -> impl Iterator<Item = Line> {
    let number = |text: &str| text.parse::<f64>().expect("a number");
    data.lines().filter(|line| !line.starts_with('#')).map(move |line| {
        let fields: Vec<_> = line.split('\t').collect();
        Line {
            name: fields[0],
            arguments: fields[1].split(',').map(number).collect(),
            value: number(fields[2]),
            partials: fields[3]
                .split(',')
                .map(|text| (text != "-").then(|| number(text)))
                .collect(),
        }
    })
}

/// The arguments as a primitive takes them: integers where it has constants.
pub(crate) fn boxed(name: &str, arguments: &[f64]) -> Option<Vec<Box<dyn Any>>> {
    let record = find(name, arguments.len()).ok()?;
    let each =
        record.arguments.iter().zip(arguments).map(|(argument, &x)| match argument.type_name {
            "i32" => Box::new(x as i32) as Box<dyn Any>,
            "u32" => Box::new(x as u32),
            "bool" => Box::new(x != 0.0),
            _ => Box::new(x),
        });
    Some(each.collect())
}

/// The value and the partials of a primitive of one result, by the registry; 0 for what has no partial.
pub(crate) fn evaluate(name: &str, arguments: &[f64]) -> Option<(f64, Vec<f64>)> {
    let record = find(name, arguments.len()).ok()?;
    let instance = record.instance("f64")?;
    let mut values = boxed(name, arguments)?;
    let mut values: Vec<_> = values.iter_mut().map(|x| &mut **x).collect();
    let mut y = 0.0_f64;
    let pullback = instance.reverse(&mut values, &mut y).expect(name);
    let mut partials = vec![0.0_f64; arguments.len()];
    let mut slots: Vec<_> = partials
        .iter_mut()
        .zip(record.partials)
        .map(|(x, partial)| match partial {
            Partial::Unknown | Partial::Constant => None,
            _ => Some(x as &mut dyn Any),
        })
        .collect();
    pullback.pull(&1.0_f64, &mut slots).expect(name);
    Some((y, partials))
}

/// Whether a number is what it should be, up to a relative error: an infinity with its sign, and NaN where that is undefined.
pub(crate) fn near(found: f64, exact: f64, error: f64) -> bool {
    found == exact
        || found.is_nan() && exact.is_nan()
        || exact.is_finite() && (found - exact).abs() <= error * exact.abs()
}

/// What is left of a relative error when what the rounding of the arguments does to the value is taken off.
pub(crate) fn beyond_rounding(found: f64, exact: f64, floor: f64) -> f64 {
    if near(found, exact, 0.0) {
        return 0.0;
    }
    if !(found.is_finite() && exact.is_finite()) {
        return f64::INFINITY;
    }
    // A subnormal number has fewer digits.
    ((found - exact).abs() - floor - 1e-320).max(0.0) / exact.abs()
}

/// What the rounding of the arguments does to a value with these partials.
pub(crate) fn floor(arguments: &[f64], partials: &[f64]) -> f64 {
    let terms = arguments.iter().zip(partials).map(|(x, y)| (x * y).abs());
    let sum: f64 = terms.filter(|term| term.is_finite()).sum();
    2.0 * f64::EPSILON * sum
}

/// Whether a function is one of the elementary ones, by the file that it is in.
pub(crate) fn is_elementary(name: &str, arity: usize) -> bool {
    let families = ["arithmetic", "choice", "degrees", "exponential", "hyperbolic", "logarithmic"];
    let families = families.into_iter().chain(["power", "rounding", "trigonometric"]);
    let module = find(name, arity).map_or("", |record| record.module);
    families.into_iter().any(|family| module.rsplit("::").next() == Some(family))
}
