//! The transforms of this crate, by the coordinates of tangents.

use nalgebra::DMatrix;

use super::manifold::{At, Manifold, Space, Tangent, along};
use super::outcome::Reached;
use crate::contract::outcome::{Aux, OutcomeOf};
use crate::contract::scalar::Real;
use crate::contract::value::Differentiable;
use crate::modes::dual::Dual;
use crate::modes::reverse::var::Var;
use crate::transform as flat;

/// How many columns [`flat::jacobian`] takes at once.
const COLUMNS: usize = 4;

/// How many columns [`flat::hessian`] takes at once.
const HESSIAN_COLUMNS: usize = 8;

/// The point as a function of a tangent that is two modes further out.
fn twice_along<X, V>(x: &X, xi: &V) -> At<X, V::Real>
where
    X: Manifold<Space: Space<Tangents = V::Family>>,
    V: Differentiable<Real: Real<Inner: Real<Inner = X::Real>>>,
{
    x.map(&mut |x| V::Real::from_inner(<V::Real as Real>::Inner::from_inner(x))).retract(xi)
}

/// The value of a point one mode further in, and the tangent that leads from it to the point: zero, with the tangents or
/// the adjoints that the point has.
fn parts<V: Manifold>(y: &V) -> (At<V, <V::Real as Real>::Inner>, Tangent<V>) {
    let centre = y.map(&mut |y| <V::Real as Real>::from_inner(y.inner()));
    (y.map(&mut |y| y.inner()), centre.local(y))
}

/// The value and the gradient of a function of a point, by one reverse sweep: the derivative of `f(x exp(xi))` by xi at zero.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`value_and_gradient`](crate::value_and_gradient).
///
/// ```
/// use difrules_core::motions::value_and_gradient;
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// let q = UnitQuaternion::<f64>::identity();
/// let (height, slope) = value_and_gradient(|q| (q * Vector3::x()).z, &q);
/// assert_eq!((height, slope), (0.0, vector![0.0, -1.0, 0.0]));
/// ```
pub fn value_and_gradient<X, F, Y>(f: F, x: &X) -> Y::Of<(X::Real, Tangent<X>)>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    flat::value_and_gradient(|xi| f(&along(x, xi)), &x.zero())
}

/// The gradient alone; see [`value_and_gradient`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`value_and_gradient`].
///
/// ```
/// use difrules_core::motions::{Manifold, gradient, lift};
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// // Gradient descent that stays on the sphere of unit quaternions.
/// let (from, to) = (Vector3::x(), vector![0.0, 0.6, 0.8]);
/// let mut q = UnitQuaternion::<f64>::identity();
/// for _ in 0..100 {
///     let slope = gradient(|q| (q * lift(&from) - lift(&to)).norm_squared(), &q);
///     q = q.retract(&(slope * -0.2));
/// }
/// assert!((q * from - to).norm() < 1e-6);
/// ```
pub fn gradient<X, F, Y>(f: F, x: &X) -> Y::Of<Tangent<X>>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    flat::gradient(|xi| f(&along(x, xi)), &x.zero())
}

