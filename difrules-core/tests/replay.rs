//! Tapes that are replayed, and loops that are recorded piece by piece.

use std::panic::catch_unwind;

use difrules_core::testing::difference;
use difrules_core::{
    Cotangent, Dual, Real, Recording, ReplayError, Slot, Var, checkpointed, gradient, hvp, jvp,
    primitive, value_and_gradient,
};
use nalgebra::{ComplexField, DMatrix, DVector, RealField, Vector3, convert, dmatrix, vector};

/// A primitive that allocates and that may fail.
#[primitive(forward = |_, y, a_dot| -(y * a_dot * y), reverse = inverse_reverse, reads(return), instances(f64))]
fn inverse<T: Real>(a: &DMatrix<T>) -> Result<DMatrix<T>, &'static str> {
    a.clone().try_inverse().ok_or("singular")
}

fn inverse_reverse<T: Real>(
    y: &DMatrix<T>,
    y_bar: Cotangent<'_, DMatrix<T>>,
    a_bar: Slot<'_, DMatrix<T>>,
) {
    a_bar.add(|| -(y.tr_mul(&y_bar) * y.transpose()));
}

/// Doubles a vector in place.
#[primitive(
    forward = |_, _, x_dot| *x_dot *= convert::<f64, T>(2.0),
    reverse = |_, _, mut x_bar| x_bar *= convert::<f64, T>(2.0),
    instances(f64),
    sample = |random| random.vector(2),
)]
fn double<T: Real>(x: &mut DVector<T>) {
    *x *= convert::<f64, T>(2.0);
}

/// All that a program does: every operation, constants on both sides, primitives of numbers and of
/// matrices, in place, with pieces of arguments and constants among them.
fn everything<T: Real>(x: &DVector<T>) -> Result<T, &'static str> {
    let two: T = convert(2.0);
    let (a, b, c) = (x[0], x[1], x[2]);
    let sum = -(a * b + two * c - b / two + two / a) * a;
    let scalars = sum.sin() * a.atan2(b) + c.mul_add(a, b).tanh() + (a - b).powi(3);
    let mut pair = DVector::from_vec(vec![scalars, two, b]);
    double(&mut pair);
    let matrix = DMatrix::from_row_slice(2, 2, &[pair[0], T::one(), pair[2], pair[1] + c]);
    let inverted = inverse(&matrix)?;
    Ok(inverted[(0, 1)] * inverted[(1, 1)] + a.clamp(T::zero(), two) + pair[1])
}

#[test]
fn a_replay_is_a_new_evaluation() {
    let points = [[1.0, 0.5, -0.3], [0.7, 1.5, 0.2], [1.9, -0.4, 2.0], [1.0, 0.5, -0.3]];
    let points = points.map(|point| DVector::from_row_slice(&point));
    let mut recording = Recording::new(everything, &points[0]).unwrap();
    for point in &points {
        let (value, by) = value_and_gradient(everything, point).unwrap();
        let mut found = DVector::zeros(3);
        assert_eq!(recording.value(point).unwrap(), value);
        assert_eq!(recording.value_and_gradient(point, &mut found).unwrap(), value);
        approx::assert_relative_eq!(found, by, max_relative = 1e-12);
    }
    // At second order, on dual numbers.
    let lift = |point: &DVector<f64>| point.map(|x| Dual::<f64>::new(x, [x * x - 1.0]));
    let mut recording = Recording::new(everything, &lift(&points[0])).unwrap();
    let mut found = lift(&points[0]);
    recording.value_and_gradient(&lift(&points[1]), &mut found).unwrap();
    let direction = points[1].map(|x| x * x - 1.0);
    let expected = hvp(everything, &points[1], &direction).unwrap();
    approx::assert_relative_eq!(found.map(|x| x.tangents[0]), expected, max_relative = 1e-10);
}

