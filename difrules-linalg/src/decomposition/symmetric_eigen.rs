use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::algebra::hermitian_eigen::{
    gradient_of_eigenvalues, hermitian_eigen, hermitian_eigen_forward, hermitian_eigen_reverse,
    vectors_alone_reverse,
};
use crate::blas::options::{Diagonal, Triangle};
use crate::block::{block, buffer, varies};
use crate::error::{Error, finite_triangle, square};
use crate::sample;
use crate::tolerance::{Sizes, asks};

/// The factors of [`symmetric_eigen`](fn@symmetric_eigen): A = V diag(w) V^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct SymmetricEigen<T, D>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// w, in increasing order.
    pub eigenvalues: OVector<T::Real, D>,
    /// V: orthonormal columns, of which the largest entry is real and positive.
    pub eigenvectors: OMatrix<T, D, D>,
}

/// The eigenvalues and eigenvectors of a Hermitian A, of which only the lower triangle is read: the
/// values in increasing order, the vectors orthonormal, with the first of their largest entries real
/// and positive.
///
/// A is Hermitian by contract, so its cotangent is: whichever triangle the primal reads, both get
/// their half.
///
/// # Where eigenvalues repeat
/// Eigenvectors are any basis then, and have no derivatives along directions that split the eigenvalue; the
/// eigenvalues move as these split it, in order. A gradient of what depends on the basis, or of V f(w) V^H put together
/// from the factors, is not determined by their cotangents, also where these come out as zero. What is not determined is
/// NaN and [reported](difrules_core::report), or left out [where that is set](difrules_core::leaving_out_undefined). For
/// V f(w) V^H there is [`symmetric_function`](fn@crate::symmetric_function), for the values
/// [`symmetric_eigenvalues`](fn@crate::symmetric_eigenvalues).
///
/// # Where two of them are close
/// First derivatives of V f(w) V^H put together from the factors lose as many digits as the gap has less than the values, and
/// second derivatives twice as many: these are NaN where nothing would be left of them, below the cube root of the
/// rounding. [`symmetric_function`](fn@crate::symmetric_function) loses none. A vector whose own value is apart from all
/// others has derivatives that lose nothing by how close these are, or that they repeat.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// dw_i = (V^H dA V)_ii and V^H dV = F o (V^H dA V) with F_ij = 1 / (w_j - w_i) (Magnus 1985, "On
/// differentiating eigenvalues and eigenvectors"; Giles 2008, "Collected matrix derivative results",
/// section 3.1); the phase, the repeated eigenvalues and the adjoint: `algebra/hermitian_eigen.rs`. Each rule is
/// three products, 6 n^3 multiplications and additions, beside some 9 n^3 of the primal.
///
/// ```
/// use difrules_linalg::symmetric_eigen;
/// use nalgebra::{dmatrix, dvector};
///
/// let eigen = symmetric_eigen(&dmatrix![0.0_f64, -1.0; -1.0, 0.0])?;
/// assert!((eigen.eigenvalues - dvector![-1.0, 1.0]).norm() < 1e-15);
/// let half = 0.5_f64.sqrt();
/// assert!((eigen.eigenvectors.column(0) - dvector![half, half]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = symmetric_eigen_forward,
    reverse = symmetric_eigen_reverse,
    reads(a, return),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::hermitian
)]
pub fn symmetric_eigen<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
) -> Result<SymmetricEigen<T, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    square("a", a.shape())?;
    finite_triangle("a", Triangle::Lower, Diagonal::General, a)?;
    let (eigenvalues, eigenvectors) = hermitian_eigen(a)?;
    let eigen = SymmetricEigen { eigenvalues, eigenvectors };
    jumps("symmetric_eigen", repeats(&eigen));
    Ok(eigen)
}

/// Whether an eigenvalue repeats, so that its eigenvectors jump.
fn repeats<T: Scalar, D: Dim>(eigen: &SymmetricEigen<T, D>) -> bool
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let values = eigen.eigenvalues.as_slice();
    Sizes::of_eigenvalues(values, block(&eigen.eigenvectors)).differences_vanish(values)
}

fn symmetric_eigen_forward<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> SymmetricEigen<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let SymmetricEigen { eigenvalues, eigenvectors } = eigen;
    let (eigenvalues, eigenvectors) =
        hermitian_eigen_forward("symmetric_eigen", eigenvalues, eigenvectors, (a, a_dot));
    SymmetricEigen { eigenvalues, eigenvectors }
}

fn symmetric_eigen_reverse<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    (values_bar, mut vectors_bar): Cotangent<'_, SymmetricEigen<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let SymmetricEigen { eigenvalues, eigenvectors } = eigen;
    a_bar.add(|| {
        let alone = if !<T::Real as Real>::BASE && varies(&vectors_bar) {
            let vectors_bar = &mut buffer(&mut vectors_bar);
            vectors_alone_reverse(a, eigenvalues, eigenvectors, vectors_bar)
        } else {
            None
        };
        // Of the values alone the second derivatives are those of symmetric_eigenvalues.
        let asked = || varies(&vectors_bar) || asks(vectors_bar.iter()) && repeats(eigen);
        let bar = if !<T::Real as Real>::BASE && !asked() {
            gradient_of_eigenvalues(a, eigen, &values_bar.into_owned())
        } else {
            hermitian_eigen_reverse(
                "symmetric_eigen",
                eigenvalues,
                eigenvectors,
                values_bar.as_slice(),
                &mut buffer(&mut vectors_bar),
            )
        };
        match alone {
            Some(alone) => bar + alone,
            None => bar,
        }
    });
}
