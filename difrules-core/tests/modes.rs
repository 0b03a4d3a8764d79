//! The modes themselves: zero, tapes, handles, and nalgebra's algorithms on them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use difrules_core::{
    Differentiable, Dual, Real, Var, gradient, hessian, hvp, jacobian, jacobian_reverse, jvp,
    value_and_gradient, vjp,
};
use nalgebra::{
    ComplexField, DMatrix, DVector, Matrix3, RealField, Vector3, dmatrix, dvector, matrix, vector,
};

fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|m| m.to_string()))
        .unwrap()
}

#[test]
fn zero_is_strong() {
    // The derivative of sqrt is infinite at 0, but nobody uses it.
    fn unused<T: Real>(x: T) -> T {
        let _unused = (x - T::one()).sqrt();
        x
    }
    assert_eq!(gradient(|x| unused(*x), &1.0_f64), 1.0);
    assert_eq!(jvp(|x| unused(*x), &1.0_f64, &1.0).1, 1.0);
    // x^2 and x^2 by a real exponent at 0, to second order.
    fn square<T: Real>(x: &Vector3<T>) -> T {
        x[0].powi(2) + x[1].powf(nalgebra::convert(2.0)) + x[2] * x[2].ln_1p()
    }
    assert_eq!(hessian(square, &Vector3::<f64>::zeros()), Matrix3::identity() * 2.0);
    // A constant zero times something with an infinite derivative.
    assert_eq!(gradient(|x| x.sqrt() * Var::constant(0.0), &0.0_f64), 0.0);
}

#[test]
fn shortcuts_do_not_lose_derivatives() {
    use difrules_core::Scalar;
    use num_traits::{One, Zero};
    // A number answers as its value does; what leaves something out asks whether it varies.
    assert!(Dual::<f64>::constant(0.0).is_zero() && Dual::new(0.0, [1.0]).is_zero());
    assert!(Dual::<f64>::constant(1.0).is_one() && Dual::new(1.0, [1.0]).is_one());
    assert!(Dual::<f64>::constant(0.0).is_constant_zero());
    assert!(!Dual::new(0.0, [1.0]).is_constant_zero());
    assert!(!Dual::new(1.0, [1.0]).is_constant_one());
    assert_eq!(Dual::new(0.0, [1.0]), Dual::new(0.0, [2.0]));
    // Entries that are zero, but vary: products must not skip them.
    let a = DMatrix::<f64>::zeros(3, 3);
    let found = gradient(|a| (a * a.map(|x| x + Var::constant(1.0))).sum(), &a);
    assert_eq!(found, DMatrix::from_element(3, 3, 3.0));
}

#[test]
fn quotients_that_nalgebra_guards_are_right_at_zero() {
    // sinc = 1 - x^2/6, sinhc = 1 + x^2/6 near 0.
    assert_eq!(value_and_gradient(|x| x.sinc(), &0.0_f64), (1.0, 0.0));
    assert_eq!(hessian(|x| x.sinc(), &0.0_f64)[0], -1.0 / 3.0);
    assert_eq!(hessian(|x| x.sinhc(), &0.0_f64)[0], 1.0 / 3.0);
    // cos(x) / x has no derivative there, and no limit.
    let (value, slope) = value_and_gradient(|x| x.cosc(), &0.0_f64);
    assert!(value == 1.0 && slope.is_nan());
}

#[test]
fn derivatives_at_hard_places() {
    let (y, (by_y, by_x)) = value_and_gradient(|(y, x)| y.atan2(*x), &(1e-200_f64, 1e-200));
    assert_eq!(y, std::f64::consts::FRAC_PI_4);
    approx::assert_relative_eq!(by_y, 5e199, max_relative = 1e-14);
    approx::assert_relative_eq!(by_x, -5e199, max_relative = 1e-14);
    assert_eq!(gradient(|(y, x)| y.atan2(*x), &(0.0_f64, 0.0)), (0.0, 0.0));
    assert_eq!(gradient(|x| x.powi(i32::MIN), &1.0_f64), f64::from(i32::MIN));
    assert_eq!(gradient(|x| x.abs() + x.hypot(Var::constant(0.0)), &0.0_f64), 0.0);
}

