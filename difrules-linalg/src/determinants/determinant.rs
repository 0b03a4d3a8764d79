use approx::AbsDiffEq;
use difrules_core::__private::Number;
use difrules_core::{Differentiable, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DefaultAllocator, Dim, Dyn, OMatrix, OVector, U1};

use crate::algebra::lu::full_piv_lu_in_place;
use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::{exponent, product, times_power};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::blas::trsm::trsm;
use crate::block::{
    FIT, along_factor, block, block_mut, moved, multiply, numbers_mut, rests, solve_again, still,
    sum_of,
};
use crate::decomposition::lu::lu;
use crate::error::{Error, square};
use crate::sample;
use crate::systems::inverse::inverse;
use crate::tolerance::{plain, undefined};

/// det A, by elimination with partial pivoting.
///
/// It overflows and underflows early, though not before the product of all pivots does:
/// [`ln_abs_determinant`](fn@crate::ln_abs_determinant) does not.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`]; [`Error::Overflow`] if the elimination does.
///
/// # Derivation
/// d det A = tr(adj(A) dA) with the adjugate, so A_bar = y_bar adj(A)^H: no inverse, which does not
/// exist where the determinant is zero. The adjugate is saved by the primal, from an elimination with
/// full pivoting that stops two steps before its end, P A Q = L [U11 U12; 0 S] with a 2 x 2 block S:
///
/// adj(P A Q) = det(U11) [det(S) U11^-1, -U11^-1 U12 adj(S); 0, adj(S)] L^-1,
///
/// and adj(A) = det(P) det(Q) Q adj(P A Q) P. Powers of two are taken off the rows and the columns before that and put back
/// after: adj(R A C) = det(R) det(C) C^-1 adj(A) R^-1 for diagonal R and C. Only the first n - 2 pivots are divided by, so first and
/// second derivatives are right at every rank: at rank n - 3 and below both are zero.
///
/// A cofactor does not depend on its own row and column, which elimination knows but for rounding: in a second derivative that is
/// multiplied with what moves the row, twice, and may be far above the result where rows or columns are of different sizes. So
/// of three rows, and in a mode of up to eight whose sizes are far apart, cofactors are determinants of what is without the row
/// and column, n^5 / 3 multiplications and additions. Of more rows that takes too long: there they move as the inverse of the
/// matrix says (`of_inverse`), where that is not large.
/// The augmented primal takes 10/3 n^3 multiplications and additions, the rules n^2.
///
/// ```
/// use difrules_core::gradient;
/// use difrules_linalg::determinant;
/// use nalgebra::dmatrix;
///
/// let a = dmatrix![1.0_f64, 2.0; 2.0, 4.0];
/// assert_eq!(determinant(&a)?, 0.0);
/// assert_eq!(gradient(|a| determinant(a), &a)?, dmatrix![4.0, -2.0; -2.0, 1.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = determinant_forward,
    reverse = determinant_reverse,
    saves = determinant_and_cofactors -> OMatrix<T, D, D>,
    reads(),
    resting,
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::square
)]
pub fn determinant<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Result<T, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    square("a", a.shape())?;
    let factors = lu(a)?;
    let pivots = factors.swaps().iter().enumerate();
    Ok(product(pivots.map(|(k, &pivot)| {
        let entry = factors.packed[(k, k)];
        if k == pivot { entry } else { -entry }
    })))
}

/// The value as the call gives it, and the cofactors, the transpose of the adjugate.
fn determinant_and_cofactors<T: Scalar, D: Dim>(
    a: &OMatrix<T, D, D>,
) -> Result<(T, OMatrix<T, D, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    Ok((determinant(a)?, cofactors(a)))
}

