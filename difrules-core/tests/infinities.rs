//! Where a zero meets an infinity: the same in forward and reverse mode, in all nestings.

use difrules_core::math::{
    self, abs2, cbrt, clamp, exp, ln, max, min, powf, powi, relu, select, sqrt,
};
use difrules_core::{
    Dual, Real, Recording, Var, checkpointed, gradient, hessian, hvp, jvp, primitive,
};
use nalgebra::Vector2;

use crate::reference::near;

/// The same number, or NaN both.
fn same(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan()
}

/// A function of one number at any scalar.
trait Function {
    fn at<T: Real>(x: T) -> T;
}

/// The derivative at a point, the same by every way to it.
fn slope<F: Function>(x: f64) -> f64 {
    let forward = jvp(|x| F::at(*x), &x, &1.0).1;
    let reverse = gradient(|x| F::at(*x), &x);
    assert!(same(forward, reverse), "{forward} forward, {reverse} in reverse");
    let mut recording = Recording::new(|x: &Var<f64>| F::at(*x), &x);
    let mut replayed = 0.0;
    recording.value_and_gradient(&x, &mut replayed).unwrap();
    assert!(same(forward, replayed), "{forward} forward, {replayed} replayed");
    let scaled = jvp(|x| F::at(*x), &x, &2.0).1;
    assert!(same(2.0 * forward, scaled), "{forward} along 1, {scaled} along 2");
    assert_eq!(jvp(|x| F::at(*x), &x, &0.0).1.to_bits(), 0, "along 0");
    forward
}

/// The second derivative at a point, by each of the four nestings and the transforms.
fn curvature<F: Function>(x: f64) -> [f64; 6] {
    [
        jvp(|x| jvp(|x| F::at(*x), x, &Dual::constant(1.0)).1, &x, &1.0).1,
        jvp(|x: &Dual<f64>| gradient(|x| F::at(*x), x), &x, &1.0).1,
        gradient(|x| jvp(|x| F::at(*x), x, &Var::constant(1.0)).1, &x),
        gradient(|x: &Var<f64>| gradient(|x| F::at(*x), x), &x),
        hvp(|x| F::at(*x), &x, &1.0),
        hessian(|x| F::at(*x), &x)[0],
    ]
}

macro_rules! functions {
    ($($name:ident($x:ident) = $body:expr;)*) => {$(
        #[allow(non_camel_case_types)]
        struct $name;
        impl Function for $name {
            #[allow(clippy::eq_op)]
            fn at<T: Real>($x: T) -> T {
                $body
            }
        }
    )*};
}

fn number<T: Real>(x: f64) -> T {
    nalgebra::convert(x)
}

/// The first number of the state after a loop of which every other step is recorded again.
fn in_loop<T: Real>(
    steps: usize,
    start: [T; 2],
    step: impl Fn(usize, [T; 2]) -> [T; 2] + 'static,
) -> T {
    checkpointed(steps, &start, &(), move |k, state: &[T; 2], ()| step(k, *state))[0]
}

