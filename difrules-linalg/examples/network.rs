//! A network of two hidden layers, 8-64-64-3, that learns to tell three classes apart, trained with Adam on
//! batches of 64.
//!
//! ```text
//! cargo run --release --example network
//! ```

use difrules_core::math::{exp, ln};
use difrules_core::{Differentiable, Real, value_and_gradient};
use difrules_linalg::{Adam, EachColumn, Matrix, MatrixError, Vector, elementwise};
use nalgebra::{DMatrix, DVector};

const SIZES: [usize; 4] = [8, 64, 64, 3];
const BATCH: usize = 64;

/// The weights and biases of the layers.
type Network<T> = Vec<(Matrix<T>, Vector<T>)>;

/// Points, a column each, and in which class each is.
type Data = (DMatrix<f64>, DMatrix<f64>);

/// A score for each class of each point.
fn scores<T: Real>(network: &Network<T>, x: &DMatrix<f64>) -> Result<Matrix<T>, MatrixError> {
    let mut h = Matrix::constant(x);
    for (w, b) in &network[..2] {
        h = elementwise!(|h, b| tanh(h + b), &(w * h), EachColumn(b));
    }
    let (w, b) = &network[2];
    (w * h).add_to_columns(b)
}

/// The mean cross entropy of the classes.
fn loss<T: Real>(network: &Network<T>, (x, class): &Data) -> Result<T, MatrixError> {
    let scores = scores(network, x)?;
    let right = scores.component_mul(class)?.row_sum();
    Ok((scores.map::<exp>().row_sum().map::<ln>() - right).mean())
}

/// Numbers that look random, between -1 and 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn matrix(&mut self, rows: usize, columns: usize, scale: f64) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.next() * scale)
    }

    /// Points in a cube, whose class a bent surface decides.
    fn data(&mut self) -> Data {
        let x = self.matrix(SIZES[0], BATCH, 1.0);
        let class = |point: &[f64]| match point[0] * point[1] + point[2] - 0.5 * point[3] {
            height if height < -0.4 => 0,
            height if height < 0.4 => 1,
            _ => 2,
        };
        let of = |i: usize, j: usize| f64::from(class(x.column(j).as_slice()) == i);
        let class = DMatrix::from_fn(SIZES[3], BATCH, of);
        (x, class)
    }
}

/// The share of the points whose class has the largest score.
fn accuracy(network: &Network<f64>, (x, class): &Data) -> Result<f64, MatrixError> {
    let scores = scores(network, x)?;
    let right = (0..BATCH).filter(|&j| scores.column(j).imax() == class.column(j).imax());
    Ok(right.count() as f64 / BATCH as f64)
}

fn main() -> Result<(), MatrixError> {
    let mut random = Random(1);
    let mut network: Network<f64> = SIZES
        .windows(2)
        .map(|size| {
            let w = random.matrix(size[1], size[0], (3.0 / size[0] as f64).sqrt());
            (Matrix::from(w), Vector::from(DVector::zeros(size[1])))
        })
        .collect();

    // The gradient in one direction, against a difference.
    let data = random.data();
    let (first, slope) = value_and_gradient(|network| loss(network, &data), &network)?;
    let moved = |step: f64| {
        let mut moved = network.clone();
        moved.zip_reals::<f64>(&slope, &mut |x, slope| *x += step * slope);
        loss(&moved, &data)
    };
    let difference = (moved(1e-4)? - moved(-1e-4)?) / 2e-4;
    let square: f64 = slope.to_reals().iter().map(|slope| slope * slope).sum();
    assert!((difference - square).abs() < 1e-6 * square, "{difference} {square}");

    let mut adam = Adam::new(0.01);
    for step in 0..300 {
        let data = random.data();
        let (value, slope) = value_and_gradient(|network| loss(network, &data), &network)?;
        adam.step(&mut network, &slope);
        if step % 50 == 0 {
            println!("step {step}: loss {value:.4}");
        }
    }

    let new: Vec<Data> = (0..20).map(|_| random.data()).collect();
    let losses: f64 = new.iter().map(|data| loss(&network, data)).sum::<Result<f64, _>>()?;
    let right: f64 = new.iter().map(|data| accuracy(&network, data)).sum::<Result<f64, _>>()?;
    let (last, right) = (losses / new.len() as f64, right / new.len() as f64);
    println!("new points: loss {last:.4}, {:.1} % in the right class", 100.0 * right);
    assert!(last < 0.3 * first && right > 0.9, "{first} {last} {right}");
    Ok(())
}
