//! Fits a Gaussian process to the monthly means of atmospheric CO2 at Mauna Loa (Keeling and Whorf
//! 2004, public domain) by maximising the log marginal likelihood over eleven parameters.
//!
//! ```text
//! cargo run --release -p difrules-linalg --example co2 [-- --csv FILE]
//! ```

mod data;
mod model;
mod plot;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use argmin::core::observers::{Observe, ObserverMode};
use argmin::core::{CostFunction, Executor, Gradient, IterState, KV, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use clap::Parser;
use difrules_core::{hessian, value_and_gradient};
use difrules_linalg::{cholesky, cholesky_solve, solve_lower_triangular};
use indicatif::{ProgressBar, ProgressStyle};
use nalgebra::{DMatrix, DVector};

use crate::data::Observations;
use crate::model::{Parameters, START, Separations, covariance, cross_covariance, ln_likelihood};
use crate::plot::Prediction;

/// Fits a Gaussian process to a series of monthly means of atmospheric CO2.
#[derive(Parser)]
struct Options {
    /// Other data: a file with the columns `decimal_year` and `co2_ppmv`.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// The names of the parameters, in order.
const NAMES: [&str; 11] = [
    "trend: ln variance",
    "trend: ln length",
    "season: ln variance",
    "season: ln decay length",
    "season: ln roughness length",
    "medium: ln variance",
    "medium: ln shape",
    "medium: ln length",
    "short: ln variance",
    "short: ln length",
    "noise: ln variance",
];

/// The centred observations, and what the covariance needs of them.
struct Problem {
    separations: Rc<Separations>,
    y: DVector<f64>,
}

impl CostFunction for &Problem {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, theta: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        let theta = Parameters::from_column_slice(theta);
        // The line search steps back from where the covariance is not positive definite.
        Ok(ln_likelihood(&theta, &self.separations, &self.y).map_or(f64::INFINITY, |value| -value))
    }
}

impl Gradient for &Problem {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, theta: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        let theta = Parameters::from_column_slice(theta);
        let (_, gradient) =
            value_and_gradient(|t| ln_likelihood(t, &self.separations, &self.y), &theta)?;
        Ok((-gradient).as_slice().to_vec())
    }
}

/// Shows each iteration.
struct Progress(ProgressBar);

impl<I: State<Float = f64>> Observe<I> for Progress {
    fn observe_iter(&mut self, state: &I, _: &KV) -> Result<(), argmin::core::Error> {
        self.0.set_message(format!(
            "iteration {}, log likelihood {:.6}",
            state.get_iter(),
            -state.get_best_cost()
        ));
        Ok(())
    }
}

/// The parameters that maximise the likelihood.
fn fit(problem: &Problem) -> Result<Parameters<f64>, Box<dyn std::error::Error>> {
    const MEMORY: usize = 20;
    const MOST_ITERATIONS: u64 = 300;
    let progress =
        ProgressBar::new_spinner().with_style(ProgressStyle::with_template("{spinner} {msg}")?);
    progress.enable_steady_tick(Duration::from_millis(100));
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY)
        .with_tolerance_grad(1e-4)?
        .with_tolerance_cost(1e-11)?;
    let result = Executor::new(problem, solver)
        .configure(|state: IterState<Vec<f64>, Vec<f64>, (), (), (), f64>| {
            state.param(START.to_vec()).max_iters(MOST_ITERATIONS)
        })
        .add_observer(Progress(progress.clone()), ObserverMode::Always)
        .run()?;
    progress.finish_and_clear();
    let state = result.state();
    println!("{} iterations of L-BFGS: {}", state.get_iter(), state.get_termination_status());
    let best = state.get_best_param().ok_or("the search found no parameters")?;
    Ok(Parameters::from_column_slice(best))
}

/// The standard errors of the parameters: the roots of the diagonal of the inverse Hessian.
fn standard_errors(
    problem: &Problem,
    theta: &Parameters<f64>,
) -> Result<DVector<f64>, Box<dyn std::error::Error>> {
    let information = -hessian(|t| ln_likelihood(t, &problem.separations, &problem.y), theta)?;
    let size = information.nrows();
    let factor = cholesky(&information)
        .map_err(|error| format!("no maximum here, so no standard errors: {error}"))?;
    let inverse = cholesky_solve(&factor, &DMatrix::identity(size, size))?;
    Ok(inverse.diagonal().map(f64::sqrt))
}

/// The posterior of the process from the first observation to twenty years beyond the last.
fn predict(
    problem: &Problem,
    theta: &Parameters<f64>,
    observations: &Observations,
    mean: f64,
) -> Result<Vec<Prediction>, difrules_linalg::Error> {
    const BEYOND: f64 = 20.0;
    const A_YEAR: f64 = 24.0;
    let times = &observations.times;
    let (first, last) = times
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), &x| (least.min(x), most.max(x)));
    let count = ((last + BEYOND - first) * A_YEAR).ceil() as usize;
    let new: Vec<f64> = (0..=count).map(|i| first + i as f64 / A_YEAR).collect();
    let cross = cross_covariance(theta, &new, times);
    let factor = cholesky(&covariance(theta, &problem.separations))?;
    let means = &cross * cholesky_solve(&factor, &problem.y)?;
    let explained = solve_lower_triangular(&factor, &cross.transpose())?;
    let prior = covariance(theta, &Rc::new(Separations::new(&[0.0])))[(0, 0)];
    let predictions = new.iter().zip(means.iter()).zip(explained.column_iter());
    Ok(predictions
        .map(|((&time, predicted), explained)| Prediction {
            time,
            mean: mean + predicted,
            deviation: (prior - explained.norm_squared()).max(0.0).sqrt(),
        })
        .collect())
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let bundled =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/mauna_loa_co2_monthly.csv");
    let path = options.csv.as_deref().unwrap_or(&bundled);
    let observations = data::read(path)?;
    let mean = observations.values.iter().sum::<f64>() / observations.values.len() as f64;
    let problem = Problem {
        separations: Rc::new(Separations::new(&observations.times)),
        y: DVector::from_iterator(
            observations.values.len(),
            observations.values.iter().map(|y| y - mean),
        ),
    };
    let model = |t: &_| ln_likelihood(t, &problem.separations, &problem.y);
    let (start, gradient) = value_and_gradient(model, &Parameters::from(START))?;
    println!("{} observations from {}", observations.times.len(), path.display());
    println!("log likelihood at the start: {start:.6}");
    println!("its gradient: {:.10?}", gradient.as_slice());

    let theta = fit(&problem)?;
    let likelihood = ln_likelihood(&theta, &problem.separations, &problem.y)?;
    let errors = standard_errors(&problem, &theta)?;
    println!("log likelihood at the maximum: {likelihood:.6}\n");
    println!("{:<28} {:>12} {:>15}", "parameter", "value", "standard error");
    for ((name, value), error) in NAMES.iter().zip(theta.iter()).zip(errors.iter()) {
        println!("{name:<28} {value:>12.6} {error:>15.6}");
    }

    let predictions = predict(&problem, &theta, &observations, mean)?;
    let target = Path::new("target");
    std::fs::create_dir_all(target)?;
    let picture = target.join("co2.svg");
    plot::draw(&picture, &observations, &predictions)?;
    println!("\npicture: {}", picture.display());
    Ok(())
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