functions! {
    root_by_root(x) = { let r = sqrt(x); r * r };
    root_squared(x) = powi(sqrt(x), 2);
    root_abs2(x) = abs2(sqrt(x));
    three_cube_roots(x) = { let r = cbrt(x); r * r * r };
    two_roots(x) = powf(x, number(0.5)) * powf(x, number(0.5));
    exp_of_ln(x) = exp(ln(x));
    root_over_inverse(x) = { let r = sqrt(x); r / r.recip() };
    length(x) = sqrt(x * x + x * x * number(4.0));
    root_of_nothing(x) = sqrt(x - x);

    root_of_relu(x) = sqrt(relu(x));
    root_of_max(x) = sqrt(max(x, T::zero()));
    root_of_min(x) = sqrt(-min(x, T::zero()));
    root_of_clamp(x) = sqrt(clamp(x, T::zero(), T::one()));
    ln_of_clamp(x) = ln(clamp(x, T::zero(), T::one()));
    root_of_select(x) = sqrt(select(false, x, T::zero()));
    root_of_floor(x) = sqrt(x.floor());
    max_of_root(x) = max(sqrt(x), T::one());
    min_of_root(x) = min(T::one() + sqrt(x), T::one() - sqrt(sqrt(x)) + x + T::one() + T::one());
    select_of_root(x) = select(true, x, sqrt(x));
    relu_of_root(x) = relu(sqrt(x) - T::one()) + x;
    clamp_of_root(x) = clamp(sqrt(x), T::one(), number(2.0)) + x;

    twice(x) = x + x;
    masked(x) = sqrt(x) * T::zero() + x;
    masked_before(x) = T::zero() * sqrt(x) + x;
    nothing_over(x) = T::zero() / (sqrt(x) + T::one()) + x;
    times_root(x) = x * sqrt(x);
    root_times(x) = sqrt(x) * x;
    times_two_roots(x) = x * (sqrt(x) + cbrt(x));
    over_root(x) = x / (T::one() + sqrt(x));
    times_ln(x) = x * ln(x);
    times_constant_nan(x) = x * sqrt(-T::one() + x * T::zero());

    cube_root_by_square(x) = cbrt(x) * x * x;
    jump_by_root(x) = math::floor(x) * sqrt(x);
    relu_by_root(x) = sqrt(x) * relu(x);
    over_pole(x) = x / (T::one() + x.recip());
    nothing_by_root(x) = x + sqrt(x) * T::zero();
    root_twice_shifted(x) = (x - T::one()) * (sqrt(x - T::one()) + number(3.0)) * (x - T::one());

    inverse_of_inverse(x) = T::one() / (T::one() / x);
    small_over_inverse(x) = number::<T>(1e-200) / (T::one() / x);
    root_of_difference(x) = sqrt(x + x - x);
    ln_of_difference(x) = ln(x * number(3.0) - x - x);
    difference_of_roots(x) = sqrt(x) - sqrt(x * number(0.5));
    roots_of_differences(x) = sqrt(x * number(2.0) - x) + ln(T::one() + sqrt(x * number(3.0) - x));
    roots_of_both_signs(x) = sqrt(x + x - x) - cbrt(x);
    root_of_norm(x) = {
        let v = nalgebra::Vector3::new(x + x - x, x - x - x, x);
        sqrt(v.x) + cbrt(v.y) * number(-2.0)
    };
    inverse_far(x) = T::one() / (x * number(1e200));
    inverse_far_by_name(x) = math::recip(x * number(1e200));
    inverse_far_as_power(x) = (x * number(1e200)).powi(-1);
    inverse_farther(x) = (x * number(1e120) * number(1e120)).recip() * number(1e50);
    quotient_far(x) = (x + number(1e-60)) / (x * x * number(1e190));
    large_over(x) = number::<T>(1e300) / x;
    over_length(x) = x / sqrt(x * x + T::one());
    over_square_and_one(x) = x / (x * x + T::one());
    small_over(x) = -number::<T>(1e-300) / x;
    over_moved_little(x) = number::<T>(1e-260) / (number::<T>(1e-160) + (x - T::one()) * number(1e-260));
    cube_root(x) = cbrt(x);
    of_asin(x) = math::asin(x);
    of_acos(x) = math::acos(x);
    of_atanh(x) = math::atanh(x);
    of_acosh(x) = math::acosh(x);
    of_asec(x) = math::asec(x);
    of_acsc(x) = math::acsc(x);
    of_asind(x) = math::asind(x);
    of_acosd(x) = math::acosd(x);
    of_asecd(x) = math::asecd(x);
    of_asech(x) = math::asech(x);
    of_logit(x) = math::logit(x);
    of_log_base(x) = math::log_base(x, number(3.0));
    of_atan(x) = math::atan(x);
    of_acot(x) = math::acot(x);
    of_exprel(x) = math::exprel(x);

    loop_of_root_and_square(x) = in_loop(4, [x, x], |k, [r, _]| if k < 3 { [sqrt(r), r] } else { [r * r, r] });
    loop_of_ln_and_exp(x) = in_loop(2, [x, x], |k, [r, y]| if k == 0 { [ln(r), y] } else { [exp(r), y] });
    square_of_loop(x) = { let r = in_loop(3, [x, x], |k, [r, y]| if k == 0 { [sqrt(r), y] } else { [r, y] }); r * r };
    loop_of_square(x) = in_loop(3, [sqrt(x), x], |_, [r, y]| [r * r, y]);
    loop_of_length(x) = sqrt(in_loop(2, [x, x], |_, [r, y]| [r * r + y * y, y]));
    loop_of_relu(x) = in_loop(4, [x, x], |k, [r, y]| if k == 0 { [sqrt(r), y] } else { [relu(r - y - T::one()), y] }) + x;
    loop_without_root(x) = in_loop(4, [x, x], |k, [r, y]| if k == 0 { [r, sqrt(y)] } else { [r, y * y] });
    root_that_a_loop_leaves(x) = in_loop(4, [x, sqrt(x)], |_, [r, y]| [r, y * y]);
    loop_of_root(x) = x * in_loop(4, [x, x], |k, [r, y]| if k == 0 { [sqrt(r), y] } else { [r + y, y] });
    loop_of_product_with_root(x) = in_loop(4, [x, x], |k, [r, y]| if k == 0 { [sqrt(r), y] } else { [r * y, y] });
    loop_of_no_result(x) = in_loop(4, [sqrt(x), x], |_, [r, y]| [r * y, y]) * T::zero() + x;

    power(x) = x * (T::one() - powf(x, number(1.1)));
    power_of_three_halves(x) = x * powf(x, number(1.5)) + x;
    factor_power(x) = (x - x * powf(x, number(1.25))) * number(3.0);
}

#[test]
fn an_infinite_derivative_is_not_lost_behind_a_value_that_is_zero() {
    assert!(slope::<root_by_root>(0.0).is_nan());
    assert!(slope::<root_squared>(0.0).is_nan());
    assert!(slope::<root_abs2>(0.0).is_nan());
    assert!(slope::<three_cube_roots>(0.0).is_nan());
    assert!(slope::<two_roots>(0.0).is_nan());
    assert!(slope::<exp_of_ln>(0.0).is_nan());
    assert!(slope::<root_over_inverse>(0.0).is_nan());
    assert!(slope::<length>(0.0).is_nan());
    assert!(slope::<root_of_nothing>(0.0).is_nan());
    assert!(slope::<times_ln>(0.0).is_nan());
    assert!(slope::<times_constant_nan>(0.0).is_nan());
    // Beside it all are ordinary.
    assert!((slope::<root_by_root>(0.25) - 1.0).abs() < 1e-15);
    assert!((slope::<exp_of_ln>(0.25) - 1.0).abs() < 1e-15);
}

#[test]
fn what_a_branch_leaves_out_contributes_nothing() {
    assert_eq!(slope::<root_of_relu>(-1.0), 0.0);
    assert_eq!(slope::<root_of_max>(-1.0), 0.0);
    assert_eq!(slope::<root_of_min>(1.0), 0.0);
    assert_eq!(slope::<root_of_clamp>(-1.0), 0.0);
    assert_eq!(slope::<ln_of_clamp>(-1.0), 0.0);
    assert_eq!(slope::<root_of_select>(-1.0), 0.0);
    assert_eq!(slope::<root_of_floor>(0.5), 0.0);
    assert_eq!(slope::<max_of_root>(0.0), 0.0);
    assert_eq!(slope::<min_of_root>(0.0), f64::INFINITY);
    assert_eq!(slope::<select_of_root>(0.0), 1.0);
    assert_eq!(slope::<relu_of_root>(0.0), 1.0);
    assert_eq!(slope::<clamp_of_root>(0.0), 1.0);
    for found in curvature::<root_of_relu>(-1.0).into_iter().chain(curvature::<max_of_root>(0.0)) {
        assert_eq!(found, 0.0);
    }
    for found in curvature::<select_of_root>(0.0).into_iter().chain(curvature::<relu_of_root>(0.0))
    {
        assert_eq!(found, 0.0);
    }
}

