//! A level, a slope and a season of the monthly means of atmospheric CO2 at Mauna Loa, whose variances are
//! found by maximum likelihood with a Kalman filter. The gradient is checked against finite differences and
//! against the density of all observations at once.
//!
//! ```text
//! cargo run --release --example kalman
//! cargo run --release --example kalman -- 200     # of the first 200 observations alone
//! ```

use std::error::Error;

use difrules_core::math::exp;
use difrules_core::{Real, hessian, value_and_gradient};
use difrules_linalg::{Matrix, MatrixError, Vector};
use nalgebra::{DMatrix, DVector, RowDVector, Vector1, dvector};

/// The state: the level, the slope, and the season of this month and of the ten before.
const STATES: usize = 13;

/// The month that a value was observed in, counted from the first, and the value.
type Observations = Vec<(usize, f64)>;

/// What does not depend on the variances.
struct Model {
    /// How the state of a month follows from that of the one before.
    transition: DMatrix<f64>,
    /// What is observed of the state.
    observed: RowDVector<f64>,
    /// The states that the three noises of a month disturb, a column each.
    disturbed: DMatrix<f64>,
    /// What is known before the first month.
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

impl Model {
    fn new(first: f64) -> Self {
        let mut transition = DMatrix::zeros(STATES, STATES);
        transition[(0, 0)] = 1.0;
        transition[(0, 1)] = 1.0;
        transition[(1, 1)] = 1.0;
        // Twelve months of the season sum to zero, but for its noise.
        transition.view_mut((2, 2), (1, 11)).fill(-1.0);
        transition.view_mut((3, 2), (10, 10)).fill_with_identity();
        let mut mean = DVector::zeros(STATES);
        mean[0] = first;
        Self {
            transition,
            observed: RowDVector::from_fn(STATES, |_, j| if j == 0 || j == 2 { 1.0 } else { 0.0 }),
            disturbed: DMatrix::identity(STATES, 3),
            mean,
            covariance: DMatrix::identity(STATES, STATES) * 25.0,
        }
    }
}

/// Minus twice the log likelihood, without its constant, of the logarithms of the variances: of the noises
/// of level, slope and season, and of the observations.
fn deviance<T: Real>(
    theta: &Vector<T>,
    model: &Model,
    observations: &Observations,
) -> Result<T, MatrixError> {
    let Model { transition, observed, disturbed, mean, covariance } = model;
    let variances = theta.map::<exp>();
    let noise = disturbed * Matrix::from_diagonal(&variances.rows(0, 3)) * disturbed.transpose();
    let (mut x, mut p) = (Vector::<T>::constant(mean), Matrix::<T>::constant(covariance));
    let mut deviance = T::zero();
    let mut month = 0;
    for &(observed_in, y) in observations {
        while month < observed_in {
            x = transition * x;
            p = transition * p * transition.transpose() + &noise;
            month += 1;
        }
        let gain = &p * observed.transpose();
        let error = (Vector1::new(y) - observed * &x).get(0);
        let variance = (observed * &gain).get(0) + variances.get(3);
        x += &gain * (error / variance);
        p -= &gain * gain.transpose() / variance;
        deviance += variance.ln() + error * error / variance;
    }
    Ok(deviance)
}

/// Minus twice the log density of all observations at once, without its constant: their covariance is a sum
/// of the variances times `parts`, and of what the state before them adds.
fn joint_deviance<T: Real>(
    theta: &Vector<T>,
    mean: &DVector<f64>,
    parts: &[DMatrix<f64>; 4],
    before: &DMatrix<f64>,
    y: &DVector<f64>,
) -> Result<T, MatrixError> {
    let variances = theta.map::<exp>();
    let mut covariance = Matrix::<T>::constant(before);
    for (part, variance) in parts.iter().zip(variances.iter()) {
        covariance += Matrix::constant(part) * variance;
    }
    let whitened = covariance.cholesky()?.solve_lower_triangular(&(y - mean))?;
    Ok(whitened.norm_squared() + covariance.ln_determinant()?)
}

/// The mean of the observations, their covariances of unit variances, and what the state before adds.
fn joint(
    model: &Model,
    observations: &Observations,
) -> (DVector<f64>, [DMatrix<f64>; 4], DMatrix<f64>) {
    let n = observations.len();
    let last = observations[n - 1].0;
    // What is observed after so many months.
    let responses: Vec<RowDVector<f64>> =
        std::iter::successors(Some(model.observed.clone()), |row| Some(row * &model.transition))
            .take(last + 1)
            .collect();
    let months: Vec<usize> = observations.iter().map(|(month, _)| *month).collect();
    let mean = DVector::from_fn(n, |i, _| (&responses[months[i]] * &model.mean)[0]);
    let noise = |k: usize| {
        let of = |month: usize| (&responses[month] * model.disturbed.column(k))[0];
        DMatrix::from_fn(n, n, |i, j| {
            let (s, t) = (months[i], months[j]);
            (1..=s.min(t)).map(|u| of(s - u) * of(t - u)).sum()
        })
    };
    let before = DMatrix::from_fn(n, n, |i, j| {
        (&responses[months[i]] * &model.covariance * responses[months[j]].transpose())[0]
    });
    (mean, [noise(0), noise(1), noise(2), DMatrix::identity(n, n)], before)
}

/// The smallest deviance, by Newton's method with steps that are shortened until they lead down.
fn minimise(
    start: Vector<f64>,
    model: &Model,
    observations: &Observations,
) -> Result<(Vector<f64>, f64), MatrixError> {
    let mut theta = start;
    let mut damping = 1.0;
    for _ in 0..50 {
        let (value, slope) = value_and_gradient(|t| deviance(t, model, observations), &theta)?;
        if slope.norm() < 1e-4 {
            break;
        }
        let curvature = hessian(|t| deviance(t, model, observations), &theta)?;
        loop {
            let damped = Matrix::from(&curvature) + DMatrix::identity(4, 4) * damping;
            let next = damped.cholesky().and_then(|l| Ok(&theta - l.cholesky_solve(&slope)?));
            if let Ok(next) = next
                && deviance(&next, model, observations)? < value
            {
                (theta, damping) = (next, damping / 10.0);
                break;
            }
            damping *= 10.0;
        }
    }
    let least = deviance(&theta, model, observations)?;
    Ok((theta, least))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/mauna_loa_co2_monthly.csv"
    ))?;
    let most = std::env::args().nth(1).map_or(Ok(usize::MAX), |count| count.parse())?;
    let rows: Vec<(f64, f64)> = reader.deserialize().take(most).collect::<Result<_, _>>()?;
    let month = |year: f64| (12.0 * (year - rows[0].0)).round() as usize;
    let observations: Observations = rows.iter().map(|&(year, y)| (month(year), y)).collect();
    let model = Model::new(rows[0].1);
    let start: Vector<f64> = Vector::from(dvector![-2.0, -8.0, -6.0, -3.0]);

    // The gradient by the filter, by all observations at once, and by differences.
    let (value, slope) = value_and_gradient(|t| deviance(t, &model, &observations), &start)?;
    let first = observations[..observations.len().min(200)].to_vec();
    let (mean, parts, before) = joint(&model, &first);
    let y = DVector::from_iterator(first.len(), first.iter().map(|(_, y)| *y));
    let (of_first, slope_of_first) = value_and_gradient(|t| deviance(t, &model, &first), &start)?;
    let (of_all, slope_of_all) =
        value_and_gradient(|t| joint_deviance(t, &mean, &parts, &before, &y), &start)?;
    assert!((of_first - of_all).abs() < 1e-8 * of_all.abs(), "{of_first} {of_all}");
    assert!((&*slope_of_first - &*slope_of_all).norm() < 1e-7 * slope_of_all.norm());
    for i in 0..4 {
        let moved = |step: f64| {
            let mut theta = (*start).clone();
            theta[i] += step;
            deviance(&Vector::from(theta), &model, &observations)
        };
        let difference = (moved(1e-4)? - moved(-1e-4)?) / 2e-4;
        assert!((difference - slope[i]).abs() < 1e-6 * slope.norm(), "{difference} {}", slope[i]);
    }

    let (theta, least) = minimise(start, &model, &observations)?;
    assert!(least < value);
    let deviations = (0.5 * theta).map::<exp>();
    println!("deviance {value:.3} at the start, {least:.3} at its least");
    for (name, deviation) in
        ["level", "slope", "season", "observation"].iter().zip(deviations.iter())
    {
        println!("standard deviation of the {name}: {deviation:.5} ppm");
    }
    Ok(())
}
