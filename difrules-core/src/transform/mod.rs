//! Derivatives of whole programs.
//!
//! A transform takes a function of one differentiable value (a scalar, a vector, a tuple, ...) and
//! a point. It calls the function with the point in another scalar, so write the function generic
//! over the scalar and hand the transform a closure that calls it. Where the function returns a
//! `Result`, so does the transform, and the error passes unchanged.
//!
//! Every transform panics if a primitive lacks the rule that the mode needs (see
//! [`MissingRule`](crate::MissingRule)), and if the function uses or returns a [`Var`] that is not of
//! this computation.

use nalgebra::DMatrix;

use crate::contract::outcome::{Outcome, OutcomeOf};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, With};
use crate::modes::dual::Dual;
use crate::modes::maps::{
    Along, Lift, Numbers, Primals, Ranges, Tangents, Units, like, seed, tangent,
};
use crate::modes::mark::Derivation;
use crate::modes::reverse::session::inputs;
use crate::modes::reverse::var::Var;
use crate::tape::{Number, Opened};

/// How many directions one forward evaluation carries.
const CHUNK: usize = 4;

/// How many columns of a Hessian one evaluation has.
const COLUMNS: usize = 8;

/// The point `x` on a tape of its own.
fn recorded<X: Differentiable>(x: &X) -> (Opened<X::Real>, With<X, Var<X::Real>>) {
    let tape = Opened::new(X::count(&x.shape()));
    let variables = inputs(&tape, x);
    (tape, variables)
}

/// The value of a function, and what `take` takes out of the numbers of its gradient.
fn swept<X, F, Y, Out>(
    f: F,
    x: &X,
    take: impl FnOnce(&[X::Real]) -> Out,
) -> Result<(X::Real, Out), Y::Error>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    let (tape, variables) = recorded(x);
    let y = f(&variables).into_result()?;
    let (number, seed) = (y.number(tape.stamp()), seed(y.value_unseen(), nalgebra::one()));
    let out = tape.close(|tape| take(tape.sweep([(number, seed)])));
    Ok((y.value(), out))
}

/// The value and the gradient of a function of one differentiable value, by one reverse sweep.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::{Real, value_and_gradient};
/// use nalgebra::{DVector, dvector};
///
/// fn energy<T: Real>(x: &DVector<T>) -> T {
///     x[0] * x[0] * x[1].sin()
/// }
///
/// let (value, gradient) = value_and_gradient(|x| energy(x), &dvector![2.0_f64, 0.5]);
/// assert_eq!(value, 4.0 * 0.5_f64.sin());
/// assert_eq!(gradient, dvector![4.0 * 0.5_f64.sin(), 4.0 * 0.5_f64.cos()]);
/// ```
pub fn value_and_gradient<X, F, Y>(f: F, x: &X) -> Y::Of<(X::Real, X)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    Y::from_result(swept(f, x, |numbers| like(x, numbers)))
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
/// use difrules_core::gradient;
///
/// assert_eq!(gradient(|&(x, y)| x * y, &(2.0_f64, 3.0)), (3.0, 2.0));
/// ```
pub fn gradient<X, F, Y>(f: F, x: &X) -> Y::Of<X>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    Y::from_result(value_and_gradient(|x| f(x).into_result(), x).map(|(_, gradient)| gradient))
}

/// The value of a function and its derivative in a direction: one forward evaluation.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `tangent` does not have the shape of `x`.
///
/// ```
/// use difrules_core::jvp;
/// use nalgebra::vector;
///
/// let (y, y_dot) = jvp(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!(y_dot, vector![4.0, -6.0]);
/// ```
pub fn jvp<X, F, Y, V>(f: F, x: &X, tangent: &X) -> Y::Of<(With<V, X::Real>, With<V, X::Real>)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Dual<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real>>,
{
    assert_eq!(tangent.shape(), x.shape(), "the tangent must have the shape of the point");
    let (tangent, mut derivation) = (tangent.to_reals(), Derivation::default());
    Y::from_result(
        f(&x.map_with(&mut Along(Numbers(&tangent), &mut derivation)))
            .into_result()
            .map(|y| (y.map_with(&mut Primals), y.map_with(&mut Tangents(&mut derivation)))),
    )
}

/// The value of a function and the gradient of its pairing with a cotangent: one reverse sweep.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `cotangent` does not have the shape of the function's value, or if the function returns a
/// `Var` that is not of this computation.
///
/// ```
/// use difrules_core::vjp;
/// use nalgebra::vector;
///
/// let (y, x_bar) = vjp(|x| x.component_mul(x), &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(y, vector![4.0, 9.0]);
/// assert_eq!(x_bar, vector![4.0, -6.0]);
/// ```
pub fn vjp<X, F, Y, V>(f: F, x: &X, cotangent: &With<V, X::Real>) -> Y::Of<(With<V, X::Real>, X)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    Y::from_result((|| {
        let (tape, variables) = recorded(x);
        let y = f(&variables).into_result()?;
        let mut ranges = Ranges::new(tape.stamp());
        let value = y.map_with(&mut ranges.values());
        assert_eq!(
            cotangent.shape(),
            value.shape(),
            "the cotangent must have the shape of the value"
        );
        let cotangents = cotangent.to_reals();
        let seeds = value.to_reals().into_iter().zip(cotangents).map(|(y, y_bar)| seed(y, y_bar));
        let x_bar = tape.close(|tape| like(x, tape.sweep(ranges.numbers().zip(seeds))));
        Ok((value, x_bar))
    })())
}

