//! Matrix equations: small residuals whatever the coefficients are, and errors where there is no solution.

use difrules_core::Scalar;
use difrules_core::testing::Sampler;
use difrules_linalg::{
    Error, complex_eigenvalues, continuous_lyapunov, continuous_riccati, discrete_lyapunov,
    discrete_riccati, sylvester,
};
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
    [1, 2, 3, 10, 16, 17, 40].into_iter().for_each(residuals::<f64>);
}

#[test]
fn residuals_are_roundings_complex() {
    [1, 2, 3, 17, 33].into_iter().for_each(residuals::<C64>);
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

/// The residual of a Riccati equation over what it is a sum of, and how far inside its region the closed loop is.
fn regulated<T: Scalar<Real = f64>>(
    discrete: bool,
    [a, b, q, r]: [&DMatrix<T>; 4],
    x: &DMatrix<T>,
) -> (f64, f64) {
    let solve = |a: &DMatrix<T>, b: &DMatrix<T>| difrules_linalg::solve(a, b).unwrap();
    let bx = b.adjoint() * x;
    let k = if discrete { solve(&(r + &bx * b), &(&bx * a)) } else { solve(r, &bx) };
    let closed = a - b * &k;
    let costs = k.adjoint() * r * &k;
    // What a relative change of A or B, or of an entry of the sum, makes of it.
    let moving = (norm(a) + norm(b) * norm(&k)) * norm(x);
    let (residual, size) = if discrete {
        let left = closed.adjoint() * x * &closed + &costs + q;
        (&left - x, 2.0 * norm(&closed) * moving + norm(&costs) + norm(q) + norm(x))
    } else {
        let moved = x * a;
        (&moved + moved.adjoint() - &costs + q, 2.0 * moving + norm(&costs) + norm(q))
    };
    let values = complex_eigenvalues(&closed).unwrap();
    let inside = values.iter().map(|l| if discrete { 1.0 - l.norm() } else { -l.re });
    (norm(&residual) / size, inside.fold(f64::INFINITY, f64::min))
}

fn riccati<T: Scalar<Real = f64>>(size: usize, inputs: usize) {
    let mut random = Sampler::new(size as u64, inputs as u64);
    let (any, b): (DMatrix<T>, DMatrix<T>) =
        (random.matrix(size, size), random.matrix(size, inputs));
    let r: DMatrix<T> = random.positive_definite(inputs);
    let observed: DMatrix<T> = random.matrix(1, size);
    let states = DMatrix::from_fn(size, size, |i, j| {
        number(if i == j { 10.0_f64.powf(6.0 * i as f64 / size as f64 - 3.0) } else { 0.0 })
    });
    let inverse = states.map(|x: T| if x.is_zero() { x } else { T::one() / x });
    let full: DMatrix<T> = random.positive_definite(size);
    for q in [observed.adjoint() * &observed, full] {
        for (a, b, q) in [
            (any.clone(), b.clone(), q.clone()),
            // States in units of their own.
            (&states * &any * &inverse, &states * &b, &inverse * &q * &inverse),
            // Controls that are cheap, and dear.
            (any.clone(), &b * number::<T>(1e4), q.clone()),
            (any.clone(), &b * number::<T>(1e-4), q.clone()),
            (&any * number::<T>(1e-3), b.clone(), q.clone()),
        ] {
            for discrete in [false, true] {
                let call = if discrete { discrete_riccati } else { continuous_riccati };
                let x = call(&a, &b, &q, &r)
                    .unwrap_or_else(|error| panic!("{error}: {size} {inputs} {discrete}"));
                assert_eq!(x, x.adjoint());
                let (residual, inside) = regulated(discrete, [&a, &b, &q, &r], &x);
                assert!(inside > 0.0, "{size} {inputs} {discrete}: {inside}");
                let bound = 20.0 * (1 + size) as f64 * EPSILON;
                assert!(residual < bound, "{size} {inputs} {discrete}: {residual:e}");
            }
        }
    }
}

#[test]
fn riccati_solutions_stabilise() {
    for (size, inputs) in [(1, 1), (2, 1), (3, 2), (8, 3), (20, 4), (18, 18)] {
        riccati::<f64>(size, inputs);
    }
    for (size, inputs) in [(1, 1), (3, 2), (15, 4)] {
        riccati::<C64>(size, inputs);
    }
}

fn has_none<Y: std::fmt::Debug>(result: Result<Y, Error>) {
    assert!(matches!(result, Err(Error::NoStabilizingSolution { .. })), "{result:?}");
}

#[test]
fn riccati_equations_without_a_solution_are_errors() {
    let (zero, one) = (dmatrix![0.0], dmatrix![1.0]);
    // On the boundary, and nothing to move it by: no input, or no cost.
    has_none(continuous_riccati(&zero, &zero, &one, &one));
    has_none(continuous_riccati(&zero, &one, &zero, &one));
    has_none(discrete_riccati(&one, &zero, &one, &one));
    has_none(discrete_riccati(&one, &one, &zero, &one));
    has_none(discrete_riccati(&-&one, &one, &zero, &one));
    // Unstable, and no input reaches it.
    has_none(continuous_riccati(&one, &zero, &one, &one));
    has_none(discrete_riccati(&dmatrix![2.0], &zero, &one, &one));
    // The same in another basis, but for rounding.
    let mut random = Sampler::new(8, 9);
    for size in [3, 6, 12] {
        let any: DMatrix<f64> = random.matrix(size, size);
        let (u, _) = difrules_linalg::qr(&any).unwrap();
        let b: DMatrix<f64> = random.matrix(size, 2);
        let q: DMatrix<f64> = random.positive_definite(size);
        let inputs = DMatrix::identity(2, 2);
        for discrete in [false, true] {
            let call = if discrete { discrete_riccati } else { continuous_riccati };
            for first in [if discrete { 1.0 } else { 0.0 }, 2.0] {
                let (mut a, mut b) = (any.clone() * 0.1, b.clone());
                a.row_mut(0).fill(0.0);
                a[(0, 0)] = first;
                b.row_mut(0).fill(0.0);
                has_none(call(&(&u * &a * u.transpose()), &(&u * &b), &q, &inputs));
                // Its transpose is reached, but costs nothing.
                if first < 2.0 {
                    let (mut q, a) = (q.clone(), a.transpose());
                    q.row_mut(0).fill(0.0);
                    q.column_mut(0).fill(0.0);
                    let b: DMatrix<f64> = random.matrix(size, 2);
                    let turned = |m: &DMatrix<f64>| &u * m * u.transpose();
                    let mut a = a;
                    a.column_mut(0).fill(0.0);
                    a[(0, 0)] = first;
                    has_none(call(&turned(&a), &b, &turned(&q), &inputs));
                }
            }
        }
    }
    let indefinite = dmatrix![1.0, 2.0; 2.0, 1.0];
    let (a, b) = (dmatrix![0.0, 1.0; 0.0, 0.0], DMatrix::<f64>::identity(2, 2));
    for call in [continuous_riccati::<f64, _, _>, discrete_riccati] {
        for r in [&indefinite, &(&b * 0.0), &-&b] {
            let found = call(&a, &b, &b, r);
            assert!(matches!(found, Err(Error::NotPositiveDefinite { .. })), "{found:?}");
        }
        assert!(matches!(call(&b, &dmatrix![1.0], &b, &b), Err(Error::DimensionMismatch { .. })));
        assert!(matches!(call(&(&b / 0.0), &b, &b, &b), Err(Error::NotFinite { .. })));
    }
}

/// Where nothing is controlled it is Lyapunov's equation, and without states it is empty.
/// Eigenvalues whose product overflows do not have the product one.
#[test]
fn stein_equations_of_huge_coefficients() {
    let one = |x: f64| DMatrix::from_element(1, 1, x);
    for huge in [1e160, -1e200, 1e300] {
        assert_eq!(discrete_lyapunov(&one(huge), &one(1.0)).map(|x| x[0].abs()), Ok(0.0));
        let a = dmatrix![huge, 0.0; 0.0, 0.5];
        let x = discrete_lyapunov(&a, &DMatrix::from_element(2, 2, 3.0)).unwrap();
        assert!((x - dmatrix![0.0, 0.0; 0.0, 4.0]).norm() < 1e-14, "{huge}");
        let singular = discrete_lyapunov(&dmatrix![huge, 0.0; 0.0, 1.0], &DMatrix::identity(2, 2));
        assert!(matches!(singular, Err(Error::SingularEquation { .. })));
    }
}

/// The unit of the costs is one of the solution, however large or small.
#[test]
fn riccati_equations_in_any_unit_of_the_costs() {
    let mut random = Sampler::new(21, 22);
    let (a, b): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 3), random.matrix(3, 2));
    let (q, r) = (random.positive_definite(3), random.positive_definite(2));
    for call in [continuous_riccati::<f64, _, _>, discrete_riccati] {
        let x = call(&a, &b, &q, &r).unwrap();
        for exponent in [-1000, -501, -2, 3, 500, 1000] {
            let unit = 2.0_f64.powi(exponent);
            let found = call(&a, &b, &(&q * unit), &(&r * unit)).unwrap() / unit;
            assert!((found - &x).norm() <= 1e-14 * x.norm(), "{exponent}");
        }
        let not = call(&a, &b, &(&q * 1e200), &(&r * -1e200));
        let found = matches!(not, Err(Error::NotPositiveDefinite { pivot: 0, value }) if {
            (value / (-1e200 * r[(0, 0)]) - 1.0).abs() < 1e-15
        });
        assert!(found, "{not:?}");
    }
}

