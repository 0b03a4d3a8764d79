//! A training step of a network, 8-64-64-3, on a batch of 64 with Adam, against the same written by hand on
//! nalgebra: `cargo bench --bench network`.

use std::hint::black_box;

use difrules_core::math::{exp, ln};
use difrules_core::{Differentiable, Real, value_and_gradient};
use difrules_linalg::{EachColumn, Matrix, MatrixError, Vector, elementwise};
use difrules_tests::compare;
use nalgebra::{DMatrix, DVector, RowDVector};

const SIZES: [usize; 4] = [8, 64, 64, 3];
const BATCH: usize = 64;
const RATE: f64 = 0.003;

type Network<T> = Vec<(Matrix<T>, Vector<T>)>;

fn loss<T: Real>(
    network: &Network<T>,
    x: &DMatrix<f64>,
    class: &DMatrix<f64>,
) -> Result<T, MatrixError> {
    let mut h = Matrix::constant(x);
    for (w, b) in &network[..2] {
        h = elementwise!(|h, b| tanh(h + b), &(w * h), EachColumn(b));
    }
    let (w, b) = &network[2];
    let scores = (w * h).add_to_columns(b)?;
    let right = scores.component_mul(class)?.row_sum();
    Ok((scores.map::<exp>().row_sum().map::<ln>() - right).mean())
}

/// Adam on one number.
fn adam(x: &mut f64, slope: f64, (m, v): &mut (f64, f64)) {
    *m += 0.1 * (slope - *m);
    *v += 0.001 * (slope * slope - *v);
    *x -= RATE * *m / (v.sqrt() + 1e-8);
}

/// The same by hand.
struct ByHand {
    weights: Vec<DMatrix<f64>>,
    biases: Vec<DVector<f64>>,
    moments: Vec<(f64, f64)>,
}

impl ByHand {
    fn step(&mut self, x: &DMatrix<f64>, class: &DMatrix<f64>) -> f64 {
        let layer = |w: &DMatrix<f64>, b: &DVector<f64>, h: &DMatrix<f64>| {
            let mut y = w * h;
            y.column_iter_mut().for_each(|mut column| column += b);
            y
        };
        let first = layer(&self.weights[0], &self.biases[0], x).map(difrules_core::math::tanh);
        let second =
            layer(&self.weights[1], &self.biases[1], &first).map(difrules_core::math::tanh);
        let scores = layer(&self.weights[2], &self.biases[2], &second);
        let shares = scores.map(f64::exp);
        let sums: RowDVector<f64> = shares.row_sum();
        let right = scores.component_mul(class).row_sum();
        let loss = (sums.map(f64::ln) - right).mean();
        let mut by_scores = shares;
        for (mut column, sum) in by_scores.column_iter_mut().zip(sums.iter()) {
            column /= *sum;
        }
        by_scores -= class;
        by_scores /= BATCH as f64;
        let mut by_second = self.weights[2].tr_mul(&by_scores);
        by_second.zip_apply(&second, |slope, y| *slope *= 1.0 - y * y);
        let mut by_first = self.weights[1].tr_mul(&by_second);
        by_first.zip_apply(&first, |slope, y| *slope *= 1.0 - y * y);
        let slopes = [
            (&by_first * x.transpose(), by_first.column_sum()),
            (&by_second * first.transpose(), by_second.column_sum()),
            (&by_scores * second.transpose(), by_scores.column_sum()),
        ];
        let mut moments = self.moments.iter_mut();
        for ((w, b), (by_w, by_b)) in self.weights.iter_mut().zip(&mut self.biases).zip(&slopes) {
            for (x, slope) in w.iter_mut().zip(by_w).chain(b.iter_mut().zip(by_b)) {
                adam(x, *slope, moments.next().expect("one a number"));
            }
        }
        loss
    }
}

fn main() {
    let any = |i: usize, j: usize| ((i * 37 + j * 11) as f64 * 0.618).sin();
    let x = DMatrix::from_fn(SIZES[0], BATCH, any);
    let class = DMatrix::from_fn(SIZES[3], BATCH, |i, j| if j % 3 == i { 1.0 } else { 0.0 });
    let weights: Vec<_> =
        SIZES.windows(2).map(|size| DMatrix::from_fn(size[1], size[0], any) * 0.2).collect();
    let biases: Vec<_> = SIZES[1..].iter().map(|size| DVector::zeros(*size)).collect();
    let mut network: Network<f64> = weights
        .iter()
        .zip(&biases)
        .map(|(w, b)| (Matrix::from(w.clone()), Vector::from(b.clone())))
        .collect();
    let count = network.to_reals().len();
    let mut moments = vec![(0.0, 0.0); count];
    let mut by_hand = ByHand { weights, biases, moments: moments.clone() };

    let (ours, _) = value_and_gradient(|n| loss(n, &x, &class), &network).expect("the shapes fit");
    let theirs = by_hand.step(&x, &class);
    assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");

    let mut step = || {
        let (value, slope) =
            value_and_gradient(|n| loss(n, &x, &class), &network).expect("the shapes fit");
        let mut moments = moments.iter_mut();
        network.zip_reals::<f64>(&slope, &mut |x, slope| {
            adam(x, slope, moments.next().expect("one a number"));
        });
        black_box(value);
    };
    let mut steps = || (0..20).for_each(|_| step());
    let mut steps_by_hand = || {
        for _ in 0..20 {
            black_box(by_hand.step(&x, &class));
        }
    };
    compare(
        "twenty steps of training",
        Some(1.3),
        ("with matrices", &mut steps),
        ("by hand", &mut steps_by_hand),
    );
}
