//! A Gaussian Markov random field on a grid, seen through noise, whose parameters are found by maximum likelihood: 100 172
//! nodes, sparse Cholesky factors of matrices of that size, and the derivatives of solutions and determinants through them.
//!
//! The field x has the precision Q = tau (kappa^2 I + G), with G the Laplacian of the graph of neighbours (a conditional
//! autoregression: Besag 1974; Rue and Held 2005, "Gaussian Markov random fields"), and y = x + noise of the variance v. With
//! P = Q + I / v, the precision of x when y is known, and m = P^-1 y / v, its mean,
//!
//! -2 ln p(y) = n ln(2 pi v) + ln det P - ln det Q + y^T (y - m) / v.
//!
//! The gradient is checked against finite differences, and the estimates against the parameters that the data were drawn
//! with, in units of the standard deviations that the curvature gives.
//!
//! ```text
//! cargo run --release --example gmrf
//! cargo run --release --example gmrf -- 900     # nodes
//! ```

#[path = "random/mod.rs"]
mod random;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use difrules_core::{Real, lit, value_and_gradient, value_gradient_and_hvps};
use difrules_linalg::sparse::{SparseSymmetric, SymmetricPattern};
use difrules_linalg::{Lbfgs, Matrix, MatrixError, Vector};
use nalgebra::{DVector, Matrix3, Vector3, vector};
use nalgebra_sparse::{CooMatrix, CscMatrix};
use random::Random;

/// The logarithms of tau, kappa^2 and v.
type Parameters<T> = Vector3<T>;

/// A grid whose nodes are neighbours of those left, right, above and below.
struct Grid {
    /// Pairs of neighbours.
    edges: Vec<(usize, usize)>,
    pattern: Arc<SymmetricPattern>,
    /// The identity and the Laplacian, on the pattern.
    identity: DVector<f64>,
    laplacian: DVector<f64>,
}

impl Grid {
    fn new(rows: usize, columns: usize) -> Result<Self, difrules_linalg::Error> {
        let nodes = rows * columns;
        let below = (0..nodes).filter(|k| k % rows + 1 < rows).map(|k| (k, k + 1));
        let right = (0..nodes).filter(|k| k + rows < nodes).map(|k| (k, k + rows));
        let edges: Vec<_> = below.chain(right).collect();
        let mut laplacian = CooMatrix::new(nodes, nodes);
        for &(i, j) in &edges {
            for (row, column, value) in [(i, i, 1.0), (j, j, 1.0), (i, j, -1.0), (j, i, -1.0)] {
                laplacian.push(row, column, value);
            }
        }
        let laplacian = CscMatrix::from(&laplacian);
        let pattern = SymmetricPattern::new(laplacian.pattern())?;
        let identity = pattern.values(&CscMatrix::identity(nodes))?;
        let laplacian = pattern.values(&laplacian)?;
        Ok(Self { edges, pattern: Arc::new(pattern), identity, laplacian })
    }

    fn nodes(&self) -> usize {
        self.pattern.size()
    }

    /// Q.
    fn precision<T: Real>(&self, tau: T, kappa2: T) -> SparseSymmetric<T> {
        let identity: Vector<T> = Matrix::constant(&self.identity);
        let laplacian: Vector<T> = Matrix::constant(&self.laplacian);
        let values = identity * (tau * kappa2) + laplacian * tau;
        SparseSymmetric::new(&self.pattern, values).expect("values of the pattern")
    }

    /// A field with noise. Q = D^T D for the matrix D of edges and nodes, so Q^-1 D^T z has the covariance Q^-1 for a z of
    /// independent numbers of variance one (Papandreou and Yuille 2010).
    fn draw(&self, at: &Parameters<f64>, seed: u64) -> Result<DVector<f64>, MatrixError> {
        let mut random = Random(seed);
        let [tau, kappa2, variance] = [at[0].exp(), at[1].exp(), at[2].exp()];
        let mut sums =
            DVector::from_fn(self.nodes(), |_, _| (tau * kappa2).sqrt() * random.normal());
        for &(i, j) in &self.edges {
            let difference = tau.sqrt() * random.normal();
            sums[i] += difference;
            sums[j] -= difference;
        }
        let field = self.precision(tau, kappa2).solve(&sums)?;
        let noise = DVector::from_fn(self.nodes(), |_, _| variance.sqrt() * random.normal());
        Ok(&*field + noise)
    }

