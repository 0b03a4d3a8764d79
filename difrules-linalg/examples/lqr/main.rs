//! An inverted pendulum on a cart: the gain that balances it at the least cost, how that cost depends on the mass and
//! the length of the pendulum, and the pendulum that is the best when its gain is. What is computed is checked: the
//! equation by what is left of it, the closed loop by its eigenvalues, the cost by a simulation, and derivatives by
//! differences and by the cost of a gain that is held.
//!
//! ```text
//! cargo run --release -p difrules-linalg --example lqr
//! ```

mod plot;

use std::error::Error;
use std::path::Path;

use difrules_core::math::exp;
use difrules_core::{Real, gradient, hessian, value_and_gradient};
use difrules_linalg::{Matrix, MatrixError, Vector, complex_eigenvalues};
use nalgebra::{DMatrix, DVector, dmatrix, dvector};

use crate::plot::Point;

/// The mass of the cart in kg, and the acceleration of gravity in m/s^2.
const CART: f64 = 1.0;
const GRAVITY: f64 = 9.81;

/// How the price of a design depends on it: a light bob carries little, and a short rod does not reach far.
const PRICE_OF_LIGHTNESS: f64 = 0.5;
const PRICE_OF_SHORTNESS: f64 = 1.0;

/// What the state and the force cost, and where the pendulum starts: 0.2 rad off.
///
/// The state is the place of the cart, its velocity, the angle of the pendulum and its velocity.
struct Task {
    q: DMatrix<f64>,
    r: DMatrix<f64>,
    start: DVector<f64>,
}

impl Task {
    fn new() -> Self {
        let q = DMatrix::from_diagonal(&dvector![10.0, 1.0, 100.0, 1.0]);
        Self { q, r: dmatrix![0.1], start: dvector![0.0, 0.0, 0.2, 0.0] }
    }
}

/// A number of the program's scalar.
fn number<T: Real>(x: f64) -> T {
    nalgebra::convert(x)
}

/// A and B of dx = A x + B u near the upright position, of the logarithms of the mass m of the bob and of the length l of
/// the rod: the cart is moved by (u - m g angle) / M, the angle by ((M + m) g angle - u) / (M l).
fn plant<T: Real>(design: &Vector<T>) -> (Matrix<T>, Matrix<T>) {
    let design = design.map::<exp>();
    let (mass, length) = (design.get(0), design.get(1));
    let (zero, one, cart) = (T::zero(), T::one(), number::<T>(CART));
    let gravity = number::<T>(GRAVITY);
    let (of_cart, of_angle) = (-mass * gravity / cart, (cart + mass) * gravity / (cart * length));
    let a = dmatrix![
        zero, one, zero, zero;
        zero, zero, of_cart, zero;
        zero, zero, zero, one;
        zero, zero, of_angle, zero
    ];
    let b = dmatrix![zero; one / cart; zero; -one / (cart * length)];
    (Matrix::from(a), Matrix::from(b))
}

/// The X of the least cost x^T X x, and the gain K of the force -K x that has it.
fn regulator<T: Real>(
    design: &Vector<T>,
    task: &Task,
) -> Result<(Matrix<T>, Matrix<T>), MatrixError> {
    let (a, b) = plant(design);
    let x = a.continuous_riccati(&b, &task.q, &task.r)?;
    let gain = (b.transpose() * &x) / number::<T>(task.r[(0, 0)]);
    Ok((x, gain))
}

/// The cost of balancing a pendulum, with the best gain for it.
fn least_cost<T: Real>(design: &Vector<T>, task: &Task) -> Result<T, MatrixError> {
    let (x, _) = regulator(design, task)?;
    let start = Vector::constant(&task.start);
    start.dot(&(&x * &start))
}

