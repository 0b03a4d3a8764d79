//! Hessians: forward over reverse.

use nalgebra::DMatrix;

use super::gradient::swept;
use super::seeded;
use crate::contract::outcome::OutcomeOf;
use crate::contract::value::{Differentiable, With};
use crate::modes::dual::Dual;
use crate::modes::maps::like;
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;
use crate::tape::Number;

/// How many columns one evaluation has.
const COLUMNS: usize = 8;

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
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result.map(|(_, _, hessian)| hessian), aux)
}

/// The value, the gradient and the Hessian of a function: the evaluations that [`hessian`] makes have all
/// three.
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::value_gradient_and_hessian;
/// use nalgebra::{dmatrix, vector};
///
/// // A step of Newton's method.
/// let f = |x: &nalgebra::Vector2<_>| x[0] * x[0] * x[1];
/// let (value, gradient, hessian) = value_gradient_and_hessian(f, &vector![2.0_f64, 3.0]);
/// assert_eq!(value, 12.0);
/// assert_eq!(gradient, vector![12.0, 4.0]);
/// assert_eq!(hessian, dmatrix![6.0, 4.0; 4.0, 0.0]);
/// ```
pub fn value_gradient_and_hessian<X, F, Y>(f: F, x: &X) -> Y::Of<(X::Real, X, DMatrix<X::Real>)>
where
    X: Differentiable,
    F: Fn(&With<X, Var<Dual<X::Real, COLUMNS>>>) -> Y,
    Y: OutcomeOf<Var<Dual<X::Real, COLUMNS>>>,
{
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result, aux)
}

/// Reverse sweeps over forward evaluations, so many columns each; value, gradient and what comes beside are
/// those of the first.
fn by_columns<X, F, A, E>(f: F, x: &X) -> (Result<(X::Real, X, DMatrix<X::Real>), E>, A)
where
    X: Differentiable,
    F: Fn(&With<X, Var<Dual<X::Real, COLUMNS>>>) -> (Result<Var<Dual<X::Real, COLUMNS>>, E>, A),
{
    let count = X::count(&x.shape());
    let mut hessian = DMatrix::zeros(count, count);
    let mut columns = |first: usize| {
        let mut derivation = Derivation::default();
        let point = seeded::<X, COLUMNS>(x, first, &mut derivation);
        swept(&f, &point, |entries| {
            for (mut row, entry) in hessian.row_iter_mut().zip(entries) {
                derivation.own(entry.mark());
                for (column, tangent) in (first..count).zip(entry.tangents) {
                    row[column] = tangent.moved();
                }
            }
            entries.iter().map(|entry| entry.value).collect::<Vec<_>>()
        })
    };
    let (first, aux) = columns(0);
    let result = first.and_then(|(y, gradient)| {
        for first in (0..count).step_by(COLUMNS).skip(1) {
            columns(first).0?;
        }
        Ok((y.value, like(x, &gradient)))
    });
    (result.map(|(y, gradient)| (y, gradient, hessian)), aux)
}