#[test]
fn constants_are_not_recorded() {
    gradient(
        |x| {
            let constant = Var::constant(3.0) * Var::constant(4.0);
            assert!(constant.is_constant() && !x.is_constant());
            *x * constant
        },
        &2.0_f64,
    );
    // A function that ignores its argument has the gradient zero.
    assert_eq!(value_and_gradient(|_: &Var<f64>| Var::constant(5.0), &2.0_f64), (5.0, 0.0));
}

#[test]
fn a_stale_handle_is_refused() {
    let mut kept = None;
    gradient(
        |x| {
            kept = Some(*x);
            *x
        },
        &1.0,
    );
    let stale = kept.unwrap();
    let panic = catch_unwind(|| stale * stale).unwrap_err();
    assert!(message(panic).contains("not of an open tape"));
    let panic = catch_unwind(|| gradient(|_: &Var<f64>| stale, &1.0_f64)).unwrap_err();
    assert!(message(panic).contains("returned a `Var` of another tape"));
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn a_handle_of_another_thread_is_refused() {
    let found = gradient(
        |x| {
            let x = *x;
            let panic = std::thread::spawn(move || x * x).join().unwrap_err();
            assert!(message(panic).contains("came from another thread"));
            x * x
        },
        &3.0,
    );
    assert_eq!(found, 6.0);
}

#[test]
fn tapes_nest_by_type_and_do_not_mix() {
    // d/dx (x d/dy (x y^2)) at y = x: 2 x^2 y becomes 2 x^3.
    let found = gradient(|x| *x * gradient(|y| Var::constant(*x) * *y * *y, x), &2.0_f64);
    assert_eq!(found, 24.0);
    // The outer handle alone, in the inner function: recorded outside.
    let found = gradient(
        |x| {
            let inner = gradient(|y| *y * *y + Var::constant((*x * *x).value()), &5.0);
            *x * Var::constant(inner)
        },
        &2.0_f64,
    );
    assert_eq!(found, 10.0);
    let panic = catch_unwind(|| {
        gradient(|x: &Var<f64>| Var::constant(gradient(|y| *x * *y, &1.0_f64)), &2.0_f64)
    });
    assert!(message(panic.unwrap_err()).contains("different tapes"));
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn a_panic_leaves_no_tape_open() {
    for _ in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            gradient(
                |x: &Var<f64>| {
                    let _ = hessian(|_| -> Var<Dual<f64, 8>> { panic!("inside") }, &1.0_f64);
                    *x
                },
                &1.0,
            )
        }));
        assert_eq!(message(panic.unwrap_err()), "inside");
    }
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn transforms_take_every_container() {
    let x = (dvector![1.0, 2.0], [3.0, 4.0], vec![vector![5.0]], Some(6.0));
    let found =
        gradient(|(a, b, c, d)| a[0] * a[1] + b[0] * b[1] * c[0][0] + d.unwrap() * d.unwrap(), &x);
    assert_eq!(found, (dvector![2.0, 1.0], [20.0, 15.0], vec![vector![12.0]], Some(12.0)));
    let (y, x_bar) = vjp(
        |x| (x * x, x.transpose()),
        &dmatrix![1.0, 2.0; 3.0, 4.0],
        &(dmatrix![1.0, 0.0; 0.0, 0.0], dmatrix![0.0, 1.0; 0.0, 0.0]),
    );
    assert_eq!(y.1, dmatrix![1.0, 3.0; 2.0, 4.0]);
    assert_eq!(x_bar, dmatrix![2.0, 3.0; 3.0, 0.0]);
    // Forward and reverse Jacobians agree, in chunks and with a remainder.
    let x = DVector::from_fn(11, |i, _| 0.1 * i as f64);
    let forward = jacobian(|x| x.map(|x| x.sin()) * x[0], &x);
    let reverse = jacobian_reverse(|x| x.map(|x| x.sin()) * x[0], &x);
    assert_eq!(forward.shape(), (11, 11));
    approx::assert_relative_eq!(forward, reverse, max_relative = 1e-15);
    assert_eq!(jacobian(|_| [Dual::constant(1.0); 2], &DVector::<f64>::zeros(0)).shape(), (2, 0));
}

