//! The linear equations once more, with factors that are known: what rules solve, of any order.

use std::sync::Arc;

use difrules_core::contract::Kind;
use difrules_core::diagnostic::Diagnostic;
use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive, report};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DMatrixViewMut, DefaultAllocator, Dim, OMatrix};

use crate::algebra::hermitian_eigen::hermitian;
use crate::algebra::schur::any_schur_factors;
use crate::algebra::sylvester::{Form, Triangular};
use crate::block::{block, block_mut, buffer, dynamic, multiply, product, shaped, triple, varies};
use crate::error::{Error, finite, overflow, shape, square};
use crate::known::{Known, next_square, saved};
use crate::tolerance::undefined;

/// The scalar of the same kind over f64, in which the equations are factored and solved at every scalar.
pub(crate) type Wide<T> = <<T as Scalar>::Kind as Kind>::Of<f64>;

/// The plain numbers of a matrix.
pub(crate) fn wide<T: Scalar>(matrix: &DMatrix<T>) -> DMatrix<Wide<T>> {
    matrix.map(|x| x.map_parts(&mut |part| part.to_f64()))
}

/// Plain numbers as those of a mode that do not vary, or rounded to the scalar.
pub(crate) fn narrow<T: Scalar>(matrix: &DMatrix<Wide<T>>) -> DMatrix<T> {
    matrix.map(|x| x.map_parts(&mut |part| nalgebra::convert::<f64, T::Real>(part)))
}

/// C <- C + alpha op(A) op(B), unless one of the factors does not vary.
pub(crate) fn add_product<T: Scalar>(
    alpha: T,
    (a, adjoint_a): (&DMatrix<T>, bool),
    (b, adjoint_b): (&DMatrix<T>, bool),
    c: &mut DMatrix<T>,
) {
    if varies(a) && varies(b) {
        multiply(alpha, (block(a), adjoint_a), (block(b), adjoint_b), T::one(), &mut block_mut(c));
    }
}

/// The solution that a rule asks for: undefined where its own elimination meets a divisor of zero, though that of the
/// call did not.
pub(crate) fn solved_again<T: Scalar>(
    primitive: &'static str,
    shape: (usize, usize),
    x: Result<DMatrix<T>, Error>,
) -> DMatrix<T> {
    x.unwrap_or_else(|_| {
        report(Diagnostic::undefined(primitive, "the equation is singular but for rounding"));
        DMatrix::from_element(shape.0, shape.1, undefined())
    })
}

/// The X with op(A) X + X op(B) = C, where op is the adjoint if the flag says so: for whose derivatives the rules of
/// [`sylvester`](fn@crate::sylvester) call it.
///
/// `known` are the vectors and the triangles of the Schur forms of A and of B, if the caller has them.
///
/// # Errors
/// [`Error::NoConvergence`]; [`Error::SingularEquation`] where a divisor is zero.
#[primitive(
    forward = sylvester_again_forward,
    reverse = sylvester_again_reverse,
    reads(adjoint, a, b, known, return),
    constant(adjoint, known),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub(crate) fn sylvester_again<T: Scalar>(
    adjoint: bool,
    a: &DMatrix<T>,
    b: &DMatrix<T>,
    c: &DMatrix<T>,
    known: &Known,
) -> Result<DMatrix<T>, Error> {
    let ((q, r), (p, s)) = match known.reals() {
        Some(mut reals) => {
            let mut pair = |size| (next_square(&mut reals, size), next_square(&mut reals, size));
            (pair(a.nrows()), pair(b.nrows()))
        }
        None => (any_schur_factors(&wide(a))?, any_schur_factors(&wide(b))?),
    };
    let mut x = triple((&q, true), &wide(c), (&p, false));
    let equation = Triangular {
        form: Form::Sum,
        r: (block(&r), adjoint),
        minus: false,
        s: (block(&s), adjoint),
    };
    equation.solve(&mut block_mut(&mut x))?;
    Ok(narrow(&triple((&q, false), &x, (&p, true))))
}

