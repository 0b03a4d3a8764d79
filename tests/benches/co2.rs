//! The likelihood of the example `co2` and its derivatives: `cargo bench --bench co2`.

#[path = "../../difrules-linalg/examples/co2/model.rs"]
#[allow(dead_code)]
mod model;

use std::hint::black_box;
use std::rc::Rc;

use difrules_core::{hvp, value_and_gradient};
use difrules_tests::{compare, time};
use nalgebra::DVector;

use model::{Parameters, START, Separations, ln_likelihood};

fn main() {
    let file = include_str!("../../difrules-linalg/examples/data/mauna_loa_co2_monthly.csv");
    let rows: Vec<(f64, f64)> = file
        .lines()
        .skip(1)
        .map(|line| {
            let (time, value) = line.split_once(',').expect("two columns");
            (time.parse().expect("a number"), value.parse().expect("a number"))
        })
        .collect();
    let times: Vec<f64> = rows.iter().map(|row| row.0).collect();
    let mean = rows.iter().map(|row| row.1).sum::<f64>() / rows.len() as f64;
    let y = DVector::from_iterator(rows.len(), rows.iter().map(|row| row.1 - mean));
    let separations = Rc::new(Separations::new(&times));
    let theta = Parameters::from(START);
    let direction = Parameters::from_fn(|i, _| 1.0 - 0.2 * i as f64);

    let mut likelihood = || {
        black_box(ln_likelihood(black_box(&theta), &separations, &y).expect("positive definite"));
    };
    let mut gradient = || {
        let model = |t: &_| ln_likelihood(t, &separations, &y);
        black_box(value_and_gradient(model, black_box(&theta)).expect("positive definite"));
    };
    let mut product = || {
        let model = |t: &_| ln_likelihood(t, &separations, &y);
        black_box(hvp(model, black_box(&theta), &direction).expect("positive definite"));
    };
    time("likelihood and gradient", 25.0, &mut gradient);
    compare(
        "likelihood and gradient against the likelihood",
        Some(2.2),
        ("with gradient", &mut gradient),
        ("alone", &mut likelihood),
    );
    time("Hessian-vector product", 60.0, &mut product);
}
