//! NaN and infinity in any argument of the primitives that take a matrix apart or solve a system: an error
//! that comes back, and neither a panic nor an endless iteration.

use std::any::Any;

use difrules_core::testing::Sampler;
use difrules_core::{CallError, Differentiable, Notion, primitives};
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

#[test]
fn nan_and_infinity_are_errors() {
    let mut called = 0;
    for record in primitives() {
        let group = ["::decomposition::", "::systems::", "::scalar::"];
        // A norm that returns a number returns NaN, or infinity.
        if !group.iter().any(|group| record.path.contains(group)) || record.name == "norm" {
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
