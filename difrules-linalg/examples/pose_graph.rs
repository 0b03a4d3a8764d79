//! A pose graph on a sphere: 192 poses of a robot that drives around it in a spiral, which are measured from each to the next,
//! with noise, and from ring to ring. The poses that fit all measurements best are found by Levenberg and Marquardt's
//! method with sparse normal equations, from what the first kind alone suggests. What is found is checked: the derivatives by
//! differences, the minimum by its gradient, the misfit by its distribution, the poses by the true ones.
//!
//! ```text
//! cargo run --release -p difrules-linalg --features motions,sparse --example pose_graph
//! ```

mod random;

use std::error::Error;

use difrules_core::Real;
use difrules_core::motions::{Manifold, gradient, lift, value_and_jacobian};
use nalgebra::{DMatrix, DVector, Isometry3, Translation3, UnitQuaternion, Vector3, Vector6};
use nalgebra_sparse::factorization::CscCholesky;
use nalgebra_sparse::{CooMatrix, CscMatrix};
use random::Random;

const RINGS: usize = 12;
const AROUND: usize = 16;

/// The standard deviations of what is measured, in metres and radians.
const NOISE: [f64; 2] = [0.05, 0.02];

/// What was measured between two poses.
struct Edge {
    from: usize,
    to: usize,
    motion: Isometry3<f64>,
}

/// How far two poses are from what was measured, in standard deviations.
fn residual<T: Real>(x: &Isometry3<T>, y: &Isometry3<T>, measured: &Isometry3<T>) -> Vector6<T> {
    let mut residual = measured.local(&x.inv_mul(y));
    for (i, r) in residual.iter_mut().enumerate() {
        *r /= nalgebra::convert(NOISE[i / 3]);
    }
    residual
}

/// Half the sum of the squares of all residuals.
fn cost<T: Real>(poses: &[Isometry3<T>], edges: &[(usize, usize, Isometry3<T>)]) -> T {
    let squares = edges.iter().map(|(i, j, z)| residual(&poses[*i], &poses[*j], z).norm_squared());
    squares.sum::<T>() * nalgebra::convert(0.5)
}

fn plain_cost(poses: &[Isometry3<f64>], edges: &[Edge]) -> f64 {
    edges
        .iter()
        .map(|e| residual(&poses[e.from], &poses[e.to], &e.motion).norm_squared() * 0.5)
        .sum()
}

/// What a measurement is off by.
fn noise(random: &mut Random) -> Vector6<f64> {
    Vector6::from_fn(|i, _| random.normal() * NOISE[i / 3])
}

/// The poses on the sphere, and what is measured between them.
fn world(random: &mut Random) -> (Vec<Isometry3<f64>>, Vec<Edge>) {
    let count = RINGS * AROUND;
    let pose = |k: usize| {
        let height = -0.9 + 1.8 * k as f64 / (count - 1) as f64;
        let (sin, cos) = (k as f64 * std::f64::consts::TAU / AROUND as f64).sin_cos();
        let up =
            Vector3::new(cos, sin, 0.0) * (1.0 - height * height).sqrt() + Vector3::z() * height;
        let ahead = Vector3::new(-sin, cos, 0.0);
        let turn = UnitQuaternion::face_towards(&ahead, &up);
        Isometry3::from_parts(Translation3::from(up * 20.0), turn)
    };
    let poses: Vec<_> = (0..count).map(pose).collect();
    let steps = (1..count).map(|to| (to - 1, to));
    let closures = (AROUND..count).map(|to| (to - AROUND, to));
    let edges = steps.chain(closures).map(|(from, to)| {
        let motion = poses[from].inv_mul(&poses[to]).retract(&noise(random));
        Edge { from, to, motion }
    });
    let edges = edges.collect();
    (poses, edges)
}

/// The Hessian of Gauss and Newton and the gradient, of all poses but the first, which stays.
fn normal_equations(poses: &[Isometry3<f64>], edges: &[Edge]) -> (CscMatrix<f64>, DVector<f64>) {
    let size = 6 * (poses.len() - 1);
    let (mut matrix, mut slope) = (CooMatrix::new(size, size), DVector::zeros(size));
    for edge in edges {
        let (r, j) = value_and_jacobian(
            |(x, y)| residual(x, y, &lift(&edge.motion)),
            &(poses[edge.from], poses[edge.to]),
        );
        let (square, back) = (j.tr_mul(&j), j.tr_mul(&r));
        let ends = [edge.from, edge.to];
        for (a, &row) in ends.iter().enumerate().filter(|(_, pose)| **pose > 0) {
            let mut part = slope.fixed_rows_mut::<6>(6 * (row - 1));
            part += back.fixed_rows::<6>(6 * a);
            for (b, &column) in ends.iter().enumerate().filter(|(_, pose)| **pose > 0) {
                let block: DMatrix<f64> = square.view((6 * a, 6 * b), (6, 6)).into_owned();
                matrix.push_matrix(6 * (row - 1), 6 * (column - 1), &block);
            }
        }
    }
    (CscMatrix::from(&matrix), slope)
}

