use difrules_core::contract::Adjoint;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Differentiable, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DVector, DefaultAllocator, Dim, Dyn, OMatrix};

use crate::algebra::triangular_part::{active, add_outer, add_strict_outer};
use crate::blas::options::{Diagonal, Operation, Triangle};
use crate::block::{block, block_mut, buffer, multiply};
use crate::decomposition::lu::Lu;
use crate::error::{Error, finite, shape, square};

/// op(A)^-1 B from the factors of [`lu`](fn@crate::lu), P A = L U: A^-1 B, A^-T B or A^-H B.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit,
/// [`Error::NotFinite`], [`Error::Singular`] if a pivot is zero or the solution overflows.
///
/// # Derivation
/// With Z = L^-1 P B the solution is U^-1 Z, so dZ = L^-1 (P dB - dL Z) and dX = U^-1 (dZ - dU X). In the pairing
/// Re tr(X_bar^H dX), S = U^-H X_bar and P W = L^-H S: B_bar = W, L_bar = -(P W) Z^H, of which what is below the
/// diagonal counts, and U_bar = -S X^H, of which what is on and above it does. Of A^H, where Z = U^-H B and
/// P X = L^-H Z, with S = L^-1 P X_bar and W = U^-1 S they are L_bar = -(P X) S^H and U_bar = -Z W^H; and A^T is A^H
/// between conjugates. Z is not U X, where X has other sizes than Z: that would be a difference of large numbers. With m
/// right-hand sides forward takes 5 n^2 m multiplications and additions for the products and for Z, and reverse 3 n^2 m,
/// beside the 2 n^2 m of the solves, which the primal takes too.
///
/// ```
/// use difrules_linalg::{Operation, lu, lu_solve};
/// use nalgebra::{dmatrix, dvector};
///
/// let factors = lu(&dmatrix![0.0, 2.0; 4.0, 1.0])?;
/// let b = dvector![8.0, 4.0];
/// assert_eq!(lu_solve(Operation::None, &factors, &b)?, dvector![0.0, 4.0]);
/// assert_eq!(lu_solve(Operation::Transpose, &factors, &b)?, dvector![1.0, 2.0]);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = lu_solve_forward,
    reverse = lu_solve_reverse,
    reads(operation, factors, b, return),
    constant(operation),
    structure(factors.pivots = permutation),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn lu_solve<T: Scalar, D: Dim, C: Dim>(
    operation: Operation,
    factors: &Lu<T, D, D>,
    b: &OMatrix<T, D, C>,
) -> Result<OMatrix<T, D, C>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let size = square("factors", factors.packed.shape())?;
    shape("b", b.shape(), (size, b.ncols()))?;
    let pivots = factors.pivots.as_slice();
    if pivots.len() != size || pivots.iter().any(|&pivot| pivot >= size) {
        let reason = "its pivots are not rows of it";
        return Err(Error::InvalidFactors { argument: "factors", reason });
    }
    finite("factors", &factors.packed)?;
    finite("b", b)?;
    let mut x = b.copied();
    match operation {
        Operation::Transpose => {
            x.conjugate_mut();
            factors.solve(Operation::Adjoint, &mut x)?;
            x.conjugate_mut();
        }
        _ => factors.solve(operation, &mut x)?,
    }
    factors.solved(&x)?;
    Ok(x)
}