/// The Hessian of a function of a point, in exponential coordinates: the second derivatives of `f(x exp(xi))` by xi at zero.
///
/// It is symmetric. Where the gradient is not zero, it is not the derivative of the gradient as a field, which depends on how
/// the frames of neighbouring points are related.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`hessian`](crate::hessian).
///
/// ```
/// use difrules_core::motions::hessian;
/// use nalgebra::{Matrix3, UnitQuaternion, Vector3};
///
/// let q = UnitQuaternion::<f64>::identity();
/// let curvature = hessian(|q| (q * Vector3::x()).x, &q);
/// assert_eq!(curvature, Matrix3::from_diagonal(&Vector3::new(0.0, -1.0, -1.0)));
/// ```
pub fn hessian<X, F, Y>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Manifold,
    F: Fn(&At<X, Var<Dual<X::Real, HESSIAN_COLUMNS>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real, HESSIAN_COLUMNS>>>,
{
    flat::hessian(|xi| f(&twice_along(x, xi)), &x.zero())
}

/// The value, the gradient and the [`hessian`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`hessian`](crate::hessian).
///
/// ```
/// use difrules_core::motions::value_gradient_and_hessian;
/// use nalgebra::UnitComplex;
///
/// let (y, slope, curvature) = value_gradient_and_hessian(|z| z.im, &UnitComplex::new(0.0_f64));
/// assert_eq!((y, slope.x, curvature[0]), (0.0, 1.0, 0.0));
/// ```
pub fn value_gradient_and_hessian<X, F, Y>(
    f: F,
    x: &X,
) -> Y::Of<(X::Real, Tangent<X>, DMatrix<X::Real>)>
where
    X: Manifold,
    F: Fn(&At<X, Var<Dual<X::Real, HESSIAN_COLUMNS>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real, HESSIAN_COLUMNS>>>,
{
    flat::value_gradient_and_hessian(|xi| f(&twice_along(x, xi)), &x.zero())
}

/// The [`hessian`] times a tangent.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`hvp`](crate::hvp).
///
/// ```
/// use difrules_core::motions::hvp;
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// let q = UnitQuaternion::<f64>::identity();
/// let product = hvp(|q| (q * Vector3::x()).x, &q, &vector![1.0, 2.0, 3.0]);
/// assert_eq!(product, vector![0.0, -2.0, -3.0]);
/// ```
pub fn hvp<X, F, Y>(f: F, x: &X, direction: &Tangent<X>) -> Y::Of<Tangent<X>>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<Dual<X::Real>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real>>>,
{
    flat::hvp(|xi| f(&twice_along(x, xi)), &x.zero(), direction)
}

/// The value, the gradient, and the [`hessian`] times a tangent.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`hvp`](crate::hvp).
///
/// ```
/// use difrules_core::motions::value_gradient_and_hvp;
/// use nalgebra::{Rotation2, vector};
///
/// let r = Rotation2::new(0.0_f64);
/// let (y, slope, product) = value_gradient_and_hvp(|r| r[(0, 0)], &r, &vector![2.0]);
/// assert_eq!((y, slope.x, product.x), (1.0, 0.0, -2.0));
/// ```
pub fn value_gradient_and_hvp<X, F, Y>(
    f: F,
    x: &X,
    direction: &Tangent<X>,
) -> Y::Of<(X::Real, Tangent<X>, Tangent<X>)>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<Dual<X::Real>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real>>>,
{
    flat::value_gradient_and_hvp(|xi| f(&twice_along(x, xi)), &x.zero(), direction)
}

/// The value of a function from points to points and its derivative along a tangent, a tangent of the value.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `tangent` does not have the shape of the point's tangents.
///
/// ```
/// use difrules_core::motions::jvp;
/// use nalgebra::{UnitQuaternion, vector};
///
/// let q = UnitQuaternion::<f64>::identity();
/// let (inverse, turning) = jvp(|q| q.inverse(), &q, &vector![1.0, 2.0, 3.0]);
/// assert_eq!((inverse, turning), (q, vector![-1.0, -2.0, -3.0]));
/// ```
pub fn jvp<X, F, Y, V>(
    f: F,
    x: &X,
    tangent: &Tangent<X>,
) -> Y::Of<(At<V, X::Real>, Tangent<At<V, X::Real>>)>
where
    X: Manifold,
    F: FnOnce(&At<X, Dual<X::Real>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Dual<X::Real>>,
{
    let through = |xi: &_| split(f(&along(x, xi)).into_parts());
    let (pair, (value, aux)) = flat::jvp(through, &x.zero(), tangent);
    Y::from_parts(pair.map(|(_, y)| (reached(value), y)), aux)
}

/// The value of a function from points to points, and the gradient of the pairing of its tangents with a cotangent.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`vjp`](crate::vjp).
///
/// ```
/// use difrules_core::motions::vjp;
/// use nalgebra::{UnitQuaternion, Vector3, vector};
///
/// let q = UnitQuaternion::<f64>::identity();
/// let (y, slope) = vjp(|q| q * Vector3::x(), &q, &Vector3::z());
/// assert_eq!((y, slope), (Vector3::x(), vector![0.0, -1.0, 0.0]));
/// ```
pub fn vjp<X, F, Y, V>(
    f: F,
    x: &X,
    cotangent: &Tangent<At<V, X::Real>>,
) -> Y::Of<(At<V, X::Real>, Tangent<X>)>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Var<X::Real>>,
{
    let through = |xi: &_| split(f(&along(x, xi)).into_parts());
    let (pair, (value, aux)) = flat::vjp(through, &x.zero(), cotangent);
    Y::from_parts(pair.map(|(_, slope)| (reached(value), slope)), aux)
}

/// The Jacobian of a function from points to points: a column for each number of a tangent of `x`, a row for each of the
/// value's. By forward mode, four columns an evaluation; see [`jacobian_reverse`].
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::motions::{LieGroup, jacobian};
/// use nalgebra::{Isometry3, vector};
///
/// // That of the inverse is minus the adjoint.
/// let x = Isometry3::new(vector![1.0, 2.0, 3.0], vector![0.1, 0.2, 0.3]);
/// assert!((jacobian(|x| x.inverse(), &x) + x.adjoint()).norm() < 1e-14);
/// ```
pub fn jacobian<X, F, Y, V>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Manifold,
    F: Fn(&At<X, Dual<X::Real, COLUMNS>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Dual<X::Real, COLUMNS>>,
{
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result.map(|(_, jacobian)| jacobian), aux)
}

/// The value and the [`jacobian`].
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::motions::{lift, value_and_jacobian};
/// use nalgebra::{Point3, UnitQuaternion};
///
/// // R p moves by -R [p] xi.
/// let (q, p) = (UnitQuaternion::<f64>::identity(), Point3::new(1.0, 2.0, 3.0));
/// let (y, by_turning) = value_and_jacobian(|q| q * lift(&p), &q);
/// assert_eq!(y, p);
/// assert_eq!(by_turning, -p.coords.cross_matrix());
/// ```
pub fn value_and_jacobian<X, F, Y, V>(f: F, x: &X) -> Y::Of<(At<V, X::Real>, DMatrix<X::Real>)>
where
    X: Manifold,
    F: Fn(&At<X, Dual<X::Real, COLUMNS>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Dual<X::Real, COLUMNS>>,
{
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result, aux)
}

/// The [`jacobian`] by reverse mode: one evaluation, and a sweep a row.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`jacobian_reverse`](crate::jacobian_reverse).
///
/// ```
/// use difrules_core::motions::jacobian_reverse;
/// use nalgebra::{UnitQuaternion, Vector3, dmatrix};
///
/// let q = UnitQuaternion::<f64>::identity();
/// assert_eq!(jacobian_reverse(|q| (q * Vector3::x()).z, &q), dmatrix![0.0, -1.0, 0.0]);
/// ```
pub fn jacobian_reverse<X, F, Y, V>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Var<X::Real>>,
{
    let (result, aux) = by_rows(|x| f(x).into_parts(), x);
    Y::from_parts(result.map(|(_, jacobian)| jacobian), aux)
}

/// The value and the [`jacobian_reverse`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// As [`jacobian_reverse`](crate::jacobian_reverse).
///
/// ```
/// use difrules_core::motions::value_and_jacobian_reverse;
/// use nalgebra::{UnitComplex, dmatrix};
///
/// let z = UnitComplex::new(0.0_f64);
/// assert_eq!(value_and_jacobian_reverse(|z| z * z, &z), (z, dmatrix![2.0]));
/// ```
pub fn value_and_jacobian_reverse<X, F, Y, V>(
    f: F,
    x: &X,
) -> Y::Of<(At<V, X::Real>, DMatrix<X::Real>)>
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> Y,
    Y: Reached<Point = V>,
    V: Manifold<Real = Var<X::Real>>,
{
    let (result, aux) = by_rows(|x| f(x).into_parts(), x);
    Y::from_parts(result, aux)
}

fn by_columns<X, F, V, A, E>(f: F, x: &X) -> (Result<(At<V, X::Real>, DMatrix<X::Real>), E>, A)
where
    X: Manifold,
    F: Fn(&At<X, Dual<X::Real, COLUMNS>>) -> (Result<V, E>, A),
    V: Manifold<Real = Dual<X::Real, COLUMNS>>,
{
    let through = |xi: &_| split(f(&along(x, xi)));
    let (jacobian, (value, aux)) = flat::jacobian(through, &x.zero());
    (jacobian.map(|jacobian| (reached(value), jacobian)), aux)
}

fn by_rows<X, F, V, A, E>(f: F, x: &X) -> (Result<(At<V, X::Real>, DMatrix<X::Real>), E>, A)
where
    X: Manifold,
    F: FnOnce(&At<X, Var<X::Real>>) -> (Result<V, E>, A),
    V: Manifold<Real = Var<X::Real>>,
{
    let through = |xi: &_| split(f(&along(x, xi)));
    let (jacobian, (value, aux)) = flat::jacobian_reverse(through, &x.zero());
    (jacobian.map(|jacobian| (reached(value), jacobian)), aux)
}

/// The tangent that [`parts`] gives, where there is a point, and beside it the value and what the function returned beside
/// the point.
#[expect(clippy::type_complexity, reason = "an outcome of outcomes")]
fn split<V: Manifold, E, A>(
    (y, aux): (Result<V, E>, A),
) -> Aux<Result<Tangent<V>, E>, (Option<At<V, <V::Real as Real>::Inner>>, A)> {
    match y.map(|y| parts(&y)) {
        Ok((value, y)) => Aux(Ok(y), (Some(value), aux)),
        Err(error) => Aux(Err(error), (None, aux)),
    }
}

/// The value that a function had that did not fail.
fn reached<V>(value: Option<V>) -> V {
    value.expect("the first evaluation has a value")
}
