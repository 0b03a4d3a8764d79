//! Iterations that solve with a matrix of which only products are known.

use nalgebra::DVector;

/// What [`gmres`] is called.
pub(super) const GMRES: &str = "GMRES";
/// What [`conjugate_gradients`] is called.
pub(super) const CG: &str = "CG";

/// An iteration that did not come to an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsolved {
    pub(super) method: &'static str,
    pub(super) iterations: usize,
    pub(super) residual: f64,
}

impl Unsolved {
    /// What a rule says of it.
    pub(super) fn reason(&self) -> String {
        let Self { method, iterations, residual } = self;
        format!("{method} left {residual:e} of the right-hand side after {iterations} products")
    }
}

/// When an iteration ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// What may be left of the right-hand side, relative to it.
    pub(super) tolerance: f64,
    pub(super) iterations: usize,
}

impl Limits {
    /// What may be left of a right-hand side of length one: what rounds in a product cannot be taken off. That is
    /// little, or x has grown as it does where the matrix is singular.
    fn allowed(&self, size: f64, x: &DVector<f64>) -> f64 {
        self.tolerance + (f64::EPSILON * size * x.norm()).min(1e-8)
    }
}

/// A right-hand side made one of length one, and its length; the solution, where that is known without an iteration.
fn normalised(b: &DVector<f64>) -> Result<(DVector<f64>, f64), DVector<f64>> {
    let size = b.amax();
    if b.iter().any(|x| !x.is_finite()) {
        return Err(DVector::from_element(b.len(), f64::NAN));
    }
    if size == 0.0 {
        return Err(DVector::zeros(b.len()));
    }
    let scaled = b / size;
    let norm = scaled.norm();
    Ok((scaled / norm, size * norm))
}

/// Solves A x = b by the method of generalised minimal residuals, which starts again after `restart` products.
///
/// Saad and Schultz 1986, "GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear systems".
/// A new direction is made orthogonal to the others twice.
pub(super) fn gmres(
    limits: Limits,
    restart: usize,
    product: impl Fn(&DVector<f64>) -> DVector<f64>,
    b: &DVector<f64>,
) -> Result<DVector<f64>, Unsolved> {
    let (b, scale) = match normalised(b) {
        Ok(normalised) => normalised,
        Err(known) => return Ok(known),
    };
    let restart = restart.clamp(1, b.len());
    let mut x = DVector::zeros(b.len());
    let mut residual = b.clone();
    let (mut iterations, mut size) = (0, 0.0_f64);
    loop {
        let left = residual.norm();
        if left <= limits.allowed(size, &x) {
            return Ok(x * scale);
        }
        if iterations >= limits.iterations || !left.is_finite() {
            return Err(Unsolved { method: GMRES, iterations, residual: left });
        }
        let mut basis = vec![&residual / left];
        // The columns of the triangle that the rotations make of the Hessenberg matrix, and what they make of the
        // residual.
        let mut triangle: Vec<Vec<f64>> = Vec::new();
        let mut rotations: Vec<(f64, f64)> = Vec::new();
        let mut g = vec![left];
        while triangle.len() < restart && iterations < limits.iterations {
            iterations += 1;
            let k = triangle.len();
            let mut w = product(&basis[k]);
            let norm = w.norm();
            size = size.max(norm);
            let mut column = vec![0.0; k + 1];
            for _ in 0..2 {
                for (v, h) in basis.iter().zip(&mut column) {
                    let along = v.dot(&w);
                    *h += along;
                    w.axpy(-along, v, 1.0);
                }
            }
            let mut next = w.norm();
            // All that can be reached is reached.
            let last = next.is_nan() || next <= 1e-14 * norm.max(f64::MIN_POSITIVE);
            if last && !next.is_nan() {
                next = 0.0;
            }
            for (i, &(c, s)) in rotations.iter().enumerate() {
                let (above, below) = (column[i], column[i + 1]);
                column[i] = c * above + s * below;
                column[i + 1] = c * below - s * above;
            }
            let length = column[k].hypot(next);
            if length.is_nan() || length <= 1e-15 * size {
                // The matrix maps what was reached into less than that: it is singular.
                break;
            }
            let (c, s) = (column[k] / length, next / length);
            column[k] = length;
            rotations.push((c, s));
            g.push(-s * g[k]);
            g[k] *= c;
            triangle.push(column);
            if last || g[k + 1].abs() <= 0.1 * limits.tolerance {
                break;
            }
            basis.push(w / next);
        }
        let steps = triangle.len();
        let mut y = vec![0.0; steps];
        for i in (0..steps).rev() {
            let known: f64 = (i + 1..steps).map(|j| triangle[j][i] * y[j]).sum();
            y[i] = (g[i] - known) / triangle[i][i];
        }
        for (v, y) in basis.iter().zip(&y) {
            x.axpy(*y, v, 1.0);
        }
        residual = &b - product(&x);
        let now = residual.norm();
        if now.is_nan() || now >= 0.999 * left && now > limits.allowed(size, &x) {
            return Err(Unsolved { method: GMRES, iterations, residual: now });
        }
    }
}

/// Solves A x = b for a positive definite A by conjugate gradients.
///
/// Hestenes and Stiefel 1952, "Methods of conjugate gradients for solving linear systems".
pub(super) fn conjugate_gradients(
    limits: Limits,
    product: impl Fn(&DVector<f64>) -> DVector<f64>,
    b: &DVector<f64>,
) -> Result<DVector<f64>, Unsolved> {
    let (b, scale) = match normalised(b) {
        Ok(normalised) => normalised,
        Err(known) => return Ok(known),
    };
    let mut x = DVector::zeros(b.len());
    let mut residual = b.clone();
    let mut direction = residual.clone();
    let mut square = residual.norm_squared();
    let mut size = 0.0_f64;
    for iterations in 0..=limits.iterations {
        if square.sqrt() <= limits.allowed(size, &x) {
            // The recursion of the residual drifts: it is what is left that counts.
            let left = (&b - product(&x)).norm();
            if left <= 10.0 * limits.allowed(size, &x) {
                return Ok(x * scale);
            }
            return Err(Unsolved { method: CG, iterations, residual: left });
        }
        let image = product(&direction);
        let curvature = direction.dot(&image);
        if curvature.is_nan() || curvature <= 0.0 || iterations == limits.iterations {
            return Err(Unsolved { method: CG, iterations, residual: square.sqrt() });
        }
        size = size.max(image.norm() / direction.norm());
        let step = square / curvature;
        x.axpy(step, &direction, 1.0);
        residual.axpy(-step, &image, 1.0);
        let next = residual.norm_squared();
        direction *= next / square;
        direction += &residual;
        square = next;
    }
    unreachable!("the last step returns")
}