fn cofactors<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    let ((dimension, _), size) = (a.shape_generic(), a.nrows());
    let mut cofactors = OMatrix::zeros_generic(dimension, dimension);
    if size < 2 {
        cofactors.fill(T::one());
        return cofactors;
    }
    let last = size - 2;
    let mut factors = a.copied();
    // Entries next to one: products of them neither overflow nor underflow before the result does.
    let powers = || OVector::<f64, D>::zeros_generic(dimension, U1);
    let (mut of_rows, mut of_columns) = (powers(), powers());
    for (mut row, power) in factors.row_iter_mut().zip(of_rows.iter_mut()) {
        *power = exponent(row.iter());
        row.apply(|x| *x = times_power(*x, -*power));
    }
    for (mut column, power) in factors.column_iter_mut().zip(of_columns.iter_mut()) {
        *power = exponent(column.iter());
        column.apply(|x| *x = times_power(*x, -*power));
    }
    let power = of_rows.sum() + of_columns.sum();
    let restored = |x: T, i: usize, j: usize| times_power(x, power - of_rows[i] - of_columns[j]);
    if size == 3 {
        return OMatrix::from_fn_generic(dimension, dimension, |i, j| {
            let entry = |k: usize, l: usize| factors[((i + k) % 3, (j + l) % 3)];
            restored(entry(1, 1) * entry(2, 2) - entry(1, 2) * entry(2, 1), i, j)
        });
    }
    let graded = is_graded::<T>(of_rows.as_slice()) || is_graded::<T>(of_columns.as_slice());
    if graded && size <= MOST_ALONE {
        let all = block(&factors).into_owned();
        return OMatrix::from_fn_generic(dimension, dimension, |i, j| {
            let minor = determinant::<T, Dyn>(&all.clone().remove_row(i).remove_column(j));
            let minor = minor.unwrap_or_else(|_| undefined());
            restored(if (i + j) % 2 == 0 { minor } else { -minor }, i, j)
        });
    }
    if graded && let Some(scaled) = of_inverse(&factors) {
        return scaled.map_with_location(|i, j, x| restored(x, i, j));
    }
    let identity = || OVector::<usize, D>::from_fn_generic(dimension, U1, |i, _| i);
    let (mut rows, mut columns) = (identity(), identity());
    let orders = (rows.as_mut_slice(), columns.as_mut_slice());
    let (done, odd) = full_piv_lu_in_place(&mut block_mut(&mut factors), last, orders.0, orders.1);
    if done < last {
        return cofactors;
    }
    let sign = if odd { -T::one() } else { T::one() };
    let product = (0..last).fold(sign, |product, k| product * factors[(k, k)]);
    let s = |i: usize, j: usize| factors[(last + i, last + j)];
    let determinant = s(0, 0) * s(1, 1) - s(0, 1) * s(1, 0);
    let mut permuted = OMatrix::<T, D, D>::zeros_generic(dimension, dimension);
    for k in 0..last {
        permuted[(k, k)] = product * determinant;
    }
    let corner = [s(1, 1), -s(0, 1), -s(1, 0), s(0, 0)].map(|x| product * x);
    for (k, x) in corner.into_iter().enumerate() {
        permuted[(last + k / 2, last + k % 2)] = x;
    }
    let u = block(&factors);
    let mut all = block_mut(&mut permuted);
    let (mut top, bottom) = all.rows_range_pair_mut(..last, last..);
    let corner = bottom.columns(last, 2);
    let mut beside = top.columns_mut(last, 2);
    let u12 = u.view((0, last), (last, 2));
    multiply(-T::one(), (u12, false), (corner, false), T::zero(), &mut beside);
    let u11 = u.view((0, 0), (last, last));
    solve_again(Side::Left, Triangle::Upper, Operation::None, u11, &mut top);
    // What L has below its last two ones is not stored.
    let mut l = factors.copied();
    l[(size - 1, last)] = T::zero();
    let side = (Side::Right, Triangle::Lower, Operation::None, Diagonal::Unit);
    trsm(side.0, side.1, side.2, side.3, T::one(), &l, &mut permuted).expect(FIT);
    for j in 0..size {
        for i in 0..size {
            let (column, row) = (columns[i], rows[j]);
            cofactors[(row, column)] = restored(permuted[(i, j)], row, column);
        }
    }
    cofactors
}

