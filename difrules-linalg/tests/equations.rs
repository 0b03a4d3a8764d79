//! Matrix equations: small residuals whatever the coefficients are, and errors where there is no solution.

use difrules_core::Scalar;
use difrules_core::testing::Sampler;
use difrules_linalg::{Error, continuous_lyapunov, discrete_lyapunov, sylvester};
use nalgebra::{Complex, DMatrix, dmatrix};

type C64 = Complex<f64>;

const EPSILON: f64 = f64::EPSILON;

fn number<T: Scalar>(x: f64) -> T {
    nalgebra::convert(x)
}

fn norm<T: Scalar<Real = f64>>(a: &DMatrix<T>) -> f64 {
    a.iter().fold(0.0, |sum: f64, x| sum.hypot(x.modulus()))
}

/// Coefficients with eigenvalues in the left half plane, by name.
fn coefficients<T: Scalar<Real = f64>>(size: usize, seed: u64) -> Vec<(&'static str, DMatrix<T>)> {
    let mut random = Sampler::new(seed, seed);
    let any: DMatrix<T> = random.matrix(size, size);
    let (q, _) = difrules_linalg::qr(&any).unwrap();
    let identity = DMatrix::<T>::identity(size, size);
    let shifted = &any - &identity * number::<T>(1.0 + 2.0 * norm(&any));
    let graded = DMatrix::from_fn(size, size, |i, j| {
        shifted[(i, j)] * number(10.0_f64.powf(-((i + j) as f64) * 4.0 / size as f64))
    });
    // One block of Jordan for each three rows.
    let jordan = DMatrix::from_fn(size, size, |i, j| {
        number(if i == j {
            -1.0 - (i / 3) as f64
        } else if j == i + 1 && j % 3 != 0 {
            1.0
        } else {
            0.0
        })
    });
    let stiff = DMatrix::from_fn(size, size, |i, j| {
        let upper = if i < j { any[(i, j)] } else { number(0.0) };
        let size = (size.max(2) - 1) as f64;
        if i == j { number(-10.0_f64.powf(8.0 * i as f64 / size)) } else { upper }
    });
    vec![
        ("random", shifted),
        ("graded", graded),
        ("defective", &q * &jordan * q.adjoint()),
        ("stiff", &q * stiff * q.adjoint()),
        ("diagonal", jordan.map_with_location(|i, j, x| if i == j { x } else { number(0.0) })),
    ]
}

#[track_caller]
fn small(name: &str, residual: f64, size: usize, scale: f64) {
    let bound = 10.0 * (1 + size) as f64 * EPSILON * scale;
    assert!(residual <= bound, "{name} at {size}: {residual:e}, {bound:e}");
}

fn residuals<T: Scalar<Real = f64>>(size: usize) {
    let all = coefficients::<T>(size, 1 + size as u64);
    let (other, mut random) = (size / 2 + 1, Sampler::new(5, size as u64));
    for ((name, a), (_, b)) in all.iter().zip(coefficients::<T>(other, 7)) {
        let c: DMatrix<T> = random.matrix(size, other);
        let x = sylvester(a, &b, &c).unwrap();
        let scale = (norm(a) + norm(&b)) * norm(&x) + norm(&c);
        small(name, norm(&(a * &x + &x * &b - &c)), size.max(other), scale);

        let any: DMatrix<T> = random.matrix(size, size);
        for q in [&any + any.adjoint(), any] {
            let x = continuous_lyapunov(a, &q).unwrap();
            let scale = 2.0 * norm(a) * norm(&x) + norm(&q);
            small(name, norm(&(a * &x + &x * a.adjoint() - &q)), size, scale);
            assert!(q != q.adjoint() || x == x.adjoint(), "{name}");

            for factor in [0.3, 3.0] {
                let a = a * number::<T>(factor / norm(a).max(1e-300));
                let x = discrete_lyapunov(&a, &q).unwrap();
                let scale = (1.0 + norm(&a).powi(2)) * norm(&x) + norm(&q);
                small(name, norm(&(&a * &x * a.adjoint() - &x + &q)), size, scale);
                assert!(q != q.adjoint() || x == x.adjoint(), "{name}");
            }
        }
    }
}

#[test]
fn residuals_are_roundings_real() {
    [1, 2, 3, 10, 16, 17, 33, 70].into_iter().for_each(residuals::<f64>);
}

#[test]
fn residuals_are_roundings_complex() {
    [1, 2, 3, 17, 40].into_iter().for_each(residuals::<C64>);
}

fn is_singular<Y>(result: Result<Y, Error>) -> bool {
    matches!(result, Err(Error::SingularEquation { .. }))
}

/// Eigenvalues that cancel, to the last digit or but for rounding.
#[test]
fn singular_equations_are_errors() {
    let mut random = Sampler::new(3, 4);
    for size in [1, 2, 5, 20] {
        let a: DMatrix<f64> = random.matrix(size, size);
        let skew = &a - a.transpose();
        let c: DMatrix<f64> = random.matrix(size, size);
        assert!(is_singular(sylvester(&a, &-&a, &c)), "{size}");
        assert!(is_singular(sylvester(&a, &-a.transpose(), &c)), "{size}");
        assert!(is_singular(continuous_lyapunov(&skew, &c)), "{size}");
        let (q, _) = difrules_linalg::qr(&a).unwrap();
        assert!(is_singular(discrete_lyapunov(&q, &c)), "{size}");
        let a: DMatrix<C64> = random.matrix(size, size);
        let c: DMatrix<C64> = random.matrix(size, size);
        assert!(is_singular(continuous_lyapunov(&(&a - a.adjoint()), &c)), "{size}");
        assert!(is_singular(sylvester(&a, &-&a, &c)), "{size}");
    }
    let zero = DMatrix::<f64>::zeros(2, 2);
    assert!(is_singular(continuous_lyapunov(&zero, &zero)));
    assert!(is_singular(sylvester(&dmatrix![0.0, 1.0; 0.0, 0.0], &zero, &zero)));
    // Far apart on a graded diagonal, though sums are small beside the largest entry.
    let graded = dmatrix![1e-200, 0.0; 0.0, 1e100];
    let x = continuous_lyapunov(&graded, &dmatrix![2e-200, 1e100; 1e100, 2e100]).unwrap();
    assert!((x - dmatrix![1.0, 1.0; 1.0, 1.0]).norm() < 1e-14);
}

/// Solutions that are representable though numbers on the way are not, and others.
#[test]
fn scaled_against_overflow() {
    // The first entry found is 1e308 over 1e-10, and the last is small again.
    let a = dmatrix![1e-10, 1e200; 0.0, 1e-10];
    let x = sylvester(&a, &dmatrix![0.0], &dmatrix![0.0; 1e200]);
    assert_eq!(x.unwrap_err(), Error::Overflow { result: "x" });
    for power in [-290, -150, 150, 290] {
        let scale = 2.0_f64.powi(power);
        let mut random = Sampler::new(1, 2);
        let a = coefficients::<f64>(20, 3).swap_remove(0).1;
        let c: DMatrix<f64> = random.matrix(20, 20);
        let x = continuous_lyapunov(&a, &c).unwrap();
        assert_eq!(continuous_lyapunov(&a, &(&c * scale)).unwrap(), &x * scale, "{power}");
        let scaled = continuous_lyapunov(&(&a * scale), &(&c * scale)).unwrap();
        assert!((&scaled - &x).norm() <= 1e-12 * x.norm(), "{power}");
    }
}
