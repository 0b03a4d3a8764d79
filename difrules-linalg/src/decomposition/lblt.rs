use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::blas::trsm::{Diagonal, Triangle};
use crate::block::buffer;
use crate::congruence::Congruence;
use crate::error::{Error, finite, finite_triangle, permutation, shape, square};
use crate::reduction::rescaled;
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
/// block is singular, what has no derivative is left out and [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`].
///
/// # Derivation
/// Of the elimination itself, block by block: `src/congruence.rs`. The result is that dB is F in the blocks
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
    let mut lower = a.clone();
    lower.fill_upper_triangle(T::zero(), 1);
    let (lower, scale) = rescaled(&lower);
    let found = nalgebra::LBLT::new(lower);
    let (permuted, b) = (found.l_permuted(), found.d());
    // In P^T L the last column has its one entry in the row that P puts last; so back to the first.
    let mut rows = OVector::<usize, D>::from_fn_generic(dimension, U1, |i, _| i);
    for k in (0..size).rev() {
        let open = rows.rows_range(..k + 1);
        let place = open.iter().position(|&row| !permuted[(row, k)].is_zero());
        rows.swap_rows(k, place.expect("L has ones on its diagonal"));
    }
    let l = OMatrix::from_fn_generic(dimension, dimension, |i, j| permuted[(rows[i], j)]);
    let mut blocks = OVector::from_element_generic(dimension, U1, 1);
    let beside = Dim::from_usize(size.saturating_sub(1));
    let off_diagonal = OVector::from_fn_generic(beside, U1, |k, _| {
        let entry = b[(k + 1, k)].scale(scale);
        if !b[(k + 1, k)].is_zero() {
            blocks[k] = 2;
            blocks[k + 1] = 2;
        }
        entry
    });
    let diagonal = OVector::from_fn_generic(dimension, U1, |k, _| b[(k, k)].real() * scale);
    Ok(Lblt { l, diagonal, off_diagonal, rows, blocks })
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
