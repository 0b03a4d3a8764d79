//! Points of the domains of several primitives, for the checker.

use difrules_core::Scalar;
use difrules_core::testing::Sampler;
use nalgebra::DMatrix;

use crate::algebra::hermitian_eigen::hermitian as hermitian_part;

/// Any matrix.
pub(crate) fn matrix<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    random.matrix(rows, columns)
}

/// A matrix that has entries.
pub(crate) fn not_empty<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let (rows, columns) = (random.size(1, 5), random.size(1, 5));
    random.matrix(rows, columns)
}

/// Two matrices of one shape.
pub(crate) fn two<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.size(0, 5), random.size(0, 5));
    (random.matrix(rows, columns), random.matrix(rows, columns))
}

/// A square matrix.
pub(crate) fn square<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let size = random.size(0, 5);
    random.matrix(size, size)
}

/// A Hermitian positive definite matrix.
pub(crate) fn positive_definite<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let size = random.choose(&[0, 1, 2, 5, 9, 20]);
    random.positive_definite(size)
}

/// A lower triangular matrix and a right-hand side.
pub(crate) fn lower_and_right_side<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    (random.lower_triangular(size), random.matrix(size, columns))
}

/// A Hermitian matrix.
pub(crate) fn hermitian<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let size = random.choose(&[0, 1, 2, 3, 5]);
    hermitian_part(&random.matrix(size, size))
}

/// A square matrix whose eigenvalues have positive real parts: far from normal, with eigenvalues that repeat, or
/// neither.
pub(crate) fn principal<T: Scalar>(random: &mut Sampler) -> DMatrix<T> {
    let size = random.size(0, 3);
    let mut a: DMatrix<T> = random.matrix(size, size);
    let triangular = random.choose(&[true, false]);
    if triangular {
        a.fill_lower_triangle(T::zero(), 0);
    }
    let (factor, middle) = (nalgebra::convert(0.4), nalgebra::convert(1.7));
    a.apply(|x| *x = x.scale(factor));
    (0..size).for_each(|i| a[(i, i)] += T::from_real(middle));
    a
}
