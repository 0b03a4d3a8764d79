//! Sums over data on many cores: the same on any number of threads, and as from one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use difrules_core::diagnostic::Diagnostic;
use difrules_core::{
    Differentiable, Dual, Real, Var, diagnosed, gradient, hessian, hvp, jacobian, jvp,
    leaving_out_undefined, lit, par_value_and_gradient, par_value_and_jacobian,
    par_value_and_jacobian_reverse, par_value_gradient_and_hessian, par_value_gradient_and_hvp,
    primitive, report, value_and_gradient,
};
use nalgebra::{ComplexField, DMatrix, DVector, Vector3, dvector, vector};

/// What `f` gives on pools of so many threads, which has to be the same.
fn on_threads<Out: PartialEq + Send + std::fmt::Debug>(f: impl Fn() -> Out + Sync) -> Out {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&f)
    };
    let one = on(1);
    for threads in [2, 3, 7] {
        assert_eq!(on(threads), one, "on {threads} threads");
    }
    one
}

/// Numbers of which sums round.
fn data(count: usize) -> Vec<(f64, f64)> {
    (0..count).map(|i| ((i as f64 * 0.7).sin(), (i as f64 * 1.3).cos() * 3.0)).collect()
}

fn term<T: Real>(p: &DVector<T>, &(t, y): &(f64, f64)) -> T {
    let residual = p[0] * (p[1] * lit(t)).exp() + p[2] * lit(t) - lit(y);
    residual * residual / (T::one() + p[2] * p[2])
}

