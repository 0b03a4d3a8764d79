//! The attribute on functions of every form it takes, each checked as a rule and used in the modes.

use std::any::TypeId;

use difrules_core::contract::Adjoint;
use difrules_core::registry::{by_name, by_types};
use difrules_core::testing::{Sampler, check, check_all, check_at};
use difrules_core::{
    Cotangent, Dual, Real, Scalar, Slot, Var, find, gradient, hessian, hvp, jacobian, jvp,
    primitive, value_and_gradient,
};
use nalgebra::allocator::Allocator;
use nalgebra::{
    Complex, ComplexField, DMatrix, DVector, DefaultAllocator, Dim, OMatrix, SMatrix, U2, U3,
    Vector2, convert, dmatrix, vector,
};

/// Closures that return their contributions.
#[primitive(
    forward = |x, y, _, x_dot, y_dot| x_dot * y.exp() + x * y.exp() * y_dot,
    reverse = |_, y, z, z_bar| (z_bar * y.exp(), z_bar * z),
    instances(f32, f64),
    alias("DiffRules.xexpy", "x_exp_y")
)]
fn scaled_exp<T: Real>(x: T, y: T) -> T {
    x * y.exp()
}

/// Registered at some scalars only where a feature is on.
#[primitive(
    partial = |_| convert(3.0),
    instances(#[cfg(feature = "testing")] f32, f64, #[cfg(not(feature = "testing"))] Dual<f64>)
)]
fn tripled<T: Real>(x: T) -> T {
    x + x + x
}

#[test]
fn an_instance_may_depend_on_a_feature() {
    let record = find("tripled", 1).unwrap();
    let scalars: Vec<_> = record.instances.iter().map(|instance| instance.scalar).collect();
    assert_eq!(scalars, ["f32", "f64"]);
}

/// Registered without an instance: nobody can name the type of a closure.
#[primitive(
    forward = |_, f, _, x_dot| x_dot * convert::<f64, T>(f(2.0)),
    reverse = |_, f, _, y_bar| y_bar * convert::<f64, T>(f(2.0)),
    constant(f),
    instances()
)]
fn times_a_result<T: Real, F: Fn(f64) -> f64 + Clone + 'static>(
    x: &DVector<T>,
    f: F,
) -> DVector<T> {
    x * convert::<f64, T>(f(2.0))
}

#[test]
fn a_primitive_of_closures_needs_no_instance() {
    let record = find("times_a_result", 2).unwrap();
    assert!(record.forward && record.reverse && record.instances.is_empty());
    let notions: Vec<_> = record.arguments.iter().map(|a| a.notion().to_string()).collect();
    assert_eq!(notions, ["vector", "constant"]);
    let error = by_types("times_a_result", &[TypeId::of::<DVector<f64>>(), TypeId::of::<f64>()]);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`times_a_result` takes no arguments of these types; it has no instances"
    );
    let report = check_all(|other| std::ptr::eq(other, record));
    assert!(report.checked == 0 && report.failures.is_empty());
    let factor = 1.5;
    let scaled =
        |x: &DVector<Var<Dual<f64>>>| times_a_result(x, move |y| y * factor).norm_squared();
    let (x, direction) = (DVector::from_vec(vec![1.0, -2.0]), DVector::from_vec(vec![0.5, 1.0]));
    assert_eq!(hvp(scaled, &x, &direction), direction * 18.0);
}

/// A plain function, as a call into C would be.
#[primitive(partial = (|x, _| 2.0 * x, |_, y| y.cos()))]
fn plain(x: f64, y: f64) -> f64 {
    x * x + y.sin()
}

/// A plain function of a matrix, with rules by path.
#[primitive(forward = plain_sum_forward, reverse = plain_sum_reverse, reads(a), sample = |random| random.matrix(2, 3))]
fn plain_square_sum(a: &DMatrix<f64>) -> f64 {
    a.norm_squared()
}

