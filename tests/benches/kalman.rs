//! The likelihood of 500 observations by a Kalman filter of 32 states, and its gradient:
//! `cargo bench --bench kalman`.

use std::fs;
use std::hint::black_box;

use difrules_core::math::exp;
use difrules_core::{Real, checkpointed, value_and_gradient};
use difrules_linalg::{Matrix, Vector};
use difrules_tests::compare;
use nalgebra::{DMatrix, DVector, RowDVector, Vector1};

const STATES: usize = 32;
const STEPS: usize = 500;

struct Model {
    transition: DMatrix<f64>,
    observed: RowDVector<f64>,
    y: DVector<f64>,
}

/// The state's mean, its covariance, and the deviance so far.
type Belief<T> = (Vector<T>, Matrix<T>, T);

/// One month, by the variances of the states' noises and of the observation's.
fn step<T: Real>(
    model: &Model,
    month: usize,
    (x, p, deviance): &Belief<T>,
    (noise, variance): &(Matrix<T>, T),
) -> Belief<T> {
    let Model { transition, observed, y } = model;
    let x = transition * x;
    let p = transition * p * transition.transpose() + noise;
    let gain = &p * observed.transpose();
    let error = (Vector1::new(y[month]) - observed * &x).get(0);
    let variance = (observed * &gain).get(0) + *variance;
    let deviance = *deviance + variance.ln() + error * error / variance;
    let p = p - &gain * gain.transpose() / variance;
    (x + gain * (error / variance), p, deviance)
}

fn start<T: Real>(theta: &Vector<T>) -> (Belief<T>, (Matrix<T>, T)) {
    let variances = theta.map::<exp>();
    let noise = Matrix::from_diagonal(&variances.rows(0, STATES));
    let x = Vector::constant(&DVector::<f64>::zeros(STATES));
    ((x, Matrix::identity(STATES, STATES), T::zero()), (noise, variances.get(STATES)))
}

fn deviance<T: Real>(theta: &Vector<T>, model: &Model) -> T {
    let (belief, noises) = start(theta);
    (0..STEPS).fold(belief, |belief, month| step(model, month, &belief, &noises)).2
}

/// The most memory, in megabytes, that this process had so far; known on Linux.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1e3)
}

fn main() {
    let any = |i: usize, j: usize| ((i * 37 + j * 11) as f64 * 0.618).sin();
    // `checkpointed` keeps its step for as long as the tape lives.
    let model: &'static Model = Box::leak(Box::new(Model {
        transition: DMatrix::from_fn(STATES, STATES, any) * 0.15,
        observed: RowDVector::from_fn(STATES, |_, j| any(1, j)),
        y: DVector::from_fn(STEPS, |i, _| any(i, 2)),
    }));
    let theta = Vector::from(DVector::from_element(STATES + 1, -1.0_f64));
    let by_checkpoints = |theta: &Vector<_>| {
        let (belief, noises) = start(theta);
        let step = |month: usize, belief: &Belief<_>, noises: &(Matrix<_>, _)| {
            step(model, month, belief, noises)
        };
        checkpointed(STEPS, &belief, &noises, step).2
    };
    // First, as what the whole tape takes stays with the process.
    let before = peak();
    let (again, slope_again) = value_and_gradient(by_checkpoints, &theta);
    if let (Some(before), Some(after)) = (before, peak()) {
        let taken = after - before;
        println!("Kalman gradient by checkpoints: {taken:.1} MB of memory (wanted: at most 20)");
    }
    let (value, slope) = value_and_gradient(|theta| deviance(theta, model), &theta);
    assert_eq!(value, again);
    assert!((&*slope - &*slope_again).norm() < 1e-13 * slope.norm());

    let mut plain = || {
        black_box(deviance(black_box(&theta), model));
    };
    let mut gradient = || {
        black_box(value_and_gradient(|theta| deviance(theta, model), black_box(&theta)));
    };
    let mut checkpoints = || {
        black_box(value_and_gradient(by_checkpoints, black_box(&theta)));
    };
    compare(
        "Kalman likelihood and gradient",
        Some(6.0),
        ("with gradient", &mut gradient),
        ("alone", &mut plain),
    );
    compare(
        "Kalman likelihood and gradient by checkpoints",
        None,
        ("with gradient", &mut checkpoints),
        ("alone", &mut plain),
    );
}
