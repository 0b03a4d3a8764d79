//! Rotations and rigid motions: against exponentials of matrices in 80 digits (see `data/motions.py`), against differences
//! along retractions, by the laws of groups, and at the places where formulas break.

use std::f64::consts::PI;

use difrules_core::motions::{
    At, Flat, LieGroup, Manifold, Space, Tangent, along, gradient, hessian, hvp, jacobian,
    jacobian_reverse, jvp, lift, stumpff_integral, value_and_gradient, value_and_jacobian,
    value_and_jacobian_reverse, value_gradient_and_hessian, value_gradient_and_hvp, vjp,
};
use difrules_core::{Aux, Differentiable, Dual, Real, Recording, Var, lit};
use nalgebra::{
    Complex, DMatrix, DVector, Isometry, Isometry2, Isometry3, IsometryMatrix2, IsometryMatrix3,
    Matrix3, Point3, Quaternion, Rotation2, Rotation3, Similarity, Similarity2, Similarity3,
    SimilarityMatrix2, SimilarityMatrix3, Translation2, Translation3, Unit, UnitComplex,
    UnitQuaternion, UnitVector3, UnitVector4, Vector2, Vector3, Vector6, dvector, vector,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    integrals: Vec<Integral>,
}

#[derive(Deserialize)]
struct Case {
    group: String,
    xi: Vec<f64>,
    exponential: Vec<f64>,
    right_jacobian: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
    second: Vec<f64>,
}

#[derive(Deserialize)]
struct Integral {
    j: u32,
    k: u32,
    sigma: f64,
    z: f64,
    value: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("data/motions.json")).expect("JSON")
}

/// The matrix of a motion.
trait Homogeneous<T> {
    fn matrix(&self) -> DMatrix<T>;
}

macro_rules! homogeneous {
    ($($Group:ty),*) => {$(
        impl<T: Real> Homogeneous<T> for $Group {
            fn matrix(&self) -> DMatrix<T> {
                let matrix = self.to_homogeneous();
                DMatrix::from_column_slice(matrix.nrows(), matrix.ncols(), matrix.as_slice())
            }
        }
    )*};
}
homogeneous!(
    UnitComplex<T>,
    Rotation2<T>,
    UnitQuaternion<T>,
    Rotation3<T>,
    Isometry2<T>,
    IsometryMatrix2<T>,
    Isometry3<T>,
    IsometryMatrix3<T>,
    Similarity2<T>,
    SimilarityMatrix2<T>,
    Similarity3<T>,
    SimilarityMatrix3<T>,
    Translation2<T>,
    Translation3<T>
);

/// A tangent of these numbers.
fn tangent<X: Manifold>(zero: &Tangent<X>, numbers: &[X::Real]) -> Tangent<X> {
    Tangent::<X>::from_reals(&zero.shape(), numbers)
}

/// The numbers that a point is stored as.
fn numbers<X: Manifold>(x: &X) -> Vec<X::Real> {
    let mut numbers = Vec::new();
    let _ = x.map(&mut |x| {
        numbers.push(x);
        x
    });
    numbers
}

fn bits<X: Manifold<Real = f64>>(x: &X) -> Vec<u64> {
    numbers(x).into_iter().map(f64::to_bits).collect()
}

/// A matrix that takes tangents to tangents.
fn dense<M: Differentiable<Real = f64>>(matrix: &M) -> DMatrix<f64> {
    let numbers = matrix.to_reals();
    let size = numbers.len().isqrt();
    DMatrix::from_vec(size, size, numbers)
}

type Twice = Dual<Dual<f64>>;

#[test]
fn exponentials_are_those_of_matrices() {
    fn check<G>(identity: G, group: &str)
    where
        G: LieGroup<Real = f64, Space: Space<Of<Twice>: LieGroup + Homogeneous<Twice>>>
            + Homogeneous<f64>,
    {
        for case in reference().cases.iter().filter(|case| case.group == group) {
            let xi = tangent::<G>(&identity.zero(), &case.xi);
            let found = G::exponential(&xi);
            let size = case.exponential.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
            let angle = case.xi.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
            let near = |found: &[f64], expected: &[f64], tolerance: f64, what: &str| {
                assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    let error = (found - expected).abs();
                    assert!(
                        error <= tolerance,
                        "{what} of {group} at {:?}: {found} for {expected}",
                        case.xi
                    );
                }
            };
            near(found.matrix().as_slice(), &case.exponential, 2e-15 * size * angle, "exp");
            let jacobian = dense(&G::right_jacobian(&xi));
            let of_jacobian = case.right_jacobian.iter().fold(1.0_f64, |size, x| size.max(x.abs()));
            let tolerance = 2e-14 * of_jacobian * size * angle;
            near(jacobian.as_slice(), &case.right_jacobian, tolerance, "the right Jacobian");

            // The second derivative, forward over forward.
            let moving: Vec<Twice> = (0..case.xi.len())
                .map(|i| {
                    let inner = Dual::new(case.xi[i], [case.u[i]]);
                    Dual::new(inner, [Dual::constant(case.v[i])])
                })
                .collect();
            let zero = identity.map(&mut lit::<Twice>).zero();
            let moved = At::<G, Twice>::exponential(&tangent::<At<G, Twice>>(&zero, &moving));
            let second: Vec<_> = moved.matrix().iter().map(|x| x.tangents[0].tangents[0]).collect();
            let of_second = case.second.iter().fold(size, |size, x| size.max(x.abs()));
            near(&second, &case.second, 2e-14 * of_second * angle, "exp''");
            let values: Vec<_> = moved.matrix().iter().map(|x| x.value.value).collect();
            assert_eq!(values, found.matrix().as_slice());

            // And back: the angle of the logarithm is at most pi.
            let turn = case.xi.iter().rev().skip(usize::from(group.starts_with("similarity")));
            let dimension = if group.ends_with('2') { 1 } else { 3 };
            let turn: f64 = turn.take(dimension).map(|x| x * x).sum::<f64>().sqrt();
            if turn <= PI {
                let back = found.logarithm().to_reals();
                // At pi the matrix has its axis to half the digits of its smallest numbers.
                near(&back, &case.xi, 4e-14 * angle, "ln");
            } else {
                let again = G::exponential(&found.logarithm()).matrix();
                near(again.as_slice(), &case.exponential, 2e-13 * size, "exp of ln");
            }
        }
    }
    check(UnitComplex::<f64>::identity(), "rotation2");
    check(Rotation2::<f64>::identity(), "rotation2");
    check(UnitQuaternion::<f64>::identity(), "rotation3");
    check(Rotation3::<f64>::identity(), "rotation3");
    check(Isometry2::<f64>::identity(), "isometry2");
    check(IsometryMatrix2::<f64>::identity(), "isometry2");
    check(Isometry3::<f64>::identity(), "isometry3");
    check(IsometryMatrix3::<f64>::identity(), "isometry3");
    check(Similarity2::<f64>::identity(), "similarity2");
    check(SimilarityMatrix2::<f64>::identity(), "similarity2");
    check(Similarity3::<f64>::identity(), "similarity3");
    check(SimilarityMatrix3::<f64>::identity(), "similarity3");
}