fn sum<T: Real>(p: &DVector<T>, data: &[(f64, f64)]) -> T {
    data.iter().map(|datum| term(p, datum)).fold(T::zero(), |sum, y| sum + y)
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-11 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

#[test]
fn a_sum_is_the_same_on_any_number_of_threads() {
    let (p, v) = (dvector![0.7_f64, -0.4, 0.3], dvector![1.0, 0.5, -2.0]);
    // Fewer data than chunks, as many, more, and as many that chunks are the largest and one is left.
    for count in [0, 1, 2, 255, 256, 257, 1000, 64 * 300 + 1] {
        let data = data(count);
        let (value, slope) = on_threads(|| {
            let (value, slope) = par_value_and_gradient(term, &p, &data);
            (value.to_bits(), bits(slope.as_slice()))
        });
        assert_eq!(value, sum(&p, &data).to_bits(), "the plain value, {count} data");
        let slope: Vec<_> = slope.into_iter().map(f64::from_bits).collect();
        assert_near(&slope, gradient(|p| sum(p, &data), &p).as_slice());
        if count > 1000 {
            continue;
        }
        let (second, slope_again, product) = on_threads(|| {
            let (value, slope, product) = par_value_gradient_and_hvp(term, &p, &v, &data);
            (value.to_bits(), bits(slope.as_slice()), bits(product.as_slice()))
        });
        assert_eq!(second, value);
        assert_eq!(slope_again, bits(&slope));
        let product: Vec<_> = product.into_iter().map(f64::from_bits).collect();
        assert_near(&product, hvp(|p| sum(p, &data), &p, &v).as_slice());
        let (second, slope_again, curvature) = on_threads(|| {
            let (value, slope, hessian) = par_value_gradient_and_hessian(term, &p, &data);
            (value.to_bits(), bits(slope.as_slice()), bits(hessian.as_slice()))
        });
        assert_eq!(second, value);
        assert_eq!(slope_again, bits(&slope));
        let curvature: Vec<_> = curvature.into_iter().map(f64::from_bits).collect();
        assert_near(&curvature, hessian(|p| sum(p, &data), &p).as_slice());
    }
}

#[test]
fn a_hessian_of_many_columns_and_of_none() {
    let x = DVector::from_fn(19, |i, _| 0.1 * i as f64 - 0.8);
    let starts: Vec<usize> = (0..17).collect();
    let f = |x: &DVector<_>, &i: &usize| x[i] * x[i + 1] * x[i + 2];
    let found = on_threads(|| par_value_gradient_and_hessian(f, &x, &starts));
    let mut expected = DMatrix::zeros(19, 19);
    for i in 0..17 {
        for (a, b, c) in [(0, 1, 2), (0, 2, 1), (1, 2, 0)] {
            expected[(i + a, i + b)] += x[i + c];
            expected[(i + b, i + a)] += x[i + c];
        }
    }
    assert_near(found.2.as_slice(), expected.as_slice());
    let nothing = DVector::<f64>::zeros(0);
    let (value, _, hessian) =
        par_value_gradient_and_hessian(|_, &a: &f64| Var::constant(lit(a)), &nothing, &[1.5, 2.0]);
    assert_eq!((value, hessian.shape()), (3.5, (0, 0)));
}

#[test]
fn rows_are_those_of_each_datum() {
    let p = vector![0.5, -1.0, 2.0];
    let lengths: Vec<usize> = (0..300).map(|i| i % 4).collect();
    // As many rows as the datum says, some none.
    fn powers<T: Real>(p: &Vector3<T>, &length: &usize) -> DVector<T> {
        DVector::from_fn(length, |i, _| p[i] * p[(i + 1) % 3] + lit(length as f64))
    }
    let forward = on_threads(|| par_value_and_jacobian(powers, &p, &lengths));
    let reverse = on_threads(|| par_value_and_jacobian_reverse(powers, &p, &lengths));
    assert_eq!(forward, reverse);
    let rows: usize = lengths.iter().sum();
    assert_eq!(forward.1.shape(), (rows, 3));
    // The first four data have the rows 0; 1; 2 and 3; ..
    assert_eq!(forward.1.row(0), nalgebra::RowVector3::new(-1.0, 0.5, 0.0));
    assert_eq!(forward.1.row(2), nalgebra::RowVector3::new(0.0, 2.0, -1.0));
    assert_eq!(forward.0[2].as_slice(), [1.5, 0.0]);
    let none = par_value_and_jacobian(powers, &p, &[]);
    assert_eq!((none.0.len(), none.1.shape()), (0, (0, 3)));
}

#[test]
fn long_tapes_are_swept_before_the_next_datum() {
    // One datum is longer than a tape grows to; each chunk has several.
    let steps: Vec<usize> = (0..300).map(|i| if i % 100 == 7 { 40_000 } else { 3 }).collect();
    fn walk<T: Real>(x: &T, &steps: &usize) -> T {
        (0..steps).fold(*x, |y, k| y + *x * lit(1.0 / (k + 1) as f64))
    }
    let (value, slope) = on_threads(|| par_value_and_gradient(walk, &2.0, &steps));
    let expected = value_and_gradient(
        |x: &Var<f64>| steps.iter().map(|s| walk(x, s)).fold(Var::constant(0.0), |a, b| a + b),
        &2.0,
    );
    assert_eq!(value, expected.0);
    assert_near(&[slope], &[expected.1]);
}

#[test]
fn the_first_failure_by_the_order_of_data_comes_back() {
    let numbers: Vec<usize> = (0..2000).collect();
    let fails = |from: &[usize], panics: &[usize]| {
        let (from, panics) = (from.to_vec(), panics.to_vec());
        move |x: &Var<f64>, i: &usize| {
            assert!(!panics.contains(i), "datum {i}");
            if from.contains(i) { Err(*i) } else { Ok(*x * lit(*i as f64)) }
        }
    };
    let caught = |from: &[usize], panics: &[usize]| {
        let f = fails(from, panics);
        on_threads(|| {
            let call = || par_value_and_gradient(&f, &1.0, &numbers);
            catch_unwind(AssertUnwindSafe(call))
                .map_err(|panic| *panic.downcast::<String>().unwrap())
        })
    };
    assert_eq!(caught(&[1999, 77, 1500], &[]), Ok(Err(77)));
    assert_eq!(caught(&[500], &[501, 1900]), Ok(Err(500)));
    assert_eq!(caught(&[501, 3000], &[500, 1900]), Err("datum 500".into()));
    assert_eq!(caught(&[], &[]), Ok(Ok((1_999_000.0, 1_999_000.0))));
    // Nothing is left open.
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn undefined_is_nan() {
    let (value, slope, product) = par_value_gradient_and_hvp(
        |x, &a: &f64| x[0] * lit(a) + x[1],
        &vector![1.0_f64, 2.0],
        &vector![1.0, 1.0],
        &[1.0, f64::NAN, 2.0],
    );
    assert!(value.is_nan() && slope[0].is_nan() && slope[1].is_nan() && product[0].is_nan());
}

/// The square root, which has no derivative at zero.
#[primitive(partial = |x, y| {
    if x == T::zero() {
        report(Diagnostic::undefined("steep", "a vertical tangent"));
        let left_out = difrules_core::diagnostic::leaves_out_undefined();
        return lit(if left_out { 0.0 } else { f64::NAN });
    }
    lit::<T>(0.5) / y
}, instances(f64))]
fn steep<T: Real>(x: T) -> T {
    x.sqrt()
}

