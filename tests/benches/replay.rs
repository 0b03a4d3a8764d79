//! A tape that is replayed against recording it again: `cargo bench --bench replay`.

use std::hint::black_box;

use difrules_core::{Real, Recording, Var, gradient, value_and_gradient};
use difrules_tests::compare;
use nalgebra::{DVector, convert};

/// Rosenbrock's function of many variables.
fn rosenbrock<T: Real>(x: &DVector<T>) -> T {
    let pairs = x.as_slice().windows(2);
    pairs.fold(T::zero(), |sum, x| {
        let (a, b) = (x[1] - x[0] * x[0], T::one() - x[0]);
        sum + a * a * convert(100.0) + b * b
    })
}

fn main() {
    let x = DVector::from_fn(1_000_000, |i, _| 0.1 * (i % 17) as f64);
    let mut recording = Recording::new(|x: &DVector<Var<f64>>| rosenbrock(x), &x);
    let mut by = DVector::zeros(x.len());
    recording.value_and_gradient(&x, &mut by).expect("nothing branches");
    approx::assert_relative_eq!(by, gradient(rosenbrock, &x), max_relative = 1e-12);

    let other = x.map(|x| x + 0.5);
    // What is recorded and not swept: the function runs, its result is not used.
    let mut record = || {
        gradient(
            |x| {
                black_box(rosenbrock(x));
                x[0]
            },
            black_box(&other),
        );
    };
    let mut replay = || {
        black_box(recording.value(black_box(&other)).expect("nothing branches"));
    };
    compare("recording", Some(0.7), ("replaying", &mut replay), ("recording", &mut record));
    let mut again = || {
        black_box(
            recording.value_and_gradient(black_box(&other), &mut by).expect("nothing branches"),
        );
    };
    let mut anew = || {
        black_box(value_and_gradient(rosenbrock, black_box(&other)));
    };
    compare("value and gradient", None, ("replaying", &mut again), ("recording", &mut anew));
}
