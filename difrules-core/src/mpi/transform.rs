//! Derivatives of what processes compute together.

use super::step::Told;
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
/// As [`value_and_gradient`](crate::value_and_gradient); in the other processes it is [`MpiError::Elsewhere`] where the
/// function panics, and a panic where a rule does.
///
/// ```no_run
/// use difrules_core::Real;
/// use difrules_core::mpi::{MpiError, Processes, Ranks, value_and_gradient};
///
/// /// The square of the sum of what all have, said by process 0.
/// fn square<T: Real>(x: &T, ranks: &Ranks<T>) -> Result<T, MpiError> {
///     let sum = ranks.reduce(0, x)?;
///     Ok(sum.map_or(T::zero(), |sum| sum * sum))
/// }
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let processes = Processes::new(&universe.world());
/// let size = processes.plain::<f64>().size() as f64;
/// let (_, slope) = value_and_gradient(&processes, square, &1.0)?;
/// assert_eq!(slope, 2.0 * size);
/// # Ok::<(), MpiError>(())
/// ```
pub fn value_and_gradient<X, F, E>(processes: &Processes, f: F, x: &X) -> Result<(X::Real, X), E>
where
    X: Differentiable<Real: Base>,
    F: FnOnce(&With<X, Var<X::Real>>, &Ranks<Var<X::Real>>) -> Result<Var<X::Real>, E>,
    E: From<MpiError>,
{
    let world = processes.shared(false);
    let _told = Told(&world);
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    let f = |(x, token): &(With<X, Var<X::Real>>, Var<X::Real>)| -> Result<_, E> {
        let ranks = Ranks::new(&world, *token);
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
///
/// ```no_run
/// use difrules_core::mpi::{MpiError, Processes, jvp};
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let processes = Processes::new(&universe.world());
/// let size = processes.plain::<f64>().size() as f64;
/// // The point of each process moves as fast.
/// let moved = jvp(&processes, |x, ranks| ranks.all_reduce(&(*x * *x)), &3.0, &1.0)?;
/// assert_eq!(moved, (9.0 * size, 6.0 * size));
/// # Ok::<(), MpiError>(())
/// ```
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
    let world = processes.shared(false);
    let _told = Told(&world);
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    let f = |(x, token): &(With<X, Dual<X::Real>>, Dual<X::Real>)| {
        let ranks = Ranks::new(&world, *token);
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
/// As [`value_gradient_and_hvp`](crate::value_gradient_and_hvp), and as [`value_and_gradient`].
///
/// ```no_run
/// use difrules_core::mpi::{MpiError, Processes, value_gradient_and_hvp};
/// use nalgebra::vector;
///
/// let universe = mpi::initialize().expect("no other part of the program has");
/// let processes = Processes::new(&universe.world());
/// // Each its own term; the sums of all three are those of the sum.
/// let own = value_gradient_and_hvp(
///     &processes,
///     |x, ranks| Ok::<_, MpiError>(x[0] * x[0] * x[1]),
///     &vector![2.0, 3.0],
///     &vector![1.0, -1.0],
/// )?;
/// let (value, gradient, product) = processes.plain().all_reduce(&own)?;
/// let size = processes.plain::<f64>().size() as f64;
/// assert_eq!((value, product), (12.0 * size, vector![2.0, 4.0] * size));
/// # Ok::<(), MpiError>(())
/// ```
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
    let world = processes.shared(false);
    let _told = Told(&world);
    let (zero, one) = (nalgebra::zero::<X::Real>(), nalgebra::one::<X::Real>());
    // The seed of the token varies too, so that what the sweep communicates does in every process.
    let gradient = |(x, token, seed): &(With<X, Dual<X::Real>>, Dual<X::Real>, Dual<X::Real>)| -> Result<_, E> {
        let f = |(x, token): &(With<X, Var<Dual<X::Real>>>, Var<Dual<X::Real>>)| -> Result<_, E> {
            let ranks = Ranks::new(&world, *token);
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
