use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    ComplexField, DMatrixViewMut, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1,
};

use crate::algebra::congruence::Congruence;
use crate::algebra::householder::exchange;
use crate::algebra::scaling::lowered;
use crate::blas::options::{Diagonal, Triangle};
use crate::block::{block_mut, buffer};
use crate::error::{Error, finite, finite_triangle, overflow, permutation, shape, square};
use crate::sample;

/// The factors of [`lblt`](fn@lblt): P A P^T = L B L^H.
#[derive(Clone, Debug, PartialEq, Differentiable)]
pub struct Lblt<T, D>
where
    T: Scalar,
    D: DimSub<U1>,
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    /// L, unit lower triangular.
    pub l: OMatrix<T, D, D>,
    /// The diagonal of B.
    pub diagonal: OVector<T::Real, D>,
    /// What B has below its diagonal: zero between blocks.
    pub off_diagonal: OVector<T, DimDiff<D, U1>>,
    /// Row i of P A P^T is of row `rows[i]` of A.
    #[constant]
    pub rows: OVector<usize, D>,
    /// The size of the block of B that row i is in, 1 or 2.
    #[constant]
    pub blocks: OVector<usize, D>,
}

impl<T, D> Lblt<T, D>
where
    T: Scalar,
    D: DimSub<U1>,
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    /// Demands that these are factors, of finite numbers.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let (argument, size) = ("factors", self.l.nrows());
        shape(argument, self.diagonal.shape(), (size, 1))?;
        shape(argument, self.off_diagonal.shape(), (size.saturating_sub(1), 1))?;
        shape(argument, self.rows.shape(), (size, 1))?;
        shape(argument, self.blocks.shape(), (size, 1))?;
        permutation(argument, self.rows.as_slice())?;
        finite_triangle(argument, Triangle::Lower, Diagonal::Unit, &self.l)?;
        finite(argument, &self.diagonal)?;
        let mut k = 0;
        while k < size {
            let width = self.blocks[k];
            if !(1..=2).contains(&width) || k + width > size || self.blocks[k + width - 1] != width
            {
                let reason = "its blocks are not of one or two rows";
                return Err(Error::InvalidFactors { argument, reason });
            }
            if width == 2 && !self.off_diagonal[k].is_finite() {
                return Err(Error::NotFinite { argument, row: k, column: 0 });
            }
            k += width;
        }
        Ok(())
    }

    pub(crate) fn congruence(&self) -> Congruence<'_, T, D> {
        Congruence {
            triangle: Triangle::Lower,
            factor: &self.l,
            diagonal: self.diagonal.as_slice(),
            off_diagonal: self.off_diagonal.as_slice(),
            blocks: self.blocks.as_slice(),
        }
    }
}

/// P A P^T = L B L^H for a Hermitian A, of which only the lower triangle is read, definite or not, by
/// Bunch and Kaufman's pivoting: L unit lower triangular, B Hermitian with blocks of one or two rows.
///
/// The rules take P and the blocks for constant. A is Hermitian by contract, so its cotangent is. Where a
/// block is singular, what has no derivative is NaN and [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`].
///
/// # Derivation
/// Of the elimination itself, block by block: `src/algebra/congruence.rs`. The result is that dB is F in the blocks
/// and dL = L X where X is F B^-1 below them, with F = L^-1 P dA P^T L^-H (as for L D L^H: de Hoog, Anderssen
/// and Lukas 2011, "Differentiation of matrix functionals using triangular factorization"). Each rule takes
/// 2/3 n^3 multiplications and additions, beside n^3 / 3 of the primal.
///
/// ```
/// use difrules_linalg::lblt;
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = lblt(&dmatrix![0.0, 2.0; 2.0, 0.0])?;
/// assert_eq!((factors.blocks, factors.off_diagonal), (dvector![2, 2], dvector![2.0]));
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lblt_forward,
    reverse = lblt_reverse,
    reads(return),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::hermitian
)]
pub fn lblt<T: Scalar, D: DimSub<U1>>(a: &OMatrix<T, D, D>) -> Result<Lblt<T, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let size = square("a", a.shape())?;
    finite_triangle("a", Triangle::Lower, Diagonal::General, a)?;
    let (dimension, _) = a.shape_generic();
    let mut lower = a.copied();
    lower.fill_upper_triangle(T::zero(), 1);
    let (mut lower, scale) = lowered(&lower);
    let mut rows = OVector::<usize, D>::from_fn_generic(dimension, U1, |i, _| i);
    let mut blocks = OVector::<usize, D>::from_element_generic(dimension, U1, 1);
    bunch_kaufman(&mut block_mut(&mut lower), rows.as_mut_slice(), blocks.as_mut_slice());
    let diagonal = OVector::from_fn_generic(dimension, U1, |k, _| lower[(k, k)].real() * scale);
    let beside = Dim::from_usize(size.saturating_sub(1));
    let mut off_diagonal = OVector::<T, DimDiff<D, U1>>::zeros_generic(beside, U1);
    let mut k = 0;
    while k < size {
        if blocks[k] == 2 {
            off_diagonal[k] = lower[(k + 1, k)].scale(scale);
            lower[(k + 1, k)] = T::zero();
        }
        k += blocks[k];
    }
    lower.fill_diagonal(T::one());
    overflow("b", diagonal.as_slice())?;
    overflow("b", off_diagonal.as_slice())?;
    overflow("l", lower.as_slice())?;
    let factors = Lblt { l: lower, diagonal, off_diagonal, rows, blocks };
    jumps("lblt", factors.congruence().jumps());
    Ok(factors)
}