/// op(A) dX + dX op(B) = dC - op(dA) X - X op(dB).
#[expect(clippy::too_many_arguments, reason = "what is read and a tangent for each argument")]
fn sylvester_again_forward<T: Scalar>(
    adjoint: bool,
    a: &DMatrix<T>,
    b: &DMatrix<T>,
    known: &Known,
    x: &DMatrix<T>,
    a_dot: &DMatrix<T>,
    b_dot: &DMatrix<T>,
    c_dot: &DMatrix<T>,
) -> DMatrix<T> {
    let mut right = c_dot.clone();
    add_product(-T::one(), (a_dot, adjoint), (x, false), &mut right);
    add_product(-T::one(), (x, false), (b_dot, adjoint), &mut right);
    solved_again("sylvester", x.shape(), sylvester_again(adjoint, a, b, &right, known))
}

/// W of op(A)^H W + W op(B)^H = X_bar is C_bar, op(A)_bar = -W X^H and op(B)_bar = -X^H W.
#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn sylvester_again_reverse<T: Scalar>(
    adjoint: bool,
    a: &DMatrix<T>,
    b: &DMatrix<T>,
    known: &Known,
    x: &DMatrix<T>,
    x_bar: Cotangent<'_, DMatrix<T>>,
    a_bar: Slot<'_, DMatrix<T>>,
    b_bar: Slot<'_, DMatrix<T>>,
    c_bar: Slot<'_, DMatrix<T>>,
) {
    let x_bar: DMatrix<T> = x_bar.into_owned();
    let w = sylvester_again(!adjoint, a, b, &x_bar, known);
    let w = solved_again("sylvester", x.shape(), w);
    let one = T::one();
    let (x, w_block) = (block(x), block(&w));
    if let Some(mut a_bar) = a_bar.buffer() {
        let (left, right) = if adjoint { (x, w_block) } else { (w_block, x) };
        multiply(-one, (left, false), (right, true), one, &mut buffer(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let (left, right) = if adjoint { (w_block, x) } else { (x, w_block) };
        multiply(-one, (left, true), (right, false), one, &mut buffer(&mut b_bar));
    }
    c_bar.add(|| w);
}

/// A coefficient whose eigenvalues are to the right of those of another.
pub(crate) fn coefficient<T: Scalar>(random: &mut Sampler, size: usize) -> DMatrix<T> {
    let mut a: DMatrix<T> = random.matrix(size, size);
    let shift = nalgebra::convert(3.0);
    (0..size).for_each(|i| a[(i, i)] += shift);
    a
}

/// A coefficient whose eigenvalues are to the left of the imaginary axis, or in the unit circle; mostly.
pub(crate) fn stable<T: Scalar>(random: &mut Sampler, size: usize, discrete: bool) -> DMatrix<T> {
    let a = coefficient(random, size);
    let scale = if discrete { 0.25 / (1.0 + size as f64).sqrt() } else { -1.0 };
    a.map(|x: T| x.scale(nalgebra::convert(scale)))
}

fn sample<T: Scalar>(random: &mut Sampler) -> (bool, DMatrix<T>, DMatrix<T>, DMatrix<T>, Known) {
    let adjoint = random.choose(&[false, true]);
    let (rows, columns) = (random.size(0, 3), random.size(0, 3));
    let (a, b) = (coefficient(random, rows), coefficient(random, columns));
    (adjoint, a, b, random.matrix(rows, columns), Known::default())
}

/// The X with op(A) X + X op(A)^H = C, or in discrete time X - op(A) X op(A)^H = C, where op is the adjoint if the flag
/// says so: for whose derivatives the rules of [`continuous_lyapunov`](fn@crate::continuous_lyapunov),
/// [`discrete_lyapunov`](fn@crate::discrete_lyapunov) and the Riccati equations call it. It is Hermitian if C is.
///
/// `known` are the vectors and the triangle of the Schur form of A, if the caller has them.
///
/// # Errors
/// [`Error::NoConvergence`]; [`Error::SingularEquation`] where a divisor is zero.
#[primitive(
    forward = lyapunov_tangent,
    reverse = lyapunov_again_reverse,
    reads(discrete, adjoint, a, known, return),
    constant(discrete, adjoint, known),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample_of_lyapunov
)]
pub(crate) fn lyapunov_again<T: Scalar>(
    discrete: bool,
    adjoint: bool,
    a: &DMatrix<T>,
    c: &DMatrix<T>,
    known: &Known,
) -> Result<DMatrix<T>, Error> {
    let size = a.nrows();
    let (q, t) = match known.reals() {
        Some(mut reals) => (next_square(&mut reals, size), next_square(&mut reals, size)),
        None => any_schur_factors(&wide(a))?,
    };
    let mut x = triple((&q, true), &wide(c), (&q, false));
    Triangular::lyapunov(discrete, adjoint, &t).solve(&mut block_mut(&mut x))?;
    let x = narrow(&triple((&q, false), &x, (&q, true)));
    let mut entries = (0..size).flat_map(|j| (0..=j).map(move |i| (i, j)));
    let is_hermitian = |(i, j)| c[(i, j)] == T::conjugate(c[(j, i)]);
    Ok(if entries.all(is_hermitian) { hermitian(&x) } else { x })
}

