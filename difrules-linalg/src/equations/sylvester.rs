use std::sync::Arc;

use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, OMatrix};

use crate::algebra::schur::any_schur_factors;
use crate::algebra::sylvester::{Form, Triangular};
use crate::block::{block, buffer, dynamic, multiply, shaped};
use crate::equations::linear::{add_product, coefficient, solved_again, sylvester_again, wide};
use crate::error::{Error, finite, overflow, shape, square};
use crate::known::{Known, saved};

/// The X with A X + X B = C, for square A and B.
///
/// By the Schur forms of A and B (Bartels and Stewart 1972, "Solution of the matrix equation AX + XB = C"). The
/// residual is a rounding of the size of |A| |X| + |X| |B|.
///
/// # Errors
/// [`Error::NotSquare`] and [`Error::DimensionMismatch`] if the shapes do not fit; [`Error::NotFinite`];
/// [`Error::SingularEquation`] where an eigenvalue of A and one of B add up to zero, but for rounding;
/// [`Error::NoConvergence`]; [`Error::Overflow`].
///
/// # Derivation
/// A dX + dX B = dC - dA X - X dB is an equation with the same coefficients. So with the W of
/// A^H W + W B^H = X_bar, in the pairing Re tr(X_bar^H dX): C_bar = W, A_bar = -W X^H and B_bar = -X^H W. Both rules
/// use the Schur forms of the primal. With A of n rows and B of m each takes n^2 m + n m^2 multiplications and additions
/// for the equation, twice as many to come into the basis and back, and as many for the products, beside the primal's
/// 25 (n^3 + m^3).
///
/// ```
/// use difrules_linalg::{Error, sylvester};
/// use nalgebra::dmatrix;
///
/// let x = sylvester(&dmatrix![1.0, 0.0; 0.0, 2.0], &dmatrix![3.0], &dmatrix![4.0; 10.0])?;
/// assert_eq!(x, dmatrix![1.0; 2.0]);
///
/// let singular = sylvester(&dmatrix![1.0, 0.0; 0.0, 2.0], &dmatrix![-2.0], &dmatrix![4.0; 10.0]);
/// assert!(matches!(singular, Err(Error::SingularEquation { .. })));
/// # Ok::<(), Error>(())
/// ```
#[primitive(
    forward = sylvester_forward,
    reverse = sylvester_reverse,
    saves = sylvester_and_factors -> Arc<[f64]>,
    reads(a, b, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn sylvester<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, R>,
    b: &OMatrix<T, C, C>,
    c: &OMatrix<T, R, C>,
) -> Result<OMatrix<T, R, C>, Error>
where
    DefaultAllocator: Allocator<R, R> + Allocator<C, C> + Allocator<R, C>,
{
    sylvester_and_factors(a, b, c).map(|(x, _)| x)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn sylvester_and_factors<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, R>,
    b: &OMatrix<T, C, C>,
    c: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, C>, Arc<[f64]>), Error>
where
    DefaultAllocator: Allocator<R, R> + Allocator<C, C> + Allocator<R, C>,
{
    let rows = square("a", a.shape())?;
    let columns = square("b", b.shape())?;
    shape("c", c.shape(), (rows, columns))?;
    finite("a", a)?;
    finite("b", b)?;
    finite("c", c)?;
    let (a, b) = (dynamic(a), dynamic(b));
    // The factors are plain in every mode: how the solution varies is the business of the equation for it.
    let (plain_a, plain_b) = (wide(&a), wide(&b));
    let ((q, r), (p, s)) = (any_schur_factors(&plain_a)?, any_schur_factors(&plain_b)?);
    let equation =
        Triangular { form: Form::Sum, r: (block(&r), false), minus: false, s: (block(&s), false) };
    equation.check::<T::Real>((block(&plain_a), block(&q)), (block(&plain_b), block(&p)))?;
    let factors = saved(&[&q, &r, &p, &s]);
    let x = sylvester_again(false, &a, &b, &dynamic(c), &Known::again(&factors))?;
    overflow("x", x.as_slice())?;
    Ok((shaped(c.shape_generic(), &x), factors))
}

fn sylvester_forward<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, R>,
    b: &OMatrix<T, C, C>,
    x: &OMatrix<T, R, C>,
    factors: &Arc<[f64]>,
    a_dot: &OMatrix<T, R, R>,
    b_dot: &OMatrix<T, C, C>,
    c_dot: &OMatrix<T, R, C>,
) -> OMatrix<T, R, C>
where
    DefaultAllocator: Allocator<R, R> + Allocator<C, C> + Allocator<R, C>,
{
    let (dimensions, x) = (x.shape_generic(), dynamic(x));
    let mut right = dynamic(c_dot);
    add_product(-T::one(), (&dynamic(a_dot), false), (&x, false), &mut right);
    add_product(-T::one(), (&x, false), (&dynamic(b_dot), false), &mut right);
    let x_dot = sylvester_again(false, &dynamic(a), &dynamic(b), &right, &Known::again(factors));
    shaped(dimensions, &solved_again("sylvester", x.shape(), x_dot))
}

#[expect(clippy::too_many_arguments, reason = "what is read and a slot for each argument")]
fn sylvester_reverse<T: Scalar, R: Dim, C: Dim>(
    a: &OMatrix<T, R, R>,
    b: &OMatrix<T, C, C>,
    x: &OMatrix<T, R, C>,
    factors: &Arc<[f64]>,
    x_bar: Cotangent<'_, OMatrix<T, R, C>>,
    a_bar: Slot<'_, OMatrix<T, R, R>>,
    b_bar: Slot<'_, OMatrix<T, C, C>>,
    c_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, R> + Allocator<C, C> + Allocator<R, C>,
{
    let x_bar: OMatrix<T, R, C> = x_bar.into_owned();
    let w =
        sylvester_again(true, &dynamic(a), &dynamic(b), &dynamic(&x_bar), &Known::again(factors));
    let w = solved_again("sylvester", x.shape(), w);
    let one = T::one();
    if let Some(mut a_bar) = a_bar.buffer() {
        let product = ((block(&w), false), (block(x), true));
        multiply(-one, product.0, product.1, one, &mut buffer(&mut a_bar));
    }
    if let Some(mut b_bar) = b_bar.buffer() {
        let product = ((block(x), true), (block(&w), false));
        multiply(-one, product.0, product.1, one, &mut buffer(&mut b_bar));
    }
    c_bar.add(|| shaped(x.shape_generic(), &w));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, DMatrix<T>, DMatrix<T>) {
    let (rows, columns) = (random.choose(&[0, 1, 2, 3, 5]), random.size(0, 4));
    let (a, b) = (coefficient(random, rows), coefficient(random, columns));
    (a, b, random.matrix(rows, columns))
}
