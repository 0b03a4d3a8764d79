//! Adam.

use difrules_core::{Differentiable, Real, lit};

/// Adam, steps along a gradient that each number scales by what it was: for losses of which only noisy gradients are
/// known.
///
/// It works on the numbers of any [`Differentiable`] value, a structure with derived tangents or a `Vec` of matrices,
/// at any scalar. Kingma and Ba 2015, "Adam: a method for stochastic optimization", arXiv:1412.6980.
///
/// ```
/// use difrules_core::gradient;
/// use difrules_linalg::{Adam, Matrix, Vector};
/// use nalgebra::{dmatrix, dvector};
///
/// // A layer that is to map (1, 2) to (3, -1).
/// let mut layer = (Matrix::from(dmatrix![0.1_f64, 0.2; 0.3, 0.4]), Vector::from(dvector![0.0, 0.0]));
/// let mut adam = Adam::new(0.05);
/// for _ in 0..2000 {
///     let slope = gradient(
///         |(w, b)| (w * dvector![1.0, 2.0] + b - dvector![3.0, -1.0]).norm_squared(),
///         &layer,
///     );
///     adam.step(&mut layer, &slope);
/// }
/// let (w, b) = layer;
/// assert!((&*w * dvector![1.0, 2.0] + &*b - dvector![3.0, -1.0]).norm() < 1e-3);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Adam<T = f64> {
    /// How long a step is, about, in each number.
    pub rate: T,
    /// How much of the mean of the gradients, and of their squares, each step keeps: 0.9 and 0.999 by default.
    pub decay: [T; 2],
    /// What the root of the mean square is at least: 1e-8 by default.
    pub epsilon: T,
    /// The means, so far, of each number.
    means: Vec<[T; 2]>,
    /// What is missing in the means, since they started at zero.
    missing: [T; 2],
}

impl<T: Real> Adam<T> {
    /// With this rate, and the paper's other settings.
    pub fn new(rate: T) -> Self {
        Self {
            rate,
            decay: [lit(0.9), lit(0.999)],
            epsilon: lit(1e-8),
            means: Vec::new(),
            missing: [T::one(); 2],
        }
    }

    /// Moves `x` along its gradient.
    ///
    /// # Panics
    /// If `gradient` has another shape than `x`, or `x` another number of numbers than before.
    pub fn step<X: Differentiable<Real = T>>(&mut self, x: &mut X, gradient: &X) {
        let count = X::count(&x.shape());
        if self.means.is_empty() {
            self.means = vec![[T::zero(); 2]; count];
        }
        assert_eq!(
            (X::count(&gradient.shape()), self.means.len()),
            (count, count),
            "`x` has {count} numbers: the gradient has to have as many, and `x` in each step"
        );
        for (missing, decay) in self.missing.iter_mut().zip(self.decay) {
            *missing *= decay;
        }
        let mut means = self.means.iter_mut();
        x.zip_reals::<T>(gradient, &mut |x, slope| {
            let mean = means.next().expect("as many as numbers");
            for (power, mean) in
                [slope, slope * slope].into_iter().zip(mean.iter_mut().zip(self.decay))
            {
                let (mean, decay) = mean;
                *mean = decay * *mean + (T::one() - decay) * power;
            }
            let [first, second] = [0, 1].map(|k| mean[k] / (T::one() - self.missing[k]));
            *x -= self.rate * first / (second.sqrt() + self.epsilon);
        });
    }
}