/// The numbers that a result has on the tape of this stamp, and a seed of a sweep at each.
fn numbers<R: Real, V: Differentiable<Real = Var<R>>>(y: &V, stamp: u32) -> Vec<(u32, R)> {
    let mut ranges = Ranges::new(stamp);
    let values = y.map_with(&mut ranges.values()).to_reals();
    ranges.numbers().zip(values.into_iter().map(|y| seed(y, nalgebra::one()))).collect()
}

/// What a computation has, as constants one mode further out: for an inner transform inside of an outer one.
///
/// The inner transform's function takes numbers of its own mode, and what the outer function was given are
/// none. `M` is that mode; the compiler finds it where the result is used.
///
/// ```
/// use difrules_core::{Real, gradient, lift};
/// use nalgebra::DVector;
///
/// fn energy<T: Real>(x: T, a: &DVector<T>) -> T {
///     a[0] * x * x + a[1] * x
/// }
///
/// /// The slope by x, for any scalar.
/// fn slope<T: Real>(x: T, a: &DVector<T>) -> T {
///     gradient(|x| energy(*x, &lift(a)), &x)
/// }
///
/// let a = DVector::from_vec(vec![3.0_f64, 1.0]);
/// assert_eq!(slope(2.0, &a), 13.0);
/// assert_eq!(gradient(|a| slope(difrules_core::lit(2.0), a), &a).as_slice(), [4.0, 1.0]);
/// ```
pub fn lift<X: Differentiable, M: Real<Inner = X::Real>>(x: &X) -> With<X, M> {
    x.map_with::<M>(&mut Lift)
}

/// The Jacobian of a function: a row for each number of its value, a column for each of `x`.
///
/// By forward evaluations, each with four columns. For a function of many numbers with few results
/// there is [`jacobian_reverse`], and the macro [`jacobian!`](crate::jacobian!) takes the better one.
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::jacobian;
/// use nalgebra::{dmatrix, vector};
///
/// let jacobian = jacobian(|x| vector![x[0] * x[1], x[0] + x[1]], &vector![2.0_f64, 3.0]);
/// assert_eq!(jacobian, dmatrix![3.0, 2.0; 1.0, 1.0]);
/// ```
pub fn jacobian<X, F, Y, V>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Differentiable,
    F: Fn(&With<X, Dual<X::Real, CHUNK>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real, CHUNK>>,
{
    let columns = X::count(&x.shape());
    Y::from_result((|| {
        let mut jacobian = DMatrix::zeros(0, columns);
        // One evaluation at least, to know the rows.
        for first in (0..columns.max(1)).step_by(CHUNK) {
            let mut derivation = Derivation::default();
            let y = f(&seeded(x, first, &mut derivation)).into_result()?;
            let rows = V::count(&y.shape());
            if first == 0 {
                jacobian = DMatrix::zeros(rows, columns);
            }
            let mut row = 0;
            y.for_each_real(&mut |y| {
                derivation.own(y.mark());
                for (column, y_dot) in (first..columns).zip(y.tangents) {
                    jacobian[(row, column)] = tangent(y.value, y_dot);
                }
                row += 1;
            });
        }
        Ok(jacobian)
    })())
}

/// The point with unit tangents for the numbers from `first` on, a direction each.
fn seeded<X: Differentiable, const N: usize>(
    x: &X,
    first: usize,
    derivation: &mut Derivation,
) -> With<X, Dual<X::Real, N>> {
    x.map_with(&mut Units { next: 0, first, derivation })
}

/// The Jacobian of a function by reverse sweeps over one recording, one a row.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::jacobian_reverse;
/// use nalgebra::{dmatrix, vector};
///
/// let jacobian = jacobian_reverse(|x| x[0] * x[1], &vector![2.0_f64, 3.0]);
/// assert_eq!(jacobian, dmatrix![3.0, 2.0]);
/// ```
pub fn jacobian_reverse<X, F, Y, V>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    Y::from_result((|| {
        let (tape, variables) = recorded(x);
        let numbers = numbers(&f(&variables).into_result()?, tape.stamp());
        Ok(rows(tape, &numbers, X::count(&x.shape())))
    })())
}

/// The Jacobian of what is recorded, a sweep a row.
fn rows<R: Real>(tape: Opened<R>, numbers: &[(u32, R)], columns: usize) -> DMatrix<R> {
    let mut jacobian = DMatrix::zeros(numbers.len(), columns);
    tape.close(|tape| {
        for (mut row, &number) in jacobian.row_iter_mut().zip(numbers) {
            let swept = tape.sweep([number]);
            for (entry, &adjoint) in row.iter_mut().zip(swept) {
                *entry = adjoint;
            }
        }
    });
    jacobian
}

