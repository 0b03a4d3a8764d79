use std::ops::Range;

use difrules_core::{Cotangent, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::algebra::hermitian_eigen::{Order, gradient_of_eigenvalues, second_order, split_values};
use crate::algebra::modulus::largest_modulus;
use crate::block::{block, block_mut, multiply};
use crate::decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
use crate::error::Error;
use crate::sample;
use crate::tolerance::Sizes;

/// The eigenvalues of a Hermitian A, of which only the lower triangle is read, in increasing order.
///
/// A is Hermitian by contract, so its cotangent is.
///
/// Symmetric functions of eigenvalues that repeat, as their sum, have derivatives, which are right, second
/// derivatives too by forward over reverse mode, as `hvp` and `hessian` take them, and by forward over forward mode
/// where one basis of eigenvectors splits the value along both directions, as it does along the same twice. By reverse
/// over either mode these are NaN: what second derivatives ask of values that are one differs among them, and belongs to
/// the basis that the first direction splits them by. The rule of the values gets the cotangents and not the direction. The trace of
/// [`symmetric_function`](fn@crate::symmetric_function) has them in every mode over every other. Each alone has a kink
/// there: its tangents are those of the values that the direction splits it into, in their order, and a cotangent that is
/// not the same for all that are one gives NaN and is [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With the eigenvectors V, which are saved for the rules, dw_i = v_i^H dA v_i (Magnus 1985, "On
/// differentiating eigenvalues and eigenvectors", theorem 1), so A_bar = V diag(w_bar) V^H: one
/// product each, 2 n^3 multiplications and additions.
///
/// ```
/// use difrules_linalg::symmetric_eigenvalues;
/// use nalgebra::{dmatrix, dvector};
///
/// let values = symmetric_eigenvalues(&dmatrix![2.0_f64, 1.0; 1.0, 2.0])?;
/// assert!((values - dvector![1.0, 3.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symmetric_eigenvalues_forward,
    reverse = symmetric_eigenvalues_reverse,
    saves = values_and_vectors -> SymmetricEigen<T, D>,
    reads(a),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::hermitian
)]
pub fn symmetric_eigenvalues<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<OVector<T::Real, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    values_and_vectors(a).map(|(values, _)| values)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn values_and_vectors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<(OVector<T::Real, D>, SymmetricEigen<T, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    // Derivatives of the vectors are asked for by nobody.
    let eigen = diagnosed(|| symmetric_eigen(a)).0?;
    Ok((eigen.eigenvalues.clone(), eigen))
}

fn symmetric_eigenvalues_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OVector<T::Real, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let SymmetricEigen { eigenvalues: values, eigenvectors: vectors } = eigen;
    let (size, _) = vectors.shape_generic();
    let mut product = OMatrix::<T, D, D>::zeros_generic(size, size);
    let factors = ((block(a_dot), false), (block(vectors), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    let mut values_dot = OVector::from_fn_generic(size, U1, |i, _| {
        vectors.column(i).dotc(&product.column(i)).real()
    });
    let sizes = Sizes::of_eigenvalues(values.as_slice(), block(vectors));
    let clusters = |range: Range<usize>| {
        let (left, right) = (block(vectors), block(&product));
        let left = left.columns_range(range.clone()).into_owned();
        let right = right.columns_range(range).into_owned();
        crate::block::product((block(&left), true), (block(&right), false))
    };
    let (all, order) = (largest_modulus(a_dot.iter()), Order::Increasing);
    let blocks = (clusters, second_order(a, values, vectors, a_dot));
    split_values(&sizes, values.as_slice(), all, order, blocks, values_dot.as_mut_slice());
    values_dot
}

fn symmetric_eigenvalues_reverse<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    values_bar: Cotangent<'_, OVector<T::Real, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    a_bar.add(|| gradient_of_eigenvalues(a, eigen, &values_bar.into_owned()));
}
