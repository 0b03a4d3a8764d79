//! What matrices in one piece take of memory.

use std::sync::atomic::Ordering;

use crate::{ALIVE, ALLOCATIONS, ALONE, PEAK};
use difrules_core::math::{exp, tanh};
use difrules_core::{Real, checkpointed, lit, value_and_gradient};
use difrules_linalg::{
    Diagonal, EachColumn, Matrix, MatrixError, Operation, Triangle, Vector, elementwise, trmv,
};
use nalgebra::{DMatrix, DVector, RowDVector, U3, Vector1, matrix, vector};

#[test]
fn nothing_allocates_at_static_sizes() {
    fn program<T: Real>((a, v): &(Matrix<T, U3, U3>, Vector<T, U3>)) -> Result<T, MatrixError> {
        let data = matrix![1.0, 0.2, 0.1; 0.2, 2.0, 0.3; 0.1, 0.3, 1.5];
        let b = elementwise!(|x, v| x * v + 0.5, &(a * data + a.transpose()), EachColumn(v));
        let l = (&b * b.transpose() + data).cholesky()?;
        let x = l.solve_lower_triangular(v)?.map::<tanh>();
        Ok(x.norm_squared() + (2.0 * &x - v).sum() * x.get(0) + l.row(2).sum() + l.column(0).sum())
    }
    let _alone = ALONE.lock();
    let a = Matrix::from(matrix![1.0_f64, 0.5, 0.2; 0.1, 2.0, 0.4; 0.3, 0.2, 1.0]);
    let at = (a, Vector::from(vector![0.3, -0.2, 0.5]));
    let gradient = || value_and_gradient(program, &at).expect("it is positive definite");
    let trivial = || value_and_gradient(|(a, _)| a.sum(), &at);
    // The tape's own memory comes from the first calls.
    let first = gradient();
    gradient();
    trivial();
    // What a sweep takes for itself, whatever the program.
    let before = ALLOCATIONS.get();
    trivial();
    let sweep = ALLOCATIONS.get() - before;
    let before = ALLOCATIONS.get();
    let again = gradient();
    let count = ALLOCATIONS.get() - before;
    assert_eq!(first, again);
    assert_eq!(count, sweep);
}

#[test]
fn a_long_filter_takes_little_memory_by_checkpoints() {
    const STATES: usize = 32;
    const STEPS: usize = 500;
    type Belief<T> = (Vector<T>, Matrix<T>, T);
    fn step<T: Real>(
        month: usize,
        (x, p, deviance): &Belief<T>,
        (noise, variance): &(Matrix<T>, T),
    ) -> Belief<T> {
        let any = |i: usize, j: usize| ((i * 37 + j * 11) as f64 * 0.618).sin();
        let transition = DMatrix::from_fn(STATES, STATES, any) * 0.15;
        let observed = RowDVector::from_fn(STATES, |_, j| any(1, j));
        let x = &transition * x;
        let p = &transition * p * transition.transpose() + noise;
        let gain = &p * observed.transpose();
        let error = (Vector1::new(any(month, 2)) - &observed * &x).get(0);
        let variance = (observed * &gain).get(0) + *variance;
        let deviance = *deviance + variance.ln() + error * error / variance;
        let p = p - &gain * gain.transpose() / variance;
        (x + gain * (error / variance), p, deviance)
    }
    fn deviance<T: Real>(theta: &Vector<T>, by_checkpoints: bool) -> T {
        let variances = theta.map::<exp>();
        let noise = Matrix::from_diagonal(&variances.rows(0, STATES));
        let x = Vector::constant(&DVector::<f64>::zeros(STATES));
        let start = (x, Matrix::identity(STATES, STATES), T::zero());
        let noises = (noise, variances.get(STATES));
        if !by_checkpoints {
            return (0..STEPS).fold(start, |belief, month| step(month, &belief, &noises)).2;
        }
        checkpointed(STEPS, &start, &noises, step::<T>).2
    }
    let _alone = ALONE.lock();
    let theta = Vector::from(DVector::from_element(STATES + 1, -1.0_f64));
    let before = ALIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let by_checkpoints = value_and_gradient(|theta| deviance(theta, true), &theta);
    let peak = PEAK.load(Ordering::Relaxed) - before;
    let (value, slope) = value_and_gradient(|theta| deviance(theta, false), &theta);
    assert_eq!(by_checkpoints.0, value);
    // The sums over the steps are of another order.
    assert!((&*by_checkpoints.1 - &*slope).norm() < 1e-13 * slope.norm());
    assert!(peak < 20_000_000, "{peak} bytes");
}

