//! The Jacobian of the reprojection residual of bundle adjustment (as in ADBench), eight directions
//! a forward evaluation: `cargo bench --bench bundle_adjustment`.

use std::hint::black_box;

use difrules_core::Dual;
use difrules_core::testing::Sampler;
use difrules_tests::compare;
use nalgebra::{RealField, SMatrix, SVector, Vector2, Vector3};
use num_dual::DualSVec64;

/// How many directions one evaluation carries.
const WIDTH: usize = 8;
/// A camera of 11 numbers (rotation vector, centre, focal length, principal point, two coefficients
/// of radial distortion), a point of three, and a weight.
const INPUTS: usize = 15;
/// How many residuals one timing is about.
const RESIDUALS: usize = 1000;

type Point<T> = SVector<T, INPUTS>;
type Jacobian = SMatrix<f64, 2, INPUTS>;

/// The weighted distance between where the camera sees the point and where it was observed.
fn residual<T: RealField + Copy>(x: &Point<T>, observed: &Vector2<f64>) -> Vector2<T> {
    let [r0, r1, r2, c0, c1, c2, focal, u, v, k1, k2, p0, p1, p2, weight] = x.data.0[0];
    let seen = rotate(&Vector3::new(r0, r1, r2), &Vector3::new(p0 - c0, p1 - c1, p2 - c2));
    let image = Vector2::new(seen.x / seen.z, seen.y / seen.z);
    let square = image.x * image.x + image.y * image.y;
    let scale = focal * (T::one() + square * (k1 + k2 * square));
    let projected = image * scale + Vector2::new(u, v);
    (projected - observed.map(nalgebra::convert)) * weight
}

/// The point turned about the axis of `rotation` by its length, by the formula of Rodrigues.
fn rotate<T: RealField + Copy>(rotation: &Vector3<T>, point: &Vector3<T>) -> Vector3<T> {
    let square = rotation.dot(rotation);
    if square == T::zero() {
        return point + rotation.cross(point);
    }
    let angle = square.sqrt();
    let (sin, cos) = (angle.sin(), angle.cos());
    let axis = rotation / angle;
    point * cos + axis.cross(point) * sin + axis * (axis.dot(point) * (T::one() - cos))
}

/// The Jacobian by as many evaluations as it takes. `variable(x, direction)` is a number whose
/// derivative is one in that direction, if any, and `tangent(y, direction)` reads one.
fn jacobian<T: RealField + Copy>(
    x: &Point<f64>,
    observed: &Vector2<f64>,
    variable: impl Fn(f64, Option<usize>) -> T,
    tangent: impl Fn(&T, usize) -> f64,
) -> Jacobian {
    let mut jacobian = Jacobian::zeros();
    for first in (0..INPUTS).step_by(WIDTH) {
        let last = INPUTS.min(first + WIDTH);
        let direction = |i| (first..last).contains(&i).then(|| i - first);
        let y = residual(&Point::from_fn(|i, _| variable(x[i], direction(i))), observed);
        for column in first..last {
            for row in 0..2 {
                jacobian[(row, column)] = tangent(&y[row], column - first);
            }
        }
    }
    jacobian
}

fn ours(x: &Point<f64>, observed: &Vector2<f64>) -> Jacobian {
    let variable = |x, direction: Option<usize>| {
        let mut number = Dual::<f64, WIDTH>::constant(x);
        if let Some(direction) = direction {
            number.tangents[direction] = 1.0;
        }
        number
    };
    jacobian(x, observed, variable, |y, direction| y.tangents[direction])
}

fn by_num_dual(x: &Point<f64>, observed: &Vector2<f64>) -> Jacobian {
    let variable = |x, direction: Option<usize>| {
        let number = DualSVec64::<WIDTH>::from_re(x);
        direction.map_or(number, |direction| number.derivative(direction))
    };
    jacobian(x, observed, variable, |y, direction| y.eps.0.map_or(0.0, |eps| eps[direction]))
}

fn main() {
    let mut random = Sampler::new(1, 1);
    let data: Vec<(Point<f64>, Vector2<f64>)> = (0..RESIDUALS)
        .map(|_| {
            // The camera looks along the third axis at points in front of it.
            let (low, high) = (
                [
                    -0.5, -0.5, -0.5, -1.0, -1.0, -1.0, 0.5, -0.1, -0.1, -0.1, -0.1, -1.0, -1.0,
                    5.0, 0.5,
                ],
                [0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 2.0, 0.1, 0.1, 0.1, 0.1, 1.0, 1.0, 9.0, 1.5],
            );
            let x = Point::from_fn(|i, _| random.between(low[i], high[i]));
            (x, Vector2::new(random.between(-0.5, 0.5), random.between(-0.5, 0.5)))
        })
        .collect();

    for (x, observed) in &data {
        let (ours, peer) = (ours(x, observed), by_num_dual(x, observed));
        assert!((ours - peer).norm() <= 1e-12 * peer.norm());
    }

    let mut ours = || {
        for (x, observed) in &data {
            black_box(ours(black_box(x), observed));
        }
    };
    let mut by_num_dual = || {
        for (x, observed) in &data {
            black_box(by_num_dual(black_box(x), observed));
        }
    };
    let name = format!("{RESIDUALS} Jacobians of the reprojection residual");
    compare(&name, Some(1.0), ("ours", &mut ours), ("num-dual", &mut by_num_dual));
}
