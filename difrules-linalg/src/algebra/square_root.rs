//! The principal square root by the Schur form, and its derivative.

use std::ops::Range;
use std::sync::Arc;

use difrules_core::diagnostic::Diagnostic;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive, report};
use nalgebra::{Complex, ComplexField, DMatrix, DMatrixView, DMatrixViewMut};

use crate::algebra::matrix_function::{
    PlainWork, add_adjoint_derivative, apart_from_defective_zero, depth, in_domain,
};
use crate::algebra::schur::{blocks, rounding_sizes, unordered_schur_factors};
use crate::algebra::sylvester::{Form, Triangular, eigenvalues};
use crate::block::{block, block_mut, in_basis, moving_in_basis, multiply, out_of_basis, varies};
use crate::error::Error;
use crate::tolerance::{Gap, gap_of, undefined_with};

/// The size at which the recursion ends.
const SMALL: usize = 16;

/// Q and the root R of T, with A = Q T Q^H.
pub(crate) struct SquareRoot;

impl PlainWork for SquareRoot {
    fn run<T: Scalar>(a: DMatrixView<'_, T>) -> Result<Vec<DMatrix<T>>, Error> {
        let (q, mut t) = unordered_schur_factors(a)?;
        in_domain("sqrt", &q, &t, |value, is_zero| {
            value.re < 0.0 && is_zero(value.im) && !is_zero(value.norm())
        })?;
        apart_from_defective_zero("sqrt", &q, &t)?;
        // An eigenvalue that is zero but for rounding is zero, with a root that is; that of its rounding is none.
        let (sizes, count) = (rounding_sizes(Some(block(&q)), block(&t)), t.nrows());
        let values = eigenvalues((block(&t), false));
        for k in 0..count {
            let is_alone =
                (k == 0 || t[(k, k - 1)].is_zero()) && (k + 1 == count || t[(k + 1, k)].is_zero());
            let gap = gap_of::<T::Real>(values[k].norm(), sizes[k], count);
            if is_alone && gap == Gap::Nothing {
                t[(k, k)] = T::zero();
            }
        }
        let root = root_of_triangular(&t)?;
        Ok(vec![q, root])
    }
}

/// The root of an upper triangular or quasi-triangular T whose eigenvalues have one.
///
/// # Errors
/// [`Error::OutsideDomain`] where zero repeats and has no root; [`Error::Overflow`].
pub(crate) fn root_of_triangular<T: Scalar>(t: &DMatrix<T>) -> Result<DMatrix<T>, Error> {
    let mut root = DMatrix::zeros(t.nrows(), t.ncols());
    let zeros = (0..t.nrows()).filter(|&k| t[(k, k)].is_zero()).count();
    let rows: Vec<_> = blocks(block(t)).collect();
    recurse(block(t), &rows, zeros > 1, &mut block_mut(&mut root))?;
    Ok(root)
}

/// Fills in the root of the rows of these blocks.
///
/// The root of [A B; 0 C] is [X Y; 0 Z] with the roots X and Z, and X Y + Y Z = B (Deadman, Higham and Ralha 2013,
/// "Blocked Schur algorithms for computing the matrix square root").
fn recurse<T: Scalar>(
    t: DMatrixView<'_, T>,
    rows: &[Range<usize>],
    repeats: bool,
    root: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    if rows.len() <= SMALL || repeats {
        return by_blocks(t, rows, root);
    }
    let (first, last) = rows.split_at(rows.len() / 2);
    recurse(t, first, false, root)?;
    recurse(t, last, false, root)?;
    let span = |rows: &[Range<usize>]| rows[0].start..rows[rows.len() - 1].end;
    between(t, &span(first), &span(last), root)
}

/// Solves X Y + Y Z = B for the rows and the columns of Y.
fn between<T: Scalar>(
    t: DMatrixView<'_, T>,
    rows: &Range<usize>,
    columns: &Range<usize>,
    root: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    let place = (rows.start, columns.start);
    let mut y = t.view(place, (rows.len(), columns.len())).into_owned();
    let part = |part: &Range<usize>| {
        (root.view((part.start, part.start), (part.len(), part.len())), false)
    };
    let equation = Triangular { form: Form::Sum, r: part(rows), minus: false, s: part(columns) };
    equation.solve(&mut block_mut(&mut y))?;
    root.view_mut(place, y.shape()).copy_from(&y);
    Ok(())
}