#[test]
fn integrals_of_stumpff_are_those_of_quadrature() {
    for Integral { j, k, sigma, z, value } in reference().integrals {
        let found = stumpff_integral(j, k, sigma, z);
        let error = (found - value).abs() / value.abs();
        // exp(sigma) has the rounding of sigma.
        assert!(error < 1e-15 * (20.0 + sigma.abs()), "{j} {k} {sigma} {z}: {found} for {value}");
    }
    // The family is closed: its derivatives are differences of it.
    for (j, k, sigma, z) in [(0, 0, 0.3, 2.0), (2, 2, -1.0, 0.0), (3, 1, 1.5, 5.0)] {
        let h = 1e-4;
        let (by_sigma, by_z) =
            difrules_core::gradient(|&(sigma, z)| stumpff_integral(j, k, sigma, z), &(sigma, z));
        let at = |s: f64, t: f64| stumpff_integral(j, k, sigma + s * h, z + t * h);
        let difference = (at(1.0, 0.0) - at(-1.0, 0.0)) / (2.0 * h);
        assert!((by_sigma - difference).abs() < 1e-8);
        assert!((by_z - (at(0.0, 1.0) - at(0.0, -1.0)) / (2.0 * h)).abs() < 1e-8);
    }
    assert!(stumpff_integral(1, 1, f64::NAN, 1.0).is_nan());
    assert!(stumpff_integral(1, 1, 0.0, f64::INFINITY).is_nan());
}

/// Two elements of each group, with a function of each matrix for scalar tests.
macro_rules! for_each_group {
    ($check:ident) => {{
        let (q, r) = (
            UnitQuaternion::from_euler_angles(0.4, -1.1, 2.5),
            UnitQuaternion::from_euler_angles(-0.3, 0.2, 0.9),
        );
        let (z, w) = (UnitComplex::new(0.7), UnitComplex::new(-2.1));
        let (t, u) = (vector![0.3, -1.5, 2.0], vector![-0.4, 0.25, 1.0]);
        let (a, b) = (vector![0.3, -1.5], vector![-0.4, 0.25]);
        $check(z, w);
        $check(z.to_rotation_matrix(), w.to_rotation_matrix());
        $check(q, r);
        $check(q.to_rotation_matrix(), r.to_rotation_matrix());
        $check(Isometry::from_parts(a.into(), z), Isometry::from_parts(b.into(), w));
        $check(
            Isometry::from_parts(a.into(), z.to_rotation_matrix()),
            Isometry::from_parts(b.into(), w.to_rotation_matrix()),
        );
        $check(Isometry::from_parts(t.into(), q), Isometry::from_parts(u.into(), r));
        $check(
            Isometry::from_parts(t.into(), q.to_rotation_matrix()),
            Isometry::from_parts(u.into(), r.to_rotation_matrix()),
        );
        $check(Similarity::from_parts(a.into(), z, 0.5), Similarity::from_parts(b.into(), w, 3.0));
        $check(
            Similarity::from_parts(a.into(), z.to_rotation_matrix(), 0.5),
            Similarity::from_parts(b.into(), w.to_rotation_matrix(), 3.0),
        );
        $check(Similarity::from_parts(t.into(), q, 2.5), Similarity::from_parts(u.into(), r, 0.25));
        $check(
            Similarity::from_parts(t.into(), q.to_rotation_matrix(), 2.5),
            Similarity::from_parts(u.into(), r.to_rotation_matrix(), 0.25),
        );
        $check(Translation2::from(a), Translation2::from(b));
        $check(Translation3::from(t), Translation3::from(u));
    }};
}

/// A tangent that is not small.
fn some_tangent<X: Manifold<Real = f64>>(x: &X, scale: f64) -> Tangent<X> {
    let mut numbers =
        [0.3, -0.7, 0.45, 0.2, -0.55, 0.8, 0.35].map(|x| x * scale).into_iter().cycle();
    x.zero().map_reals(&mut |_| numbers.next().expect("endless"))
}