/// What costs nothing to move has a solution in discrete time, next to that of what costs little.
#[test]
fn discrete_riccati_equations_with_cheap_inputs() {
    let of = |r: usize, c: usize, s: usize| {
        DMatrix::from_fn(r, c, |i, j| ((7 * i + 3 * j + i * j + 17 * s + 1) as f64 * 1.3).sin())
    };
    let (a, b, root) = (of(3, 3, 1) * 0.2, of(3, 2, 6), of(3, 3, 1));
    let q = &root * root.transpose() + DMatrix::identity(3, 3) * 0.5;
    let at = |cost: f64| {
        let found = discrete_riccati(&a, &b, &q, &(DMatrix::identity(2, 2) * cost));
        found.unwrap_or_else(|error| panic!("{cost:e}: {error}"))
    };
    for cost in [1e-16, 1e-20, 1e-30] {
        assert!((at(cost) - at(1e-13)).norm() < 1e-11, "{cost}");
    }
}

/// What is hardly moved takes large gains, not none: of one state x^2 b^2 / r = 2 a x + q and the like in discrete time.
#[test]
fn riccati_equations_with_weak_inputs() {
    let one = |x: f64| DMatrix::from_element(1, 1, x);
    let complex = |x: f64| DMatrix::from_element(1, 1, C64::from(x));
    for weak in [1e-4_f64, 1e-8, 1e-9, 1e-12] {
        let square = weak * weak;
        let expected = (4.0 + (16.0 + 4.0 * square).sqrt()) / (2.0 * square);
        let near = |x: f64| assert!((x / expected - 1.0).abs() < 1e-14, "{weak}: {x}");
        near(continuous_riccati(&one(2.0), &one(weak), &one(1.0), &one(1.0)).unwrap()[0]);
        let found = continuous_riccati(&complex(2.0), &complex(weak), &complex(1.0), &complex(1.0));
        near(found.unwrap()[0].re);
        let sum = 3.0 + square;
        let expected = (sum + (sum * sum + 4.0 * square).sqrt()) / (2.0 * square);
        let near = |x: f64| assert!((x / expected - 1.0).abs() < 1e-14, "{weak}: {x}");
        near(discrete_riccati(&one(2.0), &one(weak), &one(1.0), &one(1.0)).unwrap()[0]);
        let found = discrete_riccati(&complex(2.0), &complex(weak), &complex(1.0), &complex(1.0));
        near(found.unwrap()[0].re);
        // Two states that do not know of each other.
        let two = DMatrix::<f64>::identity(2, 2);
        let inputs = dmatrix![weak, 0.0; 0.0, 1.0];
        let found = discrete_riccati(&(&two * 2.0), &inputs, &two, &two).unwrap();
        near(found[(0, 0)]);
    }
}

