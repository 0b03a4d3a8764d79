//! The unitary factor of a matrix whose rows have sizes of their own, in a derivative mode, by an iteration that takes each row
//! as it is.
//!
//! From X = A, X <- (z X + X^+H / z) / 2 comes to U quadratically, for any z > 0 and any A of full column rank (Higham 1986,
//! "Computing the polar decomposition - with applications"). What the singular vectors of such a matrix make of large rows they
//! take off again in derivatives, and digits of the small rows with it. Here the rows of X^+H have the inverse sizes of those of
//! X, as the rows of the derivatives of both have, and what comes of two rows is a sum.
//!
//! With Y = X^+H, dY = -Y dX^H Y + (1 - X X^+) dX Y^H Y (Golub and Pereyra 1973), which is its own adjoint.

use approx::AbsDiffEq;
use difrules_core::{Real, Scalar};
use nalgebra::{DMatrix, DMatrixView};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::resolvent::order;
use crate::algebra::scaling::{exponent, times_power};
use crate::algebra::weighted::Weighted;
use crate::block::{block, block_mut, multiply, product};
use crate::tolerance::undefined;

/// The steps from a matrix to its unitary factor.
pub(crate) struct Steps<T: Scalar> {
    steps: Vec<Step<T>>,
    /// The power of two that was taken off.
    power: f64,
}

/// One of them.
struct Step<T: Scalar> {
    x: Weighted<T>,
    y: DMatrix<T>,
    z: T::Real,
}

impl<T: Scalar> Steps<T> {
    /// More than the numbers are apart.
    const MOST: usize = 40;

    /// None where it does not come to an end, as where rows depend on each other.
    pub(crate) fn new(a: DMatrixView<'_, T>) -> Option<Self> {
        let columns = a.ncols();
        // The middle of the sizes of as many rows as there are columns.
        let mut sizes: Vec<f64> = a.row_iter().map(|row| exponent(row.iter())).collect();
        sizes.sort_by(|x, y| y.total_cmp(x));
        let power = ((sizes.first()? + sizes.get(columns.checked_sub(1)?)?) / 2.0).floor();
        let mut x = a.map(|x| times_power(x, -power));
        let (mut steps, mut last) = (Vec::new(), 0);
        while last < 2 + order::<T::Real>() {
            if steps.len() == Self::MOST {
                return None;
            }
            let weighted = Weighted::of_graded(block(&x)).ok()?;
            let y =
                weighted.solve_adjoint(x.shape_generic(), &DMatrix::identity(columns, columns))?;
            let (of_x, of_y) = (exponent(x.iter()), exponent(y.iter()));
            let z: T::Real = nalgebra::convert(((of_y - of_x) / 2.0).round().exp2());
            let step = Step { x: weighted, y, z };
            let next = step.middle(x.clone(), &step.y);
            let moved = largest_modulus((&next - &x).iter());
            // What is left is the square of that, and then of its derivatives.
            if moved < T::Real::default_epsilon().to_f64().cbrt() {
                last += 1;
            }
            steps.push(step);
            x = next;
        }
        Some(Self { steps, power })
    }

    /// The tangent of U by that of A.
    pub(crate) fn along(&self, a_dot: DMatrixView<'_, T>) -> DMatrix<T> {
        let first = a_dot.map(|x| times_power(x, -self.power));
        self.steps.iter().fold(first, |moved, step| step.along(moved))
    }

    /// The cotangent of A by that of U.
    pub(crate) fn back(&self, u_bar: DMatrix<T>) -> DMatrix<T> {
        let first = self.steps.iter().rev().fold(u_bar, |moved, step| step.along(moved));
        first.map(|x| times_power(x, -self.power))
    }
}

impl<T: Scalar> Step<T> {
    /// (z X + Y / z) / 2.
    fn middle(&self, x: DMatrix<T>, y: &DMatrix<T>) -> DMatrix<T> {
        let half: T::Real = nalgebra::convert(0.5);
        x.zip_map(y, |x, y| (x.scale(self.z) + y.unscale(self.z)).scale(half))
    }

    fn along(&self, moved: DMatrix<T>) -> DMatrix<T> {
        let one = T::one();
        let y = (block(&self.y), false);
        let onto = product((block(&moved), true), y);
        let mut y_moved = product(y, (block(&onto), false));
        y_moved.neg_mut();
        if moved.nrows() > moved.ncols() {
            let rest = self.x.residual(&moved).unwrap_or_else(|| moved.map(|_| undefined()));
            let gram = product((y.0, true), y);
            multiply(
                one,
                (block(&rest), false),
                (block(&gram), false),
                one,
                &mut block_mut(&mut y_moved),
            );
        }
        self.middle(moved, &y_moved)
    }
}
