use difrules_core::testing::Sampler;
use difrules_core::{Adjoint, Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::blas::trsm::{Diagonal, Operation, Side, Triangle};
use crate::block::{block, block_mut, buffer, multiply, solve_again};
use crate::decomposition::lu::Lu;
use crate::error::{Error, finite, shape, square};
use crate::factors::{permute_rows, permute_rows_back, solve_unit_lower};
use crate::triangle::{active, add_outer};

/// A^-1 B from the factors of [`lu`](fn@crate::lu), P A = L U.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a pivot is zero.
///
/// # Derivation
/// L U X = P B gives L U dX = P dB - dL U X - L dU X. So with V = U^-H X_bar and W = L^-H V, in the
/// pairing Re tr(X_bar^H dX): B_bar = P^T W, L_bar = -W (U X)^H, of which what is below the diagonal
/// counts, and U_bar = -V X^H, of which what is on and above it does, since L^H W = V. With m
/// right-hand sides forward takes 5 n^2 m multiplications and additions for the products and reverse
/// 3 n^2 m, beside the 2 n^2 m of the solves, which the primal takes too.
///
/// ```
/// use difrules_linalg::{lu, lu_solve};
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = lu(&dmatrix![0.0, 2.0; 4.0, 1.0])?;
/// assert_eq!(lu_solve(&factors, &dvector![6.0, 7.0])?, dvector![1.0, 3.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lu_solve_forward,
    reverse = lu_solve_reverse,
    reads(factors, return),
    instances(f32, f64, nalgebra::Complex<f32>, nalgebra::Complex<f64>),
    sample = sample
)]
pub fn lu_solve<T: Scalar, D: Dim, C: Dim>(
    factors: &Lu<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let size = square("factors", factors.packed.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    finite("factors", &factors.packed)?;
    finite("b", b)?;
    let mut x = b.clone();
    factors.solve(Operation::None, &mut x)?;
    Ok(x)
}

/// U X.
fn upper_product<T: Scalar, D: Dim, C: Dim>(
    u: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let (rows, columns) = x.shape_generic();
    let mut product = OMatrix::zeros_generic(rows, columns);
    let u = active(Triangle::Upper, Diagonal::General, block(u));
    let factors = ((u.as_view(), false), (block(x), false));
    multiply(T::one(), factors.0, factors.1, T::zero(), &mut block_mut(&mut product));
    product
}

fn lu_solve_forward<T: Scalar, D: Dim, C: Dim>(
    factors: &Lu<T, D, D>,
    x: &OMatrix<T, D, C>,
    factors_dot: &Lu<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    // U^-1 (L^-1 (P dB - dL U X) - dU X)
    let mut x_dot = b_dot.clone();
    let mut solved = block_mut(&mut x_dot);
    permute_rows(factors.swaps(), &mut solved);
    let l_dot = active(Triangle::Lower, Diagonal::Unit, factors_dot.block());
    let product = upper_product(&factors.packed, x);
    let product = ((l_dot.as_view(), false), (block(&product), false));
    multiply(-T::one(), product.0, product.1, T::one(), &mut solved);
    solve_unit_lower(Operation::None, factors.block(), &mut solved);
    x_dot -= upper_product(&factors_dot.packed, x);
    let mut solved = block_mut(&mut x_dot);
    solve_again(Side::Left, Triangle::Upper, Operation::None, factors.block(), &mut solved);
    x_dot
}

fn lu_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    factors: &Lu<T, D, D>,
    x: &OMatrix<T, D, C>,
    mut x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    factors_bar: Slot<'_, Lu<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let mut w = buffer(&mut x_bar);
    solve_again(Side::Left, Triangle::Upper, Operation::Adjoint, factors.block(), &mut w);
    let mut factors_bar: Option<Adjoint<'_, Lu<T, D, D>>> = factors_bar.buffer();
    if let Some((lu_bar,)) = &mut factors_bar {
        add_outer(Triangle::Upper, -T::one(), w.as_view(), block(x), &mut buffer(lu_bar));
    }
    solve_unit_lower(Operation::Adjoint, factors.block(), &mut w);
    let size = w.nrows();
    if let Some((lu_bar,)) = &mut factors_bar
        && size > 1
    {
        // What is below the diagonal is the lower triangle of a block that begins a row further down.
        let product = upper_product(&factors.packed, x);
        let mut lu_bar = buffer(lu_bar);
        let mut below = lu_bar.view_mut((1, 0), (size - 1, size - 1));
        let (left, right) = (w.rows(1, size - 1), block(&product));
        add_outer(Triangle::Lower, -T::one(), left, right.rows(0, size - 1), &mut below);
    }
    permute_rows_back(factors.swaps(), &mut w);
    if let Some(mut b_bar) = b_bar.buffer() {
        b_bar += x_bar;
    }
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Lu<T, Dyn, Dyn>, DMatrix<T>) {
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    let mut packed: DMatrix<T> = random.matrix(size, size);
    for i in 0..size {
        packed[(i, i)] += T::one() + T::one();
    }
    // The same for all numbers, as shapes are.
    let pivots = DVector::from_fn(size, |i, _| random.size(i, size - 1));
    (Lu { packed, pivots }, random.matrix(size, columns))
}