#[test]
fn degenerate_riccati_equations() {
    let a = dmatrix![-1.0, 0.5; 0.0, -0.5];
    let (b, q) = (DMatrix::<f64>::zeros(2, 0), dmatrix![2.0, 1.0; 1.0, 2.0]);
    let r = DMatrix::zeros(0, 0);
    let x = continuous_riccati(&a, &b, &q, &r).unwrap();
    assert!((&x - continuous_lyapunov(&a.transpose(), &-&q).unwrap()).norm() < 1e-14);
    let x = discrete_riccati(&(&a * 0.9), &b, &q, &r).unwrap();
    assert!((&x - discrete_lyapunov(&(&a * 0.9).transpose(), &q).unwrap()).norm() < 1e-13);
    // What is stable already and costs nothing.
    let b = dmatrix![1.0; 1.0];
    for call in [continuous_riccati::<f64, _, _>, discrete_riccati] {
        let x = call(&(&a * 0.9), &b, &(&q * 0.0), &dmatrix![1.0]).unwrap();
        assert_eq!(x, &q * 0.0);
        let empty = DMatrix::<f64>::zeros(0, 0);
        assert_eq!(call(&empty, &DMatrix::zeros(0, 1), &empty, &dmatrix![1.0]).unwrap(), empty);
    }
    // All but cheap, and a state that is forgotten at once.
    let x = discrete_riccati(&dmatrix![0.0, 1.0; 0.0, 0.0], &b, &q, &dmatrix![1e-8]).unwrap();
    assert!(x.iter().all(|x| x.is_finite()));
}

