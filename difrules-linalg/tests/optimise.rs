//! Optimisers, and functions as other crates' problems.

use argmin::core::{CostFunction, Executor, Gradient, Hessian, Jacobian, Operator, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use argmin_math::ArgminDot;
use difrules_core::{Differentiable, Function, Real, gradient, jvp, lit, value_and_gradient};
use difrules_linalg::{
    Adam, ArgminProblem, Lbfgs, LeastSquares, Matrix, OdeFunction, OptimiseError, Vector,
};
use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{ComplexField, DVector, Vector2, dmatrix, dvector, vector};

/// Rosenbrock's function of many numbers.
struct Rosenbrock;

impl Function for Rosenbrock {
    type Point = DVector<f64>;
    type Value = f64;

    fn call<T: Real>(&self, x: &DVector<T>) -> T {
        let term = |x: &[T]| {
            let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
            a * a + b * b * lit(100.0)
        };
        x.as_slice().windows(2).map(term).sum()
    }
}

fn rosenbrock(x: &DVector<f64>) -> (f64, DVector<f64>) {
    value_and_gradient(|x| Rosenbrock.call(x), x)
}

#[test]
fn lbfgs_finds_minima() {
    let start = DVector::from_fn(50, |i, _| if i % 2 == 0 { -1.2 } else { 1.0 });
    let found = Lbfgs::new().minimise(rosenbrock, &start).unwrap();
    assert!((&found.x - DVector::repeat(50, 1.0)).norm() < 1e-6 && found.value < 1e-14);
    assert!(found.gradient.amax() <= 1e-9 && found.evaluations < 600, "{found:?}");
    // A quadratic of numbers of very different sizes, in few steps.
    let scales = DVector::from_fn(8, |i, _| 10.0_f64.powi(i as i32 - 3));
    let quadratic = |x: &DVector<f64>| {
        let scaled = x.component_mul(&scales);
        (0.5 * scaled.dot(x) - x.sum(), scaled.add_scalar(-1.0))
    };
    let found = Lbfgs::new().minimise(quadratic, &DVector::zeros(8)).unwrap();
    let relative = found.x.component_mul(&scales).add_scalar(-1.0).amax();
    assert!(relative < 1e-6, "{relative}");
    // At the minimum already.
    let found = Lbfgs::new().minimise(rosenbrock, &DVector::repeat(3, 1.0)).unwrap();
    assert_eq!((found.iterations, found.evaluations), (0, 1));
    // Of no numbers.
    let found = Lbfgs::new().minimise(rosenbrock, &DVector::zeros(0)).unwrap();
    assert_eq!(found.value, 0.0);
}

/// A number between -1 and 1 that nobody foresees.
fn noise(x: &DVector<f64>, salt: u64) -> f64 {
    let mix =
        |h: u64, x: &f64| ((h ^ x.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15)).rotate_left(29);
    x.iter().fold(salt, mix).wrapping_mul(0xD6E8_FEB8_6659_FD93) as i64 as f64 / i64::MAX as f64
}

/// A likelihood whose value has lost digits, and its gradient fewer: what is left decides.
#[test]
fn lbfgs_knows_rounding() {
    let scales = dvector![3000.0, 40.0, 7000.0, 200.0];
    let bowl = |x: &DVector<f64>, of_value: f64, of_slope: f64| {
        let root = x.map(|x| (1.0 + x * x).sqrt());
        let value = 9000.0 + scales.dot(&root.add_scalar(-1.0)) + of_value * noise(x, 1);
        let slope = x.component_div(&root).component_mul(&scales);
        (value, DVector::from_fn(4, |i, _| slope[i] + of_slope * noise(x, 2 + i as u64)))
    };
    let start = dvector![0.7, -0.4, -0.9, 0.6];
    for of_value in [0.0, 1e-10, 3e-9, 1e-6] {
        let found = Lbfgs::new().minimise(|x| bowl(x, of_value, 1e-12), &start).unwrap();
        assert!(found.gradient.amax() <= 1e-9 * found.value, "{found:?}");
        assert!(found.evaluations < 100, "{found:?}");
    }
    // The gradient is never as flat as is asked for.
    let strict = Lbfgs { tolerance: 1e-12, ..Lbfgs::new() };
    for (of_value, of_slope) in [(3e-9, 1e-6), (0.0, 1e-6), (1e-6, 1e-4)] {
        let failed = strict.minimise(|x| bowl(x, of_value, of_slope), &start).unwrap_err();
        let OptimiseError::NoDescent { best } = failed else { panic!("{failed:?}") };
        assert!(best.gradient.amax() < 30.0 * of_slope, "{best:?}");
        assert!(best.evaluations < 500, "{best:?}");
    }
}

#[test]
fn lbfgs_works_on_structures_and_beside_poles() {
    // x - ln x, and the distance of a matrix from another; beside the pole steps are too long.
    type Point = (f64, Matrix<f64>, Option<Vector<f64>>);
    let target = dmatrix![1.0, 2.0; 3.0, 4.0];
    let start: Point =
        (1e-3, Matrix::from(dmatrix![0.0, 0.0; 0.0, 0.0]), Some(Vector::from(dvector![3.0])));
    let found = Lbfgs::new().minimise(
        |point: &Point| {
            value_and_gradient(
                |(x, m, v)| {
                    let rest = v.as_ref().unwrap().norm_squared();
                    *x - x.ln() + (m - &target).norm_squared() + rest
                },
                point,
            )
        },
        &start,
    );
    let (x, m, v) = found.unwrap().x;
    assert!((x - 1.0).abs() < 1e-8 && (&*m - &target).norm() < 1e-8);
    assert!(v.unwrap().norm() < 1e-8);
}

#[test]
fn lbfgs_says_what_is_wrong() {
    let few = Lbfgs { iterations: 3, ..Lbfgs::new() };
    let failed = few.minimise(rosenbrock, &dvector![-1.2, 1.0]).unwrap_err();
    let OptimiseError::TooManySteps { best } = failed else { panic!("{failed}") };
    assert!(best.iterations == 3 && best.value < rosenbrock(&dvector![-1.2, 1.0]).0);

    let failed = Lbfgs::new().minimise(|x: &f64| (x.ln(), 1.0 / x), &-1.0);
    assert_eq!(failed, Err(OptimiseError::NotFinite));
    // A gradient of another sign.
    let failed = Lbfgs::new().minimise(|x: &f64| (x * x, -2.0 * x), &1.0);
    assert!(matches!(failed, Err(OptimiseError::NoDescent { .. })), "{failed:?}");
    // The function's own error.
    let failed = Lbfgs::new().minimise(|_: &f64| Err::<(f64, f64), _>("no value"), &1.0);
    assert_eq!(failed.unwrap_err().to_string(), "no value");
    // Not bounded below.
    let failed = Lbfgs::new().minimise(|x: &f64| (*x, 1.0), &1.0);
    assert!(failed.is_err());
}

#[test]
fn lbfgs_takes_values_and_numbers_of_any_size() {
    for (value, size) in [(1e200, 1.0), (1e300, 1.0), (1.0, 1e150), (1.0, 1e300), (1e-150, 1e10)] {
        let square = |x: &f64| {
            let u = x / size - 1.0;
            (value * (u * u + 1.0), 2.0 * u * (value / size))
        };
        let options = Lbfgs { tolerance: 1e-9 * f64::min(value, 1.0), ..Lbfgs::new() };
        let found = options.minimise(square, &(3.0 * size)).unwrap();
        assert!((found.x / size - 1.0).abs() < 1e-8, "{value} {size} {found:?}");
        assert_eq!((found.value, found.gradient), square(&found.x));
    }
    // A number much smaller than one: steps are too long by 150 powers of ten.
    let steep = |x: &f64| ((x * 1e150 - 1.0).powi(2), 2e150 * (x * 1e150 - 1.0));
    let found = match Lbfgs::new().minimise(steep, &3e-150) {
        Err(OptimiseError::NoDescent { best }) => *best,
        found => found.unwrap(),
    };
    assert!((found.x * 1e150 - 1.0).abs() < 1e-6, "{found:?}");
}

#[test]
fn adam_makes_the_steps_of_the_paper() {
    // By hand: with the gradient g in the first step, x moves by the rate, whatever g is.
    let mut adam = Adam::new(0.1);
    let mut x = vector![1.0, -2.0];
    adam.step(&mut x, &vector![3.0, -0.5]);
    assert!((x - vector![0.9, -1.9]).amax() < 1e-8);
    // And in the second by what the two means make of both.
    adam.step(&mut x, &vector![1.0, -0.5]);
    let first = (0.9 * 0.1 * 3.0 + 0.1 * 1.0) / (1.0 - 0.81);
    let second: f64 = (0.999 * 0.001 * 9.0 + 0.001 * 1.0) / (1.0 - 0.999 * 0.999);
    assert!((x[0] - (0.9 - 0.1 * first / second.sqrt())).abs() < 1e-7);

    // Through its steps, for the best rate.
    fn after<T: Real>(rate: T) -> T {
        let (mut adam, mut x) = (Adam::new(rate), vector![lit::<T>(2.0), lit(-1.0)]);
        for _ in 0..5 {
            let slope = x * lit::<T>(2.0);
            adam.step(&mut x, &slope);
        }
        x.norm_squared()
    }
    let (rate, h) = (0.05, 1e-6);
    let difference = (after(rate + h) - after(rate - h)) / (2.0 * h);
    assert!((gradient(|rate| after(*rate), &rate) - difference).abs() < 1e-6);
    assert!((jvp(|rate| after(*rate), &rate, &1.0).1 - difference).abs() < 1e-6);
}

#[test]
#[should_panic(expected = "the gradient has to have as many")]
fn adam_takes_a_gradient_of_the_same_shape() {
    Adam::new(0.1).step(&mut dvector![1.0, 2.0], &dvector![1.0]);
}

#[test]
fn argmin_minimises() {
    let start = dvector![-1.2, 1.0, 0.5];
    let problem = ArgminProblem::new(Rosenbrock, &start);
    let parameters = problem.parameters(&start);
    assert_eq!(problem.cost(&parameters).unwrap(), Rosenbrock.call(&start));
    let slope = rosenbrock(&start).1;
    assert_eq!(problem.gradient(&parameters).unwrap(), slope.as_slice());
    let hessian = difrules_core::hessian(|x| Rosenbrock.call(x), &start);
    let rows = problem.hessian(&parameters).unwrap();
    assert!((0..3).all(|i| (0..3).all(|j| rows[i][j] == hessian[(i, j)])));
    let products = problem.clone().by_products().hessian(&parameters).unwrap();
    let product: Vec<f64> = products.dot(&vec![1.0, -2.0, 0.5]);
    let wanted = &hessian * dvector![1.0, -2.0, 0.5];
    assert!((DVector::from_vec(product) - &wanted).norm() < 1e-12 * wanted.norm());

    let solver = LBFGS::new(MoreThuenteLineSearch::new(), 7);
    let run = Executor::new(problem.clone(), solver)
        .configure(|state| state.param(parameters.clone()).max_iters(100));
    let state = run.run().unwrap().state;
    let best = problem.point(state.get_best_param().unwrap());
    assert!((best - DVector::repeat(3, 1.0)).norm() < 1e-6);

    let solver = TrustRegion::new(Steihaug::new().with_max_iters(20));
    let run = Executor::new(problem.clone().by_products(), solver)
        .configure(|state| state.param(parameters.clone()).max_iters(100));
    let state = run.run().unwrap().state;
    assert!(state.best_cost < 1e-10, "{}", state.best_cost);

    // With the vectors and matrices of another version of nalgebra.
    let other = problem
        .clone()
        .with_vector::<nalgebra_of_levenberg_marquardt::DVector<f64>>()
        .with_matrix(nalgebra_of_levenberg_marquardt::DMatrix::from_column_slice);
    let at = other.parameters(&start);
    assert_eq!(other.gradient(&at).unwrap().as_slice(), slope.as_slice());
    assert_eq!(other.hessian(&at).unwrap().as_slice(), hessian.as_slice());

    let failed = problem.cost(&vec![1.0]).unwrap_err();
    assert!(failed.to_string().starts_with("the function is of 3 numbers, but argmin was given 1"));
}

/// Where two circles meet.
struct Circles;

impl Function for Circles {
    type Point = Vector2<f64>;
    type Value = Result<[f64; 2], std::fmt::Error>;

    fn call<T: Real>(&self, x: &Vector2<T>) -> Result<[T; 2], std::fmt::Error> {
        if x[0] > lit(50.0) {
            return Err(std::fmt::Error);
        }
        Ok([x.norm_squared() - lit(2.0), (x[0] - lit(1.0)).powi(2) + x[1] * x[1] - lit(1.0)])
    }
}

#[test]
fn residuals_are_operators() {
    let problem = ArgminProblem::new(Circles, &vector![0.0, 0.0]);
    assert_eq!(problem.apply(&vec![1.0, 0.5]).unwrap(), [-0.75, -0.75]);
    assert_eq!(problem.jacobian(&vec![1.0, 0.5]).unwrap(), [[2.0, 1.0], [0.0, 1.0]]);
    assert!(problem.apply(&vec![60.0, 0.0]).is_err());
}

#[test]
fn least_squares() {
    let problem = LeastSquares::new(Circles, vector![0.5, 0.7]);
    let (found, report) = LevenbergMarquardt::new().minimize(problem);
    assert!(report.termination.was_successful(), "{report:?}");
    assert!((found.point() - vector![1.0, 1.0]).norm() < 1e-9);
    assert!(report.objective_function < 1e-18 && found.error().is_none());
    // What fails is not there, and why is kept.
    let failed = LeastSquares::new(Circles, vector![60.0, 0.0]);
    assert!(failed.residuals().is_none() && failed.jacobian().is_none());
    assert_eq!(failed.error(), Some(std::fmt::Error));
}

/// A decay with a drive, and parameters of several kinds.
struct Driven;

impl Function for Driven {
    type Point = (DVector<f64>, (f64, Vector2<f64>), f64);
    type Value = DVector<f64>;

    fn call<T: Real>(
        &self,
        (x, (rate, drive), t): &(DVector<T>, (T, Vector2<T>), T),
    ) -> DVector<T> {
        let pushed = drive[0] * (drive[1] * *t).sin();
        DVector::from_fn(x.len(), |i, _| -*rate * x[i] * x[i] + pushed * x[(i + 1) % x.len()])
    }
}

#[test]
fn right_hand_sides_have_all_their_products() {
    let x = dvector![0.5, 1.5, -0.3];
    let point = (x.clone(), (0.7, vector![1.1, 2.0]), 0.4);
    let ode = OdeFunction::new(Driven, &point);
    let jacobian = difrules_core::jacobian(|point| Driven.call(point), &point);
    let (by_x, by_p) = (jacobian.columns(0, 3).into_owned(), jacobian.columns(3, 3).into_owned());
    let (p, v) = ([0.7, 1.1, 2.0], dvector![0.2, -1.0, 0.6]);
    let mut y = dvector![0.0, 0.0, 0.0];
    let mut of = |product: &dyn Fn(&[f64], &[f64], f64, &[f64], &mut [f64])| {
        product(x.as_slice(), &p, 0.4, v.as_slice(), y.as_mut_slice());
        y.clone()
    };
    assert!((of(&ode.jacobian()) - &by_x * &v).norm() < 1e-14);
    assert!((of(&ode.by_parameters()) - &by_p * &v).norm() < 1e-14);
    assert!((of(&ode.adjoint()) + by_x.tr_mul(&v)).norm() < 1e-14);
    assert!((of(&ode.adjoint_by_parameters()) + by_p.tr_mul(&v)).norm() < 1e-14);
    let mut value = [0.0; 3];
    ode.rhs()(x.as_slice(), &p, 0.4, &mut value);
    assert_eq!(value, Driven.call(&point).as_slice());
    assert_eq!(point.to_reals().len(), 7);
}