    /// Minus the logarithm of the likelihood.
    fn loss<T: Real>(&self, at: &Parameters<T>, y: &DVector<f64>) -> Result<T, MatrixError> {
        let [tau, kappa2, variance] = [at[0].exp(), at[1].exp(), at[2].exp()];
        let q = self.precision(tau, kappa2);
        let identity: Vector<T> = Matrix::constant(&self.identity);
        let posterior = q.values() + identity * variance.recip();
        let p = SparseSymmetric::new(&self.pattern, posterior).expect("values of the pattern");
        let factor = p.cholesky()?;
        let mean = factor.solve(y)? * variance.recip();
        let rest = (Matrix::constant(y) - mean).dot(y)? / variance;
        let determinants = factor.ln_determinant()? - q.ln_determinant()?;
        let scale = (variance * lit(2.0 * std::f64::consts::PI)).ln() * lit(self.nodes() as f64);
        Ok((scale + determinants + rest) * lit(0.5))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let nodes: usize = std::env::args().nth(1).map_or(Ok(316 * 317), |nodes| nodes.parse())?;
    let rows = nodes.isqrt().max(2);
    let grid = Grid::new(rows, nodes.div_ceil(rows))?;
    let start = Instant::now();
    let entries = grid.pattern.factor_nnz();
    println!(
        "{} nodes, {} entries of Q below and on the diagonal, {entries} of its factor: {:.1?}",
        grid.nodes(),
        grid.pattern.lower().nnz(),
        start.elapsed()
    );

    let truth = vector![2.0_f64.ln(), 0.1_f64.ln(), 0.2_f64.ln()];
    let y = grid.draw(&truth, 1)?;

    // The gradient far from the optimum.
    let first = vector![0.0, 0.0, 0.0];
    let start = Instant::now();
    let value = grid.loss(&first, &y)?;
    let plain = start.elapsed();
    let start = Instant::now();
    let (same, slope) = value_and_gradient(|x| grid.loss(x, &y), &first)?;
    println!("likelihood {plain:.1?}, with its gradient {:.1?}", start.elapsed());
    assert_eq!(same, value);
    for k in 0..3 {
        let step = Vector3::from_fn(|i, _| if i == k { 1e-5 } else { 0.0 });
        let change = grid.loss(&(first + step), &y)? - grid.loss(&(first - step), &y)?;
        let difference: f64 = change / 2e-5;
        assert!((difference - slope[k]).abs() < 1e-6 * slope.norm(), "{difference} {}", slope[k]);
    }

    let start = Instant::now();
    // Far less than a standard deviation of the estimates, which are all that the data know.
    let optimiser = Lbfgs { tolerance: 1e-6, ..Lbfgs::new() };
    let found = optimiser.minimise(|x| value_and_gradient(|x| grid.loss(x, &y), x), &first)?;
    println!("fitted with {} gradients: {:.1?}", found.evaluations, start.elapsed());

    // The curvature at the optimum says how sure the estimates are.
    let start = Instant::now();
    let axes = [vector![1.0, 0.0, 0.0], vector![0.0, 1.0, 0.0], vector![0.0, 0.0, 1.0]];
    let (_, _, columns) = value_gradient_and_hvps(|x| grid.loss(x, &y), &found.x, &axes)?;
    let curvature = Matrix3::from_columns(&columns);
    println!("curvature: {:.1?}", start.elapsed());
    assert!((curvature - curvature.transpose()).amax() < 1e-8 * curvature.amax());
    let covariance = curvature.cholesky().ok_or("no maximum of the likelihood")?.inverse();
    for (k, name) in ["tau", "kappa^2", "noise"].into_iter().enumerate() {
        let deviation = covariance[(k, k)].sqrt();
        let off = (found.x[k] - truth[k]) / deviation;
        println!(
            "{name:<8} {:.4}, drawn with {:.4}: off by {off:+.2} standard deviations of {:.2} %",
            found.x[k].exp(),
            truth[k].exp(),
            100.0 * deviation
        );
        assert!(off.abs() < 4.0, "{name} is not what the data were drawn with");
    }
    Ok(())
}