/// Inputs that cost next to nothing beside the states: in the limit X is that of inputs that are free.
#[test]
fn riccati_equations_of_cheap_inputs() {
    let (a, q) = (dmatrix![1.1, 0.3; -0.2, 0.7], dmatrix![2.0, 0.3; 0.3, 1.0]);
    for (b, least) in [
        (dmatrix![1.0; 0.5], 1e-12),
        (dmatrix![1.0, 0.2; 0.5, 1.0], 1e-12),
        (dmatrix![0.2; -1.0], 1e-12),
    ] {
        let r = DMatrix::identity(b.ncols(), b.ncols());
        let limit = discrete_riccati(&a, &b, &q, &(&r * least)).unwrap();
        for cost in [1e-16, 1e-20, 1e-60, 1e-150, 1e-300] {
            let x = discrete_riccati(&a, &b, &q, &(&r * cost)).unwrap();
            assert!((&x - &limit).norm() < 1e-11 * x.norm(), "{cost:e}: {x}");
            // X is in the unit of the costs.
            let unit = 1e-100;
            let scaled = discrete_riccati(&a, &b, &(&q * unit), &(&r * (cost * unit)));
            if cost * unit > 0.0 {
                assert!((scaled.unwrap() / unit - &x).norm() < 1e-13 * x.norm(), "{cost:e}");
            }
        }
    }
}

/// In other units of time, of which X has none.
#[test]
fn riccati_equations_of_slow_and_of_fast_states() {
    let (a, b) = (dmatrix![1.1, 0.3; -0.2, 0.7], dmatrix![1.0; 0.5]);
    let (q, r) = (dmatrix![2.0, 0.3; 0.3, 1.0], dmatrix![1.5]);
    let expected = continuous_riccati(&a, &b, &q, &r).unwrap();
    for unit in [1e-100, 1e-40, 1e-20, 1e-15, 1e-8, 1e8, 1e20, 1e100] {
        let scaled = [&a, &b, &q, &r].map(|m| m * unit);
        let x = continuous_riccati(&scaled[0], &scaled[1], &scaled[2], &scaled[3]).unwrap();
        assert!((&x - &expected).norm() < 1e-13 * x.norm(), "{unit:e}: {x}");
        let x = continuous_riccati(&scaled[0], &b, &scaled[2], &(&r / unit)).unwrap();
        assert!((&x - &expected).norm() < 1e-13 * x.norm(), "{unit:e}: {x}");
    }
}