#[test]
fn reports_are_heard_by_who_called() {
    let zeros: Vec<f64> = (0..600).map(|i| if i % 200 == 199 { 0.0 } else { 1.0 }).collect();
    let call = || par_value_and_gradient(|x, &a: &f64| steep(*x * lit(a)), &1.0_f64, &zeros);
    let ((_, slope), heard) = diagnosed(|| leaving_out_undefined(call));
    assert_eq!((slope, heard.len()), (298.5, 3));
    assert!(call().1.is_nan());
}

/// Each entry times a constant that is shared, by a node that keeps it.
#[primitive(
    forward = |_x, factor, _y, x_dot| x_dot * lit::<T>(factor[0]),
    reverse = |_x, factor, _y, y_bar, x_bar| x_bar.add(|| y_bar * lit::<T>(factor[0])),
    constant(factor),
    instances(f64)
)]
fn times_each<T: Real>(x: &DVector<T>, factor: Arc<Vec<f64>>) -> DVector<T> {
    x * lit::<T>(factor[0])
}

#[test]
fn no_tape_outlives_its_task() {
    let factor = Arc::new(vec![2.0]);
    let data = vec![1.0; 500];
    let slope = on_threads(|| {
        let f = |x: &DVector<_>, &a: &f64| times_each(x, factor.clone()).sum() * lit(a);
        par_value_and_gradient(f, &dvector![1.0, 1.0], &data).1
    });
    assert_eq!(slope, dvector![1000.0, 1000.0]);
    // Threads of rayon's own pool live on; nothing of theirs shares the constant.
    let f = |x: &DVector<_>, _: &f64| times_each(x, factor.clone())[0];
    assert_eq!(par_value_and_gradient(f, &dvector![1.0], &data).0, 1000.0);
    assert_eq!(Arc::strong_count(&factor), 1);
}

/// The gradient of a sum, in any mode.
fn slope_of_sum<T: Real>(p: &DVector<T>, data: &[(f64, f64)]) -> DVector<T> {
    par_value_and_gradient(term, p, data).1
}

#[test]
fn a_derivative_of_a_sum_may_be_taken_again() {
    let (p, v, data) = (dvector![0.7_f64, -0.4, 0.3], dvector![1.0, 0.5, -2.0], data(700));
    let expected = hvp(|p| sum(p, &data), &p, &v);
    // Forward over it, reverse over it, and both.
    let forward = on_threads(|| jvp(|p| slope_of_sum(p, &data), &p, &v).1);
    assert_near(forward.as_slice(), expected.as_slice());
    let reverse = on_threads(|| {
        let along = |p: &DVector<Var<f64>>| slope_of_sum(p, &data).dot(&v.map(Var::constant));
        gradient(along, &p)
    });
    assert_near(reverse.as_slice(), expected.as_slice());
    let third = on_threads(|| {
        let along = |p: &DVector<Var<Dual<f64>>>| {
            slope_of_sum(p, &data).dot(&v.map(|v| Var::constant(Dual::constant(v))))
        };
        hvp(along, &p, &v)
    });
    let step = 1e-5;
    let at = |step: f64| hvp(|p| sum(p, &data), &(&p + &v * step), &v);
    let difference = (at(step) - at(-step)) / (2.0 * step);
    assert!((third - &difference).norm() < 1e-6 * difference.norm());
}

#[test]
fn a_sum_within_a_sum() {
    // Each datum has a sum of its own, at plain numbers, while its tape is open.
    let outer: Vec<f64> = (0..300).map(f64::from).collect();
    let found = on_threads(|| {
        let f = |x: &Var<f64>, &a: &f64| {
            let slope = par_value_and_gradient(|y, &b: &f64| *y * *y * lit(b), &a, &[1.0; 300]).1;
            *x * *x * lit(slope)
        };
        par_value_and_gradient(f, &1.0, &outer)
    });
    // The slopes are 600 a, a from 0 to 299.
    assert_eq!(found, (600.0 * 44_850.0, 1200.0 * 44_850.0));
}