#[test]
fn a_vector_of_results_is_replayed() {
    let f = |x: &Vector3<Var<f64>>| (x * x[0], Var::constant(7.0));
    let mut recording = Recording::new(f, &vector![1.0, 2.0, 3.0]);
    let mut by = Vector3::zeros();
    let cotangent = (vector![1.0, 0.0, 2.0], 5.0);
    let value = recording.vjp(&vector![2.0, 3.0, 4.0], &cotangent, &mut by).unwrap();
    assert_eq!(value, (vector![4.0, 6.0, 8.0], 7.0));
    assert_eq!(by, vector![12.0, 0.0, 4.0]);
}

#[test]
fn what_may_be_another_branch_is_reported() {
    fn changed(f: impl Fn(&Var<f64>) -> Var<f64>, at: f64, to: f64) -> ReplayError {
        let mut recording = Recording::new(&f, &at);
        assert_eq!(recording.value(&at).unwrap(), gradient_free(&f, at));
        let mut untouched = 77.0;
        let error = recording.value_and_gradient(&to, &mut untouched).unwrap_err();
        assert_eq!(untouched, 77.0);
        // And the recording is as good as before.
        assert_eq!(recording.value(&at).unwrap(), gradient_free(&f, at));
        error
    }
    fn gradient_free(f: impl Fn(&Var<f64>) -> Var<f64>, at: f64) -> f64 {
        f(&Var::constant(at)).value()
    }
    let one = Var::constant(1.0);
    type Function<'a> = &'a dyn Fn(&Var<f64>) -> Var<f64>;
    let comparisons: [Function<'_>; 7] = [
        &|x| if *x > one { *x } else { -*x },
        &|x| if one < *x { *x } else { -*x },
        &|x| if *x == Var::constant(2.0) { *x } else { -*x },
        &|x| if RealField::is_sign_positive(x) { *x } else { -*x },
        &|x| x.to_exp().1 * *x,
        &|x| if (*x).try_sqrt().is_some() { *x } else { -*x },
        &|x| x.argument() + *x,
    ];
    for (i, f) in comparisons.into_iter().enumerate() {
        let error = changed(f, 2.0, -3.0);
        assert!(matches!(error, ReplayError::Comparison { .. }), "{i}: {error}");
    }
    // Primitives choose again when they are evaluated again.
    let primitives: [Function<'_>; 2] =
        [&|x| RealField::clamp(*x, one, Var::constant(10.0)), &|x| {
            RealField::copysign(one, *x) * *x
        }];
    for f in primitives {
        let mut recording = Recording::new(f, &2.0);
        assert_eq!(recording.value(&-3.0).unwrap(), f(&Var::constant(-3.0)).value());
    }
    let reads: [Function<'_>; 3] =
        [&|x| *x * Var::constant(x.value()), &|x| *x * Var::constant(x.to_f64()), &|x| {
            *x * Var::constant(nalgebra::convert_unchecked::<_, f64>(*x))
        }];
    for f in reads {
        let error = changed(f, 2.0, -3.0);
        assert_eq!(error, ReplayError::Read { expected: 2.0, found: -3.0 });
    }
    // What depends on no input is no branch.
    let mut recording =
        Recording::new(|x: &Var<f64>| if one.value() > 0.0 { *x } else { -*x }, &2.0_f64);
    assert_eq!(recording.value(&-3.0), Ok(-3.0));
}

#[test]
fn a_primitive_that_fails_in_a_replay_is_reported() {
    let mut recording = Recording::new(|a| inverse(a).map(|b| b[0]), &dmatrix![2.0]).unwrap();
    let error = recording.value(&dmatrix![0.0]).unwrap_err();
    assert_eq!(error.to_string(), "`all::replay::inverse` failed: \"singular\"");
    let error = recording.value(&dmatrix![1.0, 2.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the point has another shape than where the function was recorded"
    );
    assert_eq!(recording.value(&dmatrix![4.0]), Ok(0.25));
}

#[test]
fn a_failure_that_is_recorded_is_not_taken_for_a_success() {
    // The function goes on without the primitive's value; elsewhere it has one.
    let f = |a: &DMatrix<Var<f64>>| inverse(a).map_or(a[0] * a[0], |b| b[0]);
    let mut recording = Recording::new(f, &dmatrix![0.0]);
    assert_eq!(recording.value(&dmatrix![0.0]), Ok(0.0));
    let error = recording.value(&dmatrix![4.0]).unwrap_err();
    assert_eq!(error, ReplayError::Read { expected: 0.0, found: 4.0 });
    let looped = |x: &Var<f64>| {
        checkpointed(
            3,
            x,
            x,
            |_, x: &Var<f64>, _| if *x > Var::constant(5.0) { Err(()) } else { Ok(*x) },
        )
        .unwrap_or(Var::constant(0.0))
    };
    let mut recording = Recording::new(looped, &6.0);
    assert!(recording.value(&2.0).is_err());
}

#[test]
fn numbers_that_are_read_are_the_same_in_every_part() {
    let lift = |tangent| Dual::new(2.0_f64, [tangent]);
    let f = |x: &Var<Dual<f64>>| *x * Var::constant(x.value());
    let mut recording = Recording::new(f, &lift(1.0));
    assert!(recording.value(&lift(1.0)).is_ok());
    assert!(matches!(recording.value(&lift(5.0)), Err(ReplayError::Read { .. })));
    let f = |x: &Var<f64>| *x + Var::constant(1.0 / x.value());
    assert!(Recording::new(f, &0.0).value(&-0.0).is_err());
    let f = |x: &Var<f64>| if x.value().is_nan() { Var::constant(1.0) } else { *x };
    assert_eq!(Recording::new(f, &f64::NAN).value(&f64::NAN), Ok(1.0));
}

#[test]
fn numbers_of_two_tapes_do_not_compare() {
    for swapped in [false, true] {
        let panic = catch_unwind(|| {
            Recording::new(
                |x: &Var<f64>| {
                    let less = |y: &Var<f64>| {
                        if swapped {
                            x.partial_cmp(y).is_some_and(std::cmp::Ordering::is_gt)
                        } else {
                            *y < *x
                        }
                    };
                    *x * Var::constant(gradient(|y| if less(y) { *y * *y } else { *y }, &1.0))
                },
                &2.0,
            )
        });
        let message = *panic.err().unwrap().downcast::<&str>().unwrap();
        assert!(message.contains("different tapes"), "{message}");
    }
}

/// Cuts a vector short where it starts below zero.
#[primitive(forward = |_, _, _| (), reverse = |_, _, _| (), instances(f64))]
fn cut<T: Real>(x: &mut DVector<T>) {
    if x[0] < T::zero() {
        *x = x.rows(0, 1).clone_owned();
    }
}

#[test]
fn another_shape_of_an_argument_in_place_is_reported() {
    let f = |x: &DVector<Var<f64>>| {
        let mut x = x.clone();
        cut(&mut x);
        x.sum()
    };
    let mut recording = Recording::new(f, &DVector::from_element(3, 1.0));
    let error = recording.value(&DVector::from_element(3, -1.0)).unwrap_err();
    assert!(error.to_string().contains("another shape"), "{error}");
}

#[test]
fn a_recording_leaves_no_tape_open() {
    let panic =
        catch_unwind(|| Recording::new(|_: &Var<f64>| -> Var<f64> { panic!("mine") }, &1.0));
    assert!(panic.is_err());
    let recording = Recording::new(|x: &Var<f64>| *x * *x, &2.0);
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
    drop(recording);
    let failed = Recording::<f64, Var<f64>>::new(|_: &Var<f64>| Err("mine"), &1.0);
    assert_eq!(failed.err(), Some("mine"));
}

/// A pendulum with friction: a state and two parameters.
fn swing<T: Real>(steps: usize, start: &Vector3<T>, by: &(T, T)) -> Vector3<T> {
    checkpointed(steps, start, by, pendulum)
}

fn pendulum<T: Real>(k: usize, x: &Vector3<T>, (friction, length): &(T, T)) -> Vector3<T> {
    let h: T = convert(0.01 / (1.0 + k as f64 * 1e-3));
    let turn = -(x[0].sin() / *length) - *friction * x[1];
    vector![x[0] + h * x[1], x[1] + h * turn, x[2] + h * x[0] * x[0]]
}

fn by_loop<T: Real>(steps: usize, start: &Vector3<T>, by: &(T, T)) -> Vector3<T> {
    (0..steps).fold(*start, |x, k| pendulum(k, &x, by))
}

#[test]
fn a_checkpointed_loop_has_the_derivatives_of_the_loop() {
    let at = (vector![0.5_f64, 0.1, 0.0], (0.2_f64, 1.3));
    for steps in [0, 1, 2, 7, 100, 101] {
        let plain = value_and_gradient(|(x, p)| by_loop(steps, x, p).sum(), &at);
        let pieces = value_and_gradient(|(x, p)| swing(steps, x, p).sum(), &at);
        assert_eq!(pieces.0, plain.0);
        approx::assert_relative_eq!(pieces.1.0, plain.1.0, max_relative = 1e-12);
        approx::assert_relative_eq!(pieces.1.1.1, plain.1.1.1, max_relative = 1e-12);
    }
    let direction = (vector![1.0, -1.0, 0.5], (0.3, 0.2));
    let along = jvp(|(x, p)| swing(50, x, p), &at, &direction).1;
    assert_eq!(along, jvp(|(x, p)| by_loop(50, x, p), &at, &direction).1);
    let curvature = hvp(|(x, p)| swing(50, x, p).sum(), &at, &direction);
    let expected = hvp(|(x, p)| by_loop(50, x, p).sum(), &at, &direction);
    approx::assert_relative_eq!(curvature.0, expected.0, max_relative = 1e-10);
    approx::assert_relative_eq!(curvature.1.1, expected.1.1, max_relative = 1e-10);
    // Against a finite difference, by a parameter alone; the start is constant.
    let start = at.0.map(Var::constant);
    let by = gradient(|p| swing(50, &start, p)[0], &at.1);
    let expected = difference(|t| Some(vec![swing(50, &at.0, &(0.2, 1.3 + t))[0]])).unwrap();
    assert!((by.1 - expected.derivative[0]).abs() < 1e-9);
}

#[test]
fn a_checkpointed_loop_is_replayed() {
    let f = |(x, p): &(Vector3<Var<f64>>, (Var<f64>, Var<f64>))| swing(30, x, p).sum();
    let at = (vector![0.5_f64, 0.1, 0.0], (0.2_f64, 1.3));
    let to = (vector![0.7, -0.1, 0.3], (0.1, 1.1));
    let mut recording = Recording::new(f, &at);
    let mut by = at;
    let value = recording.value_and_gradient(&to, &mut by).unwrap();
    assert_eq!((value, by), value_and_gradient(f, &to));
}

#[test]
fn errors_of_a_step_pass_and_captured_variables_are_refused() {
    let limited =
        |x: &f64| checkpointed(10, x, &1.0, |k, x, _| if *x > 5.0 { Err(k) } else { Ok(*x + 1.0) });
    assert_eq!(limited(&0.0), Err(6));
    let found = value_and_gradient(
        |x: &Var<f64>| {
            checkpointed(
                10,
                x,
                &Var::constant(1.0),
                |k, x: &Var<f64>, _| {
                    if k > 3 { Err("late") } else { Ok(*x) }
                },
            )
        },
        &1.0,
    );
    assert_eq!(found, Err("late"));
    let panic = catch_unwind(|| {
        gradient(
            |x| {
                let y = *x;
                checkpointed(9, x, x, move |_, x: &Var<f64>, _| *x * y)
            },
            &2.0_f64,
        )
    });
    let message = *panic.unwrap_err().downcast::<&str>().unwrap();
    assert!(message.contains("uses a `Var` that it captured"), "{message}");
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn nan_is_read_again_whatever_its_digits() {
    let read = |x: &Var<f64>| if x.value().is_nan() { *x * Var::constant(2.0) } else { *x };
    let mut recording = Recording::new(read, &f64::NAN);
    assert!(recording.value(&-f64::NAN).unwrap().is_nan());
    let error = recording.value(&1.0).unwrap_err();
    assert!(matches!(error, ReplayError::Read { found: 1.0, .. }), "{error}");
}