#[test]
fn groups_have_their_laws() {
    fn check<G>(x: G, y: G)
    where
        G: LieGroup<Real = f64> + Homogeneous<f64>,
        Tangent<G>: Differentiable<Real = f64>,
        for<'a> &'a Tangent<G>: std::ops::Mul<f64, Output = Tangent<G>>,
    {
        let near = |a: &G, b: &G, what: &str| {
            let difference = (a.matrix() - b.matrix()).norm();
            assert!(difference < 1e-13, "{what}: {difference}");
        };
        // Along zero everything stays as it is.
        assert_eq!(bits(&x.retract(&x.zero())), bits(&x));
        let minus = x.zero().map_reals(&mut |_: f64| -0.0);
        assert_eq!(bits(&x.retract(&minus)), bits(&x));
        assert!(x.local(&x).to_reals().iter().all(|x| x.abs() < 1e-16));
        // Steps and their tangents belong together.
        let xi = some_tangent(&x, 1.0);
        near(&x.retract(&xi), &(x * G::exponential(&xi)), "a step is the exponential");
        near(&x.retract(&x.local(&y)), &y, "a step along the way to a point leads there");
        let back = x.local(&x.retract(&xi)).to_reals();
        for (back, xi) in back.iter().zip(xi.to_reals()) {
            assert!((back - xi).abs() < 1e-13);
        }
        near(&x.interpolate(&y, 0.0), &x, "the way begins");
        near(&x.interpolate(&y, 1.0), &y, "the way ends");
        let third = x.interpolate(&y, 1.0 / 3.0);
        near(&third.interpolate(&y, 0.5), &x.interpolate(&y, 2.0 / 3.0), "the way is a subgroup");
        near(&y.interpolate(&x, 2.0 / 3.0), &third, "the way back is the way");
        // The adjoint.
        let [of_x, of_y, of_both] = [x, y, x * y].map(|x| dense(&x.adjoint()));
        assert!((&of_x * &of_y - &of_both).norm() < 1e-12);
        let moved = &of_x * DMatrix::from_column_slice(of_x.ncols(), 1, &xi.to_reals());
        let left = tangent::<G>(&x.zero(), moved.as_slice());
        near(&(x * G::exponential(&xi)), &(G::exponential(&left) * x), "Ad");
        // The Jacobians of the exponential are related by it.
        let minus = xi.map_reals(&mut |x: f64| -x);
        let [right, left] = [&xi, &minus].map(|xi| dense(&G::right_jacobian(xi)));
        let by_adjoint = dense(&G::exponential(&xi).adjoint());
        assert!((by_adjoint * right - left).norm() < 1e-13);
    }
    for_each_group!(check);
}

/// A function with all derivatives: sines of sums of the numbers of a matrix.
fn wave<T: Real>(matrix: &DMatrix<T>) -> T {
    let mut sum = T::zero();
    for (i, &x) in matrix.iter().enumerate() {
        let i = i as f64;
        let inner = sum + x * nalgebra::convert(0.3 + (i * 0.7).cos());
        sum += nalgebra::ComplexField::sin(inner) * nalgebra::convert(0.4 + (i * 1.3).sin());
    }
    sum
}

#[test]
fn derivatives_are_those_along_retractions() {
    fn check<G>(x: G, y: G)
    where
        G: LieGroup<Real = f64> + Homogeneous<f64>,
        G::Space: Space<
                Of<Var<f64>>: LieGroup + Homogeneous<Var<f64>>,
                Of<Dual<f64, 4>>: LieGroup + Homogeneous<Dual<f64, 4>>,
                Of<Var<Dual<f64>>>: Homogeneous<Var<Dual<f64>>>,
                Of<Var<Dual<f64, 8>>>: Homogeneous<Var<Dual<f64, 8>>>,
            >,
    {
        let direct = |x: &G| wave(&x.matrix());
        let (value, slope) = value_and_gradient(|x| wave(&x.matrix()), &x);
        assert_eq!(value.to_bits(), direct(&x).to_bits());
        let (again, of_both, curvature) = value_gradient_and_hessian(|x| wave(&x.matrix()), &x);
        assert_eq!(again.to_bits(), value.to_bits());
        let (slope, of_both) = (slope.to_reals(), of_both.to_reals());
        let n = slope.len();
        let step = |i: usize, j: usize, s: f64, t: f64| {
            let mut numbers = vec![0.0; n];
            numbers[i] += s;
            numbers[j] += t;
            direct(&x.retract(&tangent::<G>(&x.zero(), &numbers)))
        };
        // Differences, and their limit from those of two steps.
        let limit =
            |difference: &dyn Fn(f64) -> f64| (4.0 * difference(2e-4) - difference(4e-4)) / 3.0;
        for i in 0..n {
            assert!((slope[i] - of_both[i]).abs() < 1e-13 * (1.0 + slope[i].abs()));
            let first = limit(&|h| (step(i, i, h, 0.0) - step(i, i, -h, 0.0)) / (2.0 * h));
            assert!((slope[i] - first).abs() < 1e-9 * (1.0 + first.abs()), "{i}: {first}");
            for j in 0..n {
                let second = limit(&|h| {
                    let same = step(i, j, h, h) + step(i, j, -h, -h);
                    (same - step(i, j, h, -h) - step(i, j, -h, h)) / (4.0 * h * h)
                });
                let found = curvature[(i, j)];
                let tolerance = 1e-6 * (1.0 + second.abs());
                assert!((found - second).abs() < tolerance, "{i} {j}: {found} {second}");
                assert!((found - curvature[(j, i)]).abs() < 1e-12 * (1.0 + found.abs()));
            }
        }
        let direction = some_tangent(&x, 1.0);
        let product = hvp(|x| wave(&x.matrix()), &x, &direction).to_reals();
        let expected = curvature * DVector::from_vec(direction.to_reals());
        assert!((DVector::from_vec(product) - &expected).norm() < 1e-12 * expected.norm());

        // Functions to points, forward and reverse: composition, inverse, the way between.
        let pair = (x, y);
        let (product, by_columns) = value_and_jacobian(|(x, y)| *x * *y, &pair);
        let (again, by_rows) = value_and_jacobian_reverse(|(x, y)| *x * *y, &pair);
        assert_eq!(bits(&product), bits(&(x * y)));
        assert_eq!(bits(&again), bits(&product));
        let mut expected = DMatrix::identity(n, 2 * n);
        let inverse = dense(&y.adjoint()).try_inverse().expect("a group's");
        expected.view_mut((0, n), (n, n)).fill_with_identity();
        expected.view_mut((0, 0), (n, n)).copy_from(&inverse);
        assert!((&by_columns - &expected).norm() < 1e-12 * expected.norm());
        assert!((&by_rows - &expected).norm() < 1e-12 * expected.norm());
        let by_columns = jacobian(|(x, y)| Flat(x.local(y)), &pair);
        let by_rows = jacobian_reverse(|(x, y)| Flat(x.local(y)), &pair);
        assert!((&by_columns - by_rows).norm() < 1e-12 * by_columns.norm());
        // ln(x^-1 y) moves by the inverse of the right Jacobian where y does.
        let right = dense(&G::right_jacobian(&x.local(&y)));
        let by_y = by_columns.columns(n, n) * right;
        assert!((by_y - DMatrix::identity(n, n)).norm() < 1e-12);
    }
    for_each_group!(check);
}