#[test]
fn a_factor_that_is_zero_makes_the_other_need_no_derivative() {
    // (u v)' = u' v where u is zero and has a derivative, and v is continuous.
    assert_eq!(slope::<masked>(0.0), 1.0);
    assert_eq!(slope::<masked_before>(0.0), 1.0);
    assert_eq!(slope::<nothing_over>(0.0), 1.0);
    assert_eq!(slope::<times_root>(0.0), 0.0);
    assert_eq!(slope::<root_times>(0.0), 0.0);
    assert_eq!(slope::<times_two_roots>(0.0), 0.0);
    assert_eq!(slope::<over_root>(0.0), 1.0);
    for (i, found) in curvature::<power>(0.0).into_iter().enumerate() {
        assert_eq!(found, 0.0, "{i}");
    }
    for (i, found) in curvature::<power_of_three_halves>(0.0).into_iter().enumerate() {
        assert_eq!(found, 0.0, "{i}");
    }
    for (i, found) in curvature::<factor_power>(0.0).into_iter().enumerate() {
        assert_eq!(found, 0.0, "{i}");
    }
    assert_eq!(slope::<power>(0.0), 1.0);
}

/// A loop of which segments have tapes of their own is as one that is on one tape.
#[test]
fn zeros_and_infinities_meet_between_the_segments_of_a_loop() {
    assert!(slope::<loop_of_root_and_square>(0.0).is_nan());
    assert!(slope::<loop_of_ln_and_exp>(0.0).is_nan());
    assert!(slope::<square_of_loop>(0.0).is_nan());
    assert!(slope::<loop_of_square>(0.0).is_nan());
    assert!(slope::<loop_of_length>(0.0).is_nan());
    assert_eq!(slope::<loop_of_relu>(0.0), 1.0);
    assert_eq!(slope::<loop_without_root>(0.0), 1.0);
    assert_eq!(slope::<root_that_a_loop_leaves>(0.0), 1.0);
    assert_eq!(slope::<loop_of_root>(0.0), 0.0);
    assert_eq!(slope::<loop_of_product_with_root>(0.0), 0.0);
    assert_eq!(slope::<loop_of_no_result>(0.0), 1.0);
    // Beside it all are ordinary.
    assert!((slope::<loop_of_ln_and_exp>(0.25) - 1.0).abs() < 1e-15);
    assert!((slope::<square_of_loop>(0.25) - 1.0).abs() < 1e-15);
}

/// As many factors that are zero as there are derivatives, or one that does not move.
#[test]
fn zeros_of_second_order_make_second_derivatives() {
    fn check<F: Function>(x: f64, first: f64, second: f64) {
        assert_eq!(slope::<F>(x), first);
        for (i, found) in curvature::<F>(x).into_iter().enumerate() {
            assert_eq!(found, second, "{i}");
        }
    }
    check::<cube_root_by_square>(0.0, 0.0, 0.0);
    check::<jump_by_root>(0.0, 0.0, 0.0);
    check::<relu_by_root>(0.0, 0.0, 0.0);
    check::<nothing_by_root>(0.0, 1.0, 0.0);
    check::<root_twice_shifted>(1.0, 0.0, 6.0);
    // A quotient of zero by infinity is zero times zero.
    assert_eq!(slope::<over_pole>(0.0), 0.0);
    assert!(slope::<inverse_of_inverse>(0.0).is_nan());
}

/// Where the derivative of a function is infinite, so is that of it, in each nesting.
#[test]
fn second_derivatives_are_the_same_in_each_nesting() {
    const INFINITY: f64 = f64::INFINITY;
    fn check<F: Function>(name: &str, x: f64, wanted: f64) {
        for (i, found) in curvature::<F>(x).into_iter().enumerate() {
            assert!(near(found, wanted, 1e-12), "{name} at {x}, {i}: {found}, not {wanted}");
        }
    }
    macro_rules! check {
        ($($name:ident at $x:expr => $wanted:expr,)*) => {
            $(check::<$name>(stringify!($name), $x, $wanted);)*
        };
    }
    check!(
        of_asin at 1.0 => INFINITY,
        of_asin at -1.0 => -INFINITY,
        of_asin at 0.5 => 0.769_800_358_919_501,
        of_asin at 1e-20 => 1e-20,
        of_acos at 1.0 => -INFINITY,
        of_acos at -1.0 => INFINITY,
        of_atanh at 1.0 => INFINITY,
        of_atanh at -1.0 => -INFINITY,
        of_atanh at 1e-20 => 2e-20,
        of_acosh at 1.0 => -INFINITY,
        of_acosh at 1.5 => -1.073_312_629_199_899,
        of_acosh at 1e120 => -1e-240,
        of_acosh at INFINITY => 0.0,
        cube_root at INFINITY => 0.0,
        cube_root at -INFINITY => 0.0,
        of_asec at 1.0 => -INFINITY,
        of_asec at -1.0 => INFINITY,
        of_asec at INFINITY => 0.0,
        of_asec at 1e100 => -2e-300,
        of_acsc at 1.0 => INFINITY,
        of_acsc at -INFINITY => 0.0,
        of_asind at 1.0 => INFINITY,
        of_acosd at -1.0 => INFINITY,
        of_asecd at 1.0 => -INFINITY,
        of_asecd at 1e200 => 0.0,
        of_asech at 0.0 => INFINITY,
        of_asech at 1.0 => -INFINITY,
        of_asech at 1e-200 => INFINITY,
        of_log_base at 1e-200 => INFINITY,
        of_logit at 0.0 => -INFINITY,
        of_logit at 1.0 => INFINITY,
        of_logit at 1e-160 => -INFINITY,
        of_atan at INFINITY => 0.0,
        of_atan at 1e100 => -2e-300,
        of_acot at -INFINITY => 0.0,
        of_exprel at 1e300 => INFINITY,
    );
}