fn plain_sum_forward(a: &DMatrix<f64>, a_dot: &DMatrix<f64>) -> f64 {
    2.0 * a.dot(a_dot)
}

fn plain_sum_reverse(a: &DMatrix<f64>, y_bar: f64, a_bar: Slot<'_, DMatrix<f64>>) {
    a_bar.add(|| a * (2.0 * y_bar));
}

/// A plain function at single precision.
#[primitive(partial = |x| 2.0 * x)]
fn plain_single(x: f32) -> f32 {
    x * x
}

#[derive(Debug, PartialEq)]
struct Negative(String);

/// A result of a tuple, a saved value, a kernel for one scalar, and constants by value and by
/// reference. y1 = sqrt(s) x, y2 = s with s = sum x_i^2 w_i.
#[primitive(
    forward = weighted_forward,
    reverse = weighted_reverse,
    saves = weighted_saving -> (T, T),
    reads(x, weights, power),
    constant(weights, power),
    kernel(f64 = weighted_kernel),
    kernel(reverse(f64 = weighted_reverse_kernel)),
    instances(f32, f64),
    sample = |random| {
        let n = random.size(1, 4);
        (random.vector(n), vec![0.5; n], 2)
    }
)]
fn weighted<T: Real>(
    x: &DVector<T>,
    weights: &[f64],
    power: i32,
) -> Result<(DVector<T>, T), Negative> {
    weighted_saving(x, weights, power).map(|(y, _)| y)
}

type Saving<T> = Result<((DVector<T>, T), (T, T)), Negative>;

fn weighted_saving<T: Real>(x: &DVector<T>, weights: &[f64], power: i32) -> Saving<T> {
    if let Some(bad) = weights.iter().find(|w| **w < 0.0) {
        return Err(Negative(format!("weight {bad}")));
    }
    let terms = x.iter().zip(weights).map(|(x, &w)| x.powi(power) * convert(w));
    let s = terms.fold(T::zero(), |sum, term| sum + term);
    Ok(((x * s.sqrt(), s), (s, s.sqrt())))
}

fn weighted_kernel(
    x: &DVector<f64>,
    weights: &[f64],
    power: i32,
) -> Result<(DVector<f64>, f64), Negative> {
    weighted_saving(x, weights, power).map(|(y, _)| y)
}

fn weighted_forward<T: Real>(
    x: &DVector<T>,
    weights: &[f64],
    power: i32,
    &(_, root): &(T, T),
    x_dot: &DVector<T>,
) -> (DVector<T>, T) {
    let n: T = convert(f64::from(power));
    let terms = x.iter().zip(weights).zip(x_dot.iter());
    let s_dot = terms
        .fold(T::zero(), |sum, ((x, &w), &dot)| sum + n * x.powi(power - 1) * convert(w) * dot);
    (x_dot * root + x * (s_dot / (root + root)), s_dot)
}

fn weighted_reverse<T: Real>(
    x: &DVector<T>,
    weights: &[f64],
    power: i32,
    &(_, root): &(T, T),
    (y_bar, mut s_bar): Cotangent<'_, (DVector<T>, T)>,
    x_bar: Slot<'_, DVector<T>>,
) {
    let Some(mut x_bar) = x_bar.buffer() else { return };
    s_bar += y_bar.dot(x) / (root + root);
    let n: T = convert(f64::from(power));
    for (((x_bar, x), &w), &y_bar) in x_bar.iter_mut().zip(x.iter()).zip(weights).zip(y_bar.iter())
    {
        *x_bar += y_bar * root + s_bar * n * x.powi(power - 1) * convert(w);
    }
}

fn weighted_reverse_kernel(
    x: &DVector<f64>,
    weights: &[f64],
    power: i32,
    saved: &(f64, f64),
    y_bar: Cotangent<'_, (DVector<f64>, f64)>,
    x_bar: Slot<'_, DVector<f64>>,
) {
    weighted_reverse(x, weights, power, saved, y_bar, x_bar);
}