const ANGLES: [f64; 9] = [0.0, 1e-200, 1e-11, 1e-6, 0.5, 3.0, PI - 1e-9, PI, 2.0 * PI];

/// A vector of this length.
fn axis(angle: f64) -> Vector3<f64> {
    vector![0.6, -0.48, 0.64] * angle
}

#[test]
fn there_and_back_is_the_identity_to_second_order() {
    /// The logarithm of a step from the identity: what has all derivatives of the logarithm in it.
    macro_rules! check {
        ($Group:ident, $xi:expr, $angle:expr) => {{
            fn there_and_back<T: Real>(xi: &Tangent<$Group<T>>) -> Tangent<$Group<T>> {
                $Group::exponential(xi).logarithm()
            }
            let (xi, angle, n) = ($xi, $angle, $xi.len());
            let first = difrules_core::jacobian(there_and_back, &xi);
            let rows = difrules_core::jacobian_reverse(there_and_back, &xi);
            assert!((&first - rows).norm() <= 1e-12 * first.norm(), "{angle}");
            // Beyond is the other branch, with derivatives of its own.
            assert!(first.iter().all(|x| x.is_finite()), "{angle}");
            if angle < PI {
                assert!((first - DMatrix::identity(n, n)).norm() < 1e-12, "{angle}");
                for i in 0..n {
                    let second = difrules_core::hessian(|xi| there_and_back(xi)[i], &xi);
                    assert!(second.norm() < 2e-12, "{angle} {i}: {second}");
                }
            }
        }};
    }
    for angle in ANGLES {
        let w = axis(angle);
        check!(Isometry3, vector![1.0, -2.0, 0.5, w.x, w.y, w.z], angle);
        check!(IsometryMatrix3, vector![1.0, -2.0, 0.5, w.x, w.y, w.z], angle);
        check!(Similarity3, vector![1.0, -2.0, 0.5, w.x, w.y, w.z, 0.25], angle);
        check!(Similarity2, vector![1.0, -2.0, angle, -0.5], angle);
        // Both signs of the quaternion are one rotation, in every derivative.
        let q = UnitQuaternion::exponential(&w);
        let other = UnitQuaternion::new_unchecked(-*q.quaternion());
        let [log, of_other] = [q, other].map(|q| value_and_jacobian(|q| q.logarithm(), &q));
        if angle < PI {
            assert_eq!(log, of_other);
            let by_step = log.1 * UnitQuaternion::right_jacobian(&w);
            assert!((by_step - Matrix3::identity()).norm() < 1e-13, "{angle}");
        }
    }
}

#[test]
fn logarithms_at_half_a_turn_have_the_branch_of_their_numbers() {
    for axis in [Vector3::x(), -Vector3::x(), Vector3::z(), vector![0.6, 0.0, -0.8]] {
        let q = UnitQuaternion::new_unchecked(Quaternion::from_parts(0.0, axis));
        let (log, by_step) = value_and_jacobian(|q| q.logarithm(), &q);
        assert!((log - axis * PI).norm() < 1e-15);
        // The inverse of the right Jacobian of that branch, and its second derivatives are finite.
        let expected = UnitQuaternion::right_jacobian(&log).try_inverse().expect("regular at pi");
        assert!((by_step - expected).norm() < 1e-14);
        for i in 0..3 {
            let second = hessian(|q| q.logarithm()[i], &q);
            assert!(second.iter().all(|x| x.is_finite()));
            let beyond = |s: f64| {
                let step = q.retract(&(axis * s));
                // The branch goes on beyond pi, where the logarithm itself jumps.
                if step.w < 0.0 { step.logarithm() + axis * 2.0 * PI } else { step.logarithm() }
            };
            let difference = (beyond(1e-4)[i] + beyond(-1e-4)[i] - 2.0 * log[i]) / 1e-8;
            assert!((axis.dot(&(second * axis)) - difference).abs() < 1e-6);
        }
        // No way to the opposite is the shortest.
        let here = UnitQuaternion::<f64>::identity();
        assert!(numbers(&here.interpolate(&q, 0.5)).iter().all(|x| x.is_nan()));
        let pose = Isometry3::from_parts(Translation3::new(1.0, 2.0, 3.0), q);
        let between = Isometry3::identity().interpolate(&pose, 0.5);
        assert!(numbers(&between).iter().all(|x| x.is_nan()));
        let by_part = gradient(|&part| lift(&here).interpolate(&lift(&q), part).i, &0.5);
        assert!(by_part.is_nan());
    }
    let half = UnitComplex::new_unchecked(Complex::new(-1.0, 0.0));
    assert_eq!(half.logarithm().x, PI);
    assert!(UnitComplex::identity().interpolate(&half, 0.5).re.is_nan());
    let turned = Rotation2::from_matrix_unchecked(-nalgebra::Matrix2::<f64>::identity());
    assert!(Rotation2::identity().interpolate(&turned, 0.5)[(0, 0)].is_nan());
    let flip = Rotation3::from_matrix_unchecked(Matrix3::from_diagonal(&vector![1.0, -1.0, -1.0]));
    assert!((flip.logarithm() - vector![PI, 0.0, 0.0]).norm() < 1e-15);
    assert!(Rotation3::identity().interpolate(&flip, 0.5)[(0, 0)].is_nan());
    let (x, back) = (UnitVector3::new_normalize(vector![1.0_f64, 2.0, -2.0]), -Vector3::<f64>::x());
    assert!(x.local(&-x).iter().all(|x| x.is_nan()));
    assert!(Vector3::x_axis().interpolate(&Unit::new_unchecked(back), 0.5).x.is_nan());
}