/// An infinite derivative may come back on several ways with both signs: then it is the sum of the ways times the infinite
/// derivative, as in forward mode, where the ways meet before it. Several infinite derivatives of both signs have no sum.
#[test]
fn ways_from_an_infinite_derivative_are_added_first() {
    const INFINITY: f64 = f64::INFINITY;
    assert_eq!(slope::<root_of_difference>(0.0), INFINITY);
    assert_eq!(slope::<ln_of_difference>(0.0), INFINITY);
    assert_eq!(slope::<roots_of_differences>(0.0), INFINITY);
    assert_eq!(slope::<root_of_norm>(0.0), INFINITY);
    assert!(curvature::<root_of_difference>(0.0).iter().all(|found| !found.is_finite()));
    assert!(slope::<difference_of_roots>(0.0).is_nan());
    assert!(slope::<roots_of_both_signs>(0.0).is_nan());
    assert!(slope::<root_of_nothing>(0.0).is_nan());
    assert!(curvature::<difference_of_roots>(0.0).iter().all(|found| !found.is_finite()));
    // Each number has its own.
    let f = |x: &[Var<f64>; 3]| sqrt(x[0] + x[0] - x[0]) - sqrt(x[1] + x[1] - x[1] - x[1] * x[2]);
    let found = gradient(f, &[0.0, 0.0, 2.0]);
    assert!(found[..2] == [INFINITY, INFINITY] && found[2].is_nan());
    // More than are kept apart.
    let many =
        |x: &Var<f64>| (0..40).fold(number(0.0), |sum: Var<f64>, _| sum + sqrt(*x + *x - *x));
    assert!(!gradient(many, &0.0).is_finite());
}

/// An adjoint may underflow between the factors of the slope of a quotient, where what comes then makes up for it.
#[test]
fn adjoints_that_underflow_in_a_quotient() {
    fn check<F: Function>(x: f64, first: f64, second: f64) {
        let near = |found: f64, wanted: f64| {
            assert!(near(found, wanted, 1e-13), "{found:e}, not {wanted:e}");
        };
        near(jvp(|x| F::at(*x), &x, &1.0).1, first);
        near(gradient(|x| F::at(*x), &x), first);
        let mut recording = Recording::new(|x: &Var<f64>| F::at(*x), &2.0);
        let mut replayed = 0.0;
        recording.value_and_gradient(&x, &mut replayed).unwrap();
        near(replayed, first);
        curvature::<F>(x).into_iter().for_each(|found| near(found, second));
        let replayed = |x: &Dual<f64>| {
            let mut recording = Recording::new(|x: &Var<_>| F::at(*x), &Dual::constant(2.0));
            let mut gradient = Dual::constant(0.0);
            recording.value_and_gradient(x, &mut gradient).unwrap();
            gradient
        };
        near(jvp(replayed, &x, &1.0).1, second);
    }
    check::<inverse_far>(1.0, -1e-200, 2e-200);
    check::<inverse_far>(1e10, -1e-220, 2e-230);
    check::<inverse_far>(1e-100, -1.0, 2e100);
    check::<inverse_far_by_name>(1.0, -1e-200, 2e-200);
    check::<inverse_far_by_name>(-1e-100, -1.0, -2e100);
    check::<inverse_far_as_power>(1.0, -1e-200, 2e-200);
    check::<inverse_farther>(1.0, -1e-190, 2e-190);
    check::<inverse_farther>(-8.0, -1e-190 / 64.0, -1e-190 / 256.0);
    check::<quotient_far>(1.0, -1e-190, 2e-190);
    // The slope of the quotient is small, and the square of what comes before underflows.
    for x in [1e-100, -1e-190, 1e-200] {
        check::<over_length>(x, 1.0, -3.0 * x);
        check::<over_square_and_one>(x, 1.0, -6.0 * x);
    }
    // The square of the inverse has few digits, or is infinite.
    check::<large_over>(1e160, -1e-20, 2e-180);
    check::<large_over>(-1e156, -1e-12, -2e-168);
    check::<small_over>(1e-160, 1e20, -2e180);
    // The quotient times what the divisor moves underflows, and the divisor makes up for it.
    check::<over_moved_little>(1.0, -1e-200, 2e-300);
    // An adjoint of -1e600, in two steps.
    for x in [1e200, 1e300, -1e307] {
        let found: f64 = gradient(|x| inverse_of_inverse::at(*x), &x);
        assert!((found - 1.0).abs() < 1e-13, "{found}");
        let mut recording = Recording::new(|x: &Var<f64>| inverse_of_inverse::at(*x), &2.0);
        let mut replayed = 0.0;
        recording.value_and_gradient(&x, &mut replayed).unwrap();
        assert!((replayed - 1.0_f64).abs() < 1e-13, "{replayed}");
    }
    // By a primitive, whose rule is called on a tape that is replayed.
    let logarithm = |x: &[Var<f64>; 2]| math::ln_1p(x[0] * x[1]) / x[0];
    let mut recording = Recording::new(logarithm, &[1.0, 2.0]);
    for (x, y) in [(1e200, 1.0), (1e250, 1e-200), (1e300, 2.0)] {
        let mut replayed = [0.0; 2];
        recording.value_and_gradient(&[x, y], &mut replayed).unwrap();
        for found in [gradient(logarithm, &[x, y])[1], replayed[1]] {
            let wanted = 1.0 / (1.0 + x * y);
            assert!(near(found, wanted, 1e-13), "{x} {y}: {found:e}");
        }
    }
    /// The real part of 1 / z.
    fn inverse<T: Real>(x: &[T; 2]) -> T {
        (nalgebra::Complex::new(T::one(), T::zero()) / nalgebra::Complex::new(x[0], x[1])).re
    }
    for size in [1e110_f64, 1e150, -1e130] {
        let found = gradient(inverse, &[size, 2.0 * size]);
        for (found, wanted) in found.into_iter().zip([0.12, -0.16]) {
            let wanted = wanted / size / size;
            assert!((found / wanted - 1.0).abs() < 1e-13, "{found:e}, not {wanted:e}");
        }
    }
    let found = gradient(inverse, &[1e17_f32, 2e17]);
    assert!((found[0] / 1.2e-35 - 1.0).abs() < 1e-5 && (found[1] / -1.6e-35 - 1.0).abs() < 1e-5);
    /// 1 / (1e25 x).
    fn far<T: Real>(x: T) -> T {
        T::one() / (x * number(1e25))
    }
    for (x, first, second) in [(1.0_f32, -1e-25, 2e-25), (1e-10, -1e-5, 2e5), (1e3, -1e-31, 2e-34)]
    {
        let inner = |x: &Var<f32>| gradient(|x| far(*x), x);
        for (found, wanted) in [
            (jvp(|x| far(*x), &x, &1.0).1, first),
            (gradient(|x| far(*x), &x), first),
            (jvp(|x| jvp(|x| far(*x), x, &Dual::constant(1.0)).1, &x, &1.0).1, second),
            (hvp(|x| far(*x), &x, &1.0), second),
            (gradient(|x| jvp(|x| far(*x), x, &Var::constant(1.0)).1, &x), second),
            (gradient(inner, &x), second),
        ] {
            assert!((found / wanted - 1.0).abs() < 1e-5, "{found:e}, not {wanted:e}");
        }
    }
    // What has nothing to do with it stays.
    let f = |x: &[Var<f64>; 2]| {
        number::<Var<f64>>(1.0) / (x[0] * number(1e200)) + x[1] * x[1] * number(1e-200)
    };
    let found = gradient(f, &[1.0, 3.0]);
    assert!((found[0] / -1e-200 - 1.0).abs() < 1e-15 && found[1] == 6e-200);
}

