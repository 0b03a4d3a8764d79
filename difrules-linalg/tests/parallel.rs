//! Sums over data on many cores, by a matrix in one piece.

use difrules_core::math::tanh;
use difrules_core::{
    Real, gradient, hvp, jvp, par_value_and_gradient, par_value_and_jacobian,
    par_value_and_jacobian_reverse, par_value_gradient_and_hvp,
};
use difrules_linalg::{Matrix, Vector};
use nalgebra::{DMatrix, DVector};

fn data() -> Vec<DVector<f64>> {
    (0..300).map(|k| DVector::from_fn(2, |i, _| (0.7 * k as f64 + i as f64).sin())).collect()
}

fn point(phase: f64) -> Matrix<f64> {
    Matrix::from(DMatrix::from_fn(3, 2, |i, j| (phase + i as f64 - 2.0 * j as f64).cos()))
}

fn layer<T: Real>(w: &Matrix<T>, x: &DVector<f64>) -> Vector<T> {
    (w * x).map::<tanh>()
}

fn term<T: Real>(w: &Matrix<T>, x: &DVector<f64>) -> T {
    layer(w, x).norm_squared()
}

fn sum<T: Real>(w: &Matrix<T>, data: &[DVector<f64>]) -> T {
    data.iter().map(|x| term(w, x)).fold(T::zero(), |sum, y| sum + y)
}

#[track_caller]
fn near(found: &DMatrix<f64>, expected: &DMatrix<f64>) {
    let distance = (found - expected).amax();
    assert!(distance <= 1e-12 * expected.amax(), "{distance}: {found}{expected}");
}

#[test]
fn a_point_in_one_piece() {
    let (w, v, data) = (point(0.3), point(1.1), data());
    let (value, slope) = par_value_and_gradient(term, &w, &data);
    assert_eq!(value, sum(&w, &data));
    near(&slope, &gradient(|w| sum(w, &data), &w));
    let (again, same, product) = par_value_gradient_and_hvp(term, &w, &v, &data);
    assert_eq!((again, same), (value, slope));
    near(&product, &hvp(|w| sum(w, &data), &w, &v));
    let (values, forward) = par_value_and_jacobian(layer, &w, &data);
    let (same, reverse) = par_value_and_jacobian_reverse(layer, &w, &data);
    assert_eq!((&values, values.len(), forward.shape()), (&same, 300, (900, 6)));
    assert_eq!(values[7], layer(&w, &data[7]));
    near(&forward, &reverse);
}

/// Such a point, at the numbers of reverse mode, stays on its thread.
#[test]
fn a_point_in_one_piece_within_another_derivative() {
    fn slope<T: Real>(w: &Matrix<T>, data: &[DVector<f64>]) -> Matrix<T> {
        par_value_and_gradient(term, w, data).1
    }
    fn lengths<T: Real>(w: &Matrix<T>, data: &[DVector<f64>]) -> T {
        let (values, rows) = par_value_and_jacobian(layer, w, data);
        let lengths = values.iter().map(Matrix::norm_squared).fold(T::zero(), |sum, y| sum + y);
        lengths + rows.column(0).iter().fold(T::zero(), |sum, y| sum + *y * *y)
    }
    let (w, v, data) = (point(0.3), point(1.1), data());
    let expected = hvp(|w| sum(w, &data), &w, &v);
    near(&jvp(|w| slope(w, &data), &w, &v).1, &expected);
    near(&gradient(|w| slope(w, &data).dot(&*v).unwrap(), &w), &expected);
    let change = jvp(|w| lengths(w, &data), &w, &v).1;
    let paired = gradient(|w| lengths(w, &data), &w).value().dot(&*v);
    assert!((change - paired).abs() < 1e-12 * change.abs(), "{change} {paired}");
}
