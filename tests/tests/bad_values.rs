//! NaN, infinity and wrong shapes in any argument of the primitives that take a matrix apart or solve a
//! system: an error that comes back, and neither a panic nor an endless iteration.

use std::any::Any;

use difrules_core::registry::{CallError, Notion};
use difrules_core::testing::Sampler;
use difrules_core::{Differentiable, Record, primitives};
use difrules_linalg::{Error, Lblt, Lu, Udu};
use nalgebra::{DMatrix, DVector, Dyn};

/// Replaces all real numbers of a value, and returns how many there are.
fn spoil(value: &mut dyn Any, bad: f64) -> usize {
    fn of<X: Differentiable<Real = f64>>(value: &mut dyn Any, bad: f64) -> Option<usize> {
        let value = value.downcast_mut::<X>()?;
        let mut count = 0;
        *value = X::build(&value.shape(), &mut || {
            count += 1;
            bad
        });
        Some(count)
    }
    let found = of::<f64>(value, bad)
        .or_else(|| of::<DMatrix<f64>>(value, bad))
        .or_else(|| of::<DVector<f64>>(value, bad))
        .or_else(|| of::<Lu<f64, Dyn, Dyn>>(value, bad))
        .or_else(|| of::<Lblt<f64, Dyn>>(value, bad))
        .or_else(|| of::<Udu<f64, Dyn>>(value, bad));
    found.expect("a type that this test knows")
}

/// Gives a matrix or a vector one more row; returns whether it is one.
fn grow(value: &mut dyn Any) -> bool {
    if let Some(matrix) = value.downcast_mut::<DMatrix<f64>>() {
        let rows = matrix.nrows();
        *matrix = matrix.clone().insert_row(rows, 1.0);
        return true;
    }
    let Some(vector) = value.downcast_mut::<DVector<f64>>() else { return false };
    let rows = vector.nrows();
    *vector = vector.clone().insert_row(rows, 1.0);
    true
}

/// The primitives that take a matrix apart, solve a system, or give a number of a matrix.
fn groups() -> impl Iterator<Item = &'static Record> {
    of(&["::decomposition::", "::systems::", "::determinants::", "::norms::"])
}

/// The primitives of these groups.
fn of(groups: &'static [&str]) -> impl Iterator<Item = &'static Record> {
    let is_in = |record: &&Record| groups.iter().any(|group| record.module.contains(group));
    primitives().iter().copied().filter(is_in)
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let mut refused = 0;
    // NaN and infinity go through BLAS as they are, shapes do not.
    for record in groups().chain(of(&["::blas::"])) {
        let instance = record.instance("f64").expect("every one has it");
        let sample = instance.sample.expect("every one has it");
        for k in 0..record.arguments.len() {
            for seed in 0..20 {
                let mut values = sample(&mut Sampler::new(seed, seed));
                if !grow(&mut *values[k]) {
                    continue;
                }
                let mut values: Vec<_> =
                    values.iter_mut().map(|x| &mut **x as &mut dyn Any).collect();
                let mut output: Option<Box<dyn Any>> = None;
                // Any shape does for some; what is refused is refused for its shape, or its rank.
                let Err(error) = instance.call(&mut values, &mut output) else { continue };
                let CallError::Failed { error, .. } = error else { panic!("{}", record.path) };
                let error = error.downcast::<Error>().expect("the crate's own");
                assert!(
                    matches!(
                        *error,
                        Error::NotSquare { .. }
                            | Error::DimensionMismatch { .. }
                            | Error::RankDeficient { .. }
                    ),
                    "{}: {error}",
                    record.path
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn nan_and_infinity_are_errors() {
    let mut called = 0;
    for record in groups() {
        // What cannot fail returns NaN, or infinity.
        if !record.result.starts_with("Result") {
            continue;
        }
        let instance = record.instance("f64").expect("every one has it");
        let sample = instance.sample.expect("every one has it");
        for (k, argument) in record.arguments.iter().enumerate() {
            if argument.notion() == Notion::Constant {
                continue;
            }
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                // The first sample that is not empty there; a vector may have no entry that is read.
                let mut values = (1..100)
                    .map(|seed| sample(&mut Sampler::new(seed, seed)))
                    .find_map(|mut values| (spoil(&mut *values[k], bad) > 2).then_some(values))
                    .or_else(|| {
                        let mut values = sample(&mut Sampler::new(1, 1));
                        (spoil(&mut *values[k], bad) > 0).then_some(values)
                    })
                    .expect("not always empty");
                let mut values: Vec<_> =
                    values.iter_mut().map(|x| &mut **x as &mut dyn Any).collect();
                let mut output: Option<Box<dyn Any>> = None;
                let what = format!("{} with `{}` = {bad}", record.path, argument.name);
                if record.name == "lp_norm" && argument.name == "p" && bad == f64::INFINITY {
                    continue;
                }
                let error = instance.call(&mut values, &mut output).expect_err(&what);
                let CallError::Failed { error, .. } = error else { panic!("{what}: {error}") };
                let error = error.downcast::<Error>().expect("the crate's own");
                let named = match *error {
                    Error::NotFinite { argument, .. } | Error::NotPositive { argument, .. } => {
                        argument
                    }
                    ref other => panic!("{what}: {other}"),
                };
                assert_eq!(named, argument.name, "{what}");
                called += 1;
            }
        }
    }
    assert!(called > 120, "{called}");
}