/// In place, with the overwritten value read by one rule and the new one by the other.
/// y <- a exp(y).
#[primitive(
    forward = |a, _, y, a_dot, y_dot| {
        y_dot.zip_apply(y, |y_dot, y| *y_dot = y * (a_dot / a + *y_dot))
    },
    reverse = in_place_reverse,
    reads(a, y),
    instances(f32, f64, Complex<f64>, <Complex<f32>, U2, U3>),
    sample = in_place_sample
)]
fn exp_in_place<T: Scalar, R: Dim, C: Dim>(a: T, y: &mut OMatrix<T, R, C>)
where
    DefaultAllocator: Allocator<R, C>,
{
    y.apply(|y| *y = a * y.exp());
}

fn in_place_reverse<T: Scalar, R: Dim, C: Dim>(
    a: T,
    y: &OMatrix<T, R, C>,
    a_bar: Slot<'_, T>,
    mut y_bar: Adjoint<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>,
{
    a_bar.add(|| {
        let terms = y_bar.iter().zip(y.iter());
        terms.fold(T::zero(), |sum, (&y_bar, y)| sum + y_bar * y.exp().conjugate())
    });
    y_bar.zip_apply(y, |y_bar, y| *y_bar *= (a * y.exp()).conjugate());
}

fn in_place_sample<T: Scalar, R: Dim, C: Dim>(random: &mut Sampler) -> (T, OMatrix<T, R, C>)
where
    DefaultAllocator: Allocator<R, C>,
{
    let rows = R::try_to_usize().unwrap_or_else(|| random.size(0, 3));
    let columns = C::try_to_usize().unwrap_or_else(|| random.size(0, 3));
    let y = OMatrix::from_fn_generic(R::from_usize(rows), C::from_usize(columns), |_, _| {
        random.normal()
    });
    (random.between(0.5, 1.5), y)
}

/// Holomorphic, by a partial derivative; a constant dimension.
#[primitive(partial = |_, y| y, instances(f64, Complex<f64>))]
fn complex_exp<T: Scalar>(x: T) -> T {
    x.exp()
}

/// Generic over a const parameter, with tuples in and out.
#[primitive(
    forward = |_, _, pair_dot| pair_swapped(pair_dot),
    reverse = |_, _, y_bar, pair_bar| {
        if let Some((mut matrix_bar, number_bar)) = pair_bar.buffer() {
            *number_bar += y_bar.0;
            matrix_bar += y_bar.1;
        }
    },
    instances(<f64, 2>, <f32, 3>),
    sample = |random| (SMatrix::from_fn(|_, _| random.normal()), random.normal())
)]
fn swapped<T: Real, const N: usize>(pair: &(SMatrix<T, N, N>, T)) -> (T, SMatrix<T, N, N>) {
    pair_swapped(pair)
}

fn pair_swapped<T: Real, const N: usize>(pair: &(SMatrix<T, N, N>, T)) -> (T, SMatrix<T, N, N>) {
    (pair.1, pair.0)
}

/// Forward only.
#[primitive(forward = |x, _, x_dot| x_dot * (x + x), instances(f64))]
fn forward_only<T: Real>(x: T) -> T {
    x * x
}

#[test]
fn every_form_keeps_the_rules() {
    let names = [
        "scaled_exp",
        "plain",
        "plain_square_sum",
        "plain_single",
        "weighted",
        "exp_in_place",
        "complex_exp",
        "swapped",
        "forward_only",
    ];
    for record in names.map(|name| difrules_core::primitives().iter().find(|r| r.name == name)) {
        check(record.expect("registered")).assert();
    }
    for seed in 0..5 {
        check_at::<exp_in_place<Complex<f64>, U3, U2>, f64>(in_place_sample, seed).unwrap();
        check_at::<swapped<3>, f64>(
            |random| ((SMatrix::from_fn(|_, _| random.normal()), random.normal()),),
            seed,
        )
        .unwrap();
    }
}