/// Up to so many rows each cofactor may be found alone.
const MOST_ALONE: usize = 8;

/// Whether powers of two that were taken off rows or columns are far apart, in a derivative mode.
fn is_graded<T: Scalar>(powers: &[f64]) -> bool {
    let (least, most) = powers
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(*x), most.max(*x)));
    !T::Real::BASE && most - least > 16.0
}

/// The cofactors in a derivative mode with none around it, unless A is nearly singular. With B, the inverse of A as it is, they move
/// along E by
///
/// dC_ij = det A sum_kl E_kl (B_lk B_ji - B_jk B_li),
///
/// where the terms of the row i and of the column j are zero: these are left out. A sum without one of its terms is that of the
/// terms before and of those after it, so it takes 5 n^3 multiplications and additions.
fn of_inverse<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>) -> Option<OMatrix<T, D, D>>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    if <T::Real as Number>::ORDER != 2 {
        return None;
    }
    let at = a.map(plain);
    let b = inverse(&at).ok()?;
    let most = 1.0 / T::Real::default_epsilon().to_f64().sqrt();
    if largest_modulus(b.iter()) > most {
        return None;
    }
    let ((dimension, _), size) = (a.shape_generic(), a.nrows());
    let moving = a.zip_map(&at, |a, at| a - at);
    let vector = || OVector::<T, D>::zeros_generic(dimension, U1);
    let (mut terms, mut rests) = (vector(), vector());
    let mut cofactors = OMatrix::<T, D, D>::zeros_generic(dimension, dimension);
    for l in 0..size {
        (0..size).for_each(|k| terms[k] = moving[(k, l)] * b[(l, k)]);
        sums_without_one(terms.as_slice(), rests.as_mut_slice());
        cofactors.column_mut(l).copy_from(&rests);
    }
    for i in 0..size {
        (0..size).for_each(|l| terms[l] = cofactors[(i, l)]);
        sums_without_one(terms.as_slice(), rests.as_mut_slice());
        (0..size).for_each(|j| cofactors[(i, j)] = b[(j, i)] + rests[j] * b[(j, i)]);
    }
    for j in 0..size {
        for l in (0..size).filter(|&l| l != j) {
            (0..size).for_each(|k| terms[k] = b[(j, k)] * moving[(k, l)]);
            sums_without_one(terms.as_slice(), rests.as_mut_slice());
            (0..size).for_each(|i| cofactors[(i, j)] -= rests[i] * b[(l, i)]);
        }
    }
    let determinant = determinant(&at).ok()?;
    Some(cofactors * determinant)
}

/// For each term the sum of the others.
fn sums_without_one<T: Scalar>(terms: &[T], sums: &mut [T]) {
    let mut sum = T::zero();
    for (before, &term) in sums.iter_mut().zip(terms) {
        *before = sum;
        sum += term;
    }
    let mut sum = T::zero();
    for (before, &term) in sums.iter_mut().zip(terms).rev() {
        *before += sum;
        sum += term;
    }
}

fn determinant_forward<T: Scalar, D: Dim>(
    cofactors: &OMatrix<T, D, D>,
    a_dot: &OMatrix<T, D, D>,
) -> T
where
    DefaultAllocator: Allocator<D, D>,
{
    if rests(a_dot) {
        return still();
    }
    moved(sum_of(a_dot.as_slice(), cofactors.as_slice(), along_factor))
}

fn determinant_reverse<T: Scalar, D: Dim>(
    cofactors: &OMatrix<T, D, D>,
    y_bar: T,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let pairs = numbers_mut(&mut a_bar).iter_mut().zip(cofactors.iter());
    pairs.for_each(|(a_bar, cofactor)| *a_bar += along_factor(y_bar, cofactor.conjugate()));
}