/// The second derivatives of c / z are those of 2 c / z^3, however large or small z is, and where a part of the quotient
/// is a zero that varies.
#[test]
fn second_derivatives_of_far_complex_quotients() {
    use nalgebra::Complex;

    fn quotient<T: Real>(c: Complex<f64>, x: &[T; 2]) -> [T; 2] {
        let c = Complex::new(number::<T>(c.re), number(c.im));
        let y = c / Complex::new(x[0], x[1]);
        [y.re, y.im]
    }
    macro_rules! check {
        ($real:ty, $tolerance:expr, $sizes:expr) => {
            for size in $sizes {
                for (c, y) in [(0.0, 1.0), (0.0, 0.3), (1.0, 1.0), (1.0, 0.3)] {
                    let (c, z) = (Complex::new(1.0, c), Complex::new(1.0, y));
                    let second = c * 2.0 / (z * z * z);
                    let x = [size * z.re as $real, size * z.im as $real];
                    for by in 0..2 {
                        let along = [0, 1].map(|i: usize| <$real>::from(u8::from(i == by)));
                        for part in 0..2 {
                            let product = hvp(|x| quotient(c, x)[part], &x, &along);
                            for (i, product) in product.into_iter().enumerate() {
                                // By the imaginary part it is i times that by the real one.
                                let wanted = second * Complex::i().powu((i + by) as u32);
                                let wanted = if part == 0 { wanted.re } else { wanted.im };
                                let nested = [0, 1].map(|k: usize| {
                                    let inside = Dual::new(x[k], [along[k]]);
                                    let other = <$real>::from(u8::from(k == i));
                                    Dual::new(inside, [Dual::constant(other)])
                                });
                                let nested = quotient(c, &nested)[part].tangents[0].tangents[0];
                                for found in [product, nested] {
                                    let found = f64::from(found * size * size * size);
                                    assert!(
                                        (found - wanted).abs() <= $tolerance * second.norm(),
                                        "{found:e} at {z} times {size:e}"
                                    );
                                }
                            }
                        }
                    }
                }
            }
        };
    }
    check!(f64, 1e-13, [1e-100, 1e-80, 1e-40, 1.0, 1e60, 1e77, 1e80, 1e90, 1e100]);
    check!(f32, 2e-6, [1e-12, 1e-10, 1e-6, 1.0, 1e6, 1e9, 1e10, 1e12]);
}

/// The derivative of a quotient by its divisor underflows where the dividend is not zero: that is no zero that makes an infinity
/// vanish. Its factors in reverse do not.
#[test]
fn what_underflows_is_no_strong_zero() {
    fn check<F: Function>(x: f64, wanted: f64) {
        assert!(jvp(|x| F::at(*x), &x, &1.0).1.is_nan());
        let found = gradient(|x| F::at(*x), &x);
        assert!((found / wanted - 1.0).abs() < 1e-14, "{found}");
    }
    check::<inverse_of_inverse>(1e-300, 1.0);
    assert!(slope::<small_over_inverse>(1e-160).is_nan());
    assert_eq!(slope::<inverse_of_inverse>(0.5), 1.0);
}

