//! A Poisson regression whose data are spread over processes:
//! `mpirun -n 4 target/release/examples/spread`, after `cargo build --release -p difrules-core --features mpi --example spread`.
//!
//! Each process has its own data and returns their part of the log-likelihood; the sums over processes of value, gradient and
//! Hessian product are those of all data. They are checked against one process that has all data, the maximum
//! is found by Newton's method with conjugate gradients, and the time of a gradient is measured with as many data in each
//! process, on one process, two, ..

use std::time::Instant;

use difrules_core::mpi::{MpiError, Processes, value_and_gradient, value_gradient_and_hvp};
use difrules_core::{Real, lit};
use mpi::topology::Color;
use mpi::traits::Communicator;
use nalgebra::{DVector, dvector};

/// How many coefficients there are.
const COEFFICIENTS: usize = 6;
/// How many data each process has.
const EACH: usize = 4000;

/// A count, and what it is explained by.
struct Datum {
    count: f64,
    regressors: [f64; COEFFICIENTS],
}

/// What was observed: the data of a process, as if it had read a file of its own.
fn observed(rank: usize) -> Vec<Datum> {
    let datum = |i: usize| {
        let t = (i + EACH * rank) as f64;
        let regressors = std::array::from_fn(|j| (t * (0.37 + 0.11 * j as f64)).sin());
        let rate: f64 = regressors.iter().zip(0..).map(|(x, j)| x * 0.3 / (1 + j) as f64).sum();
        Datum { count: (rate.exp() + (t * 1.9).cos().abs()).floor(), regressors }
    };
    (0..EACH).map(datum).collect()
}

/// The logarithm of the likelihood, without its constant.
fn ln_likelihood<T: Real>(b: &DVector<T>, data: &[Datum]) -> T {
    data.iter().fold(T::zero(), |sum, datum| {
        let rate = b.iter().zip(datum.regressors).fold(T::zero(), |s, (b, x)| s + *b * lit(x));
        sum + rate * lit(datum.count) - rate.exp()
    })
}

/// The likelihood of all data, its gradient and its Hessian times a direction, in each process.
fn together(
    processes: &Processes,
    data: &[Datum],
    b: &DVector<f64>,
    v: &DVector<f64>,
) -> Result<(f64, DVector<f64>, DVector<f64>), MpiError> {
    let f = |b: &DVector<_>, _: &_| Ok::<_, MpiError>(ln_likelihood(b, data));
    let own = value_gradient_and_hvp(processes, f, b, v)?;
    processes.plain().all_reduce(&own)
}

/// Newton's method; each step by conjugate gradients, which ask for products alone.
fn maximum(processes: &Processes, data: &[Datum]) -> Result<(DVector<f64>, f64), MpiError> {
    let mut b = DVector::zeros(COEFFICIENTS);
    let mut slope = f64::INFINITY;
    for _ in 0..20 {
        let (_, gradient, _) = together(processes, data, &b, &b)?;
        slope = gradient.norm();
        if slope < 1e-8 * EACH as f64 {
            break;
        }
        let (mut step, mut residual) = (DVector::zeros(COEFFICIENTS), gradient);
        let mut p = residual.clone();
        for _ in 0..COEFFICIENTS {
            let product = -together(processes, data, &b, &p)?.2;
            let before = residual.norm_squared();
            let alpha = before / p.dot(&product);
            step += &p * alpha;
            residual -= product * alpha;
            p = &residual + p * (residual.norm_squared() / before);
        }
        b += step;
    }
    Ok((b, slope))
}

/// The seconds of a gradient of data that are as many in each process.
fn seconds(processes: &Processes, data: &[Datum]) -> Result<f64, MpiError> {
    let b = dvector![0.3, 0.1, 0.1, 0.0, 0.0, 0.1];
    let gradient = || -> Result<f64, MpiError> {
        let start = Instant::now();
        let f = |b: &DVector<_>, _: &_| Ok::<_, MpiError>(ln_likelihood(b, data));
        let own = value_and_gradient(processes, f, &b)?;
        processes.plain().all_reduce(&own)?;
        Ok(start.elapsed().as_secs_f64())
    };
    (0..20).try_fold(f64::INFINITY, |best, _| Ok(best.min(gradient()?)))
}

fn main() -> Result<(), MpiError> {
    let Some(universe) = mpi::initialize() else { return Ok(()) };
    let world = universe.world();
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    let processes = Processes::new(&world);
    let data = observed(rank);

    let b = dvector![0.2, 0.1, -0.1, 0.05, 0.0, 0.1];
    let v = dvector![1.0, -0.5, 0.25, 2.0, -1.0, 0.5];
    let (value, gradient, product) = together(&processes, &data, &b, &v)?;
    // One process with all data.
    let all: Vec<Datum> = (0..size).flat_map(observed).collect();
    let alone =
        difrules_core::value_gradient_and_hvp(|b: &DVector<_>| ln_likelihood(b, &all), &b, &v);
    let of =
        |found: &DVector<f64>, expected: &DVector<f64>| (found - expected).norm() / expected.norm();
    let errors = [(value / alone.0 - 1.0).abs(), of(&gradient, &alone.1), of(&product, &alone.2)];
    assert!(errors.iter().all(|error| *error < 1e-11), "{errors:?}");
    let (found, slope) = maximum(&processes, &data)?;
    assert!(slope < 1e-8 * EACH as f64 * size as f64, "no maximum: slope {slope}");
    if rank == 0 {
        println!("{} data over {size} processes", EACH * size);
        println!(
            "against one process: value {:.0e}, gradient {:.0e}, Hessian product {:.0e}",
            errors[0], errors[1], errors[2]
        );
        println!("the maximum, coefficients {:.4?}: slope {slope:.0e}", found.as_slice());
    }

    // Weak scaling: the same work for each process.
    let mut one = None;
    for count in (0..).map(|k| 1 << k).take_while(|&count| count <= size) {
        let color = if rank < count { Color::with_value(1) } else { Color::undefined() };
        if let Some(some) = world.split_by_color(color) {
            let some = Processes::new(&some);
            let slowest = some.plain::<f64>().all_reduce(&seconds(&some, &data)?)? / count as f64;
            let one = *one.get_or_insert(slowest);
            if rank == 0 {
                println!(
                    "{count} processes, {EACH} data each: {:.3} ms, efficiency {:.2}",
                    1e3 * slowest,
                    one / slowest
                );
            }
        }
    }
    Ok(())
}
