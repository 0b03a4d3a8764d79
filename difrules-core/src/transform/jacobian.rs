//! Jacobians, by columns in forward mode or by rows in reverse mode.

use nalgebra::DMatrix;

use super::{recorded, seeded};
use crate::contract::outcome::{Outcome, OutcomeOf};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, With};
use crate::modes::dual::Dual;
use crate::modes::maps::{Primals, Ranges, seed, tangent};
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;
use crate::tape::Opened;

/// How many columns one evaluation has.
const COLUMNS: usize = 4;

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
    F: Fn(&With<X, Dual<X::Real, COLUMNS>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real, COLUMNS>>,
{
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result.map(|(_, jacobian)| jacobian), aux)
}

/// The value of a function and its Jacobian, as [`jacobian`].
///
/// # Errors
/// The function's own, unchanged.
///
/// ```
/// use difrules_core::value_and_jacobian;
/// use nalgebra::{dmatrix, vector};
///
/// let f = |x: &nalgebra::Vector2<_>| vector![x[0] * x[1], x[0] + x[1]];
/// let (value, jacobian) = value_and_jacobian(f, &vector![2.0_f64, 3.0]);
/// assert_eq!(value, vector![6.0, 5.0]);
/// assert_eq!(jacobian, dmatrix![3.0, 2.0; 1.0, 1.0]);
/// ```
pub fn value_and_jacobian<X, F, Y, V>(f: F, x: &X) -> Y::Of<(With<V, X::Real>, DMatrix<X::Real>)>
where
    X: Differentiable,
    F: Fn(&With<X, Dual<X::Real, COLUMNS>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Dual<X::Real, COLUMNS>>,
{
    let (result, aux) = by_columns(|x| f(x).into_parts(), x);
    Y::from_parts(result, aux)
}

/// Forward evaluations, so many columns each; the value and what comes beside are those of the first.
fn by_columns<X, F, V, A, E>(f: F, x: &X) -> (Result<(With<V, X::Real>, DMatrix<X::Real>), E>, A)
where
    X: Differentiable,
    F: Fn(&With<X, Dual<X::Real, COLUMNS>>) -> (Result<V, E>, A),
    V: Differentiable<Real = Dual<X::Real, COLUMNS>>,
{
    let columns = X::count(&x.shape());
    let mut derivation = Derivation::default();
    let (y, aux) = f(&seeded(x, 0, &mut derivation));
    let result = y.and_then(|y| {
        let value = y.map_with(&mut Primals);
        let mut jacobian = DMatrix::zeros(V::count(&y.shape()), columns);
        let mut fill = |y: V, first, mut derivation: Derivation| {
            let mut row = 0;
            y.for_each_real(&mut |y| {
                derivation.own(y.mark());
                for (column, y_dot) in (first..columns).zip(y.tangents) {
                    jacobian[(row, column)] = tangent(y.value, y_dot);
                }
                row += 1;
            });
        };
        fill(y, 0, derivation);
        for first in (0..columns).step_by(COLUMNS).skip(1) {
            let mut derivation = Derivation::default();
            fill(f(&seeded(x, first, &mut derivation)).0?, first, derivation);
        }
        Ok((value, jacobian))
    });
    (result, aux)
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
    let (result, aux) = value_and_rows(|x| f(x).into_parts(), x);
    Y::from_parts(result.map(|(_, jacobian)| jacobian), aux)
}

/// The value of a function and its Jacobian, as [`jacobian_reverse`].
///
/// # Errors
/// The function's own, unchanged.
///
/// # Panics
/// If the function returns a `Var` that is not of this computation.
///
/// ```
/// use difrules_core::value_and_jacobian_reverse;
/// use nalgebra::{dmatrix, vector};
///
/// let (y, jacobian) = value_and_jacobian_reverse(|x| x[0] * x[1], &vector![2.0_f64, 3.0]);
/// assert_eq!((y, jacobian), (6.0, dmatrix![3.0, 2.0]));
/// ```
pub fn value_and_jacobian_reverse<X, F, Y, V>(
    f: F,
    x: &X,
) -> Y::Of<(With<V, X::Real>, DMatrix<X::Real>)>
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> Y,
    Y: Outcome<Value = V>,
    V: Differentiable<Real = Var<X::Real>>,
{
    let (result, aux) = value_and_rows(|x| f(x).into_parts(), x);
    Y::from_parts(result, aux)
}

/// One recording, swept once a row.
fn value_and_rows<X, F, V, A, E>(
    f: F,
    x: &X,
) -> (Result<(With<V, X::Real>, DMatrix<X::Real>), E>, A)
where
    X: Differentiable,
    F: FnOnce(&With<X, Var<X::Real>>) -> (Result<V, E>, A),
    V: Differentiable<Real = Var<X::Real>>,
{
    let (tape, variables) = recorded(x);
    let (y, aux) = f(&variables);
    let result = y.map(|y| {
        let (value, numbers) = numbers(&y, tape.stamp());
        (value, rows(tape, &numbers, X::count(&x.shape())))
    });
    (result, aux)
}

/// The value of a result, the numbers that it has on the tape of this stamp, and a seed of a sweep at each.
fn numbers<R: Real, V: Differentiable<Real = Var<R>>>(
    y: &V,
    stamp: u32,
) -> (With<V, R>, Vec<(u32, R)>) {
    let mut ranges = Ranges::new(stamp);
    let value = y.map_with(&mut ranges.values());
    let numbers = {
        let reals = value.reals();
        let seeds = reals.iter().map(|&y| seed(y, nalgebra::one()));
        ranges.numbers().zip(seeds).collect()
    };
    (value, numbers)
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
) -> <Y as OutcomeOf<V>>::Of<DMatrix<X::Real>>
where
    X: Differentiable,
    F: Fn(&With<X, Dual<X::Real, COLUMNS>>) -> Y,
    Y: Outcome<Value = V> + OutcomeOf<V>,
    V: Differentiable<Real = Dual<X::Real, COLUMNS>>,
    G: FnOnce(&With<X, Var<X::Real>>) -> Z,
    Z: Outcome<Value = W>
        + OutcomeOf<W, Aux = <Y as OutcomeOf<V>>::Aux, Error = <Y as OutcomeOf<V>>::Error>,
    W: Differentiable<Real = Var<X::Real>>,
{
    let columns = X::count(&x.shape());
    let evaluations = columns.div_ceil(COLUMNS);
    if evaluations > 1 {
        let (tape, variables) = recorded(x);
        let (y, aux) = reverse(&variables).into_parts();
        let numbers = match y {
            Ok(y) => numbers(&y, tape.stamp()).1,
            Err(error) => return Y::from_parts(Err(error), aux),
        };
        if numbers.len() < evaluations {
            return Y::from_parts(Ok(rows(tape, &numbers, columns)), aux);
        }
    }
    jacobian(forward, x)
}