/// The Jacobian of a function, by whichever mode takes fewer sweeps: reverse where the value has
/// fewer numbers than forward mode needs evaluations, forward otherwise.
///
/// A closure has one argument type and each mode needs its own, so this is a macro: it writes the
/// function out for both. [`jacobian`](fn@crate::jacobian) and
/// [`jacobian_reverse`](crate::jacobian_reverse) are the two modes themselves.
///
/// ```
/// use difrules_core::jacobian;
/// use nalgebra::{DVector, dmatrix, vector};
///
/// // A hundred numbers in, one out: one reverse sweep, not 25 forward ones.
/// let slope = jacobian!(|x| x.norm_squared(), &DVector::from_element(100, 1.0_f64));
/// assert_eq!(slope, nalgebra::DMatrix::from_element(1, 100, 2.0));
/// // Two in and two out: one forward evaluation.
/// let slopes = jacobian!(|x| vector![x[0] * x[1], x[0] + x[1]], &vector![2.0_f64, 3.0]);
/// assert_eq!(slopes, dmatrix![3.0, 2.0; 1.0, 1.0]);
/// ```
#[macro_export]
macro_rules! jacobian {
    ($function:expr, $point:expr $(,)?) => {
        $crate::__private::jacobian_by_shape($function, $function, $point)
    };
}

/// The Jacobian by the mode that takes fewer sweeps; the function is given for each.
pub fn jacobian_by_shape<X, F, Y, V, G, Z, W>(
    forward: F,
    reverse: G,
    x: &X,
) -> Y::Of<DMatrix<X::Real>>
where
    X: Differentiable,
    F: Fn(&With<X, Dual<X::Real, CHUNK>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real, CHUNK>>,
    G: FnOnce(&With<X, Var<X::Real>>) -> Z,
    Z: Outcome<Value = W, Error = Y::Error>,
    W: Differentiable<Real = Var<X::Real>>,
{
    let columns = X::count(&x.shape());
    let evaluations = columns.div_ceil(CHUNK);
    if evaluations > 1 {
        let (tape, variables) = recorded(x);
        let numbers = match reverse(&variables).into_result() {
            Ok(y) => numbers(&y, tape.stamp()),
            Err(error) => return Y::from_result(Err(error)),
        };
        if numbers.len() < evaluations {
            return Y::from_result(Ok(rows(tape, &numbers, columns)));
        }
    }
    jacobian(forward, x)
}

/// The Hessian of a function: forward over reverse, eight columns an evaluation.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::hessian;
/// use nalgebra::{dmatrix, vector};
///
/// let hessian = hessian(|x| x[0] * x[0] * x[1], &vector![2.0_f64, 3.0]);
/// assert_eq!(hessian, dmatrix![6.0, 4.0; 4.0, 0.0]);
/// ```
pub fn hessian<X, F, Y>(f: F, x: &X) -> Y::Of<DMatrix<X::Real>>
where
    X: Differentiable,
    F: Fn(&With<X, Var<Dual<X::Real, COLUMNS>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real, COLUMNS>>>,
{
    let count = X::count(&x.shape());
    Y::from_result((|| {
        let mut hessian = DMatrix::zeros(count, count);
        for first in (0..count).step_by(COLUMNS) {
            let mut derivation = Derivation::default();
            let point = seeded::<X, COLUMNS>(x, first, &mut derivation);
            swept(
                |x| f(x).into_result(),
                &point,
                |gradient| {
                    for (mut row, entry) in hessian.row_iter_mut().zip(gradient) {
                        derivation.own(entry.mark());
                        for (column, tangent) in (first..count).zip(entry.tangents) {
                            row[column] = tangent.moved();
                        }
                    }
                },
            )?;
        }
        Ok(hessian)
    })())
}

/// The Hessian of a function times a vector: forward over reverse, one evaluation.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If `direction` does not have the shape of `x`, or if the function returns a `Var` that is not of
/// this computation.
///
/// ```
/// use difrules_core::hvp;
/// use nalgebra::vector;
///
/// let product = hvp(|x| x[0] * x[0] * x[1], &vector![2.0_f64, 3.0], &vector![1.0, -1.0]);
/// assert_eq!(product, vector![2.0, 4.0]);
/// ```
pub fn hvp<X, F, Y>(f: F, x: &X, direction: &X) -> Y::Of<X>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<Dual<X::Real>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real>>>,
{
    assert_eq!(direction.shape(), x.shape(), "the direction must have the shape of the point");
    let (direction, mut derivation) = (direction.to_reals(), Derivation::default());
    let point = x.map_with(&mut Along(Numbers(&direction), &mut derivation));
    let product = swept(f, &point, |gradient| {
        let tangents = gradient.iter().map(|entry| {
            derivation.own(entry.mark());
            entry.tangents[0].moved()
        });
        let tangents: Vec<_> = tangents.collect();
        like(x, &tangents)
    });
    Y::from_result(product.map(|(_, product)| product))
}
