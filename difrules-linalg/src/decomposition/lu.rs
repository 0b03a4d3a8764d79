use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrixView, DefaultAllocator, Dim, OMatrix, OVector, U1};

use crate::algebra::lu::{
    lu_forward, lu_in_place, lu_jumps, lu_reverse, lu_solve_in_place, permute_rows,
    permute_rows_back, scale_upper, solve_unit_lower,
};
use crate::algebra::scaling::lowered;
use crate::blas::options::{Operation, Side, Triangle};
use crate::block::{block, block_mut, buffer, solve_again};
use crate::error::{Error, finite, solved};
use crate::sample;

/// The factors of [`lu`](fn@lu): P A = L U.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Lu<T, R, C>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    /// L below the diagonal, whose own diagonal of ones is not stored, and U on and above it.
    pub packed: OMatrix<T, R, C>,
    /// P swaps row i with row `pivots[i]`, for each i in turn. From row min(R, C) on nothing is
    /// swapped.
    #[constant]
    pub pivots: OVector<usize, R>,
}

impl<T, R, C> Lu<T, R, C>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    /// The rows that were swapped.
    pub(crate) fn swaps(&self) -> &[usize] {
        let (rows, columns) = self.packed.shape();
        &self.pivots.as_slice()[..rows.min(columns)]
    }

    /// The packed factors.
    pub(crate) fn block(&self) -> DMatrixView<'_, T> {
        block(&self.packed)
    }
}

impl<T, D> Lu<T, D, D>
where
    T: Scalar,
    D: Dim,
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// B <- A^-1 B or A^-H B.
    ///
    /// # Errors
    /// [`Error::Singular`] if a pivot is zero.
    pub(crate) fn solve<C: Dim>(
        &self,
        operation: Operation,
        b: &mut OMatrix<T, D, C>,
    ) -> Result<(), Error>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        lu_solve_in_place(operation, self.block(), self.swaps(), &mut block_mut(b))
    }

    /// B <- L^-1 B or L^-H B, the half of [`solve`](Self::solve) that takes no pivot.
    pub(crate) fn solve_lower<C: Dim>(&self, operation: Operation, b: &mut OMatrix<T, D, C>)
    where
        DefaultAllocator: Allocator<D, C>,
    {
        solve_unit_lower(operation, self.block(), &mut block_mut(b));
    }

    /// B <- U^-1 B or U^-H B, where [`solve`](Self::solve) has divided by the pivots before.
    pub(crate) fn solve_upper<C: Dim>(&self, operation: Operation, b: &mut OMatrix<T, D, C>)
    where
        DefaultAllocator: Allocator<D, C>,
    {
        solve_again(Side::Left, Triangle::Upper, operation, self.block(), &mut block_mut(b));
    }

    /// B <- P B.
    pub(crate) fn permute<C: Dim>(&self, b: &mut OMatrix<T, D, C>)
    where
        DefaultAllocator: Allocator<D, C>,
    {
        permute_rows(self.swaps(), &mut block_mut(b));
    }

    /// B <- P^H B.
    pub(crate) fn permute_back<C: Dim>(&self, b: &mut OMatrix<T, D, C>)
    where
        DefaultAllocator: Allocator<D, C>,
    {
        permute_rows_back(self.swaps(), &mut block_mut(b));
    }

    /// Demands that a solution by these factors is finite.
    pub(crate) fn solved<C: Dim>(&self, x: &OMatrix<T, D, C>) -> Result<(), Error>
    where
        DefaultAllocator: Allocator<D, C>,
    {
        solved(x, (0..self.packed.nrows()).map(|i| self.packed[(i, i)]))
    }
}

/// P A = L U by elimination with partial pivoting, for an A of any shape: L is unit lower triangular
/// with as many rows as A, U upper triangular with as many columns, and min(R, C) is what they share.
///
/// A pivot of zero is no error: where a column has nothing left but zeros it stays as it is. The
/// rules take P for constant, and divide by the pivots that have rows below them; where one of these
/// is zero the factors have no derivative: that is NaN and [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::Overflow`] if entries of the factors are too large.
///
/// # Derivation
/// Panel by panel, differentiating the elimination itself: see the text of the recursions,
/// `lu_forward` and `lu_reverse` in `src/algebra/lu.rs`. For a square, invertible A they are
/// dL = L stril(F) and dU = triu(F) U with F = L^-1 P dA U^-1 (de Hoog, Anderssen and Lukas 2011,
/// "Differentiation of matrix functionals using triangular factorization"), but they do not divide
/// by the last pivot, and they hold for every shape. Each takes twice the 2/3 n^3 multiplications
/// and additions of the primal.
///
/// ```
/// use difrules_linalg::lu;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = lu(&dmatrix![1.0, 2.0; 4.0, 4.0])?;
/// assert_eq!(factors.pivots, dvector![1, 1]);
/// assert_eq!(factors.packed, dmatrix![4.0, 4.0; 0.25, 1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lu_tangent,
    reverse = lu_cotangent,
    reads(return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn lu<T: Scalar, R: Dim, C: Dim>(a: &OMatrix<T, R, C>) -> Result<Lu<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    finite("a", a)?;
    let (rows, columns) = a.shape();
    let (mut packed, scale) = lowered(a);
    let mut pivots = OVector::from_fn_generic(a.shape_generic().0, U1, |i, _| i);
    lu_in_place(&mut block_mut(&mut packed), &mut pivots.as_mut_slice()[..rows.min(columns)]);
    scale_upper(scale, &mut block_mut(&mut packed))?;
    jumps("lu", lu_jumps(&packed));
    Ok(Lu { packed, pivots })
}

fn lu_tangent<T: Scalar, R: Dim, C: Dim>(lu: &Lu<T, R, C>, a_dot: &OMatrix<T, R, C>) -> Lu<T, R, C>
where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let mut tangent = Lu { packed: a_dot.copied(), pivots: lu.pivots.clone() };
    let mut a_dot = block_mut(&mut tangent.packed);
    permute_rows(lu.swaps(), &mut a_dot);
    lu_forward("lu", &lu.packed, &mut a_dot);
    tangent
}

fn lu_cotangent<T: Scalar, R: Dim, C: Dim>(
    lu: &Lu<T, R, C>,
    (mut bar,): Cotangent<'_, Lu<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C> + Allocator<R>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    lu_reverse("lu", &lu.packed, &mut buffer(&mut bar));
    // Row i of A is row `places[i]` of P A.
    let dimension = lu.packed.shape_generic().0;
    let mut places = OVector::<usize, R>::from_fn_generic(dimension, U1, |i, _| i);
    for (i, &pivot) in lu.swaps().iter().enumerate().rev() {
        places.swap_rows(i, pivot);
    }
    let (mut a_bar, bar) = (buffer(&mut a_bar), buffer(&mut bar));
    for (mut a_bar, bar) in a_bar.column_iter_mut().zip(bar.column_iter()) {
        let bar = bar.as_slice();
        a_bar.iter_mut().zip(places.iter()).for_each(|(a_bar, &place)| *a_bar += bar[place]);
    }
}