/// Block by block, of each column from below (Bjorck and Hammarling 1983, "A Schur method for the square root of a
/// matrix"; Higham 1987, "Computing real square roots of a real matrix").
fn by_blocks<T: Scalar>(
    t: DMatrixView<'_, T>,
    rows: &[Range<usize>],
    root: &mut DMatrixViewMut<'_, T>,
) -> Result<(), Error> {
    let size = moduli_sum(t);
    for (n, columns) in rows.iter().enumerate() {
        root_of_block(t, columns, root);
        for part in rows[..n].iter().rev() {
            let known = part.end..columns.start;
            let mut right = [T::zero(); 4];
            let height = part.len();
            for (b, j) in columns.clone().enumerate() {
                for (a, i) in part.clone().enumerate() {
                    let products = known.clone().map(|k| root[(i, k)] * root[(k, j)]);
                    right[a + b * height] =
                        t[(i, j)] - products.fold(T::zero(), |sum, product| sum + product);
                }
            }
            let (i, j) = (part.start, columns.start);
            let mut y = DMatrixViewMut::from_slice(
                &mut right[..height * columns.len()],
                height,
                columns.len(),
            );
            if root[(i, i)].is_zero() && root[(j, j)].is_zero() {
                // Zero times what is beside it, whatever that is: the root that is a polynomial of A has a zero.
                let left = y[(0, 0)].modulus().to_f64();
                if gap_of::<T::Real>(left, size, t.nrows()) != Gap::Nothing {
                    let eigenvalue = Complex::new(0.0, 0.0);
                    return Err(Error::OutsideDomain { function: "sqrt", eigenvalue });
                }
                y[(0, 0)] = T::zero();
            } else {
                let at = |part: &Range<usize>| {
                    (root.view((part.start, part.start), (part.len(), part.len())), false)
                };
                let equation =
                    Triangular { form: Form::Sum, r: at(part), minus: false, s: at(columns) };
                equation.solve(&mut y)?;
            }
            let y = y.into_owned();
            root.view_mut((i, j), y.shape()).copy_from(&y);
        }
    }
    Ok(())
}

fn moduli_sum<T: Scalar>(t: DMatrixView<'_, T>) -> f64 {
    t.iter().map(|x| x.modulus().to_f64()).sum()
}

/// The root of a block on the diagonal. With the root a + bi of the eigenvalue of [x y; z x] it is
/// [a y/2a; z/2a a].
fn root_of_block<T: Scalar>(
    t: DMatrixView<'_, T>,
    rows: &Range<usize>,
    root: &mut DMatrixViewMut<'_, T>,
) {
    let k = rows.start;
    if rows.len() == 1 {
        root[(k, k)] = ComplexField::sqrt(t[(k, k)]);
        return;
    }
    let (x, y, z) = (t[(k, k)].real(), t[(k, k + 1)].real(), t[(k + 1, k)].real());
    let imaginary =
        ComplexField::sqrt(ComplexField::abs(y)) * ComplexField::sqrt(ComplexField::abs(z));
    let value = ComplexField::sqrt(Complex::new(x, imaginary));
    let twice = value.re + value.re;
    for (place, entry) in [
        ((k, k), value.re),
        ((k + 1, k + 1), value.re),
        ((k, k + 1), y / twice),
        ((k + 1, k), z / twice),
    ] {
        root[place] = T::from_real(entry);
    }
}

/// A constant coefficient: plain numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Coefficient(Arc<DMatrix<Complex<f64>>>);

impl Coefficient {
    fn new<T: Scalar>(r: &DMatrix<T>) -> Self {
        Self(Arc::new(r.map(|x| Complex::new(x.real().to_f64(), x.imaginary().to_f64()))))
    }

    fn matrix<T: Scalar>(&self) -> DMatrix<T> {
        self.0.map(|x| {
            let mut y = T::zero();
            let parts = y.parts_mut().iter_mut().zip([x.re, x.im]);
            parts.for_each(|(y, x)| *y = nalgebra::convert(x));
            y
        })
    }
}

