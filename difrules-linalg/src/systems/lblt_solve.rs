use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, DimDiff, DimSub, Dyn, OMatrix, U1};

use crate::block::{FIT, block_mut, buffer};
use crate::decomposition::lblt::Lblt;
use crate::error::{Error, finite, shape, square};

/// A^-1 B from the factors of [`lblt`](fn@crate::lblt), P A P^T = L B L^H. What L has on and above its
/// diagonal is not read, nor what B has between blocks.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit, [`Error::NotFinite`],
/// [`Error::Singular`] if a block is singular or the solution overflows.
///
/// # Derivation
/// That of [`udu_solve`](fn@crate::udu_solve), with L for U, the blocks for diag(d), and P B, P X and P W
/// for B, X and W.
///
/// ```
/// use difrules_linalg::{lblt, lblt_solve};
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = lblt(&dmatrix![0.0, 2.0; 2.0, 0.0])?;
/// assert_eq!(lblt_solve(&factors, &dvector![2.0, 6.0])?, dvector![3.0, 1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lblt_solve_forward,
    reverse = lblt_solve_reverse,
    reads(factors, b, return),
    structure(factors.l = unit_lower, factors.diagonal = diagonal, factors.rows = permutation),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn lblt_solve<T: Scalar, D: DimSub<U1>, C: Dim>(
    factors: &Lblt<T, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, C>,
{
    let size = square("factors", factors.l.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    factors.check()?;
    finite("b", b)?;
    let mut x = permuted(factors, b);
    factors.congruence().solve(&mut block_mut(&mut x))?;
    factors.congruence().solved(&x)?;
    Ok(permuted_back(factors, &x))
}

/// P B.
fn permuted<T: Scalar, D: DimSub<U1>, C: Dim>(
    factors: &Lblt<T, D>,
    b: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, C>,
{
    let (rows, columns) = b.shape_generic();
    OMatrix::from_fn_generic(rows, columns, |i, j| b[(factors.rows[i], j)])
}

/// P^T X.
fn permuted_back<T: Scalar, D: DimSub<U1>, C: Dim>(
    factors: &Lblt<T, D>,
    x: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, C>,
{
    let mut back = x.copied();
    for (i, &row) in factors.rows.iter().enumerate() {
        back.row_mut(row).copy_from(&x.row(i));
    }
    back
}

fn lblt_solve_forward<T: Scalar, D: DimSub<U1>, C: Dim>(
    factors: &Lblt<T, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    factors_dot: &Lblt<T, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, C>,
{
    let [b, x, mut x_dot] = [b, x, b_dot].map(|x| permuted(factors, x));
    factors.congruence().solve_forward(&factors_dot.congruence(), (&b, &x), &mut x_dot);
    permuted_back(factors, &x_dot)
}

fn lblt_solve_reverse<T: Scalar, D: DimSub<U1>, C: Dim>(
    factors: &Lblt<T, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    factors_bar: Slot<'_, Lblt<T, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>> + Allocator<D, C>,
{
    let mut w = permuted(factors, &x_bar.into_owned());
    let factors_bar: Option<Adjoint<'_, Lblt<T, D>>> = factors_bar.buffer();
    if let Some((mut l_bar, mut diagonal_bar, mut off_diagonal_bar)) = factors_bar {
        let [b, x] = [b, x].map(|x| permuted(factors, x));
        let l_bar = &mut buffer(&mut l_bar);
        let bar = (l_bar, diagonal_bar.as_mut_slice(), off_diagonal_bar.as_mut_slice());
        factors.congruence().solve_reverse((&b, &x), &mut w, bar);
    } else {
        factors.congruence().solve(&mut block_mut(&mut w)).expect(FIT);
    }
    b_bar.add(|| permuted_back(factors, &w));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Lblt<T, Dyn>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    // The same for all numbers, as shapes are.
    let mut rows = DVector::from_fn(size, |i, _| i);
    let mut blocks = DVector::from_element(size, 1);
    for i in 0..size {
        rows.swap_rows(i, random.size(i, size - 1));
    }
    let mut k = 0;
    while k + 1 < size {
        let width = random.size(1, 2);
        (k..k + width).for_each(|i| blocks[i] = width);
        k += width;
    }
    let l = random.lower_triangular(size);
    let diagonal = DVector::from_fn(size, |_, _| random.between(1.0, 2.0));
    let off_diagonal = random.vector(size.saturating_sub(1)) * nalgebra::convert::<f64, T>(0.3);
    (Lblt { l, diagonal, off_diagonal, rows, blocks }, random.matrix(size, columns))
}