#[test]
#[should_panic(expected = "the tangent has the shape 1 x 1, but the point has 2 x 1")]
fn a_tangent_of_the_wrong_shape_is_refused() {
    jvp(|x| x.sum(), &dvector![1.0, 2.0], &dvector![1.0]);
}

#[test]
fn a_shape_that_does_not_fit_is_written_as_numbers() {
    #[derive(Clone, Differentiable)]
    struct Layer<T: Real> {
        weights: DMatrix<T>,
        biases: Vec<DVector<T>>,
        #[constant]
        name: &'static str,
        scale: T,
    }
    let layer = |rows: usize| Layer::<f64> {
        weights: DMatrix::from_element(rows, 2, 1.0),
        biases: vec![dvector![1.0], dvector![1.0, 2.0]],
        name: "first",
        scale: 1.0,
    };
    let refused = |call: &dyn Fn()| {
        let payload = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        payload.downcast::<String>().map(|text| *text).unwrap()
    };
    let text = refused(&|| {
        jvp(|x| x.weights.sum() * x.scale, &layer(3), &layer(4));
    });
    assert_eq!(
        text,
        "the tangent has the shape { weights: 4 x 2, biases: [1 x 1, 2 x 1], scale: a number }, but the \
         point has { weights: 3 x 2, biases: [1 x 1, 2 x 1], scale: a number }"
    );
    let text = refused(&|| {
        let (x, direction) = ((dvector![1.0, 2.0], [1.0]), (dvector![1.0], [1.0]));
        hvp(|(x, y)| x.sum() * y[0], &x, &direction);
    });
    assert_eq!(
        text,
        "the direction has the shape (1 x 1, [a number]), but the point has (2 x 1, [a number])"
    );
    let text = refused(&|| {
        vjp(|x| x.map(|x| x * x), &dvector![1.0, 2.0], &dvector![1.0, 2.0, 3.0]);
    });
    assert_eq!(text, "the cotangent has the shape 3 x 1, but the value has 2 x 1");
}

/// Runs one of nalgebra's own algorithms in both modes and compares with the closed form.
fn compare(
    name: &str,
    point: &Matrix3<f64>,
    reverse: impl FnOnce(&Matrix3<Var<f64>>) -> Var<f64>,
    forward: impl Fn(&Matrix3<Dual<f64, 4>>) -> Dual<f64, 4>,
    expected: &Matrix3<f64>,
) {
    let by_reverse = gradient(reverse, point);
    let by_forward = jacobian(forward, point);
    let by_forward = Matrix3::from_column_slice(by_forward.as_slice());
    for found in [by_reverse, by_forward] {
        let error = (found - expected).norm() / expected.norm();
        assert!(error < 1e-12, "{name}: {found} in place of {expected}");
    }
}

const A: Matrix3<f64> = matrix![4.0, 1.0, 0.5; 1.0, 3.0, -0.7; 0.5, -0.7, 2.0];

#[test]
fn nalgebra_solves_by_lu_on_modes() {
    fn f<T: RealField + Copy>(a: &Matrix3<T>) -> T {
        let b = Vector3::new(T::one(), nalgebra::convert(-2.0), nalgebra::convert(0.5));
        DMatrix::from_column_slice(3, 3, a.as_slice()).lu().solve(&b).unwrap().sum()
    }
    // x = A^-1 b, L = 1^T x: A_bar = -A^-T 1 x^T.
    let x = A.lu().solve(&vector![1.0, -2.0, 0.5]).unwrap();
    let w = A.transpose().lu().solve(&Vector3::repeat(1.0)).unwrap();
    compare("lu", &A, f, f, &(-w * x.transpose()));
}