/// Replaces the lower triangle of A by L and B of P A P^T = L B L^H, and gives the rows of A in the order of P
/// and the sizes of the blocks.
///
/// The pivots are those of Bunch and Kaufman 1977, "Some stable methods for calculating inertia and solving
/// symmetric linear systems" (LAPACK's `hetf2`): of one row where its diagonal entry is large beside what is
/// below it, or where that is large in its own row; else of two rows. Nothing is multiplied by an inverse, which
/// may overflow.
fn bunch_kaufman<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
    rows: &mut [usize],
    blocks: &mut [usize],
) {
    let size = a.nrows();
    let zero: T::Real = nalgebra::zero();
    // (1 + sqrt(17)) / 8 bounds the growth.
    let alpha: T::Real = nalgebra::convert(0.640_388_203_202_207_6);
    let diagonal = |a: &DMatrixViewMut<'_, T>, i: usize| ComplexField::abs(a[(i, i)].real());
    let mut k = 0;
    while k < size {
        a[(k, k)] = T::from_real(a[(k, k)].real());
        let mut below = (k, zero);
        for i in k + 1..size {
            let entry = a[(i, k)].norm1();
            if entry > below.1 {
                below = (i, entry);
            }
        }
        let (row, most) = below;
        let own = diagonal(a, k);
        let (mut pivot, mut width) = (k, 1);
        if own < alpha * most {
            let beside = (k..row).map(|j| a[(row, j)].norm1());
            let under = (row + 1..size).map(|i| a[(i, row)].norm1());
            let largest = beside.chain(under).fold(zero, |most, x| if x > most { x } else { most });
            if own < alpha * most * (most / largest) {
                pivot = row;
                width = if diagonal(a, row) < alpha * largest { 2 } else { 1 };
            }
        } else if own == zero {
            // The column is zero.
            k += 1;
            continue;
        }
        exchange(a, k, k + width - 1, pivot);
        rows.swap(k + width - 1, pivot);
        blocks[k..k + width].fill(width);
        let (first, second) = (a[(k, k)].real(), k + width - 1);
        for j in k + width..size {
            // L's entries of row j, and what is left of the columns from j on.
            let (x, y) = (a[(j, k)], a[(j, second)]);
            let (l, m) = if width == 1 {
                (x.unscale(first), T::zero())
            } else {
                let d = a[(second, k)].modulus();
                let (d21, d11, d22) =
                    (a[(second, k)].unscale(d), a[(second, second)].real() / d, first / d);
                let determinant = d11 * d22 - nalgebra::one();
                let over = |x: T| x.unscale(determinant).unscale(d);
                (over(x.scale(d11) - y * d21), over(y.scale(d22) - x * d21.conjugate()))
            };
            for i in j..size {
                let mut change = a[(i, k)] * l.conjugate();
                if width == 2 {
                    change += a[(i, second)] * m.conjugate();
                }
                a[(i, j)] -= change;
            }
            a[(j, j)] = T::from_real(a[(j, j)].real());
            a[(j, k)] = l;
            if width == 2 {
                a[(j, second)] = m;
            }
        }
        k += width;
    }
}

fn lblt_forward<T: Scalar, D: DimSub<U1>>(
    factors: &Lblt<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> Lblt<T, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let mut tangent = factors.clone();
    let (size, _) = a_dot.shape_generic();
    let rows = &factors.rows;
    let mut permuted = OMatrix::from_fn_generic(size, size, |i, j| a_dot[(rows[i], rows[j])]);
    let numbers = (tangent.diagonal.as_mut_slice(), tangent.off_diagonal.as_mut_slice());
    tangent.l = factors.congruence().forward("lblt", &mut permuted, numbers.0, numbers.1);
    tangent
}

fn lblt_reverse<T: Scalar, D: DimSub<U1>>(
    factors: &Lblt<T, D>,
    (mut l_bar, diagonal_bar, off_diagonal_bar): Cotangent<'_, Lblt<T, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let l_bar = buffer(&mut l_bar);
    let permuted = factors.congruence().reverse(
        "lblt",
        l_bar.as_view(),
        diagonal_bar.as_slice(),
        off_diagonal_bar.as_slice(),
    );
    for (j, &column) in factors.rows.iter().enumerate() {
        for (i, &row) in factors.rows.iter().enumerate() {
            a_bar[(row, column)] += permuted[(i, j)];
        }
    }
}
