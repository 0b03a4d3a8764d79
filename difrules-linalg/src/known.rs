//! Factors that a caller knows already.

use std::sync::Arc;

use difrules_core::{Real, Scalar};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimMin, DimMinimum};

use crate::decomposition::svd::Svd;
use crate::decomposition::symmetric_eigen::SymmetricEigen;

/// The plain numbers of the factors of an argument, or nothing: it saves a decomposition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known(Option<Arc<[f64]>>);

impl Known {
    fn new<'a, T: Scalar>(
        first: impl Iterator<Item = &'a T>,
        values: impl Iterator<Item = &'a T::Real>,
        last: impl Iterator<Item = &'a T>,
    ) -> Self {
        let mut reals = Vec::new();
        let push = |reals: &mut Vec<f64>, mut x: T| {
            reals.extend(x.parts_mut().iter().map(|part| part.to_f64()));
        };
        first.for_each(|&x| push(&mut reals, x));
        reals.extend(values.map(|x| x.to_f64()));
        last.for_each(|&x| push(&mut reals, x));
        Self(Some(reals.into()))
    }

    /// U, s and V^H.
    pub(crate) fn svd<T: Scalar, R: DimMin<C>, C: Dim>(svd: &Svd<T, R, C>) -> Self
    where
        DefaultAllocator: Allocator<R, DimMinimum<R, C>>
            + Allocator<DimMinimum<R, C>, C>
            + Allocator<DimMinimum<R, C>>,
    {
        Self::new(svd.u.iter(), svd.singular_values.iter(), svd.v_t.iter())
    }

    /// w and V.
    pub(crate) fn eigen<T: Scalar, D: Dim>(eigen: &SymmetricEigen<T, D>) -> Self
    where
        DefaultAllocator: Allocator<D, D> + Allocator<D>,
    {
        Self::new(std::iter::empty(), eigen.eigenvalues.iter(), eigen.eigenvectors.iter())
    }

    /// What a rule has saved by [`saved`].
    pub(crate) fn again(saved: &Arc<[f64]>) -> Self {
        Self(Some(saved.clone()))
    }

    /// The numbers, in order.
    pub(crate) fn reals(&self) -> Option<impl Iterator<Item = f64> + '_> {
        self.0.as_ref().map(|reals| reals.iter().copied())
    }
}

/// The plain numbers of matrices, in order.
pub(crate) fn saved<T: Scalar>(matrices: &[&DMatrix<T>]) -> Arc<[f64]> {
    let numbers = matrices.iter().flat_map(|matrix| matrix.iter());
    let mut reals = Vec::new();
    for &(mut x) in numbers {
        reals.extend(x.parts_mut().iter().map(|part| part.to_f64()));
    }
    reals.into()
}

/// The next number of factors; it is asked for as often as there are some.
pub(crate) fn next<T: Scalar>(reals: &mut impl Iterator<Item = f64>) -> T {
    let mut x = T::zero();
    for part in x.parts_mut() {
        *part = nalgebra::convert(reals.next().unwrap_or(f64::NAN));
    }
    x
}

/// The next square matrix of factors.
pub(crate) fn next_square<T: Scalar>(
    reals: &mut impl Iterator<Item = f64>,
    size: usize,
) -> DMatrix<T> {
    DMatrix::from_fn(size, size, |_, _| next(reals))
}