#[test]
fn values_that_others_have_published() {
    // The screw of Agrawal (2006), with which GTSAM tests its exponential: there the rotation is first.
    let w = 0.3;
    let screw = Isometry3::exponential(&vector![w, 0.0, 1.0, 0.0, 0.0, w]);
    assert!((screw.translation.vector - vector![0.29552, 0.0446635, 1.0]).norm() < 1e-5);
    let turn = Rotation3::from_axis_angle(&Vector3::z_axis(), 0.3);
    assert!((screw.rotation.to_rotation_matrix().matrix() - turn.matrix()).norm() < 1e-15);
    // The poses at which Sophus tests, there and back.
    let at = |w: Vector3<f64>, t: Vector3<f64>| {
        Isometry3::from_parts(t.into(), UnitQuaternion::exponential(&w))
    };
    let half = at(vector![PI, 0.0, 0.0], vector![4.0, -5.0, 0.0]);
    let poses = [
        at(vector![0.2, 0.5, 0.0], Vector3::zeros()),
        at(vector![0.2, 0.5, -1.0], vector![10.0, 0.0, 0.0]),
        at(Vector3::zeros(), vector![0.0, 100.0, 5.0]),
        at(vector![0.0, 0.0, 1e-5], Vector3::zeros()),
        at(vector![0.0, 0.0, 1e-5], vector![0.0, -1e-8, 1e-10]),
        at(vector![0.0, 0.0, 1e-5], vector![0.01, 0.0, 0.0]),
        half,
        at(vector![0.2, 0.5, 0.0], Vector3::zeros())
            * at(vector![PI, 0.0, 0.0], Vector3::zeros())
            * at(vector![-0.2, -0.5, -0.0], Vector3::zeros()),
        at(vector![0.3, 0.5, 0.1], vector![2.0, 0.0, -7.0])
            * half
            * at(vector![-0.3, -0.5, -0.1], vector![0.0, 6.0, 0.0]),
    ];
    for x in poses {
        let again = Isometry3::exponential(&x.logarithm());
        assert!((again.matrix() - x.matrix()).norm() < 1e-14 * x.matrix().norm(), "{x}");
        for y in poses {
            let reached = x.retract(&x.local(&y));
            let difference = (reached.matrix() - y.matrix()).norm();
            assert!(difference < 1e-12, "{x} {y} {difference}");
        }
    }
    // The gradient that jaxlie had as NaN.
    let sum = |xi: &Vector3<Var<f64>>| UnitQuaternion::exponential(xi).logarithm().sum();
    let slope = difrules_core::gradient(sum, &vector![PI, 0.0, 0.0]);
    assert!((slope - vector![1.0, 1.0, 1.0]).norm() < 1e-14, "{slope}");
}

#[test]
fn ways_have_derivatives_at_every_distance() {
    for angle in [0.0, 1e-200, 1e-11, 1e-6, 0.5, 3.0, PI - 1e-9] {
        let x = Isometry3::new(vector![0.3, -1.0, 2.0], vector![0.2, 0.4, -0.3]);
        let w = axis(angle);
        let y = x.retract(&vector![0.5, 1.0, -0.25, w.x, w.y, w.z]);
        let way = |&(x, y, part): &(Isometry3<Var<f64>>, Isometry3<Var<f64>>, Var<f64>)| {
            x.interpolate(&y, part)
        };
        let (at, by_rows) = value_and_jacobian_reverse(way, &(x, y, 0.25));
        assert_eq!(bits(&at), bits(&x.interpolate(&y, 0.25)), "{angle}");
        let by_columns = jacobian(|(x, y, part)| x.interpolate(y, *part), &(x, y, 0.25));
        assert!((&by_columns - by_rows).norm() < 1e-12 * by_columns.norm(), "{angle}");
        // With t = 1/4, moving both ends by the same motion on the left moves all of it.
        let [of_x, of_y, of_both]: [DMatrix<f64>; 3] = [x, y, at].map(|x| {
            let adjoint = x.inverse().adjoint();
            DMatrix::from_column_slice(6, 6, adjoint.as_slice())
        });
        let moved = by_columns.columns(0, 6) * of_x + by_columns.columns(6, 6) * of_y;
        assert!((moved - of_both).norm() < 1e-12 * by_columns.norm(), "{angle}");
        // By the part it is the velocity, which is constant.
        let velocity = DMatrix::from_column_slice(6, 1, x.local(&y).as_slice());
        assert!((by_columns.columns(12, 1) - velocity).norm() < 1e-13, "{angle}");
    }
    // Of rotations it is nalgebra's, and of a tuple of translation and rotation nalgebra's of an isometry.
    let x = Isometry3::new(vector![0.3, -1.0, 2.0], vector![0.2, 0.4, -0.3]);
    let y = Isometry3::new(vector![-0.3, 0.5, 1.0], vector![-1.0, 0.4, 0.7]);
    let between = (x.translation, x.rotation).interpolate(&(y.translation, y.rotation), 0.3);
    let expected = x.lerp_slerp(&y, 0.3);
    assert!((between.0.vector - expected.translation.vector).norm() < 1e-15);
    assert!((between.1.coords - expected.rotation.coords).norm() < 1e-15);
    assert!((between.1.coords - x.rotation.interpolate(&y.rotation, 0.3).coords).norm() < 1e-15);
    // Where both ends are one, the way moves by shares of them.
    let q = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
    let shares = jacobian(|(x, y)| x.interpolate(y, Dual::constant(0.25)), &(q, q));
    let expected = DMatrix::from_fn(3, 6, |i, j| match j {
        _ if i != j % 3 => 0.0,
        0..3 => 0.75,
        _ => 0.25,
    });
    assert!((shares - expected).norm() < 1e-15);
}