/// The solution of Lyapunov's equation for a matrix, and its factors.
///
/// # Errors
/// Those of [`continuous_lyapunov`](fn@crate::continuous_lyapunov).
#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
pub(crate) fn lyapunov_and_factors<T: Scalar, D: Dim>(
    discrete: bool,
    a: &OMatrix<T, D, D>,
    q: &OMatrix<T, D, D>,
) -> Result<(OMatrix<T, D, D>, Arc<[f64]>), Error>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (shape_of_a, a, q) = (a.shape_generic(), &dynamic(a), &dynamic(q));
    let size = square("a", a.shape())?;
    shape("q", q.shape(), (size, size))?;
    finite("a", a)?;
    finite("q", q)?;
    // The factors are plain in every mode: how the solution varies is the business of the equation for it.
    let plain = wide(a);
    let (v, t) = any_schur_factors(&plain)?;
    let coefficient = (block(&plain), block(&v));
    Triangular::lyapunov(discrete, false, &t).check::<T::Real>(coefficient, coefficient)?;
    let factors = saved(&[&v, &t]);
    let x = lyapunov_again(discrete, false, a, q, &Known::again(&factors))?;
    overflow("x", x.as_slice())?;
    Ok((shaped(shape_of_a, &x), factors))
}

/// The forward rule of Lyapunov's equation.
pub(crate) fn lyapunov_forward<T: Scalar, D: Dim>(
    discrete: bool,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    a_dot: &OMatrix<T, D, D>,
    q_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (known, x_plain) = (Known::again(factors), dynamic(x));
    let (a_dot, q_dot) = (dynamic(a_dot), dynamic(q_dot));
    let x_dot = lyapunov_tangent(discrete, false, &dynamic(a), &known, &x_plain, &a_dot, &q_dot);
    shaped(x.shape_generic(), &x_dot)
}

/// The reverse rule of Lyapunov's equation.
pub(crate) fn lyapunov_reverse<T: Scalar, D: Dim>(
    discrete: bool,
    a: &OMatrix<T, D, D>,
    x: &OMatrix<T, D, D>,
    factors: &Arc<[f64]>,
    x_bar: Cotangent<'_, OMatrix<T, D, D>>,
    (a_bar, q_bar): (Slot<'_, OMatrix<T, D, D>>, Slot<'_, OMatrix<T, D, D>>),
) where
    DefaultAllocator: Allocator<D, D>,
{
    let x_bar: OMatrix<T, D, D> = x_bar.into_owned();
    let mut a_bar = a_bar.buffer();
    let mut a_bar = a_bar.as_mut().map(buffer);
    let (coefficient, known) = (dynamic(a), Known::again(factors));
    let coefficient = (&coefficient, &known);
    let (form, x_bar) = ((discrete, false), dynamic(&x_bar));
    let w = lyapunov_cotangent(form, coefficient, &dynamic(x), &x_bar, a_bar.as_mut());
    q_bar.add(|| shaped(x.shape_generic(), &w));
}

