//! The sign of a matrix by the Schur form, and its derivative.

use difrules_core::{Real, Scalar};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};

use crate::algebra::matrix_function::{PlainWork, apart_from_defective_zero, in_domain, times};
use crate::algebra::schur::{blocks, unordered_schur_factors};
use crate::algebra::square_root::solve_of_moving_root;
use crate::algebra::sylvester::{Form, Triangular};
use crate::block::{block, in_basis, moving_in_basis, out_of_basis, product};
use crate::error::Error;

/// Q, the sign U of T, and U T, with A = Q T Q^H.
pub(crate) struct Sign;

impl PlainWork for Sign {
    /// Of a block of T on the diagonal the sign is 1 or -1. Beside it, U^2 = 1 has what blocks of one sign have
    /// between them, and U T = T U what those of two have (Higham 2008, algorithm 5.5).
    fn run<T: Scalar>(a: DMatrixView<'_, T>) -> Result<Vec<DMatrix<T>>, Error> {
        let (q, t) = unordered_schur_factors(a)?;
        in_domain("sign", &q, &t, |value, is_zero| is_zero(value.re))?;
        apart_from_defective_zero("sign", &q, &t)?;
        let size = t.nrows();
        let mut u = DMatrix::<T>::zeros(size, size);
        let rows: Vec<_> = blocks(block(&t)).collect();
        let is_negative = |k: usize| t[(k, k)].real() < nalgebra::zero();
        for (n, columns) in rows.iter().enumerate() {
            for k in columns.clone() {
                u[(k, k)] = if is_negative(columns.start) { -T::one() } else { T::one() };
            }
            for part in rows[..n].iter().rev() {
                let (known, height) = (part.end..columns.start, part.len());
                let mut right = [T::zero(); 4];
                let same = is_negative(part.start) == is_negative(columns.start);
                let sign = u[(part.start, part.start)];
                for (b, j) in columns.clone().enumerate() {
                    for (a, i) in part.clone().enumerate() {
                        let mut sum = T::zero();
                        if same {
                            known.clone().for_each(|k| sum -= u[(i, k)] * u[(k, j)]);
                            sum /= sign + sign;
                        } else {
                            known
                                .clone()
                                .for_each(|k| sum += u[(i, k)] * t[(k, j)] - t[(i, k)] * u[(k, j)]);
                            sum += (sign + sign) * t[(i, j)];
                        }
                        right[a + b * height] = sum;
                    }
                }
                let width = columns.len();
                let mut y = DMatrixViewMut::from_slice(&mut right[..height * width], height, width);
                if !same {
                    let at =
                        |start: usize, size: usize| (t.view((start, start), (size, size)), false);
                    let equation = Triangular {
                        form: Form::Sum,
                        r: at(part.start, height),
                        minus: true,
                        s: at(columns.start, width),
                    };
                    equation.solve(&mut y)?;
                }
                u.view_mut((part.start, columns.start), (height, width)).copy_from(&y);
            }
        }
        let root = times(&u, &t);
        Ok(vec![q, u, root])
    }
}

/// The derivative of the sign S of A along E: N dS + dS N = E - S E S, with N = S A, the root of A^2, whose plain value
/// in the basis Q is triangular.
pub(crate) fn derivative_of_sign<T: Scalar>(
    a: DMatrixView<'_, T>,
    s: DMatrixView<'_, T>,
    [q, u, root]: &[DMatrix<T>; 3],
    e: DMatrixView<'_, T>,
) -> DMatrix<T> {
    let e = in_basis(q, e);
    let (s, moving) = if <T::Real as Real>::BASE {
        (u.clone(), root.clone())
    } else {
        let root_again = product((s, false), (a, false));
        (moving_in_basis(q, s, u), moving_in_basis(q, block(&root_again), root))
    };
    // What is twice the part of a matrix that S does not commute with, but anticommutes with, as dS does.
    let apart = |m: &DMatrix<T>| m - times(&times(&s, m), &s);
    let mut dot = apart(&solve_of_moving_root(&moving, root, apart(&e)));
    dot.apply(|x| *x = x.scale(nalgebra::convert(0.5)));
    out_of_basis(q, &dot)
}