/// The Y of R Y + Y R = C, for a plain R that is upper triangular, or quasi-triangular if it is real: what the rules of
/// roots and of signs solve in a mode.
///
/// It is linear. The adjoint, with R^H, is the equation for Y^H.
#[primitive(
    forward = solve_of_root_forward,
    reverse = solve_of_root_reverse,
    reads(r),
    constant(r),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub(crate) fn solve_of_root<T: Scalar>(c: &DMatrix<T>, r: &Coefficient) -> DMatrix<T> {
    solve_of_plain_root(c.clone(), &r.matrix())
}

fn solve_of_plain_root<T: Scalar>(mut c: DMatrix<T>, r: &DMatrix<T>) -> DMatrix<T> {
    let r = (block(r), false);
    let equation = Triangular { form: Form::Sum, r, minus: false, s: r };
    if varies(&c) {
        let nothing = c.clone();
        if equation.solve(&mut block_mut(&mut c)).is_err() {
            c.fill(undefined_with(nothing.iter()));
        }
    }
    c
}

fn solve_of_root_forward<T: Scalar>(r: &Coefficient, c_dot: &DMatrix<T>) -> DMatrix<T> {
    solve_of_root(c_dot, r)
}

fn solve_of_root_reverse<T: Scalar>(
    r: &Coefficient,
    mut y_bar: Cotangent<'_, DMatrix<T>>,
    c_bar: Slot<'_, DMatrix<T>>,
) {
    add_adjoint_derivative(&mut y_bar, c_bar, |e| solve_of_root(&e.into_owned(), r));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, Coefficient) {
    let size = random.choose(&[0, 1, 2, 3, 6]);
    let c = random.matrix(size, size);
    let r: DMatrix<T> = random.lower_triangular(size);
    (c, Coefficient::new(&r.transpose()))
}

/// Solves X Y + Y X = C, where X is R but for how it moves.
///
/// With X = R + N, Y = S(C - N Y - Y N), where S solves the equation with R. Each step finds one more order in N, of
/// which there are as many as modes.
pub(crate) fn solve_of_moving_root<T: Scalar>(
    x: &DMatrix<T>,
    r: &DMatrix<T>,
    c: DMatrix<T>,
) -> DMatrix<T> {
    if <T::Real as Real>::BASE {
        return solve_of_plain_root(c, r);
    }
    let coefficient = Coefficient::new(r);
    let mut y = solve_of_root(&c, &coefficient);
    for _ in 0..depth::<T::Real>() {
        let mut rest = c.clone();
        let mut into = block_mut(&mut rest);
        multiply(-T::one(), (block(x), false), (block(&y), false), T::one(), &mut into);
        multiply(-T::one(), (block(&y), false), (block(x), false), T::one(), &mut into);
        y += solve_of_root(&rest, &coefficient);
    }
    y
}

/// The root of B, in a mode, where that of its plain value is R: a step of Newton for each mode.
pub(crate) fn moving_root<T: Scalar>(b: &DMatrix<T>, r: &DMatrix<T>) -> DMatrix<T> {
    let mut x = r.clone();
    if <T::Real as Real>::BASE {
        return x;
    }
    let coefficient = Coefficient::new(r);
    for _ in 0..depth::<T::Real>() {
        let mut rest = b.clone();
        let mut into = block_mut(&mut rest);
        multiply(-T::one(), (block(&x), false), (block(&x), false), T::one(), &mut into);
        x += solve_of_root(&rest, &coefficient);
    }
    x
}

/// The derivative of the root Y = Q X Q^H of A along E, by X dX + dX X = Q^H E Q.
pub(crate) fn derivative_of_root<T: Scalar>(
    y: DMatrixView<'_, T>,
    q: &DMatrix<T>,
    r: &DMatrix<T>,
    e: DMatrixView<'_, T>,
) -> DMatrix<T> {
    let moves = varies(&e);
    if moves && (0..r.nrows()).any(|k| r[(k, k)].is_zero()) {
        let reason = "the matrix is singular: its root has no derivative";
        report(Diagnostic::undefined("sqrt", reason));
        let nothing = undefined_with(y.iter().chain(e.iter()));
        return DMatrix::from_element(e.nrows(), e.ncols(), nothing);
    }
    let c = in_basis(q, e);
    let x = if <T::Real as Real>::BASE { r.clone() } else { moving_in_basis(q, y, r) };
    out_of_basis(q, &solve_of_moving_root(&x, r, c))
}