#[test]
fn unit_vectors_move_on_their_sphere() {
    fn check<D: nalgebra::DimSub<nalgebra::U1>>(
        x: Unit<nalgebra::OVector<f64, D>>,
        y: Unit<nalgebra::OVector<f64, D>>,
    ) where
        nalgebra::DefaultAllocator: nalgebra::allocator::Allocator<D>
            + nalgebra::allocator::Allocator<nalgebra::DimDiff<D, nalgebra::U1>>,
    {
        assert_eq!(bits(&x.retract(&x.zero())), bits(&x));
        let xi = x.local(&y);
        assert_eq!(xi.len() + 1, x.len());
        assert!((xi.norm() - x.dot(&y).acos()).abs() < 1e-14);
        assert!((x.retract(&xi).as_ref() - y.as_ref()).norm() < 1e-15);
        assert!((x.retract(&xi).norm() - 1.0).abs() < 1e-15);
        for size in [1e-200, 1e-11, 1e-6, 1.0] {
            let xi = some_tangent(&x, size);
            assert!((x.local(&x.retract(&xi)) - &xi).norm() < 4e-16 + 1e-15 * size, "{size}");
        }
        let half = x.interpolate(&y, 0.5);
        let middle = Unit::new_normalize(x.as_ref() + y.as_ref());
        assert!((half.as_ref() - middle.as_ref()).norm() < 1e-15);
        // The gradient of a linear function is its part along the sphere, and its Hessian is minus its part across.
        let along = value_gradient_and_hvp(
            |z| {
                z.iter()
                    .zip(y.iter())
                    .fold(Var::constant(Dual::constant(0.0)), |sum, (&z, &y)| sum + z * lit(y))
            },
            &x,
            &x.zero().map(|_| 1.0),
        );
        let (cosine, slope, product) = along;
        assert!((slope.norm() - (1.0 - cosine * cosine).sqrt()).abs() < 1e-15);
        assert!((product.add_scalar(cosine)).norm() < 1e-14);
    }
    let [one, two] = [Vector2::new(0.6, 0.8), Vector2::new(-1.0, 0.5)].map(Unit::new_normalize);
    check(one, two);
    check(two, one);
    let [one, two] = [vector![-0.5, 1.0, 2.0], vector![1.0, 0.25, -0.5]].map(Unit::new_normalize);
    check(one, two);
    check(Vector3::x_axis(), Vector3::y_axis());
    check(-Vector3::x_axis(), Vector3::z_axis());
    check(
        UnitVector4::new_normalize(vector![1.0, 2.0, -1.0, 0.5]),
        UnitVector4::new_normalize(vector![0.0, 1.0, 1.0, 1.0]),
    );
    let [one, two] = [dvector![1.0, 2.0, 3.0, 4.0, 5.0], dvector![-1.0, 0.5, 3.0, 0.0, 5.0]]
        .map(Unit::new_normalize);
    check(one, two);
}