/// Zero or not, infinite or not: a partial derivative, and what comes before it and after it.
#[test]
fn every_cell() {
    const INFINITY: f64 = f64::INFINITY;
    // x goes through a line of slope `first` and one of slope `second`.
    for (first, second, expected) in [
        (1.0, 2.0, 2.0),
        (0.0, 2.0, 0.0),
        (2.0, 0.0, 0.0),
        (0.0, 0.0, 0.0),
        (INFINITY, 2.0, INFINITY),
        (-2.0, INFINITY, -INFINITY),
        (INFINITY, INFINITY, INFINITY),
        (0.0, INFINITY, f64::NAN),
        (INFINITY, 0.0, f64::NAN),
        (f64::NAN, 0.0, f64::NAN),
        (0.0, f64::NAN, f64::NAN),
    ] {
        let forward = jvp(|x| slanted(slanted(*x, first), second), &0.0_f64, &1.0).1;
        let reverse = gradient(|x| slanted(slanted(*x, first), second), &0.0_f64);
        assert!(same(forward, expected), "{first} {second}: {forward} forward");
        assert!(same(reverse, expected), "{first} {second}: {reverse} in reverse");
        // A tangent of zero, a cotangent of zero, a branch that is off.
        assert_eq!(jvp(|x| slanted(slanted(*x, first), second), &0.0_f64, &0.0).1, 0.0);
        let unused = gradient(
            |x| {
                slanted(slanted(*x, first), second);
                *x
            },
            &0.0_f64,
        );
        assert_eq!(unused, 1.0);
        let off = |x: Var<f64>| select(false, slanted(slanted(x, first), second), x);
        assert_eq!(gradient(|x| off(*x), &0.0_f64), 1.0);
        let off = |x: Dual<f64>| select(false, slanted(slanted(x, first), second), x);
        assert_eq!(jvp(|x| off(*x), &0.0_f64, &1.0).1, 1.0);
    }
}

/// A line through zero with a slope that the rule reads.
#[primitive(partial = |_, slope| nalgebra::convert(slope), constant(slope), instances(f64))]
fn slanted<T: Real>(x: T, slope: f64) -> T {
    if x == T::zero() { T::zero() } else { x * nalgebra::convert(slope) }
}

#[test]
fn what_is_nan_has_no_derivative() {
    const NAN: f64 = f64::NAN;
    assert!(slope::<twice>(NAN).is_nan() && slope::<root_of_nothing>(NAN).is_nan());
    assert!(slope::<masked>(NAN).is_nan() && slope::<masked>(f64::INFINITY).is_nan());
    for found in curvature::<twice>(NAN).into_iter().chain(curvature::<times_root>(-1.0)) {
        assert!(found.is_nan());
    }
    // Only what the result depends on.
    let by = gradient(|x: &[Var<f64>; 3]| x[0] + x[1], &[NAN, 1.0, 2.0]);
    assert!(by[0].is_nan() && by[1].is_nan() && by[2] == 0.0);
    let by = difrules_core::jacobian(|x: &[Dual<f64, 4>; 2]| [x[0] + x[1], x[1]], &[NAN, 1.0]);
    assert!(by[(0, 0)].is_nan() && by[(0, 1)].is_nan());
    assert_eq!((by[(1, 0)], by[(1, 1)]), (0.0, 1.0));
    // A branch that is not taken may be undefined.
    let off = gradient(|x| select(*x < Var::constant(0.0), sqrt(*x), *x), &4.0_f64);
    assert_eq!(off, 1.0);
}

/// The slope of a quotient may overflow where its factors do not, and what it is multiplied with makes up for it.
#[test]
fn quotients_whose_slopes_overflow() {
    /// The real part of 1 / (x + i y).
    fn inverse<T: Real>(x: &[T; 2]) -> T {
        x[0] / (x[0] * x[0] + x[1] * x[1])
    }
    /// The derivatives of it, by hand.
    fn by_hand([x, y]: [f64; 2], scale: f64) -> ([f64; 2], [[f64; 2]; 2]) {
        let (x, y) = (x / scale, y / scale);
        let norm = x * x + y * y;
        let (first, mixed) = ((y * y - x * x) / norm.powi(2), -2.0 * x * y / norm.powi(2));
        let pure = 2.0 * x * (x * x - 3.0 * y * y) / norm.powi(3);
        let other = 2.0 * y * (3.0 * x * x - y * y) / norm.powi(3);
        let [square, cube] = [scale.powi(-2), scale.powi(-2) / scale];
        (
            [first * square, mixed * square],
            [[pure * cube, other * cube], [other * cube, -pure * cube]],
        )
    }
    let near = |found: f64, expected: f64, size: f64| {
        assert!((found - expected).abs() <= 1e-14 * size, "{found:e} {expected:e}");
    };
    for (at, scale) in
        [([1e-110, 1e-110], 1e-110), ([1e-105, 2e-105], 1e-105), ([3e-100, -1e-110], 1e-100)]
    {
        let (slopes, curvatures) = by_hand(at, scale);
        let size = slopes[0].abs().max(slopes[1].abs());
        let found = gradient(inverse, &at);
        let mut recording = Recording::new(inverse, &[0.5, 0.25]);
        let mut again = [0.0; 2];
        recording.value_and_gradient(&at, &mut again).unwrap();
        for i in 0..2 {
            let unit = [0, 1].map(|k| f64::from(u8::from(k == i)));
            near(found[i], slopes[i], size);
            near(again[i], slopes[i], size);
            near(jvp(inverse, &at, &unit).1, slopes[i], size);
            if scale > 1e-101 {
                let curved = hvp(inverse, &at, &unit);
                let reverse = gradient(|x: &[Var<f64>; 2]| gradient(inverse, x)[i], &at);
                let along =
                    gradient(|x: &[Var<f64>; 2]| jvp(inverse, x, &unit.map(Var::constant)).1, &at);
                for j in 0..2 {
                    let size = 1.0 / scale.powi(2) / scale;
                    near(curved[j], curvatures[i][j], size);
                    near(reverse[j], curvatures[i][j], size);
                    near(along[j], curvatures[i][j], size);
                }
            }
        }
    }
    // Single precision, where it takes less.
    let found = gradient(inverse, &[1e-15_f32, 2e-15]);
    assert!((found[0] / 1.2e29 - 1.0).abs() < 1e-5 && (found[1] / -1.6e29 - 1.0).abs() < 1e-5);
}

