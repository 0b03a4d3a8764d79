//! The solution of a sparse system by its Cholesky factor.

use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DVector, DefaultAllocator, Dim, Dyn, OMatrix};

use super::cholesky::sample_pattern;
use super::symmetric::SymmetricPattern;
use crate::block::{add_cotangent, block, block_mut, buffer};
use crate::error::{Error, finite, shape, solved};

/// A^-1 B from the entries of the Cholesky factor of a sparse A, as [`sparse_cholesky`](fn@super::sparse_cholesky) gives
/// them.
///
/// # Errors
/// [`Error::DimensionMismatch`] if the shapes do not fit, [`Error::NotFinite`] with the row and the column of L, or of B,
/// [`Error::Singular`] with a row of A if a diagonal entry is zero or the solution overflows.
///
/// # Derivation
/// As for [`cholesky_solve`](fn@crate::cholesky_solve), in the order of elimination: with W = A^-1 X_bar, B_bar = W and
/// L_bar = -W (L^H X)^H - X (L^H W)^H, of which what L has entries for counts. Forward A dX = dB - (dL L^H + L dL^H) X. All of it
/// takes the entries of L times the columns of B.
///
/// ```
/// use difrules_linalg::sparse::{SymmetricPattern, sparse_cholesky, sparse_cholesky_solve};
/// use nalgebra::{dmatrix, dvector};
/// use nalgebra_sparse::CscMatrix;
/// use std::sync::Arc;
///
/// let a = CscMatrix::from(&dmatrix![4.0, 2.0; 2.0, 5.0]);
/// let pattern = Arc::new(SymmetricPattern::new(a.pattern())?);
/// let l = sparse_cholesky(&pattern, &pattern.values(&a)?)?;
/// assert_eq!(sparse_cholesky_solve(&pattern, &l, &dvector![8.0, 12.0])?, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = cholesky_solve_forward,
    reverse = cholesky_solve_reverse,
    reads(pattern, l, return),
    constant(pattern),
    optional(l, b),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sparse_cholesky_solve<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
) -> Result<OMatrix<T, Dyn, C>, Error>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let analysis = pattern.analysis();
    shape("l", l.shape(), (analysis.count(), 1))?;
    shape("b", b.shape(), (analysis.size(), b.ncols()))?;
    if let Some(at) = l.iter().position(|l| !l.is_finite()) {
        let column = analysis.offsets.partition_point(|start| *start <= at) - 1;
        return Err(Error::NotFinite { argument: "l", row: analysis.rows[at], column });
    }
    finite("b", b)?;
    let pivots = analysis.pivots(l.as_slice());
    if let Some(pivot) = pivots.iter().position(|x| x.norm1() == nalgebra::zero()) {
        return Err(Error::Singular { pivot, reciprocal_condition: 0.0 });
    }
    let mut x = b.clone();
    solve_columns(pattern, l, block_mut(&mut x));
    solved(&x, pivots.into_iter())?;
    Ok(x)
}

/// B <- A^-1 B.
pub(super) fn solve_columns<T: Scalar>(
    pattern: &SymmetricPattern,
    l: &DVector<T>,
    mut b: DMatrixViewMut<'_, T>,
) {
    for mut column in b.column_iter_mut() {
        pattern.analysis().solve(l.as_slice(), column.as_mut_slice());
    }
}

fn cholesky_solve_forward<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    x: &OMatrix<T, Dyn, C>,
    l_dot: Option<&DVector<T>>,
    b_dot: Option<&OMatrix<T, Dyn, C>>,
) -> OMatrix<T, Dyn, C>
where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let analysis = pattern.analysis();
    let (rows, columns) = x.shape_generic();
    let mut x_dot = b_dot.cloned().unwrap_or_else(|| OMatrix::zeros_generic(rows, columns));
    if let Some(l_dot) = l_dot {
        let (l, l_dot) = (l.as_slice(), l_dot.as_slice());
        for (mut x_dot, x) in x_dot.column_iter_mut().zip(block(x).column_iter()) {
            let x = analysis.in_order(x.as_slice());
            let first = analysis.lower_product(l_dot, &analysis.adjoint_product(l, &x));
            let second = analysis.lower_product(l, &analysis.adjoint_product(l_dot, &x));
            for (&row, (first, second)) in analysis.order.iter().zip(first.into_iter().zip(second))
            {
                x_dot[row] -= first + second;
            }
        }
    }
    solve_columns(pattern, l, block_mut(&mut x_dot));
    x_dot
}

fn cholesky_solve_reverse<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    x: &OMatrix<T, Dyn, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    l_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let analysis = pattern.analysis();
    let mut w = buffer(&mut x_bar);
    solve_columns(pattern, l, w.as_view_mut());
    if let Some(mut l_bar) = l_bar.buffer() {
        for (w, x) in w.column_iter().zip(block(x).column_iter()) {
            let (w, x) = (analysis.in_order(w.as_slice()), analysis.in_order(x.as_slice()));
            let through_x = analysis.adjoint_product(l.as_slice(), &x);
            let through_w = analysis.adjoint_product(l.as_slice(), &w);
            for (j, (u, v)) in through_x.into_iter().zip(through_w).enumerate() {
                let (u, v) = (u.conjugate(), v.conjugate());
                for place in analysis.offsets[j]..analysis.offsets[j + 1] {
                    let i = analysis.rows[place];
                    l_bar[place] -= w[i] * u + x[i] * v;
                }
            }
        }
    }
    add_cotangent(&x_bar, b_bar);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Arc<SymmetricPattern>, DVector<T>, DMatrix<T>) {
    let pattern = sample_pattern(random);
    let analysis = pattern.analysis();
    let mut l: DVector<T> = random.vector(analysis.count());
    let damping = nalgebra::convert(0.5 / (analysis.size().max(1) as f64).sqrt());
    l.apply(|x| *x = x.scale(damping));
    for &start in &analysis.offsets[..analysis.size()] {
        l[start] = random.positive();
    }
    let columns = random.size(0, 3);
    let b = random.matrix(analysis.size(), columns);
    (pattern, l, b)
}
