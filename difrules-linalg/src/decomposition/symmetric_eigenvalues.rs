use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::block::{block, block_mut, multiply};
use crate::decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
use crate::error::Error;
use crate::sample;

/// The eigenvalues of a Hermitian A, of which only the lower triangle is read, in increasing order.
///
/// A is Hermitian by contract, so its cotangent is.
///
/// Where eigenvalues repeat the derivatives of each alone depend on a choice of eigenvectors; those of
/// symmetric functions of them, as their sum, do not and are right.
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
    saves = values_and_vectors -> OMatrix<T, D, D>,
    reads(),
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
) -> Result<(OVector<T::Real, D>, OMatrix<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let SymmetricEigen { eigenvalues, eigenvectors } = symmetric_eigen(a)?;
    Ok((eigenvalues, eigenvectors))
}

fn symmetric_eigenvalues_forward<T: Scalar, D: Dim>(
    vectors: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OVector<T::Real, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let (size, _) = vectors.shape_generic();
    let mut product = OMatrix::<T, D, D>::zeros_generic(size, size);
    let factors = ((block(a_dot), false), (block(vectors), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    OVector::from_fn_generic(size, U1, |i, _| vectors.column(i).dotc(&product.column(i)).real())
}

fn symmetric_eigenvalues_reverse<T: Scalar, D: Dim>(
    vectors: &OMatrix<T, D, D>,
    values_bar: Cotangent<'_, OVector<T::Real, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    a_bar.add(|| {
        let mut scaled = vectors.clone();
        for (mut column, &value_bar) in scaled.column_iter_mut().zip(values_bar.iter()) {
            column.apply(|x| *x = x.scale(value_bar));
        }
        let mut a_bar = scaled.clone();
        let factors = ((block(&scaled), false), (block(vectors), true));
        multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut a_bar));
        a_bar
    });
}