#[derive(Debug, Clone, PartialEq, Differentiable)]
struct Curve<T: Real> {
    scale: T,
    rates: Vec<T>,
    #[constant]
    degree: i32,
}

/// A closure need not say what it takes, also where the point is a structure.
#[test]
fn closures_know_a_structure() {
    let curve = Curve { scale: 0.5, rates: vec![-0.3, 1.2], degree: 3 };
    let data = vec![(0.1, 1.0), (0.7, -2.0), (-0.4, 0.3)];
    let (value, slope) = par_value_and_gradient(
        |c, &(t, y)| c.scale * (c.rates[0] * lit(t)).exp() + c.rates[1].powi(c.degree) * lit(y),
        &curve,
        &data,
    );
    let serial = |c: &Curve<Var<f64>>| {
        data.iter().fold(Var::constant(0.0), |sum, &(t, y)| {
            sum + c.scale * (c.rates[0] * lit(t)).exp() + c.rates[1].powi(c.degree) * lit(y)
        })
    };
    let expected = value_and_gradient(serial, &curve);
    assert!((value - expected.0).abs() < 1e-14);
    assert_near(&[slope.scale], &[expected.1.scale]);
    assert_near(&slope.rates, &expected.1.rates);
    let by_hvp = par_value_gradient_and_hvp(
        |c, &(t, _)| c.scale * c.rates[0] * lit(t),
        &curve,
        &curve,
        &data,
    );
    let (_, _, hessian) =
        par_value_gradient_and_hessian(|c, d| c.scale * c.rates[0] * lit(d.0), &curve, &data);
    assert_near(&by_hvp.2.rates, &[hessian[(1, 0)] * curve.scale, 0.0]);
    let forward =
        par_value_and_jacobian(|c, &(t, _)| [c.scale * lit(t), c.rates[1]], &curve, &data);
    let reverse =
        par_value_and_jacobian_reverse(|c, &(t, _)| [c.scale * lit(t), c.rates[1]], &curve, &data);
    assert_eq!(forward, reverse);
    assert_eq!(gradient(|c| c.scale * c.rates[0].sin(), &curve).degree, 3);
    assert_eq!(hessian_of(&curve)[(0, 1)], 2.0);
}

fn hessian_of(curve: &Curve<f64>) -> DMatrix<f64> {
    hessian(|c| c.scale * c.rates[0] * lit(2.0), curve)
}

/// What is of the tape, or the derivation, of a caller is no number of a task's.
#[test]
fn numbers_of_an_outer_derivative_are_refused() {
    let data = vec![1.0; 600];
    let refused = |call: &(dyn Fn() -> f64 + Sync)| {
        on_threads(|| {
            let failed = catch_unwind(AssertUnwindSafe(call)).expect_err("it is refused");
            let text = failed.downcast_ref::<String>().cloned();
            let text = text.or(failed.downcast_ref::<&str>().map(ToString::to_string)).unwrap();
            text.contains("tape") || text.contains("deriv")
        })
    };
    assert!(refused(&|| {
        let f = |w: &Var<f64>| {
            let w = *w;
            w * lit(par_value_and_gradient(|x, &a: &f64| *x * w * lit(a), &2.0, &data).1)
        };
        gradient(f, &3.0)
    }));
    assert!(refused(&|| {
        let f = |w: &Var<f64>| {
            let w = *w;
            w * lit(par_value_and_jacobian_reverse(|_, _| w, &2.0, &data).0[0])
        };
        gradient(f, &3.0)
    }));
    // In a release build it is not seen, as in any transform.
    if cfg!(debug_assertions) {
        assert!(refused(&|| {
            let f = |w: &Dual<f64, 4>| {
                let w = *w;
                let rows = par_value_and_jacobian(|x, &a: &f64| *x * w * lit(a), &2.0, &data).1;
                w * lit(rows[(0, 0)])
            };
            jacobian(f, &3.0)[0]
        }));
    }
}