/// Third derivatives of a quotient whose dividend is next to nothing, where a careful sweep has powers of two, in the tapes of
/// the modes outside, too.
#[test]
fn third_derivatives_of_faint_quotients() {
    fn quotient<T: Real>(x: T, y: T) -> T {
        x / y
    }
    fn from_the_left<T: Real>(x: T, y: T) -> T {
        math::left_div(y, x)
    }
    fn along<T: Real>(f: impl Fn(Dual<T>) -> Dual<T>, y: T) -> T {
        jvp(|y| f(*y), &y, &number(1.0)).1
    }
    for x in [1e-140, 1e-200, -1e-240, 1e-260, 1e-280, -1e-290, 1e-300] {
        for y in [1.0, -2.0, 0.5, 3e-2, 30.0_f64] {
            macro_rules! by_each_way {
                ($f:expr, $expected:expr) => {{
                    let expected: f64 = $expected;
                    let found = [
                        along(|y| along(|y| along(|y| $f(number(x), y), y), y), y),
                        gradient(|y: &Var<_>| along(|y| along(|y| $f(number(x), y), y), *y), &y),
                        gradient(
                            |y: &Var<_>| gradient(|y: &Var<_>| along(|y| $f(number(x), y), *y), y),
                            &y,
                        ),
                        gradient(
                            |y: &Var<_>| {
                                gradient(
                                    |y: &Var<_>| gradient(|y: &Var<_>| $f(number(x), *y), y),
                                    y,
                                )
                            },
                            &y,
                        ),
                        along(
                            |y| {
                                gradient(
                                    |y: &Var<_>| gradient(|y: &Var<_>| $f(number(x), *y), y),
                                    &y,
                                )
                            },
                            y,
                        ),
                    ];
                    for (way, found) in found.into_iter().enumerate() {
                        let is_near = near(found, expected, 1e-13);
                        assert!(is_near, "{x:e} {y} {way}: {found:e}, not {expected:e}");
                    }
                }};
            }
            by_each_way!(quotient, -6.0 * x / y.powi(4));
            by_each_way!(math::div, -6.0 * x / y.powi(4));
            by_each_way!(from_the_left, -6.0 * x / y.powi(4));
            if y > 0.0 {
                by_each_way!(math::xlogy, 2.0 * x / y.powi(3));
                by_each_way!(math::xlog1py, 2.0 * x / (1.0 + y).powi(3));
            }
        }
    }
}

/// The slope of a quotient may underflow where what it is multiplied with makes up for it.
#[test]
fn quotients_whose_slopes_underflow() {
    fn scaled<T: Real>(x: &[T; 2], factor: f64) -> T {
        x[0] / x[1] * nalgebra::convert(factor)
    }
    // (x, y, factor, d/dx, d/dy) of x / y times a factor.
    for (x, y, factor, by_x, by_y) in [
        (1e-200, 1e100, 1e250, 1e150, -1e-150),
        (-1.0, 1e170, 1e200, 1e30, 1e-140),
        (1.0, 1e157, 1e200, 1e43, -1e-114),
    ] {
        let near = |found: f64, expected: f64| {
            assert!((found / expected - 1.0).abs() < 1e-14, "{x} {y}: {found} {expected}");
        };
        let found = gradient(|x: &[Var<f64>; 2]| scaled(x, factor), &[x, y]);
        near(found[0], by_x);
        near(found[1], by_y);
        let along = |y: &Dual<f64>| number::<Dual<f64>>(x) / *y;
        near(jvp(along, &y, &factor).1, by_y);
        let mut recording = Recording::new(|x: &[Var<f64>; 2]| scaled(x, factor), &[2.0, 3.0]);
        let mut again = [0.0; 2];
        recording.value_and_gradient(&[x, y], &mut again).unwrap();
        assert_eq!(again, found);
        // In a mode of a mode.
        let within = |x: &[Var<Var<f64>>; 2]| scaled(x, factor);
        let mixed = gradient(|x: &[Var<f64>; 2]| gradient(within, x)[1], &[x, y]);
        near(mixed[0], by_y / x);
    }
}

/// p / x in turn with x, which is x after an even number of steps.
fn turned<T: Real>(steps: usize, x: T, p: f64) -> T {
    let p = number::<T>(p);
    let y = checkpointed(steps, &x, &p, |_, x: &T, p: &T| *p / *x);
    if steps.is_multiple_of(2) { y } else { p / y }
}