/// What a gradient takes of memory at most, in bytes a step, beside the gradient itself.
fn bytes_a_step<Y>(steps: usize, f: impl FnOnce() -> Y) -> (Y, usize) {
    let before = ALIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let y = f();
    (y, (PEAK.load(Ordering::Relaxed) - before) / steps)
}

#[test]
fn a_buffer_that_is_overwritten_takes_what_the_rules_read() {
    const SIZE: usize = 100;
    const STEPS: usize = 1_000;
    /// Each step overwrites y, which no rule reads.
    fn linear<T: Real>((x, y): &(Vector<T>, Vector<T>), a: &DMatrix<f64>) -> T {
        let mut y = y.clone();
        let a = Matrix::<T>::constant(a);
        for _ in 0..STEPS / 2 {
            y.gemv(Operation::None, lit(1e-3), &a, x, lit(0.999)).expect("it fits");
            y.axpy(lit(1e-3), x).expect("it fits");
        }
        y.sum()
    }
    /// Each step overwrites y, and the rule reads what it was.
    fn product<T: Real>((l, y): &(Matrix<T>, Vector<T>)) -> T {
        let mut y = y.clone();
        for _ in 0..STEPS {
            y.trmv(Triangle::Lower, Operation::None, Diagonal::General, l).expect("it fits");
        }
        y.sum()
    }
    let _alone = ALONE.lock();
    let any = |i: usize, j: usize| ((i * 37 + j * 11) as f64 * 0.618).sin();
    let a = DMatrix::from_fn(SIZE, SIZE, any);
    let (x, y) =
        (DVector::from_fn(SIZE, |i, _| any(i, 1)), DVector::from_fn(SIZE, |i, _| any(i, 2)));
    let at = (Vector::from(x.clone()), Vector::from(y.clone()));
    let ((_, by), read_by_none) =
        bytes_a_step(STEPS, || value_and_gradient(|at| linear(at, &a), &at));
    // y <- 0.999 y + 0.001 (A x + x) again and again.
    let kept = 0.999_f64.powi(STEPS as i32 / 2);
    let by_x = (a.transpose() * DVector::repeat(SIZE, 1.0)).add_scalar(1.0) * (1.0 - kept);
    // The order of the two updates of a step.
    assert!((&*by.1 - DVector::repeat(SIZE, kept)).norm() < 1e-10);
    assert!((&*by.0 - by_x).norm() < 1e-9 * by.0.norm());

    // A triangle whose powers neither grow nor vanish.
    let l = DMatrix::from_fn(SIZE, SIZE, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => f64::NAN,
        std::cmp::Ordering::Equal => 1.0 - 1e-5 * (i % 7) as f64,
        std::cmp::Ordering::Greater => 1e-6 * any(i, j),
    });
    let at = (Matrix::from(l.clone()), Vector::from(y.clone()));
    let ((_, by), read) = bytes_a_step(STEPS, || value_and_gradient(product, &at));
    let (mut all, mut w) = (vec![y], DVector::repeat(SIZE, 1.0));
    for k in 0..STEPS {
        let mut next = all[k].clone();
        let (general, lower) = (Diagonal::General, Triangle::Lower);
        trmv(lower, Operation::None, general, &l, &mut next).expect("it fits");
        all.push(next);
    }
    let mut l_bar = DMatrix::zeros(SIZE, SIZE);
    for before in all[..STEPS].iter().rev() {
        l_bar.ger(1.0, &w, before, 1.0);
        trmv(Triangle::Lower, Operation::Transpose, Diagonal::General, &l, &mut w)
            .expect("it fits");
    }
    assert!((&*by.1 - &w).norm() < 1e-10 * w.norm());
    assert!((&*by.0 - l_bar.lower_triangle()).norm() < 1e-10 * l_bar.norm());

    // A step has as many adjoints as y has numbers, and a node; where the rule reads y, so many numbers more.
    let numbers = SIZE * size_of::<f64>();
    assert!(read_by_none < numbers + 500, "{read_by_none} bytes a step");
    assert!(read > read_by_none + numbers / 2 && read < 2 * numbers + 700, "{read} bytes a step");
}
