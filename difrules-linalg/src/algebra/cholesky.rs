//! The shared mathematics of A = L L^H for a Hermitian positive definite A: recursions that end in small loops
//! and do the rest by `gemm` and `trsm`, which every derivative mode intercepts. So the same text is
//! a kernel at matrix-product speed for plain numbers and a handful of tape nodes for `Var`.

use std::cmp::Ordering;

use difrules_core::Scalar;
use nalgebra::{ComplexField, DMatrixView, DMatrixViewMut};

use crate::algebra::triangular_part::{SMALL, active, add_outer};
use crate::blas::options::{Diagonal, Operation, Side, Triangle};
use crate::block::{FIT, multiply, solve_again};

/// Replaces the lower triangle of a Hermitian A by its Cholesky factor, the strict upper triangle
/// by nothing: it is not touched.
///
/// # Errors
/// The first pivot that is not positive, and its value.
#[inline(never)]
pub(crate) fn cholesky_lower<T: Scalar>(
    a: &mut DMatrixViewMut<'_, T>,
) -> Result<(), (usize, <T as Scalar>::Real)> {
    let size = a.nrows();
    if size <= 2 * SMALL {
        for j in 0..size {
            let pivot = a[(j, j)].real();
            // A NaN is not positive either, and an infinite pivot leaves no factor.
            let positive = pivot.partial_cmp(&nalgebra::zero()) == Some(Ordering::Greater);
            if !positive || !ComplexField::is_finite(&pivot) {
                return Err((j, pivot));
            }
            let root = ComplexField::sqrt(pivot);
            a[(j, j)] = T::from_real(root);
            for i in j + 1..size {
                a[(i, j)] = a[(i, j)].unscale(root);
            }
            let (left, mut right) = a.columns_range_pair_mut(j, j + 1..);
            for k in j + 1..size {
                let factor = -left[(k, 0)].conjugate();
                let mut column = right.column_mut(k - j - 1);
                let mut below = column.rows_mut(k, size - k);
                below.axpy(factor, &left.rows(k, size - k), T::one());
            }
        }
        return Ok(());
    }
    let half = size / 2;
    let rest = size - half;
    let (mut left, mut right) = a.columns_range_pair_mut(..half, half..);
    cholesky_lower(&mut left.rows_mut(0, half))?;
    let (top, mut bottom) = left.rows_range_pair_mut(..half, half..);
    solve_again(Side::Right, Triangle::Lower, Operation::Adjoint, top.as_view(), &mut bottom);
    let mut last = right.view_mut((half, 0), (rest, rest));
    add_outer(Triangle::Lower, -T::one(), bottom.as_view(), bottom.as_view(), &mut last);
    cholesky_lower(&mut last).map_err(|(pivot, value)| (pivot + half, value))
}

/// Replaces the lower triangle of the tangent of A by that of its Cholesky factor L.
///
/// Differentiating the recursion of the factorisation: with A = [A1, .; A2, A3], L = [L1, 0; L2, L3],
///
/// L2 L1^H = A2 gives dL2 = (dA2 - L2 dL1^H) L1^-H, and L3 L3^H = A3 - L2 L2^H gives
/// dA3' = dA3 - dL2 L2^H - L2 dL2^H for the last block. For one number, dl = da / (2 l).
/// It takes 5/6 n^3 multiplications and additions, nearly all in matrix products.
pub(crate) fn cholesky_forward_lower<T: Scalar>(
    l: DMatrixView<'_, T>,
    a_dot: &mut DMatrixViewMut<'_, T>,
) {
    let size = l.nrows();
    if size <= 4 {
        for j in 0..size {
            let root = l[(j, j)].real();
            let pivot_dot = a_dot[(j, j)].real() / (root + root);
            a_dot[(j, j)] = T::from_real(pivot_dot);
            for i in j + 1..size {
                a_dot[(i, j)] = (a_dot[(i, j)] - l[(i, j)].scale(pivot_dot)).unscale(root);
            }
            for k in j + 1..size {
                for i in k..size {
                    let change = a_dot[(i, j)] * l[(k, j)].conjugate()
                        + l[(i, j)] * a_dot[(k, j)].conjugate();
                    a_dot[(i, k)] -= change;
                }
            }
        }
        return;
    }
    let half = size / 2;
    let rest = size - half;
    let (l1, l2, l3) = (
        l.view((0, 0), (half, half)),
        l.view((half, 0), (rest, half)),
        l.view((half, half), (rest, rest)),
    );
    cholesky_forward_lower(l1, &mut a_dot.view_mut((0, 0), (half, half)));
    let l1_dot = active(Triangle::Lower, Diagonal::General, &a_dot.view((0, 0), (half, half)));
    let mut l2_dot = a_dot.view_mut((half, 0), (rest, half));
    multiply(-T::one(), (l2, false), (l1_dot.as_view(), true), T::one(), &mut l2_dot);
    solve_again(Side::Right, Triangle::Lower, Operation::Adjoint, l1, &mut l2_dot);
    let (left, mut right) = a_dot.columns_range_pair_mut(..half, half..);
    let l2_dot = left.rows(half, rest);
    let mut last = right.view_mut((half, 0), (rest, rest));
    add_outer(Triangle::Lower, -T::one(), l2_dot, l2, &mut last);
    add_outer(Triangle::Lower, -T::one(), l2, l2_dot, &mut last);
    cholesky_forward_lower(l3, &mut last);
}