/// The adjoint of a state between two pieces of a loop may be too large for a number, or too small, where it is neither before nor
/// after.
#[test]
fn loops_whose_adjoints_are_no_numbers_between_pieces() {
    fn square<T: Real>(steps: usize, x: T, p: f64) -> T {
        let y = turned(steps, x, p);
        y * y
    }
    for x in [1e-200_f64, 1e200, -1e-180, 1e150, 3e-155, 2e-80] {
        for steps in 0..14 {
            for p in [1.0, 3.0] {
                // Forward mode has the derivatives of 1 / x, which may be no numbers.
                let powers = |n: i32| x.abs().max(1.0 / x.abs()).powi(n) < 1e300;
                let along = |x: &Dual<f64>| square(steps, *x, p);
                let slope = gradient(|x| square(steps, *x, p), &x);
                assert!(near(slope, 2.0 * x, 1e-13), "{x:e} {steps} {p}: {slope:e}");
                if powers(2) {
                    let slope = jvp(along, &x, &1.0).1;
                    assert!(near(slope, 2.0 * x, 1e-13), "{x:e} {steps} {p}: {slope:e}");
                }
                let second = gradient(|x: &Var<f64>| gradient(|x| square(steps, *x, p), x), &x);
                assert!(near(second, 2.0, 1e-12), "{x:e} {steps} {p}: {second:e}");
                if powers(3) {
                    let seconds = [
                        jvp(|x: &Dual<f64>| gradient(|x| square(steps, *x, p), x), &x, &1.0).1,
                        gradient(|x| jvp(|x| square(steps, *x, p), x, &Var::constant(1.0)).1, &x),
                    ];
                    for found in seconds {
                        assert!(near(found, 2.0, 1e-12), "{x:e} {steps} {p}: {found:e}");
                    }
                }
            }
        }
    }
    // Two numbers of which one's adjoint is large where that of the other is small, and the parameter.
    for (x, y) in [(1e-200, 1e180), (1e160, 3e-190)] {
        for steps in [4, 9, 10, 25] {
            let f = |(state, p): &([Var<f64>; 2], Var<f64>)| {
                let [x, y] =
                    checkpointed(steps, state, p, |_, x: &[Var<f64>; 2], p| [*p / x[0], *p / x[1]]);
                if steps.is_multiple_of(2) { x * y } else { *p / x * (*p / y) }
            };
            let (by_state, by_parameter) = gradient(f, &([x, y], 1.0));
            let expected = [y, x];
            assert!(near(by_state[0], expected[0], 1e-13), "{steps}: {by_state:?}");
            assert!(near(by_state[1], expected[1], 1e-13), "{steps}: {by_state:?}");
            assert!(by_parameter.abs() <= 1e-13 * x * y, "{steps}: {by_parameter:e}");
        }
    }
}

/// All second derivatives of a function of two numbers, by each of the four nestings: a row for each direction.
macro_rules! mixed {
    ($f:path, $at:expr) => {{
        let at: Vector2<f64> = $at;
        let unit = |i| Vector2::<f64>::ith(i, 1.0);
        let by = |entry: &dyn Fn(usize, usize) -> f64| {
            [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]]
        };
        let products = [0, 1].map(|i| hvp(|x| $f(x), &at, &unit(i)));
        let tangents =
            [0, 1].map(|i| gradient(|x| jvp(|x| $f(x), x, &unit(i).map(Var::constant)).1, &at));
        let gradients =
            [0, 1].map(|i| gradient(|x: &Vector2<Var<f64>>| gradient(|x| $f(x), x)[i], &at));
        [
            by(&|i, j| products[i][j]),
            by(&|i, j| tangents[i][j]),
            by(&|i, j| gradients[i][j]),
            by(&|i, j| {
                let inner = unit(j).map(Dual::constant);
                jvp(|x| jvp(|x| $f(x), x, &inner).1, &at, &unit(i)).1
            }),
        ]
    }};
}

#[test]
fn a_derivative_of_a_zero_that_came_out_zero_is_no_strong_one() {
    /// x e^y: the derivative by both is e^y, which 0 * infinity does not have.
    fn power<T: Real>(x: &Vector2<T>) -> T {
        exp(ln(x[0]) + x[1])
    }
    fn root_by_root<T: Real>(x: &Vector2<T>) -> T {
        let r = sqrt(x[0]);
        r * r * x[1]
    }
    fn cosine<T: Real>(x: &Vector2<T>) -> T {
        math::cos(sqrt(x[0]) * x[1])
    }
    fn by_the_largest<T: Real>(x: &Vector2<T>) -> T {
        let (a, b) = (ln(x[0]) + x[1], number::<T>(2.0));
        let most = math::maximum(a, b);
        most + ln(exp(a - most) + exp(b - most))
    }
    fn with_three<T: Real>(x: &Vector2<T>) -> T {
        math::mul_add(exp(ln(x[0])), x[1], x[1])
    }
    fn at_rest<T: Real>(x: &Vector2<T>) -> T {
        let r = sqrt(x[0]);
        r * r + x[1] * x[1]
    }
    let at = Vector2::new(0.0, 1.0);
    for nestings in [
        mixed!(power, at),
        mixed!(root_by_root, at),
        mixed!(cosine, at),
        mixed!(by_the_largest, at),
        mixed!(with_three, at),
    ] {
        for [[xx, xy], [yx, yy]] in nestings {
            assert!(xx.is_nan() && xy.is_nan() && yx.is_nan(), "{nestings:?}");
            assert_eq!(yy, 0.0);
        }
    }
    for [[xx, xy], row] in mixed!(at_rest, at) {
        assert!(xx.is_nan());
        assert_eq!((xy, row), (0.0, [0.0, 2.0]));
    }
}

/// A tangent that underflows is a zero to what comes after it, an adjoint that does between two factors of a slope is not.
#[test]
fn an_inverse_of_an_inverse_of_a_large_number() {
    fn twice<T: Real>(x: &T) -> T {
        T::one() / (T::one() / *x)
    }
    for x in [1e200_f64, -1e180, 1e160, 1e300] {
        let slope = gradient(twice, &x);
        assert!((slope - 1.0).abs() < 1e-14, "{x:e}: {slope:e}");
        let along = jvp(twice, &x, &1.0).1;
        assert!(along == 0.0 || (along - 1.0).abs() < 1e-3, "{x:e}: {along:e}");
    }
}
