//! Random numbers, containers and matrices, for a primitive's `sample`.

use nalgebra::{DMatrix, DVector};

use crate::contract::scalar::Scalar;
use crate::contract::value::{Differentiable, Shape};
use crate::registry::{Sampler, Style};

impl Sampler {
    /// A number whose real parts are uniform between two bounds.
    pub fn between<T: Scalar>(&mut self, least: f64, most: f64) -> T {
        T::build(&(), &mut || nalgebra::convert(self.real_between(least, most)))
    }

    /// A number with normally distributed real parts of variance one.
    pub fn normal<T: Scalar>(&mut self) -> T {
        T::build(&(), &mut || nalgebra::convert(self.real_normal()))
    }

    /// A positive number away from zero, up to 3.
    pub fn positive<T: Scalar>(&mut self) -> T {
        let real: <T as Scalar>::Real = self.between(0.3, 3.0);
        T::from_real(real)
    }

    /// A matrix of normally distributed entries.
    pub fn matrix<T: Scalar>(&mut self, rows: usize, columns: usize) -> DMatrix<T> {
        let mut matrix: DMatrix<T> = DMatrix::from_fn(rows, columns, |_, _| self.normal());
        match self.style {
            Style::Symmetric if rows == columns => {
                for j in 0..columns {
                    for i in 0..j {
                        matrix[(i, j)] = matrix[(j, i)].conjugate();
                    }
                    matrix[(j, j)] = T::from_real(matrix[(j, j)].real());
                }
            }
            Style::Diagonal => {
                for j in 0..columns {
                    (0..rows).filter(|i| *i != j).for_each(|i| matrix[(i, j)] = T::zero());
                }
            }
            _ => {}
        }
        matrix
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
