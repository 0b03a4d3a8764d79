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
/// As for [`cholesky_solve`](fn@crate::cholesky_solve), in the order of elimination: with Z = L^-1 B, dZ = L^-1 (dB - dL Z)
/// and dX = L^-H (dZ - dL^H X); and with Y = L^-1 X_bar and W = L^-H Y, B_bar = W and L_bar = -W Z^H - X Y^H, of which what L
/// has entries for counts. All of it takes the entries of L times the columns of B.
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
    reads(pattern, l, b, return),
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
    b: &OMatrix<T, Dyn, C>,
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
    let Some(l_dot) = l_dot else {
        solve_columns(pattern, l, block_mut(&mut x_dot));
        return x_dot;
    };
    let (l, l_dot) = (l.as_slice(), l_dot.as_slice());
    for k in 0..x.ncols() {
        let in_order = |m: &OMatrix<T, Dyn, C>| analysis.in_order(block(m).column(k).as_slice());
        let [mut z, x, mut dot] = [b, x, &x_dot].map(in_order);
        analysis.solve_lower(l, &mut z);
        take_off(&mut dot, analysis.lower_product(l_dot, &z));
        analysis.solve_lower(l, &mut dot);
        take_off(&mut dot, analysis.adjoint_product(l_dot, &x));
        analysis.solve_adjoint(l, &mut dot);
        analysis.order.iter().zip(dot).for_each(|(&row, dot)| x_dot[(row, k)] = dot);
    }
    x_dot
}

fn take_off<T: Scalar>(x: &mut [T], product: Vec<T>) {
    x.iter_mut().zip(product).for_each(|(x, product)| *x -= product);
}

fn cholesky_solve_reverse<T: Scalar, C: Dim>(
    pattern: &Arc<SymmetricPattern>,
    l: &DVector<T>,
    b: &OMatrix<T, Dyn, C>,
    x: &OMatrix<T, Dyn, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, Dyn, C>>,
    l_bar: Slot<'_, DVector<T>>,
    b_bar: Slot<'_, OMatrix<T, Dyn, C>>,
) where
    DefaultAllocator: Allocator<Dyn> + Allocator<Dyn, C>,
{
    let analysis = pattern.analysis();
    let mut w = buffer(&mut x_bar);
    let Some(mut l_bar) = l_bar.buffer() else {
        solve_columns(pattern, l, w.as_view_mut());
        return add_cotangent(&x_bar, b_bar);
    };
    let l = l.as_slice();
    for (k, mut column) in w.column_iter_mut().enumerate() {
        let in_order = |m: &OMatrix<T, Dyn, C>| analysis.in_order(block(m).column(k).as_slice());
        let [mut z, x] = [b, x].map(in_order);
        let mut y = analysis.in_order(column.as_slice());
        analysis.solve_lower(l, &mut z);
        analysis.solve_lower(l, &mut y);
        let mut w = y.clone();
        analysis.solve_adjoint(l, &mut w);
        for (j, (z, y)) in z.into_iter().zip(y).enumerate() {
            let (z, y) = (z.conjugate(), y.conjugate());
            for place in analysis.offsets[j]..analysis.offsets[j + 1] {
                let i = analysis.rows[place];
                l_bar[place] -= w[i] * z + x[i] * y;
            }
        }
        analysis.order.iter().zip(w).for_each(|(&row, w)| column[row] = w);
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
