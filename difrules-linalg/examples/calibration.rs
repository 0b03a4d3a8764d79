//! A camera is calibrated from two views of a flat board: focal lengths, centre and distortion of the lens and where the
//! camera stood, by Levenberg and Marquardt's method on the product of a flat space and two groups of rigid motions. What is
//! found is checked: the Jacobian by reverse mode and by differences, the minimum by its gradient, and the parameters by
//! the true ones and by how exactly they can be known.
//!
//! ```text
//! cargo run --release -p difrules-linalg --features motions --example calibration
//! ```

mod random;

use std::error::Error;

use difrules_core::motions::{Flat, Manifold, gradient, value_and_jacobian};
use difrules_core::{Differentiable, Real, lit, manifold};
use nalgebra::{DMatrix, DVector, Isometry3, Point2, Point3, Vector2, vector};
use random::Random;

/// A lens: what it makes of a direction.
#[derive(Clone, Debug, PartialEq, Differentiable)]
struct Lens<T> {
    /// The focal lengths, in pixels.
    focus: Vector2<T>,
    /// Where the axis meets the sensor.
    centre: Vector2<T>,
    /// The radial distortion.
    distortion: Vector2<T>,
}

/// What is looked for.
#[derive(Clone)]
struct Camera<T: Real> {
    lens: Flat<Lens<T>>,
    /// Where the board is in the frames of the two views.
    poses: [Isometry3<T>; 2],
}

manifold!(Camera { lens: Flat<Lens<f64>>, poses: [Isometry3<f64>; 2] });

/// Where a point in front of the camera is seen.
fn project<T: Real>(lens: &Lens<T>, point: &Point3<T>) -> Vector2<T> {
    let flat = point.xy().coords / point.z;
    let square = flat.norm_squared();
    let stretch = T::one() + square * (lens.distortion[0] + square * lens.distortion[1]);
    lens.focus.component_mul(&(flat * stretch)) + lens.centre
}

/// The corners of a board of 9 by 7 fields of 3 cm.
fn corners() -> impl Iterator<Item = Point3<f64>> {
    (0..48)
        .map(|k| Point3::new(f64::from(k % 8) * 0.03 - 0.105, f64::from(k / 8) * 0.03 - 0.075, 0.0))
}

/// How far the corners of the board are seen from where they were observed.
fn residuals<T: Real>(camera: &Camera<T>, seen: &[Vec<Point2<f64>>; 2]) -> DVector<T> {
    let mut residuals = Vec::new();
    for (pose, seen) in camera.poses.iter().zip(seen) {
        for (corner, seen) in corners().zip(seen) {
            let found = project(&camera.lens.0, &(pose * corner.map(lit::<T>)));
            residuals.extend((found - seen.coords.map(lit::<T>)).iter());
        }
    }
    DVector::from_vec(residuals)
}

/// Half the sum of their squares.
fn cost<T: Real>(camera: &Camera<T>, seen: &[Vec<Point2<f64>>; 2]) -> T {
    residuals(camera, seen).norm_squared() * lit(0.5)
}

/// A step along these numbers.
fn moved(camera: &Camera<f64>, step: &DVector<f64>) -> Camera<f64> {
    let zero = camera.zero();
    camera.retract(&Differentiable::from_reals(&zero.shape(), step.as_slice()))
}