#[test]
fn nalgebra_factors_by_qr_on_modes() {
    fn f<T: RealField + Copy>(a: &Matrix3<T>) -> T {
        // |det A| is the product of the diagonal of R.
        let r = DMatrix::from_column_slice(3, 3, a.as_slice()).qr().unpack_r();
        (r[(0, 0)] * r[(1, 1)] * r[(2, 2)]).abs()
    }
    compare("qr", &A, f, f, &(A.try_inverse().unwrap().transpose() * A.determinant()));
}

#[test]
fn nalgebra_factors_by_cholesky_on_modes() {
    fn f<T: RealField + Copy>(a: &Matrix3<T>) -> T {
        // nalgebra reads the lower triangle: symmetrise, so that both count.
        let a = (a + a.transpose()) * nalgebra::convert::<f64, T>(0.5);
        DMatrix::from_column_slice(3, 3, a.as_slice()).cholesky().unwrap().ln_determinant()
    }
    compare("cholesky", &A, f, f, &A.try_inverse().unwrap());
}

#[test]
fn nalgebra_finds_eigenvalues_on_modes() {
    fn f<T: RealField + Copy>(a: &Matrix3<T>) -> T {
        let a = (a + a.transpose()) * nalgebra::convert::<f64, T>(0.5);
        let values = DMatrix::from_column_slice(3, 3, a.as_slice()).symmetric_eigen().eigenvalues;
        values.iter().fold(T::zero(), |sum, w| sum + w.exp())
    }
    // tr exp(A) has the gradient exp(A).
    let eigen = A.symmetric_eigen();
    let expected = eigen.eigenvectors
        * Matrix3::from_diagonal(&eigen.eigenvalues.map(f64::exp))
        * eigen.eigenvectors.transpose();
    compare("symmetric_eigen", &A, f, f, &expected);
    // Nested: the Hessian of the determinant by nalgebra's LU.
    fn determinant<T: Real>(a: &Matrix3<T>) -> T {
        DMatrix::from_column_slice(3, 3, a.as_slice()).lu().determinant()
    }
    let second = hessian(determinant, &A);
    // d2 det / dA_00 dA_11 = A_22, d2 det / dA_00 dA_12 = -A_21.
    approx::assert_relative_eq!(second[(0, 4)], A[(2, 2)], max_relative = 1e-12);
    approx::assert_relative_eq!(second[(0, 7)], -A[(2, 1)], max_relative = 1e-12);
}

#[test]
fn a_jacobian_picks_its_mode_by_shape() {
    use difrules_core::{jacobian, jacobian_reverse};
    use std::cell::Cell;

    /// Whether `T` records.
    fn records<T: Real>(counts: &Cell<[usize; 2]>) {
        let mut found = counts.get();
        found[usize::from(std::any::type_name::<T>().contains("Var"))] += 1;
        counts.set(found);
    }
    fn product<T: Real>(x: &DVector<T>, rows: usize, counts: &Cell<[usize; 2]>) -> DVector<T> {
        records::<T>(counts);
        DVector::from_fn(rows, |i, _| x.sum() * x[i] + x[0])
    }
    for (rows, columns, expected) in [(1, 100, [0, 1]), (100, 100, [25, 1]), (9, 3, [1, 0])] {
        let counts = Cell::new([0; 2]);
        let x = DVector::from_fn(columns, |i, _| 1.0 + i as f64);
        let found = jacobian!(|x| product(x, rows.min(columns), &counts), &x);
        assert_eq!(counts.get(), expected, "{rows} {columns}");
        assert_eq!(found, jacobian(|x| product(x, rows.min(columns), &counts), &x));
        assert_eq!(found, jacobian_reverse(|x| product(x, rows.min(columns), &counts), &x));
    }
    let failed = jacobian!(
        |x| if x.len() > 3 { Err("long") } else { Ok(x.clone()) },
        &DVector::from_element(8, 1.0_f64)
    );
    assert_eq!(failed, Err("long"));
}