#[test]
fn the_record_says_what_the_source_says() {
    let record = find("scaled_exp", 2).unwrap();
    assert_eq!(record.path, "all::attribute::scaled_exp");
    assert!(std::ptr::eq(find("DiffRules.xexpy", 2).unwrap(), record));
    assert!(std::ptr::eq(find("all::scaled_exp", 2).unwrap(), record));
    assert!(find("scaled_exp", 3).is_err());
    assert_eq!(by_name("x_exp_y", 2).len(), 1);
    assert_eq!(record.symbolic[1], "(z_bar * y.exp(), z_bar * z)");
    assert_eq!(record.doc, "Closures that return their contributions.");
    assert!(record.file.ends_with("attribute.rs"));
    assert_eq!(record.to_string(), "all::attribute::scaled_exp(x: T, y: T) -> T");

    let record = find("weighted", 3).unwrap();
    let notions: Vec<_> = record.arguments.iter().map(|a| a.notion().to_string()).collect();
    assert_eq!(notions, ["vector", "constant", "constant"]);
    assert_eq!(record.result, "Result<(DVector<T>, T), Negative>");

    let record = find("exp_in_place", 2).unwrap();
    assert!(record.arguments[1].in_place && !record.arguments[0].in_place);
    let instances: Vec<_> = record.instances.iter().map(|instance| instance.scalar).collect();
    assert_eq!(instances, ["f32", "f64", "Complex<f64>", "Complex<f32>, U2, U3"]);

    let record = find("forward_only", 1).unwrap();
    assert!(record.forward && !record.reverse);
}

#[test]
fn a_plain_function_differentiates_once() {
    assert_eq!(plain(3.0, 0.0), 9.0);
    assert_eq!(plain::on(3.0, 0.0), 9.0);
    let y = plain::on(Dual::new(3.0, [1.0]), Dual::new(0.0, [0.5]));
    assert_eq!((y.value, y.tangents), (9.0, [6.5]));
    let found = gradient(|&(x, y)| plain::on(x, y) * x, &(3.0_f64, 0.0));
    assert_eq!(found, (27.0, 3.0));
    let found = gradient(plain_square_sum::on, &dmatrix![1.0, 2.0; 3.0, 4.0]);
    assert_eq!(found, dmatrix![2.0, 4.0; 6.0, 8.0]);
}

#[test]
fn errors_pass_through_every_mode() {
    let x = DVector::from_vec(vec![1.0, 2.0]);
    let weights = [1.0, -2.0];
    let expected = Err(Negative("weight -2".into()));
    assert_eq!(weighted(&x, &weights, 2).map(|y| y.1), expected);
    let value = |x: &DVector<_>| weighted(x, &weights, 2).map(|y| y.1);
    assert_eq!(value_and_gradient(value, &x).map(|y| y.0), expected);
    assert_eq!(jvp(|x| weighted(x, &weights, 2).map(|y| y.1), &x, &x).map(|y| y.0), expected);
    assert_eq!(hvp(|x| weighted(x, &weights, 2).map(|y| y.1), &x, &x).map(|y| y[0]), expected);
    // No tape is left open.
    assert_eq!(gradient(|x| *x * *x, &3.0_f64), 6.0);
}