/// Replaces the cotangent of the Cholesky factor L, of which only the lower triangle is read, by
/// the Hermitian cotangent of A.
///
/// The recursion of the factorisation, backwards (Murray 2016, arXiv:1602.07527, section 4.2, with
/// halves in place of panels and adjoints in place of transposes). Write S3 for the Hermitian
/// cotangent of A3 - L2 L2^H, found first. Then, in the pairing Re tr(Y_bar^H Y_dot),
///
/// L2_bar -= 2 S3 L2; A2_bar = L2_bar L1^-1; L1_bar -= tril(A2_bar^H L2),
///
/// and S1 from L1_bar. A2_bar is the cotangent of the block below the diagonal alone; the Hermitian
/// one has half of it there and the adjoint of that half above. For one number, a_bar = l_bar / (2 l),
/// of which only the real part counts, since l is real.
/// It takes 2/3 n^3 multiplications and additions, nearly all in matrix products, in the memory of the
/// cotangent (the products of complex matrices copy adjoints).
#[inline(never)]
pub(crate) fn cholesky_reverse_hermitian<T: Scalar>(
    l: DMatrixView<'_, T>,
    l_bar: &mut DMatrixViewMut<'_, T>,
) {
    let size = l.nrows();
    match size {
        0 => return,
        1 => return reverse_hermitian_of::<1, T>(l, l_bar),
        2 => return reverse_hermitian_of::<2, T>(l, l_bar),
        3 => return reverse_hermitian_of::<3, T>(l, l_bar),
        4 => return reverse_hermitian_of::<4, T>(l, l_bar),
        _ => {}
    }
    let half = size / 2;
    let rest = size - half;
    let (l1, l2, l3) = (
        l.view((0, 0), (half, half)),
        l.view((half, 0), (rest, half)),
        l.view((half, half), (rest, rest)),
    );
    let two = T::one() + T::one();
    let (mut left, mut right) = l_bar.columns_range_pair_mut(..half, half..);
    let (mut upper, mut last) = right.rows_range_pair_mut(..half, half..);
    cholesky_reverse_hermitian(l3, &mut last);
    let (mut first, mut below) = left.rows_range_pair_mut(..half, half..);
    multiply(-two, (last.as_view(), false), (l2, false), T::one(), &mut below);
    solve_again(Side::Right, Triangle::Lower, Operation::None, l1, &mut below);
    subtract_adjoint_product_lower(below.as_view(), l2, &mut first);
    cholesky_reverse_hermitian(l1, &mut first);
    for (j, mut column) in below.column_iter_mut().enumerate() {
        for (i, x) in column.as_mut_slice().iter_mut().enumerate() {
            *x = half_of(*x);
            upper[(j, i)] = x.conjugate();
        }
    }
}

/// [`cholesky_reverse_hermitian`] of so many rows, by panels of one column, so L1 is a number; in terms of the lower triangle
/// alone, which is made Hermitian at the end.
#[expect(clippy::needless_range_loop, reason = "places of both triangles")]
fn reverse_hermitian_of<const SIZE: usize, T: Scalar>(
    l: DMatrixView<'_, T>,
    l_bar: &mut DMatrixViewMut<'_, T>,
) {
    let columns = |m: DMatrixView<'_, T>| -> [[T; SIZE]; SIZE] {
        std::array::from_fn(|j| m.column(j).as_slice().try_into().expect(FIT))
    };
    let (of_l, mut bar) = (columns(l), columns(l_bar.as_view()));
    for j in (0..SIZE).rev() {
        for i in j + 1..SIZE {
            // L2_bar -= 2 S3 L2: 2 S3 has twice the diagonal of what stands in the triangle.
            let mut sum = T::zero();
            for k in j + 1..SIZE {
                let entry = match i.cmp(&k) {
                    Ordering::Greater => bar[k][i],
                    Ordering::Equal => bar[i][i] + bar[i][i],
                    Ordering::Less => bar[i][k].conjugate(),
                };
                sum += entry * of_l[j][k];
            }
            bar[j][i] -= sum;
        }
        let root = of_l[j][j].real();
        let mut pivot_bar = bar[j][j].real();
        for i in j + 1..SIZE {
            bar[j][i] = bar[j][i].unscale(root);
            pivot_bar -= (bar[j][i].conjugate() * of_l[j][i]).real();
        }
        bar[j][j] = T::from_real(pivot_bar / (root + root));
    }
    for j in 0..SIZE {
        for i in j + 1..SIZE {
            bar[j][i] = half_of(bar[j][i]);
            bar[i][j] = bar[j][i].conjugate();
        }
        l_bar.column_mut(j).as_mut_slice().copy_from_slice(&bar[j]);
    }
}

fn half_of<T: Scalar>(x: T) -> T {
    x.scale(nalgebra::convert(0.5))
}

/// The lower triangle of C <- C - A^H B; what is above the diagonal may change.
fn subtract_adjoint_product_lower<T: Scalar>(
    a: DMatrixView<'_, T>,
    b: DMatrixView<'_, T>,
    c: &mut DMatrixViewMut<'_, T>,
) {
    let size = c.nrows();
    if size <= 4 * SMALL {
        multiply(-T::one(), (a, true), (b, false), T::one(), c);
        return;
    }
    let half = size / 2;
    let rest = size - half;
    subtract_adjoint_product_lower(
        a.columns(0, half),
        b.columns(0, half),
        &mut c.view_mut((0, 0), (half, half)),
    );
    multiply(
        -T::one(),
        (a.columns(half, rest), true),
        (b.columns(0, half), false),
        T::one(),
        &mut c.view_mut((half, 0), (rest, half)),
    );
    subtract_adjoint_product_lower(
        a.columns(half, rest),
        b.columns(half, rest),
        &mut c.view_mut((half, half), (rest, rest)),
    );
}