/// op(A) dX + dX op(A)^H = dC - op(dA) X - X op(dA)^H; in discrete time
/// dX - op(A) dX op(A)^H = dC + op(dA) X op(A)^H + op(A) X op(dA)^H.
pub(crate) fn lyapunov_tangent<T: Scalar>(
    discrete: bool,
    adjoint: bool,
    a: &DMatrix<T>,
    known: &Known,
    x: &DMatrix<T>,
    a_dot: &DMatrix<T>,
    c_dot: &DMatrix<T>,
) -> DMatrix<T> {
    let (one, mut right) = (T::one(), c_dot.clone());
    if varies(a_dot) {
        let (dot, plain) = ((block(a_dot), adjoint), (block(a), adjoint));
        let first = product(dot, (block(x), false));
        let second = product((block(x), false), (dot.0, !adjoint));
        if discrete {
            let plain_after = (plain.0, !adjoint);
            let mut right = block_mut(&mut right);
            multiply(one, (block(&first), false), plain_after, one, &mut right);
            multiply(one, plain, (block(&second), false), one, &mut right);
        } else {
            right -= first;
            right -= second;
        }
    }
    let x_dot = lyapunov_again(discrete, adjoint, a, &right, known);
    solved_again(name(discrete), x.shape(), x_dot)
}

fn name(discrete: bool) -> &'static str {
    if discrete { "discrete_lyapunov" } else { "continuous_lyapunov" }
}

/// The cotangents of A and of C. With W of the adjoint equation that of C is W, and that of op(A) is
/// -(W X^H + W^H X), in discrete time W op(A) X^H + W^H op(A) X.
pub(crate) fn lyapunov_cotangent<T: Scalar>(
    (discrete, adjoint): (bool, bool),
    (a, known): (&DMatrix<T>, &Known),
    x: &DMatrix<T>,
    x_bar: &DMatrix<T>,
    a_bar: Option<&mut DMatrixViewMut<'_, T>>,
) -> DMatrix<T> {
    let w = lyapunov_again(discrete, !adjoint, a, x_bar, known);
    let w = solved_again(name(discrete), x.shape(), w);
    let Some(a_bar) = a_bar else { return w };
    let (one, x, w_block) = (T::one(), block(x), block(&w));
    let (through, through_adjoint) = if discrete {
        (product((block(a), adjoint), (x, true)), product((block(a), adjoint), (x, false)))
    } else {
        (-x.adjoint(), -x.into_owned())
    };
    let mut add = |adjoint_w: bool, through: &DMatrix<T>| {
        if adjoint {
            multiply(one, (block(through), true), (w_block, !adjoint_w), one, a_bar);
        } else {
            multiply(one, (w_block, adjoint_w), (block(through), false), one, a_bar);
        }
    };
    add(false, &through);
    add(true, &through_adjoint);
    w
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn lyapunov_again_reverse<T: Scalar>(
    discrete: bool,
    adjoint: bool,
    a: &DMatrix<T>,
    known: &Known,
    x: &DMatrix<T>,
    x_bar: Cotangent<'_, DMatrix<T>>,
    a_bar: Slot<'_, DMatrix<T>>,
    c_bar: Slot<'_, DMatrix<T>>,
) {
    let x_bar: DMatrix<T> = x_bar.into_owned();
    let mut a_bar = a_bar.buffer();
    let mut a_bar = a_bar.as_mut().map(buffer);
    let form = (discrete, adjoint);
    let w = lyapunov_cotangent(form, (a, known), x, &x_bar, a_bar.as_mut());
    c_bar.add(|| w);
}

fn sample_of_lyapunov<T: Scalar>(
    random: &mut Sampler,
) -> (bool, bool, DMatrix<T>, DMatrix<T>, Known) {
    let (discrete, adjoint) = (random.choose(&[false, true]), random.choose(&[false, true]));
    let size = random.size(0, 3);
    (discrete, adjoint, coefficient(random, size), random.matrix(size, size), Known::default())
}
