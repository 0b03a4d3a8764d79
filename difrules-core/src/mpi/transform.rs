//! Derivatives of what processes compute together.

use super::{MpiError, Processes, Ranks};
use crate::contract::scalar::Base;
use crate::contract::value::{Differentiable, With};
use crate::modes::dual::Dual;
use crate::modes::reverse::var::Var;
use crate::tape::without_care;

/// The value of a function in this process and the gradient, by this process's point, of the sum over processes of
/// their values.
///
/// # Errors
/// The function's own; in the other processes [`MpiError::Elsewhere`] then.
///
/// # Panics
/// As [`value_and_gradient`](crate::value_and_gradient).
pub fn value_and_gradient<X, F, E>(processes: &Processes, f: F, x: &X) -> Result<(X::Real, X), E>
where
    X: Differentiable<Real: Base>,
    F: FnOnce(&With<X, Var<X::Real>>, &Ranks<Var<X::Real>>) -> Result<Var<X::Real>, E>,
    E: From<MpiError>,
{
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    let f = |(x, token): &(With<X, Var<X::Real>>, Var<X::Real>)| -> Result<_, E> {
        let ranks = processes.ranks(*token);
        let y = ranks.end(f(x, &ranks))?;
        Ok((y, ranks.token.get()))
    };
    let ((y, _), (gradient, _)) = without_care(|| crate::vjp(f, &(x.clone(), zero), &(one, one)))?;
    Ok((y, gradient))
}

/// The value of a function in this process and its derivative where the point of each process moves along its tangent.
///
/// # Errors
/// Those of [`value_and_gradient`].
///
/// # Panics
/// If `tangent` does not have the shape of `x`.
pub fn jvp<X, F, V, E>(
    processes: &Processes,
    f: F,
    x: &X,
    tangent: &X,
) -> Result<(With<V, X::Real>, With<V, X::Real>), E>
where
    X: Differentiable<Real: Base>,
    F: FnOnce(&With<X, Dual<X::Real>>, &Ranks<Dual<X::Real>>) -> Result<V, E>,
    V: Differentiable<Real = Dual<X::Real>>,
    E: From<MpiError>,
{
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    let f = |(x, token): &(With<X, Dual<X::Real>>, Dual<X::Real>)| {
        let ranks = processes.ranks(*token);
        ranks.end(f(x, &ranks))
    };
    crate::jvp(f, &(x.clone(), zero), &(tangent.clone(), one))
}

/// The value of a function in this process; by this process's point the gradient of the sum over processes of their
/// values, and how it changes where the point of each process moves along its direction: the Hessian of all times
/// the direction of all.
///
/// # Errors
/// Those of [`value_and_gradient`].
///
/// # Panics
/// As [`value_gradient_and_hvp`](crate::value_gradient_and_hvp).
pub fn value_gradient_and_hvp<X, F, E>(
    processes: &Processes,
    f: F,
    x: &X,
    direction: &X,
) -> Result<(X::Real, X, X), E>
where
    X: Differentiable<Real: Base>,
    F: FnOnce(
        &With<X, Var<Dual<X::Real>>>,
        &Ranks<Var<Dual<X::Real>>>,
    ) -> Result<Var<Dual<X::Real>>, E>,
    E: From<MpiError>,
{
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    // The seed of the token varies too, so that what the sweep communicates does in every process.
    let gradient = |(x, token, seed): &(With<X, Dual<X::Real>>, Dual<X::Real>, Dual<X::Real>)| -> Result<_, E> {
        let f = |(x, token): &(With<X, Var<Dual<X::Real>>>, Var<Dual<X::Real>>)| -> Result<_, E> {
            let ranks = processes.ranks(*token);
            let y = ranks.end(f(x, &ranks))?;
            Ok((y, ranks.token.get()))
        };
        let ((y, _), (gradient, _)) =
            crate::vjp(f, &(x.clone(), *token), &(Dual::constant(one), *seed))?;
        Ok((y, gradient))
    };
    let point = (x.clone(), zero, one);
    let ((y, gradient), (_, product)) =
        without_care(|| crate::jvp(gradient, &point, &(direction.clone(), one, one)))?;
    Ok((y, gradient, product))
}
