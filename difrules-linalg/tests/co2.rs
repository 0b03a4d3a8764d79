//! The model of the example `co2`: the likelihood and its derivatives at the starting point.

#[path = "../examples/co2/model.rs"]
#[allow(dead_code)]
mod model;

use std::rc::Rc;

use difrules_core::testing::check_at;
use difrules_core::{hessian, hvp, value_and_gradient};
use nalgebra::{DVector, SVector};

use model::{Parameters, START, Separations, any_covariance, covariance, ln_likelihood};

fn data() -> (Rc<Separations>, DVector<f64>) {
    let file = include_str!("../examples/data/mauna_loa_co2_monthly.csv");
    let rows: Vec<Vec<f64>> = file
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|number| number.parse().expect("a number")).collect())
        .collect();
    let times: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    let mean = rows.iter().map(|row| row[1]).sum::<f64>() / rows.len() as f64;
    let values = DVector::from_iterator(rows.len(), rows.iter().map(|row| row[1] - mean));
    (Rc::new(Separations::new(&times)), values)
}

fn assert_close(found: &Parameters<f64>, expected: [f64; 11], relative: f64) {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / expected.abs();
        assert!(error < relative, "number {i} is {found}, expected {expected}: off by {error:e}");
    }
}

#[test]
fn the_covariance_keeps_the_rules() {
    for seed in 0..41 {
        check_at::<covariance, f64>(any_covariance, seed).unwrap();
    }
}

/// The numbers are of 160-bit ball arithmetic; scikit-learn agrees with value and gradient.
#[test]
fn the_likelihood_and_its_derivatives_are_right_at_the_start() {
    let (separations, y) = data();
    assert_eq!(y.len(), 521);
    let theta = Parameters::from(START);
    let found = value_and_gradient(|t| ln_likelihood(t, &separations, &y), &theta);
    let (value, gradient): (f64, _) = found.expect("positive definite");
    assert!((value / -380.276723497689 - 1.0).abs() < 1e-8, "{value}");
    let expected = [
        -0.536795567145,
        2.411813017710,
        -1.353360674806,
        -9.278354820259,
        18.557878669384,
        19.322287774525,
        -8.994744859401,
        -72.201231330870,
        152.571091761696,
        -155.585469008074,
        368.740293059441,
    ];
    assert_close(&gradient, expected, 1e-5);

    let direction = SVector::from([1.0, -1.0, 0.5, -0.5, 0.25, -0.25, 2.0, -2.0, 0.75, -0.75, 1.5]);
    let product = hvp(|t| ln_likelihood(t, &separations, &y), &theta, &direction);
    let product = product.expect("positive definite");
    let expected = [
        -5.320254841942,
        25.311954625033,
        -8.846709549119,
        38.345555035816,
        13.473227788259,
        -80.594428102254,
        16.655384676888,
        244.741702650820,
        -344.550687336642,
        437.798288798371,
        -928.621403900299,
    ];
    assert_close(&product, expected, 1e-5);
}

#[test]
fn the_standard_errors_are_right_at_the_maximum() {
    let (separations, y) = data();
    let maximum = Parameters::from([
        7.60348240720795,
        3.94339671093051,
        1.94299577786545,
        4.51619275963822,
        0.395217030236880,
        -1.24612165793032,
        1.06055995966432,
        -0.0327201570093680,
        -3.33873100557414,
        -2.10652900198875,
        -3.30608744561775,
    ]);
    let value: f64 = ln_likelihood(&maximum, &separations, &y).expect("positive definite");
    assert!((value + 115.050473892902).abs() < 1e-6, "{value}");
    let hessian = hessian(|t| ln_likelihood(t, &separations, &y), &maximum);
    let information = -hessian.expect("positive definite");
    let inverse = information.cholesky().expect("a maximum").inverse();
    let errors = Parameters::from_fn(|i, _| inverse[(i, i)].sqrt());
    let expected = [
        1.00268015454266,
        0.244374458123470,
        0.782783235763579,
        0.332671368365338,
        0.168471736433864,
        0.376720977781922,
        2.61188454529365,
        0.169416872453941,
        0.213495693011876,
        0.168701212841531,
        0.106720998104134,
    ];
    assert_close(&errors, expected, 1e-6);
}
