//! Random points of a primitive's domain.

use nalgebra::{DMatrix, DVector};

use crate::scalar::Scalar;
use crate::value::{Differentiable, Shape};

/// Draws the points at which a checker evaluates a primitive: what `sample = ..` is given.
///
/// Sizes and other choices come from one stream of random numbers, the numbers themselves from
/// another, so that a second point of the same shapes can be drawn; their difference is a
/// direction that respects the structure of the arguments (symmetric, triangular, ...).
///
/// ```
/// use difrules_core::testing::Sampler;
/// use nalgebra::DMatrix;
///
/// let mut random = Sampler::new(1, 2);
/// let (rows, columns) = (random.size(0, 5), random.size(0, 5));
/// let a: DMatrix<f64> = random.matrix(rows, columns);
/// assert_eq!(a.shape(), (rows, columns));
/// ```
#[derive(Debug, Clone)]
pub struct Sampler {
    shapes: fastrand::Rng,
    numbers: fastrand::Rng,
}

impl Sampler {
    /// A sampler with a seed for the shapes and one for the numbers.
    pub fn new(shapes: u64, numbers: u64) -> Self {
        Self {
            shapes: fastrand::Rng::with_seed(shapes),
            numbers: fastrand::Rng::with_seed(numbers),
        }
    }

    /// A size from `least` to `most`.
    ///
    /// # Panics
    /// If `most` is smaller.
    pub fn size(&mut self, least: usize, most: usize) -> usize {
        self.shapes.usize(least..=most)
    }

    /// One of several choices.
    ///
    /// # Panics
    /// If there is none.
    pub fn choose<C: Clone>(&mut self, choices: &[C]) -> C {
        choices[self.shapes.usize(0..choices.len())].clone()
    }

    /// A number whose real parts are uniform between two bounds.
    pub fn between<T: Scalar>(&mut self, least: f64, most: f64) -> T {
        T::build(&(), &mut || nalgebra::convert(least + (most - least) * self.numbers.f64()))
    }

    /// A number with normally distributed real parts of variance one.
    pub fn normal<T: Scalar>(&mut self) -> T {
        T::build(&(), &mut || {
            // Box and Muller; 1 - u is never 0.
            let (u, v) = (self.numbers.f64(), self.numbers.f64());
            nalgebra::convert((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos())
        })
    }

    /// A positive number away from zero, up to 3.
    pub fn positive<T: Scalar>(&mut self) -> T {
        let real: <T as Scalar>::Real = self.between(0.3, 3.0);
        T::from_real(real)
    }

    /// A matrix of normally distributed entries.
    pub fn matrix<T: Scalar>(&mut self, rows: usize, columns: usize) -> DMatrix<T> {
        DMatrix::from_fn(rows, columns, |_, _| self.normal())
    }

    /// A vector of normally distributed entries.
    pub fn vector<T: Scalar>(&mut self, rows: usize) -> DVector<T> {
        DVector::from_fn(rows, |_, _| self.normal())
    }

    /// A value of a given shape with normally distributed real numbers.
    pub fn like<X: Differentiable>(&mut self, shape: &Shape<X>) -> X {
        X::build(shape, &mut || self.normal())
    }

    /// A Hermitian positive definite matrix.
    pub fn positive_definite<T: Scalar>(&mut self, size: usize) -> DMatrix<T> {
        let factor: DMatrix<T> = self.matrix(size, size);
        let mut product = &factor * factor.adjoint();
        for i in 0..size {
            product[(i, i)] = T::from_real(product[(i, i)].real() + nalgebra::one());
        }
        product
    }

    /// A lower triangular matrix with a diagonal away from zero; its condition does not grow with
    /// its size.
    pub fn lower_triangular<T: Scalar>(&mut self, size: usize) -> DMatrix<T> {
        let damping = nalgebra::convert(0.5 / (size.max(1) as f64).sqrt());
        DMatrix::from_fn(size, size, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Less => T::zero(),
            std::cmp::Ordering::Equal => self.positive(),
            std::cmp::Ordering::Greater => self.normal::<T>().scale(damping),
        })
    }
}