/// The cost of balancing a pendulum with a gain that is held, by the Lyapunov equation of the closed loop.
fn cost_of_gain<T: Real>(
    design: &Vector<T>,
    gain: &Matrix<T>,
    task: &Task,
) -> Result<T, MatrixError> {
    let (a, b) = plant(design);
    let closed = a - b * gain;
    let costs = Matrix::constant(&task.q) + gain.transpose() * Matrix::constant(&task.r) * gain;
    let x = closed.transpose().continuous_lyapunov(&-costs)?;
    let start = Vector::constant(&task.start);
    start.dot(&(&x * &start))
}

fn cost_by_gain<T: Real>(
    design: &DVector<f64>,
    gain: &Matrix<T>,
    task: &Task,
) -> Result<T, MatrixError> {
    cost_of_gain(&Vector::<T>::constant(design), gain, task)
}

fn cost_by_design<T: Real>(
    design: &Vector<T>,
    gain: &DMatrix<f64>,
    task: &Task,
) -> Result<T, MatrixError> {
    cost_of_gain(design, &Matrix::<T>::constant(gain), task)
}

/// The cost of balancing it, and its price.
fn total<T: Real>(design: &Vector<T>, task: &Task) -> Result<T, MatrixError> {
    let sizes = design.map::<exp>();
    let price = number::<T>(PRICE_OF_LIGHTNESS) / sizes.get(0)
        + number::<T>(PRICE_OF_SHORTNESS) / sizes.get(1);
    Ok(least_cost(design, task)? + price)
}

/// The derivatives by the two parts of a design, by central differences.
fn differences(
    f: impl Fn(&Vector<f64>) -> Result<f64, MatrixError>,
    design: &Vector<f64>,
) -> Result<DVector<f64>, MatrixError> {
    let step = 1e-5;
    let mut slope = DVector::zeros(2);
    for i in 0..2 {
        let moved = |by: f64| {
            let mut design = (**design).clone();
            design[i] += by;
            f(&Vector::from(design))
        };
        slope[i] = (moved(step)? - moved(-step)?) / (2.0 * step);
    }
    Ok(slope)
}

/// Demands that the gain is that of the equation and stabilises, and that derivatives and costs are right.
fn check(design: &Vector<f64>, task: &Task) -> Result<(), MatrixError> {
    let (x, gain) = regulator(design, task)?;
    let (a, b) = plant(design);
    let (x, gain, a, b) = (&*x, &*gain, &*a, &*b);
    let moved = x * a;
    let residual = &moved + moved.transpose() - gain.transpose() * &task.r * gain + &task.q;
    assert!(residual.norm() < 1e-12 * (x.norm() * a.norm() + task.q.norm()), "{residual}");

    let closed = a - b * gain;
    let slowest = complex_eigenvalues(&closed)
        .expect("finite")
        .iter()
        .fold(f64::MIN, |most, l| most.max(l.re));
    assert!(slowest < 0.0, "{slowest}");

    // The cost is the integral of the costs of a simulation.
    let (cost, slope) = value_and_gradient(|design| least_cost(design, task), design)?;
    let simulated = simulated(&closed, gain, task, 20.0 / -slowest);
    assert!((simulated - cost).abs() < 1e-6 * cost, "{simulated} {cost}");

    let difference = differences(|design| least_cost(design, task), design)?;
    assert!((&*slope - &difference).norm() < 1e-6 * slope.norm(), "{slope} {difference}");

    // At the best gain the cost does not depend on the gain, so that of the gain that is held has the same slope.
    let held = Matrix::from(gain.clone());
    let (same, by_gain) = value_and_gradient(|gain| cost_by_gain(design, gain, task), &held)?;
    let by_design = gradient(|design| cost_by_design(design, gain, task), design)?;
    assert!((same - cost).abs() < 1e-9 * cost);
    assert!(by_gain.norm() < 1e-8 * cost, "{by_gain}");
    assert!((&*by_design - &*slope).norm() < 1e-7 * slope.norm(), "{by_design} {slope}");
    Ok(())
}