#[test]
fn in_place_primitives_compose() {
    // f(a, y) = sum of a exp(a exp(y)).
    fn twice<T: Real>(a: T, y: &Vector2<T>) -> T {
        let mut y = *y;
        exp_in_place(a, &mut y);
        exp_in_place(a, &mut y);
        y.sum()
    }
    let (a, y) = (0.5, vector![0.2, -0.3]);
    let inner = y.map(|y: f64| a * y.exp());
    let outer = inner.map(|y| a * y.exp());
    let (value, (a_bar, y_bar)) = value_and_gradient(|(a, y)| twice(*a, y), &(a, y));
    approx::assert_relative_eq!(value, outer.sum(), max_relative = 1e-15);
    approx::assert_relative_eq!(y_bar, outer.component_mul(&inner), max_relative = 1e-15);
    approx::assert_relative_eq!(
        a_bar,
        (outer + outer.component_mul(&inner)).sum() / a,
        max_relative = 1e-15
    );
    let tangent = (0.7, vector![0.1, 0.4]);
    let (_, forward) = jvp(|(a, y)| twice(*a, y), &(a, y), &tangent);
    approx::assert_relative_eq!(
        forward,
        a_bar * tangent.0 + y_bar.dot(&tangent.1),
        max_relative = 1e-14
    );
}

#[test]
fn modes_nest_in_every_order() {
    // f = x exp(y) y, by the primitive.
    fn f<T: Real>(p: &Vector2<T>) -> T {
        scaled_exp(p[0], p[1]) * p[1]
    }
    let p = vector![1.5, 0.4];
    let (x, y, e) = (1.5, 0.4, 0.4_f64.exp());
    let by_xy = e * (y + 1.0);
    let expected = dmatrix![0.0, by_xy; by_xy, x * e * (y + 2.0)];
    approx::assert_relative_eq!(hessian(f, &p), expected, max_relative = 1e-14, epsilon = 1e-15);
    // Reverse over reverse, forward over reverse through `jacobian`, and reverse over forward.
    let reverse_reverse = difrules_core::jacobian_reverse(|p| gradient(f, p), &p);
    approx::assert_relative_eq!(reverse_reverse, expected, max_relative = 1e-14, epsilon = 1e-15);
    let forward_reverse = jacobian(|p| gradient(f, p), &p);
    approx::assert_relative_eq!(forward_reverse, expected, max_relative = 1e-14, epsilon = 1e-15);
    let direction = vector![0.3, -0.8];
    let reverse_forward = gradient(|p| jvp(f, p, &direction.map(Var::constant)).1, &p);
    approx::assert_relative_eq!(
        reverse_forward,
        expected.fixed_view::<2, 2>(0, 0) * direction,
        max_relative = 1e-14
    );
    approx::assert_relative_eq!(
        hvp(f, &p, &direction),
        expected.fixed_view::<2, 2>(0, 0) * direction,
        max_relative = 1e-14
    );
    // Fourth derivative of exp in forward mode alone.
    type Deep = Dual<Dual<Dual<Dual<f64>>>>;
    let one = Dual::constant(Dual::constant(Dual::constant(1.0)));
    let seed = Dual::new(
        Dual::new(Dual::new(0.5, [1.0]), [Dual::constant(1.0)]),
        [Dual::constant(Dual::constant(1.0))],
    );
    let deep: Deep = complex_exp(Dual::new(seed, [one]));
    approx::assert_relative_eq!(
        deep.tangents[0].tangents[0].tangents[0].tangents[0],
        0.5_f64.exp()
    );
}

#[test]
fn the_gradient_by_a_complex_number_is_that_of_its_parts() {
    // |exp(z)|^2 = exp(2 Re z): d/dRe = 2 exp(2 Re z), d/dIm = 0; times Re z^2.
    fn f<T: Real>(z: &Complex<T>) -> T {
        complex_exp(*z).modulus_squared() + (*z * *z).re
    }
    let z = Complex::new(0.3, 0.7);
    let found = gradient(f, &z);
    let expected = Complex::new(2.0 * 0.6_f64.exp() + 0.6, -1.4);
    approx::assert_relative_eq!(found.re, expected.re, max_relative = 1e-14);
    approx::assert_relative_eq!(found.im, expected.im, max_relative = 1e-14);
}

#[test]
#[should_panic(expected = "the primitive `all::attribute::forward_only` has no reverse rule")]
fn a_missing_rule_is_named() {
    gradient(|x| forward_only(*x), &1.0_f64);
}
