//! Gradients: one reverse sweep.

use super::recorded;
use crate::contract::outcome::OutcomeOf;
use crate::contract::value::{Differentiable, With};
use crate::modes::maps::{like, seed};
use crate::modes::reverse::var::Var;

/// The value of a function and what `take` takes out of the numbers of its gradient, and what comes beside.
pub(super) fn swept<X, F, A, E, Out>(
    f: F,
    x: &X,
    take: impl FnOnce(&[X::Real]) -> Out,
) -> (Result<(X::Real, Out), E>, A)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> (Result<Var<X::Real>, E>, A),
{
    let (tape, variables) = recorded(x);
    let (y, aux) = f(&variables);
    let swept = y.map(|y| {
        let (number, seed) = (y.number(tape.stamp()), seed(y.value_unseen(), nalgebra::one()));
        let out = tape.close(|tape| take(tape.sweep([(number, seed)])));
        (y.value(), out)
    });
    (swept, aux)
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
///
/// A closure that is written in the call, of this and of every transform, need not say what it takes, also where the point is a
/// structure. What it returns must be known without the call: a sum over an iterator says `.sum::<Var<_>>()`.
///
/// ```
/// use difrules_core::{Differentiable, Real, Var, value_and_gradient};
///
/// #[derive(Debug, Clone, PartialEq, Differentiable)]
/// struct Ellipse<T: Real> {
///     scale: T,
///     axes: Vec<T>,
/// }
///
/// let ellipse = Ellipse { scale: 2.0, axes: vec![1.0, 3.0] };
/// let (value, gradient) =
///     value_and_gradient(|e| e.scale * e.axes.iter().map(|x| *x * *x).sum::<Var<_>>(), &ellipse);
/// assert_eq!(value, 20.0);
/// assert_eq!(gradient, Ellipse { scale: 10.0, axes: vec![4.0, 12.0] });
/// ```
pub fn value_and_gradient<X, F, Y>(f: F, x: &X) -> Y::Of<(X::Real, X)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: OutcomeOf<Var<X::Real>>,
{
    let (swept, aux) = swept(|x| f(x).into_parts(), x, |numbers| like(x, numbers));
    Y::from_parts(swept, aux)
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
    let (swept, aux) = swept(|x| f(x).into_parts(), x, |numbers| like(x, numbers));
    Y::from_parts(swept.map(|(_, gradient)| gradient), aux)
}