/// All poses but the first, moved.
fn moved(poses: &[Isometry3<f64>], step: &DVector<f64>) -> Vec<Isometry3<f64>> {
    let tangents = step.as_slice().chunks_exact(6).map(Vector6::from_column_slice);
    let rest = poses[1..].iter().zip(tangents).map(|(x, xi)| x.retract(&xi));
    poses[..1].iter().copied().chain(rest).collect()
}

/// The mean distance from the true poses.
fn error(poses: &[Isometry3<f64>], truth: &[Isometry3<f64>]) -> f64 {
    let distances = poses.iter().zip(truth);
    distances.map(|(x, y)| (x.translation.vector - y.translation.vector).norm()).sum::<f64>()
        / truth.len() as f64
}

/// Compares the derivatives with differences, along one direction.
fn check_derivatives(poses: &[Isometry3<f64>], edges: &[Edge], random: &mut Random) {
    let (_, slope) = normal_equations(poses, edges);
    let lifted =
        |edges: &[Edge]| edges.iter().map(|e| (e.from, e.to, lift(&e.motion))).collect::<Vec<_>>();
    // By reverse mode, of all poses at once.
    let by_reverse = gradient(|poses| cost(poses, &lifted(edges)), &poses.to_vec());
    let by_reverse = by_reverse[1..].iter().flat_map(|xi| xi.iter().copied().collect::<Vec<_>>());
    let by_reverse = DVector::from_iterator(slope.len(), by_reverse);
    assert!((&by_reverse - &slope).norm() < 1e-10 * slope.norm());
    // By differences.
    let direction = DVector::from_fn(slope.len(), |_, _| random.normal());
    let at = |h: f64| plain_cost(&moved(poses, &(&direction * h)), edges);
    let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
    let along_direction = slope.dot(&direction);
    assert!((along_direction - difference).abs() < 1e-5 * slope.norm() * direction.norm());
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut random = Random(11);
    let (truth, edges) = world(&mut random);
    // What the steps alone suggest.
    let mut poses = vec![truth[0]];
    for edge in &edges[..truth.len() - 1] {
        poses.push(poses[edge.from] * edge.motion);
    }
    check_derivatives(&poses, &edges, &mut random);

    let (drift, mut value) = (error(&poses, &truth), plain_cost(&poses, &edges));
    println!("{} poses, {} measurements", poses.len(), edges.len());
    println!("before: misfit {value:.1}, the poses are {drift:.2} m off");
    let mut damping = 1e-6;
    for iteration in 1..=30 {
        let (matrix, slope) = normal_equations(&poses, &edges);
        if slope.norm() < 1e-6 {
            break;
        }
        // Damped until a step leads down.
        loop {
            let mut damped = matrix.clone();
            for (i, j, value) in damped.triplet_iter_mut() {
                if i == j {
                    *value *= 1.0 + damping;
                }
            }
            let step = CscCholesky::factor(&damped)?.solve(&-&slope).column(0).into_owned();
            let next = moved(&poses, &step);
            let next_value = plain_cost(&next, &edges);
            if next_value <= value * (1.0 + 1e-14) {
                (poses, value, damping) = (next, next_value, damping * 0.1);
                break;
            }
            damping *= 10.0;
            if damping > 1e6 {
                return Err("no step leads down".into());
            }
        }
        println!(
            "{iteration:3}: misfit {value:.6}, |gradient| before the step {:.1e}",
            slope.norm()
        );
    }

    let found = error(&poses, &truth);
    println!("after: the poses are {found:.2} m off");
    let (_, slope) = normal_equations(&poses, &edges);
    assert!(slope.norm() < 1e-6, "this is no minimum");
    // Twice the misfit is distributed as chi squared.
    let freedom = (6 * (edges.len() - (poses.len() - 1))) as f64;
    println!("twice the misfit is {:.1}, and {freedom} expected", 2.0 * value);
    assert!((2.0 * value - freedom).abs() < 5.0 * (2.0 * freedom).sqrt());
    assert!(found < 0.25 * drift, "closing the loops did not help");
    // Every pose is still a motion.
    assert!(poses.iter().all(|x| (x.rotation.norm() - 1.0).abs() < 1e-13));
    Ok(())
}