#[test]
fn products_flat_values_and_outcomes() {
    let q = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
    let pose = Isometry3::from_parts(Translation3::new(1.0, 2.0, 3.0), q);
    let point = Point3::new(0.5, -0.25, 2.0);
    let x = (vec![pose, pose.inverse()], Some(point), [0.5, 2.0], Flat((3.0, vector![1.0, 2.0])));
    let (tangents, by_point, by_factors, (by_number, by_vector)) = gradient(
        |(poses, point, factors, Flat((number, vector)))| {
            let point = point.expect("given");
            let seen = poses[1] * (poses[0] * point);
            seen.x * factors[0] + seen.y * factors[1] + *number * vector[0]
        },
        &x,
    );
    // The two motions are inverse to each other: what the first does, the second does in its own frame.
    let weights = vector![0.5, 2.0, 0.0];
    assert!((by_point.expect("given") - weights).norm() < 1e-14);
    assert!((tangents[0].fixed_rows::<3>(0) - weights).norm() < 1e-14);
    assert!((tangents[0].fixed_rows::<3>(3) - point.coords.cross(&weights)).norm() < 1e-14);
    assert_eq!(
        (by_factors[0], by_number, by_vector),
        (0.5 + 0.0 * by_number, 1.0, vector![3.0, 0.0])
    );
    // All of it moves at once, and stays what it is along zero.
    assert_eq!(bits(&x.retract(&x.zero())), bits(&x));
    let moved = x.retract(&some_tangent(&x, 0.5));
    let back = x.local(&moved).to_reals();
    for (back, xi) in back.iter().zip(some_tangent(&x, 0.5).to_reals()) {
        assert!((back - xi).abs() < 1e-14);
    }
    let between = x.interpolate(&moved, 0.5);
    assert!((between.2[0] - (x.2[0] + moved.2[0]) / 2.0).abs() < 1e-15);

    // Results, and what comes beside.
    let failing = |q: &UnitQuaternion<Dual<f64, 4>>| {
        if q.w < lit(0.0) { Err("the other cover") } else { Ok(q.inverse()) }
    };
    assert_eq!(jacobian(failing, &q).map(|j| j.ncols()), Ok(3));
    let other = UnitQuaternion::new_unchecked(-*q.quaternion());
    assert_eq!(value_and_jacobian(failing, &other), Err("the other cover"));
    let ((inverse, moved), name) =
        jvp(|q| Aux(q.inverse(), "inverse"), &q, &vector![0.0, 0.0, 1.0]);
    assert_eq!((bits(&inverse), name), (bits(&q.inverse()), "inverse"));
    assert!((moved + q * Vector3::z()).norm() < 1e-15);
    let (_, back) = vjp(|q| q.inverse(), &q, &vector![0.0, 0.0, 1.0]);
    assert!((back + q.inverse() * Vector3::z()).norm() < 1e-15);
    let slope = gradient(|q| if q.w > lit(2.0) { None } else { Some(q.w) }, &q);
    assert_eq!(slope, Some(q.imag() * -0.5));

    // A recording is replayed at other steps.
    let height = |xi: &Vector3<Var<f64>>| (along(&q, xi) * Vector3::x()).z;
    let mut recording = Recording::new(height, &Vector3::<f64>::zeros());
    let (xi, mut slope) = (vector![0.1, -0.2, 0.3], Vector3::zeros());
    let value = recording.value_and_gradient(&xi, &mut slope).expect("no branches");
    let expected = difrules_core::value_and_gradient(height, &xi);
    assert_eq!((value, slope), expected);
    assert_eq!(value, (q.retract(&xi) * Vector3::x()).z);
}

#[test]
fn zeros_keep_their_sign_and_infinities_their_place() {
    let q = UnitQuaternion::new_unchecked(Quaternion::new(-1.0, 0.0, -0.0, 0.0));
    let x = Isometry3::from_parts(Translation3::new(f64::INFINITY, -0.0, 0.0), q);
    for zero in [0.0, -0.0] {
        let xi = Vector6::repeat(zero);
        assert_eq!(bits(&x.retract(&xi)), bits(&x));
        let similar = Similarity::from_isometry(x, 0.3);
        assert_eq!(bits(&similar.retract(&nalgebra::SVector::repeat(zero))), bits(&similar));
    }
    let (value, _) = value_and_gradient(|x| nalgebra::ComplexField::recip(x.rotation.j), &x);
    assert_eq!(value, f64::NEG_INFINITY);
    // A translation so far out that its square is infinite.
    let far = Isometry3::from_parts(Translation3::new(1e200, 0.0, 0.0), UnitQuaternion::identity());
    let back = Isometry3::exponential(&far.logarithm());
    assert_eq!(back.translation.x, 1e200);
    // Much smaller and much larger.
    for sigma in [-40.0, -1e-9, 1e-9, 40.0] {
        let x = Similarity::from_parts(Translation3::new(1.0, 2.0, 3.0), q, 0.3);
        let xi = vector![1.0, -2.0, 0.5, 0.3, -0.2, 0.1, sigma];
        let y = x.retract(&xi);
        assert!((y.scaling() / (0.3 * f64::exp(sigma)) - 1.0).abs() < 1e-15);
        let back = x.local(&y);
        assert!((back[6] - sigma).abs() < 1e-15 * (1.0 + sigma.abs()));
        assert!((back - xi).norm() < 1e-12 * xi.norm(), "{sigma}: {back}");
    }
    // Not a rotation at all.
    let nothing = UnitQuaternion::new_unchecked(Quaternion::<f64>::new(0.0, 0.0, 0.0, 0.0));
    assert!(nothing.logarithm().iter().all(|x| x.is_nan()));
    let nan = Vector3::repeat(f64::NAN);
    assert!(numbers(&UnitQuaternion::exponential(&nan)).iter().all(|x| x.is_nan()));
}

#[test]
fn scales_are_as_far_apart_as_numbers_are() {
    let turn = UnitQuaternion::from_euler_angles(0.3, -0.5, 0.2);
    let at = |scale: f64| Similarity3::from_parts(Translation3::new(1.0, 2.0, -0.5), turn, scale);
    let flat = |scale: f64| {
        Similarity2::from_parts(Translation2::new(1.0, 2.0), UnitComplex::new(0.4), scale)
    };
    for (from, to) in [(1.0, 1e200), (1.0, 1e300), (1.0, 1e-300), (1e-100, 1e200), (1e-300, 1e-300)]
    {
        let shift = Translation3::new(0.5, 0.25, 1.0);
        let (x, y) = (at(from), shift * at(to) * turn);
        let reached = numbers(&x.retract(&x.local(&y)));
        for (reached, wanted) in reached.iter().zip(numbers(&y)) {
            assert!((reached - wanted).abs() <= 1e-12 * wanted.abs().max(1e-3), "{from} {to}");
        }
        let slopes = jacobian(|x| x.local(&lift(&y)), &x);
        assert!(slopes.iter().all(|x| x.is_finite()), "{from} {to}");
        let (x, y) = (flat(from), Translation2::new(0.5, 0.25) * flat(to) * UnitComplex::new(1.0));
        let reached = numbers(&x.retract(&x.local(&y)));
        for (reached, wanted) in reached.iter().zip(numbers(&y)) {
            assert!((reached - wanted).abs() <= 1e-12 * wanted.abs().max(1e-3), "{from} {to}");
        }
    }
    // Farther apart there is no number for it, and no scale of zero.
    assert!(at(1e300).local(&at(1e-300))[6].is_nan());
    let mut shrinks = nalgebra::SVector::<f64, 7>::zeros();
    shrinks[6] = -800.0;
    assert!(at(1.0).retract(&shrinks).scaling().is_nan());
    assert!(Similarity3::exponential(&shrinks).scaling().is_nan());
}