fn main() -> Result<(), Box<dyn Error>> {
    // In pixels.
    const NOISE: f64 = 0.1;
    let truth = Camera {
        lens: Flat(Lens {
            focus: vector![905.0, 910.0],
            centre: vector![642.0, 355.0],
            distortion: vector![-0.28, 0.11],
        }),
        poses: [
            Isometry3::new(vector![0.01, -0.02, 0.25], vector![0.6, 0.1, 0.05]),
            Isometry3::new(vector![-0.03, 0.01, 0.28], vector![-0.2, -0.65, 1.6]),
        ],
    };
    let mut random = Random(5);
    let seen = truth.poses.map(|pose| {
        let observed = corners().map(|corner| {
            let noise = vector![random.normal(), random.normal()] * NOISE;
            Point2::from(project(&truth.lens.0, &(pose * corner)) + noise)
        });
        observed.collect::<Vec<_>>()
    });

    // What a user might guess: the centre in the middle, no distortion, the boards roughly ahead.
    let guess = Lens {
        focus: vector![700.0, 700.0],
        centre: vector![640.0, 360.0],
        distortion: vector![0.0, 0.0],
    };
    let mut camera = Camera {
        lens: Flat(guess),
        poses: [
            Isometry3::new(vector![0.0, 0.0, 0.3], vector![0.3, 0.0, 0.0]),
            Isometry3::new(vector![0.0, 0.0, 0.3], vector![0.0, -0.3, 1.4]),
        ],
    };

    // The Jacobian against the gradient by reverse mode, and against differences.
    let (r, jacobian) = value_and_jacobian(|camera| residuals(camera, &seen), &camera);
    let slope = DVector::from_vec(gradient(|camera| cost(camera, &seen), &camera).to_reals());
    assert!((jacobian.tr_mul(&r) - &slope).norm() < 1e-10 * slope.norm());
    for i in 0..slope.len() {
        let step = |h: f64| DVector::from_fn(slope.len(), |k, _| if k == i { h } else { 0.0 });
        let at = |h: f64| residuals(&moved(&camera, &step(h)), &seen);
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((jacobian.column(i) - &difference).norm() < 1e-6 * (1.0 + difference.norm()));
    }

    let (mut value, mut damping) = (cost(&camera, &seen), 1e-3);
    let covariance: DMatrix<f64> = loop {
        let (r, jacobian) = value_and_jacobian(|camera| residuals(camera, &seen), &camera);
        let (square, slope) = (jacobian.tr_mul(&jacobian), jacobian.tr_mul(&r));
        let mut damped = square.clone();
        for i in 0..slope.len() {
            damped[(i, i)] *= 1.0 + damping;
        }
        let step =
            damped.cholesky().ok_or("the views do not determine the camera")?.solve(&-&slope);
        // What the step promises, in pixels squared.
        let promised = -step.dot(&slope);
        if promised < 1e-16 {
            break square.try_inverse().ok_or("the views do not determine the camera")?
                * NOISE.powi(2);
        }
        let next = moved(&camera, &step);
        let next_value = cost(&next, &seen);
        let down = next_value <= value * (1.0 + 1e-14);
        println!(
            "misfit {next_value:14.6}, damping {damping:.0e}{}",
            if down { "" } else { ", not taken" }
        );
        if down {
            (camera, value, damping) = (next, next_value, damping * 0.1);
        } else {
            damping *= 10.0;
        }
        assert!(damping < 1e9, "no step leads down");
    };

    // How far the truth is, in standard deviations of each number.
    let away = camera.local(&truth).to_reals();
    let names = ["fx", "fy", "cx", "cy", "k1", "k2"];
    let found = camera.lens.0.to_reals();
    for (i, name) in names.iter().enumerate() {
        println!("{name} {:10.4} +- {:.4}", found[i], covariance[(i, i)].sqrt());
    }
    let worst =
        (0..away.len()).map(|i| away[i].abs() / covariance[(i, i)].sqrt()).fold(0.0, f64::max);
    println!("the truth is {worst:.1} standard deviations away at most");
    assert!(worst < 4.0);
    // All of it together, and the misfit, are distributed as chi squared.
    let away = DVector::from_vec(away);
    let distance = away.dot(&(covariance.try_inverse().ok_or("singular")? * &away));
    assert!(distance < 18.0 + 5.0 * 36.0_f64.sqrt());
    let freedom = (r.len() - 18) as f64;
    let misfit = 2.0 * value / NOISE.powi(2);
    println!("the misfit is {misfit:.1} variances, and {freedom} expected");
    assert!((misfit - freedom).abs() < 5.0 * (2.0 * freedom).sqrt());
    Ok(())
}