/// The costs of the closed loop up to a time, by the rule of Simpson over steps of Runge and Kutta.
fn simulated(closed: &DMatrix<f64>, gain: &DMatrix<f64>, task: &Task, end: f64) -> f64 {
    let weight = &task.q + gain.transpose() * &task.r * gain;
    let rate = |x: &DVector<f64>| closed * x;
    let cost = |x: &DVector<f64>| x.dot(&(&weight * x));
    let advanced = |x: &DVector<f64>, h: f64| {
        let first = rate(x);
        let second = rate(&(x + &first * (h / 2.0)));
        let third = rate(&(x + &second * (h / 2.0)));
        let last = rate(&(x + &third * h));
        x + (first + (second + third) * 2.0 + last) * (h / 6.0)
    };
    let steps = (end * closed.norm() * 4.0).ceil() as usize;
    let h = end / steps as f64;
    let (mut x, mut sum) = (task.start.clone(), 0.0);
    for _ in 0..steps {
        let middle = advanced(&x, h / 2.0);
        let next = advanced(&middle, h / 2.0);
        sum += (cost(&x) + 4.0 * cost(&middle) + cost(&next)) * (h / 6.0);
        x = next;
    }
    sum
}

/// The design of the least total, by Newton's method with steps that are shortened until they lead down: each of its gains is
/// the best for its pendulum, so both are designed at once.
fn codesign(start: &Vector<f64>, task: &Task) -> Result<Vector<f64>, MatrixError> {
    let mut design = start.clone();
    let mut damping = 1.0;
    for _ in 0..60 {
        let (value, slope) = value_and_gradient(|design| total(design, task), &design)?;
        if slope.norm() < 1e-9 * value {
            break;
        }
        let curvature = hessian(|design| total(design, task), &design)?;
        loop {
            let damped = Matrix::from(&curvature) + DMatrix::identity(2, 2) * damping;
            let next = damped.cholesky().and_then(|l| Ok(&design - l.cholesky_solve(&slope)?));
            if let Ok(next) = next
                && total(&next, task).is_ok_and(|total| total < value)
            {
                (design, damping) = (next, damping / 10.0);
                break;
            }
            damping *= 10.0;
            if damping > 1e12 {
                return Ok(design);
            }
        }
    }
    Ok(design)
}

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::new();
    let design = |mass: f64, length: f64| Vector::from(dvector![mass.ln(), length.ln()]);

    let first = design(0.1, 0.5);
    check(&first, &task)?;
    let (_, gain) = regulator(&first, &task)?;
    let (cost, slope) = value_and_gradient(|design| least_cost(design, &task), &first)?;
    println!("a bob of 0.1 kg on 0.5 m: cost {cost:.3}, gain {:.2?}", gain.as_slice());
    println!(
        "per cent of cost for a per cent of mass: {:.3}, of length: {:.3}",
        slope.get(0) / cost,
        slope.get(1) / cost
    );

    let mut curves = Vec::new();
    for mass in [0.1, 0.5, 1.0] {
        let points = (0..=40).map(|k| {
            let length = 0.2 * 10.0_f64.powf(f64::from(k) / 40.0);
            let at = design(mass, length);
            let (cost, slope) = value_and_gradient(|design| least_cost(design, &task), &at)?;
            Ok(Point { length, cost, by_mass: slope.get(0) / cost, by_length: slope.get(1) / cost })
        });
        curves.push((mass, points.collect::<Result<Vec<_>, MatrixError>>()?));
    }
    let target = Path::new("target");
    std::fs::create_dir_all(target)?;
    let path = target.join("lqr.svg");
    plot::draw(&path, &curves)?;

    let best = codesign(&first, &task)?;
    check(&best, &task)?;
    let difference = differences(|design| total(design, &task), &best)?;
    let (before, after) = (total(&first, &task)?, total(&best, &task)?);
    assert!(after < before);
    assert!(difference.norm() < 1e-5 * after, "{difference}");
    let sizes = best.map::<exp>();
    let (_, gain) = regulator(&best, &task)?;
    println!(
        "the best: {:.3} kg on {:.3} m, gain {:.2?}; total {after:.3} in place of {before:.3}",
        sizes.get(0),
        sizes.get(1),
        gain.as_slice()
    );
    println!("the figure is {}", path.display());
    Ok(())
}
