//! What transforms return: all that they have computed, and what a function has beside its value.

use difrules_core::{
    Aux, Real, Recording, Var, gradient, hessian, hvp, jacobian, jacobian_reverse, jvp,
    value_and_gradient, value_and_jacobian, value_and_jacobian_reverse, value_gradient_and_hessian,
    value_gradient_and_hvp, vjp,
};
use nalgebra::{DMatrix, DVector, dvector, vector};

/// More numbers than one evaluation has columns.
fn point() -> DVector<f64> {
    DVector::from_fn(11, |i, _| 0.3 + i as f64 / 7.0)
}

fn energy<T: Real>(x: &DVector<T>) -> T {
    x.iter().fold(T::one(), |product, x| product * x.sin()) + (-x.norm_squared()).exp()
}

fn field<T: Real>(x: &DVector<T>) -> DVector<T> {
    dvector![x[0] * x[10], x[1].sin() * x[2], x[3]]
}

#[test]
fn what_is_computed_anyway() {
    let x = point();
    let plain = energy(&x);
    let (value, gradient) = value_and_gradient(energy, &x);
    let (again, same, curvature) = value_gradient_and_hessian(energy, &x);
    assert_eq!((value, again, same), (plain, plain, gradient.clone()));
    assert_eq!(curvature, hessian(energy, &x));
    let direction = x.map(f64::cos);
    let (again, same, product) = value_gradient_and_hvp(energy, &x, &direction);
    assert_eq!((again, same), (plain, gradient));
    assert_eq!(product, hvp(energy, &x, &direction));
    let (by_columns, by_rows) = (jacobian(field, &x), jacobian_reverse(field, &x));
    assert_eq!(value_and_jacobian(field, &x), (field(&x), by_columns.clone()));
    assert_eq!(value_and_jacobian_reverse(field, &x), (field(&x), by_rows));
    assert_eq!(difrules_core::jacobian!(field, &x), by_columns);
}

#[test]
fn nothing_to_differentiate_by() {
    let nothing = DVector::<f64>::zeros(0);
    let (value, gradient, curvature) = value_gradient_and_hessian(energy, &nothing);
    assert_eq!((value, gradient.len(), curvature.shape()), (2.0, 0, (0, 0)));
    let failing = |_: &DVector<_>| Err::<Var<difrules_core::Dual<f64, 8>>, _>("fails");
    assert_eq!(hessian(failing, &nothing), Err("fails"));
    let (value, slopes) = value_and_jacobian(|x| dvector![x.sum()], &nothing);
    assert_eq!((value, slopes), (dvector![0.0], DMatrix::zeros(1, 0)));
}

#[test]
fn what_comes_beside() {
    let (x, seen) = (point(), std::cell::Cell::new(0));
    let counted = || {
        seen.set(seen.get() + 1);
        seen.get()
    };
    // The first of several evaluations.
    let (curvature, first) = hessian(|x| Aux(energy(x), counted()), &x);
    assert_eq!((curvature, first, seen.get()), (hessian(energy, &x), 1, 2));
    let (slopes, first) = jacobian(|x| Aux(field(x), counted()), &x);
    assert_eq!((slopes, first, seen.get()), (jacobian(field, &x), 3, 5));
    let (slopes, name) = difrules_core::jacobian!(|x| Aux(field(x), "name"), &x);
    assert_eq!((slopes, name), (jacobian(field, &x), "name"));
    let one = vector![2.0_f64, 3.0];
    let ((y, y_dot), name) = jvp(|x| Aux(x.dot(x), "name"), &one, &one);
    assert_eq!((y, y_dot, name), (13.0, 26.0, "name"));
    let ((y, x_bar), inner) = vjp(|x| Aux(x.dot(x), x[0].value()), &one, &2.0);
    assert_eq!((y, x_bar, inner), (13.0, one * 4.0, 2.0));
    let (mut recording, name) = Recording::new(|x| Aux(x.dot(x), "name"), &one);
    assert_eq!((recording.value(&one).unwrap(), name), (13.0, "name"));
}

#[test]
fn what_comes_beside_an_error() {
    let root = |x: Var<f64>| match x.value() {
        y if y < 0.0 => Aux(Err("negative"), y),
        y => Aux(Ok(nalgebra::ComplexField::sqrt(x)), y),
    };
    assert_eq!(gradient(|x| root(*x), &-4.0), (Err("negative"), -4.0));
    assert_eq!(gradient(|x| root(*x), &4.0), (Ok(0.25), 4.0));
    let none = gradient(|_: &Var<f64>| Aux(None::<Var<f64>>, 'a'), &4.0);
    assert_eq!(none, (None, 'a'));
    let fails = |_: &Var<f64>| Aux::from(Err::<(Var<f64>, u8), _>("fails"));
    assert_eq!(gradient(fails, &4.0), (Err("fails"), None));
}

#[test]
fn what_numbers_of_a_mode_show() {
    let x = difrules_core::Dual::new(1.5, [2.0, 0.0]);
    assert_eq!(format!("{x} {x:?}"), "1.5 Dual { value: 1.5, tangents: [2.0, 0.0] }");
    let shown = gradient(|x| Aux(*x, format!("{x} {x:?}")), &1.5).1;
    assert_eq!(shown, "1.5 Var { value: 1.5, number: 1 }");
    assert_eq!(format!("{:?}", Var::constant(1.5)), "Var { value: 1.5 }");
}