#[test]
fn points_of_bare_literals_have_methods() {
    assert_eq!(gradient(|x| x.sin(), &0.5), 0.5_f64.cos());
    assert_eq!(gradient(|x| (*x * *x).exp(), &0.0), 0.0);
    assert_eq!(gradient(|(x, y)| x.exp() * y.powi(2), &(0.0, 3.0)), (9.0, 6.0));
    assert_eq!(gradient(|x| x[0].sin() * x[1], &[0.0, 3.0]), [3.0, 0.0]);
    assert_eq!(gradient(|x| x[0].sin() * x[1], &vector![0.0, 3.0]), vector![3.0, 0.0]);
    assert_eq!(gradient(|x| x.norm_squared(), &dvector![1.0, 2.0]), dvector![2.0, 4.0]);
    assert_eq!(jvp(|x| x.sin(), &0.0, &1.0), (0.0, 1.0));
    assert_eq!(hessian(|x| x.exp(), &0.0)[0], 1.0);
    // The result says of which type they are.
    let single: f32 = gradient(|x| x.sin(), &0.0);
    assert_eq!(single, 1.0);
    let integer = gradient(|x| x.powi(3), &2.0);
    assert_eq!(integer, 12.0);
}

#[test]
fn generic_code_has_literals_sums_and_outcomes() {
    use difrules_core::{checkpointed, hvp, lift, lit};

    /// The mean of the squares, if there are any numbers.
    fn mean<T: Real>(x: &DVector<T>) -> Option<T> {
        let sum: T = x.iter().map(|x| *x * *x).sum();
        let count: T = x.iter().map(|_| T::one()).sum();
        (!x.is_empty()).then(|| sum / count)
    }
    fn product<T: Real>(x: &DVector<T>) -> T {
        x.iter().product::<T>() * x.iter().copied().product::<T>() * lit(0.5)
    }
    let x = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    assert_eq!(gradient(mean, &x), Some(&x * (2.0 / 3.0)));
    assert_eq!(gradient(mean, &DVector::<f64>::zeros(0)), None);
    assert_eq!(hvp(mean, &x, &x), Some(&x * (2.0 / 3.0)));
    assert_eq!(gradient(product, &x), DVector::from_vec(vec![36.0, 18.0, 12.0]));
    assert_eq!(x.iter().sum::<f64>(), 6.0);
    // A sum of zeros has their sign, as one of plain numbers has.
    fn sums<T: Real>(x: &[T]) -> [T; 3] {
        [x.iter().sum(), x.iter().copied().sum(), x[..0].iter().sum()]
    }
    let plain = sums(&[-0.0; 2]).map(f64::to_bits);
    assert_eq!(sums(&[Dual::<f64>::new(-0.0, [1.0]); 2]).map(|x| x.value.to_bits()), plain);
    assert_eq!(sums(&[Var::constant(-0.0); 2]).map(|x: Var<f64>| x.value().to_bits()), plain);

    // A loop without parameters, which stops where there is no logarithm.
    fn logarithms<T: Real>(x: T) -> Option<T> {
        checkpointed(2, &x, &(), |_, x, ()| (*x > T::zero()).then(|| x.ln()))
    }
    assert_eq!(logarithms(0.5), None);
    assert_eq!(gradient(|x| logarithms(*x), &0.5_f64), None);
    let slope = gradient(|x| logarithms(*x), &3.0_f64).unwrap();
    assert!((slope - 1.0 / (3.0 * 3.0_f64.ln())).abs() < 1e-15);

    // An inner transform that is given what the outer one differentiates by.
    fn inner<T: Real>(a: &DVector<T>) -> T {
        gradient(|x| lift::<_, Var<T>>(a).iter().map(|a| *a * *x * *x).sum::<Var<T>>(), &lit(3.0))
    }
    assert_eq!(inner(&x), 36.0);
    assert_eq!(gradient(inner, &x), DVector::repeat(3, 6.0));
    assert_eq!(jvp(inner, &x, &x), (36.0, 36.0));
}