#[test]
fn beside_the_opposite_unit_vector_there_is_one_shortest_way() {
    let x = Vector3::x_axis();
    for beside in [1e-12, 1e-150, 1e-170, 1e-200, 1e-300] {
        let y = Unit::new_unchecked(vector![-1.0, 0.6 * beside, 0.8 * beside]);
        let xi = x.local(&y);
        assert!((xi - vector![0.6, 0.8] * (PI - beside)).norm() < 1e-14, "{beside} {xi}");
        let half = x.interpolate(&y, 0.5);
        assert!((half.as_ref() - vector![0.0, 0.6, 0.8]).norm() < 1e-11, "{beside} {half:?}");
        let (value, _) = value_and_jacobian(|x| x.local(&lift(&y)), &x);
        assert_eq!(value, xi);
    }
    assert!(x.local(&-x).iter().all(|x| x.is_nan()));
}

#[test]
fn single_precision_has_its_digits() {
    for angle in [0.0_f32, 1e-30, 1e-6, 1e-3, 1.0, 3.0] {
        let w = vector![0.6, -0.48, 0.64] * angle;
        let xi =
            nalgebra::SVector::<f32, 7>::from_column_slice(&[1.0, -2.0, 0.5, w.x, w.y, w.z, 0.25]);
        let x = Similarity3::exponential(&xi);
        let double = Similarity3::exponential(&xi.map(f64::from));
        assert!((x.matrix().map(f64::from) - double.matrix()).norm() < 2e-6);
        assert!((x.logarithm() - xi).norm() < 4e-6, "{angle}: {}", x.logarithm() - xi);
        let (back, by_step) = value_and_jacobian(|x| x.logarithm(), &x);
        assert_eq!(back, x.logarithm());
        let product = by_step * Similarity3::right_jacobian(&xi);
        assert!((product - DMatrix::identity(7, 7)).norm() < 1e-4, "{angle}");
    }
}

#[test]
fn an_inner_derivative_is_differentiated() {
    // The slope of the angle between two rotations by the first, differentiated by the second: by one nesting and by the
    // other.
    fn slope<T: Real>(x: &UnitQuaternion<T>, y: &UnitQuaternion<T>) -> Vector3<T> {
        gradient(|x| x.local(&lift(y)).norm_squared() * lit(0.5), x)
    }
    let x = UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3);
    let y = UnitQuaternion::from_euler_angles(-0.4, 0.9, 0.5);
    let mixed = jacobian(|y| slope(&lift(&x), y), &y);
    assert_eq!(mixed, jacobian(|y| slope(&lift(&x), y), &y));
    let both = hessian(|(x, y)| x.local(y).norm_squared() * lit(0.5), &(x, y));
    assert!((&mixed - both.view((0, 3), (3, 3))).norm() < 1e-14);
    let by_rows = jacobian_reverse(|y| slope(&lift(&x), y), &y);
    assert!((&mixed - by_rows).norm() < 1e-14);
    // Reverse over forward: the slopes in the three directions, each differentiated.
    fn slope_along<T: Real>(x: &UnitQuaternion<T>, y: &UnitQuaternion<T>, i: usize) -> T {
        let unit = Vector3::from_fn(|k, _| if k == i { T::one() } else { T::zero() });
        jvp(|x| x.local(&lift(y)).norm_squared() * lit(0.5), x, &unit).1
    }
    for i in 0..3 {
        let row = gradient(|y| slope_along(&lift(&x), y, i), &y);
        assert!((row.transpose() - mixed.fixed_rows::<1>(i)).norm() < 1e-14);
        // Forward over forward.
        let unit = vector![0.3_f64, -0.5, 0.8];
        let (_, along_it) = jvp(|y| slope_along(&lift(&x), y, i), &y, &unit);
        assert!((along_it - row.dot(&unit)).abs() < 1e-14);
    }
    // The gradient itself is minus the logarithm.
    assert!((slope(&x, &y) + x.local(&y)).norm() < 1e-15);
}

#[test]
fn an_optimiser_stays_on_the_manifold() {
    // The mean of rotations, by Newton's method with the second derivatives along retractions.
    let centre = UnitQuaternion::from_euler_angles(0.5, -0.4, 2.0);
    let around: Vec<_> =
        [vector![0.3, 0.1, -0.2], vector![-0.5, 0.4, 0.1], vector![0.2, -0.5, 0.1]]
            .map(|xi| centre.retract(&xi))
            .to_vec();
    let spread = |x: &UnitQuaternion<Var<Dual<f64, 8>>>| {
        let lifted = |y: &UnitQuaternion<f64>| y.map(&mut |y| lit(y));
        around.iter().map(|y| x.local(&lifted(y)).norm_squared()).sum::<Var<_>>()
    };
    let mut x = UnitQuaternion::identity();
    for _ in 0..8 {
        let (_, slope, curvature) = value_gradient_and_hessian(spread, &x);
        let step = curvature.lu().solve(&DVector::from_column_slice(slope.as_slice()));
        x = x.retract(&-Vector3::from_column_slice(step.expect("convex").as_slice()));
    }
    let sum: Vector3<f64> = around.iter().map(|y| x.local(y)).sum();
    assert!(sum.norm() < 1e-14 && (x.norm() - 1.0).abs() < 1e-14, "{sum}");
    assert!(x.angle_to(&centre) < 0.1);
}
