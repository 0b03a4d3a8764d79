//! Sums over data on threads, against one tape on one thread and against rayon by hand: `cargo bench --bench parallel`.

use std::hint::black_box;

use difrules_core::{
    Real, lit, par_value_and_gradient, par_value_gradient_and_hessian, par_value_gradient_and_hvp,
    value_and_gradient, value_gradient_and_hessian, value_gradient_and_hvp,
};
use difrules_tests::compare;
use nalgebra::SVector;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

const COEFFICIENTS: usize = 8;

type Point<T> = SVector<T, COEFFICIENTS>;

/// A count, what it is explained by, and how many steps the rate takes.
struct Datum {
    count: f64,
    regressors: [f64; COEFFICIENTS],
    steps: usize,
}

/// A Poisson term whose rate comes from a recursion.
fn term<T: Real>(b: &Point<T>, datum: &Datum) -> T {
    let line = b.iter().zip(datum.regressors).fold(T::zero(), |sum, (b, x)| sum + *b * lit(x));
    let rate = (0..datum.steps).fold(line, |rate, _| rate * lit(0.9) + (rate * b[0]).sin());
    rate.exp() - rate * lit(datum.count)
}

fn sum<T: Real>(b: &Point<T>, data: &[Datum]) -> T {
    data.iter().map(|datum| term(b, datum)).fold(T::zero(), |sum, y| sum + y)
}

fn data(count: usize, steps: usize) -> Vec<Datum> {
    let wave = |i: usize, j: usize| ((i * (2 * j + 3)) as f64 * 0.61).sin() * 0.3;
    let datum = |i: usize| {
        let regressors = std::array::from_fn(|j| wave(i, j));
        Datum { count: (i % 3) as f64, regressors, steps }
    };
    (0..count).map(datum).collect()
}

/// As one would write it: chunks of data, a tape each, added in whatever order they come.
fn by_hand(b: &Point<f64>, data: &[Datum]) -> (f64, Point<f64>) {
    let chunk = |data: &[Datum]| value_and_gradient(|b| sum(b, data), b);
    let add = |x: (f64, Point<f64>), y: (f64, Point<f64>)| (x.0 + y.0, x.1 + y.1);
    data.par_chunks(64).map(chunk).reduce(|| (0.0, Point::zeros()), add)
}

fn main() {
    let pools = [1, 2].map(|threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        (threads, pool)
    });
    let on = |pool: &ThreadPool, f: &(dyn Fn() + Sync)| pool.install(f);
    let b = Point::from_fn(|i, _| 0.1 - 0.02 * i as f64);
    let v = Point::from_fn(|i, _| 1.0 - 0.3 * i as f64);
    // Both sides on the same threads: one that has slept may wake where the other one works.
    let short = ("50000 short terms", data(50_000, 0));
    for (what, data) in [short, ("1000 long terms", data(1000, 500))] {
        let f = |b: &Point<_>| sum(b, &data);
        let one = || {
            black_box(value_and_gradient(f, black_box(&b)));
        };
        let par = || {
            black_box(par_value_and_gradient(term, black_box(&b), &data));
        };
        let hand = || {
            black_box(by_hand(black_box(&b), &data));
        };
        for (threads, pool) in &pools {
            let name = format!("gradient of {what}, {threads} threads");
            let (mut par, mut one) = (|| on(pool, &par), || on(pool, &one));
            compare(&name, None, ("par", &mut par), ("one tape", &mut one));
            compare(&name, None, ("par", &mut par), ("by hand", &mut || on(pool, &hand)));
        }
    }
    let data = data(5000, 0);
    let f = |b: &Point<_>| sum(b, &data);
    let one = || {
        black_box(value_gradient_and_hvp(f, black_box(&b), &v));
    };
    let par = || {
        black_box(par_value_gradient_and_hvp(term, black_box(&b), &v, &data));
    };
    for (threads, pool) in &pools {
        let name = format!("Hessian product of 5000 short terms, {threads} threads");
        let (mut par, mut one) = (|| on(pool, &par), || on(pool, &one));
        compare(&name, None, ("par", &mut par), ("one tape", &mut one));
    }
    let f = |b: &Point<_>| sum(b, &data);
    let one = || {
        black_box(value_gradient_and_hessian(f, black_box(&b)));
    };
    let par = || {
        black_box(par_value_gradient_and_hessian(term, black_box(&b), &data));
    };
    for (threads, pool) in &pools {
        let name = format!("Hessian of 5000 short terms, {threads} threads");
        let (mut par, mut one) = (|| on(pool, &par), || on(pool, &one));
        compare(&name, None, ("par", &mut par), ("one tape", &mut one));
    }
}