/// X <- X - op(T) Y, for the triangle T that a tangent of the packed factors has.
fn take_off<T: Scalar, D: Dim, C: Dim>(
    (triangle, diagonal): (Triangle, Diagonal),
    operation: Operation,
    packed: &OMatrix<T, D, D>,
    y: &OMatrix<T, D, C>,
    x: &mut OMatrix<T, D, C>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C>,
{
    let t = active(triangle, diagonal, packed);
    let t = (block(&t), operation == Operation::Adjoint);
    multiply(-T::one(), t, (block(y), false), T::one(), &mut block_mut(x));
}

const L: (Triangle, Diagonal) = (Triangle::Lower, Diagonal::Unit);
const U: (Triangle, Diagonal) = (Triangle::Upper, Diagonal::General);

fn lu_solve_forward<T: Scalar, D: Dim, C: Dim>(
    operation: Operation,
    factors: &Lu<T, D, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    factors_dot: &Lu<T, D, D>,
    b_dot: &OMatrix<T, D, C>,
) -> OMatrix<T, D, C>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let (none, adjoint, dot) = (Operation::None, Operation::Adjoint, &factors_dot.packed);
    let (mut z, mut x_dot) = (b.copied(), b_dot.copied());
    if operation == none {
        [&mut z, &mut x_dot].into_iter().for_each(|x| factors.permute(x));
        factors.solve_lower(none, &mut z);
        take_off(L, none, dot, &z, &mut x_dot);
        factors.solve_lower(none, &mut x_dot);
        take_off(U, none, dot, x, &mut x_dot);
        factors.solve_upper(none, &mut x_dot);
        return x_dot;
    }
    let mut px = x.copied();
    let transpose = operation == Operation::Transpose;
    if transpose {
        [&mut z, &mut px, &mut x_dot].into_iter().for_each(|x| x.conjugate_mut());
    }
    factors.permute(&mut px);
    factors.solve_upper(adjoint, &mut z);
    take_off(U, adjoint, dot, &z, &mut x_dot);
    factors.solve_upper(adjoint, &mut x_dot);
    take_off(L, adjoint, dot, &px, &mut x_dot);
    factors.solve_lower(adjoint, &mut x_dot);
    factors.permute_back(&mut x_dot);
    if transpose {
        x_dot.conjugate_mut();
    }
    x_dot
}

fn lu_solve_reverse<T: Scalar, D: Dim, C: Dim>(
    operation: Operation,
    factors: &Lu<T, D, D>,
    b: &OMatrix<T, D, C>,
    x: &OMatrix<T, D, C>,
    x_bar: Cotangent<'_, OMatrix<T, D, C>>,
    factors_bar: Slot<'_, Lu<T, D, D>>,
    b_bar: Slot<'_, OMatrix<T, D, C>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D, C> + Allocator<D>,
{
    let (none, adjoint) = (Operation::None, Operation::Adjoint);
    let transpose = operation == Operation::Transpose;
    let mut w = x_bar.into_owned();
    if transpose {
        w.conjugate_mut();
    }
    let factors_bar: Option<Adjoint<'_, Lu<T, D, D>>> = factors_bar.buffer();
    let mut add = factors_bar.map(|(mut lu_bar,)| {
        move |(triangle, diagonal), left: &OMatrix<T, D, C>, right: &OMatrix<T, D, C>| {
            let (left, right, lu_bar) = (block(left), block(right), &mut buffer(&mut lu_bar));
            match diagonal {
                Diagonal::Unit => add_strict_outer(triangle, -T::one(), left, right, lu_bar),
                Diagonal::General => add_outer(triangle, -T::one(), left, right, lu_bar),
            }
        }
    });
    if operation == none {
        factors.solve_upper(adjoint, &mut w);
        if let Some(add) = &mut add {
            add(U, &w, x);
        }
        factors.solve_lower(adjoint, &mut w);
        if let Some(add) = &mut add {
            let mut z = b.copied();
            factors.permute(&mut z);
            factors.solve_lower(none, &mut z);
            add(L, &w, &z);
        }
        factors.permute_back(&mut w);
    } else {
        factors.permute(&mut w);
        factors.solve_lower(none, &mut w);
        if let Some(add) = &mut add {
            let (mut px, mut z) = (x.copied(), b.copied());
            if transpose {
                [&mut px, &mut z].into_iter().for_each(|x| x.conjugate_mut());
            }
            factors.permute(&mut px);
            add(L, &px, &w);
            factors.solve_upper(none, &mut w);
            factors.solve_upper(adjoint, &mut z);
            add(U, &z, &w);
        } else {
            factors.solve_upper(none, &mut w);
        }
    }
    if transpose {
        w.conjugate_mut();
    }
    b_bar.add(|| w);
}

fn sample<T: Scalar>(random: &mut Sampler) -> (Operation, Lu<T, Dyn, Dyn>, DMatrix<T>) {
    let operation = random.choose(&[Operation::None, Operation::Transpose, Operation::Adjoint]);
    let (size, columns) = (random.choose(&[0, 1, 3, 6, 20]), random.size(0, 4));
    // Triangles with dominant diagonals, so that their inverses do not grow with the size.
    let mut packed = random.matrix::<T>(size, size).map(|x| x.scale(nalgebra::convert(0.3)));
    for i in 0..size {
        packed[(i, i)] += T::one() + T::one();
    }
    // The same for all numbers, as shapes are.
    let pivots = DVector::from_fn(size, |i, _| random.size(i, size - 1));
    (operation, Lu { packed, pivots }, random.matrix(size, columns))
}
