//! Derivatives at and near the branches of nalgebra's rotations and guarded quotients.

use difrules_core::{Dual, Real, hessian, jacobian, jvp, rotations, value_and_gradient};
use nalgebra::{ComplexField, Matrix3, Rotation3, UnitQuaternion, Vector3, vector};

const SIZES: [f64; 7] = [0.0, 1e-200, 1e-11, 1e-6, 1e-3, 1.0, 3.1];

fn near(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error < 1e-13 || (found - expected).abs() < 1e-290, "{what}: {found} for {expected}");
}

#[test]
fn guarded_quotients_keep_their_derivatives() {
    // Derivatives of order 0 to 2 by mpmath at 0.5, 2.5 and -7, and by the series near 0.
    for x in [0.0_f64, 1e-200, -1e-200, 1e-11, 1e-6] {
        let (value, slope) = value_and_gradient(|x| x.sinc(), &x);
        assert_eq!(value, x.sinc());
        near(slope, -x / 3.0 * (1.0 - x * x / 10.0), "sinc'");
        near(hessian(|x| x.sinc(), &x)[0], -1.0 / 3.0 + x * x / 10.0, "sinc''");
        let (value, slope) = value_and_gradient(|x| x.sinhc(), &x);
        assert_eq!(value, x.sinhc());
        near(slope, x / 3.0 * (1.0 + x * x / 10.0), "sinhc'");
        near(hessian(|x| x.sinhc(), &x)[0], 1.0 / 3.0 + x * x / 10.0, "sinhc''");
    }
    for x in [1e-11_f64, 1e-6, 1e-100] {
        for (value, sign) in [(x.cosc(), -1.0), (x.coshc(), 1.0)] {
            let of = |x: Dual<Dual<f64>>| if sign < 0.0 { x.cosc() } else { x.coshc() };
            let y = of(Dual::new(Dual::new(x, [1.0]), [Dual::constant(1.0)]));
            assert_eq!(y.value.value, value);
            near(y.value.tangents[0], -1.0 / (x * x) + sign * 0.5, "cosc'");
            near(y.tangents[0].tangents[0], 2.0 / (x * x * x), "cosc''");
        }
    }
    for x in [0.5_f64, 2.5, -7.0] {
        let (sin, cos) = x.sin_cos();
        near(value_and_gradient(|x| x.sinc(), &x).1, (cos - sin / x) / x, "sinc'");
        let second = -sin / x - 2.0 * cos / (x * x) + 2.0 * sin / (x * x * x);
        near(hessian(|x| x.sinc(), &x)[0], second, "sinc''");
        let (sinh, cosh) = (x.sinh(), x.cosh());
        near(value_and_gradient(|x| x.sinhc(), &x).1, (cosh - sinh / x) / x, "sinhc'");
        let second = sinh / x - 2.0 * cosh / (x * x) + 2.0 * sinh / (x * x * x);
        near(hessian(|x| x.sinhc(), &x)[0], second, "sinhc''");
        near(
            hessian(|x| x.cosc(), &x)[0],
            -cos / x + 2.0 * sin / (x * x) + 2.0 * cos / x.powi(3),
            "cosc''",
        );
        near(
            hessian(|x| x.coshc(), &x)[0],
            cosh / x - 2.0 * sinh / (x * x) + 2.0 * cosh / x.powi(3),
            "coshc''",
        );
    }
    assert_eq!(value_and_gradient(|x| x.sinhc(), &720.0_f64).1, f64::INFINITY);
    assert!(hessian(|x| x.sinc(), &1e200_f64)[0].abs() < 1e-199);
}

/// The rotation there and back.
fn there_and_back<T: Real>(v: &Vector3<T>) -> Vector3<T> {
    rotations::scaled_axis(&rotations::from_scaled_axis(v))
}

#[test]
fn rotations_are_smooth_in_their_vector() {
    for size in SIZES {
        let v = vector![0.6, -0.48, 0.64] * size;
        // The values are nalgebra's.
        let rotation = rotations::from_scaled_axis(&v);
        assert!((rotation.coords - UnitQuaternion::from_scaled_axis(v).coords).norm() < 1e-15);
        let matrix = rotations::matrix_from_scaled_axis(&v);
        assert!((matrix.matrix() - Rotation3::new(v).matrix()).norm() < 2e-15);
        assert!((rotations::scaled_axis(&rotation) - v).norm() <= 1e-15 * size);
        let half = rotations::powf(&rotation, 0.5);
        assert!((half.coords - rotation.powf(0.5).coords).norm() < 1e-15);
        let other = rotations::from_scaled_axis(&vector![0.1, 0.2, 0.3]);
        let there = rotations::slerp(&other, &(other * rotation), 0.25);
        assert!((there.coords - (other * rotation.powf(0.25)).coords).norm() < 1e-14);
        // There and back is the identity, with all its derivatives.
        let back = jacobian(there_and_back, &v);
        assert!((back - Matrix3::identity()).norm() < 1e-13, "{size}");
        for i in 0..3 {
            let second = hessian(|v| there_and_back(v)[i], &v);
            assert!(second.norm() < 1e-12, "{size}: {second}");
        }
        // The matrix of the quaternion is the matrix.
        let by_quaternion = |v: &Vector3<Dual<Dual<f64>>>| {
            *rotations::from_scaled_axis(v).to_rotation_matrix().matrix()
        };
        let directly =
            |v: &Vector3<Dual<Dual<f64>>>| *rotations::matrix_from_scaled_axis(v).matrix();
        for (i, j) in [(0, 0), (0, 1), (2, 1)] {
            let unit = |k: usize, at: usize| if k == at { 1.0 } else { 0.0 };
            let point = Vector3::from_fn(|k, _| {
                Dual::new(Dual::new(v[k], [unit(k, i)]), [Dual::constant(unit(k, j))])
            });
            let (first, second) = (directly(&point), by_quaternion(&point));
            for (a, b) in first.iter().zip(&second) {
                let pairs = [
                    (a.value.tangents[0], b.value.tangents[0]),
                    (a.tangents[0].tangents[0], b.tangents[0].tangents[0]),
                ];
                assert!(pairs.iter().all(|(a, b)| (a - b).abs() < 1e-14), "{size}: {pairs:?}");
            }
        }
    }
    // At the identity.
    let zero = Vector3::<f64>::zeros();
    let found = jacobian(|v| rotations::from_scaled_axis(v).imag(), &zero);
    assert_eq!(found, Matrix3::identity() * 0.5);
    assert_eq!(hessian(|v| rotations::from_scaled_axis(v).w, &zero), Matrix3::identity() * -0.25);
    let z = vector![1.0, 2.0, 3.0];
    let turned =
        |v: &Vector3<Dual<f64, 4>>| rotations::matrix_from_scaled_axis(v) * z.map(Dual::constant);
    assert_eq!(jacobian(turned, &zero), -z.cross_matrix());
    // At a rotation by pi the derivative is that of one side.
    let v = vector![0.6, -0.48, 0.64] * std::f64::consts::PI;
    let along = jvp(there_and_back, &v, &(v * 0.1)).1;
    assert!((along - v * 0.1).norm() < 1e-12 || (along + v * 0.1).norm() < 1e-12, "{along}");
}
